#!/bin/bash
# IEEE 1588 by Linux's ixgbe: ptp4l sets the clock of one card by that of another, which a cable joins, with the stamps that the
# cards take; over UDP and over Ethernet.
. "$(dirname "$0")/lib.sh"

start_cards cable:a cable:a
start_guest
must "no driver" guest modprobe ixgbe
two_hosts
guest ethtool -T eth0 >"$work/stamps.log"
grep -q "hardware-transmit" "$work/stamps.log" || fail "no time stamps: $(cat "$work/stamps.log")"
within 60 guest ping -c 1 -W 1 10.99.0.2 || die "no answer through the cable"

# The clock itself, against the guest's: a second later it shows a second more.
phc()
{
	guest phc_ctl /dev/ptp1 get | sed -n 's/.*clock time is \([0-9]*\)\.\([0-9]*\) .*/\1\2/p'
}

# locks NAME OPTION...: the difference of the clocks becomes small, and no packet is without its stamp
locks()
{
	local name=$1
	shift
	must "phc_ctl" guest "phc_ctl /dev/ptp1 set 1000000000 >/dev/null" # far from the other one
	# Each with sockets of its own: both would make theirs at one place, and one of them fail at times.
	guest "
		ptp4l -i eth0 -m $* --tx_timestamp_timeout=5000 --uds_address=/tmp/master.uds --uds_ro_address=/tmp/master.ro \\
			>/tmp/master 2>&1 &
		echo \$! >/tmp/pids
		ip netns exec peer ptp4l -i eth1 -m -s $* --tx_timestamp_timeout=5000 --step_threshold=0.001 \\
			--uds_address=/tmp/slave.uds --uds_ro_address=/tmp/slave.ro >/tmp/slave 2>&1 &
		echo \$! >>/tmp/pids"
	within 120 guest "[ \$(grep -c ' s2 ' /tmp/slave) -ge 10 ]" || fail "$name: does not lock: $(guest tail -n 5 /tmp/master /tmp/slave)"
	guest "kill \$(cat /tmp/pids)"
	guest "tail -n 3 /tmp/slave"
	guest "cat /tmp/master /tmp/slave" | grep -E "timed out|FAULTY|bad message" && fail "$name: see above"
	# Polls of the card, which a busy machine delays, are what stamps are exact to.
	guest "awk '/master offset/ && / s2 / { n++; d = \$4 < 0 ? -\$4 : \$4; if (n > 5 && (!best || d < best)) best = d }
		END { exit !(n > 5 && best < 10000000) }' /tmp/slave" || fail "$name: the clocks differ by 10 ms and more"
}

before=$(phc)
sleep 1
after=$(phc)
passed=$((after - before))
if [ $passed -lt 900000000 ] || [ $passed -gt 20000000000 ]; then
	fail "the clock shows $passed ns after a second"
fi
locks "UDP" -4
locks "Ethernet" -2
guest ethtool -S eth0 | grep -E "tx_hwtstamp_(timeouts|skipped)|rx_hwtstamp_cleared"
[ "$(guest ethtool -S eth0 | sed -n 's/^ *tx_hwtstamp_timeouts: //p')" = 0 ] || fail "stamps that never came"

no_complaints
stop_guest
stop_cards
no_faults
no_bad_accesses
shows "Linux ixgbe" "IEEE 1588: ptp4l sets one card's clock by another's, with hardware stamps, over UDP and Ethernet"
finish
