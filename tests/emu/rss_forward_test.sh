#!/bin/bash
# A thousand flows in each direction over several queues of ixy-fwd: what the card does not miss arrives, once, whole, and in
# order within its flow.
. "$(dirname "$0")/../lib.sh"
count=30000

# forward NAME FWD-OPTION...
forward()
{
	local name=$1 wire=gen:flows=1000,count=$count,rate=50k account="$work/$1.json" missed
	shift
	# The generators begin when their card is there, which may be long before the forwarder gets to run: long rings.
	if ! "$IXY_BIN/ixy-emu" --json-file "$account" "$wire" "$wire" -- "$IXY_BIN/ixy-fwd" --json --rx-ring 4096 --tx-ring 4096 \
		--duration $((4 * IXY_SLOWDOWN)) "$@" '{0}' '{1}' >"$work/$name.log" 2>"$work/$name.err.log"; then
		fail "$name: exit status is not 0"
		return
	fi
	account_ok "$account" || fail "$name: the account is not ok: $(tail -n 1 "$account")"
	for counter in corrupted stale foreign unchanged duplicates reordered late; do
		[ "$(total $counter "$account")" = 0 ] || fail "$name: $counter is $(total $counter "$account")"
	done
	missed=$(total rx_missed "$account")
	[ $(($(total touched "$account") + missed)) = $((2 * count)) ] ||
		fail "$name: $(total touched "$account") of $((2 * count)) packets were forwarded, $missed missed by the cards"
	[ "$(total lost "$account")" -le "$missed" ] || fail "$name: $(total lost "$account") are lost, $missed missed"
	echo "$name: $(total touched "$account") packets forwarded, $missed missed by the cards"
}

forward "4 queues" --queues 4
forward "16 queues" --queues 16 --rx-ring 1024 --tx-ring 1024
forward "symmetric key" --queues 4 --rss-symmetric
finish
