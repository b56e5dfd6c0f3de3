#!/bin/bash
# Settings and events of QEMU's virtio-net devices, with split and packed rings behind an IOMMU, and legacy without one: MAC address,
# promiscuous mode, MTU, sizes of queues, a link that goes and comes, interrupts, SIGKILL under traffic, cards that are taken away.
. "$(dirname "$0")/virtio_lib.sh"
pack_programs ixy-fwd virtio_settings
own=02:00:00:00:01:00 new=02:00:00:00:01:77 other=02:00:00:00:01:99 all=ff:ff:ff:ff:ff:ff

cat >"$work/send.py" <<-'P'
	# send.py INTERFACE MAC...: a frame for each, of the type that virtio_settings looks at
	import socket, sys
	s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	s.bind((sys.argv[1], 0))
	for mac in sys.argv[2:]:
	    s.send(bytes.fromhex(mac.replace(":", "")) + bytes.fromhex("020000000000" "88b5") + bytes(46))
P

# shellcheck disable=SC2317 # called by spawn
datagrams() # from t0 to t1, up to 1000 in a second, all the time
{
	local n
	while sleep 0.02; do
		for n in {1..20}; do
			echo "$n" >/dev/udp/10.99.0.2/9
		done
	done
}
start_sending()
{
	spawn send datagrams
	sender=$!
}
stop_sending()
{
	kill "$sender"
	wait "$sender" 2>/dev/null
}
arrived() # so many packets at t1
{
	in_peer cat /proc/net/dev | awk '$1 == "t1:" { print $3 }'
}
# shellcheck disable=SC2317 # within calls it
above()
{
	[ "$(arrived)" -gt "$1" ]
}
forwards() # NAME
{
	within 60 above $(($(arrived) + 300)) || die "$1: ixy-fwd does not forward: $(guest cat /tmp/err)"
}

# start_fwd OPTION...: ixy-fwd in the guest between the two cards that $pair names, its pid in $fwd, its exit status in /tmp/status in the end
start_fwd()
{
	guest "rm -f /tmp/status; (ixy-fwd --json $* $pair >/tmp/out 2>/tmp/err & echo \$! >/tmp/pid; wait \$!; echo \$? >/tmp/status) >/dev/null 2>&1 &"
	within 60 guest "grep -q seconds /tmp/out" || die "ixy-fwd $* does not run: $(guest cat /tmp/err)"
	fwd=$(guest cat /tmp/pid)
}
ended() # NAME STATUS
{
	within 60 guest test -s /tmp/status || die "$1: ixy-fwd does not end"
	[ "$(guest cat /tmp/status)" = "$2" ] || fail "$1: exit status $(guest cat /tmp/status): $(guest cat /tmp/err)"
}
end_fwd() # NAME
{
	guest kill -INT "$fwd"
	ended "$1" 0
}

# refused NAME WORDS OPTION...: ixy-fwd refuses, and says why
refused()
{
	local name=$1 words=$2
	shift 2
	guest "ixy-fwd --duration 1 $* $pair" >"$work/refused.log" 2>&1 && fail "$name: $*: not refused"
	grep -q "$words" "$work/refused.log" || fail "$name: $*: another error: $(cat "$work/refused.log")"
}

# addresses NAME: for whom a card receives frames
addresses()
{
	local name=$1 n card=${pair%% *} # its first
	guest "rm -f /tmp/steps; (virtio_settings $card receive promiscuous=on receive promiscuous=off mac=$new receive; echo status \$?) >/tmp/steps 2>&1 &"
	for n in 1 2 3; do
		within 60 guest "[ \"\$(grep -c ready /tmp/steps)\" = $n ]" || die "$name: no answer to step $n: $(guest cat /tmp/steps)"
		python3 "$work/send.py" t0 $own $new $other $all
	done
	within 60 guest "grep -q status /tmp/steps" || die "$name: $(guest cat /tmp/steps)"
	guest cat /tmp/steps >"$work/steps"
	printf '%s\n' "mac $own" "mtu 1400" \
		ready "for $own" "for $all" \
		ready "for $own" "for $new" "for $other" "for $all" \
		ready "for $new" "for $all" "mac $new" "status 0" >"$work/expected"
	diff "$work/expected" <(grep -v "no free huge pages\|without an IOMMU" "$work/steps") ||
		fail "$name: MAC address and promiscuous mode: expected <, found >"
	guest "virtio_settings $card | grep -q '^mac $own'" || fail "$name: the device has not forgotten the address that it was given"
	guest "virtio_settings $card mac=03:00:00:00:00:00" >"$work/refused.log" 2>&1 && fail "$name: a multicast address is taken"
	grep -q multicast "$work/refused.log" || fail "$name: another error: $(cat "$work/refused.log")"
	echo "$name: MAC address, promiscuous mode"
}

# sizes NAME: of packets and rings; the devices say 1400 bytes, and have larger queues to receive than to send
sizes()
{
	local n
	refused "$1" "1500 bytes of MTU.*68 to 1400.*the device says so" --mtu 1500
	refused "$1" "9000 bytes of MTU.*68 to 1400.*the device says so" --mtu 9000
	refused "$1" "2048 descriptors in a receive ring.*4 to 1024" --rx-ring 2048
	refused "$1" "512 descriptors in a send ring.*4 to 256" --tx-ring 512
	start_sending
	start_fwd --rx-ring 1024 --tx-ring 64
	for n in 1 2 3 4; do # once around the ring and more
		forwards "$1: 1024 and 64 descriptors"
	done
	end_fwd "$1: 1024 and 64 descriptors"
	stop_sending
	guest "tail -n 1 /tmp/out | grep -q '\"rx_errors\":0.*\"rx_errors\":0'" || fail "$1: 1024 descriptors: errors: $(guest "tail -n 1 /tmp/out")"
	echo "$1: MTU, sizes of rings"
}

# link NAME FWD-OPTION...: goes and comes
link()
{
	local name=$1 n
	shift
	start_sending
	start_fwd "$@"
	forwards "$name"
	for n in 1 2; do
		monitor set_link d0 off
		within 60 guest "[ \"\$(grep -c 'link down.*$(card 0)' /tmp/out)\" = $n ]" || fail "$name: no word of the link that went down: $(guest cat /tmp/err)"
		monitor set_link d0 on
		within 60 guest "[ \"\$(grep -c 'link up, 10 Gbit/s.*$(card 0)' /tmp/out)\" = $n ]" || fail "$name: no word of the link that came up"
		forwards "$name: after link up"
	done
	guest "grep -q 'link.*$(card 1)' /tmp/out" && fail "$name: events of the other card"
	end_fwd "$name"
	stop_sending
	guest "grep event /tmp/out"
	echo "$name: the link goes and comes"
}

# counted VECTOR CARD: interrupts, as the guest's kernel counts them
counted()
{
	guest "grep -F 'vfio-msix[$1]($(card "$2"))' /proc/interrupts" | awk '{ sum += $2 + $3 } END { print sum + 0 }' # two processors
}
ticks()
{
	guest cat "/proc/$fwd/stat" | sed 's/.*) //' | awk '{ print $12 + $13 }'
}

# sleeps NAME: one thread, until one of two cards interrupts
sleeps()
{
	local name=$1 before after n
	start_fwd --interrupts
	before=$(counted 1 0)
	within 60 ping -q -c 200 -i 0.01 -W 2 -s 1300 10.99.0.2 || fail "$name: no answers while ixy-fwd sleeps in between"
	for n in 0 1; do
		[ "$(counted 1 $n)" -ge 100 ] || fail "$name: card $n: few interrupts: $(guest "grep vfio /proc/interrupts")"
	done
	echo "$name: 200 pings and their answers: $(counted 1 0) and $(counted 1 1) interrupts"
	before="$(counted 1 0) $(counted 1 1) $(ticks)"
	sleep 2
	after="$(counted 1 0) $(counted 1 1) $(ticks)"
	[ "${before% *}" = "${after% *}" ] || fail "$name: interrupts while nothing arrives: ${before% *}, ${after% *}"
	[ $((${after##* } - ${before##* })) -lt 100 ] || # half; see vfio_interrupts.sh
		fail "$name: $((${after##* } - ${before##* })) ticks in 2 s while nothing arrives"
	echo "$name, idle: $((${after##* } - ${before##* })) ticks in 2 s"
	monitor set_link d1 off
	within 60 guest "grep -q 'link down.*$(card 1)' /tmp/out" || fail "$name: no word of the link that went down"
	[ "$(counted 0 1)" -ge 1 ] || fail "$name: the link goes without an interrupt: $(guest "grep vfio /proc/interrupts")"
	[ "$(counted 0 0)" = 0 ] || fail "$name: events of the other card interrupt"
	monitor set_link d1 on
	within 60 guest "grep -q 'link up.*$(card 1)' /tmp/out" || fail "$name: no word of the link that came up"
	end_fwd "$name"
	[ "$(counted 1 0)" = 0 ] || fail "$name: vectors are left"
}

# killed NAME: twice under traffic
killed()
{
	local n
	start_sending
	for n in 1 2; do
		start_fwd
		forwards "$1: start $n"
		guest kill -KILL "$fwd"
		ended "$1: SIGKILL" 137
	done
	start_fwd
	forwards "$1: after SIGKILL"
	end_fwd "$1: after SIGKILL"
	stop_sending
	echo "$1: forwards after SIGKILL"
}

# taken_away HOW COMMAND FWD-OPTION...: card 1, under traffic
taken_away()
{
	local how=$1 command=$2
	shift 2
	start_sending
	start_fwd "$@"
	forwards "$how"
	# shellcheck disable=SC2086 # word splitting is meant
	must "$how" $command # if it is the guest's kernel: returns when ixy-fwd has let go
	ended "$how" 1
	stop_sending
	guest grep -q "'$(card 1):.*wants the device back'" /tmp/err || fail "$how: ixy-fwd does not say why it ended: $(guest cat /tmp/err)"
	echo "$how: ixy-fwd ends: $(guest "grep -v huge /tmp/err")"
}
# shellcheck disable=SC2317 # taken_away calls it
unbind()
{
	guest "echo $(card 1) >/sys/bus/pci/drivers/vfio-pci/unbind"
}
# shellcheck disable=SC2317 # taken_away calls it
remove()
{
	guest "echo 1 >/sys/bus/pci/devices/$(card 1)/remove"
}

sizes=rx_queue_size=1024,tx_queue_size=256,host_mtu=1400
for kind in split packed; do
	iommu=on virtio_guest 1 "disable-legacy=on,iommu_platform=on,packed=$([ $kind = split ] && echo off || echo on),$sizes"
	set_mtu 1400
	take vfio-pci
	pair="$(card 0) $(card 1)"
	addresses "$kind"
	sizes "$kind"
	link "$kind, polling"
	link "$kind, interrupts" --interrupts
	sleeps "$kind"
	killed "$kind"
	taken_away "$kind, unbound" unbind
	guest "echo $(card 1) >/sys/bus/pci/drivers_probe"
	taken_away "$kind, unplugged, as the guest's kernel sees it" remove --interrupts
	guest "echo 1 >/sys/bus/pci/rescan"
	take vfio-pci
	taken_away "$kind, unplugged, by QEMU" "monitor device_del d1" --interrupts
	within 60 guest "[ ! -e /sys/bus/pci/devices/$(card 1) ]" || fail "$kind: the card is still there"
	# The kernel says so each time that it asks.
	no_complaints "vfio-pci .* (resetting|reset done)|[Rr]elaying device request to user|virtio"
	stop_guest
done

virtio_guest 1 "disable-modern=on,disable-legacy=off,$sizes"
set_mtu 1400
take none
guest "echo 64 >/proc/sys/vm/nr_hugepages"
pair="sysfs:$(card 0) sysfs:$(card 1)"
addresses legacy
refused legacy "1500 bytes of MTU.*68 to 1400.*the device says so" --mtu 1500
refused legacy "2048 descriptors in a receive ring.*4 to 1024" --rx-ring 2048
refused legacy "no interrupts: they need MSI-X" --interrupts
link "legacy, polling"
no_complaints virtio
stop_guest
shows "ixy-fwd, virtio-net" "MAC address, promiscuous mode, MTU, queue sizes; link events; one thread sleeps until one of two cards interrupts; SIGKILL under traffic; unbound and unplugged: reports it, exits"
finish
