#!/bin/bash
# What the programs print for people fits 80 columns, however long the path of a socket is, and tells what is going on: short names
# that differ, rates with three digits at least, and counts in the end that agree with what was asked for.
. "$(dirname "$0")/../lib.sh"

# As long as a socket's path may be: 107 characters
long=$work/$(printf "%0*d" $((107 - ${#work} - 11)) 0)
mkdir "$long" || die "no folder"
emu=$IXY_BIN/ixy-emu

# fits NAME FILE...: addresses are whole, on lines of their own
fits()
{
	local name=$1 wide
	shift
	cat "$@" >"$work/text"
	[ -s "$work/text" ] || fail "$name: prints nothing"
	wide=$(grep -v '^\(port [0-9]*  \)\?[a-z]*-user:[^ ]*$' "$work/text" | grep -E '^.{81}' | head -n 3)
	[ -z "$wide" ] || fail "$name: more than 80 columns: $wide"
	grep -q '[[:space:]]$' "$work/text" && fail "$name: spaces at the end of a line"
}

# run NAME COMMAND...: what it prints fits
run()
{
	local name=$1
	shift
	"$@" >"$work/out" 2>"$work/err" </dev/null || fail "$name: exit status $?: $(cat "$work/err")"
	fits "$name" "$work/out" "$work/err"
}

for program in ixy-fwd ixy-pktgen ixy-pcap ixy-bind ixy-emu; do
	run "$program --help" "$IXY_BIN/$program" --help
done
run ixy-bind "$IXY_BIN/ixy-bind"

# 2011 frames each way, through four queues
# shellcheck disable=SC2317 # called by within
forwarded()
{
	tail -n 1 "$work/account.json" | grep -q '"tx_frames":2011,.*"tx_frames":2011,' && grep -q '^nic1 ' "$work/fwd.log"
}
spawn fwd "$emu" -d "$long" --json-file "$work/account.json" --interval 0.2 \
	gen:count=2011,window=200,flows=64 gen:count=2011,window=200,flows=64 -- "$IXY_BIN/ixy-fwd" --queues 4 '{0}' '{1}'
fwd=$!
within 60 forwarded || die "ixy-fwd does not forward 2011 packets each way"
kill -INT $fwd
ends_within 10 $fwd || die "ixy-fwd does not end"
fits ixy-fwd "$work/fwd.log"
cp "$work/fwd.log" "$work/out"
grep -q "^card  received  *sent  *dropped$" "$work/out" || fail "ixy-fwd: no heading: $(cat "$work/out")"
for card in nic0 nic1; do
	grep -Eq "^$card( +[0-9.]+ [ kMG]pps +[0-9.]+ [ kMG]bit/s){2} +[0-9.]+ [ kMG]pps\$" "$work/out" ||
		fail "ixy-fwd: no line of $card: $(cat "$work/out")"
done
grep -q "^total in [0-9.]* s  *nic0  *nic1$" "$work/out" || fail "ixy-fwd: no total"
[ "$(grep -c "packets  *2,011  *2,011$" "$work/out")" = 2 ] || fail "ixy-fwd: wrong counts: $(cat "$work/out")"
[ "$(grep -c "bytes  *120,660  *120,660$" "$work/out")" = 2 ] || fail "ixy-fwd: wrong bytes: $(cat "$work/out")"
[ "$(grep -c "dropped  *0  *0$" "$work/out")" = 2 ] || fail "ixy-fwd: wrong drops: $(cat "$work/out")"

# Two sockets of the same name
mkdir "$work/a" "$work/b"
spawn a "$emu" -q -d "$work/a" sink
a=$!
spawn b "$emu" -q -d "$work/b" sink
b=$!
within 5 test -S "$work/a/nic0.sock" || die "no socket"
within 5 test -S "$work/b/nic0.sock" || die "no socket"
run "two of one name" "$IXY_BIN/ixy-fwd" --duration 0.1 "vfio-user:$work/a/nic0.sock" "vfio-user:$work/b/nic0.sock"
grep -q "^total in [0-9.]* s  *A:nic0  *B:nic0$" "$work/out" || fail "two of one name: $(cat "$work/out")"
kill $a $b
wait $a $b

# 1000 packets per second are not 0.00 of anything, and a plain sink does not look like a failure
run ixy-pktgen "$emu" -d "$long" sink -- "$IXY_BIN/ixy-pktgen" --queues 4 --rate 100 --count 203 '{0}'
grep -Eq "^nic0 .* [0-9.]+ [ k]pps +[0-9.]+ kbit/s +0  pps$" "$work/out" || fail "ixy-pktgen: no rate: $(cat "$work/out")"
grep -q "^sent  *packets  *203$" "$work/out" || fail "ixy-pktgen: wrong count: $(cat "$work/out")"
grep -q "^sent by the driver  *203$" "$work/err" || fail "ixy-emu: wrong count: $(cat "$work/err")"
grep -qi "verified\|generator" "$work/err" && fail "a sink without a generator has verified something: $(cat "$work/err")"

run ixy-pcap "$emu" -d "$long" gen -- "$IXY_BIN/ixy-pcap" --queues 4 --duration 1.5 '{0}' /dev/null

# Rates and the account of many ports, with and without a driver
spawn many "$emu" -d "$long" --interval 0.2 gen gen:size=1518 sink cable cable loop gen:flows=100,count=1000,window=10,burst=3
many=$!
within 10 test -S "$long/nic6.sock" || die "no sockets"
"$IXY_BIN/ixy-fwd" --duration 1 "vfio-user:$long/nic1.sock" "vfio-user:$long/nic6.sock" >"$work/out" 2>"$work/err" || fail "ixy-fwd: exit status $?"
kill -INT $many
ends_within 10 $many || die "ixy-emu does not end"
fits "many ports" "$work/many.log" "$work/many.err.log"
[ "$(grep -c "^received by the driver" "$work/many.err.log")" -ge 2 ] || fail "many ports beside each other"
for port in 0 1 2 3 4 5 6; do
	grep -q " port $port " "$work/many.err.log" || fail "many ports: no account of port $port"
	grep -qx "port $port  vfio-user:$long/nic$port.sock" "$work/many.log" || fail "many ports: no address of port $port: $(cat "$work/many.log")"
done
finish
