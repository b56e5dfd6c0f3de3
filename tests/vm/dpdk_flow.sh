#!/bin/bash
# DPDK's flow API: `flow create` of testpmd sends packets to queues by the card's 5-tuple, EtherType and SYN filters and by flow director, which
# also drops them; no more once the rules are gone. Per-queue counters need --trap.
. "$(dirname "$0")/lib.sh"
need python3 python3
drivers="-d librte_net_ixgbe.so.25 -d librte_mempool_ring.so.25"

start_cards --trap tap:t0
echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
ip link set t0 arp off up
iommu=on more=$IXY_LAB/dpdk.cpio start_guest
bind_to_vfio 0
guest "echo 256 >/proc/sys/vm/nr_hugepages; mkdir /dev/hugepages; mount -t hugetlbfs huge /dev/hugepages; mkfifo /tmp/in"
guest "(dpdk-testpmd $drivers -l 0-1 --single-file-segments -m 256 -- -i --total-num-mbufs=8192 --forward-mode=rxonly --rxq=4 --txq=4 \
	--disable-rss </tmp/in >/tmp/log 2>&1; touch /tmp/end) & exec 3>/tmp/in; sleep 1000000 >&3 &" >/dev/null

# testpmd COMMAND: its output comes at the end
testpmd()
{
	guest "echo '$1' >/tmp/in"
}

# counters: packets of each queue, as DPDK's statistics program reads them from testpmd
counters()
{
	guest "dpdk-proc-info $drivers -- -p 1 --xstats" >"$work/xstats.log" 2>&1
	sed -n 's/^rx_q[0-3]_packets: //p' "$work/xstats.log" | tr '\n' ' '
}

# transmit KIND: 20 frames of that kind to the card
# shellcheck disable=SC2317 # called by within
transmit()
{
	python3 - "$1" <<-'P'
		import socket, struct, sys
		kind = sys.argv[1].split("-")
		def checksum(data):
		    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
		    total = (total & 0xFFFF) + (total >> 16)
		    return ~(total + (total >> 16)) & 0xFFFF
		ethernet = bytes.fromhex("028259900000" "020000000001")
		if kind[0] == "type":
		    frame = ethernet + bytes.fromhex(kind[1]) + bytes(46)
		else:
		    ports = struct.pack("!HH", 7000, int(kind[1]))
		    if kind[0] == "udp":
		        l4, protocol = ports + struct.pack("!HH", 8 + 18, 0) + bytes(18), 17
		    else:
		        l4, protocol = ports + bytes(8) + bytes([0x50, 2 if kind[0] == "syn" else 16]) + bytes(6), 6
		    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(l4), 1, 0, 64, protocol, 0, bytes([10, 99, 0, 1]), bytes([10, 99, 0, 2]))
		    frame = ethernet + b"\x08\x00" + ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + l4
		s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
		s.bind(("t0", 0))
		for i in range(20):
		    s.send(frame)
	P
}

# shellcheck disable=SC2317 # called by within
come_to()
{
	local q before after
	read -ra before <<<"$(counters)"
	transmit "$2"
	read -ra after <<<"$(counters)"
	for q in 0 1 2 3; do
		[ $((after[q] - before[q])) = $((q == ${1/-/9} ? 20 : 0)) ] || return 1
	done
}

# arrive NAME QUEUE KIND: the frames come to that queue and no other ("-": to none), sooner or later: rules take some time
arrive()
{
	within 15 come_to "$2" "$3" || fail "$1: not in queue $2: $(counters)"
	echo "$1: queue $2"
}

within 60 come_to 0 udp-1 || die "testpmd does not receive: $(cat "$work/xstats.log")"
for queue in 1 2 3; do
	testpmd "set stat_qmap rx 0 $queue $queue" # a counter for each queue
done
ip4="eth / ipv4 src is 10.99.0.1 dst is 10.99.0.2"
testpmd "flow create 0 ingress pattern $ip4 / udp src is 7000 dst is 5001 / end actions queue index 2 / end"
arrive "5-tuple" 2 udp-5001
arrive "another port" 0 udp-5002
testpmd "flow create 0 ingress pattern eth type is 0x88b5 / end actions queue index 3 / end"
arrive "EtherType" 3 type-88b5
testpmd "flow create 0 ingress pattern eth / ipv4 / tcp flags spec 2 flags mask 2 / end actions queue index 1 / end"
arrive "SYN" 1 syn-80
arrive "no SYN" 0 tcp-80
testpmd "flow flush 0"
arrive "5-tuple, flushed" 0 udp-5001
arrive "EtherType, flushed" 0 type-88b5
testpmd "flow create 0 ingress pattern $ip4 / udp src is 7000 dst is 5003 / end actions queue index 2 / mark id 7 / end"
arrive "flow director" 2 udp-5003
testpmd "flow create 0 ingress pattern $ip4 / udp src is 7000 dst is 5004 / end actions drop / end"
arrive "flow director, dropped" - udp-5004
testpmd "flow destroy 0 rule 0"
arrive "flow director, destroyed" 0 udp-5003

testpmd quit
within 60 guest test -e /tmp/end || fail "testpmd does not end"
guest cat /tmp/log >"$work/testpmd.log"
created=$(grep -c "Flow rule #[0-9]* created" "$work/testpmd.log")
[ "$created" = 5 ] || fail "$created rules: $(grep -i -A 2 flow "$work/testpmd.log")"
no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
shows "DPDK ixgbe" "\`flow create\`: 5-tuple, EtherType and SYN filters, flow director with queues and drops; rules flushed and destroyed"
finish
