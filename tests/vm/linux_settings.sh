#!/bin/bash
# Whatever Linux's ixgbe is told to do with its card (ring sizes, queues, offloads, moderation, MTU, MAC address), traffic goes on.
# Not all settings have an effect that this test could see.
. "$(dirname "$0")/lib.sh"
need ping iputils-ping

start_cards tap:t0
ip address add 10.99.0.1/24 dev t0
ip link set t0 up
start_guest
must "no driver" guest modprobe ixgbe
must "no interface" guest "ip address add 10.99.0.2/24 dev eth0 && ip link set eth0 up"
while read -r setting; do
	must "the driver does not" guest "$setting"
	ip neighbour flush dev t0
	within 60 ping -q -c 3 -i 0.05 -W 0.3 10.99.0.2 || fail "no answer after: $setting"
done <<-S
	ethtool -G eth0 rx 64 tx 64
	ethtool -G eth0 rx 8192 tx 8192
	ethtool -L eth0 combined 1
	ethtool -L eth0 combined 2
	ethtool -X eth0 equal 1
	ethtool -N eth0 rx-flow-hash udp4 sdfn
	ethtool -K eth0 lro on
	ethtool -K eth0 rx off tx off
	ethtool -K eth0 rxvlan off txvlan off
	ethtool -K eth0 rx-all on
	ethtool -K eth0 rx-all off
	ethtool -K eth0 ntuple on
	ethtool -C eth0 rx-usecs 0
	ethtool -C eth0 rx-usecs 100
	ethtool -A eth0 rx off tx off
	ethtool --set-priv-flags eth0 legacy-rx on
	ethtool -r eth0
	ethtool -p eth0 1
	ip link set eth0 mtu 9710
	ip link set eth0 mtu 1500
	ip link set eth0 allmulticast on
	ip link set eth0 address 02:00:00:00:00:42
S
no_complaints "enabling UDP RSS"
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "traffic continues after each of 22 changes of settings: rings, queues, offloads, moderation, flow control, MTU, MAC address"
finish
