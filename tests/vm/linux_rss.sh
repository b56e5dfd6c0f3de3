#!/bin/bash
# Linux's ixgbe on four processors has four pairs of queues. Packets of many flows spread over them, each queue's interrupt
# arrives, and nothing gets lost. On which queue a flow arrives is what the published hash says of it, with the driver's own key and
# table; see rss_flows.py. That is on a second card, as the test sends those flows itself.
. "$(dirname "$0")/lib.sh"
need python3 python3
count=40000

start_cards "gen:count=$count,flows=256,touch=none" tap:t0
echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
ip link set t0 up
cpus=4 start_guest
must "no driver" guest modprobe ixgbe
guest "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6" # it would send
must "no interface" guest ip link set eth0 up
# The driver lets the link go once more while it gets ready: the generator begins again, and some packets are of its first life.
received=0
for ((before = -1; received < count || received != before; )); do
	before=$received
	sleep 2
	received=$(guest cat /sys/class/net/eth0/statistics/rx_packets)
	[ "$received" != "$before" ] || [ "$received" -ge $count ] || die "only $received packets have arrived"
done
guest ethtool -S eth0 >"$work/statistics.log"
guest cat /proc/interrupts >"$work/interrupts.log"
sum=0
for queue in 0 1 2 3; do
	packets=$(sed -n "s/^ *rx_queue_${queue}_packets: //p" "$work/statistics.log")
	interrupts=$(awk "/eth0-TxRx-$queue/ { print \$2 + \$3 + \$4 + \$5 }" "$work/interrupts.log")
	echo "queue $queue: $packets packets, $interrupts interrupts"
	[ "$packets" -gt $((count / 8)) ] || fail "queue $queue has received only $packets packets"
	[ "$interrupts" -gt 10 ] || fail "queue $queue has had only $interrupts interrupts"
	sum=$((sum + packets))
done
[ $sum = "$received" ] || fail "the queues have received $sum packets, not $received"
for counter in rx_pkts_nic rx_packets; do
	grep -q "^ *$counter: $received\$" "$work/statistics.log" || fail "$(grep "^ *$counter:" "$work/statistics.log")"
done
# 64 bytes with the CRC, which the card counts and the driver does not.
grep -q "^ *rx_bytes: $((received * 60))\$" "$work/statistics.log" || fail "$(grep '^ *rx_bytes:' "$work/statistics.log")"
grep -q "^ *rx_bytes_nic: $((received * 64))\$" "$work/statistics.log" || fail "$(grep '^ *rx_bytes_nic:' "$work/statistics.log")"

# queue_packets: of eth1, a line for each queue
queue_packets()
{
	guest ethtool -S eth1 | sed -n 's/^ *rx_queue_[0-9]*_packets: //p' | head -n 4
}

guest "echo 1 >/proc/sys/net/ipv6/conf/eth1/disable_ipv6"
must "no interface" guest ip link set eth1 up
for ((changes = -1, tries = 0; tries < 10; tries++)); do # see above
	before=$changes
	sleep 2
	changes=$(guest cat /sys/class/net/eth1/carrier_changes)
	[ "$changes" != "$before" ] || break
done
guest grep -q 1 /sys/class/net/eth1/carrier || die "eth1 has no link"
guest ethtool -x eth1 >"$work/rss.log"
mac=$(guest cat /sys/class/net/eth1/address)
expected=(0 0 0 0)
for queue in 0 1 2 3; do
	expected[queue]=$(python3 "$IXY_SOURCE/tests/vm/rss_flows.py" "$work/rss.log" t0 "$mac" $queue) || die "cannot send flows"
	[ "${expected[queue]}" -gt 50 ] || fail "only ${expected[queue]} of 400 flows belong on queue $queue"
	for ((tries = 0; tries < 50; tries++)); do
		mapfile -t packets < <(queue_packets)
		[ "${packets[*]}" != "${expected[*]}" ] || break
		sleep 0.1
	done
	[ "${packets[*]}" = "${expected[*]}" ] ||
		fail "after the flows of queue $queue the queues have received ${packets[*]} packets, not ${expected[*]}"
done
echo "of 400 flows, ${expected[*]} are on the queues where their hashes send them"
no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
[ "$(of_port 0 rx_frames "$work/account.json")" = "$received" ] || fail "the card has delivered another number of packets"
shows "Linux ixgbe" "four queues: RSS spreads flows over them by the published hash of its key; each queue interrupts, no packet is lost"
finish
