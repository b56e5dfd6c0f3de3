#!/bin/bash
# Output that cannot be written, an interface that is deleted: each program says so, counts, and does not end with 0.
if [ -z "${IXY_UNSHARED:-}" ]; then
	export IXY_UNSHARED=1
	if [ "$(id -u)" = 0 ]; then
		exec unshare --net "$0" "$@"
	elif unshare --user --map-root-user --net true 2>/dev/null; then
		exec unshare --user --map-root-user --net "$0" "$@"
	fi
fi

. "$(dirname "$0")/../lib.sh"
cd "$work" || exit 1
export PATH=$IXY_BIN:$PATH

# packets FILE: in a capture of frames of 1500 bytes; it ends with a whole one
packets()
{
	local size
	size=$(stat -c %s "$1")
	[ $(((size - 24) % 1516)) = 0 ] || fail "$1 ends in the middle of a packet"
	echo $(((size - 24) / 1516))
}

# 1. The disk is full, played by a limit for the size of files, which also must not kill by SIGXFSZ. It is a limit for DMA
# memory, too, so it must leave room for that, and the packets must be more.
(ulimit -S -f 1000; exec ixy-emu --json-file account.json pcap:out=full.pcap -- \
	bash -c "ulimit -S -f unlimited; exec ixy-pktgen --quiet --count 5000 --size 1504 {0}") 2>emu.log
status=$?
[ $status = 1 ] || fail "ixy-emu on a full disk: exit status $status"
grep -q 'full.pcap: File too large' emu.log || fail "ixy-emu does not say that the disk is full"
grep -q '"ok":false' account.json || fail "ixy-emu on a full disk: the account is ok"
[ "$(total broken account.json)" = 1 ] || fail "ixy-emu on a full disk: no wire is broken"
[ "$(total tx_frames account.json)" = 5000 ] || fail "ixy-emu on a full disk does not serve its card to the end"
[ $(($(packets full.pcap) + $(total dropped account.json))) = 5000 ] ||
	fail "5000 packets sent, but $(packets full.pcap) recorded and $(total dropped account.json) dropped"

ixy-emu --quiet gen:size=1504 -- bash -c "ulimit -S -f 20000; exec ixy-pcap --json --count 50000 {0} full.pcap" >pcap.log 2>pcap.err.log
status=$?
[ $status = 1 ] || fail "ixy-pcap on a full disk: exit status $status"
grep -q 'full.pcap: File too large' pcap.err.log || fail "ixy-pcap does not say that the disk is full"
captured=$(sed -n 's/.*"type":"capture","captured":\([0-9]*\).*/\1/p' pcap.log)
[ "$captured" = "$(packets full.pcap)" ] || fail "ixy-pcap counts '$captured' packets, but there are $(packets full.pcap)"

# 2. Output for scripts
spawn json bash -c 'ulimit -S -f 200; exec ixy-emu --interval 0.001 --json-file account.json gen gen'
emu=$!
within 60 sh -c "[ \"\$(stat -c %s account.json)\" -ge 204800 ]" || die "the limit is not reached"
kill -TERM $emu
ends_within 5 $emu || die "ixy-emu does not end"
[ $status = 1 ] || fail "--json-file on a full disk: exit status $status"
grep -q 'cannot write account.json: File too large' json.err.log || fail "--json-file on a full disk: not a word"
[ "$(wc -l <json.err.log)" = 1 ] || fail "--json-file on a full disk: floods standard error"

# 3. The interface is deleted under the wire: no more light on the cable of that card; the others go on.
if [ "$(ip -br link 2>/dev/null | wc -l)" != 1 ] || [ ! -w /dev/net/tun ]; then
	[ "$failures" = 0 ] || finish
	skip "deleting an interface takes iproute2, /dev/net/tun and network namespaces (root, or user namespaces)"
fi
spawn emu ixy-emu --json-file account.json -d s tap:ixytap0 gen
emu=$!
within 5 test -S s/nic1.sock || die "no sockets"
ip link set ixytap0 up
spawn fwd ixy-fwd --json vfio-user:s/nic0.sock vfio-user:s/nic1.sock
fwd=$!
within 15 grep -q '"rx_packets":[1-9]' fwd.log || die "ixy-fwd forwards nothing"
ip link delete ixytap0
within 10 grep -q 'port 0: interface ixytap0 has been deleted' emu.err.log || fail "ixy-emu says nothing"
within 10 sh -c "grep -h 'vfio-user:s/nic0.sock' fwd.log fwd.err.log | grep -q 'link down'" || fail "the driver does not see that the link is down"
kill -TERM $fwd
ends_within 5 $fwd || fail "ixy-fwd does not end"
kill -TERM $emu
ends_within 5 $emu || die "ixy-emu does not end"
[ $status = 1 ] || fail "the interface is gone: exit status $status"
[ "$(of_port 0 broken account.json)$(of_port 1 broken account.json)" = 10 ] || fail "not counted for port 0 alone"
grep -q '"ok":false' account.json || fail "the interface is gone: the account is ok"
[ "$(wc -l <emu.err.log)" -lt 20 ] || fail "ixy-emu floods standard error"
finish
