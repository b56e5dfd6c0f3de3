#!/bin/bash
# ixy-fwd between two generators, in several set-ups: every packet arrives whole, with one byte changed.
. "$(dirname "$0")/../lib.sh"

# shellcheck disable=SC2317 # within calls it
# both_ways FILE DIGITS: has ixy-emu told that so many packets came back to both ports, 10000 with DIGITS 5?
both_ways()
{
	grep -q "\"port\":0,.*\"tx_frames\":[0-9]\{$2,\},.*\"port\":1,.*\"tx_frames\":[0-9]\{$2,\}," "$1"
}

# forward NAME WIRE-OPTIONS FWD-OPTION...: until many packets have come back both ways; with --no-touch first, no byte may change
forward()
{
	local name=$1 wire=gen$2 account="$work/$1.json" emu right=touched wrong=unchanged digits=5
	shift 2
	[ "${1:-}" != --no-touch ] || { right=unchanged && wrong=touched; }
	[ "$wire" != gen:rate=1k ] || digits=2
	spawn "$name" "$IXY_BIN/ixy-emu" --interval 0.2 --json-file "$account" "$wire" "$wire" -- "$IXY_BIN/ixy-fwd" --json "$@" '{0}' '{1}'
	emu=$!
	within 60 both_ways "$account" $digits || fail "$name: ixy-fwd does not forward both ways"
	kill -INT "$emu"
	ends_within 5 "$emu" || die "$name: it does not end"
	[ "$status" = 0 ] || fail "$name: exit status $status"
	account_ok "$account" || fail "$name: the account is not ok: $(tail -n 1 "$account")"
	for counter in corrupted stale foreign $wrong duplicates late dma_faults tx_bad; do
		[ "$(total "$counter" "$account")" = 0 ] || fail "$name: $counter is $(total "$counter" "$account")"
	done
	for port in 0 1; do
		[ "$(of_port $port $right "$account")" -gt 0 ] || fail "$name: nothing arrived on port $port"
	done
	grep -q '"final":true' "$work/$name.log" || fail "$name: ixy-fwd printed no final account"
	[ -s "$work/$name.err.log" ] && fail "$name: something on standard error: $(head -n 1 "$work/$name.err.log")"
	printf '%-28s %8d packets forwarded\n' "$name" "$(total tx_frames "$account")"
}

forward "64 bytes" ""
forward "1518 bytes" ":size=1518"
forward "9018 bytes" ":size=9018" --mtu 9000
forward "smallest rings" "" --rx-ring 64 --tx-ring 64 --buffers 256
forward "largest rings" "" --rx-ring 4096 --tx-ring 4096
forward "four queues, 64 flows" ":flows=64" --queues 4
forward "batches of 1" "" --batch 1
forward "batches of 256" "" --batch 256
forward "1 kpps" ":rate=1k"
forward "no byte changed" ":touch=none" --no-touch
finish
