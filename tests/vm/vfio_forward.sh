#!/bin/bash
# ixy-fwd in a guest, on two cards through the kernel's VFIO behind an IOMMU: with huge pages and without, as root and as a user
# that owns only the group files, with I/O addresses of 48 bits and of 39.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd
user="setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all"

# boot BITS, forward NAME COMMAND..., shut_down
boot()
{
	bits=$1
	start_cards gen:flows=64 gen:flows=64
	more=$work/programs.cpio iommu=on,aw-bits=$bits start_guest
	bind_to_vfio 0 1
	# The field MGAW of the IOMMU's capabilities.
	width=$(($(guest cat /sys/class/iommu/dmar0/intel-iommu/cap | sed s/^/0x/) >> 16 & 0x3F))
	[ $((width + 1)) = "$bits" ] || fail "the IOMMU has addresses of $((width + 1)) bits, not $bits"
}
forward()
{
	local name="$bits bits, $1" packets
	shift
	guest "$*" >"$work/forward.log" 2>&1 || fail "$name: $(cat "$work/forward.log")"
	packets=$(sed -n 's/.*"final":true.*"tx_packets":\([0-9]*\).*/\1/p' "$work/forward.log" | tail -n 1)
	[ "${packets:-0}" -gt 1000 ] || fail "$name: only ${packets:-no} packets"
	echo "$name: ${packets:-no} packets"
}
shut_down()
{
	no_complaints "vfio-pci .* (resetting|reset done)|RLIMIT_MEMLOCK"
	stop_guest
	stop_cards
	no_faults
	no_bad_accesses
	for counter in corrupted stale foreign unchanged duplicates dma_faults tx_bad; do
		[ "$(total $counter "$work/account.json")" = 0 ] || fail "$bits bits: $counter is $(total $counter "$work/account.json")"
	done
}
fwd="ixy-fwd --json --duration 1 $(card 0) $(card 1)"

boot 48
forward "normal pages" "$fwd"
grep -q "no free huge pages" "$work/forward.log" || fail "no word about missing huge pages"
guest "echo 64 >/proc/sys/vm/nr_hugepages"
forward "huge pages" "$fwd"
grep -q "huge pages" "$work/forward.log" && fail "huge pages are not used: $(cat "$work/forward.log")"

guest "$user $fwd" >"$work/refused.log" 2>&1 && fail "a user without the group files is let in"
cat "$work/refused.log"
grep -q "/dev/vfio/.*ermission" "$work/refused.log" || fail "another error without permission: $(cat "$work/refused.log")"
guest "chown 1000 /dev/vfio/[0-9]*; chmod 666 /dev/vfio/vfio; echo 0 >/proc/sys/vm/nr_hugepages"
guest "ulimit -l 64; $user $fwd" >"$work/refused.log" 2>&1 && fail "a limit of 64 KiB of locked memory is enough?"
cat "$work/refused.log"
grep -q "ulimit -l\|RLIMIT_MEMLOCK" "$work/refused.log" || fail "another error with too little memory to lock: $(cat "$work/refused.log")"
forward "a user" "ulimit -l 25000; $user $fwd" # the README's figure

shut_down

boot 39
forward "normal pages" "$fwd"
shut_down
shows "ixy-fwd" "kernel VFIO, IOMMUs of 48 and 39 bits, huge and normal pages; an ordinary user; memlock limit"
finish
