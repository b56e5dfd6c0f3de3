#!/bin/bash
# ixy-fwd and ixy-pktgen in several threads, more of them than processors: no packet is lost by software, duplicated, or
# reordered within its flow; statistics agree with the cards'; a signal ends all threads.
. "$(dirname "$0")/../lib.sh"

# No ring is as short as the window: what gets lost is lost by software.
window=400
packets=$((${IXY_SANITIZE:+1} + 0 ? 100000 : 1000000)) # each way

# shellcheck disable=SC2317 # called by within
# counted N FILE: has ixy-fwd counted so many sent packets on both cards?
counted()
{
	[ "$(tail -n 1 "$2" | grep -o "\"tx_packets\":$1," | wc -l)" = 2 ]
}

# shellcheck disable=SC2317 # called by within
# pinned PID THREADS: has it so many threads that may run on one processor only, as many on each?
pinned()
{
	local used
	used=$(sed -n 's/^Cpus_allowed_list:\t\([0-9]*\)$/\1/p' /proc/"$1"/task/*/status | sort | uniq -c)
	echo "$used" | awk -v n="$2" -v cpus="$(nproc)" '{
		sum += $1
		least = NR == 1 || $1 < least ? $1 : least
		most = $1 > most ? $1 : most
	}
	END { exit !(sum == n && NR == (n < cpus ? n : cpus) && most - least <= 1) }'
}

# spread FILE [LAST-OPTION]: in the last account of ixy-fwd, have the queues of each card received what the card has, each a fair share?
spread()
{
	tail -n 1 "$1" | python3 -c '
import json, sys
for device in json.load(sys.stdin)["devices"]:
    rx, tx = ([q[d + "_packets"] for q in device["queues"]] for d in ("rx", "tx"))
    fair = device["rx_packets"] / len(rx)
    if sum(rx) != device["rx_packets"] or sum(tx) != device["tx_packets"]:
        sys.exit("queues and card disagree: %s %s %s" % (rx, tx, device))
    # Addresses and ports of the flows count up together, which a symmetric key, periodic by 16 bits, does not spread.
    if sys.argv[1:] != ["--rss-symmetric"] and any(abs(n - fair) > 0.2 * fair for n in rx):
        sys.exit("not a fair share of %.0f for each queue: %s" % (fair, rx))' "${2:-}"
}

# forward THREADS FWD-OPTION...
forward()
{
	local n=$1 name="fwd-$*" wire=gen:flows=1000,count=$packets,window=$window account="$work/fwd-$1.json" fwd emu started
	shift
	started=$(now_ms)
	spawn "$name" "$IXY_BIN/ixy-emu" --json-file "$account" "$wire" "$wire" -- \
		"$IXY_BIN/ixy-fwd" --json --threads "$n" "$@" '{0}' '{1}'
	emu=$!
	within 5 pgrep -P "$emu" ixy-fwd || die "$name: ixy-fwd does not run"
	fwd=$(pgrep -P "$emu" ixy-fwd)
	[ "$(nproc)" = 1 ] || within 5 pinned "$fwd" "$n" || fail "$name: threads are not pinned"
	within 30 counted "$packets" "$work/$name.log" || fail "$name: ixy-fwd did not send $packets packets each way"
	printf '%-28s %6d ms\n' "$name" $(($(now_ms) - started))
	kill -INT "$emu"
	ends_within 5 "$emu" || die "$name: does not end"
	[ "$status" = 0 ] || fail "$name: exit status $status"
	account_ok "$account" || fail "$name: the account is not ok: $(tail -n 1 "$account")"
	for counter in corrupted stale foreign unchanged duplicates reordered late lost rx_missed dma_faults tx_bad; do
		[ "$(total $counter "$account")" = 0 ] || fail "$name: $counter is $(total $counter "$account")"
	done
	[ "$(total touched "$account")" = $((2 * packets)) ] || fail "$name: $(total touched "$account") packets came back"
	[ "$(grep -c '"final":true' "$work/$name.log")" = 1 ] || fail "$name: not one final account"
	spread "$work/$name.log" "${@: -1}" || fail "$name: see above"
	[ -s "$work/$name.err.log" ] && fail "$name: on standard error: $(head -n 1 "$work/$name.err.log")"
}

forward 1
forward 2
forward 4
forward 16
forward 1 --queues 16 --rss-symmetric
forward 2 --queues 5
forward 4 --rx-ring 512 --buffers 1600 --batch 8

# ixy-pktgen: threads share the numbers; each sends a flow, in order.
count=20011
"$IXY_BIN/ixy-emu" "pcap:out=$work/sent.pcap" -- "$IXY_BIN/ixy-pktgen" --quiet --threads 4 --count $count '{0}' \
	2>"$work/pktgen.err.log" || fail "pktgen: exit status $?"
python3 - "$work/sent.pcap" $count 4 <<'END' || fail "pktgen: see above"
import struct, sys
data, count, threads = open(sys.argv[1], "rb").read()[24:], int(sys.argv[2]), int(sys.argv[3])
flows = {}
while data:
    length, = struct.unpack("<I", data[8:12])
    port, = struct.unpack(">H", data[16 + 34:16 + 36])
    flows.setdefault(port, []).append(struct.unpack(">I", data[16 + 42:16 + 46])[0])
    data = data[16 + length:]
numbers = sorted(n for flow in flows.values() for n in flow)
if numbers != list(range(count)) or len(flows) != threads or any(flow != sorted(flow) for flow in flows.values()):
    sys.exit(f"{len(numbers)} packets in {len(flows)} flows: not each number once, in order in its flow")
END

# ends_with_error NAME LIMITS WORD PKTGEN-OPTION...: the cards open, and then something fails that LIMITS do not allow.
# Sanitizers need more than any limit.
ends_with_error()
{
	local name=$1 limits=$2 word=$3
	shift 3
	[ -z "${IXY_SANITIZE:-}" ] || return
	timeout 20 "$IXY_BIN/ixy-emu" sink:touch=allowed -- \
		sh -c "$limits && exec \"\$0\" \"\$@\"" "$IXY_BIN/ixy-pktgen" "$@" '{0}' >"$work/$name.log" 2>"$work/$name.err.log"
	[ $? = 1 ] || fail "$name: exit status is not 1"
	grep -q "^total" "$work/$name.log" || fail "$name: does not end as usual"
	grep -q "$word" "$work/$name.err.log" || fail "$name: no word of it"
}

# The pool of a thread with 16 queues takes 230 MB.
ends_with_error pool "ulimit -v 330000" "cannot allocate" --threads 1 --queues 16 --rx-ring 64 --tx-ring 4096 --buffers 4160
ends_with_error stack "ulimit -s 1000000 && ulimit -v 2500000" "cannot start thread" --threads 4

"$IXY_BIN/ixy-fwd" --threads 4 --queues 2 a b 2>"$work/few.log"
few=$?
[ $few = 2 ] || fail "fewer queues than threads: exit status $few"
grep -q -- --queues "$work/few.log" || fail "fewer queues than threads: no word of it"
finish
