#!/bin/bash
# Wrong use: one line on standard error that helps, an exit status, and all that at once.
. "$(dirname "$0")/../lib.sh"

# wrong NAME WORD STATUS COMMAND...: must fail with STATUS, with one line that has WORD in it, in a second
wrong()
{
	local name=$1 word=$2 expected=$3 start took lines
	shift 3
	start=$(now_ms)
	timeout --signal=KILL $((10 * IXY_SLOWDOWN)) "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	took=$(($(now_ms) - start))
	lines=$(wc -l <"$work/err")
	printf '%-34s %5d ms  %s\n' "$name" $took "$(head -n 1 "$work/err")"
	[ $status = "$expected" ] || fail "$name: exit status $status instead of $expected"
	[ "$lines" = 1 ] || fail "$name: $lines lines instead of 1: $(cat "$work/err")"
	[ -s "$work/out" ] && fail "$name: something on standard output"
	grep -qi -e "$word" "$work/err" || fail "$name: does not mention $word"
	[ $took -lt $((1000 * IXY_SLOWDOWN)) ] || fail "$name: took $took ms"
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

# A socket file that nobody serves any more
spawn dead "$emu" --quiet --socket-dir "$work/d" sink
within 5 test -S "$work/d/nic0.sock"
kill -KILL $!
wait $! 2>/dev/null
wrong "a socket that is nobody's" nic0.sock 1 "$pktgen" "vfio-user:$work/d/nic0.sock"

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
wrong "emulator: port that is not there" '{3}' 2 "$emu" gen -- true '{3}'
wrong "emulator: no such command" none 127 "$emu" --quiet gen -- "$work/none"

for program in ixy-fwd ixy-pktgen ixy-pcap ixy-bind ixy-emu; do
	for option in --help --version; do
		"$IXY_BIN/$program" $option >"$work/out" 2>"$work/err" || fail "$program $option: exit status $?"
		[ -s "$work/out" ] || fail "$program $option: prints nothing"
		[ -s "$work/err" ] && fail "$program $option: something on standard error"
	done
done

# After all that the card still works.
"$pktgen" --quiet --count 100 "$card" >"$work/after.log" 2>&1 || fail "the card does not work any more: $(cat "$work/after.log")"
finish
