#!/bin/bash
# What the benchmarks say of figures: PASS and MISS where both sides have some, n/a where one has none; the best of DPDK's paths is
# known only when all of them were measured. Nothing is measured here.
. "$(dirname "$0")/lib.sh"
need python3 python3

export IXY_SOURCE PYTHONDONTWRITEBYTECODE=1
cat >"$work/judge.py" <<'P'
import importlib.machinery, importlib.util, os, sys

def load(name):
    path = os.path.join(os.environ["IXY_SOURCE"], "bench", name)
    loader = importlib.machinery.SourceFileLoader(name.replace("/", "_"), path)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.argv = [path]
    loader.exec_module(module)
    return module

def verdict_of(module, judge, line):
    module.report.clear()
    judge()
    found = [l for l in module.report if line in l]
    assert len(found) == 1, (line, module.report)
    return found[0].split()[0]

def check(what, got, wanted):
    assert got == wanted, f"{what}: {got} instead of {wanted}"

# ---- bench/run ----

run = load("run")
run.drivers = lambda: ["floor", "ixy", *run.DPDK]

def rows(cycles, batch=32):
    for driver, value in cycles.items():
        for turn in range(3):
            run.rows.append(dict(kind="cycles", driver=driver, task="forward", placement="llc", ring=512, pool=4096, size=64,
                                 batch=batch, turn=turn, values=[value, 0, 100]))

def llc(cycles, line="forward, llc: ixy / DPDK", **more):
    run.rows.clear()
    rows(cycles, **more)
    return verdict_of(run, lambda: run.verdict({}, []), line)

paths = {"dpdk-vector": 40, "dpdk-scalar": 60, "dpdk-full": 100}
check("half of the best", llc({"ixy": 20, **paths}), "PASS")
check("all of the best", llc({"ixy": 40, **paths}), "MISS")
for path in paths:
    check("without " + path, llc({"ixy": 20, **{p: c for p, c in paths.items() if p != path}}), "n/a")
check("without ours", llc(paths), "n/a")
check("without DPDK", llc({"ixy": 20}), "n/a")
check("nothing at all", llc({}), "n/a")
# The vector path cannot do batches of 1: there the others are all.
one = dict(line="forward, batch 1, llc", batch=1)
check("one by one", llc({"ixy": 20, "dpdk-scalar": 60, "dpdk-full": 100}, **one), "PASS")
check("one by one, one path missing", llc({"ixy": 20, "dpdk-full": 100}, **one), "n/a")
check("no floor", llc({"ixy": 20, **paths}, line="forward, llc: ixy / floor"), "n/a")

# Instructions: a limit for a compiler that has one
def instructions(compiler, count):
    run.first_line = lambda *command: compiler if "--compiler" in command else first_line(*command)
    run.rows[:] = [dict(kind="counts", driver="ixy", task="forward", placement="count", ring=512, pool=4096, size=64, batch=32,
                        turn=0, values=[count, 0.0625])]
    return verdict_of(run, lambda: run.verdict({}, []), "instructions per packet, " + compiler)

first_line = run.first_line
check("gcc 12", instructions("gcc 12", 64.3), "PASS")
check("gcc 12, too many", instructions("gcc 12", 99), "MISS")
check("an unknown compiler", instructions("gcc 99", 64.3), "n/a")

# ---- bench/vhost/run ----

vhost = load("vhost/run")

def sends(mpps):
    vhost.rows.clear()
    vhost.alone.clear()
    for driver, value in mpps.items():
        vhost.rows[driver, "send", 64] = {turn: (value, 1, 0) for turn in range(3)}
    return verdict_of(vhost, vhost.verdict, "send, 64 bytes")

ours = {"ixy-split": 10, "ixy-packed": 12}
theirs = {d: 8 for d in vhost.DRIVERS if d not in ours}
check("vhost, faster", sends({**ours, **theirs}), "PASS")
check("vhost, slower than one", sends({**ours, **theirs, "dpdk-packed": 20}), "MISS")
for path in theirs:
    check("vhost, without " + path, sends({**ours, **{d: m for d, m in theirs.items() if d != path}}), "n/a")
check("vhost, without one of ours", sends({"ixy-split": 10, **theirs}), "n/a")
check("vhost, nothing at all", sends({}), "n/a")
vhost.tables()
P
python3 "$work/judge.py" >"$work/judge.log" 2>&1 || fail "see below"

# bench/latency when not a single packet comes back
mkdir -p "$work/build/bin"
for program in ixy-emu ixy-fwd; do
	printf '#!/bin/sh\n' >"$work/build/bin/$program"
done
chmod +x "$work/build/bin"/*
"$IXY_SOURCE/bench/latency" "$work/build" 1 >"$work/latency.log" || fail "bench/latency: exit status $?"
[ "$(grep -c 'n/a' "$work/latency.log")" = 6 ] || fail "bench/latency: no packet came back, and it does not say so"

# bench/gate: a limit for a compiler that has one, doorbells for all
gate() # COMPILER INSTRUCTIONS DOORBELLS: exit status
{
	cat >"$work/build/bin/bench-ixy" <<-SH
		#!/bin/sh
		[ "\$1" = --compiler ] && echo "$1" || echo "counts,ixy,forward,count,512,4096,64,32,$2,$3"
	SH
	chmod +x "$work/build/bin/bench-ixy"
	(unset IXY_REQUIRE_ALL && "$IXY_SOURCE/bench/gate" "$work/build" >"$work/gate.log" 2>&1)
	status=$?
}
gate "gcc 12" 64.28 0.0625
[ $status = 0 ] || fail "gate, gcc 12: exit status $status"
gate "gcc 12" 65.16 0.0625
[ $status = 1 ] || fail "gate, gcc 12, too many instructions: exit status $status"
gate "gcc 14" 65.16 0.0625
[ $status = 0 ] || fail "gate, gcc 14: exit status $status"
gate "gcc 12" 64.28 0.125
[ $status = 1 ] || fail "gate, gcc 12, too many doorbells: exit status $status"
gate "gcc 99" 99 0.0625
[ $status = 77 ] || fail "gate, an unknown compiler: exit status $status"
gate "gcc 99" 64.28 0.125
[ $status = 1 ] || fail "gate, an unknown compiler, too many doorbells: exit status $status"
cat >"$work/build/bin/bench-ixy" <<-'SH'
	#!/bin/sh
	[ "$1" != --compiler ] || echo "gcc 12"
SH
"$IXY_SOURCE/bench/gate" "$work/build" >"$work/gate.log" 2>&1 && fail "gate: exit status 0 when nothing was measured"
finish
