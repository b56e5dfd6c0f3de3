#!/bin/bash
# DPDK's ixgbe driver, behind an IOMMU: testpmd forwards between two cards, and both sides have counted the same. Once as fast
# as it goes, once with --trap: in mapped pages the card's counters of each queue rest, and DPDK adds up these. And between two X540.
. "$(dirname "$0")/lib.sh"
drivers="-d librte_net_ixgbe.so.25 -d librte_mempool_ring.so.25"
testpmd="dpdk-testpmd $drivers -l 0-1 --single-file-segments -m 256 -- -i --total-num-mbufs=8192 --forward-mode=io"

# forward NAME SECONDS IXY-EMU-OPTION...
forward()
{
	local name=$1 seconds=$2 n
	local log=$work/$1.log
	shift 2
	start_cards "$@" gen:size=64,flows=64,touch=none gen:size=64,flows=64,touch=none
	iommu=on more=$IXY_LAB/dpdk.cpio start_guest
	bind_to_vfio 0 1
	guest "echo 256 >/proc/sys/vm/nr_hugepages; mkdir /dev/hugepages; mount -t hugetlbfs huge /dev/hugepages"
	guest "{
		until grep -q testpmd\> /tmp/log; do sleep 0.1; done
		echo start
		sleep $seconds
		echo stop
		sleep 1
		dpdk-proc-info $drivers -- -p 3 --dump-regs /tmp/registers >&2
		for command in 'xstats all' 'info all'; do echo show port \$command; done
		echo quit
	} | timeout 250 $testpmd >/tmp/log 2>&1" || fail "$name: testpmd has failed: $(guest cat /tmp/log)"
	# Prompts and echoed commands come between its other output, also within a line.
	guest cat /tmp/log | sed -z -e 's/testpmd> [a-z][^\n]*\n//g' -e 's/testpmd> //g' >"$log"
	[ "$(guest "cat /tmp/registers* | wc -c")" -gt 1000 ] || fail "$name: no register dump"
	no_complaints "vfio-pci .* (resetting|reset done)"
	stop_guest
	stop_cards
	no_faults

	# What the card has put on the wire, as the generators have seen it come back, and what it has received.
	for n in 0 1; do
		expect $n tx_good_packets "$(of_port $n unchanged "$work/account.json")"
		expect $n rx_size_64_packets "$(of_port $n rx_frames "$work/account.json")"
		expect $n rx_total_packets "$(of_port $n sent "$work/account.json")"
		[ "$name" = fast ] || expect $n rx_good_packets "$(of_port $n rx_frames "$work/account.json")"
	done
	[ "$(grep -c "Link status: up" "$log")" = 2 ] || fail "$name: no link"
	[ "$(grep -c "Link speed: 10 Gbps" "$log")" = 2 ] || fail "$name: not 10 Gbit/s"
	awk -v n="$(total unchanged "$work/account.json")" -v s="$seconds" -v name="$name" \
		'BEGIN { printf "%s: %.3f Mpps forwarded\n", name, n / s / 1e6 }'
}

# expect PORT COUNTER NUMBER
expect()
{
	local got
	got=$(awk -v port="$1" -v counter="$2:" '/^###### NIC ext/ { p = $NF } p == port && $1 == counter { print $2 }' "$log")
	[ "$3" -gt 1000 ] || fail "$name: port $1: hardly a packet"
	[ "$got" = "$3" ] || fail "$name: port $1: $2 is $got, not $3"
}

forward fast 3
forward trapped 3 --trap
forward x540 2 --trap --model x540
shows "DPDK ixgbe" "testpmd forwards between two cards behind an IOMMU, also two X540; its counters agree with the card's; link status, register dump"
finish
