#!/bin/bash
# Packets through ixy-fwd and DPDK's vhost as a switch: what goes in comes out, packet by packet, and each step takes all that the one
# before has given. While nothing comes, ours sleep.
. "$(dirname "$0")/testpmd.sh"
need tcpdump tcpdump

# A switch with four ports, of which 0 and 1, and 2 and 3, are connected.
back_end switch 4 2
switch=$!
run switch io
port=vhost-user:$work/switch

# copy RING: a capture goes in and comes out
copy()
{
	local kind=${1:-,packed} pcap name
	name="a capture, ${kind#,}"
	connect "$name" ixy-pcap --rx-ring 1024 "$port.1.sock$1" "$work/out.pcap"
	pcap=$!
	"$IXY_BIN/ixy-pktgen" --quiet --pcap "$work/in.pcap" "$port.0.sock$1" >"$work/pktgen.log" 2>&1 || fail "$name: exit status $?"
	becomes "$(stat -c %s "$work/in.pcap")" stat -c %s "$work/out.pcap" || fail "$name: not all have come out"
	end "$name" "$pcap"
	tcpdump -n -t -xx -r "$work/out.pcap" 2>/dev/null >"$work/out.txt"
	cmp -s "$work/in.txt" "$work/out.txt" || fail "$name: other packets came out: $(diff "$work/in.txt" "$work/out.txt" | head -n 4)"
	echo "$name: the same packets"
}
if worth_it alone; then
	make_capture "$work/in.pcap" 500
	tcpdump -n -t -xx -r "$work/in.pcap" 2>/dev/null >"$work/in.txt"
	copy ""
	copy ,split
fi

# step NAME GIVEN TAKEN: two that must agree
step()
{
	[ "$2" = "$3" ] || fail "$1: $2 given, $3 taken"
}

# through NAME RING FWD-OPTION...: ixy-pktgen - 0 switch 1 - ixy-fwd - 2 switch 3 - ixy-pcap. At each step all that was given is taken.
# A round fits into each ring, so that all that goes in comes out; several go around the ring.
through()
{
	local name=$1 ring=$2 count=7000 rounds=3 round pcap fwd rings=(--rx-ring 4096 --tx-ring 4096 --buffers 16384)
	shift 2
	worth_it "$@" || return 0
	tell switch "clear port stats all"
	connect "$name, end" ixy-pcap --queues 2 "${rings[@]}" "$port.3.sock$ring" /dev/null
	pcap=$!
	connect "$name" ixy-fwd --queues 2 "${rings[@]}" "$@" "$port.1.sock$ring" "$port.2.sock$ring"
	fwd=$!
	for ((round = 1; round <= rounds; round++)); do
		"$IXY_BIN/ixy-pktgen" --quiet --queues 2 --count $count "$port.0.sock$ring" >"$work/pktgen.log" 2>&1 ||
			fail "$name: exit status $?"
		becomes $((round * count)) packets switch 3 TX-packets || die "$name: not all have come out"
	done
	becomes $((rounds * count)) counted "$name, end" 0 rx_packets || fail "$name: not all have arrived"
	end "$name" "$fwd"
	end "$name, end" "$pcap"
	step "$name: ixy-pktgen to 0" $((rounds * count)) "$(packets switch 0 RX-packets)"
	step "$name: 1 to ixy-fwd" "$(packets switch 1 TX-packets)" "$(counted "$name" 0 rx_packets)"
	step "$name: ixy-fwd to 2" "$(counted "$name" 1 tx_packets)" "$(packets switch 2 RX-packets)"
	step "$name: 3 to ixy-pcap" "$(packets switch 3 TX-packets)" "$(counted "$name, end" 0 rx_packets)"
	echo "$name: $((rounds * count)) in, $(counted "$name, end" 0 rx_packets) out"
}
through "forward, packed" ""
through "forward, split" ,split
through "forward, 2 threads" "" --threads 2
through "forward, interrupts" "" --interrupts
through "forward, split, interrupts, 2 threads" ,split --threads 2 --interrupts

# Sleeping and waking up are a matter of time, which sanitizers take for themselves.
if [ -n "${IXY_SANITIZE:-}" ]; then
	quit switch "$switch"
	finish
fi

# idle NAME PROGRAM OPTION...: less than 2 % of a processor while nothing arrives
idle()
{
	local name=$1 seconds=3 before pid share
	shift
	connect "$name" "$@"
	pid=$!
	before=$(ticks "$pid")
	sleep $seconds
	share=$((($(ticks "$pid") - before) * 100 / ($(getconf CLK_TCK) * seconds)))
	[ $share -lt 2 ] || fail "$name: it uses $share % of a processor while nothing arrives"
	end "$name" "$pid"
	echo "$name: $share %"
}
ticks()
{
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}
idle "idle ixy-fwd" ixy-fwd --interrupts "$port.1.sock" "$port.2.sock,split"
idle "idle ixy-fwd, 2 threads" ixy-fwd --interrupts --threads 2 "$port.1.sock" "$port.2.sock,split"
idle "idle ixy-pcap" ixy-pcap --interrupts "$port.0.sock" /dev/null
quit switch "$switch"

# wake NAME RING: each burst wakes up the sleeping program. fwd_patient never wakes up by itself: without an interrupt, packets stay in the ring.
wake()
{
	local name=$1 port=vhost-user:$work/waker waker fwd burst
	back_end waker 2 1
	waker=$!
	spawn "$name" "$IXY_BIN/fwd_patient" --interrupts --quiet "$port.0.sock$2" "$port.1.sock$2"
	fwd=$!
	run waker rxonly
	within 30 forwards_a_burst || die "$name: nothing is forwarded"
	for ((burst = 1; burst <= 10; burst++)); do
		burst
		within 30 all_back || die "$name: burst $burst has caused no wake-up"
	done
	kill -KILL "$fwd"
	wait "$fwd" 2>/dev/null
	quit waker "$waker"
	echo "$name: $((burst - 1)) bursts"
}
burst()
{
	tell waker stop "start tx_first 1"
}
# shellcheck disable=SC2317 # within calls it
all_back()
{
	[ "$(packets waker 1 RX-packets)" = "$(packets waker 0 TX-packets)" ]
}
# shellcheck disable=SC2317 # within calls it
forwards_a_burst()
{
	burst
	exceeds 0 packets waker 1 RX-packets
}
wake "wake up, packed" ""
wake "wake up, split" ,split
finish
