#!/bin/bash
# Capture files as people have them: ixy-pktgen and ixy-emu send the same packets of each, and say what they leave out.
. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1

# header LINK_TYPE, record CAPTURED [LENGTH]: parts of a capture, little-endian
le()
{
	printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'
}
header()
{
	# shellcheck disable=SC2059 # octets for printf
	printf "\xd4\xc3\xb2\xa1\2\0\4\0\0\0\0\0\0\0\0\0\xff\xff\0\0$(le "$1")"
}
record()
{
	# shellcheck disable=SC2059
	printf "\1\0\0\0\2\0\0\0$(le "$1")$(le "${2:-$1}")\2\0\0\0\0\2\2\0\0\0\0\1\x08\0"
	head -c $(($1 - 14)) /dev/zero
}

# sends FILE PACKETS BYTES STATUS WORD...: both programs do so and say that; bytes as the driver sees them
sends()
{
	local file=$1 packets=$2 bytes=$3 expected=$4 word
	shift 4
	"$IXY_BIN/ixy-emu" --json-file pktgen.json pcap:out=sent.pcap -- \
		"$IXY_BIN/ixy-pktgen" --quiet --pcap "$file" '{0}' 2>pktgen.log
	status=$?
	[ $status = "$expected" ] || fail "ixy-pktgen --pcap $file: exit status $status instead of $expected"
	[ "$(total tx_frames pktgen.json)" = "$packets" ] || fail "ixy-pktgen sent $(total tx_frames pktgen.json) packets of $file"
	[ "$(total tx_bytes pktgen.json)" = "$bytes" ] || fail "ixy-pktgen sent $(total tx_bytes pktgen.json) bytes of $file"

	# The wire knows longer frames than the driver is set to accept: those that the driver refuses count here.
	local end="--count $packets" # they come in one burst
	[ "$packets" != 0 ] || end="--duration 0.2"
	# shellcheck disable=SC2086 # two words
	"$IXY_BIN/ixy-emu" --json-file wire.json "pcap:in=$file" -- \
		"$IXY_BIN/ixy-pcap" --quiet $end '{0}' replayed.pcap 2>wire.log
	status=$?
	[ $status = "$expected" ] || [ "$packets" = 0 ] || fail "pcap:in=$file: exit status $status instead of $expected"
	[ "$(total rx_frames wire.json)" = "$packets" ] || fail "pcap:in=$file brought $(total rx_frames wire.json) packets"
	for word in "$@"; do
		grep -q -e "$word" pktgen.log || fail "ixy-pktgen --pcap $file does not say: $word"
		[ "${word#--mtu}" != "$word" ] || grep -q -e "$word" wire.log || [ "$(total rx_oversize wire.json)" = 1 ] ||
			fail "pcap:in=$file does not say: $word"
	done
}

{ header $((0x24000001)); record 64; record 104; } >fcs.pcap
sends fcs.pcap 2 160 0
{ header 1; record 100; record 65549; record 100; } >loopback.pcap
sends loopback.pcap 2 200 0 "1 of 3 packets skipped, 1 too long" 65549
{ header 1; record 100; record 14000; record 100; } >tso.pcap
sends tso.pcap 2 200 0 "1 of 3 packets skipped, 1 too long" 14000
{ header 1; record 100; record 96 1400; record 100; } >snapped.pcap
sends snapped.pcap 2 200 0 "1 of 3 packets skipped, 1 cut by the snap length"
{ header 1; record 96 1400; record 96 1400; } >stumps.pcap
sends stumps.pcap 0 0 1 "2 of 2 packets skipped"
{ header 1; record 100; record 100 | head -c 50; } >interrupted.pcap
sends interrupted.pcap 1 100 1 "damaged at byte 156: the last packet is cut"

# What is advised is enough.
{ header 1; record 100; record 9000; } >jumbo.pcap
sends jumbo.pcap 1 100 0 "1 of 2 packets skipped, 1 too long" "--mtu 8982"
"$IXY_BIN/ixy-emu" --json-file pktgen.json pcap:out=sent.pcap -- \
	"$IXY_BIN/ixy-pktgen" --quiet --mtu 8982 --pcap jumbo.pcap '{0}' 2>pktgen.log || fail "--mtu 8982: exit status $?"
[ "$(total tx_bytes pktgen.json)" = 9100 ] || fail "--mtu 8982 does not send frames of 9000 bytes"
[ -s pktgen.log ] && fail "--mtu 8982 complains"

# Standard input, as a pipe and as a file; a wait for it ends by a signal.
for input in "cat jumbo.pcap |" "<jumbo.pcap"; do
	eval "$input" '"$IXY_BIN/ixy-emu" --json-file pktgen.json pcap:out=sent.pcap -- \
		"$IXY_BIN/ixy-pktgen" --quiet --count 3 --mtu 9000 --pcap - "{0}"' 2>pktgen.log || fail "$input: exit status $?"
	[ "$(total tx_bytes pktgen.json)" = 9200 ] || fail "$input ixy-pktgen --pcap - has not sent its packets"
	eval "$input" '"$IXY_BIN/ixy-emu" --json-file wire.json pcap:in=-,loop=2 -- \
		"$IXY_BIN/ixy-pcap" --quiet --mtu 9000 --count 4 "{0}" replayed.pcap' 2>wire.log || fail "$input: exit status $?"
	[ "$(total rx_bytes wire.json)" = 18200 ] || fail "$input ixy-emu pcap:in=- has not replayed its packets"
done
mkfifo silent
sleep 1000 >silent &
spawned+=($!)
# A shell starts background jobs with SIGINT ignored: that is not what is to be seen here.
spawn waits "$IXY_BIN/ixy-emu" sink -- sh -c "exec '$IXY_BIN/ixy-pktgen' --quiet --pcap - '{0}' <silent"
emu=$!
within 5 sh -c "grep -qa ixy-pktgen /proc/*/cmdline" && sleep 0.5
kill -TERM $emu
ends_within 5 $emu || fail "ixy-pktgen waits for its input for ever"
spawn waits sh -c "exec '$IXY_BIN/ixy-emu' pcap:in=- <silent"
emu=$!
sleep 0.5
kill -TERM $emu
ends_within 5 $emu || fail "ixy-emu waits for its input for ever"

# Other formats: what is advised, done literally, helps.
if command -v editcap >/dev/null && command -v tcpdump >/dev/null; then
	editcap -F pcapng tso.pcap 'new format.pcapng' 2>editcap.log || die "editcap failed"
	chmod 755 .
	for program in "ixy-emu pcap:in='new format.pcapng'" "ixy-emu sink -- ixy-pktgen --pcap 'new format.pcapng' {0}"; do
		rm -f converted.pcap
		(PATH=$IXY_BIN:$PATH; eval "$program" >/dev/null 2>refused.log) && fail "$program: exit status 0"
		sh -c "$(sed -n 's/.*convert it: //p' refused.log)" 2>convert.log || fail "the advice does not work"
		[ "$(tcpdump -nr converted.pcap 2>/dev/null | wc -l)" = 3 ] || fail "the advice helps nothing: $(cat refused.log)"
	done
fi
gzip -k jumbo.pcap
"$IXY_BIN/ixy-emu" pcap:in=jumbo.pcap.gz 2>refused.log && fail "a compressed file is taken"
sh -c "$(sed -n 's/.*unpack it: //p' refused.log)"
cmp -s jumbo.pcap unpacked.pcap || fail "the advice for compressed files helps nothing: $(cat refused.log)"

# A capture is nothing for a terminal.
if command -v script >/dev/null; then
	script -qec "'$IXY_BIN/ixy-emu' gen -- '$IXY_BIN/ixy-pcap' --count 10 '{0}' -" /dev/null </dev/null >terminal.log
	status=$?
	[ $status = 1 ] || fail "ixy-pcap to a terminal: exit status $status"
	grep -q 'standard output is a terminal' terminal.log || fail "ixy-pcap to a terminal: no word about that"
fi

# ixy-pcap says how many packets the file has.
"$IXY_BIN/ixy-emu" gen -- "$IXY_BIN/ixy-pcap" --count 1000 '{0}' counted.pcap >counted.log 2>&1 || fail "exit status $?"
grep -q '^1000 packets captured, 0 lost' counted.log || fail "ixy-pcap does not say how many packets it has captured"
finish
