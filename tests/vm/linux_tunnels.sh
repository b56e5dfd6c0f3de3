#!/bin/bash
# Linux's ixgbe on two cards that a cable joins, each in a network namespace of its own, with tunnels between them: the cards cut
# TCP inside of tunnels into segments and insert its checksums, behind the outer headers.
. "$(dirname "$0")/lib.sh"

pack_modules sit ipip ip_gre vxlan
start_cards cable:a cable:a
more=$work/modules.cpio start_guest
must "no driver" guest modprobe ixgbe
load_modules
two_hosts
must "no server" guest "
	set -e
	mkdir /www
	dd if=/dev/urandom of=/www/file bs=1M count=3 2>/dev/null
	ip netns exec peer httpd -h /www"
guest ethtool -k eth0 >"$work/offloads.log"
for offload in tx-gso-partial tx-gre-segmentation tx-ipxip4-segmentation tx-udp_tnl-segmentation; do
	grep -q "^.*$offload: on" "$work/offloads.log" || fail "$offload is not on"
done
within 60 guest ping -c 1 -W 1 10.99.0.2 || die "no answer through the cable"
sum=$(guest "sha256sum </www/file")

# sent COUNTER: what the card of the server has counted
sent()
{
	guest "ip netns exec peer ethtool -S eth1" | sed -n "s/^ *$1: //p"
}

# tunnel NAME VERSION ARGUMENT...: @VERSION of IP in a tunnel that ip-link(8) makes with these arguments; a download through it
tunnel()
{
	local name=$1 version=$2 got before near=10.98.0.1/24 far=10.98.0.2/24 host=10.98.0.2
	shift 2
	[ "$version" = 4 ] || near=fd98::1/64 far=fd98::2/64 host='[fd98::2]'
	must "$name" guest "
		set -e
		ip link add t0 mtu 1400 type $* local 10.99.0.1 remote 10.99.0.2
		ip netns exec peer ip link add t1 mtu 1400 type $* local 10.99.0.2 remote 10.99.0.1
		ip link set t0 up
		ip netns exec peer ip link set t1 up
		ip address add $near dev t0 $([ "$version" = 4 ] || echo nodad)
		ip netns exec peer ip address add $far dev t1 $([ "$version" = 4 ] || echo nodad)"
	within 60 guest "ping -c 1 -W 1 ${host//[][]/}" || fail "$name: no answer"
	before=$(sent tx_packets)
	got=$(guest "timeout 110 wget -q -O - http://$host/file | sha256sum")
	[ "$got" = "$sum" ] || fail "$name, IPv$version: other bytes have arrived"
	echo "$name, IPv$version: 3 MB in $(($(sent tx_packets) - before)) packets as the driver counts them"
	must "$name" guest "ip link del t0; ip netns exec peer ip link del t1"
}

tunnel sit 6 sit
tunnel ipip 4 ipip
tunnel gre 4 gre
tunnel gre 6 gre
tunnel vxlan 4 vxlan id 7 dstport 4789
tunnel vxlan 6 vxlan id 7 dstport 4789
for counter in rx_csum_offload_errors rx_errors; do
	[ "$(guest ethtool -S eth0 | sed -n "s/^ *$counter: //p")" = 0 ] || fail "$counter is not 0"
done

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "tunnels (sit, IPIP, GRE, VXLAN; IPv4 and IPv6 inside): TCP segmentation and checksums by the card behind the outer headers"
finish
