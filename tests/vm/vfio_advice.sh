#!/bin/bash
# What the library advises when the kernel refuses a card, and that it helps when it is followed to the letter: interrupts that are
# not remapped; a bridge in the group whose driver is in the way; a VF that takes a token; memory of the firmware (RMRR), which is told
# from the rest. The firmware's table of the IOMMU is made here, as QEMU's has no such memory.
. "$(dirname "$0")/lib.sh"
need python3 python3
pack_programs ixy-pktgen ixy-bind
start_cards sink sink
# shellcheck disable=SC2034 # used by start_guest, as machine is
places=('"bus":"port0","addr":"0.0"' '"bus":"shpc","addr":"1.0"')

# Intel VT-d specification, chapter 8: the unit of QEMU, and memory for the device at 00:08.0.
python3 - "$work/dmar" <<-'P'
	import struct, sys
	ioapic = struct.pack("<BBHBBBB", 3, 8, 0, 0, 0xff, 0, 0)
	unit = struct.pack("<HHBBHQ", 0, 16 + len(ioapic), 1, 0, 0, 0xfed90000) + ioapic
	endpoint = struct.pack("<BBHBBBB", 1, 8, 0, 0, 0, 8, 0)
	memory = struct.pack("<HHHHQQ", 1, 24 + len(endpoint), 0, 0, 0xfeffc000, 0xfeffcfff) + endpoint
	body = struct.pack("<BB10x", 47, 1) + unit + memory
	def header(checksum):
	    return struct.pack("<4sIBB6s8sI4sI", b"DMAR", 36 + len(body), 1, checksum, b"BOCHS ", b"BXPC    ", 2, b"IXYT", 1)
	table = header(-sum(header(0) + body) & 0xff) + body
	open(sys.argv[1], "wb").write(table)
P
# The kernel takes it from the initrd instead of QEMU's (Documentation/admin-guide/acpi/initrd_table_override.rst).
mkdir -p "$work/override/kernel/firmware/acpi"
cp "$work/dmar" "$work/override/kernel/firmware/acpi/DMAR.aml"
(cd "$work/override" && find kernel | cpio --quiet -o -H newc -R 0:0) >"$work/override.cpio"
# Hot plug by ACPI would keep the bridge's own driver away.
machine=(-global ICH9-LPC.acpi-pci-hotplug-with-bridge-support=off
	-device "pcie-pci-bridge,id=shpc,addr=1d" -device "e1000e,addr=8"
	-device "pcie-root-port,id=sriov,chassis=9,addr=a" -device "igb,bus=sriov")
boot=$work/override.cpio more=$work/programs.cpio iommu=on append="intremap=off" start_guest
sysfs=/sys/bus/pci/devices
# find_devices ID: the addresses of the devices with this vendor and device
find_devices()
{
	guest "cd $sysfs; for d in *; do [ \$(cat \$d/vendor)\$(cat \$d/device) = $1 ] && echo \$d; done"
}
read -r card behind <<<"$(find_devices 0x80860x10fb | xargs)" # the second is behind the bridge
bridge=$(guest "basename \$(dirname \$(readlink -f $sysfs/$behind))")
pf=$(find_devices 0x80860x10c9)
rmrr=$(find_devices 0x80860x10d3)
[ "$(guest "basename \$(readlink $sysfs/$bridge/driver)")" = shpchp ] || die "the bridge has no driver that is in the way"
guest "grep -q ' direct$' $sysfs/$rmrr/iommu_group/reserved_regions" || die "the kernel has not taken the table"
must "vfio-pci" guest "modprobe vfio-pci enable_sriov=1 && modprobe vfio_iommu_type1"

opens() # NAME ADDRESS
{
	guest "ixy-pktgen --quiet --duration 0.1 $2" >"$work/opens.log" 2>&1 || fail "$1: $(cat "$work/opens.log")"
}
# refused NAME WORDS ADDRESS: prints what follows the last ": sudo " or ": echo "
refused()
{
	guest "ixy-pktgen --quiet --duration 0.1 $3" >"$work/refused.log" 2>&1 && fail "$1: not refused"
	cat "$work/refused.log"
	grep -q -e "$2" "$work/refused.log" || fail "$1: not a word of $2"
}
# follow NAME COMMAND: as it was advised; the guest has root, but no sudo
follow()
{
	echo "follow: $2"
	must "$1: the advice does not work" guest "${2//sudo /}"
}

# ---- Interrupts that are not remapped. The way out of the message holds for all that comes after. ----

must "bind" guest "ixy-bind vfio-pci $card $rmrr $pf"
refused "memory of the firmware, without remapping" "RMRR" "$rmrr"
refused "no remapping of interrupts" "does not remap interrupts" "$card"
follow "no remapping of interrupts" "$(sed -n 's/.* like root: //p' "$work/refused.log")"
opens "unsafe interrupts" "$card"

# ---- A bridge in the group ----

guest "ixy-bind vfio-pci $behind" >"$work/bind.log" 2>&1 && fail "half a group is taken"
cat "$work/bind.log"
must "by hand" guest "echo vfio-pci >$sysfs/$behind/driver_override; echo $behind >/sys/bus/pci/drivers_probe"
refused "a bridge" "$bridge (shpchp)" "$behind"
follow "a bridge" "$(sed -n 's/.* too: sudo //p' "$work/refused.log")"
guest "[ -e $sysfs/$bridge/driver ]" && fail "the bridge still has a driver"
opens "a bridge" "$behind"
must "back" guest "ixy-bind kernel $bridge"
guest "ixy-bind none $behind" >/dev/null
follow "a bridge, by ixy-bind" "$(sed -n 's/.*; \(ixy-bind .*\)/\1/p' "$work/bind.log")"
opens "a bridge, by ixy-bind" "${behind#0000:}"

# ---- A VF, both with vfio-pci ----

must "VFs" guest "cd $sysfs/$pf; echo 0 >sriov_drivers_autoprobe; echo 1 >sriov_numvfs"
vf=$(guest "basename \$(readlink $sysfs/$pf/virtfn0)")
must "bind" guest "ixy-bind vfio-pci $vf"
guest "ixy-bind kernel $pf" >"$work/bind.log" 2>&1 && fail "a PF is taken from its VFs"
grep -q "it has 1 VFs" "$work/bind.log" || fail "no word of VFs: $(cat "$work/bind.log")"
refused "a VF without token" "a VF of $pf" "$vf"
token=,token=14d63f20-8445-11ea-8900-1f9ce7d5650d
refused "a PF that sets the token, no card of ours" "no driver" "$pf$token" # but opened
refused "a VF with another token" "a VF of $pf" "$vf${token%d}e"
refused "a VF with its token, no card of ours" "no driver" "$vf$token"

# ---- Memory of the firmware ----

refused "memory of the firmware" "RMRR.*ixy-bind none $rmrr" "$rmrr"

no_complaints "vfio-pci|RLIMIT_MEMLOCK|shpchp|igb|e1000e|VF token|Firmware has requested|ACPI|unsafe|allow_unsafe|DMAR|vfio_iommu_type1"
stop_guest
shows "ixy-bind and ixy-pktgen" "the advice in error messages works: no interrupt remapping, a bridge in the group, a VF's token; memory reserved by firmware"
finish
