#!/bin/bash
# While ixy-fwd forwards in a guest, one of its cards is unbound from vfio-pci, then unplugged (as the guest's kernel sees it):
# the program says so, ends, and the system has its card. Also while it sleeps, which it does between such few packets.
. "$(dirname "$0")/lib.sh"
pack_programs ixy-fwd
start_cards --interval 0.2 gen:flows=64,rate=50 gen:flows=64,rate=50
more=$work/programs.cpio iommu=on start_guest
bind_to_vfio 0 1
huge_pages

# taken_away HOW COMMAND FWD-OPTION...: card 1
taken_away()
{
	local how=$1 command=$2 status
	shift 2
	guest "(ixy-fwd $* $(card 0) $(card 1) >/tmp/out 2>/tmp/err; echo \$? >/tmp/status) >/dev/null 2>&1 &"
	within 60 guest grep -q pps /tmp/out || die "$how: ixy-fwd does not forward: $(guest cat /tmp/err)"
	must "$how" guest "$command" # returns when ixy-fwd has let go
	within 60 guest test -s /tmp/status || die "$how: ixy-fwd does not end"
	status=$(guest cat /tmp/status)
	guest cat /tmp/err
	[ "$status" = 1 ] || fail "$how: exit status $status"
	guest grep -q "'$(card 1):.*wants the device back'" /tmp/err || fail "$how: ixy-fwd does not say why it ended"
	guest rm /tmp/out /tmp/err /tmp/status
}

for options in "" --interrupts; do
	taken_away "unbinding $options" "echo $(card 1) >/sys/bus/pci/drivers/vfio-pci/unbind" $options
	guest "[ ! -e /sys/bus/pci/devices/$(card 1)/driver ]" || fail "the card is still bound to vfio-pci"
	bind_to_vfio 1
done
taken_away "unplugging" "echo 1 >/sys/bus/pci/devices/$(card 1)/remove" --interrupts
guest "[ ! -e /sys/bus/pci/devices/$(card 1) ]" || fail "the card is still there"
must "rescan" guest "echo 1 >/sys/bus/pci/rescan"
bind_to_vfio 1
must "forwarding again" guest "ixy-fwd --duration 1 $(card 0) $(card 1)"
# The kernel says so each time that it asks.
no_complaints "vfio-pci .* (resetting|reset done)|[Rr]elaying device request to user"
stop_guest
stop_cards
no_faults
shows "ixy-fwd" "a card is unbound or unplugged: reports it, exits, and releases the card"
finish
