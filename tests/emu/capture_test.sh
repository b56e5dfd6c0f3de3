#!/bin/bash
# Packets of a capture file go out by ixy-pktgen on one end of a cable and come in by ixy-pcap on the other: the same
# packets, in the eyes of tshark and tcpdump. Also by ixy-emu's pcap wire, and through a pipe.
. "$(dirname "$0")/../lib.sh"
need tshark tshark
need tcpdump tcpdump
packets=300

make_capture "$work/in.pcap" $packets

# see FILE TEXT: what the two tools make of it, times aside
see()
{
	tcpdump -n -t -xx -r "$1" >"$2" 2>"$work/tcpdump.err" || fail "tcpdump does not read $1: $(cat "$work/tcpdump.err")"
	tshark -n -r "$1" -o udp.check_checksum:TRUE -o ip.check_checksum:TRUE -T fields -e frame.len -e frame.cap_len \
		-e eth.dst -e ip.src -e ip.checksum.status -e udp.checksum.status -e data.data -e _ws.expert.message \
		>>"$2" 2>"$work/tshark.err" || fail "tshark does not read $1"
	grep -v 'Running as user' "$work/tshark.err" && fail "tshark complains about $1"
	[ "$(tshark -n -r "$1" -Y _ws.malformed 2>/dev/null | wc -l)" = 0 ] || fail "malformed packets in $1"
}

see "$work/in.pcap" "$work/in.txt"
[ "$(grep -c 'UDP, length' "$work/in.txt")" = $packets ] || die "the input file is not what it should be"
same()
{
	see "$2" "$work/out.txt"
	cmp -s "$work/in.txt" "$work/out.txt" || fail "$1: other packets came out: $(diff "$work/in.txt" "$work/out.txt" | head -n 4)"
}

# 1. pktgen - cable - pcap
spawn emu "$IXY_BIN/ixy-emu" --socket-dir "$work/s" --json-file "$work/account.json" cable:a cable:a
emu=$!
within 5 test -S "$work/s/nic1.sock" || die "no sockets"
capture()
{
	# The sender first: it has no link, and waits until there is a receiver.
	spawn pktgen "$IXY_BIN/ixy-pktgen" --quiet --pcap "$work/in.pcap" "vfio-user:$work/s/nic0.sock"
	pktgen=$!
	sleep 0.5
	spawn capture "$IXY_BIN/ixy-pcap" --quiet --count $packets "vfio-user:$work/s/nic1.sock" "$1"
	capture=$!
	ends_within 10 "$capture" || die "ixy-pcap has not seen all packets"
	[ "$status" = 0 ] || fail "ixy-pcap: exit status $status"
	ends_within 10 "$pktgen" || die "ixy-pktgen does not end"
	[ "$status" = 0 ] || fail "ixy-pktgen: exit status $status"
}
capture "$work/out.pcap"
same "over a cable" "$work/out.pcap"

# 2. the same again on the same sockets, and into a pipe
mkfifo "$work/pipe"
spawn pktgen "$IXY_BIN/ixy-pktgen" --quiet --rate 20k --pcap "$work/in.pcap" "vfio-user:$work/s/nic0.sock"
"$IXY_BIN/ixy-pcap" --count $packets "vfio-user:$work/s/nic1.sock" - 2>"$work/pipe.log" |
	tcpdump -n -t -xx -r - 2>/dev/null >"$work/piped.txt"
tcpdump -n -t -xx -r "$work/in.pcap" 2>/dev/null >"$work/in-tcpdump.txt"
cmp -s "$work/in-tcpdump.txt" "$work/piped.txt" || fail "through a pipe: other packets came out"
kill -TERM "$emu"
ends_within 5 "$emu" || die "ixy-emu does not end"
account_ok "$work/account.json" || fail "the account is not ok"

# 3. ixy-emu replays the file
"$IXY_BIN/ixy-emu" --quiet pcap:in="$work/in.pcap",rate=20k -- \
	"$IXY_BIN/ixy-pcap" --quiet --count $packets '{0}' "$work/replayed.pcap" >"$work/replay.log" 2>&1 ||
	fail "replay: exit status $?"
same "replayed by ixy-emu" "$work/replayed.pcap"

# 4. ixy-emu records what ixy-pktgen sends
"$IXY_BIN/ixy-emu" --quiet pcap:out="$work/recorded.pcap" -- \
	"$IXY_BIN/ixy-pktgen" --quiet --pcap "$work/in.pcap" '{0}' >"$work/record.log" 2>&1 ||
	fail "record: exit status $?"
same "recorded by ixy-emu" "$work/recorded.pcap"

# 5. packets that ixy-pktgen makes up are valid, too, and as many as were asked for
"$IXY_BIN/ixy-emu" --quiet pcap:out="$work/made.pcap" -- \
	"$IXY_BIN/ixy-pktgen" --quiet --count 1000 --size 128 '{0}' >"$work/made.log" 2>&1 || fail "made: exit status $?"
see "$work/made.pcap" "$work/made.txt"
[ "$(tshark -n -r "$work/made.pcap" -o ip.check_checksum:TRUE \
	-Y 'frame.len == 124 && udp && ip.checksum.status == 1' 2>/dev/null | wc -l)" = 1000 ] ||
	fail "ixy-pktgen --count 1000 --size 128: not 1000 valid packets of 124 bytes without CRC"
finish
