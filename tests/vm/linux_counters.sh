#!/bin/bash
# Linux's ixgbe reads counters from the card that agree with what the other side has sent and received.
. "$(dirname "$0")/lib.sh"
need ping iputils-ping

start_cards tap:t0
# Nothing but what this test sends: no IPv6, no ARP.
echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
ip link set t0 address 02:00:00:00:00:01
ip address add 10.99.0.1/24 brd 10.99.0.255 dev t0
ip link set t0 up
ip neighbour replace 10.99.0.2 lladdr 02:82:59:90:00:00 dev t0 nud permanent
ip neighbour replace 10.99.0.3 lladdr 02:82:59:90:00:77 dev t0 nud permanent
start_guest
must "no driver" guest modprobe ixgbe
guest "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; echo 0 >/proc/sys/net/ipv4/icmp_echo_ignore_broadcasts"
must "no interface" guest "ip address add 10.99.0.2/24 dev eth0 && ip link set eth0 up &&
	ip neighbour replace 10.99.0.1 lladdr 02:00:00:00:00:01 dev eth0 nud permanent"
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer at all from the guest"

# counters WHEN: the driver's, and those of the interface on this side, to $work/WHEN
counters()
{
	local name
	sleep 2.2 # the driver reads them every 2 seconds
	{
		guest ethtool -S eth0
		for name in rx_packets tx_packets rx_bytes tx_bytes; do
			echo "peer_$name: $(cat /sys/class/net/t0/statistics/$name)"
		done
	} >"$work/$1"
}

# growth COUNTER, expect COUNTER NUMBER
growth()
{
	echo $(($(sed -n "s/^ *$1: //p" "$work/after") - $(sed -n "s/^ *$1: //p" "$work/before")))
}
expect()
{
	[ "$(growth "$1")" = "$2" ] || fail "$1 has grown by $(growth "$1"), not by $2"
}

counters before
ping -q -c 100 -i 0.01 10.99.0.2 >/dev/null
ping -q -c 50 -i 0.01 -s 1400 10.99.0.2 >/dev/null
ping -q -c 7 -i 0.05 -b 10.99.0.255 >/dev/null 2>&1
ping -q -c 5 -i 0.05 -I t0 224.0.0.1 >/dev/null 2>&1
ping -q -c 20 -i 0.01 -W 0.1 10.99.0.3 >/dev/null # not the guest's MAC: filtered
counters after

received=$((100 + 50 + 7 + 5))
bytes=$((100 * 98 + 50 * 1442 + 7 * 98 + 5 * 98))
expect peer_tx_packets $((received + 20))
expect rx_packets $received
expect rx_pkts_nic $received
expect rx_bytes $bytes
expect rx_bytes_nic $((bytes + received * 4)) # with CRC
expect broadcast 7
expect multicast 5
for counter in rx_errors rx_dropped rx_missed_errors rx_length_errors rx_csum_offload_errors tx_errors; do
	expect $counter 0
done
sent=$(growth peer_rx_packets)
bytes=$(growth peer_rx_bytes)
[ "$sent" -ge 150 ] || fail "only $sent answers"
expect tx_packets "$sent"
expect tx_pkts_nic "$sent"
expect tx_bytes "$bytes"
expect tx_bytes_nic $((bytes + sent * 4))

# In promiscuous mode the card lets everything in.
heard()
{
	guest "timeout 5 tcpdump -Z root $1 -q -n -i eth0 -c 20 'icmp and host 10.99.0.3'" >"$work/tcpdump.log" 2>&1 &
	local listener=$!
	within 60 grep -q "listening on" "$work/tcpdump.log" || fail "no tcpdump: $(cat "$work/tcpdump.log")"
	ping -q -c 20 -i 0.01 -W 0.1 10.99.0.3 >/dev/null
	wait $listener
	grep -c 'ICMP echo request' "$work/tcpdump.log"
}
n=$(heard --no-promiscuous-mode)
[ "$n" = 0 ] || fail "without promiscuous mode, $n packets for another MAC address came in"
n=$(heard "")
[ "$n" = 20 ] || fail "in promiscuous mode, $n of 20 packets came in"

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "\`ethtool -S\` equals the traffic; promiscuous mode receives frames for other hosts"
finish
