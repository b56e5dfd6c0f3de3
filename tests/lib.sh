# shellcheck shell=bash
# Sourced by the script tests, which run under bash. Gives them a folder of their own that vanishes in the end, together
# with every process that they started by `spawn`.

set -u
PATH=$PATH:/usr/sbin:/sbin
: "${IXY_SOURCE:=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)}"
: "${IXY_BIN:=$IXY_SOURCE/build/bin}"
: "${IXY_SLOWDOWN:=1}"

work=$(mktemp -d "${TMPDIR:-/tmp}/ixy-test.XXXXXX")
spawned=()

cleanup()
{
	local pid
	[ "$BASHPID" = $$ ] || return # a child that was killed before it became another program
	for pid in "${spawned[@]}"; do
		kill -KILL "$pid" 2>/dev/null
	done
	wait 2>/dev/null
	rm -rf "$work"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

skip()
{
	"$IXY_SOURCE/tests/skip" "$@"
	exit $?
}

# need PROGRAM PACKAGE: skip where the program is missing.
need()
{
	command -v "$1" >/dev/null || skip "$1 is missing: apt install $2"
}

# copy_sources DIR: as a fresh clone has them
copy_sources()
{
	mkdir -p "$1"
	tar -C "$IXY_SOURCE" --exclude=./build --exclude=./.git -c . | tar -x -C "$1" --no-same-owner
}

failures=0

# fail MESSAGE...: say what is wrong and go on; finish ends the test. die ends it at once.
fail()
{
	echo "FAIL: $*"
	failures=$((failures + 1))
}

die()
{
	fail "$@"
	show_logs
	exit 1
}

finish()
{
	[ "$failures" = 0 ] || { show_logs; exit 1; }
	exit 0
}

# What the programs said, when something failed.
show_logs()
{
	local log
	for log in "$work"/*.log; do
		[ -s "$log" ] && echo "-- $(basename "$log"):" && tail -n 20 "$log" | cut -c -1000
	done
}

# spawn NAME COMMAND...: run in the background, output to $work/NAME.log and NAME.err.log, pid in $!
spawn()
{
	local name=$1
	shift
	: >"$work/$name.log" # now: the caller may look at it before the child has come so far
	: >"$work/$name.err.log"
	"$@" >"$work/$name.log" 2>"$work/$name.err.log" </dev/null &
	spawned+=($!)
}

now_ms()
{
	echo $(($(date +%s%N) / 1000000))
}

# worth_it OPTION...: what runs with these options (or "alone", in one thread), under this build's sanitizer? The thread sanitizer is
# slow, and has nothing to say about programs with one thread.
worth_it()
{
	[ "${IXY_SANITIZE:-}" != thread ] || [[ " $* " == *" --threads "* ]]
}

# within SECONDS COMMAND...: repeat until it succeeds. SECONDS are far more than it takes; sanitizers get more (IXY_SLOWDOWN), and busy
# machines: a wait that long is for something that hangs.
within()
{
	local end=$(($(now_ms) + $1 * 4000 * IXY_SLOWDOWN))
	shift
	until "$@" >/dev/null 2>&1; do
		[ "$(now_ms)" -lt "$end" ] || return 1
		sleep 0.05
	done
}

gone()
{
	! kill -0 "$1" 2>/dev/null
}

# ends_within SECONDS PID: exit status in $status
export status=
ends_within()
{
	within "$1" gone "$2" || return 1
	wait "$2"
	status=$?
}

# total FIELD FILE, of_port N FIELD FILE: a counter of the account that ixy-emu --json-file wrote
total()
{
	sed -n "s/.*\"type\":\"account\".*\"total\":{.*\"$1\":\([0-9]*\).*/\1/p" "$2"
}

of_port()
{
	sed -n "s/.*\"type\":\"account\".*{\"port\":$1,[^}]*\"$2\":\([0-9]*\).*/\1/p" "$3"
}

# account_ok FILE: nothing corrupted, no bad DMA, as ixy-emu sees it
account_ok()
{
	grep -q '"type":"account".*"ok":true' "$1"
}

# make_capture FILE PACKETS: valid UDP datagrams of all sizes, to the discard port; the addresses are text2pcap's. The payload is
# always the same: tshark guesses protocols from it.
make_capture()
{
	need text2pcap tshark
	awk -v packets="$2" 'BEGIN {
		for (c = 10; c < 128; c++)
			hex[sprintf("%c", c)] = sprintf(" %02x", c)
		for (i = 0; i < packets; i++) {
			text = "this is packet " i "\n"
			printf "0000"
			for (k = 0; k < 18 + int(i * 1454 / packets); k++)
				printf "%s", hex[substr(text, k % length(text) + 1, 1)]
			print ""
		}
	}' >"$work/hex"
	# Newer ones write pcapng unless told.
	text2pcap -F pcap -4 10.0.0.1,10.0.0.2 -u 1000,9 "$work/hex" "$1" 2>"$work/text2pcap.log" ||
		text2pcap -u 1000,9 "$work/hex" "$1" 2>"$work/text2pcap.log" || die "text2pcap failed"
}

# test_exists NAME: of a unit test or a function in one, a script, a guest test (vm_NAME), a fuzzer (fuzz.NAME)
test_exists()
{
	case $1 in
	fuzz.*) [ -e "$IXY_SOURCE/tests/fuzz/${1#fuzz.}.c" ] ;;
	vm_*) [ -e "$IXY_SOURCE/tests/vm/${1#vm_}.sh" ] ;;
	*) [ -n "$(find "$IXY_SOURCE/tests" -name "$1.c" -o -name "$1.sh")" ] ||
		grep -rqw "void $1(void \*\*state)" "$IXY_SOURCE/tests" --include='*.c' ;;
	esac
}

# serve_file BYTES SOURCE LISTEN...: have nginx serve $work/www/file, that much of SOURCE, at these addresses or ports; by $nginx_in
# COMMAND if that is set. Its process is $!.
serve_file()
{
	mkdir -p "$work/www"
	chmod 755 "$work" "$work/www"
	head -c "$1" "$2" >"$work/www/file"
	{
		printf '%s;\n' "daemon off" "pid $work/nginx.pid" "error_log $work/nginx.log" "user root"
		echo "events { } http { access_log off; sendfile on; client_body_temp_path $work;"
		printf '%s_temp_path %s;\n' proxy "$work" fastcgi "$work" uwsgi "$work" scgi "$work"
		echo "server { root $work/www;"
		shift 2
		printf 'listen %s;\n' "$@"
		echo "} }"
	} >"$work/nginx.conf"
	# shellcheck disable=SC2086 # word splitting is meant
	spawn nginx ${nginx_in:-} nginx -c "$work/nginx.conf" -e "$work/nginx.log"
}
