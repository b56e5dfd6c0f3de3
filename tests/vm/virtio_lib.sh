# shellcheck shell=bash
# Sourced by the guest tests of the virtio-net driver. ixy-fwd in a guest between two of QEMU's virtio-net devices:
#
#	tap t0 - virtio-net - ixy-fwd - virtio-net - tap t1
#
# with t0 and t1 in two network namespaces that nothing else joins.
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
need nginx nginx-light
need curl curl
need ping iputils-ping
[ -w /dev/net/tun ] || skip "/dev/net/tun is missing: modprobe tun"
megabytes=$((5 / IXY_SLOWDOWN)) # more than ten times around a ring

# The second namespace lives as long as this process.
spawn peer unshare --net sleep infinity
peer=$!
in_peer()
{
	nsenter --target "$peer" --net "$@"
}
within 60 sh -c "[ \"\$(readlink /proc/$peer/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]" || die "no namespace"


# virtio_guest QUEUES OPTION,...: with two devices that have these options, and taps with as many queues
virtio_guest()
{
	local queues=$1 options=$2 n run vectors=$((2 * $1 + 2))
	local -a qemu_options=()
	for n in 0 1; do
		qemu_options+=(-netdev "tap,id=n$n,ifname=t$n,script=no,downscript=no,queues=$queues"
			-device "virtio-net-pci,id=d$n,netdev=n$n,bus=port$n,mac=02:00:00:00:01:0$n,mq=$([ "$queues" = 1 ] && echo off || echo on),vectors=$vectors,$options")
	done
	more=$work/programs.cpio start_guest "${qemu_options[@]}"
	# QEMU has the taps open now: one can move.
	ip link set t1 netns "$peer"
	# The forwarder increments the second byte of the destination address: neighbours are told the address one below.
	for n in 0 1; do
		run=
		[ $n = 1 ] && run=in_peer
		$run sh -c "echo 1 >/proc/sys/net/ipv6/conf/t$n/disable_ipv6"
		$run ip link set "t$n" address "02:00:00:00:00:0$n"
		$run ip address add "10.99.0.$((n + 1))/24" dev "t$n"
		$run ip link set lo up
		$run ip link set "t$n" up
		$run ip neighbour replace "10.99.0.$((2 - n))" lladdr "02:ff:00:00:00:0$((1 - n))" dev "t$n" nud permanent
	done
	[ -n "${server:-}" ] && ! gone "$server" && return
	nginx_in="nsenter --target $peer --net" serve_file "${megabytes}M" /dev/urandom 8080
	server=$!
	sum=$(sha256sum <"$work/www/file")
}

# set_mtu BYTES: of both taps
set_mtu()
{
	ip link set t0 mtu "$1"
	in_peer ip link set t1 mtu "$1"
}

# take DRIVER: from the guest's own driver; DRIVER is vfio-pci or none
take()
{
	local n
	[ "$1" = none ] || guest modprobe -a vfio-pci vfio_iommu_type1
	for n in 0 1; do
		must "$1 does not take the card" guest "
			set -e
			cd /sys/bus/pci
			echo $1 >devices/$(card "$n")/driver_override
			echo $(card "$n") >devices/$(card "$n")/driver/unbind
			[ $1 = none ] || echo $(card "$n") >drivers_probe
			[ $1 = none ] || [ -e drivers/$1/$(card "$n") ]"
	done
}

pings()
{
	ping -q -c 20 -i 0.02 -W 2 -s 1400 10.99.0.2 >"$work/ping.log"
	grep -q " 0% packet loss" "$work/ping.log"
}

# traffic NAME OPTION...: ping, and a download that arrives as it was, through ixy-fwd in the guest; OPTIONs are ixy-fwd's
traffic()
{
	local name=$1 pid start got took
	shift
	pid=$(guest "ixy-fwd --json $* >/tmp/fwd.log 2>&1 & echo \$!")
	within 60 ping -c 1 -W 1 10.99.0.2 || { guest cat /tmp/fwd.log; fail "$name: no answer at all"; return; }
	# Three times, as the hosts' side of a busy machine may lose one, too.
	pings || pings || pings || fail "$name: ping: $(grep loss "$work/ping.log")"
	start=$(now_ms)
	got=$(curl -sS --max-time $((60 * IXY_SLOWDOWN)) http://10.99.0.2:8080/file | sha256sum)
	took=$(($(now_ms) - start))
	[ "$got" = "$sum" ] || fail "$name: the file arrived with another checksum"
	guest "kill -INT $pid"
	within 60 guest "! kill -0 $pid 2>/dev/null" || fail "$name: ixy-fwd does not end"
	guest cat /tmp/fwd.log >"$work/fwd.log"
	grep -v '^{\|no free huge pages\|sysfs:.*without an IOMMU' "$work/fwd.log" && fail "$name: ixy-fwd complains"
	python3 - "$work/fwd.log" <<-'P' || fail "$name: see above"
		import json, sys
		last = json.loads([line for line in open(sys.argv[1]) if line.startswith("{")][-1])
		one, other = last["devices"]
		for a, b in (one, other), (other, one):
		    # A full send ring drops; TCP does not mind. With large segments there are few acknowledgements.
		    if not last["final"] or not 20 < b["tx_packets"] <= a["rx_packets"] or a["rx_errors"]:
		        sys.exit("more has gone out than came in, or something wrong: %s" % last)
	P
	echo "$name: $megabytes MB in $took ms, $((megabytes * 8000 / took)) Mbit/s"
}
