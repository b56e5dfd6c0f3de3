#!/bin/bash
# IOMMU groups. A card of two functions, which are groups of their own: ixy-fwd puts both groups into one container. Two cards on
# a conventional bus, one group because their DMA comes from the same bridge: ixy-fwd drives them through one open group. If one
# of them has another driver, the kernel does not hand out the group: ixy-fwd says which and what to do, and that helps.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd ixy-bind
start_cards gen:flows=64 gen:flows=64 gen:flows=64 gen:flows=64
# shellcheck disable=SC2034 # used by start_guest
places=('"bus":"port0","addr":"0.0","multifunction":true' '"bus":"port0","addr":"0.1"'
	'"bus":"bridge","addr":"1.0"' '"bus":"bridge","addr":"2.0"')
cards=(0000:01:00.0 0000:01:00.1 0000:05:01.0 0000:05:02.0)
card()
{
	echo "${cards[$1]}"
}
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0 1 2 3
huge_pages

# group CARD
group()
{
	guest readlink "/sys/bus/pci/devices/$(card "$1")/iommu_group" | sed 's,.*/,,'
}
groups=$(for n in 0 1 2 3; do group $n; done | tr '\n' ' ')
read -r -a group <<<"$groups"
{ [ "${group[0]}" != "${group[1]}" ] && [ "${group[2]}" = "${group[3]}" ]; } || die "the cards are in groups $groups"

# forward CARD CARD FILE...: while it forwards, ixy-fwd has these files of VFIO open, each so often
forward()
{
	local name="cards $1 and $2" out=/tmp/$1$2 pid opened packets n
	pid=$(guest "ixy-fwd --json $(card "$1") $(card "$2") >$out 2>&1 & echo \$!")
	shift 2
	within 60 guest grep -q tx_packets "$out" || die "$name: $(guest cat "$out")"
	opened=$(guest "ls -l /proc/$pid/fd" | sed -n 's,.* -> \(/dev/vfio/.*\),\1,p' | sort | xargs)
	[ "$opened" = "$(printf '%s\n' "$@" | sort | xargs)" ] || fail "$name: open are $opened"
	guest "kill -INT $pid; while [ -d /proc/$pid ]; do sleep 0.1; done"
	packets=$(guest grep '\"final\":true' "$out" | grep -o '"tx_packets":[0-9]*,"tx_bytes"' | grep -o '[0-9]*' | xargs)
	[ "$(wc -w <<<"$packets")" = 2 ] || fail "$name: no counts of two cards: $packets"
	for n in $packets; do
		[ "$n" -gt 1000 ] || fail "$name: only $n packets"
	done
	echo "$name: $packets packets with $opened"
}
forward 0 1 /dev/vfio/vfio "/dev/vfio/${group[0]}" "/dev/vfio/${group[1]}"
# The second descriptor of the group is a copy of the first: the kernel does not let it be opened twice.
forward 2 3 /dev/vfio/vfio "/dev/vfio/${group[2]}" "/dev/vfio/${group[2]}"

# Card 3 back to Linux's driver.
must "ixgbe does not take the card" guest "
	set -e
	modprobe ixgbe
	cd /sys/bus/pci
	echo $(card 3) >drivers/vfio-pci/unbind
	echo >devices/$(card 3)/driver_override
	echo $(card 3) >drivers_probe
	[ -e drivers/ixgbe/$(card 3) ]"
fwd="ixy-fwd --quiet --duration 1 $(card 0) $(card 2)"
guest "$fwd" >"$work/refused.log" 2>&1
status=$?
cat "$work/refused.log"
[ $status = 1 ] || fail "with a neighbour that ixgbe drives: exit status $status"
grep -q ": $(card 2): .*: $(card 3) (ixgbe);" "$work/refused.log" || fail "the neighbour and its driver are not named"
advice=$(sed -n 's/.* too: sudo \(ixy-bind .*\)/\1/p' "$work/refused.log")
[ -n "$advice" ] || fail "no advice"
must "the advice does not work" guest "$advice"
must "not even with its neighbour bound, too" guest "$fwd"

no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
shows "ixy-fwd" "two groups in one container; two cards in one group; a group that is not viable: names the other member and the solution"
finish
