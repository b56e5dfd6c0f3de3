# shellcheck shell=bash
# Sourced by the guest tests. The test is the host: it has a network namespace of its own, starts ixy-emu and a guest with its
# cards, and gives the guest commands:
#
#	start_cards tap:t0 tap:t1
#	start_guest
#	guest modprobe ixgbe
#	guest ip link set eth0 up
#
# The guest's console comes out on standard output. Processes, mounts and namespaces end with the test, even when it is killed; only
# SIGKILL leaves an empty folder in /tmp behind.
if [ -z "${IXY_UNSHARED:-}" ]; then
	export IXY_UNSHARED=1
	exec unshare --net --mount --pid --fork --kill-child "$0" "$@"
fi

. "$(dirname "${BASH_SOURCE[0]}")/../lib.sh"
: "${IXY_LAB:=$IXY_SOURCE/build/vm}"
mount -t proc proc /proc
mount -t sysfs sys /sys # of our network namespace
ip link set lo up
mount -t tmpfs -o mode=755 guest "$work" # which goes with the namespace: some of it is large
trap 'umount -l "$work"; cleanup' EXIT
shown=$IXY_LAB/shown/${test_name:-$(basename "$0" .sh)}
rm -f "$shown"
qemu=
told=
places=()
guest_timeout=$((120 * IXY_SLOWDOWN))
exec 6>&2 # for words that nobody may swallow

# start_cards [OPTION]... WIRE...
start_cards()
{
	case " $*" in
	*" tap:"*) [ -w /dev/net/tun ] || skip "/dev/net/tun is missing: modprobe tun" ;;
	esac
	rm -f "$work/account.json"
	spawn emu "$IXY_BIN/ixy-emu" -d "$work" --json-file "$work/account.json" "$@"
	emu=$!
	within 5 grep -q '"ports"' "$work/account.json" || die "ixy-emu does not start"
}

# Ends ixy-emu; its account is in $work/account.json then.
stop_cards()
{
	kill -TERM "$emu"
	ends_within 60 "$emu" || die "ixy-emu does not end"
}

# start_guest QEMU OPTION...: with all cards of start_cards, if there are any, each on a PCI Express port of its own, port0 and so on, or where
# the array places says in JSON. In the environment:
# memory=1G, cpus=2, append="kernel parameters", more="more.cpio ...", iommu=on for an IOMMU; iommu=on,OPTION=VALUE...: of intel-iommu
# shellcheck disable=SC2120 # mostly none
start_guest()
{
	local -a devices=() cards=()
	local sock n=0 root=$IXY_LAB/root append=${append:-}
	# caching-mode: the IOMMU tells QEMU of new mappings, and QEMU the card. Before the cards: they look for it.
	if [ -n "${iommu:-}" ]; then
		devices=(-device "intel-iommu,intremap=on,caching-mode=on${iommu#on}")
		append="intel_iommu=on $append"
	fi
	for sock in "$work"/nic*.sock; do
		[ -e "$sock" ] || continue # none of ours
		devices+=(-device "pcie-root-port,id=port$n,chassis=$n")
		cards+=(-device "{\"driver\":\"vfio-user-pci\",\"id\":\"nic$n\",${places[n]:-\"bus\":\"port$n\"},
			\"socket\":{\"path\":\"/mnt/$(basename "$sock")\",\"type\":\"unix\"}}")
		n=$((n + 1))
	done
	mkdir -p "$work/init.d"
	cp "$IXY_SOURCE/tests/vm/init" "$work/init.d/init"
	(cd "$work/init.d" && echo init | cpio --quiet -o -H newc -R 0:0) >"$work/init.cpio"
	# shellcheck disable=SC2086 # word splitting is meant
	cat "$IXY_LAB/base.cpio" "$work/init.cpio" ${more:-} >"$work/initrd"
	cp --reflink=auto "$IXY_LAB/vmlinux" "$work/"
	rm -f "$work"/{shell,monitor}.{in,out}
	mkfifo "$work"/{shell,monitor}.{in,out}
	exec 7<>"$work/monitor.in" 8<>"$work/shell.in" 9<>"$work/shell.out"
	if [ -z "$qemu" ]; then # not the second guest
		mount --bind "$work" "$root/mnt"
		mount --bind /dev "$root/dev"
	fi

	chroot "$root" qemu-system-x86_64 -nodefaults -nographic -no-reboot \
		-M q35,kernel-irqchip=split,memory-backend=ram \
		-object "memory-backend-memfd,id=ram,size=${memory:-1G},share=on" -m "${memory:-1G}" \
		-accel tcg,thread=multi -cpu max -smp "${cpus:-2}" \
		-kernel /mnt/vmlinux -initrd /mnt/initrd \
		-append "console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check nokaslr mitigations=off random.trust_cpu=1
			rcupdate.rcu_expedited=1 nosoftlockup net.ifnames=0 $append" \
		-serial stdio -chardev pipe,id=shell,path=/mnt/shell -serial chardev:shell \
		-chardev pipe,id=monitor,path=/mnt/monitor -monitor chardev:monitor \
		"${devices[@]}" "$@" "${cards[@]}" </dev/null 2>&1 &
	qemu=$!
	spawned+=("$qemu")
	answer >/dev/null || die "the guest does not boot"
	guest dmesg -c >"$work/boot.dmesg" # from here on it is about our card
}

# The output of a command in the guest, and its exit status.
answer()
{
	local line part='' end=$((SECONDS + guest_timeout))
	while [ $SECONDS -lt $end ]; do
		if ! IFS= read -r -t 1 -u 9 line; then
			part+=$line # as much as has come in this second
			gone "$qemu" && break
			continue
		fi
		line=$part$line part=''
		case $line in
		$'\1'ready) return 0 ;;
		$'\1'again)
			echo "$told" >&8
			continue
			;;
		$'\1'*) return "${line#?}" ;;
		*$'\1'*) # output without a newline at its end
			echo "${line%%$'\1'*}"
			return "${line##*$'\1'}"
			;;
		esac
		printf '%s\n' "$line"
	done
	echo "FAIL: no answer from the guest" >&6
	kill -TERM $$ # also from within $(guest ...): the next answers would be those to other commands
	return 1
}

# guest COMMAND...: as given to a shell in the guest; says what it does when VERBOSE is set
guest()
{
	[ -z "${VERBOSE:-}" ] || echo "guest# $*" >&2
	told=$(base64 -w 0 <<<"$*")
	told="${#told} $told"
	echo "$told" >&8
	answer
}

# monitor COMMAND...: to QEMU
monitor()
{
	echo "$*" >&7
}

# must MESSAGE COMMAND...: a command that has to succeed
must()
{
	local message=$1 output
	shift
	output=$("$@" 2>&1) || die "$message: $*: $output"
}

# pack_programs PROGRAM...: of this build, with the libraries of this machine, to $work/programs.cpio for the guest. What the
# guest has of its own is of another Debian.
pack_programs()
{
	local program library to=$work/programs
	mkdir -p "$to/usr/bin" "$to/host"
	ln -s usr/bin "$to/bin"
	for program in "$@"; do
		cp "$IXY_BIN/$program" "$to/host/" || die "not built: $program"
		for library in $(ldd "$IXY_BIN/$program" | grep -oE '/[^ ]+'); do
			cp -L "$library" "$to/host/"
		done
		program=$(basename "$program")
		cat >"$to/usr/bin/$program" <<-S
			#!/bin/sh
			exec /host/ld-linux-x86-64.so.2 --library-path /host /host/$program "\$@"
		S
		chmod 755 "$to/usr/bin/$program"
	done
	(cd "$to" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$work/programs.cpio"
}

# pack_modules MODULE...: with those that they need, to $work/modules.cpio, for a guest that is to have more drivers than the
# lab's; load_modules there
pack_modules()
{
	local to=$work/modules kernel file
	kernel=$(ls "$IXY_LAB/root/usr/lib/modules")
	mkdir -p "$to/more"
	chroot "$IXY_LAB/root" /usr/sbin/modprobe --set-version "$kernel" --all --show-depends "$@" | sed -n 's/^insmod //p' |
		while read -r file; do
			xz -dc "$IXY_LAB/root/$file" >"$to/more/$(basename "$file" .xz)"
			basename "$file" .xz
		done >"$to/more/order"
	(cd "$to" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$work/modules.cpio"
}
# shellcheck disable=SC2016 # in the guest
load_modules()
{
	guest 'cd /more && for m in $(cat order); do [ -d "/sys/module/$(basename "$m" .ko | tr - _)" ] || insmod "$m" || exit 1; done' ||
		die "modules do not load"
}

# bind_to_vfio CARD...: 0 is the first
bind_to_vfio()
{
	local n
	guest modprobe -a vfio-pci vfio_iommu_type1
	for n in "$@"; do
		must "vfio-pci does not take the card" guest "
			set -e
			cd /sys/bus/pci
			echo vfio-pci >devices/$(card "$n")/driver_override
			echo $(card "$n") >drivers_probe
			[ -e drivers/vfio-pci/$(card "$n") ]"
	done
}

# card N: its PCI address in the guest
card()
{
	echo "0000:0$(($1 + 1)):00.0"
}

stop_guest()
{
	guest "(sleep 0.1; poweroff -f) >/dev/null &"
	ends_within 60 "$qemu" || die "the guest does not power off"
}

# no_complaints [REGEX]: the guest's kernel has logged no warning and nothing worse, but for the lines that match
# shellcheck disable=SC2120 # mostly without
no_complaints()
{
	local log
	log=$(guest dmesg -r | grep -E '^<[0-4]>' | grep -v -E "${1:-^$}")
	[ -z "$log" ] || fail "the guest's kernel complains: $log"
}

# The card has seen nothing wrong, by its account: call stop_cards before.
no_faults()
{
	account_ok "$work/account.json" || fail "the account is not ok: $(tail -n 1 "$work/account.json")"
}

# The driver has accessed no register that there is not. A dump of all registers does.
no_bad_accesses()
{
	[ "$(total bad_accesses "$work/account.json")" = 0 ] || fail "accesses to no register: $(tail -n 1 "$work/account.json")"
}

# shows DRIVER FACT: what a test that has passed has shown of a driver on the card; a line of the table in docs/drivers.md
shows()
{
	[ "$failures" = 0 ] || return
	mkdir -p "$(dirname "$shown")"
	echo "| $1 | $2 | $(basename "$shown") |" >"$shown"
}
