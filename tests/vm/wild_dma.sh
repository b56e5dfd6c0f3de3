#!/bin/bash
# Devices get addresses that no driver must give them. Behind an IOMMU they do not get there: memory stays as it is, the card's
# account and the guest's log tell of the attempt. Without an IOMMU they do.
. "$(dirname "$0")/lib.sh"
pack_programs wild_dma
export more=$work/programs.cpio
memory_at=$((0x10000000))
export append="iomem=relaxed memmap=1M\$$memory_at" # nobody's

# provoke: Linux's ixgbe drives card 0. A send queue that it does not use gets its ring at $memory_at. There is a descriptor that
# asks to be written back (7.2.3.2.2: 60 bytes; EOP, IFCS, RS); $last is its last word then, with DD if the card got there.
provoke()
{
	local bar queue
	must "no driver" guest modprobe ixgbe
	must "no interface" guest ip link set eth0 up
	within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
	bar=$(guest "head -n 1 /sys/bus/pci/devices/$(card 0)/resource" | cut -d ' ' -f 1)
	queue=$((bar + 0x6000 + 60 * 0x40))
	must "no access to memory or registers" guest "
		set -e
		devmem $((memory_at + 0x0)) 32 $memory_at
		devmem $((memory_at + 0x4)) 32 0
		devmem $((memory_at + 0x8)) 32 $((0x0B000000 | 60))
		devmem $((memory_at + 0xC)) 32 0
		devmem $((queue + 0x00)) 32 $memory_at		# TDBAL
		devmem $((queue + 0x04)) 32 0			# TDBAH
		devmem $((queue + 0x08)) 32 1024		# TDLEN
		devmem $((queue + 0x28)) 32 0x02000000		# TXDCTL.ENABLE
		sleep 1
		devmem $((queue + 0x18)) 32 1			# TDT
		sleep 1"
	written
}
# written: has the card written back?
written()
{
	last=$(guest "devmem $((memory_at + 0xC))")
	[ $((last & 1)) = 1 ]
}

# faulted PORT ADDRESS: the card's account tells of it
faulted()
{
	local address
	address=$(sed -n "s/.*\"type\":\"account\".*{\"port\":$1,[^}]*\"last_fault\":\"\([0-9a-fx]*\)\".*/\1/p" "$work/account.json")
	echo "port $1: $(of_port "$1" dma_faults "$work/account.json") faults, the latest at ${address:-no address}"
	[ $((address)) = $(($2)) ] || fail "port $1: no fault at $2 in the card's account"
}

# QEMU's IOMMU refuses what edu asks for, and has Linux log it. To ixy-emu's cards QEMU hands the mappings; they refuse themselves.
edu=0000:03:00.0
card()
{
	[ "$1" = edu ] && echo $edu || echo "0000:0$(($1 + 1)):00.0"
}
start_cards tap:t0 gen
ip link set t0 up
iommu=on start_guest -device edu,bus=port2,dma_mask=0xFFFFFFFF
bind_to_vfio 1 edu
provoke
echo "ixgbe, behind an IOMMU: $last"
[ $((last)) = 0 ] || fail "behind an IOMMU the card has written to memory that is not the driver's"
no_complaints "vfio-pci .* (resetting|reset done)|secondary bus reset"
declare -A wild
for device in 1 edu; do
	guest "wild_dma $(card $device)" >"$work/wild.log" 2>&1 || fail "wild_dma $(card $device)"
	sed "s/^/$(card $device): /" "$work/wild.log"
	wild[$device]=$(sed -n 's/^memory at \(.*\): .*/\1/p' "$work/wild.log")
	[ -n "${wild[$device]}" ] || die "$(card $device): wild_dma has not tried"
done
log="DMAR:.*DMA Write.*\[\(0000:\)\?${edu#0000:}\] fault addr ${wild[edu]} "
within 60 guest "dmesg | grep '$log'" || fail "the guest's log does not tell of it: $(guest "dmesg | grep DMAR")"
guest "dmesg | grep '$log'"
stop_guest
stop_cards
faulted 0 $memory_at
faulted 1 "${wild[1]}"

start_cards tap:t0
ip link set t0 up
start_guest
provoke
within 60 written || fail "without an IOMMU the card does not get there, either: this test shows nothing"
echo "ixgbe, without: $last"
stop_guest
stop_cards
no_faults
shows "Linux ixgbe, ixy" "wild DMA is blocked behind an IOMMU: memory unchanged, the address in the card's counters or, for QEMU's edu, in the guest's log"
finish
