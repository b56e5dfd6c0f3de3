"""What the comparisons (run, vhost/run) share: figures by turn, tables, the machine, huge pages."""
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))

report = []  # lines printed so far


def say(line=""):
    print(line, flush=True)
    report.append(line)


def progress(what):
    print(f"  {time.strftime('%H:%M:%S')} {what}", file=sys.stderr, flush=True)


# ---- Figures are {turn: value} ----

def median(figures):
    return statistics.median(figures.values()) if figures else None


def ratio(ours, theirs):
    """The median of the ratios within turns."""
    both = [ours[t] / theirs[t] for t in ours if theirs.get(t)]
    return statistics.median(both) if both else None


def number(value, digits=1):
    return "-" if value is None else f"{value:.{digits}f}"


def table(head, lines):
    widths = [max(len(str(row[i])) for row in [head] + lines) for i in range(len(head))]
    for row in [head] + lines:
        say("  ".join(str(c).ljust(w) if i == 0 else str(c).rjust(w) for i, (c, w) in enumerate(zip(row, widths))).rstrip())
    say()


# ---- The machine ----

def first_line(*command):
    try:
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.splitlines()[0]
    except (OSError, IndexError):
        return "-"


def describe_machine(processors, dpdk=""):
    models = [line.split(":")[1].strip() for line in open("/proc/cpuinfo") if line.startswith("model name")]
    say(f"date:      {time.strftime('%Y-%m-%d %H:%M')}")
    say(f"processor: {models[0] if models else '-'}{processors}")
    say(f"kernel:    {platform.release()}; 2 MiB pages free: {free_huge_pages()}")
    say(f"compiler:  {first_line('cc', '--version')}")
    say(f"ixy:       {first_line('git', '-C', HERE, 'describe', '--always', '--dirty')}")
    say(f"DPDK:      {first_line('dpkg-query', '-W', '-f', '${Version}', 'libdpdk-dev')}{dpdk}")


# ---- Huge pages, which DPDK needs, and which make all drivers faster ----

HUGE = "/sys/kernel/mm/hugepages/hugepages-2048kB/"


def free_huge_pages():
    try:
        return int(open(HUGE + "free_hugepages").read())
    except OSError:
        return 0


class HugePages:
    """Reserves enough of them, if permitted, and restores the number."""

    def __enter__(self):
        self.before = None
        if free_huge_pages() < 256 and os.access(HUGE + "nr_hugepages", os.W_OK):
            self.before = open(HUGE + "nr_hugepages").read()
            with open(HUGE + "nr_hugepages", "w") as file:
                file.write(str(int(self.before) + 256))
        if free_huge_pages() < 96:
            print("no free 2 MiB pages: all drivers are slower, DPDK most; as root: "
                  "echo 256 > /proc/sys/vm/nr_hugepages", file=sys.stderr)

    def __exit__(self, *_):
        if self.before:
            with open(HUGE + "nr_hugepages", "w") as file:
                file.write(self.before)
