#!/bin/bash
# Linux's ixgbe on four processors has four pairs of queues. Packets of many flows spread over them, each queue's interrupt
# arrives, and nothing gets lost.
. "$(dirname "$0")/lib.sh"
count=40000

start_cards "gen:count=$count,flows=256,touch=none"
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
no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
[ "$(total rx_frames "$work/account.json")" = "$received" ] || fail "the card has delivered another number of packets"
shows "Linux ixgbe" "four queues: RSS spreads flows over them, each queue's interrupt comes, nothing is lost"
finish
