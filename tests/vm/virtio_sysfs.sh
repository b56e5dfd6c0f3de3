#!/bin/bash
# QEMU's virtio-net devices in a machine without an IOMMU, through sysfs: modern ones with split and packed rings, and legacy ones,
# whose registers are I/O ports.
. "$(dirname "$0")/virtio_lib.sh"
pack_programs ixy-fwd
fwd="sysfs:$(card 0) sysfs:$(card 1)"

# kind NAME QUEUES DEVICE-OPTIONS FWD-OPTION...
kind()
{
	local name=$1 queues=$2 options=$3
	shift 3
	virtio_guest "$queues" "$options"
	take none
	guest "echo 64 >/proc/sys/vm/nr_hugepages"
	traffic "$name" "$@" "$fwd"
	no_complaints virtio
	stop_guest
}
kind "modern, split" 1 disable-legacy=on
kind "modern, packed, 2 queue pairs" 2 disable-legacy=on,packed=on --queues 2
kind "transitional" 1 disable-legacy=off
kind "legacy" 1 disable-modern=on,disable-legacy=off
kind "legacy, header in a descriptor of its own" 1 disable-modern=on,disable-legacy=off,any_layout=off
kind "legacy, nothing optional, 128 descriptors" 1 \
	disable-modern=on,disable-legacy=off,any_layout=off,event_idx=off,indirect_desc=off,mrg_rxbuf=off,ctrl_vq=off,status=off,csum=off,guest_csum=off,gso=off,rx_queue_size=256,host_mtu=0
kind "legacy, 4 queue pairs" 4 disable-modern=on,disable-legacy=off --queues 4
shows "ixy-fwd, virtio-net" "QEMU's modern, transitional and legacy devices without an IOMMU, through sysfs: TCP with equal SHA-256"
finish
