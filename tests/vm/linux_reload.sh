#!/bin/bash
# Linux's ixgbe is unloaded and loaded, and its interface taken down and up, 5 times; after each there is traffic.
. "$(dirname "$0")/lib.sh"
need ping iputils-ping
times=5

start_cards tap:t0
ip address add 10.99.0.1/24 dev t0
ip link set t0 up
start_guest
up="ip link set eth0 up"
for ((i = 0; i < times; i++)); do
	must "load $i" guest "modprobe ixgbe && ip address add 10.99.0.2/24 dev eth0 && $up"
	within 60 ping -q -c 1 -W 0.2 10.99.0.2 || die "no answer after load $i"
	must "down $i" guest ip link set eth0 down
	ping -q -c 1 -W 0.1 10.99.0.2 >/dev/null && fail "an answer while the interface is down"
	must "up $i" guest "$up"
	within 60 ping -q -c 1 -W 0.2 10.99.0.2 || die "no answer after down and up $i"
	must "unload $i" guest rmmod ixgbe
done
no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "module reloaded, interface down and up, 5 times each, with traffic in between"
finish
