#!/bin/bash
# Linux's ixgbe tests its card (ethtool -t offline): link, registers, EEPROM, interrupts, loopback. With --trap, because in
# pages that drivers map, registers keep bits that a card would not.
. "$(dirname "$0")/lib.sh"

start_cards --trap tap:t0
ip link set t0 up
start_guest
must "no driver" guest modprobe ixgbe
must "no interface" guest ip link set eth0 up
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
guest ethtool -t eth0 offline >"$work/selftest.log" || fail "the self-test fails"
cat "$work/selftest.log"
for part in "Register test" "Eeprom test" "Interrupt test" "Loopback test" "Link test"; do
	grep -q "^$part .*[^0-9]0\$" "$work/selftest.log" || fail "$part fails"
done
# It reads all registers that any card of the family has.
must "no register dump" guest ethtool -d eth0
# The driver recovers from its test.
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || fail "no link after the self-test"
no_complaints
stop_guest
stop_cards
no_faults
shows "Linux ixgbe" "\`ethtool -t\` offline: registers, EEPROM, loopback, link; register dump"
finish
