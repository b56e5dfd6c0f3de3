#!/bin/bash
# A card without MSI, as Linux's ixgbe sees it behind a port that may not pass messages: it falls back to INTx, one line for all causes.
# The line is a level: it must come again until the driver has seen to every cause.
. "$(dirname "$0")/lib.sh"

start_cards tap:t0
ip addr add 10.0.0.1/24 dev t0
ip link set t0 up
start_guest
must "the port passes messages" guest "echo 0 >\$(dirname \$(realpath /sys/bus/pci/devices/$(card 0)))/msi_bus"
must "no driver" guest modprobe ixgbe
must "no interface" guest ip addr add 10.0.0.2/24 dev eth0
must "no interface" guest ip link set eth0 up
within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"

pings_interrupt IO-APIC 10.0.0.1
no_complaints 'Failed to (allocate|initialize) MSI|Failed to allocate MSI|Disabling (SR-IOV|RSS) support|Unable to allocate MSI'
stop_guest
stop_cards
no_faults
shows "Linux ixgbe" "INTx behind a port that does not pass messages"
finish
