#!/bin/bash
# Interrupts of two cards in a guest, through the kernel's VFIO: irq_count.c counts as many as the guest's kernel does, vector by
# vector, by MSI-X and by MSI; vectors that are given back are gone.
. "$(dirname "$0")/lib.sh"
pack_programs irq_count
start_cards gen gen
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0 1
huge_pages

# stage NAME LINES: irq_count has stopped and says the same as the kernel
stage()
{
	within 60 guest "grep -q '^State:.*stopped' /proc/$pid/status" || die "$1: $(guest cat /tmp/log)"
	guest "cat /tmp/log; : >/tmp/log" | grep -v "no free huge pages" | sort >"$work/ours"
	guest "grep -F vfio- /proc/interrupts" | awk '{ print $NF, $2 + $3 }' | sort >"$work/kernels" # two processors
	diff "$work/ours" "$work/kernels" || fail "$1: irq_count (<) and the kernel (>) count differently"
	[ "$(wc -l <"$work/ours")" = "$2" ] || fail "$1: not $2 vectors: $(cat "$work/ours")"
	echo "$1: $2 vectors, $(awk '{ sum += $2 } END { print sum + 0 }' "$work/ours") interrupts"
	guest kill -CONT "$pid"
}
start()
{
	pid=$(guest "irq_count $1 $(card 0) $(card 1) >>/tmp/log 2>&1 & echo \$!")
}

start msix
stage "MSI-X" 6
stage "MSI-X, more vectors" 10
stage "MSI-X, the vectors between" 14
stage "MSI-X of one card" 7
stage "closed" 0
start msi
stage "MSI" 2
stage "closed" 0

no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "libixy-vfio" "interrupts of two cards by MSI-X and MSI: the kernel's counts match for each vector"
finish
