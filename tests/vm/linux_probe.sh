#!/bin/bash
# Linux's ixgbe finds two cards, brings them up, and has nothing to complain about.
. "$(dirname "$0")/lib.sh"

start_cards tap:t0 tap:t1
ip link set t0 up
ip link set t1 up
start_guest
must "no driver" guest modprobe ixgbe
must "no interfaces" guest 'ip link set eth0 up && ip link set eth1 up'
for n in 0 1; do
	within 60 guest grep -q 1 /sys/class/net/eth$n/carrier || fail "eth$n has no link"
	guest dmesg | grep "ixgbe 0000:0$((n + 1)):00.0" >"$work/dmesg$n.log"
	guest ethtool eth$n >"$work/ethtool$n.log"
	guest ethtool -e eth$n offset 0 length 128 >"$work/eeprom$n.log" || fail "eth$n: no EEPROM dump"

	check()
	{
		grep -q -e "$2" "$work/$1$n.log" || fail "eth$n: $1 lacks: $2"
	}
	check dmesg "Multiqueue Enabled: Rx Queue count = 2, Tx Queue count = 2"
	check dmesg "MAC: 2, PHY: 20, SFP+: 5, PBA No: E00000-000"
	check dmesg "02:82:59:90:00:0$n"
	check dmesg "NIC Link is Up 10 Gbps"
	check ethtool "Speed: 10000Mb/s"
	check ethtool "Duplex: Full"
	check ethtool "Port: FIBRE"
	check ethtool "Link detected: yes"
	[ "$(guest cat /sys/class/net/eth$n/address)" = 02:82:59:90:00:0$n ] || fail "eth$n: another address"
	# One vector for each pair of queues, one for the other causes.
	[ "$(guest grep -c -E "PCI-MSI.*eth$n" /proc/interrupts)" = 3 ] || fail "eth$n: not three MSI-X vectors"
done
# Of one card: the driver reads the module bit by bit, which takes seconds.
n=0
guest ethtool -m eth0 >"$work/module0.log"
check module "Transceiver type .*10G Base-SR"
check module "Vendor name  *: Software"
no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "finds two cards with MAC address, EEPROM, SFP+ module and 10 Gbit/s link, an MSI-X vector for each pair of queues; no warnings in the kernel's log"
finish
