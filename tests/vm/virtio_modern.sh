#!/bin/bash
# Modern virtio-net devices of QEMU, through the kernel's VFIO behind an IOMMU: split and packed rings, one and four queue pairs, with
# huge pages and without, polling and with interrupts. A device that goes around the IOMMU is refused.
. "$(dirname "$0")/virtio_lib.sh"
pack_programs ixy-fwd
fwd="$(card 0) $(card 1)"

iommu=on virtio_guest 4 disable-legacy=on,iommu_platform=on
take vfio-pci
traffic "split, normal pages" "$fwd"
guest "echo 64 >/proc/sys/vm/nr_hugepages"
traffic "split, huge pages" "$fwd"
traffic "split, 4 queue pairs" --queues 4 "$fwd"
traffic "split, 4 queue pairs, 2 threads, interrupts" --queues 4 --threads 2 --interrupts "$fwd"
set_mtu 9000
traffic "split, MTU 9000, merged buffers" --mtu 9000 "$fwd"
set_mtu 1500
guest "ixy-fwd --queues 5 $fwd" >"$work/refused.log" 2>&1 && fail "5 queue pairs of 4?"
grep -q "5 queue pairs.*1 to 4" "$work/refused.log" || fail "another error for 5 queue pairs of 4: $(cat "$work/refused.log")"
no_complaints "vfio-pci .* (resetting|reset done)|virtio"
stop_guest

iommu=on virtio_guest 4 disable-legacy=on,iommu_platform=on,packed=on
take vfio-pci
traffic "packed" "$fwd"
traffic "packed, 4 queue pairs" --queues 4 "$fwd"
traffic "packed, interrupts" --interrupts "$fwd"
set_mtu 9000
traffic "packed, MTU 9000, merged buffers" --mtu 9000 "$fwd"
no_complaints "vfio-pci .* (resetting|reset done)|virtio"
stop_guest

iommu=on virtio_guest 1 disable-legacy=on
take vfio-pci
guest "ixy-fwd $fwd" >"$work/refused.log" 2>&1 && fail "a device that goes around the IOMMU is taken"
cat "$work/refused.log"
grep -q "ACCESS_PLATFORM" "$work/refused.log" || fail "another error for a device that goes around the IOMMU: $(cat "$work/refused.log")"
stop_guest
shows "ixy-fwd, virtio-net" "QEMU's modern device behind an IOMMU: TCP with equal SHA-256; split and packed rings, 1 and 4 queue pairs, interrupts"
finish
