#!/bin/bash
# What ixy-pktgen sends by QEMU's virtio-net is what the host receives, and what the host sends is what ixy-pcap records: with a tap
# as back end, whose packets have a header, and with datagrams, which have none, so that the device offers fewer features.
. "$(dirname "$0")/lib.sh"
[ -w /dev/net/tun ] || skip "/dev/net/tun is missing: modprobe tun"
pack_programs ixy-pktgen ixy-pcap
count=300

cat >"$work/send.py" <<-'P'
	# send.py FILE (packet INTERFACE | unix PATH): the packets of a capture, one by one
	import socket, struct, sys, time
	if sys.argv[2] == "packet":
	    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
	    s.bind((sys.argv[3], 0))
	    send = s.send
	else:
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	    send = lambda packet: s.sendto(packet, sys.argv[3])
	data = open(sys.argv[1], "rb").read()[24:]
	while data:
	    length, = struct.unpack("<I", data[8:12])
	    send(data[16:16 + length])
	    data = data[16 + length:]
	    time.sleep(0.0005)
P
cat >"$work/receive.py" <<-'P'
	# receive.py COUNT FILE (packet INTERFACE | unix PATH): record so many packets
	import socket, struct, sys
	if sys.argv[3] == "packet":
	    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
	    s.bind((sys.argv[4], 0))
	else:
	    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
	    s.bind(sys.argv[4])
	s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
	print("ready", flush=True)
	s.settimeout(60)
	with open(sys.argv[2], "wb") as file:
	    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
	    for i in range(int(sys.argv[1])):
	        packet = s.recv(65535)
	        file.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
P
cat >"$work/same.py" <<-'P'
	# same.py A B: do two captures have the same packets? Short ones may have been padded.
	import struct, sys
	def packets(name):
	    data, found = open(name, "rb").read()[24:], []
	    while data:
	        length, = struct.unpack("<I", data[8:12])
	        found.append(data[16:16 + length].ljust(60, b"\0"))
	        data = data[16 + length:]
	    return found
	a, b = packets(sys.argv[1]), packets(sys.argv[2])
	if a != b:
	    sys.exit("%d and %d packets, not the same" % (len(a), len(b)))
	print(len(a), "packets, the same")
P

# back_end NAME NETDEV KIND WHERE...: KIND and WHERE are for the scripts above, to send and to receive
back_end()
{
	local name=$1 netdev=$2 kind=$3 to=$4 from=$5 device pid
	device=virtio-net-pci,disable-legacy=on,iommu_platform=on,netdev=n0,bus=port0,mac=02:00:00:00:01:00
	more="$work/programs.cpio $work/made.cpio" iommu=on start_guest -netdev "$netdev,id=n0" -device "$device"
	guest "
		modprobe -a vfio-pci vfio_iommu_type1
		cd /sys/bus/pci
		echo vfio-pci >devices/$(card 0)/driver_override
		echo $(card 0) >devices/$(card 0)/driver/unbind
		echo $(card 0) >drivers_probe"
	if [ "$kind" = packet ]; then
		echo 1 >/proc/sys/net/ipv6/conf/t0/disable_ipv6
		ip link set t0 up
	fi

	# What ixy-pktgen sends is what it is told to send.
	spawn receiver python3 "$work/receive.py" $count "$work/received.pcap" "$kind" "$from"
	receiver=$!
	within 60 grep -q ready "$work/receiver.log" || die "$name: the receiver does not start"
	must "$name: ixy-pktgen" guest "ixy-pktgen --quiet --count $count --pcap /made.pcap --rate 20k $(card 0)"
	ends_within 60 "$receiver" || fail "$name: not all packets have arrived"
	python3 "$work/same.py" "$work/made.pcap" "$work/received.pcap" || fail "$name: sent: not what was made"

	pid=$(guest "ixy-pcap --count $count $(card 0) /got.pcap >/tmp/pcap.log 2>&1 & echo \$!")
	within 60 guest "[ -e /got.pcap ]" || die "$name: ixy-pcap does not start" # the card is open then
	python3 "$work/send.py" "$work/made.pcap" "$kind" "$to"
	within 60 guest "! kill -0 $pid 2>/dev/null" || fail "$name: not all packets have arrived: $(guest cat /tmp/pcap.log)"
	guest "base64 /got.pcap" | base64 -d >"$work/got.pcap"
	python3 "$work/same.py" "$work/made.pcap" "$work/got.pcap" || fail "$name: received: not what was sent"
	stop_guest
}
make_capture "$work/made.pcap" $count
mkdir "$work/made"
cp "$work/made.pcap" "$work/made/"
(cd "$work/made" && find . -mindepth 1 | cpio --quiet -o -H newc -R 0:0) >"$work/made.cpio"

ip tuntap add dev t0 mode tap vnet_hdr
back_end "tap" tap,ifname=t0,script=no,downscript=no packet t0 t0
# QEMU sees these sockets in its own root.
back_end "datagrams" dgram,local.type=unix,local.path=/mnt/device.sock,remote.type=unix,remote.path=/mnt/host.sock \
	unix "$work/device.sock" "$work/host.sock"
shows "ixy-pktgen and ixy-pcap, virtio-net" "QEMU's modern device behind an IOMMU, with a tap and with datagram sockets as back end: all packets arrive unchanged, both ways"
finish
