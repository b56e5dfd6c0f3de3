#!/bin/bash
# Flow control by Linux's ixgbe on two cards that a cable joins: one sends without end to the other, whose driver does not keep up.
# The one card sends pause frames, the other obeys, and nothing is lost.
. "$(dirname "$0")/lib.sh"

start_cards cable:a cable:a
pack_modules pktgen
more=$work/modules.cpio start_guest
must "no driver" guest modprobe ixgbe
load_modules
# Before the interfaces are up: each change takes the link away for a moment, and with it what is being sent.
must "a slow receiver" guest "ethtool -G eth1 rx 64 && ethtool -C eth1 rx-usecs 1000"
two_hosts
within 60 guest ping -c 1 -W 1 10.99.0.2 || die "no answer through the cable"
for direction in RX TX; do
	guest ethtool -a eth0 | tr -d '\t' >"$work/pause.log"
	grep -q "^$direction:on" "$work/pause.log" || fail "flow control is off: $(cat "$work/pause.log")"
done

# value CARD COUNTER
value()
{
	if [ "$1" = 0 ]; then
		guest ethtool -S eth0
	else
		guest ip netns exec peer ethtool -S eth1
	fi | sed -n "s/^ *$2: //p"
}

before=$(value 1 rx_pkts_nic)
mac=$(guest ip netns exec peer cat /sys/class/net/eth1/address)
must "pktgen" guest "
	set -e
	cd /proc/net/pktgen
	echo 'add_device eth0' >kpktgend_0
	for line in 'count 20000' 'pkt_size 60' 'burst 32' 'delay 0' 'dst_mac $mac' 'dst 10.99.0.2'; do
		echo \"\$line\" >eth0
	done
	echo start >pgctrl"
# shellcheck disable=SC2317 # within calls it
# all_there: also what waited on the cable
all_there()
{
	[ $(($(value 1 rx_pkts_nic) - before)) -ge 20000 ]
}
within 60 all_there || fail "$(($(value 1 rx_pkts_nic) - before)) of 20000 packets have arrived"
xoff=$(value 1 tx_flow_control_xoff) xon=$(value 1 tx_flow_control_xon)
echo "XOFF: $xoff sent, $(value 0 rx_flow_control_xoff) received; XON: $xon sent, $(value 0 rx_flow_control_xon) received"
[ "$xoff" -gt 0 ] || fail "no pause frames were sent"
[ "$xon" -gt 0 ] || fail "no pause frames were sent that end a pause"
[ "$(value 0 rx_flow_control_xoff)" = "$xoff" ] || fail "not all of them arrived"
[ "$(value 1 rx_missed_errors)" = 0 ] || fail "packets were lost"

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "flow control: a card whose driver does not keep up sends pause frames, and the other one obeys"
finish
