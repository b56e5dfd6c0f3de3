#!/bin/bash
# A program whose back end is killed under traffic waits until another one listens at the same place, and goes on. A back end outlives
# programs that are killed, and the next one finds it ready. What is no back end is explained.
. "$(dirname "$0")/testpmd.sh"
socket=$work/vhost.0.sock

# die_now PID
die_now()
{
	kill -KILL "$1"
	wait "$1" 2>/dev/null
}

# shellcheck disable=SC2317 # prints calls it
# events NAME DIRECTION: how often it has told that a link went up or down
events()
{
	grep -c "\"event\":\"link $2" "$work/$1.log"
}

# reports NAME: how often it has told its counters
reports()
{
	grep -c '"seconds"' "$work/$1.log"
}

# restart NAME PORTS: kill the back end of a running program, which goes on with the next. Then nothing flows, and $before has its counters:
# of what was sent to the first back end, what that did not take has come back.
restart()
{
	local name=$1 ports=$2 seen
	die_now "$vhost"
	within 10 prints "$ports" events "$name" down || fail "$name: no word of links that went down"
	back_end vhost "$ports" 2
	vhost=$!
	within 10 prints "$ports" events "$name" up || fail "$name: no word of links that came up"
	seen=$(reports "$name") # the next may have been begun before
	within 10 exceeds $((seen + 1)) reports "$name" || fail "$name: it has stopped"
	before=("$(counted "$name" 0 rx_packets)" "$(counted "$name" 0 tx_packets)"
		"$(counted "$name" 1 rx_packets)" "$(counted "$name" 1 tx_packets)")
}

# finished NAME PID PORTS: ends it, which has told on standard error of the back end only
finished()
{
	local told="$work/$1.err.log"
	end "$1" "$2"
	if [ "$(grep -c 'sock.*: the back end has disconnected$' "$told")" != "$3" ] || [ "$(wc -l <"$told")" != "$3" ]; then
		fail "$1: it says: $(cat "$told")"
	fi
}

# capture RING OPTION...: a program that receives. All that the second back end sends arrives.
capture()
{
	local name="capture, ${*:-packed}" pcap
	back_end vhost 1 2
	vhost=$!
	connect "$name" ixy-pcap "${@:2}" "vhost-user:$socket$1" /dev/null
	pcap=$!
	run vhost txonly
	within 20 exceeds 10000 counted "$name" 0 rx_packets || fail "$name: receives nothing"
	restart "$name" 1
	run vhost txonly
	within 20 exceeds $((before[0] + 10000)) counted "$name" 0 rx_packets || fail "$name: receives nothing any more"
	tell vhost stop
	becomes $((before[0] + $(packets vhost 0 TX-packets))) counted "$name" 0 rx_packets || fail "$name: counts differ"
	finished "$name" "$pcap" 1
	quit vhost "$vhost"
	echo "$name: ${before[0]} packets before, $(($(counted "$name" 0 rx_packets) - before[0])) after"
}

# generate RING: a program that sends. What a back end did not take before it was killed is not counted as sent.
generate()
{
	local name="generate, ${*:-packed}" pktgen taken
	back_end vhost 1 2
	vhost=$!
	run vhost rxonly
	connect "$name" ixy-pktgen "vhost-user:$socket$1"
	pktgen=$!
	within 20 exceeds 10000 packets vhost 0 RX-packets || fail "$name: sends nothing"
	# It goes on sending until its ring is full.
	tell vhost stop
	taken=$(packets vhost 0 RX-packets)
	restart "$name" 1
	run vhost rxonly
	within 20 exceeds 10000 packets vhost 0 RX-packets || fail "$name: sends nothing any more"
	finished "$name" "$pktgen" 1
	becomes $(($(counted "$name" 0 tx_packets) - taken)) packets vhost 0 RX-packets || fail "$name: counts differ"
	quit vhost "$vhost"
	echo "$name: $taken packets before, $(($(counted "$name" 0 tx_packets) - taken)) after"
}

# forward RING OPTION...: packets go around between ixy-fwd and a back end that forwards, too
forward()
{
	local name="forward, ${*:-packed}" fwd port
	back_end vhost 2 2
	vhost=$!
	connect "$name" ixy-fwd "${@:2}" "vhost-user:$socket$1" "vhost-user:$work/vhost.1.sock$1"
	fwd=$!
	run vhost io tx_first 4
	within 20 exceeds 10000 counted "$name" 0 rx_packets || fail "$name: forwards nothing"
	restart "$name" 2
	run vhost io tx_first 4
	within 20 exceeds $((before[0] + 10000)) counted "$name" 0 rx_packets || fail "$name: forwards nothing any more"
	tell vhost stop
	for port in 0 1; do
		becomes $((before[2 * port] + $(packets vhost $port TX-packets))) counted "$name" $port rx_packets ||
			fail "$name: counts differ"
	done
	run vhost rxonly # takes what is still in the rings
	finished "$name" "$fwd" 2
	for port in 0 1; do
		becomes $(($(counted "$name" $port tx_packets) - before[2 * port + 1])) packets vhost $port RX-packets ||
			fail "$name: counts differ"
	done
	quit vhost "$vhost"
	echo "$name: ${before[0]} packets before, $(($(counted "$name" 0 rx_packets) - before[0])) after"
}

for ring in "" ,split; do
	capture "$ring"
	generate "$ring"
	forward "$ring"
done
capture "" --queues 2 --interrupts
forward "" --queues 2 --threads 2
forward ,split --queues 2 --threads 2 --interrupts

# ---- The other way round ----

# killed NAME PROGRAM ARGUMENT...: the back end keeps running
killed()
{
	connect "killed $1" "$@"
	die_now $!
	[ -n "$(packets vhost 0 RX-packets)" ] || die "the back end no longer answers"
	gone "$vhost" && die "the back end has ended with $1"
}
back_end vhost 2 2
vhost=$!
run vhost io tx_first 4
for ring in "" ,split; do
	killed ixy-pktgen "vhost-user:$socket$ring"
	killed ixy-pcap "vhost-user:$socket$ring" /dev/null
	killed ixy-fwd "vhost-user:$socket$ring" "vhost-user:$work/vhost.1.sock"
done
tell vhost stop
run vhost rxonly
taken=$(packets vhost 0 RX-packets)
"$IXY_BIN/ixy-pktgen" --quiet --count 100000 "vhost-user:$socket" || fail "after those that were killed: exit status $?"
becomes $((taken + 100000)) packets vhost 0 RX-packets || fail "after those that were killed: not all have arrived"
echo "a back end whose front ends are killed: lives, and takes 100000 packets of the next"

# ---- What is no back end ----

# wrong NAME WORDS ADDRESS: exit status 1, and one line that has the address and WORDS in it
wrong()
{
	"$IXY_BIN/ixy-pktgen" --count 1 "$3" >"$work/out" 2>"$work/err"
	status=$?
	echo "$1: $(cat "$work/err")"
	[ $status = 1 ] || fail "$1: exit status $status"
	[ "$(wc -l <"$work/err")" = 1 ] || fail "$1: not one line"
	[ -s "$work/out" ] && fail "$1: something on standard output"
	grep -q "$3.*$2" "$work/err" || fail "$1: does not say $2"
}
die_now "$vhost"
wrong "killed" "listen" "vhost-user:$socket"
wrong "not there" "listen" "vhost-user:$work/none.sock"
: >"$work/file"
wrong "a file" "socket" "vhost-user:$work/file"
finish
