# shellcheck shell=bash
# Sourced by the guest tests. The test is the host: it has a network namespace of its own, starts ixy-emu and a guest with its
# cards, and gives the guest commands:
#
#	start_cards tap:t0 tap:t1
#	start_guest
#	guest modprobe ixgbe
#	guest ip link set eth0 up
#
# A guest has been booted once for each kind of machine, and saved in the lab; a test continues a copy, into which it plugs its cards.
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
mount --bind "$work" "$IXY_LAB/root/mnt" # QEMU sees the lab's root
mount --bind "$IXY_LAB" "$IXY_LAB/root/media"
mount --bind /dev "$IXY_LAB/root/dev"
saved=$IXY_LAB/root/srv # guests
trap 'rm -f "$saved"/*."${work##*.}"; umount -l "$work"; cleanup' EXIT
shown=$IXY_LAB/shown/${test_name:-$(basename "$0" .sh)}
rm -f "$shown"
told=
places=()
machine=()
guest_timeout=$((300 * IXY_SLOWDOWN))
kernel=/media/vmlinux${debian:+-$debian}
exec 6>&2 # for messages that no redirection may swallow

# start_cards [OPTION]... WIRE...
start_cards()
{
	case " $*" in
	*" tap:"*) [ -w /dev/net/tun ] || skip "/dev/net/tun is missing: modprobe tun" ;;
	esac
	rm -f "$work/account.json"
	spawn emu "$IXY_BIN/ixy-emu" -d "$work" --json-file "$work/account.json" "$@"
	emu=$!
	within 60 grep -q '"ports"' "$work/account.json" || die "ixy-emu does not start"
}

# Ends ixy-emu; its account is in $work/account.json then.
stop_cards()
{
	kill -TERM "$emu"
	ends_within 60 "$emu" || die "ixy-emu does not end"
}

# start_guest QEMU OPTION...: with the devices that the options name, and all cards of start_cards, if there are any. There are four PCI Express
# ports, port0 to port3, where devices are 0000:01:00.0 to 0000:04:00.0, and a conventional bus, bridge, where they are 0000:05:xx.0. The
# cards are at the ports one after the other, or where the array places says in JSON.
#
# In the environment: more="more.cpio ...", to be unpacked in the guest; and of what machine it is: cpus=2, append="kernel parameters",
# boot="first.cpio ..." for the initrd, debian=12 for the kernel of Debian 12, iommu=on for an IOMMU; iommu=on,OPTION=VALUE...: of intel-iommu. The array machine has QEMU options for what a guest has to see when it
# boots. A device on the bus pcie.0 is such a thing if it shall be behind the IOMMU: firmware lists those.
# shellcheck disable=SC2120 # mostly none
start_guest()
{
	local -a hardware=(-nodefaults -nographic -no-reboot -M "q35,kernel-irqchip=split,memory-backend=ram" -m 1G
		-object "memory-backend-memfd,id=ram,size=1G,share=on" -accel "tcg,thread=multi" -cpu max -smp "${cpus:-2}")
	local -a devices=()
	local append="console=ttyS0 quiet panic=-1 tsc=reliable no_timer_check nokaslr mitigations=off random.trust_cpu=1 \
rcupdate.rcu_expedited=1 nosoftlockup net.ifnames=0 ${append:-}"
	local key archive sock n
	if [ -n "${iommu:-}" ]; then
		# caching-mode: the IOMMU tells QEMU of new mappings, and QEMU the card. Before the cards: they look for it.
		hardware+=(-device "intel-iommu,intremap=on,caching-mode=on${iommu#on}")
		append+=" intel_iommu=on"
	fi
	for n in 0 1 2 3; do # power: without a card at boot, a port that can would switch it off
		hardware+=(-device "pcie-root-port,id=port$n,chassis=$n,addr=$((n + 1)),power_controller_present=off")
	done
	hardware+=(-device i82801b11-bridge,id=bridge,addr=1e "${machine[@]}")
	# shellcheck disable=SC2086 # word splitting is meant
	key=$(cat "$IXY_LAB/version" "$IXY_SOURCE/tests/vm/init" ${boot:-} - <<<"$kernel $append ${hardware[*]}" | sha256sum | cut -c 1-16)
	[ -e "$saved/$key" ] || save_guest "$key"

	n=0
	for archive in ${more:-}; do
		[ $n -gt 0 ] || devices+=(-device virtio-serial-pci,id=more)
		cp "$archive" "$work/more$n.cpio"
		devices+=(-chardev "file,id=more$n,path=/dev/null,input-path=/mnt/more$n.cpio"
			-device "virtserialport,bus=more.0,chardev=more$n")
		n=$((n + 1))
	done
	n=0
	for sock in "$work"/nic*.sock; do
		[ -e "$sock" ] || continue # none of ours
		devices+=(-device "{\"driver\":\"vfio-user-pci\",\"id\":\"nic$n\",${places[n]:-\"bus\":\"port$n\"},
			\"socket\":{\"path\":\"/mnt/$(basename "$sock")\",\"type\":\"unix\"}}")
		n=$((n + 1))
	done
	run_qemu "${hardware[@]}" "$@" "${devices[@]}" -incoming defer
	qmp '{"execute":"migrate-incoming","arguments":{"uri":"file:/srv/'"$key"'"}}'
	qemu_tells '"RESUME"' || die "the guest does not continue"
	must "rescan" guest "echo 1 >/sys/bus/pci/rescan"
	[ -z "${more:-}" ] || must "nothing more to unpack" guest "
		set -e
		cd /
		for port in /dev/vport*; do cpio -i -d -u <\$port; done"
	guest dmesg -c >/dev/null # from here on it is about our card
}

# save_guest NAME: boot it, with $hardware and $append, and save it in the lab
save_guest()
{
	local part=$1.${work##*.}
	mkdir "$work/init.d"
	cp "$IXY_SOURCE/tests/vm/init" "$work/init.d/"
	# shellcheck disable=SC2086 # word splitting is meant
	(cd "$work/init.d" && echo init | cpio --quiet -o -H newc -R 0:0) | cat ${boot:-} "$IXY_LAB/base.cpio" - >"$work/initrd"
	run_qemu "${hardware[@]}" -initrd /mnt/initrd -append "$append"
	answer >/dev/null || die "the guest does not boot"
	qmp '{"execute":"migrate","arguments":{"uri":"file:/srv/'"$part"'"}}'
	qemu_tells '"MIGRATION".*"completed"' || die "the guest cannot be saved"
	qmp '{"execute":"quit"}'
	ends_within 60 "$qemu" || die "QEMU does not end"
	rm -r "$work/init.d" "$work/initrd"
	mv "$saved/$part" "$saved/$1"
}

# run_qemu OPTION...
run_qemu()
{
	rm -f "$work"/{shell,monitor}.{in,out}
	mkfifo "$work"/{shell,monitor}.{in,out}
	exec 5<>"$work/monitor.out" 7<>"$work/monitor.in" 8<>"$work/shell.in" 9<>"$work/shell.out"
	chroot "$IXY_LAB/root" qemu-system-x86_64 ${kernel:+-kernel "$kernel"} -serial stdio \
		-chardev pipe,id=shell,path=/mnt/shell -serial chardev:shell -chardev pipe,id=monitor,path=/mnt/monitor -qmp chardev:monitor "$@" </dev/null 2>&1 &
	qemu=$!
	spawned+=("$qemu")
	qmp '{"execute":"qmp_capabilities"}' '{"execute":"migrate-set-capabilities","arguments":{"capabilities":[
		{"capability":"mapped-ram","state":true},{"capability":"events","state":true}]}}'
}

# qmp COMMAND...: to QEMU, in JSON
qmp()
{
	printf '%s\n' "$@" >&7
}

# qemu_tells REGEX: waits for an event or an answer
qemu_tells()
{
	local line part='' end=$((SECONDS + guest_timeout))
	while [ $SECONDS -lt $end ] && ! gone "$qemu"; do
		if ! IFS= read -r -t 1 -u 5 line; then
			part+=$line
			continue
		fi
		[[ $part$line =~ $1 ]] && return
		[[ $part$line =~ '"error"'|'"failed"' ]] && echo "QEMU: $part$line"
		part=''
	done
	return 1
}

# The output of a command in the guest, and its exit status.
answer()
{
	local line part='' end=$((SECONDS + guest_timeout)) nudge=$((SECONDS + 10))
	while [ $SECONDS -lt $end ]; do
		if ! IFS= read -r -t 1 -u 9 line; then
			part+=$line # as much as has come in this second
			gone "$qemu" && break
			# The port may have lost the end of the command's line, or the answer.
			[ $SECONDS -lt $nudge ] || { echo "${told%% *}" >&8 && nudge=$((SECONDS + 10)); }
			continue
		fi
		line=$part$line part=''
		case $line in
		$'\1'ready) return 0 ;;
		$'\1'again)
			echo "$told" >&8
			continue
			;;
		$'\1'"${told%% *} "*) return "${line##* }" ;;
		$'\1'*) continue ;; # to an earlier command, once more
		*$'\1'*) # output without a newline at its end
			echo "${line%%$'\1'*}"
			return "${line##* }"
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
	told="$SRANDOM ${#told} $told"
	echo "$told" >&8
	answer
}

# monitor COMMAND...: to QEMU, as a human would give it
monitor()
{
	qmp '{"execute":"human-monitor-command","arguments":{"command-line":"'"$*"'"}}'
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

# two_hosts: eth0 is 10.99.0.1, and eth1 is 10.99.0.2 in a network namespace "peer": for two cards that a cable joins
two_hosts()
{
	must "no namespace" guest "
		set -e
		ip netns add peer
		ip link set eth1 netns peer
		ip address add 10.99.0.1/24 dev eth0
		ip link set eth0 up
		ip netns exec peer ip address add 10.99.0.2/24 dev eth1
		ip netns exec peer ip link set eth1 up"
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

# address_host, address_guest: t0 is 10.99.0.1 and fd99::1, the guest's eth0 10.99.0.2 and fd99::2, without waiting for duplicates
address_host()
{
	echo 0 >/proc/sys/net/ipv6/conf/t0/accept_dad
	ip address add 10.99.0.1/24 dev t0
	ip link set t0 up
	ip address add fd99::1/64 dev t0 nodad
}
address_guest()
{
	must "no driver" guest modprobe ixgbe
	guest "echo 0 >/proc/sys/net/ipv6/conf/eth0/accept_dad"
	must "no address" guest "ip address add 10.99.0.2/24 dev eth0 && ip link set eth0 up && ip address add fd99::2/64 dev eth0 nodad"
	within 60 guest grep -q 1 /sys/class/net/eth0/carrier || die "eth0 has no link"
}

# interrupts TYPE: of eth0 that have come, on all processors; nothing if /proc/interrupts has none of that type
interrupts()
{
	guest cat /proc/interrupts | awk -v type="$1.* eth0\$" '$0 ~ type { for (i = 2; $i ~ /^[0-9]+$/; i++) n += $i; print n }'
}

# pings_interrupt TYPE HOST: each of 20 pings comes with one; $after have come then
pings_interrupt()
{
	local before
	before=$(interrupts "$1")
	[ -n "$before" ] || die "eth0 has no $1: $(guest cat /proc/interrupts)"
	must "no ping" guest ping -c 20 -i 0.05 -q "$2"
	after=$(interrupts "$1")
	echo "$1: $before interrupts, after 20 pings: $after"
	[ $((after - before)) -ge 20 ] || fail "20 pings, but $((after - before)) interrupts"
}

# For tests that are about something else: a page is a message to each card, and there are 512 times as many small ones.
huge_pages()
{
	guest "echo 128 >/proc/sys/vm/nr_hugepages"
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
