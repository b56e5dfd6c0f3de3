#!/bin/bash
# The emulator dies under the driver, the driver dies under the emulator, people press Ctrl-C.
. "$(dirname "$0")/../lib.sh"

start_emu() # WIRE...
{
	rm -rf "$work/s"
	spawn emu "$IXY_BIN/ixy-emu" --socket-dir "$work/s" --json-file "$work/account.json" "$@"
	emu=$!
	within 5 test -S "$work/s/nic1.sock" || die "no sockets"
}

start_fwd() # OPTION...: and wait until packets flow
{
	spawn fwd "$IXY_BIN/ixy-fwd" --json "$@" "vfio-user:$work/s/nic0.sock" "vfio-user:$work/s/nic1.sock"
	fwd=$!
	within 15 grep -q '"rx_packets":[1-9]' "$work/fwd.log" || die "ixy-fwd forwards nothing"
}

sane() # after an error: no crash, no spin
{
	[ "$status" -lt 128 ] || fail "$1: exit status $status: killed by a signal"
	[ "$status" != 0 ] || fail "$1: exit status 0 after an error"
	[ "$(wc -l <"$work/fwd.err.log")" -le 4 ] || fail "$1: floods standard error"
	[ -s "$work/fwd.err.log" ] || fail "$1: says nothing"
}

# 1. The emulator is killed, or is ended, or Ctrl-C is pressed, while the forwarder sleeps: nothing arrives.
start_sleeper() # FWD-OPTION...: its first account says that it is ready
{
	spawn fwd "$IXY_BIN/ixy-fwd" --json --interrupts "$@" "vfio-user:$work/s/nic0.sock" "vfio-user:$work/s/nic1.sock"
	fwd=$!
	within 15 grep -q '"seconds"' "$work/fwd.log" || die "ixy-fwd $* does not run"
}
for threads in 1 4; do
	[ $threads -gt 1 ] || worth_it alone || continue
	start_emu sink sink
	start_sleeper --threads $threads
	kill -KILL "$fwd"
	wait "$fwd" 2>/dev/null
	start_sleeper --threads $threads
	kill -INT "$fwd"
	ends_within 5 "$fwd" || die "Ctrl-C does not end ixy-fwd, whose $threads threads sleep"
	[ "$status" = 0 ] || fail "ixy-fwd: exit status $status after Ctrl-C while $threads threads sleep"
	for signal in KILL TERM; do
		start_sleeper --threads $threads
		kill -$signal "$emu"
		ends_within 5 "$fwd" || die "ixy-fwd, whose $threads threads sleep, does not see that its cards are gone (SIG$signal)"
		sane "emulator ended by SIG$signal while $threads threads sleep"
		wait "$emu" 2>/dev/null
		[ $signal = TERM ] || start_emu sink sink
	done
done

worth_it alone || finish

# 2. The emulator is killed, and is ended, while the forwarder runs.
for signal in KILL TERM; do
	start_emu gen gen
	start_fwd
	kill -$signal "$emu"
	ends_within 5 "$fwd" || die "ixy-fwd continues after its cards are gone (SIG$signal)"
	sane "emulator ended by SIG$signal"
	wait "$emu" 2>/dev/null
done

# 3. It stops answering at all: not even then may the forwarder hang for ever. (It resumes: nothing is lost but time.)
start_emu gen gen
start_fwd
kill -STOP "$emu"
sleep 1
kill -CONT "$emu"
# shellcheck disable=SC2317 # within calls it
lines() { [ "$(wc -l <"$work/fwd.log")" -ge "$1" ]; }
within 15 lines $(($(wc -l <"$work/fwd.log") + 2)) || fail "ixy-fwd does not survive an emulator that pauses for a second"
kill -INT "$fwd"
ends_within 5 "$fwd" || die "Ctrl-C does not end ixy-fwd"

# 4. The forwarder is killed and started again and again, on the same sockets.
for ((i = 1; i <= 10; i++)); do
	start_fwd --duration 60
	kill -KILL "$fwd"
	wait "$fwd" 2>/dev/null
done
start_fwd
kill -TERM "$fwd"
ends_within 5 "$fwd" || die "SIGTERM does not end ixy-fwd"
[ "$status" = 0 ] || fail "ixy-fwd: exit status $status after SIGTERM"
kill -TERM "$emu"
ends_within 5 "$emu" || die "ixy-emu does not end"
for counter in stale corrupted foreign dma_faults; do
	[ "$(total $counter "$work/account.json")" = 0 ] ||
		fail "killed and restarted: $counter is $(total $counter "$work/account.json")"
done

# 5. Ctrl-C, in each of the programs, and also while they wait for the link.
start_emu gen sink
for signal in INT TERM; do
	start_fwd
	kill -$signal "$fwd"
	ends_within 5 "$fwd" || die "SIG$signal does not end ixy-fwd"
	[ "$status" = 0 ] || fail "ixy-fwd: exit status $status after SIG$signal"
	grep -q '"final":true' "$work/fwd.log" || fail "ixy-fwd: no final account after SIG$signal"
	[ -s "$work/fwd.err.log" ] && fail "ixy-fwd: after SIG$signal: $(cat "$work/fwd.err.log")"
	for program in "ixy-pktgen --rate 1k" "ixy-pcap"; do
		arguments=("vfio-user:$work/s/nic0.sock")
		[ "$program" = ixy-pcap ] && arguments+=("$work/x.pcap")
		# shellcheck disable=SC2086 # word splitting is meant
		spawn app "$IXY_BIN"/$program --json "${arguments[@]}"
		app=$!
		within 15 grep -q '"seconds"' "$work/app.log" || die "$program does not run"
		kill -$signal "$app"
		ends_within 5 "$app" || die "SIG$signal does not end $program"
		[ "$status" = 0 ] || fail "$program: exit status $status after SIG$signal"
	done
done
kill -INT "$emu"
ends_within 5 "$emu" || die "Ctrl-C does not end ixy-emu"

# 6. A reader of the pipe that has seen enough
"$IXY_BIN/ixy-emu" --quiet gen -- sh -c "'$IXY_BIN/ixy-pcap' --quiet {0} - | head -c 100000 >/dev/null" 2>"$work/pipe.log" ||
	fail "ixy-pcap into a closed pipe: $(cat "$work/pipe.log")"
finish
