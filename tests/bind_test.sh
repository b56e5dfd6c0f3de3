#!/bin/bash
# ixy-bind on a sysfs of plain files: the list, as text and JSON; what is refused; what is written. Nothing happens to real cards:
# IXY_SYSFS names the tree. tests/vm/ixy_bind.sh has a real one.
# shellcheck disable=SC2016 # what is evaluated later
. "$(dirname "$0")/lib.sh"
need python3 python3

export IXY_SYSFS=$work/sys
bus=$IXY_SYSFS/bus/pci

# pci_function ADDRESS ID CLASS GROUP [DRIVER]: GROUP and DRIVER may be ""
pci_function()
{
	local dir=$bus/devices/$1
	mkdir -p "$dir"
	echo "0x${2%:*}" >"$dir/vendor"
	echo "0x${2#*:}" >"$dir/device"
	echo "0x$3" >"$dir/class"
	echo "-1" >"$dir/numa_node"
	echo "(null)" >"$dir/driver_override"
	: >"$dir/resource0"
	if [ -n "$4" ]; then
		mkdir -p "$IXY_SYSFS/kernel/iommu_groups/$4/devices"
		ln -s "../../../../kernel/iommu_groups/$4" "$dir/iommu_group"
		ln -s "../../../../bus/pci/devices/$1" "$IXY_SYSFS/kernel/iommu_groups/$4/devices/$1"
	fi
	[ -z "${5:-}" ] || drive "$1" "$5"
}
drive()
{
	mkdir -p "$bus/drivers/$2"
	: >"$bus/drivers/$2/unbind"
	ln -sfn "../../drivers/$2" "$bus/devices/$1/driver"
}
make_tree()
{
	rm -rf "$IXY_SYSFS"
	if [ -d "$work/tree" ]; then # made once, as that takes many processes
		cp -a "$work/tree" "$IXY_SYSFS"
		return
	fi
	mkdir -p "$bus/drivers/vfio-pci" "$IXY_SYSFS/module/vfio_iommu_type1"
	: >"$bus/drivers_probe"
	pci_function 0000:01:00.0 8086:10fb 020000 11 ixgbe
	pci_function 0000:01:00.1 8086:10fb 020000 12
	pci_function 0000:02:00.0 8086:10d3 020000 13 e1000e
	pci_function 0000:02:00.1 8086:1521 020000 13 igb
	pci_function 0000:02:00.2 8086:0000 060400 13 pcieport
	pci_function 0000:03:00.0 1af4:1000 020000 "" virtio-pci
	pci_function 0000:04:00.0 8086:2922 010601 14 ahci
	echo 1 >"$bus/devices/0000:01:00.1/numa_node"
	mkdir -p "$bus/devices/0000:01:00.0/net/ixy-test0" "$bus/devices/0000:03:00.0/virtio3/net/ixy-test3" \
		"$IXY_SYSFS"/class/net/ixy-test{0,3}
	echo 0x1002 | tee "$IXY_SYSFS"/class/net/ixy-test{0,3}/flags >/dev/null # down
	cp -a "$IXY_SYSFS" "$work/tree"
}
bind="$IXY_BIN/ixy-bind"

# refused NAME STATUS WORDS ARGUMENT...: with a line on standard error; nothing is written
refused()
{
	local name=$1 expected=$2 words=$3 status
	shift 3
	make_tree
	[ -z "${prepare:-}" ] || eval "$prepare"
	"$bind" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	printf '%-34s %s\n' "$name" "$(head -n 1 "$work/err")"
	[ $status = "$expected" ] || fail "$name: exit status $status instead of $expected"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "$name: not one line: $(cat "$work/err")"
	[ -s "$work/out" ] && fail "$name: something on standard output"
	grep -q -e "$words" "$work/err" || fail "$name: not a word of $words"
	[ "$(sort -u "$bus"/devices/*/driver_override)" = "(null)" ] || fail "$name: driver_override is written"
	[ -s "$bus/drivers_probe" ] && fail "$name: drivers_probe is written"
	prepare=
}

# ---- The list ----

make_tree
"$bind" >"$work/list" || fail "the list: exit status $?"
cat "$work/list"
[ "$(grep -c '^0000:' "$work/list")" = 5 ] || fail "not five network cards"
grep -q '^0000:01:00.0  8086:10fb  82599/X520 .* ixgbe .* ixy-test0$' "$work/list" || fail "the first card is not right"
grep -q '^0000:01:00.1  8086:10fb  82599/X520 .* -  *1  *12  -$' "$work/list" || fail "the second card is not right"
grep -q '^0000:02:00.0  8086:10d3  no .* e1000e ' "$work/list" || fail "the third card is not right"
grep -q '0000:02:00.1 (igb)' "$work/list" || fail "no neighbour"
grep -q '^0000:03:00.0  1af4:1000  virtio-net .* virtio-pci .* ixy-test3$' "$work/list" || fail "the virtio card is not right"

"$bind" --json >"$work/list.json" || fail "--json: exit status $?"
python3 - "$work/list.json" <<-'P' || fail "the JSON is not right"
	import json, sys
	cards = {c["address"]: c for c in map(json.loads, open(sys.argv[1]))}
	def is_so(address, **wanted):
	    for key, value in wanted.items():
	        assert cards[address][key] == value, (address, key, cards[address][key], value)
	assert list(cards) == sorted(cards) and len(cards) == 5
	is_so("0000:01:00.0", id="8086:10fb", card="82599/X520", driver="ixgbe", numa_node=None, iommu_group=11,
	      group_members=[], interfaces=["ixy-test0"], in_use=None)
	is_so("0000:01:00.1", driver=None, numa_node=1, interfaces=[])
	is_so("0000:03:00.0", card="virtio-net", iommu_group=None, interfaces=["ixy-test3"])
	is_so("0000:02:00.0", card=None)
	others = cards["0000:02:00.0"]["group_members"]
	assert sorted(o["address"] + " " + o["driver"] for o in others) == ["0000:02:00.1 igb", "0000:02:00.2 pcieport"], others
P
rm -rf "$IXY_SYSFS"
"$bind" --json >"$work/list.json" 2>&1 || fail "no PCI: exit status $?"
[ -s "$work/list.json" ] && fail "no PCI: $(cat "$work/list.json")"

# ---- Refusals ----

refused "unknown option" 2 'no-such' --no-such
refused "unknown driver" 2 'frob' frob 0000:01:00.0
refused "no card" 2 'which card' vfio-pci
refused "--user without value" 2 'needs a value' --user
refused "--user without vfio-pci" 2 'goes with vfio-pci' --user root none 0000:01:00.0
refused "--user of nobody" 1 'no user' --user ixy-no-such-user vfio-pci 0000:01:00.0
refused "no address, but a function" 1 'no such device' vfio-pci 0000:01:00.0,force
refused "no address" 1 'no such device' vfio-pci ../devices/0000:01:00.0
refused "no such card, and one that is there" 1 '0000:09:00.0' vfio-pci 0000:01:00.0 0000:09:00.0
refused "no such interface" 1 'ixy-test9: no such device' vfio-pci ixy-test9
refused "no IOMMU" 1 'not behind an IOMMU.*ixy-bind none 0000:03:00.0' vfio-pci 0000:03:00.0
refused "no network card" 1 'not a network card' none 0000:04:00.0
refused "a port of PCI Express" 1 'not a network card' none 0000:02:00.2
prepare='rm $bus/devices/0000:04:00.0/driver'
refused "no network card, nor a driver" 1 'not a network card' none 0000:04:00.0
refused "half a group" 1 '0000:02:00.1 (igb); ixy-bind vfio-pci 0000:02:00.0 0000:02:00.1$' vfio-pci 0000:02:00.0
prepare='drive 0000:02:00.2 shpchp; rm $bus/devices/0000:02:00.1/driver'
refused "a bridge in the group" 1 '0000:02:00.2 (shpchp); ixy-bind vfio-pci 0000:02:00.0 0000:02:00.2$' vfio-pci 0000:02:00.0
prepare='echo 0x010601 >$bus/devices/0000:02:00.1/class'
refused "a disk controller in the group" 1 'can do without them: ixy-bind --force vfio-pci 0000:02:00.0 0000:02:00.1$' vfio-pci 0000:02:00.0
prepare='echo 0x1003 >$IXY_SYSFS/class/net/ixy-test0/flags'
refused "an interface that is up" 1 'ixy-test0 is up.*sudo ip link set ixy-test0 down' vfio-pci 0000:01:00.0
prepare='echo 0x1003 >$IXY_SYSFS/class/net/ixy-test3/flags'
refused "one of a virtio card" 1 'ixy-test3 is up' none ixy-test3
prepare='echo 3 >$bus/devices/0000:01:00.0/sriov_numvfs'
refused "a card with VFs" 1 '3 VFs' vfio-pci 0000:01:00.0
prepare='mkdir -p $bus/devices/0000:01:00.1/uio/full; drive 0000:01:00.1 uio_pci_generic; exec 4</dev/full'
refused "a card that DPDK has" 1 'has /dev/full open' kernel 0000:01:00.1
exec 4<&-
prepare='rmdir $bus/devices/0000:01:00.0/net/*'
refused "an interface elsewhere" 1 'another network namespace' vfio-pci 0000:01:00.0
prepare='mkdir -p $IXY_SYSFS/class/net/{ixy-test0,br0}; ln -s ../br0 $IXY_SYSFS/class/net/ixy-test0/master'
refused "a member of a bridge" 1 'ixy-test0 is a member of br0' none 0000:01:00.0
if ip -br addr show lo 2>/dev/null | grep -q 127.0.0.1; then # the one interface that everybody has
	prepare='mkdir $bus/devices/0000:01:00.0/net/lo'
	refused "an address" 1 'lo is up and has the address 127.0.0.1' vfio-pci 0000:01:00.0
	prepare='mkdir $bus/devices/0000:03:00.0/virtio3/net/lo'
	refused "an address of a virtio card" 1 'lo is up' none 0000:03:00.0
	prepare='mkdir -p $IXY_SYSFS/class/net/ixy-test0; ln -s ../lo $IXY_SYSFS/class/net/ixy-test0/upper_lo'
	refused "an address of something above" 1 'lo is up' none 0000:01:00.0
	prepare='mkdir -p $IXY_SYSFS/class/net/ixy-test0; ln -s . $IXY_SYSFS/class/net/ixy-test0/upper_ixy-test0'
	make_tree
	eval "$prepare"
	prepare=
	timeout 10 "$bind" --json >"$work/out" || fail "interfaces in a circle: exit status $?"
fi
prepare='exec 4<$bus/devices/0000:01:00.1/resource0; flock -n 4'
refused "a card that a program has" 1 'a program has it open' kernel 0000:01:00.1
exec 4<&-

# ---- What is written. Plain files bind nothing, and ixy-bind says so in the end. ----

writes() # NAME EXIT-STATUS ADDRESS OVERRIDE DRIVER PROBED ARGUMENT...: DRIVER loses it, or none; it is offered to drivers or not
{
	local name=$1 expected=$2 pci=$3 override=$4 driver=$5 probed=$6 status
	shift 6
	"$bind" "$@" >"$work/out" 2>"$work/err" </dev/null
	status=$?
	printf '%-34s %s\n' "$name" "$(head -n 1 "$work/err")$(head -n 1 "$work/out")"
	[ $status = "$expected" ] || fail "$name: exit status $status instead of $expected"
	[ "$(cat "$bus/devices/$pci/driver_override")" = "$override" ] ||
		fail "$name: driver_override is $(cat "$bus/devices/$pci/driver_override")"
	[ "$driver" = none ] || [ "$(cat "$bus/drivers/$driver/unbind")" = "$pci" ] || fail "$name: not unbound"
	[ "$driver" != none ] || [ -z "$(cat "$bus"/drivers/*/unbind)" ] || fail "$name: unbound"
	[ "$(cat "$bus/drivers_probe")" = "$probed" ] || fail "$name: probed is $(cat "$bus/drivers_probe")"
	make_tree
}
make_tree
writes "to vfio-pci" 1 0000:01:00.0 vfio-pci ixgbe 0000:01:00.0 vfio-pci 0000:01:00.0
writes "to vfio-pci, a short address" 1 0000:01:00.0 vfio-pci ixgbe 0000:01:00.0 vfio-pci 01:00.0
writes "to vfio-pci, an interface" 1 0000:01:00.0 vfio-pci ixgbe 0000:01:00.0 vfio-pci ixy-test0
writes "to none, an interface of virtio" 1 0000:03:00.0 none virtio-pci 0000:03:00.0 none ixy-test3
pci_function 10000:e1:00.0 8086:10fb 020000 15 ixgbe
"$bind" | grep -q '^10000:e1:00.0  8086:10fb' || fail "a domain of five digits is not listed"
writes "to vfio-pci, a domain of five digits" 1 10000:e1:00.0 vfio-pci ixgbe 10000:e1:00.0 vfio-pci 10000:E1:00.0
drive 0000:02:00.2 shpchp # bridges are unbound, and not bound to vfio-pci
writes "to vfio-pci, a bridge" 1 0000:02:00.2 none shpchp 0000:02:00.2 vfio-pci 0000:02:00.2 02:00.0 02:00.1
writes "to vfio-pci, a port of PCI Express" 0 0000:02:00.2 "(null)" none "" vfio-pci 0000:02:00.2
writes "to vfio-pci, from none" 1 0000:01:00.1 vfio-pci none 0000:01:00.1 vfio-pci 0000:01:00.1
writes "to none" 1 0000:01:00.0 none ixgbe 0000:01:00.0 none 0000:01:00.0
writes "to none, from none" 0 0000:01:00.1 none none 0000:01:00.1 none 0000:01:00.1
writes "to the kernel, from none" 1 0000:01:00.1 "" none 0000:01:00.1 kernel 0000:01:00.1
writes "to the kernel, already there" 0 0000:01:00.0 "" none "" kernel 0000:01:00.0
drive 0000:01:00.1 vfio-pci
writes "to the kernel, from vfio-pci" 1 0000:01:00.1 "" vfio-pci 0000:01:00.1 kernel 0000:01:00.1
drive 0000:01:00.1 vfio-pci
writes "to vfio-pci, who has it" 0 0000:01:00.1 "(null)" none "" vfio-pci 0000:01:00.1
writes "half a group, forced" 1 0000:02:00.0 vfio-pci e1000e 0000:02:00.0 --force vfio-pci 0000:02:00.0
writes "a whole group" 1 0000:02:00.0 vfio-pci e1000e 0000:02:00.0 vfio-pci 0000:02:00.0 0000:02:00.1
writes "not a network card, forced" 1 0000:04:00.0 none ahci 0000:04:00.0 --force none 0000:04:00.0

if [ "$(id -u)" = 0 ]; then
	as="setpriv --reuid 1000 --regid 1000 --clear-groups"
	chmod 755 "$work"
	$as "$bind" none 0000:01:00.1 >"$work/out" 2>"$work/err" && fail "an ordinary user is let"
	cat "$work/err"
	grep -q "needs root" "$work/err" || fail "no word of root: $(cat "$work/err")"
fi
finish
