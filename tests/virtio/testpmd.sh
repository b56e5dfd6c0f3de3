# shellcheck shell=bash
# Sourced by tests against DPDK: its testpmd is the back end of vhost-user ports, without huge pages. It takes commands, and tells
# how many packets of each port it had.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
need dpdk-testpmd dpdk-dev

declare -A testpmd_input

# back_end NAME PORTS QUEUES: one whose ports listen at $work/NAME.0.sock, ..., each with so many queue pairs. Its pid is in $!
back_end()
{
	local name=$1 ports=$2 queues=$3 input=$work/$1.input cpus devices=() port fd
	cpus=$(taskset -cp $$ | sed 's/.*: //')
	for ((port = 0; port < ports; port++)); do
		rm -f "$work/$name.$port.sock" # the library removes none that another process has left
		devices+=(--vdev "net_vhost$port,iface=$work/$name.$port.sock,queues=$queues")
	done
	rm -f "$input"
	mkfifo "$input"
	exec {fd}<>"$input" # never at its end
	testpmd_input[$name]=$fd
	: >"$work/$name.log"
	RUNTIME_DIRECTORY=$work stdbuf -oL dpdk-testpmd --no-pci --no-huge --no-shconf --no-telemetry -m 256 \
		--lcores "(0,1)@($cpus)" --log-level '*:error' "${devices[@]}" -- -i \
		--total-num-mbufs=16384 --rxd=1024 --txd=1024 --rxq="$queues" --txq="$queues" \
		<"$input" >"$work/$name.log" 2>"$work/$name.err.log" &
	spawned+=($!)
	within 20 test -S "$work/$name.$((ports - 1)).sock" || die "$name: testpmd does not start"
}

# tell NAME COMMAND...: it does one after the other
tell()
{
	local name=$1
	shift
	printf '%s\n' "$@" >&"${testpmd_input[$name]}"
}

# quit NAME PID: until it has ended, its log and its sockets are not the next one's
quit()
{
	tell "$1" quit
	ends_within 20 "$2" || die "$1: testpmd does not end"
}

# run NAME MODE [HOW...]: forward in this mode, until told to stop
run()
{
	tell "$1" "set fwd $2" "start ${*:3}"
}

# packets NAME PORT COUNTER: what it has counted when all commands before are done
packets()
{
	local log=$work/$1.log from
	from=$(($(wc -l <"$log") + 1))
	tell "$1" "show port stats $2"
	within 20 answered "$log" "$from" || fail "$1: testpmd does not answer" >&2
	tail -n "+$from" "$log" | sed -n "/ NIC statistics /,/^  #*\$/s/.* $3: *\([0-9]*\).*/\1/p"
}
answered()
{
	tail -n "+$2" "$1" | grep -q '^  #*$'
}

# becomes VALUE COMMAND...: wait until what the command prints is this; say what it was instead
becomes()
{
	local value=$1
	shift
	within 30 prints "$value" "$@" && return
	echo "$* is $("$@"), not $value"
	return 1
}
prints()
{
	local value=$1
	shift
	[ "$("$@")" = "$value" ]
}
exceeds()
{
	local value=$1
	shift
	[ "$("$@")" -gt "$value" ]
}

# counted NAME DEVICE COUNTER: what a program that was started with --json last told of its first (0) or second device
counted()
{
	sed -n '/"seconds"/{s/"queues":\[[^]]*\]//g;p}' "$work/$1.log" | tail -n 1 | grep -o "\"$3\":[0-9]*" | sed -n "$(($2 + 1))s/.*://p"
}

# connect NAME PROGRAM OPTION...: start one of ours and wait until it runs. Its pid is in $!
connect()
{
	spawn "$1" "$IXY_BIN/$2" --json "${@:3}"
	within 20 grep -q '"seconds"' "$work/$1.log" || fail "$1: it does not run: $(head -n 1 "$work/$1.err.log")"
}

# end NAME PID: it ends when it is asked to, and all was well
end()
{
	kill -INT "$2"
	ends_within 10 "$2" || die "$1: it does not end"
	[ "$status" = 0 ] || fail "$1: exit status $status: $(head -n 1 "$work/$1.err.log")"
}
