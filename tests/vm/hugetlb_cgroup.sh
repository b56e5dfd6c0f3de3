#!/bin/bash
# The machine has huge pages, and the program's cgroup may not have them, none or not enough: as its pages or as reservations. DMA
# memory is in normal pages then, and ixy-fwd says why. The kernel tells of the one limit only when pages are touched, by SIGBUS.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd
start_cards gen:flows=64 gen:flows=64
more=$work/programs.cpio iommu=on append="hugepages=64" start_guest
bind_to_vfio 0 1
must "no hugetlb controller" guest "
	set -e
	mkdir /cg
	mount -t cgroup2 cgroup /cg
	echo +hugetlb >/cg/cgroup.subtree_control
	mkdir /cg/a"

# forward NAME FILE LIMIT WARNINGS: with this limit it works all the same, with so many warnings
forward()
{
	local name=$1 file=$2 limit=$3 warnings=$4 status
	must "$name" guest "echo $limit >/cg/a/$file"
	guest "sh -c 'echo \$\$ >/cg/a/cgroup.procs; exec ixy-fwd --json --duration 1 $(card 0) $(card 1)'" >"$work/forward.log" 2>&1
	status=$?
	grep -v '^{' "$work/forward.log"
	[ $status = 0 ] || fail "$name: exit status $status"
	grep '"final":true' "$work/forward.log" | grep -q '"tx_packets":[1-9]' || fail "$name: nothing is forwarded"
	[ "$(grep -c 'normal pages.*hugetlb.2MB.max' "$work/forward.log")" = "$warnings" ] || fail "$name: not $warnings warnings"
	grep 'no free huge pages' "$work/forward.log" && fail "$name: something else is blamed"
	must "$name" guest "echo max >/cg/a/$file"
}
forward "no limit" hugetlb.2MB.max max 0
forward "no pages" hugetlb.2MB.max 0 1
forward "two pages" hugetlb.2MB.max 4194304 1
forward "no reservations" hugetlb.2MB.rsvd.max 0 1
forward "no limit any more" hugetlb.2MB.max max 0
[ "$(guest "grep HugePages_Free /proc/meminfo" | tr -dc 0-9)" = 64 ] || fail "huge pages are left behind"

no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
shows "ixy-fwd" "a cgroup that is denied huge pages: uses normal pages, and explains why"
finish
