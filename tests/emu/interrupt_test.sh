#!/bin/bash
# ixy-fwd and ixy-pcap sleep while nothing arrives, and wake up in time.
#
# Bursts come with pauses around the time after which ixy-fwd goes to sleep. Each burst has to come back before the next one is
# sent, and fwd_patient is an ixy-fwd that only an interrupt wakes up: a packet that is left in a ring stays there until its deadline.
# IXY_BURSTS=1000000 takes half an hour; the default is what CI has time for.
. "$(dirname "$0")/../lib.sh"
: "${IXY_BURSTS:=$((${IXY_SANITIZE:+1} + 0 ? 1000 : 3000))}"

# bursts NAME WIRES EMU-OPTIONS PACKETS-PER-BURST WIRE-OPTIONS FWD-OPTION...: WIRES 1: from the first card to the second; 2: both ways
bursts()
{
	local name=$1 wires=$2 options=$3 packets=$(($4 * IXY_BURSTS)) account="$work/$1.json" emu fwd counter interrupts
	local wire=gen:burst=$4,count=$packets,gap=60,deadline=20000$5
	shift 5
	worth_it "$@" || return 0
	# shellcheck disable=SC2046,SC2086 # options may be none
	spawn "$name.emu" "$IXY_BIN/ixy-emu" $options -d "$work/$name" --interval 0.2 --json-file "$account" \
		"$wire" $([ "$wires" = 2 ] && echo "$wire" || echo sink)
	emu=$!
	within 5 test -S "$work/$name/nic1.sock" || die "$name: ixy-emu does not start"
	spawn "$name" "$IXY_BIN/fwd_patient" --interrupts --quiet "$@" "vfio-user:$work/$name/nic0.sock" "vfio-user:$work/$name/nic1.sock"
	fwd=$!
	within $((60 + IXY_BURSTS / 200)) forwarded "$account" "$wires" $packets || fail "$name: it does not come to an end"
	kill -KILL "$fwd"
	wait "$fwd" 2>/dev/null
	kill "$emu"
	ends_within 5 "$emu" || die "$name: ixy-emu does not end"
	account_ok "$account" || fail "$name: the account is not ok: $(tail -n 1 "$account")"
	[ -s "$work/$name.err.log" ] && fail "$name: something on standard error: $(head -n 1 "$work/$name.err.log")"
	for counter in overdue lost rx_missed; do
		[ "$(total $counter "$account")" = 0 ] || fail "$name: $counter is $(total $counter "$account")"
	done
	[ "$(total bursts "$account")" = $((wires * IXY_BURSTS)) ] || fail "$name: $(total bursts "$account") bursts"
	# It was about those that came while ixy-fwd slept.
	interrupts=$(total interrupts "$account")
	[ "$interrupts" -ge $((IXY_BURSTS / 100)) ] || fail "$name: only $interrupts interrupts"
	echo "$name: $(total bursts "$account") bursts, $(total overdue "$account") packets overdue, $interrupts interrupts;" \
		"us to come back: $(times "$account")"
}
# times FILE: burst_us of the generators
times()
{
	tail -n 1 "$1" | grep -o '"burst_us":{[^}]*}' | sed 's/.*{\(.*\)}/\1/' | tr -d '"' | grep -v 'max:0' | paste -sd ' '
}
# shellcheck disable=SC2317 # within calls it
forwarded()
{
	[ "$(tail -n 1 "$1" | grep -o "\"tx_frames\":$3," | wc -l)" = "$2" ]
}

bursts "MSI-X" 1 "" 3 ""
bursts "both ways" 2 "" 3 ""
bursts "single packets" 1 "" 1 ""
bursts "four queues" 1 "" 40 ,flows=64 --queues 4
bursts "MSI" 1 --no-msix 3 ""
bursts "MSI, both ways" 2 --no-msix 3 ""
bursts "MSI, four queues" 1 --no-msix 40 ,flows=64 --queues 4
bursts "throttle" 1 "" 3 "" --throttle 500
bursts "threads" 2 "" 40 ,flows=64 --threads 2

worth_it alone || finish

# idle NAME PROGRAM ARGUMENT...: one that takes less than 2 % of a processor while nothing arrives. All are measured at once.
idle()
{
	spawn "$1" "$IXY_BIN/$2" --json "${@:3}"
	idle[$!]=$1
}
ticks()
{
	sed 's/.*) //' "/proc/$1/stat" | awk '{ print $12 + $13 }'
}
declare -A idle before
card=vfio-user:$work/idle/nic
spawn idle_emu "$IXY_BIN/ixy-emu" -d "$work/idle" sink sink sink sink sink
emu=$!
within 5 test -S "$work/idle/nic4.sock" || die "ixy-emu does not start"
idle "idle ixy-fwd" ixy-fwd --interrupts "${card}0.sock" "${card}1.sock"
idle "idle ixy-fwd, 4 threads" ixy-fwd --interrupts --threads 4 "${card}2.sock" "${card}3.sock"
idle "idle ixy-pcap" ixy-pcap --interrupts "${card}4.sock" "$work/idle.pcap"
for pid in "${!idle[@]}"; do
	within 10 grep -q '"seconds"' "$work/${idle[$pid]}.log" || die "${idle[$pid]} does not run"
	before[$pid]=$(ticks "$pid")
done
seconds=3
sleep $seconds
for pid in "${!idle[@]}"; do
	used=$(($(ticks "$pid") - before[$pid]))
	[ $((used * 100 / ($(getconf CLK_TCK) * seconds))) -lt 2 ] || fail "${idle[$pid]} takes $used ticks in $seconds s"
	echo "${idle[$pid]}: $used ticks in $seconds s"
	kill -INT "$pid"
	ends_within 2 "$pid" || fail "${idle[$pid]} does not wake up to end"
done
kill "$emu"
ends_within 5 "$emu" || die "ixy-emu does not end"

# refused NAME WORDS EMU-OPTIONS FWD-OPTION...: more than can be waited for
refused()
{
	local name=$1 words=$2 options=$3
	shift 3
	# shellcheck disable=SC2086 # options may be none
	"$IXY_BIN/ixy-emu" --quiet $options sink sink -- "$IXY_BIN/ixy-fwd" --interrupts --quiet "$@" '{0}' '{1}' 2>"$work/refused.log"
	local status=$?
	[ $status = 1 ] || fail "$name: exit status $status"
	grep -q -e "$words" "$work/refused.log" || fail "$name: no word of $words: $(cat "$work/refused.log")"
}
refused "more vectors than the card has" "64 receive queues need 65 vectors" "" --threads 64
refused "more queues than a thread waits for" "64 queues, not 66; try more --threads" "" --queues 33
refused "more queues than MSI can tell apart" "up to 16 receive queues" --no-msix --queues 17
refused "one message for two threads" "leave out --threads or --interrupts" --no-msix --threads 2

# With all that a card takes, there are next to no interrupts, and it takes no less: the best of several runs that take turns. On a
# busy machine it takes more of them until both had their chance. Sanitizers have prices of their own.
rate() # FWD-OPTION...: packets in half a second
{
	"$IXY_BIN/ixy-emu" --json-file "$work/rate.json" gen gen -- "$IXY_BIN/ixy-fwd" --quiet --duration 0.5 "$@" '{0}' '{1}'
	total tx_frames "$work/rate.json"
}
polling=0 sleeping=0
for ((run = 1; run <= 40; run++)); do
	[ -z "${IXY_SANITIZE:-}" ] || break
	now=$(rate) && [ "${now:-0}" -gt "$polling" ] && polling=$now
	now=$(rate --interrupts) && [ "${now:-0}" -gt "$sleeping" ] && sleeping=$now
	[ $(($(total interrupts "$work/rate.json") * 100)) -le "${now:-0}" ] || fail "at full load: $now packets in so many interrupts: $(total interrupts "$work/rate.json")"
	[ $run -ge 3 ] && [ $((sleeping * 100)) -ge $((polling * 90)) ] && break
done
echo "in half a second: polling $polling packets, with interrupts $sleeping, the best of $run runs"
[ $run -le 40 ] || fail "at full load it takes less than 90 % of the packets with interrupts"

# A link that goes and comes is reported: by ixy-pcap, whose peer at the other end of the cable stops receiving.
# events NAME PCAP-OPTION...
events()
{
	local name=$1 peer
	shift
	spawn "$name.emu" "$IXY_BIN/ixy-emu" -d "$work/$name" cable:a cable:a
	local emu=$!
	within 5 test -S "$work/$name/nic1.sock" || die "ixy-emu does not start"
	local a=vfio-user:$work/$name/nic0.sock b=vfio-user:$work/$name/nic1.sock
	spawn "$name.peer" "$IXY_BIN/ixy-pktgen" --quiet --rate 100 "$b"
	peer=$!
	spawn "$name" "$IXY_BIN/ixy-pcap" "$@" "$a" "$work/$name.pcap"
	local pcap=$!
	within 5 test -s "$work/$name.log" || die "ixy-pcap does not run"
	kill "$peer"
	within 3 grep -qs "link down" "$work/$name.log" "$work/$name.err.log" || fail "$name: no word of the link that went down"
	spawn "$name.peer" "$IXY_BIN/ixy-pktgen" --quiet --rate 100 "$b"
	within 3 grep -qs "link up, 10 Gbit/s" "$work/$name.log" "$work/$name.err.log" || fail "$name: no word of the link that came up"
	kill "$pcap"
	ends_within 2 "$pcap" || fail "$name: ixy-pcap does not end"
	kill "$!" "$emu"
	ends_within 5 "$emu"
	grep -hs "link" "$work/$name.log" "$work/$name.err.log"
}
events "events, polling"
events "events, interrupts" --interrupts
grep -q '^ixy-pcap: nic0: link down$' "$work/events, interrupts.err.log" || fail "an event does not look like one"
events "events, JSON" --interrupts --json
grep -q '^{"type":"event","time":[0-9.]*,"event":"link down","device":"vfio-user:.*nic0.sock","name":"nic0"}$' "$work/events, JSON.log" || fail "an event is no JSON object"
finish
