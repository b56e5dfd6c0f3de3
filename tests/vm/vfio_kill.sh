#!/bin/bash
# SIGKILL ends ixy-fwd in a guest while traffic comes in. Its memory goes back to the kernel; the cards must not get there any
# more. By their own account they reach nothing at all from then on, although the wire goes on sending. Then ixy-fwd runs again.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd
start_cards --interval 0.2 tap:t0 tap:t1
ip addr add 10.99.0.1/24 dev t0
ip link set t0 up
ip link set t1 up
ip neigh add 10.99.0.2 lladdr 02:00:00:00:00:02 dev t0
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0 1
huge_pages

# shellcheck disable=SC2317 # called by spawn
datagrams() # up to 2000 in a second, all the time
{
	local n
	while sleep 0.01; do
		for n in {1..20}; do
			echo "$n" >/dev/udp/10.99.0.2/9
		done
	done
}
spawn send datagrams
sender=$!

# so_far PORT FIELD: in the account at this moment, a state or a counter
so_far()
{
	grep ']}$' "$work/account.json" | tail -n 1 | sed -n "s/.*{\"port\":$1,[^}]*\"$2\":\"\?\([a-z0-9]*\).*/\1/p"
}
# shellcheck disable=SC2317 # called by within
both_are()
{
	[ "$(so_far 0 state) $(so_far 1 state)" = "$1 $1" ]
}
# shellcheck disable=SC2317 # called by within
above()
{
	[ "$(so_far "$1" "$2")" -gt "$3" ]
}

# forwards NAME: 300 frames that come in by card 0 go out by card 1
forwards()
{
	within 60 both_are up || die "$1: no links"
	within 60 above 1 tx_frames $(($(so_far 1 tx_frames) + 300)) || die "$1: nothing is forwarded"
	echo "$1: forwards"
}
reached() # by the cards, in the guest's memory
{
	echo "$(so_far 0 rx_frames) $(so_far 0 tx_frames) $(so_far 1 rx_frames) $(so_far 1 tx_frames)" \
		"$(so_far 0 dma_faults) $(so_far 1 dma_faults)"
}

pid=$(guest "ixy-fwd $(card 0) $(card 1) >/dev/null 2>&1 & echo \$!")
forwards "ixy-fwd"
lost=$(so_far 0 rx_down)
guest kill -KILL "$pid"
within 60 above 0 rx_down $((lost + 100)) || fail "the receiver is not off after SIGKILL, or the wire does not go on sending"
before=$(reached) lost=$(so_far 0 rx_down)
within 60 above 0 rx_down $((lost + 1000)) || fail "the wire does not go on sending"
after=$(reached)
echo "after SIGKILL: received and sent by the two cards, faults: $before; and $(($(so_far 0 rx_down) - lost)) frames later: $after"
[ "$before" = "$after" ] || fail "the cards reach memory after SIGKILL"
case $after in
*" 0 0") ;;
*) fail "the cards have tried to reach memory that was taken from them" ;;
esac

pid=$(guest "ixy-fwd $(card 0) $(card 1) >/dev/null 2>&1 & echo \$!")
forwards "ixy-fwd again"
kill "$sender"
wait "$sender" 2>/dev/null
guest "kill -INT $pid; while [ -d /proc/$pid ]; do sleep 0.1; done"
no_complaints "vfio-pci .* (resetting|reset done)"
stop_guest
stop_cards
no_faults
shows "ixy-fwd" "SIGKILL under traffic: no DMA afterwards; runs again"
finish
