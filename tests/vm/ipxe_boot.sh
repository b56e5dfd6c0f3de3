#!/bin/bash
# iPXE's driver, which polls, and waits for a link that the card brings up by itself: Debian's ipxe gets an address by DHCP, loads a
# file by TFTP, and a script by HTTP, which it runs: under a BIOS and under EFI.
. "$(dirname "$0")/lib.sh"
need nginx nginx-light
need dnsmasq dnsmasq-base
kilobytes=$((1000 / IXY_SLOWDOWN))

start_cards tap:t0
echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
ip address add 10.99.0.1/24 dev t0
ip link set t0 up
serve_file "${kilobytes}K" /dev/urandom 80
# iPXE runs this script if all its lines are what they were.
{
	echo "#!ipxe"
	base64 "$work/www/file" | sed 's/^/# /'
	echo "echo the end of \${size} bytes"
} >"$work/www/script"
size=$(stat -c %s "$work/www/script")
spawn dnsmasq dnsmasq --keep-in-foreground --conf-file=/dev/null --port=0 --interface=t0 --bind-interfaces --user=root --pid-file= \
	--leasefile-ro --log-facility=- --dhcp-range=10.99.0.10,10.99.0.99 --enable-tftp --tftp-root="$work/www"
mkdir -p "$work/disk/EFI/BOOT"
cat >"$work/disk/autoexec.ipxe" <<-I
	#!ipxe
	dhcp net0 || goto end
	echo address \${net0/ip}, driver \${net0/chip}
	imgfetch --name by-tftp tftp://10.99.0.1/file || goto end
	imgstat
	imgfree
	set size $size
	chain http://10.99.0.1/script || goto end
	:end
	ifstat
	poweroff || reboot
I
cp "$IXY_LAB/root/usr/lib/ipxe/ipxe.efi" "$work/disk/EFI/BOOT/BOOTX64.EFI"

# boots NAME QEMU-OPTION...: iPXE, from there
boots()
{
	local name=$1
	shift
	run_qemu -nodefaults -nographic -no-reboot -M q35,memory-backend=ram -m 512M -object memory-backend-memfd,id=ram,size=512M,share=on \
		-accel tcg -cpu max -device pcie-root-port,id=port0,chassis=0 "$@" \
		-device '{"driver":"vfio-user-pci","bus":"port0","socket":{"path":"/mnt/nic0.sock","type":"unix"}}' >"$work/$name.log"
	ends_within 60 "$qemu" || fail "$name: iPXE does not end"
	cat "$work/$name.log"
	grep -q 'address 10\.99\.0\.[0-9]*, driver 82599-sfp' "$work/$name.log" || fail "$name: no address by DHCP"
	grep -q "by-tftp : $((kilobytes * 1024)) bytes" "$work/$name.log" || fail "$name: no file by TFTP"
	grep -q "the end of $size bytes" "$work/$name.log" || fail "$name: the script that HTTP brought does not run"
}

kernel=/usr/lib/ipxe/ipxe.lkrn boots bios -initrd /mnt/disk/autoexec.ipxe
kernel='' boots efi -bios /usr/share/ovmf/OVMF.fd -drive file=fat:rw:/mnt/disk,format=raw,if=none,id=disk -device ide-hd,drive=disk
stop_cards
no_faults
no_bad_accesses
shows "iPXE intelx" "DHCP, TFTP and HTTP, under a BIOS and under EFI"
finish
