#!/bin/bash
# ixy-pktgen in a guest, through the kernel's VFIO behind an IOMMU, with normal pages and with huge ones: the card has sent what
# ixy-pktgen says, each packet once and in order.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-pktgen
capture=$work/sent.pcap
start_cards "pcap:out=$capture"
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0

# field NAME: of the last line of $work/send.log
field()
{
	sed -n "s/.*\"final\":true.*\"$1\":\([0-9]*\).*/\1/p" "$work/send.log"
}

size=128 # with CRC
# send NAME COUNT
send()
{
	local packets bytes
	guest "ixy-pktgen --json --count $2 --size $size $(card 0)" >"$work/send.log" 2>&1 || fail "$1: $(cat "$work/send.log")"
	packets=$(field tx_packets) bytes=$(field tx_bytes)
	echo "$1: $packets packets, $bytes bytes"
	[ "$packets" = "$2" ] || fail "$1: $packets packets instead of $2"
	[ "$bytes" = $(($2 * (size - 4))) ] || fail "$1: $bytes bytes"
}
send "normal pages" 20000
grep -q "no free huge pages" "$work/send.log" || fail "no word about missing huge pages"
guest "echo 64 >/proc/sys/vm/nr_hugepages"
send "huge pages" 30000
grep -q "huge pages" "$work/send.log" && fail "huge pages are not used: $(cat "$work/send.log")"

no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
no_bad_accesses
sent=$(of_port 0 tx_frames "$work/account.json") bytes=$(of_port 0 tx_bytes "$work/account.json")
echo "by the card's account: $sent packets, $bytes bytes"
[ "$sent" = 50000 ] || fail "the card has sent $sent packets"
[ "$bytes" = $((50000 * (size - 4))) ] || fail "the card has sent $bytes bytes"
# In the file: 24 bytes, then of each packet 16 bytes and itself, with its number at the begin of the payload.
od -An -v -tx1 -w$((16 + size - 4)) -j 24 "$capture" | cut -d ' ' -f $((2 + 16 + 42))-$((2 + 16 + 45)) | tr -d ' ' >"$work/numbers"
{ seq 0 19999; seq 0 29999; } | xargs printf '%08x\n' | cmp - "$work/numbers" || fail "these are not all packets in order"
shows "ixy-pktgen" "kernel VFIO behind an IOMMU, huge and normal pages: the card has sent the number that it prints, in order"
finish
