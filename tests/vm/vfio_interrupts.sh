#!/bin/bash
# ixy-fwd --interrupts in a guest, through the kernel's VFIO: one thread for two cards. Bursts come back although it sleeps, the
# guest's kernel counts an interrupt of each queue's vector, none come while nothing arrives, and the thread takes no time then. With
# fwd_patient, which only an interrupt wakes up, a packet that is left in a ring would stay there.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd fwd_patient

# counted MATCH: interrupts of such vectors, as the guest's kernel counts them
counted()
{
	guest "grep -F '$1' /proc/interrupts" | awk '{ sum += $2 + $3 } END { print sum + 0 }' # two processors
}
ticks()
{
	guest cat "/proc/$pid/stat" | sed 's/.*) //' | awk '{ print $12 + $13 }'
}
# shellcheck disable=SC2317 # within calls it
back()
{
	[ "$(tail -n 1 "$work/account.json" | grep -o "\"tx_frames\":$packets," | wc -l)" = 2 ]
}

# forward KIND VECTORS PROGRAM FWD-OPTION...: KIND is msix or msi, VECTORS how many there are of each card; the cards are those of
# start_cards
forward()
{
	local kind=$1 vectors=$2 program=$3 n before after vector
	shift 3
	iommu=on more=$work/programs.cpio start_guest
	bind_to_vfio 0 1
	huge_pages
	pid=$(guest "$program --interrupts --json $* $(card 0) $(card 1) >/tmp/log 2>/tmp/err & echo \$!")
	within 200 back || die "$kind: not all came back: $(tail -n 1 "$work/account.json") $(guest cat /tmp/err /tmp/log)"
	[ "$(guest "grep -F vfio-${kind}[ /proc/interrupts" | wc -l)" = $((2 * vectors)) ] || fail "$kind: other vectors: $(guest "grep vfio /proc/interrupts")"
	for n in 0 1; do
		vector=$((vectors - 1))
		[ "$(counted "vfio-${kind}[$vector]($(card $n))")" -ge 100 ] || fail "$kind: card $n: few interrupts: $(guest "grep vfio /proc/interrupts")"
	done
	echo "$kind: $((packets * 2)) packets, $(counted "vfio-${kind}[") interrupts"

	before="$(counted "vfio-${kind}[") $(ticks)"
	sleep 2
	after="$(counted "vfio-${kind}[") $(ticks)"
	[ "${before% *}" = "${after% *}" ] || fail "$kind: interrupts while nothing arrives: ${before% *}, ${after% *}"
	# Less than half: while the guest waits for a processor of a busy host, its clock goes on. It is a few ticks otherwise.
	[ $((${after#* } - ${before#* })) -lt 100 ] || fail "$kind: ${after#* } - ${before#* } ticks in 2 s while nothing arrives"
	echo "$kind, idle: $((${after#* } - ${before#* })) ticks in 2 s"
	guest "kill -INT $pid; for i in \$(seq 50); do [ -d /proc/$pid ] || break; sleep 0.1; done; cat /tmp/err" >"$work/err"
	guest "[ -d /proc/$pid ]" && fail "$kind: ixy-fwd does not end"
	grep -v "no free huge pages" "$work/err" && fail "$kind: something on standard error"
	[ "$(counted "vfio-${kind}[")" = 0 ] || fail "$kind: vectors are left"
	no_complaints "vfio-pci .* (resetting|reset done)"
	stop_guest
	stop_cards
	no_faults
	no_bad_accesses
	for counter in overdue lost; do
		[ "$(total $counter "$work/account.json")" = 0 ] || fail "$kind: $counter is $(total $counter "$work/account.json")"
	done
}

packets=6000
wire=gen:burst=3,count=$packets,gap=1000,deadline=20000
start_cards --interval 0.5 "$wire" "$wire"
forward msix 2 fwd_patient
start_cards --interval 0.5 --no-msix "$wire" "$wire"
forward msi 1 fwd_patient
packets=16000
wire=gen:burst=8,count=$packets,gap=1000,deadline=20000,flows=64
start_cards --interval 0.5 "$wire" "$wire"
forward msix 5 ixy-fwd --queues 4
shows "ixy-fwd" "one thread sleeps until one of two cards interrupts, by MSI-X and by MSI: all bursts return in time; no processor time while idle"
finish
