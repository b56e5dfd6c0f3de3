#!/bin/bash
# Real traffic: two network namespaces which are joined only by
#
#	tap - card - ixy-fwd - card - tap
#
# ping without loss, and a download of 200 MB over TCP that arrives as it was, over IPv4 and IPv6. nginx and curl know
# nothing of it. Everything happens in namespaces of this process: it leaves nothing behind, even when it is killed.
if [ -z "${IXY_UNSHARED:-}" ]; then
	export IXY_UNSHARED=1
	if [ "$(id -u)" = 0 ]; then
		exec unshare --net --mount --pid --fork --kill-child "$0" "$@"
	elif unshare --user --map-root-user --net true 2>/dev/null; then
		exec unshare --user --map-root-user --net --mount --pid --fork --kill-child "$0" "$@"
	fi
	exec "$(dirname "$0")/../skip" "network namespaces need root, or user namespaces"
fi

. "$(dirname "$0")/../lib.sh"
need ip iproute2
need ping iputils-ping
need nginx nginx-light
need curl curl
[ -w /dev/net/tun ] || skip "/dev/net/tun is missing (modprobe tun) or not for you (run as root)"
megabytes=$((200 / IXY_SLOWDOWN))
mount -t proc proc /proc

# The second namespace lives as long as this process, the first is our own.
spawn peer unshare --net sleep infinity
peer=$!
# shellcheck disable=SC2317 # called by $run
in_peer()
{
	nsenter --target "$peer" --net "$@"
}
within 5 sh -c "[ \"\$(readlink /proc/$peer/ns/net)\" != \"\$(readlink /proc/self/ns/net)\" ]" || die "no namespace"

spawn emu "$IXY_BIN/ixy-emu" --json-file "$work/account.json" tap:ixytap0 tap:ixytap1 -- "$IXY_BIN/ixy-fwd" --no-touch --json '{0}' '{1}'
emu=$!
within 5 ip link show ixytap1 || die "ixy-emu made no interface"

ip link set ixytap1 netns "$peer"
for n in 0 1; do
	run=
	[ $n = 1 ] && run=in_peer
	sysctl=/proc/sys/net/ipv6/conf/ixytap$n
	$run sh -c "[ ! -d $sysctl ] || { echo 0 >$sysctl/accept_dad; echo 0 >$sysctl/disable_ipv6; }"
	$run ip address add 10.99.0.$((n + 1))/24 dev ixytap$n
	$run ip link set lo up
	$run ip link set ixytap$n up
	$run ip address add fd99::$((n + 1))/64 dev ixytap$n nodad || die "no IPv6 here"
done

within 10 ping -c 1 -W 1 10.99.0.2 || die "no answer at all from the other side"
for address in 10.99.0.2 fd99::2; do
	ping -q -c 50 -i 0.02 -W 2 -s 1400 $address >"$work/ping.log" || true
	grep -q ' 0% packet loss' "$work/ping.log" || fail "ping $address: $(grep loss "$work/ping.log")"
done

# A server on the other side
nginx_in="nsenter --target $peer --net" serve_file ${megabytes}M /dev/urandom 10.99.0.2:8080 "[fd99::2]:8080"
sum=$(sha256sum <"$work/www/file")
within 10 curl -s -o /dev/null http://10.99.0.2:8080/file --range 0-0 || die "the server does not answer"

for url in "http://10.99.0.2:8080/file" "http://[fd99::2]:8080/file"; do
	start=$(now_ms)
	got=$(curl -sS -g --max-time $((60 * IXY_SLOWDOWN)) "$url" 2>"$work/curl.log" | sha256sum)
	took=$(($(now_ms) - start))
	[ "$got" = "$sum" ] || fail "$url: the file arrived with another checksum"
	echo "$url: $megabytes MB in $took ms, $((megabytes * 8000 / took)) Mbit/s"
done

kill -TERM "$emu"
ends_within 10 "$emu" || die "ixy-emu does not end"
account_ok "$work/account.json" || fail "the account is not ok: $(tail -n 1 "$work/account.json")"
[ "$(total rx_missed "$work/account.json")" = 0 ] || echo "missed: $(total rx_missed "$work/account.json")"
finish
