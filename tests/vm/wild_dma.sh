#!/bin/bash
# Somebody gives the card an address that Linux's ixgbe has not: send queue 100, which the driver does not use, gets its ring in
# the middle of the guest's memory. Behind an IOMMU the card cannot reach it: it tries once, says so and leaves the queue alone;
# without one it can.
. "$(dirname "$0")/lib.sh"
ring=0x10000000

# provoke: with the guest that has been started
provoke()
{
	local bar queue
	must "no driver" guest modprobe ixgbe
	must "no interface" guest ip link set eth0 up
	within 10 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
	bar=$(guest "head -n 1 /sys/bus/pci/devices/$(card 0)/resource" | cut -d ' ' -f 1)
	queue=$((bar + 0x6000 + 100 * 0x40))
	must "no access to the registers" guest "
		set -e
		devmem $((queue + 0x00)) 32 $ring	# TDBAL
		devmem $((queue + 0x04)) 32 0		# TDBAH
		devmem $((queue + 0x08)) 32 1024	# TDLEN
		devmem $((queue + 0x28)) 32 0x02000000	# TXDCTL.ENABLE
		sleep 1
		devmem $((queue + 0x28))
		devmem $((queue + 0x18)) 32 8		# TDT
		sleep 1"
	exception=$((($(guest devmem $((bar + 0x808))) >> 18) & 1)) # EICS: reading does not clear
	stop_guest
	stop_cards
	faults=$(total dma_faults "$work/account.json")
}

export append="iomem=relaxed"
start_cards tap:t0
ip link set t0 up
iommu=on start_guest
provoke
[ "$faults" -gt 0 ] || fail "behind an IOMMU the card has reached memory that is not the driver's"
[ "$faults" = 1 ] || fail "the card does not give up the queue: $faults faults"
[ "$exception" = 1 ] || fail "no EICR.PCI"
echo "with IOMMU: $faults fault"

start_cards tap:t0
ip link set t0 up
start_guest
provoke
[ "$faults" = 0 ] || fail "without an IOMMU there are faults, too: this test shows nothing"
[ "$exception" = 0 ] || fail "EICR.PCI without a fault"
echo "without: $faults faults"
shows "Linux ixgbe" "an address that is not the driver's: refused behind an IOMMU"
finish
