#!/bin/bash
# A card without MSI-X: Linux's ixgbe falls back to MSI, with one queue and one message for everything. With MSI, and only then,
# the self-test (ethtool -t offline) tries interrupts: it sets causes by EICS, masked and not, and watches what comes.
. "$(dirname "$0")/lib.sh"

start_cards --trap --no-msix tap:t0
ip addr add 10.0.0.1/24 dev t0
ip link set t0 up
start_guest
must "no driver" guest modprobe ixgbe
must "no interface" guest ip addr add 10.0.0.2/24 dev eth0
must "no interface" guest ip link set eth0 up
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
mode=$(guest cat "/sys/bus/pci/devices/$(card 0)/msi_irqs/*")
[ "$mode" = msi ] || fail "not one MSI, but: $mode"

pings_interrupt PCI-MSI 10.0.0.1

guest ethtool -s eth0 msglvl hw on
guest ethtool -t eth0 offline >"$work/selftest.log" || fail "the self-test fails"
cat "$work/selftest.log"
for part in "Register test" "Eeprom test" "Interrupt test" "Loopback test" "Link test"; do
	grep -q "^$part .*[^0-9]0\$" "$work/selftest.log" || fail "$part fails"
done
guest dmesg | grep "testing unshared interrupt" || fail "the self-test has left out interrupts"
tested=$(interrupts PCI-MSI)
echo "MSI messages after the self-test: $tested"
[ $((tested - after)) -ge 10 ] || fail "the self-test sets 10 causes, but there have been $((tested - after)) interrupts"
# The driver recovers from its test.
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || fail "no link after the self-test"
must "no ping after the self-test" guest ping -c 3 -i 0.05 -q 10.0.0.1
no_complaints 'Failed to allocate MSI-X interrupts|Disabling (SR-IOV|RSS) support'
stop_guest
stop_cards
no_faults
shows "Linux ixgbe" "MSI on a card without MSI-X; \`ethtool -t\` tests its interrupts"
finish
