#!/bin/bash
# The programs for arm64, on an emulated processor: they build without a warning, forward between software cards, polling and with
# interrupts, and send to DPDK's vhost. The processor underneath keeps its own order of memory accesses: what this cannot show is
# whether there are barriers enough.
. "$(dirname "$0")/virtio/testpmd.sh"
need cmake cmake
need aarch64-linux-gnu-gcc gcc-aarch64-linux-gnu
[ -e /usr/aarch64-linux-gnu/lib/libc.so.6 ] || skip "there is no libc for arm64: apt install libc6-dev-arm64-cross"
qemu=$(command -v qemu-aarch64-static || command -v qemu-aarch64) || skip "qemu-aarch64-static is missing: apt install qemu-user-static"
export QEMU_LD_PREFIX=/usr/aarch64-linux-gnu

cmake -S "$IXY_SOURCE" -B "$work/build" -DCMAKE_SYSTEM_NAME=Linux -DCMAKE_SYSTEM_PROCESSOR=aarch64 \
	-DCMAKE_C_COMPILER=aarch64-linux-gnu-gcc -DCMAKE_BUILD_TYPE=Release -DIXY_WERROR=ON \
	>"$work/cmake.log" 2>&1 || die "cmake does not get ready for arm64"
cmake --build "$work/build" -j 2 >"$work/build.log" 2>&1 || die "it does not build for arm64"
bin=$work/build/bin

# forwards NAME PROGRAM OPTION...: all packets come back, and right
forwards()
{
	local account=$work/account.json
	rm -f "$account"
	spawn "$1.emu" "$qemu" "$bin/ixy-emu" -d "$work/cards" --interval 0.2 --json-file "$account" gen:count=50000,window=64 sink
	local emu=$!
	within 20 test -S "$work/cards/nic1.sock" || die "$1: ixy-emu does not start"
	spawn "$1" "$qemu" "$bin/$2" "${@:3}" "vfio-user:$work/cards/nic0.sock" "vfio-user:$work/cards/nic1.sock"
	local fwd=$!
	within 60 grep -q '"tx_frames":50000,' "$account" || fail "$1: it does not come to an end"
	kill -INT "$fwd"
	ends_within 20 "$fwd" || die "$1: $2 does not end"
	[ "$status" = 0 ] || fail "$1: exit status $status"
	kill -TERM "$emu"
	ends_within 20 "$emu" || die "$1: ixy-emu does not end"
	account_ok "$account" || fail "$1: the account is not ok: $(tail -n 1 "$account")"
	[ "$(total touched "$account")" = 50000 ] || fail "$1: $(total touched "$account") packets have come back"
}
forwards "polling" ixy-fwd --quiet
forwards "interrupts" ixy-fwd --quiet --interrupts
forwards "two queues" ixy-fwd --quiet --queues 2

back_end vhost 1 1
run vhost rxonly
for ring in "" ,split; do
	before=$(packets vhost 0 RX-packets)
	"$qemu" "$bin/ixy-pktgen" --quiet --count 50000 "vhost-user:$work/vhost.0.sock$ring" || fail "virtio${ring:-,packed}: exit status $?"
	becomes $((before + 50000)) packets vhost 0 RX-packets || fail "virtio${ring:-,packed}: not all have arrived"
done
tell vhost quit
finish
