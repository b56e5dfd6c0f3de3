#!/bin/bash
# valgrind sees no leak and no use of undefined memory in the driver and the library.
. "$(dirname "$0")/../lib.sh"
need valgrind valgrind

check()
{
	local name=$1
	shift
	valgrind --quiet --leak-check=full --show-leak-kinds=definite,indirect,possible --errors-for-leak-kinds=all \
		--error-exitcode=99 --track-fds=no "$@" >"$work/$name.log" 2>&1
	status=$?
	[ $status = 0 ] || fail "$name: exit status $status"
}

[ -x "$IXY_BIN/../tests/driver_close_test" ] && check driver "$IXY_BIN/../tests/driver_close_test"
spawn emu "$IXY_BIN/ixy-emu" --quiet --socket-dir "$work/s" gen:rate=1k gen:rate=1k
within 5 test -S "$work/s/nic1.sock" || die "no sockets"
check forwarder "$IXY_BIN/ixy-fwd" --duration 2 "vfio-user:$work/s/nic0.sock" "vfio-user:$work/s/nic1.sock"
finish
