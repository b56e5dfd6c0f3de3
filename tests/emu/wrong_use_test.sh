#!/bin/bash
# Wrong use: one line on standard error that helps, behind the program's name, and an exit status. Output that cannot be written is an
# error; what is printed as JSON can be parsed, whatever happens.
. "$(dirname "$0")/../lib.sh"

# wrong NAME WORD STATUS COMMAND...: must fail with STATUS, with one line that has WORD in it
wrong()
{
	local name=$1 word=$2 expected=$3 lines
	shift 3
	timeout --signal=KILL $((30 * IXY_SLOWDOWN)) "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	lines=$(wc -l <"$work/err")
	printf '%-36s %s\n' "$name" "$(head -n 1 "$work/err")"
	[ $status = "$expected" ] || fail "$name: exit status $status instead of $expected"
	[ "$lines" = 1 ] || fail "$name: $lines lines instead of 1: $(cat "$work/err")"
	[ -s "$work/out" ] && fail "$name: something on standard output"
	grep -qi -e "$word" "$work/err" || fail "$name: does not mention $word"
	grep -q "^$(basename "$1"): " "$work/err" || fail "$name: does not begin with the program's name"
}

spawn emu "$IXY_BIN/ixy-emu" --quiet --socket-dir "$work/s" sink sink
within 5 test -S "$work/s/nic1.sock" || die "no sockets"
card=vfio-user:$work/s/nic0.sock
fwd=$IXY_BIN/ixy-fwd
pktgen=$IXY_BIN/ixy-pktgen
pcap=$IXY_BIN/ixy-pcap
emu=$IXY_BIN/ixy-emu

wrong "no arguments" usage 2 "$fwd"
wrong "one card for the forwarder" usage 2 "$fwd" "$card"
wrong "unknown option" 'no-such' 2 "$fwd" --no-such "$card" "$card"
wrong "unknown short option" '-x: no such' 2 "$fwd" -qx "$card" "$card"
wrong "flag with a value" 'no value' 2 "$fwd" --json=1 "$card" "$card"
wrong "option without value" batch 2 "$pktgen" "$card" --batch
wrong "no PCI function there" 'ffff:7f:1f.7' 1 "$pktgen" ffff:7f:1f.7
wrong "no address" nonsense 1 "$pktgen" nonsense
wrong "empty address" '' 1 "$pktgen" ''
wrong "no socket" "$work/none.sock" 1 "$pktgen" "vfio-user:$work/none.sock"
wrong "empty socket path" vfio-user 1 "$pktgen" vfio-user:
touch "$work/file"
wrong "a file that is no socket" "$work/file" 1 "$pktgen" "vfio-user:$work/file"
long=$(printf '%0200d' 0)
wrong "socket path too long" path 1 "$pktgen" "vfio-user:/tmp/$long"

# A stale socket file
spawn dead "$emu" --quiet --socket-dir "$work/d" sink
within 5 test -S "$work/d/nic0.sock"
kill -KILL $!
wait $! 2>/dev/null
wrong "a stale socket" nic0.sock 1 "$pktgen" "vfio-user:$work/d/nic0.sock"

wrong "the same card twice" nic0 1 "$fwd" "$card" "$card"
wrong "zero queues" queues 2 "$fwd" --queues 0 "$card" "$card"
wrong "too many queues" queues 1 "$pktgen" --queues 200 "$card"
wrong "more threads than queues" queues 2 "$pktgen" --threads 3 --queues 2 "$card"
wrong "throttle without interrupts" interrupts 2 "$fwd" --throttle 10 "$card" "$card"
wrong "throttle too long" 1022 2 "$fwd" --interrupts --throttle 1023 "$card" "$card"
wrong "more send queues than there are" 64 1 "$fwd" --queues 65 "$card" "$card"
wrong "more receive queues than there are" 128 1 "$fwd" --queues 129 "$card" "$card"
wrong "receive ring of 100" ring 1 "$pktgen" --rx-ring 100 "$card"
wrong "send ring of 100" ring 1 "$pktgen" --tx-ring 100 "$card"
wrong "pool smaller than the rings" buffers 1 "$pktgen" --buffers 100 "$card"
wrong "MTU of 20000" mtu 1 "$pktgen" --mtu 20000 "$card"
wrong "no number" size 2 "$pktgen" --size big "$card"
wrong "negative number" count 2 "$pktgen" --count -1 "$card"
wrong "number with another unit" '10X' 2 "$pktgen" --rate 10X "$card"
wrong "no time" duration 2 "$pktgen" --duration 0 "$card"
wrong "no packets" count 2 "$pktgen" --count 0 "$card"
wrong "no packets to capture" count 2 "$pcap" --count 0 "$card" "$work/none.pcap"
wrong "packets that are too short" size 2 "$pktgen" --size 20 "$card"
wrong "packets longer than the MTU" mtu 2 "$pktgen" --size 9000 "$card"

wrong "capture file that is not there" none.pcap 1 "$pktgen" --pcap "$work/none.pcap" "$card"
echo "this is no capture file, but it is long enough to have a header" >"$work/text"
wrong "file that is no pcap" text 1 "$pktgen" --pcap "$work/text" "$card"
: >"$work/empty.pcap"
wrong "empty file" empty.pcap 1 "$pktgen" --pcap "$work/empty.pcap" "$card"
printf '\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0\1\0\0\0' >"$work/header.pcap"
wrong "pcap without packets" header.pcap 1 "$pktgen" --pcap "$work/header.pcap" "$card"
{ cat "$work/header.pcap"; printf '\0\0\0\0\0\0\0\0\xff\xff\xff\x7f\xff\xff\xff\x7fxx'; } >"$work/huge.pcap"
wrong "pcap with an impossible record" huge.pcap 1 "$pktgen" --pcap "$work/huge.pcap" "$card"
wrong "capture into no folder" none/x.pcap 1 "$pcap" "$card" "$work/none/x.pcap"

wrong "emulator without a wire" wire 2 "$emu"
wrong "emulator: unknown wire" nonsense 2 "$emu" nonsense
wrong "emulator: unknown option" no-such 2 "$emu" --no-such gen
wrong "emulator: unknown wire option" nonsense 2 "$emu" gen:nonsense=1
wrong "emulator: impossible size" size 2 "$emu" gen:size=20
wrong "emulator: file that is not there" none.pcap 1 "$emu" "pcap:in=$work/none.pcap"
wrong "emulator: file that is no pcap" text 2 "$emu" "pcap:in=$work/text"
wrong "emulator: one end of a cable" cable 2 "$emu" cable:a
wrong "emulator: socket in use" nic0.sock 1 "$emu" --socket-dir "$work/s" sink
wrong "emulator: no time" duration 2 "$emu" --duration 0 gen
wrong "emulator: empty socket folder" empty 2 "$emu" -d '' gen
wrong "emulator: port that is not there" '{3}' 2 "$emu" gen -- true '{3}'
wrong "emulator: no such command" none 127 "$emu" --quiet gen -- "$work/none"

# ---- Output ----

for program in ixy-fwd ixy-pktgen ixy-pcap ixy-bind ixy-emu; do
	for option in --help -h --version -V; do
		"$IXY_BIN/$program" $option >"$work/out" 2>"$work/err" || fail "$program $option: exit status $?"
		[ -s "$work/out" ] || fail "$program $option: prints nothing"
		[ -s "$work/err" ] && fail "$program $option: something on standard error"
		"$IXY_BIN/$program" $option >/dev/full 2>"$work/err"
		status=$?
		[ $status = 1 ] || fail "$program $option to a full disk: exit status $status"
		[ "$(cat "$work/err")" = "$program: cannot write standard output: No space left on device" ] ||
			fail "$program $option to a full disk: $(cat "$work/err")"
		"$IXY_BIN/$program" $option >&- 2>"$work/err" && fail "$program $option to nowhere: exit status 0"
	done
done

# A card's socket must not become standard output, and what is printed not part of the protocol.
for option in --quiet --json; do
	"$pktgen" $option --count 10 "$card" >&- 2>"$work/err"
	status=$?
	[ "$option $status" = "--quiet 0" ] || [ "$option $status" = "--json 1" ] || fail "$option, no standard output: exit status $status"
	[ "$status" = "$(wc -l <"$work/err")" ] || fail "$option, no standard output: $(cat "$work/err")"
done
"$pktgen" --json --duration 60 "$card" >/dev/full 2>"$work/err"
status=$?
[ $status = 1 ] || fail "JSON to a full disk: exit status $status"
[ "$(wc -l <"$work/err")" = 1 ] || fail "JSON to a full disk: $(cat "$work/err")"

# parses NAME FILE TYPE: each line is a JSON object with a type, and the last one's is TYPE
parses()
{
	python3 - "$2" "$3" <<-'P' || fail "$1: $(cat "$2")"
		import json, sys
		types = [json.loads(line)["type"] for line in open(sys.argv[1])]
		sys.exit(types[-1:] != [sys.argv[2]])
	P
}
need python3 python3
for rate in 1k 0.001M 0.000001G; do
	"$pktgen" --json --rate $rate --count 20 "$card" >"$work/out" || fail "--rate $rate: exit status $?"
	parses "--rate $rate" "$work/out" total
done

# The server is killed while statistics are printed: events, and the end.
spawn doomed "$emu" --quiet --socket-dir "$work/k" gen sink
doomed=$!
within 5 test -S "$work/k/nic1.sock" || die "no sockets"
spawn orphan "$fwd" --json "vfio-user:$work/k/nic0.sock" "vfio-user:$work/k/nic1.sock"
orphan=$!
within 10 grep -q interval "$work/orphan.log" || die "ixy-fwd does not run"
kill -KILL $doomed
ends_within 20 $orphan || die "ixy-fwd does not end when its cards are gone"
[ "$status" = 1 ] || fail "cards that are gone: exit status $status"
grep -q '"type":"event"' "$work/orphan.log" || fail "cards that are gone: no event: $(cat "$work/orphan.log")"
parses "cards that are gone" "$work/orphan.log" total

# Statistics and messages on standard error, both as JSON
rm "$work"/k/*.sock # the killed one's: they say nothing about the next
spawn doomed "$emu" --quiet --socket-dir "$work/k" gen:rate=100
doomed=$!
within 5 test -S "$work/k/nic0.sock" || die "no socket"
spawn orphan "$pcap" --json "vfio-user:$work/k/nic0.sock" -
orphan=$!
within 10 grep -q interval "$work/orphan.err.log" || die "ixy-pcap does not run"
kill -KILL $doomed
ends_within 20 $orphan || die "ixy-pcap does not end when its card is gone"
grep -q '"type":"message"' "$work/orphan.err.log" || fail "a card that is gone: no message: $(cat "$work/orphan.err.log")"
parses "a card that is gone" "$work/orphan.err.log" total

# After all that the card still works.
"$pktgen" --quiet --count 100 "$card" >"$work/after.log" 2>&1 || fail "the card does not work any more: $(cat "$work/after.log")"
finish
