#!/bin/bash
# ixy-bind on a guest's real sysfs, with cards of three makes: lists them, gives them to vfio-pci and back to Linux's drivers, lets
# an ordinary user have one. It refuses what the system uses, and a card whose IOMMU group has members that stay behind.
. "$(dirname "$0")/lib.sh"
need python3 python3
pack_programs ixy-fwd ixy-bind
pack_modules e1000e virtio_net macvlan ipvlan
# As fast as they can they would keep the guest busy when Linux has the interface up.
start_cards gen:flows=64,rate=100 gen:flows=64,rate=100 sink sink
# shellcheck disable=SC2034 # used by start_guest
places=('"bus":"port0","addr":"0.0"' '"bus":"port1","addr":"0.0"' '"bus":"bridge","addr":"1.0"' '"bus":"bridge","addr":"2.0"')
cards=(0000:01:00.0 0000:02:00.0 0000:05:01.0 0000:05:02.0)
card()
{
	echo "${cards[$1]}"
}
more="$work/programs.cpio $work/modules.cpio" iommu=on start_guest -device e1000e,bus=port2 \
	-device virtio-net-pci,bus=port3,disable-legacy=on,iommu_platform=on
e1000e=0000:03:00.0
virtio=0000:04:00.0
sysfs=/sys/bus/pci/devices
huge_pages
guest "mkdir -p /etc; echo 'somebody:x:1000:1000::/:/bin/sh' >/etc/passwd"

# give ARGUMENT...: it works. refused NAME WORDS ARGUMENT...: it says so, and all drivers stay
give()
{
	guest "ixy-bind $*" >"$work/bind.log" 2>&1 || fail "ixy-bind $*: $(cat "$work/bind.log")"
	cat "$work/bind.log"
}
drivers()
{
	guest "ls -l $sysfs/*/driver; cat $sysfs/*/driver_override" | sed 's/.* \(.sys.* ->\)/\1/'
}
refused()
{
	local name=$1 words=$2 before
	shift 2
	before=$(drivers)
	guest "${as:-} ixy-bind $*" >"$work/refused.log" 2>&1
	[ $? = 1 ] || fail "$name: not refused"
	cat "$work/refused.log"
	grep -q -- "$words" "$work/refused.log" || fail "$name: not a word of $words"
	[ "$(drivers)" = "$before" ] || fail "$name: a driver has changed"
}
# driver ADDRESS: "-" is none
driver()
{
	guest "if [ -e $sysfs/$1/driver ]; then basename \$(readlink $sysfs/$1/driver); else echo -; fi"
}
drives() # DRIVER ADDRESS...
{
	local want=$1 pci
	shift
	for pci in "$@"; do
		[ "$(driver "$pci")" = "$want" ] || fail "$pci: driven by $(driver "$pci"), not $want"
	done
}
interface()
{
	guest "ls $sysfs/$1/net $sysfs/$1/virtio*/net 2>/dev/null" | grep eth
}
# of ADDRESS PYTHON EXPRESSION: of the card c and the other cards
of()
{
	guest ixy-bind --json >"$work/list.json"
	python3 - "$@" "$work/list.json" <<-'P'
		import json, sys
		cards = {c["address"]: c for c in map(json.loads, open(sys.argv[3]))}
		c = cards[sys.argv[1]]
		print(eval(sys.argv[2]))
	P
}
is() # ADDRESS EXPRESSION VALUE
{
	local found
	found=$(of "$1" "$2" 2>&1)
	[ "$found" = "$3" ] || fail "$1: $2 is $found, not $3"
}

# ---- The list ----

guest ixy-bind
is "$(card 0)" 'list(cards)' "['$(card 0)', '$(card 1)', '$e1000e', '$virtio', '$(card 2)', '$(card 3)']"
is "$(card 0)" '[c["id"], c["card"], c["driver"], c["interfaces"], c["in_use"], c["group_members"]]' \
	"['8086:10fb', '82599/X520', None, [], None, []]"
is "$e1000e" '[c["id"], c["card"]]' "['8086:10d3', None]"
is "$virtio" '[c["id"], c["card"], c["driver"]]' "['1af4:1041', 'virtio-net', 'virtio-pci']"
is "$(card 0)" 'c["iommu_group"]' "$(guest basename "\$(readlink $sysfs/$(card 0)/iommu_group)")"
is "$(card 2)" '{ "address": "'"$(card 3)"'", "driver": None } in c["group_members"]' True

load_modules
give none "$(card 2)" "$(card 3)" # until it is about groups: a driver that finds a card takes seconds
must "ixgbe does not take the cards" guest modprobe ixgbe
for pci in "$(card 0)" $e1000e $virtio; do
	is "$pci" 'c["interfaces"]' "['$(interface "$pci")']"
done
guest ixy-bind

# ---- To vfio-pci and back ----

guest "[ -e /sys/bus/pci/drivers/vfio-pci ]" && fail "vfio-pci is loaded already"
give vfio-pci "$(card 0)" "$(card 1)" $e1000e $virtio
grep -q "modprobe -a vfio-pci" "$work/bind.log" || fail "no word of loading vfio-pci"
drives vfio-pci "$(card 0)" "$(card 1)" $e1000e $virtio
is $virtio 'c["driver"]' vfio-pci
guest "ixy-fwd --json --duration 1 $(card 0) $(card 1)" >"$work/forward.log" 2>&1 || fail "ixy-fwd: $(cat "$work/forward.log")"
give vfio-pci "$(card 0)" # which has it
give kernel "$(card 0)" "$(card 1)" $e1000e $virtio
drives ixgbe "$(card 0)" "$(card 1)"
drives e1000e $e1000e
drives virtio-pci $virtio
for pci in "$(card 0)" $e1000e $virtio; do
	[ -n "$(interface "$pci")" ] || fail "$pci: Linux has no interface"
	[ "$(guest cat "$sysfs/$pci/driver_override")" = "(null)" ] || fail "$pci: driver_override is left behind"
done
give vfio-pci "$(card 0)"
guest rmmod ixgbe
give kernel "$(card 0)" # loads its driver
drives ixgbe "$(card 0)"
give none "$(card 0)"
must "modprobe" guest "rmmod ixgbe; modprobe ixgbe"
drives - "$(card 0)"
drives ixgbe "$(card 1)"
give kernel "$(card 0)"
drives ixgbe "$(card 0)"

# ---- An ordinary user ----

as="setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all"
refused "an ordinary user" "needs root" vfio-pci "$(card 0)"
guest "$as ixy-bind" >"$work/list"
grep -q "$(card 0)" "$work/list" || fail "an ordinary user does not see the list"
as=
refused "nobody" "no user nobody" --user nobody vfio-pci "$(card 0)"
give --user somebody vfio-pci "$(card 0)" "$(card 1)"
guest "chmod 666 /dev/vfio/vfio" # udev would
guest "ulimit -l 25000; setpriv --reuid 1000 --regid 1000 --clear-groups --inh-caps=-all \
	ixy-fwd --json --duration 1 $(card 0) $(card 1)" >"$work/forward.log" 2>&1 || fail "ixy-fwd as a user: $(cat "$work/forward.log")"
give kernel "$(card 0)" "$(card 1)"

# ---- What is in use ----

name=$(interface "$(card 0)")
must "ip" guest "ip link set $name up"
within 60 guest "ip -6 address show dev $name | grep fe80" || fail "no link-local address"
refused "an interface that is up" "$name is up.*sudo ip link set $name down" vfio-pci "$name"
# What a container has above it cannot be seen from here.
container=$(guest "unshare -n sleep 10000 >/dev/null 2>&1 & echo \$!")
within 10 guest "[ \$(readlink /proc/$container/ns/net) != \$(readlink /proc/self/ns/net) ]" || die "no container"
for kind in macvlan ipvlan; do
	must "$kind" guest "ip link add link $name name above type $kind && ip link set above netns $container"
	guest "ls /sys/class/net/$name" | grep upper_ && fail "$kind: can be seen, so this test is of no use"
	refused "a $kind of a container" "$name is up" vfio-pci "$(card 0)"
	must "$kind" guest "nsenter -t $container -n ip link del above"
done
must "ip" guest "ip link add link $name name above type macvlan"
refused "a macvlan" "$name carries above" vfio-pci "$(card 0)"
must "ip" guest "ip link del above"
must "ip" guest "ip address add 10.98.0.1/24 dev $name"
refused "an address" "$name is up and has the address 10.98.0.1" vfio-pci "$(card 0)"
must "ip" guest "ip address del 10.98.0.1/24 dev $name && ip address add 10.98.0.1/24 dev $name label $name:1"
refused "an address with a label" "$name is up and has the address 10.98.0.1" vfio-pci "$(card 0)"
refused "an address among others" "$name is up and has the address" vfio-pci "$(card 1)" "$(card 0)"
refused "an address, none" "$name is up and has the address" none "$(card 0)"
is "$(card 0)" 'c["in_use"]' "$name is up and has the address 10.98.0.1"
give kernel "$(card 0)" # who has it anyway
must "ip" guest "ip address flush dev $name && ip route add default dev $name"
refused "the default route" "$name has the default route" vfio-pci "$(card 0)"
must "ip" guest "ip route del default dev $name && ip route add 10.97.0.0/16 dev $name"
refused "a route" "$name has a route" vfio-pci "$(card 0)"
must "ip" guest "ip route flush dev $name && ip -6 address add fd00::1/64 dev $name nodad"
refused "an address of IPv6" "$name is up and has the address fd00::1" vfio-pci "$(card 0)"
must "ip" guest "ip -6 address flush dev $name && modprobe 8021q && ip link add link $name name vlan5 type vlan id 5 && \
	ip link set vlan5 up && ip address add 10.98.5.1/24 dev vlan5"
refused "an address of a VLAN" "vlan5 is up and has the address 10.98.5.1" vfio-pci "$(card 0)"
must "ip" guest "ip link del vlan5"
name=$(interface $virtio)
must "ip" guest "ip link set $name up && ip address add 10.96.0.1/24 dev $name"
refused "an address of a virtio card" "$name is up and has the address 10.96.0.1" vfio-pci $virtio
name=$(interface $e1000e)
must "ip" guest "ip link set $name netns $container"
refused "an interface in a container" "another network namespace" vfio-pci $e1000e
refused "no network card" "not a network card" none 0000:00:1f.2
refused "no such card" "no such device" vfio-pci 0000:7f:00.0 "$(card 0)"

give --force vfio-pci $virtio
drives vfio-pci $virtio
give kernel $virtio

# ---- Groups ----

give kernel "$(card 3)"
refused "one of two in a group" "$(card 3) (ixgbe); ixy-bind vfio-pci $(card 2) $(card 3)" vfio-pci "$(card 2)"
give vfio-pci "$(card 2)" "$(card 3)"
guest "ixy-fwd --quiet --duration 1 $(card 2) $(card 3)" >"$work/forward.log" 2>&1 || fail "ixy-fwd: $(cat "$work/forward.log")"
give none "$(card 2)"
must "ip" guest "ip link set $(interface "$(card 0)") down"
give vfio-pci "$(interface "$(card 0)")"
group=/dev/vfio/$(guest "basename \$(readlink $sysfs/$(card 0)/iommu_group)")
pid=$(guest "ixy-fwd --quiet 01:00.0 05:02.0 >/tmp/fwd.log 2>&1 & echo \$!")
within 20 guest "ls -l /proc/$pid/fd | grep -q $group\$" || fail "ixy-fwd does not open $group: $(guest cat /tmp/fwd.log)"
refused "a program" "process $pid .* has $group open" kernel "$(card 0)"
guest "kill -INT $pid; while [ -d /proc/$pid ]; do sleep 0.1; done"
must "the group is not viable" guest "ixy-fwd --quiet --duration 1 $(card 3) $(card 0)"
give kernel "$(card 3)"
drives ixgbe "$(card 3)"

no_complaints "vfio-pci .* (resetting|reset done)|ixgbe|RLIMIT_MEMLOCK|virtio_net|e1000e|VF token"
stop_guest
shows "ixy-bind" "lists and binds cards of ixgbe, e1000e and virtio, also for an ordinary user; refuses cards with addresses, routes or VLANs, those used by containers and programs, and incomplete groups"
finish
