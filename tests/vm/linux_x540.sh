#!/bin/bash
# Linux's ixgbe on two X540, which a cable joins: the driver finds the PHY behind MDIO and brings up 10 Gbit/s, 1 Gbit/s and 100 Mbit/s,
# with traffic at each.
. "$(dirname "$0")/lib.sh"

start_cards --model x540 cable:a cable:a
start_guest
must "no driver" guest modprobe ixgbe
two_hosts
guest "mkdir /www && dd if=/dev/urandom of=/www/file bs=1M count=3 && (ip netns exec peer httpd -h /www)" >/dev/null 2>&1
sum=$(guest "sha256sum </www/file")
guest dmesg >"$work/dmesg.log"
grep -q "MAC: 3, PHY: [03], PBA No: E00000-000" "$work/dmesg.log" || fail "not an X540: $(cat "$work/dmesg.log")"

# shellcheck disable=SC2317 # within calls it
# has_speed MBITS: both ends
has_speed()
{
	[ "$(guest cat /sys/class/net/eth0/speed)" = "$1" ] && [ "$(guest ip netns exec peer cat /sys/class/net/eth1/speed)" = "$1" ]
}
for speed in 10000 1000 100; do
	# Both: a real cable would have the ends agree.
	[ $speed = 10000 ] || must "speed" guest "
		ethtool -s eth0 advertise $([ $speed = 1000 ] && echo 0x020 || echo 0x008)
		ip netns exec peer ethtool -s eth1 advertise $([ $speed = 1000 ] && echo 0x020 || echo 0x008)"
	within 60 has_speed $speed || fail "the link is not one of $speed Mbit/s: $(guest ethtool eth0)"
	within 60 guest ping -c 1 -W 1 10.99.0.2 || die "$speed: no answer through the cable"
	[ "$(guest "timeout 110 wget -q -O - http://10.99.0.2/file | sha256sum")" = "$sum" ] || fail "$speed: other bytes have arrived"
	echo "$speed Mbit/s: 3 MB have arrived unchanged"
done
guest ethtool eth0 >"$work/ethtool.log"
grep -q "Port: Twisted Pair" "$work/ethtool.log" || fail "not copper: $(cat "$work/ethtool.log")"
must "EEPROM" guest ethtool -e eth0 offset 0 length 128

# The link goes away with each change, perhaps while something is being sent.
no_complaints "initiating reset to clear Tx work after link loss|Reset adapter"
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "X540: PHY behind MDIO, 10 Gbit/s, 1 Gbit/s and 100 Mbit/s with traffic"
finish
