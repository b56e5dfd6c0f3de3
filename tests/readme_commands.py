#!/usr/bin/env python3
"""readme_commands.py README WORK [AS...]: type the commands of README, one after the other, into shells that AS runs, in WORK/project.

A block of commands is one session, and each command has to succeed. Where somebody would wait for something before the next command,
so does this: for sockets, for interfaces. What does not end by itself gets a Ctrl-C when it has told its rates. Paths in /tmp
are taken to WORK. Exit status 77: something is lacking, which WORK/lacking says."""
import os
import re
import select
import shutil
import signal
import subprocess
import sys
import time

README, WORK, AS = sys.argv[1], sys.argv[2], sys.argv[3:]
PATIENCE = float(os.environ.get("IXY_PATIENCE", 120))  # seconds; for what hangs only

# Commands that are not run: who has shown them, or why nobody does.
NOT_RUN = [
    (r"make (demo|check)\b|make$", "builds the project again: the tests of clean roots do"),
    (r"make test\b", "this is part of it"),
    (r"make (bench|bench-vhost|bench-latency)\b", "measures for minutes, on an idle machine"),
    (r"make fuzz\b", "goes on for as long as one likes: each fuzzer is a test"),
    (r"make loc\b", "is the test loc"),
    (r"make (install|help)\b", "install_test, and a list"),
    (r"cc program\.c|make BUILD=", "are about other folders: install_test, build_test"),
    (r"sudo tests/vm/run", "the tests vm_* do"),
    (r"sudo |.*\| sudo |.*\b[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]|ixy-bind$", "set up this machine and its cards: vm_ixy_bind, vm_vfio_forward"),
    (r"tests/vm/prepare|scripts/install-", "make test does"),
    (r"-device ", "an option of QEMU: needs one that is newer than Debian's"),
    (r"ixy-\w+( --[a-z]+( \d+)?)*$(?<!--help)", "a name, or options: not a command"),
]
COMMAND = re.compile(r"(ixy-\w+|make|sudo|build/bin/\S+|scripts/\S+|tests/vm/\S+|dpdk-\S+|unshare|echo|ip|ulimit|export)( |$)")
ENDLESS = re.compile(r"(?!.*--(count|duration|help)\b).*\bixy-(fwd|pktgen|pcap) ")


def commands_of(text):
    """Blocks of commands: those in fences without a language, and each that stands within the text."""
    blocks, prose, block = [], [], None
    for line in text.splitlines():
        fence = re.match(r"\s*```(\w*)", line)
        if fence and block is None:
            block, shell = [], fence[1] in ("", "sh", "bash", "console")
        elif fence:
            if shell:
                joined = re.sub(r"\\\n\s*", " ", "\n".join(block))
                blocks.append([c.strip() for c in joined.split("\n") if c.strip()])
            block = None
        elif block is not None:
            block.append(line)
        else:
            prose.append(line)
    for span in re.findall(r"`([^`]+)`", "\n".join(prose)):
        span = re.sub(r"\s+", " ", span)
        if COMMAND.match(span):
            blocks.append([span])
    return blocks


def reason_not_to(command):
    return next((why for pattern, why in NOT_RUN if re.match(pattern, command)), None)


def can(*command):
    return subprocess.run([*AS, *command], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0


def lacking(block):
    text = "\n".join(block)
    if "unshare -rn" in text and not can("unshare", "-rn", "true"):
        return "user namespaces are not allowed here"
    if "tap:" in text and not can("test", "-w", "/dev/net/tun"):
        return "/dev/net/tun is missing (modprobe tun) or not for you"
    for program, package in (("dpdk-testpmd", "dpdk-dev"), ("tcpdump", "tcpdump"), ("ping", "iputils-ping")):
        if re.search(rf"\b{program}\b", text) and not shutil.which(program, path=os.environ["PATH"] + ":/usr/sbin"):
            return f"{program} is missing: apt install {package}"
    return None


def listens(path):
    """A socket exists before its program listens. To look here, unlike connecting, disturbs nobody."""
    lines = [line.split() for line in open("/proc/net/unix")]
    return any(fields[-1] == path and int(fields[3], 16) & 0x10000 for fields in lines[1:])


class Session:
    def __init__(self):
        environment = dict(os.environ, HOME=WORK + "/project", PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        environment["PATH"] = WORK + "/project/build/bin:" + environment["PATH"]
        self.shell = subprocess.Popen([*AS, "bash"], cwd=WORK + "/project", env=environment, stdin=subprocess.PIPE,
                                      stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)
        self.output = ""

    def type(self, line):
        self.shell.stdin.write(line.encode() + b"\n")
        self.shell.stdin.flush()

    def until(self, found, what):
        """Read output until found() is true."""
        end = time.monotonic() + PATIENCE
        while not found():
            if time.monotonic() > end:
                raise RuntimeError("hangs: " + what)
            if select.select([self.shell.stdout], [], [], 0.1)[0]:
                more = os.read(self.shell.stdout.fileno(), 65536).decode(errors="replace")
                if not more:
                    raise RuntimeError("the shell has ended")
                self.output += more

    def interrupt(self, command):
        """Ctrl-C"""
        for entry in os.listdir("/proc"):
            try:
                stat = open(f"/proc/{entry}/stat").read() if entry.isdigit() else ""
                words = open(f"/proc/{entry}/cmdline").read().split("\0") if entry.isdigit() else [""]
            except OSError:
                continue
            # A child of this shell, and not one of those in the background
            if stat and int(stat.rsplit(")", 1)[1].split()[1]) == self.shell.pid and words[:-1] == command.split()[:len(words) - 1]:
                os.kill(int(entry), signal.SIGINT)
                return
        raise RuntimeError("is not there to be interrupted")

    def run(self, command, background):
        """Return what it has printed."""
        self.output = ""
        bare = re.sub(r"\s#\s.*", "", command)
        self.type(bare + " &" if background else command)
        self.type('echo "@done@$?@"')
        if ENDLESS.match(bare) and not background and "&" not in bare:
            self.until(lambda: "pps" in self.output or "@done@" in self.output, bare)
            if "@done@" not in self.output:
                self.interrupt(bare)
        self.until(lambda: re.search("@done@[0-9]*@", self.output), bare)
        status = re.search("@done@([0-9]*)@", self.output)[1]
        if status != "0":
            raise RuntimeError("exit status " + status)
        for name in re.findall(r"iface=([^\s,]+)", bare) + [d + "/nic0.sock" for d in re.findall(r"-d (\S+)", bare)]:
            self.until(lambda: listens(name), name)
        if re.match("ping ", bare) and " 0% packet loss" not in self.output:
            raise RuntimeError("packets were lost")
        return self.output

    def wait_for_interfaces(self, names):
        for name in names:
            self.type(f"until ip link show {name} >/dev/null 2>&1; do sleep 0.1; done; echo @there@{name}@")
            self.until(lambda: f"@there@{name}@" in self.output, name)

    def end(self):
        for how in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(self.shell.pid, how)
                self.shell.wait(5)
            except (ProcessLookupError, subprocess.TimeoutExpired):
                pass
        self.shell.stdout.close()


def run_block(block):
    session, taps, failed = Session(), [], 0
    elsewhere = any("another terminal" in command for command in block[1:])
    try:
        for i, command in enumerate(block):
            why = reason_not_to(command)
            if why:
                print(f"not run  {command}\n         {why}")
                continue
            taps += re.findall(r"\btap:(\w+)", command)
            try:
                session.run(command.replace("/tmp/", WORK + "/"), elsewhere and i == 0)
                if command.startswith("sleep "):  # so that what was started is there
                    session.wait_for_interfaces(taps)
            except RuntimeError as error:
                print(f"FAIL     {command}\n         {error}; it says:\n{session.output}")
                failed += 1
                break
            print(f"ok       {command}", flush=True)
    finally:
        session.end()
    return failed


def main():
    failed, missing = 0, []
    blocks = commands_of(open(README, encoding="utf-8").read())
    for block in blocks:
        why = lacking(block)
        if why:
            missing.append(why)
            print(f"lacking  {block[0]}\n         {why}")
        else:
            failed += run_block(block)
    if failed:
        sys.exit(1)
    if missing:
        with open(WORK + "/lacking", "w", encoding="utf-8") as file:
            file.write(missing[0])
        sys.exit(77)


main()
