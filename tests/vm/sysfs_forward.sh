#!/bin/bash
# ixy-fwd in a guest without an IOMMU, by sysfs:ADDRESS: registers by files, DMA to physical addresses in huge pages. It takes no
# card from a driver, nor from anybody but root, unless told to. SIGKILL under traffic: the watcher silences the cards and only
# then gives the memory back.
. "$(dirname "$0")/lib.sh"
unit_test=../tests/sysfs_test # built where cmocka is
[ -x "$IXY_BIN/$unit_test" ] || skip "cmocka is missing: apt install libcmocka-dev"
pack_programs ixy-fwd ixy-bind $unit_test
start_cards --interval 0.2 gen:flows=64 gen:flows=64 tap:t0 tap:t1
ip addr add 10.99.0.1/24 dev t0
ip link set t0 up
ip link set t1 up
ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev t0
more=$work/programs.cpio start_guest
sysfs=/sys/bus/pci/devices

# refused NAME WORDS COMMAND...: it fails, and says so
refused()
{
	local name=$1 words=$2
	shift 2
	guest "$@" >"$work/refused.log" 2>&1 && fail "$name: not refused"
	cat "$work/refused.log"
	grep -q -- "$words" "$work/refused.log" || fail "$name: not a word of $words"
	[ "$(wc -l <"$work/refused.log")" = 1 ] || fail "$name: more than a line"
}
# forward NAME COMMAND...
forward()
{
	local name=$1 packets
	shift
	guest "$*" >"$work/forward.log" 2>&1 || fail "$name: $(cat "$work/forward.log")"
	packets=$(sed -n 's/.*"final":true.*"tx_packets":\([0-9]*\).*/\1/p' "$work/forward.log" | tail -n 1)
	[ "${packets:-0}" -gt 1000 ] || fail "$name: only ${packets:-no} packets"
	[ "$(grep -c "reach all memory" "$work/forward.log")" = 1 ] || fail "$name: not one warning: $(cat "$work/forward.log")"
	no_watchers
	echo "$name: ${packets:-no} packets"
}
no_watchers()
{
	within 60 guest '! pidof ixy-watcher' || fail "a watcher lives on"
	[ "$(guest cat /proc/sys/vm/nr_hugepages)" = "$(guest cat /sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages)" ] ||
		fail "huge pages are not given back: $(guest grep Huge /proc/meminfo)"
}
fwd="ixy-fwd --json --duration 1 sysfs:$(card 0) sysfs:$(card 1)"

refused "no huge pages" "nr_hugepages" "$fwd"
guest "echo 64 >/proc/sys/vm/nr_hugepages"
# The unit test, which has seen no huge pages elsewhere.
must "the unit test" guest "ip link set lo up && sysfs_test >/tmp/test.log 2>&1 || { cat /tmp/test.log; false; }"
guest grep SKIPPED /tmp/test.log && fail "with huge pages nothing is skipped"
refused "an ordinary user" "needs root" "setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all $fwd"
refused "no such card" "no such device" ixy-fwd sysfs:0000:7f:00.0 "sysfs:$(card 1)"
refused "no address" "not an address" ixy-fwd "sysfs:$(card 0),forced" "sysfs:$(card 1)"
refused "interrupts" "no MSI" "$fwd --quiet --interrupts 2>&1 | grep -v 'reach all memory'; false"
must "ixgbe does not take the cards" guest "modprobe ixgbe && [ -e $sysfs/$(card 3)/driver ]"
interface=$(guest ls "$sysfs/$(card 2)/net")
must "ip" guest "ip link set $interface up && ip address add 10.98.0.1/24 dev $interface"
refused "a driver" "driven by ixgbe; .* ixy-bind none $(card 0)" "$fwd"
refused "an address" "$interface is up and has the address 10.98.0.1" "ixy-fwd sysfs:$(card 2) sysfs:$(card 3)"
[ "$(guest basename "\$(readlink $sysfs/$(card 2)/driver)")" = ixgbe ] || fail "ixgbe has lost the card"

guest "ixy-fwd --json --duration 1 sysfs:$(card 2),force sysfs:$(card 3),force" >"$work/force.log" 2>&1 ||
	fail "force: $(cat "$work/force.log")"
grep "taken from" "$work/force.log"
grep -q "$(card 2): taken from ixgbe, although $interface is up and has" "$work/force.log" || fail "force: no word of the address"
[ "$(grep -c "taken from ixgbe" "$work/force.log")" = 2 ] || fail "force: not one word for each card"
guest cat "$sysfs/$(card 2)/driver_override" | grep null >/dev/null || fail "driver_override is not given back"
for n in 0 1 2 3; do
	must "ixy-bind" guest ixy-bind none "$(card $n)"
done

forward "two cards" "$fwd"
forward "again" "$fwd"
# Pages come in another order when some have been given back in the middle: runs have to be looked for.
must "no huge pages" guest "
	mkdir -p /huge && mount -t hugetlbfs none /huge
	for i in 1 2 3 4 5 6 7 8 9 10 11 12; do fallocate -l 2097152 /huge/\$i; done
	rm /huge/2 /huge/9 /huge/4 /huge/11 /huge/6"
guest "$fwd" >"$work/forward.log" 2>&1 || fail "scattered huge pages: $(cat "$work/forward.log")"
guest "rm /huge/*; umount /huge"
forward "with pages that were scattered" "$fwd"
refused "not enough huge pages" "huge pages: [0-9]* of 2 MiB are needed" \
	"echo 9 >/proc/sys/vm/nr_hugepages; $fwd 2>&1 | grep -v 'reach all memory\|cannot allocate'; false"
guest "echo 64 >/proc/sys/vm/nr_hugepages"

# Two programs, one card. No driver takes it meanwhile either, although it would otherwise.
guest "echo >$sysfs/$(card 0)/driver_override"
guest "ixy-fwd sysfs:$(card 0) sysfs:$(card 1) >/tmp/first 2>&1 & echo \$! >/tmp/pid"
within 60 guest grep -q pps /tmp/first || die "the first does not run: $(guest cat /tmp/first)"
refused "a card that another program has" "in use" "$fwd"
refused "a card that a program has, to the kernel" "open" ixy-bind kernel "$(card 0)"
must "modprobe" guest "rmmod ixgbe && modprobe ixgbe"
guest "[ -e $sysfs/$(card 0)/driver ]" && fail "a driver that is loaded takes a card that is in use"
# shellcheck disable=SC2016 # in the guest
guest 'kill -INT $(cat /tmp/pid); while [ -d /proc/$(cat /tmp/pid) ]; do sleep 0.1; done'
no_watchers
guest cat "$sysfs/$(card 0)/driver_override" | grep null >/dev/null || fail "driver_override is not given back"

# shellcheck disable=SC2317 # called by spawn
datagrams() # up to 2000 in a second, all the time
{
	local n
	while sleep 0.01; do
		for n in {1..20}; do
			echo "$n" >/dev/udp/10.99.0.2/9
		done
	done
}
spawn send datagrams
sender=$!
# so_far PORT FIELD: in the account at this moment, a state or a counter
so_far()
{
	grep ']}$' "$work/account.json" | tail -n 1 | sed -n "s/.*{\"port\":$1,[^}]*\"$2\":\"\?\([a-z0-9]*\).*/\1/p"
}
# shellcheck disable=SC2317 # called by within
both_are()
{
	[ "$(so_far 2 state) $(so_far 3 state)" = "$1 $1" ]
}
# shellcheck disable=SC2317 # called by within
above()
{
	[ "$(so_far "$1" "$2")" -gt "$3" ]
}
# forwards NAME: 300 frames that come in by card 2 go out by card 3
forwards()
{
	within 60 both_are up || die "$1: no links"
	within 60 above 3 tx_frames $(($(so_far 3 tx_frames) + 300)) || die "$1: nothing is forwarded"
	echo "$1: forwards"
}
reached() # by the cards, in the guest's memory
{
	echo "$(so_far 2 rx_frames) $(so_far 2 tx_frames) $(so_far 3 rx_frames) $(so_far 3 tx_frames)"
}
# The PCI command register: bit 2 is bus mastering, bit 10 disables INTx.
bus_mastering()
{
	echo $(($(guest od -An -tu1 -j4 -N1 "$sysfs/$(card "$1")/config") >> 2 & 1))
}
intx_is_off()
{
	[ $(($(guest od -An -tu1 -j5 -N1 "$sysfs/$(card "$1")/config") >> 2 & 1)) = 1 ]
}
start()
{
	guest "ixy-fwd sysfs:$(card 2) sysfs:$(card 3) >/dev/null 2>&1 & echo \$!"
}

pid=$(start)
forwards "ixy-fwd"
[ "$(bus_mastering 2)$(bus_mastering 3)" = 11 ] || fail "bus mastering is off while it works?"
intx_is_off 2 || fail "the card can raise INTx, which is not handled"
# All that a terminal would end, at once. The watchers are in sessions of their own.
lost=$(so_far 2 rx_down)
guest "kill -KILL $pid"
within 60 above 2 rx_down $((lost + 100)) || fail "the receiver is not off after SIGKILL, or the wire does not go on sending"
no_watchers
[ "$(bus_mastering 2)$(bus_mastering 3)" = 00 ] || fail "bus mastering is on after SIGKILL"
before=$(reached) lost=$(so_far 2 rx_down)
within 60 above 2 rx_down $((lost + 1000)) || fail "the wire does not go on sending"
after=$(reached)
echo "after SIGKILL: received and sent by the two cards: $before; and $(($(so_far 2 rx_down) - lost)) frames later: $after"
[ "$before" = "$after" ] || fail "the cards reach memory after SIGKILL"

pid=$(start)
forwards "ixy-fwd again"
kill "$sender"
wait "$sender" 2>/dev/null
guest "kill -INT $pid; while [ -d /proc/$pid ]; do sleep 0.1; done"
no_watchers
no_complaints "ixgbe"
stop_guest
stop_cards
no_faults
for counter in corrupted stale foreign unchanged duplicates dma_faults tx_bad; do
	[ "$(total $counter "$work/account.json")" = 0 ] || fail "$counter is $(total $counter "$work/account.json")"
done
shows "ixy-fwd" "without an IOMMU, through sysfs and huge pages; refuses a card in use; SIGKILL under traffic: no DMA afterwards"
finish
