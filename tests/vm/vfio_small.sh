#!/bin/bash
# ixy-fwd-small, the smallest build of the forwarder (`make loc` counts it), in a guest, through the kernel's VFIO behind an IOMMU: every
# packet comes back by the other card, and the program counts what the cards do.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd-small
packets=5000
wire=gen:burst=32,count=$packets,gap=100,flows=64,deadline=60000 # the next burst when one is back: the guest may be slow
start_cards --interval 0.5 "$wire" "$wire"
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0 1
huge_pages

guest "ixy-fwd-small $(card 0) >/tmp/refused 2>&1" && fail "one card is enough?"
pid=$(guest "ixy-fwd-small $(card 0) $(card 1) >/tmp/log 2>/tmp/err & echo \$!")
# shellcheck disable=SC2317 # within calls it
back()
{
	[ "$(tail -n 1 "$work/account.json" | grep -o "\"tx_frames\":$packets," | wc -l)" = 2 ]
}
within 120 back || die "not all came back: $(tail -n 1 "$work/account.json") $(guest cat /tmp/err /tmp/log)"
guest "kill -INT $pid"
within 60 guest "[ ! -d /proc/$pid ]" || die "it does not end"
guest "cat /tmp/err; grep total /tmp/log" >"$work/total.log"
cat "$work/total.log"
for n in 0 1; do
	grep -qx "total $(card $n): received $packets, sent $packets" "$work/total.log" || fail "card $n: it does not count $packets packets each way"
done
no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
no_bad_accesses
for n in 0 1; do
	for counter in sent rx_frames tx_frames; do
		[ "$(of_port $n $counter "$work/account.json")" = $packets ] || fail "card $n: $counter is $(of_port $n $counter "$work/account.json")"
	done
done
for counter in corrupted stale foreign unchanged duplicates overdue lost dma_faults tx_bad; do
	[ "$(total $counter "$work/account.json")" = 0 ] || fail "$counter is $(total $counter "$work/account.json")"
done
shows "ixy-fwd-small" "kernel VFIO behind an IOMMU: every packet returns, and its counters match the cards'"
finish
