#!/bin/bash
# ixy-pcap in a guest, through the kernel's VFIO behind an IOMMU, with normal pages and with huge ones: tcpdump sees the packets
# that were sent to the card, whole and in order.
. "$(dirname "$0")/lib.sh"
packets=300
make_capture "$work/in.pcap" $packets
pack_programs ixy-pcap
(cd "$work" && echo in.pcap | cpio --quiet -o -H newc -R 0:0) >"$work/in.cpio"
start_cards "pcap:in=$work/in.pcap" # each time that the link comes up
more="$work/programs.cpio $work/in.cpio" iommu=on start_guest
bind_to_vfio 0

see="tcpdump -Z root -n -t -xx -r"
must "tcpdump does not read what is sent" guest "$see /in.pcap >/in.txt"
[ "$(guest "grep -c 'UDP, length' /in.txt")" = $packets ] || die "the capture file is not what it should be"

# captured NAME COMMAND: makes /out.txt
captured()
{
	guest "rm -f /out.txt; $2" >"$work/capture.log" 2>&1 || fail "$1: $(cat "$work/capture.log")"
	guest "cmp /in.txt /out.txt" || fail "$1: other packets came out: $(guest "diff /in.txt /out.txt | head -n 4")"
	echo "$1: $(guest "grep -c 'UDP, length' /out.txt") packets"
}
pcap="ixy-pcap --quiet --count $packets $(card 0)"
captured "normal pages" "$pcap /out.pcap && $see /out.pcap >/out.txt"
grep -q "no free huge pages" "$work/capture.log" || fail "no word about missing huge pages"
guest "echo 64 >/proc/sys/vm/nr_hugepages"
captured "huge pages" "$pcap /out.pcap && $see /out.pcap >/out.txt"
grep -q "huge pages" "$work/capture.log" && fail "huge pages are not used: $(cat "$work/capture.log")"
captured "a pipe" "$pcap - | $see - >/out.txt"

no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
no_bad_accesses
[ "$(of_port 0 rx_frames "$work/account.json")" = $((3 * packets)) ] ||
	fail "the card has received other numbers of packets: $(tail -n 1 "$work/account.json")"
shows "ixy-pcap" "kernel VFIO behind an IOMMU, huge and normal pages: tcpdump reads its files, which contain the packets sent"
finish
