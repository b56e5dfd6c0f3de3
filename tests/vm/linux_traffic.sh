#!/bin/bash
# Linux's ixgbe moves traffic between a guest and the test, which are joined by
#
#	guest eth0 - card - tap t0
#
# with checksum and segmentation offload as they are by default: ping, and 20 MB over TCP each way that arrive as they were,
# over IPv4 and IPv6; then the same with jumbo frames.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light
need curl curl
need ping iputils-ping
megabytes=$((${megabytes:-20} / IXY_SLOWDOWN))

start_cards tap:t0,mtu=9000
ip link set t0 mtu 1500
address_host

serve_file "${megabytes}M" /dev/urandom 80 "[::]:80"
sum=$(sha256sum <"$work/www/file")

start_guest
address_guest

[ -z "${iommu:-}" ] || [ "$(guest cat "/sys/bus/pci/devices/$(card 0)/iommu_group/type")" = DMA ] || # DMA-FQ is not strict
	fail "the driver does not use the IOMMU strictly"

guest ethtool -k eth0 >"$work/offloads.log"
for offload in rx-checksumming tx-checksumming tcp-segmentation-offload generic-receive-offload; do
	grep -q "^$offload: on" "$work/offloads.log" || fail "$offload is not on"
done

within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer at all from the guest"

# pings OPTION...: all are answered; three times, as a busy host may be late
pings()
{
	local address try
	for address in 10.99.0.2 fd99::2; do
		for try in 1 2 3; do
			ping -q -c 20 -i 0.02 "$@" $address &>"$work/ping.log"
			grep -q " 0% packet loss" "$work/ping.log" && continue 2
			echo "ping, try $try: $(grep loss "$work/ping.log")"
		done
		fail "ping $* $address: $(cat "$work/ping.log")"
	done
}

# download ADDRESS-OF-THE-TEST, upload ADDRESS-OF-THE-GUEST
download()
{
	local start got
	start=$(now_ms)
	got=$(guest "timeout 110 wget -q -O - http://$1/file | sha256sum")
	[ "$got" = "$sum" ] || fail "download from $1: other bytes have arrived"
	echo "download from $1: $megabytes MB, $((megabytes * 8000 / ($(now_ms) - start))) Mbit/s"
}
upload()
{
	local start got
	start=$(now_ms)
	got=$(curl -sS -m 110 -g "http://$1/file" | sha256sum)
	[ "$got" = "$sum" ] || fail "upload to $1: other bytes have arrived"
	echo "upload to $1: $megabytes MB, $((megabytes * 8000 / ($(now_ms) - start))) Mbit/s"
}

pings
must "the guest cannot fetch the file" guest "mkdir /www && timeout 110 wget -q -O /www/file http://10.99.0.1/file"
must "no server in the guest" guest "httpd -h /www"
for version in 4 6; do
	[ $version = 4 ] && host=10.99.0.1 peer=10.99.0.2
	[ $version = 6 ] && host='[fd99::1]' peer='[fd99::2]'
	download "$host"
	upload "$peer"
done
guest ethtool -S eth0 >"$work/statistics.log"
stat()
{
	sed -n "s/^ *$1: //p" "$work/statistics.log"
}
for counter in rx_errors tx_errors rx_csum_offload_errors rx_length_errors rx_crc_errors tx_timeout_count; do
	[ "$(stat $counter)" = 0 ] || fail "$counter: $(stat $counter)"
done

# Jumbo frames.
ip link set t0 mtu 9000
must "no MTU of 9000" guest ip link set eth0 mtu 9000
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || fail "no link after the change of the MTU"
within 60 ping -c 1 -W 1 10.99.0.2 || fail "no answer after the change of the MTU"
pings -M "do" -s $((9000 - 48))
download 10.99.0.1
upload 10.99.0.2

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "ping and TCP both ways, $megabytes MB with equal SHA-256, IPv4 and IPv6, checksums and segmentation by the card; MTU 9000${iommu:+; behind an IOMMU in strict mode}${debian:+; by the kernel of Debian $debian}"
finish
