#!/bin/bash
# Receive side coalescing by Linux's ixgbe, which calls it large receive offload: it is off by default. With it the card makes one packet of
# several, and a file arrives over TCP as it was, with IPv4 and IPv6, with time stamps and without.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light
megabytes=$((${megabytes:-10} / IXY_SLOWDOWN))

start_cards tap:t0
address_host
serve_file "${megabytes}M" /dev/urandom 80 "[::]:80"
sum=$(sha256sum <"$work/www/file")
start_guest
address_guest
within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer from the guest"
within 60 ping -c 1 -W 1 fd99::2 || die "no answer from the guest over IPv6"

aggregated()
{
	guest ethtool -S eth0 >"$work/statistics.log"
	sed -n 's/^ *hw_rsc_aggregated: //p' "$work/statistics.log"
}

# download NAME ADDRESS: are many packets coalesced?
download()
{
	local before after got
	before=$(aggregated)
	got=$(guest "timeout 110 wget -q -O - http://$2/file | sha256sum")
	[ "$got" = "$sum" ] || fail "$1: other bytes have arrived"
	after=$(aggregated)
	echo "$1: $((after - before)) packets aggregated"
	coalesced=$((after - before))
}

download "LRO off" 10.99.0.1
[ $coalesced = 0 ] || fail "coalesced although it is off"
must "LRO cannot be switched on" guest "ethtool -K eth0 lro on && ethtool -k eth0 | grep -q '^large-receive-offload: on'"
within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer from the guest with LRO"
for case in "1 10.99.0.1" "1 [fd99::1]" "0 10.99.0.1"; do
	echo "${case% *}" >/proc/sys/net/ipv4/tcp_timestamps
	download "LRO, time stamps ${case% *}, ${case#* }" "${case#* }"
	# 10 MB are 7000 packets: one in ten would be few.
	[ "$coalesced" -gt $((70 * megabytes)) ] || fail "time stamps ${case% *}, ${case#* }: only $coalesced packets are coalesced"
done
for counter in rx_errors rx_csum_offload_errors rx_length_errors rx_crc_errors; do
	[ "$(sed -n "s/^ *$counter: //p" "$work/statistics.log")" = 0 ] || fail "$(grep " $counter" "$work/statistics.log")"
done
# The driver tells the stack a segment size that is too large by one packet's share.
no_complaints "TCP: eth0: Driver has suspect GRO implementation"
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "\`ethtool -K lro on\`: the card coalesces TCP packets; $megabytes MB with equal SHA-256, IPv4 and IPv6"
finish
