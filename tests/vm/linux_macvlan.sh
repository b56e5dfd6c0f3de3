#!/bin/bash
# Macvlan interfaces of Linux's ixgbe that the card sorts out: each has a pool of queues of its own (VMDq).
. "$(dirname "$0")/lib.sh"

start_cards cable:a cable:a
pack_modules macvlan
more=$work/modules.cpio start_guest
must "no driver" guest modprobe ixgbe
load_modules
two_hosts
must "no pools" guest "ethtool -K eth0 l2-fwd-offload on"
for n in 1 2; do
	must "macvlan" guest "
		set -e
		ip netns add host$n
		ip link add link eth0 name mv$n type macvlan mode bridge
		ip link set mv$n netns host$n
		ip netns exec host$n ip address add 10.99.0.1$n/24 dev mv$n
		ip netns exec host$n ip link set mv$n up"
done
guest ethtool -k eth0 >"$work/offloads.log"
grep -q "^l2-fwd-offload: on" "$work/offloads.log" || fail "the card does not sort them"

# pool N: packets that its two queues have had
pool()
{
	guest ethtool -S eth0 | awk -v n="$1" '$1 == "rx_queue_" 2 * n "_packets:" || $1 == "rx_queue_" 2 * n + 1 "_packets:" { sum += $2 }
		END { print sum + 0 }'
}

# TCP to each, and from nobody else.
guest "mkdir /www && dd if=/dev/urandom of=/www/file bs=1M count=2 && ip netns exec peer httpd -h /www" >/dev/null 2>&1
sum=$(guest "sha256sum </www/file")
n=0
for host in "" "ip netns exec host1" "ip netns exec host2"; do
	within 60 guest "$host ping -c 1 -W 1 10.99.0.2" >/dev/null || fail "pool $n: no answer"
	before=("$(pool 0)" "$(pool 1)" "$(pool 2)")
	[ "$(guest "$host timeout 110 wget -q -O - http://10.99.0.2/file | sha256sum")" = "$sum" ] || fail "pool $n: other bytes have arrived"
	got=($(($(pool 0) - before[0])) $(($(pool 1) - before[1])) $(($(pool 2) - before[2])))
	echo "pool $n: packets of each pool: ${got[*]}"
	for other in 0 1 2; do # others may have a broadcast
		if [ $other = $n ]; then
			[ "${got[other]}" -gt 100 ] || fail "pool $n: its packets are elsewhere"
		else
			[ "${got[other]}" -lt 20 ] || fail "pool $n: pool $other has packets"
		fi
	done
	n=$((n + 1))
done

# The link goes away with each change, perhaps while something is being sent.
no_complaints "initiating reset to clear Tx work after link loss|Reset adapter"
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "macvlan with \`ethtool -K l2-fwd-offload on\`: a pool of queues for each interface (VMDq)"
finish
