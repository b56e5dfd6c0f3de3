#!/bin/bash
# Linux's ixgbe on two cards that a cable joins, each in a network namespace of its own, with a VLAN: the cards insert and strip
# its tag, and let no other VLAN in.
. "$(dirname "$0")/lib.sh"

start_cards cable:a cable:a
start_guest
must "no driver" guest modprobe -a ixgbe 8021q
must "no namespace" guest "ip netns add peer && ip link set eth1 netns peer"
must "no VLAN" guest "
	set -e
	ip link set eth0 up
	ip netns exec peer ip link set eth1 up
	ip link add link eth0 name eth0.7 type vlan id 7
	ip netns exec peer ip link add link eth1 name eth1.7 type vlan id 7
	ip address add 10.99.7.1/24 dev eth0.7
	ip netns exec peer ip address add 10.99.7.2/24 dev eth1.7
	ip link set eth0.7 up
	ip netns exec peer ip link set eth1.7 up"
guest ethtool -k eth0 >"$work/offloads.log"
for offload in rx-vlan-offload tx-vlan-offload rx-vlan-filter; do
	grep -q "^$offload: on" "$work/offloads.log" || fail "$offload is not on"
done
within 60 guest ping -c 1 -W 1 10.99.7.2 || die "no answer through the VLAN"
all_pings()
{
	guest ping -q -c 50 -i 0.01 10.99.7.2 >"$work/ping.log"
	grep -q " 0% packet loss" "$work/ping.log"
}
all_pings || all_pings || all_pings || fail "$(cat "$work/ping.log")"

# TCP with segmentation in the card, which gives each segment its tag.
guest "mkdir /www && dd if=/dev/urandom of=/www/file bs=1M count=5 && (ip netns exec peer httpd -h /www)" >/dev/null 2>&1
[ "$(guest "timeout 110 wget -q -O - http://10.99.7.2/file | sha256sum")" = "$(guest "sha256sum </www/file")" ] ||
	fail "other bytes have arrived"

# The other card lets in VLAN 7, and not VLAN 8, whose bit in its table is not set.
guest "
	ip link add link eth0 name eth0.8 type vlan id 8
	ip address add 10.99.8.1/24 dev eth0.8
	ip link set eth0.8 up
	ip netns exec peer tcpdump -Z root -n -e -l --no-promiscuous-mode -i eth1 'vlan and arp' >/tmp/tags 2>&1 &
	tcpdump=\$!
	until grep -q listening /tmp/tags; do sleep 0.1; done
	arping -c 3 -w 1 -I eth0.7 10.99.7.8
	arping -c 3 -w 1 -I eth0.8 10.99.8.9
	arping -c 3 -w 1 -I eth0.7 10.99.7.9
	until grep -q 10.99.7.9 /tmp/tags; do sleep 0.1; done
	kill \$tcpdump
	cat /tmp/tags" >"$work/tags.log"
for address in 10.99.7.8 10.99.7.9; do # before and after
	grep -q "vlan 7, .*who-has $address" "$work/tags.log" || fail "no frames of VLAN 7"
done
grep -q "vlan 8," "$work/tags.log" && fail "frames of VLAN 8 came in"
no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "VLAN: inserts, strips and filters tags, also with TCP segmentation in the card"
finish
