#!/bin/bash
# examples/pipeline.c: three threads pass packets on; all that were made come out, whole and in order.
. "$(dirname "$0")/../lib.sh"

packets=$((${IXY_SANITIZE:+1} + 0 ? 50000 : 1000000))

# pipeline NAME WIRE-OPTIONS
pipeline()
{
	local account="$work/$1.json" emu
	spawn "$1" "$IXY_BIN/ixy-emu" --interval 0.2 --json-file "$account" "gen:count=$packets$2" sink -- \
		"$IXY_BIN/pipeline" '{0}' '{1}'
	emu=$!
	within 30 grep -q "\"tx_frames\":$packets," "$account" || fail "$1: not all packets come out"
	kill -INT "$emu"
	ends_within 5 "$emu" || die "$1: it does not end"
	[ "$status" = 0 ] || fail "$1: exit status $status"
	account_ok "$account" || fail "$1: the account is not ok: $(tail -n 1 "$account")"
	for counter in corrupted stale foreign unchanged duplicates reordered late lost rx_missed dma_faults tx_bad; do
		[ "$(total $counter "$account")" = 0 ] || fail "$1: $counter is $(total $counter "$account")"
	done
	[ "$(total touched "$account")" = "$packets" ] || fail "$1: $(total touched "$account") packets came out"
	[ "$(cat "$work/$1.log")" = "received $packets, worked on $packets, sent $packets" ] ||
		fail "$1: counts differ: $(cat "$work/$1.log")"
}

pipeline "64 bytes" ""
pipeline "1518 bytes" ",size=1518"
finish
