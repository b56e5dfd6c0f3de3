#!/bin/bash
# ixy-emu from outside: sockets and their folder, the command that it runs, signals, what it prints.
. "$(dirname "$0")/../lib.sh"

emu=$IXY_BIN/ixy-emu
export XDG_RUNTIME_DIR=$work/run
mkdir "$work/run"

# status WANTED NAME COMMAND...: run it; output to $work/out and $work/err
status()
{
	local wanted=$1 name=$2
	shift 2
	timeout 30 "$@" >"$work/out" 2>"$work/err" </dev/null
	local got=$?
	[ $got = "$wanted" ] || fail "$name: exit status $got, not $wanted: $(cat "$work/err")"
}

nothing_left()
{
	[ -z "$(ls "$work/run")" ] || fail "$1: left behind: $(ls "$work/run")"
	rm -rf "${work:?}/run/"*
}

one_line()
{
	[ "$(wc -l <"$work/err")" = 1 ] || fail "$1: no message of one line: $(cat "$work/err")"
}

# The command's exit status is ixy-emu's
status 0 "command that succeeds" "$emu" -q sink -- true
status 7 "command that fails" "$emu" -q sink -- sh -c 'exit 7'
status 143 "command that a signal ends" "$emu" -q sink -- sh -c 'kill -TERM $$'
status 137 "command that is killed" "$emu" -q sink -- sh -c 'kill -KILL $$'
status 0 "command without ports" "$emu" -- true
status 127 "no such command" "$emu" -q sink -- "$work/none"
one_line "no such command"
status 126 "command that is a folder" "$emu" -q sink -- "$work"
one_line "command that is a folder"
status 2 "no command after --" "$emu" sink --
one_line "no command after --"
nothing_left "commands"

# {N} anywhere in the arguments
status 0 "addresses" "$emu" -q sink sink -- echo '{0}' 'a{1}b{0}' '{}' '{x}' '{0'
[[ $(cat "$work/out") =~ ^vfio-user:($work/run/[^/]*)/nic0.sock\ avfio-user:($work/run/[^/]*)/nic1.sockbvfio-user:.*nic0.sock\ \{\}\ \{x\}\ \{0$ ]] ||
	fail "addresses: $(cat "$work/out")"
# shellcheck disable=SC2016
status 0 "sockets exist when the command starts" "$emu" -q sink -- sh -c 'a={0}; test -S "${a#vfio-user:}"'
status 2 "port that is not there" "$emu" -q sink -- echo '{1}'
one_line "port that is not there"
nothing_left "addresses"

# Other users do not reach the sockets, whatever the umask.
umask 0
# shellcheck disable=SC2016 # the command's shell
status 0 "folder of its own" "$emu" -q sink -- sh -c 'stat -c %a "$XDG_RUNTIME_DIR"/ixy-emu.*'
[ "$(cat "$work/out")" = 700 ] || fail "folder of its own: others may enter it: $(cat "$work/out")"
status 0 "socket folder that is made" "$emu" -q -d "$work/run/d" sink -- stat -c %a "$work/run/d"
[ "$(cat "$work/out")" = 700 ] || fail "socket folder that is made: others may enter it: $(cat "$work/out")"
umask 022

# --socket-dir: made if missing, removed only if made
status 0 "socket folder" "$emu" -q -d "$work/run/d" sink -- test -S "$work/run/d/nic0.sock"
nothing_left "socket folder"
mkdir "$work/run/d"
status 0 "socket folder that exists" "$emu" -q --socket-dir "$work/run/d" sink -- test -S "$work/run/d/nic0.sock"
[ -d "$work/run/d" ] || fail "the folder that existed is gone"
[ -e "$work/run/d/nic0.sock" ] && fail "a socket was left in the folder that existed"
rmdir "$work/run/d"
status 1 "socket folder with too long a path" "$emu" -q -d "$work/run/$(printf '%080d' 0)" sink -- true
one_line "socket folder with too long a path"
nothing_left "too long a path"
status 1 "socket folder in no folder" "$emu" -q -d "$work/none/d" sink -- true
one_line "socket folder in no folder"
mkdir "$work/shared"
spawn first "$emu" -q -d "$work/shared" sink
first=$!
within 5 test -S "$work/shared/nic0.sock" || die "no socket"
status 1 "socket in use" "$emu" -q -d "$work/shared" sink -- true
one_line "socket in use"
[ -S "$work/shared/nic0.sock" ] || fail "socket in use: removed"
kill -KILL $first
wait $first 2>/dev/null
status 0 "socket of a program that was killed" "$emu" -q -d "$work/shared" sink -- true

# Without a command: addresses on standard output at once, end by signal
for signal in INT TERM; do
	spawn plain "$emu" gen:rate=1k 'pcap:out='"$work/recorded.pcap"
	plain=$!
	within 5 grep -q '^port 1  vfio-user:/.*/nic1.sock' "$work/plain.log" ||
		fail "addresses: $(cat "$work/plain.log")"
	kill -$signal $plain
	ends_within 5 $plain || die "SIG$signal does not end it"
	[ "$status" = 0 ] || fail "SIG$signal: exit status $status"
	grep -q "^received by the driver *0 *0$" "$work/plain.err.log" || fail "no account: $(cat "$work/plain.err.log")"
	[ "$(stat -c %s "$work/recorded.pcap")" = 24 ] || fail "the recording is no capture file"
done
nothing_left "signals"

# A signal is passed on to the command and its end waited for
# shellcheck disable=SC2016
spawn polite "$emu" -q sink -- sh -c 'trap "echo bye; exit 5" TERM; echo ready; while :; do sleep 0.1; done'
polite=$!
within 5 grep -q ready "$work/polite.log" || die "the command does not run"
kill -TERM $polite
ends_within 5 $polite || die "ixy-emu does not end with its command"
[ "$status" = 5 ] || fail "signal passed on: exit status $status"
grep -q bye "$work/polite.log" || fail "the command did not get the signal"

# A command that does not end is killed: at the second signal, or after 5 seconds. On a busy machine two signals may arrive as one.
for ((try = 1; try <= 10; try++)); do
	spawn stubborn "$emu" -q sink -- sh -c 'trap "" TERM; echo ready; while :; do sleep 0.1; done'
	stubborn=$!
	within 5 grep -q ready "$work/stubborn.log" || die "the command does not run"
	before=$(now_ms)
	kill -TERM $stubborn
	sleep 0.3
	kill -TERM $stubborn
	ends_within 10 $stubborn || die "signals do not kill the command"
	[ "$status" = 137 ] || fail "killed command: exit status $status"
	[ $(($(now_ms) - before)) -ge 5000 ] || break
done
[ $try -le 10 ] || fail "a second signal does not kill the command"
for duration in 0.1 1 10 60; do # until it has come so far as to ignore it
	timeout 300 "$emu" -q --duration $duration sink -- sh -c 'trap "" TERM; while :; do sleep 0.1; done' 2>"$work/err"
	status=$?
	[ $status = 143 ] || break
done
[ $status = 137 ] || fail "command that ignores the end of --duration: exit status $status"
nothing_left "killed command"

# Killed itself, it leaves no orphan
# shellcheck disable=SC2016
spawn killed "$emu" -q -d "$work/killed" sink -- sh -c 'echo $$; while :; do sleep 0.1; done'
killed=$!
within 5 test -s "$work/killed.log" || die "the command does not run"
kill -KILL $killed
wait $killed 2>/dev/null
within 5 gone "$(cat "$work/killed.log")" || fail "the command outlived ixy-emu"

# --duration and --interval
before=$(now_ms)
status 0 "duration" "$emu" --duration 0.5 --interval 0.1 sink
took=$(($(now_ms) - before))
[ $took -ge 500 ] || fail "--duration 0.5 took $took ms"
grep -q ' 0 sink ' "$work/err" || fail "--interval: $(cat "$work/err")"
grep -q '^ *[0-9]*  *0 sink ' "$work/err" && fail "--interval 0.1: times are whole seconds: $(cat "$work/err")"
status 2 "no duration" "$emu" --duration soon sink
one_line "no duration"

# An idle emulator uses next to no processor time
spawn idle "$emu" -q gen sink loop
idle=$!
sleep 1
read -r -a stat <"/proc/$idle/stat"
[ $((stat[13] + stat[14])) -le $((10 * IXY_SLOWDOWN)) ] || fail "idle: $((stat[13] + stat[14])) ticks of 10 ms in a second"
kill -TERM $idle
ends_within 5 $idle || die "idle: does not end"

# JSON
status 0 "JSON" "$emu" --json --interval 0.1 --duration 0.5 'pcap:out='"$work/\"quoted\"" sink
[ "$(head -n 1 "$work/out" | cut -c 1-55)" = '{"type":"ports","ports":[{"port":0,"address":"vfio-user' ] ||
	fail "JSON: $(head -n 1 "$work/out")"
[ "$(grep -c '"type":"interval"' "$work/out")" -ge 1 ] || fail "JSON: no rates"
account_ok "$work/out" || fail "JSON: no account"
[ "$(total rx_frames "$work/out")" = 0 ] || fail "JSON: no totals"
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for line in open(sys.argv[1]): json.loads(line)' "$work/out" || fail "JSON: does not parse"
fi
status 0 "JSON into a file" "$emu" --json-file "$work/file.json" sink -- echo hello
[ "$(cat "$work/out")" = hello ] || fail "JSON into a file: also on standard output"
account_ok "$work/file.json" || fail "JSON into a file: no account"
"$emu" --json sink -- true >/dev/full 2>"$work/err"
[ $? = 1 ] || fail "JSON to a full disk: exit status is not 1"
one_line "JSON to a full disk"
status 1 "JSON into a full file" "$emu" --json-file /dev/full sink -- true
one_line "JSON into a full file"
status 5 "JSON into a full file, and a command that fails" "$emu" --json-file /dev/full sink -- sh -c 'exit 5'
printf -v strange 'not \xff UTF-8 \xc3\xa9'
status 0 "a name that is no UTF-8" "$emu" --json -d "$work/$strange" sink -- true
[ "$(sed -n '1s/.*not \(.*\)\/nic0.*/\1/p' "$work/out")" = "\\ufffd UTF-8 $(printf '\xc3\xa9')" ] || fail "no UTF-8: $(cat "$work/out")"
status 1 "JSON into no folder" "$emu" --json-file "$work/none/file" sink -- true
one_line "JSON into no folder"

# MAC addresses count up
status 0 "MAC" "$emu" --json --mac 02:00:00:00:00:ff --duration 0.01 sink sink
grep -q '02:00:00:00:00:ff.*02:00:00:00:01:00' "$work/out" || fail "--mac: $(cat "$work/out")"
status 2 "multicast MAC" "$emu" --mac 01:00:00:00:00:00 sink
one_line "multicast MAC"

status 0 "registers" "$emu" --registers
grep -q 'RXDCTL.*0x0*1028' "$work/out" || fail "--registers: no RXDCTL"

nothing_left "all of it"
finish
