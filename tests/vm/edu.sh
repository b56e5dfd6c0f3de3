#!/bin/bash
# examples/edu.c in a guest, through the kernel's VFIO behind an IOMMU: the library on a device that is not a network card.
. "$(dirname "$0")/lib.sh"
pack_programs edu
card() # for bind_to_vfio
{
	echo 0000:01:00.0
}

shopt -s nullglob # there are no cards of ixy-emu
more=$work/programs.cpio iommu=on start_guest -device edu,bus=port0,multifunction=on -device edu,bus=port0,addr=0.1
bind_to_vfio 0
# What cannot be reset, alone or with the other function, the second run finds as the first has left it.
guest "echo >/sys/bus/pci/devices/$(card)/reset_method"
for _ in first second; do
	guest "edu $(card)" >"$work/edu.log" 2>&1 || fail "edu fails"
	cat "$work/edu.log"
	for line in "identification: edu 1\.0" "liveness: good" "factorial: 12! = 479001600, completed by MSI" \
		"DMA: 4096 bytes to the device and back: identical"; do
		grep -qx "$line" "$work/edu.log" || fail "no line: $line"
	done
done
# The log would tell of DMA that the IOMMU has refused.
no_complaints "reset methods disabled by user"
stop_guest
finish
