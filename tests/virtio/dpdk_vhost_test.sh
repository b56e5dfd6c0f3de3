#!/bin/bash
# ixy-pktgen, ixy-pcap and ixy-fwd on ports of DPDK's vhost, split and packed rings: what one side says it has sent is what the
# other says it has got, and each packet is the same.
. "$(dirname "$0")/testpmd.sh"
need tcpdump tcpdump

# send NAME RING COUNT SIZE OPTION...: no packet is lost, however slow the back end is
send()
{
	local name=$1 ring=$2 count=$3 size=$4 got bytes
	shift 4
	worth_it "$@" || return 0
	run vhost rxonly
	got=$(packets vhost 0 RX-packets) bytes=$(packets vhost 0 RX-bytes)
	"$IXY_BIN/ixy-pktgen" --quiet --count "$count" --size "$size" "$@" "vhost-user:$work/vhost.0.sock$ring" \
		>"$work/pktgen.log" 2>&1 || fail "$name: exit status $?"
	becomes $((got + count)) packets vhost 0 RX-packets || fail "$name: not all packets have arrived"
	tell vhost stop
	bytes=$(($(packets vhost 0 RX-bytes) - bytes))
	[ "$bytes" = $((count * (size - 4))) ] || fail "$name: $bytes bytes have arrived"
	[ -s "$work/pktgen.log" ] && fail "$name: it says: $(head -n 1 "$work/pktgen.log")"
	echo "$name: $count packets sent and received"
}

# receive NAME RING QUEUES SIZE: what finds no room in the ring, the back end counts as not sent
receive()
{
	local name=$1 ring=$2 queues=$3 size=$4 sent pcap
	worth_it alone || return 0
	sent=$(packets vhost 0 TX-packets)
	connect "$name" ixy-pcap --queues "$queues" "vhost-user:$work/vhost.0.sock$ring" /dev/null
	pcap=$!
	tell vhost "set txpkts $size"
	run vhost txonly
	within 30 exceeds 100000 counted "$name" 0 rx_packets || fail "$name: receives nothing"
	tell vhost stop
	sent=$(($(packets vhost 0 TX-packets) - sent))
	becomes "$sent" counted "$name" 0 rx_packets || fail "$name: not what was sent"
	end "$name" "$pcap"
	[ "$(counted "$name" 0 rx_packets)" = "$sent" ] || fail "$name: $(counted "$name" 0 rx_packets) received, $sent sent"
	[ "$(counted "$name" 0 rx_bytes)" = $((sent * size)) ] || fail "$name: $(counted "$name" 0 rx_bytes) bytes received"
	tail -n 1 "$work/$name.log" | grep -q '{"rx_packets":0,' && fail "$name: a queue has received nothing"
	echo "$name: $sent packets sent and received"
}

# look NAME RING SIZE: each of a burst, as testpmd makes them
look()
{
	local name=$1 ring=$2 size=$3 file="$work/$1.pcap" pcap
	worth_it alone || return 0
	connect "$name" ixy-pcap "vhost-user:$work/vhost.0.sock$ring" "$file"
	pcap=$!
	tell vhost "set txpkts $size"
	run vhost rxonly tx_first 8
	becomes $((24 + 256 * (16 + size))) stat -c %s "$file" || fail "$name: not 256 packets"
	tell vhost stop
	end "$name" "$pcap"
	tcpdump -n -v -r "$file" "udp and src 198.18.0.1 and dst 198.18.0.2 and greater $size" >"$work/text" 2>"$work/tcpdump.log"
	[ "$(grep -c 'proto UDP' "$work/text")" = 256 ] || fail "$name: not testpmd's packets"
	grep -q 'bad cksum' "$work/text" && fail "$name: wrong checksums"
	echo "$name: 256 packets, as they were sent"
}

back_end vhost 1 2
vhost=$!
for ring in "" ,split; do
	kind=${ring:-,packed} kind=${kind#,}
	send "$kind: send 64 bytes" "$ring" 1000000 64
	send "$kind: send 1500 bytes" "$ring" 100000 1500
	send "$kind: send one by one" "$ring" 1001 64 --batch 1
	send "$kind: send by 2 queues" "$ring" 100001 64 --queues 2
	send "$kind: send by 2 threads" "$ring" 100001 64 --queues 2 --threads 2
	send "$kind: send by a ring of 64" "$ring" 10000 64 --tx-ring 64
	receive "$kind: receive 64 bytes" "$ring" 1 64
	receive "$kind: receive 1500 bytes" "$ring" 1 1500
	receive "$kind: receive by 2 queues" "$ring" 2 64
	look "$kind: look at 64 bytes" "$ring" 64
	look "$kind: look at 1514 bytes" "$ring" 1514
done
send "packed: send by a ring of 100" "" 10000 64 --tx-ring 100
quit vhost "$vhost"
finish
