#!/bin/bash
# ixy-fwd between two generators, in several set-ups: every packet arrives whole, with one byte changed. The rates are for
# the reader; a slow machine does not fail.
. "$(dirname "$0")/../lib.sh"

# forward NAME WIRE-OPTIONS SECONDS FWD-OPTION...: with --no-touch first, no byte may change
forward()
{
	local name=$1 wire=gen$2 seconds=$3 account="$work/$1.json" right=touched wrong=unchanged
	shift 3
	[ "${1:-}" != --no-touch ] || { right=unchanged && wrong=touched; }
	if ! "$IXY_BIN/ixy-emu" --json-file "$account" "$wire" "$wire" -- \
		"$IXY_BIN/ixy-fwd" --json --duration "$seconds" "$@" '{0}' '{1}' \
		>"$work/$name.log" 2>"$work/$name.err.log"; then
		fail "$name: exit status is not 0"
		return
	fi
	account_ok "$account" || fail "$name: the account is not ok: $(tail -n 1 "$account")"
	for counter in corrupted stale foreign $wrong duplicates late dma_faults tx_bad; do
		[ "$(total "$counter" "$account")" = 0 ] || fail "$name: $counter is $(total "$counter" "$account")"
	done
	for port in 0 1; do
		[ "$(of_port $port $right "$account")" -gt 0 ] || fail "$name: nothing arrived on port $port"
	done
	grep -q '"final":true' "$work/$name.log" || fail "$name: ixy-fwd printed no final account"
	[ -s "$work/$name.err.log" ] && fail "$name: something on standard error: $(head -n 1 "$work/$name.err.log")"
	awk -v n="$(total tx_frames "$account")" -v s="$seconds" -v name="$name" \
		'BEGIN { printf "%-28s %6.2f Mpps forwarded\n", name, n / s / 1e6 }'
}

forward "64 bytes" "" 3
forward "1518 bytes" ":size=1518" 1
forward "9018 bytes" ":size=9018" 1 --mtu 9000
forward "smallest rings" "" 1 --rx-ring 64 --tx-ring 64 --buffers 256
forward "largest rings" "" 1 --rx-ring 4096 --tx-ring 4096
forward "four queues, 64 flows" ":flows=64" 1 --queues 4
forward "batches of 1" "" 1 --batch 1
forward "batches of 256" "" 1 --batch 256
forward "1 kpps" ":rate=1k" 1
forward "no byte changed" ":touch=none" 1 --no-touch
finish
