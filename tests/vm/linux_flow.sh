#!/bin/bash
# Flow director by Linux's ixgbe on four queues: rules of `ethtool -N` send flows to a queue or drop them, also by a part of their
# fields, and no more once they are deleted; without rules the driver has the card send a connection's packets to the queue that
# sends the others (ATR).
. "$(dirname "$0")/lib.sh"
need python3 python3
need nginx nginx-light

start_cards tap:t0
echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
ip address add 10.99.0.1/24 dev t0
ip address add 10.99.0.9/24 dev t0
ip link set t0 up
cpus=4 start_guest
must "no driver" guest modprobe ixgbe
guest "echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6"
must "no interface" guest "ip address add 10.99.0.2/24 dev eth0 && ip link set eth0 up"
within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer from the guest"

# counter NAME, queue N: of eth0
counter()
{
	guest ethtool -S eth0 >"$work/statistics.log"
	sed -n "s/^ *$1: //p" "$work/statistics.log"
}

# send SOURCE PORT: 20 datagrams from one port
send()
{
	python3 - "$1" "$2" <<-'P'
		import socket, sys
		s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
		s.bind((sys.argv[1], 7000))
		for i in range(20):
		    s.sendto(b"flow", ("10.99.0.2", int(sys.argv[2])))
	P
}

# arrives NAME QUEUE MATCHES SOURCE PORT: 20 datagrams come to the queue ("-": to none), so many match a rule
arrives()
{
	local name=$1 queue=$2 matches=$3 match n got=0
	shift 3
	local -a counts=()
	match=$(counter fdir_match)
	for n in 0 1 2 3; do
		counts+=("$(sed -n "s/^ *rx_queue_${n}_packets: //p" "$work/statistics.log")")
	done
	send "$@"
	for ((n = 0; n < 20; n++)); do # the driver reads the card's counters every 2 s
		[ $(($(counter fdir_match) - match)) -lt "$matches" ] || break
		sleep 0.5
	done
	[ $(($(counter fdir_match) - match)) = "$matches" ] || fail "$name: $(($(counter fdir_match) - match)) matches, not $matches"
	for n in 0 1 2 3; do
		got=$(($(sed -n "s/^ *rx_queue_${n}_packets: //p" "$work/statistics.log") - counts[n]))
		if [ "$n" = "$queue" ]; then
			[ $got -ge 20 ] || fail "$name: $got packets in queue $n"
		elif [ "$queue" = - ] && [ $got -ge 20 ]; then
			fail "$name: $got packets in queue $n"
		fi
	done
	echo "$name: queue $queue, $matches matches"
}

# ---- ATR ----

serve_file 3M /dev/zero 80
must "no download" guest "timeout 110 wget -q -O /dev/null http://10.99.0.1/file || wget -q -O /dev/null http://10.99.0.1/file"
# shellcheck disable=SC2317 # within calls it
atr_matches()
{
	[ "$(counter fdir_match)" -gt 100 ]
}
within 30 atr_matches || fail "ATR: $(counter fdir_match) packets of a connection have found a filter"
echo "ATR: $(counter fdir_match) matches"

# ---- Rules ----

must "no rules" guest ethtool -K eth0 ntuple on
within 60 ping -c 1 -W 1 10.99.0.2 || die "no answer with rules"
sleep 3 # for the driver's counters to be read once more
# rule ARGUMENT...; delete N
rule()
{
	must "rule" guest "ethtool -N eth0 $*"
}
rule flow-type udp4 src-ip 10.99.0.1 dst-ip 10.99.0.2 src-port 7000 dst-port 5001 action 2 loc 1
rule flow-type udp4 src-ip 10.99.0.1 dst-ip 10.99.0.2 src-port 7000 dst-port 5002 action 3 loc 2
rule flow-type udp4 src-ip 10.99.0.1 dst-ip 10.99.0.2 src-port 7000 dst-port 5003 action -1 loc 3
arrives "a rule" 2 20 10.99.0.1 5001
arrives "another" 3 20 10.99.0.1 5002
arrives "dropped" - 20 10.99.0.1 5003
arrives "no rule" any 0 10.99.0.1 5004
arrives "another source" any 0 10.99.0.9 5001
guest ethtool -n eth0 >"$work/rules.log"
grep -q "Total 3 rules" "$work/rules.log" || fail "$(cat "$work/rules.log")"
guest ethtool -N eth0 delete 1 && guest ethtool -N eth0 delete 2 && guest ethtool -N eth0 delete 3
arrives "deleted" any 0 10.99.0.1 5001
# All rules have the same mask: here the addresses do not count.
rule flow-type udp4 dst-port 5001 action 1 loc 4
arrives "a port of any host" 1 20 10.99.0.1 5001
arrives "a port of another host" 1 20 10.99.0.9 5001
arrives "another port" any 0 10.99.0.9 5002

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "flow director: \`ethtool -N\` sends flows to a queue, drops them, with masks; deleted rules; ATR"
finish
