#!/usr/bin/env python3
"""rss_flows.py TABLE INTERFACE MAC QUEUE: send the flows that belong on a receive queue.

TABLE is a file with the output of ethtool -x: the driver's key and indirection table. Of 400 flows, always the same, one packet
each goes out of INTERFACE to MAC if Microsoft's Toeplitz hash, by this key and table, sends it to QUEUE. Prints how many went.
"""
import random
import re
import socket
import struct
import sys

TCP, UDP, ICMP = 6, 17, 1


def toeplitz(key, data):
    """For each 1 bit of the input, XOR the 32 bits of the key that begin at the same place."""
    bits, key = len(key) * 8, int.from_bytes(key, "big")
    hash_ = 0
    for i in range(len(data) * 8):
        if data[i // 8] >> (7 - i % 8) & 1:
            hash_ ^= key >> (bits - 32 - i) & 0xFFFFFFFF
    return hash_


def checksum(data):
    data += b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def packet(version, protocol, source, destination, ports):
    payload = bytes(24)
    if protocol == TCP:
        l4 = ports + struct.pack("!IIBBHHH", 1, 0, 0x50, 0x10, 1000, 0, 0) + payload
        at = 16
    elif protocol == UDP:
        l4 = ports + struct.pack("!HH", 8 + len(payload), 0) + payload
        at = 6
    else:
        l4 = b"\x63\0\0\0" + payload  # an ICMP message that there is not
        at = 2
    pseudo = source + destination + struct.pack("!II", len(l4), protocol) if protocol != ICMP else b""
    l4 = l4[:at] + struct.pack("!H", checksum(pseudo + l4)) + l4[at + 2:]
    if version == 4:
        header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(l4), 0, 0, 64, protocol, 0) + source + destination
        header = header[:10] + struct.pack("!H", checksum(header)) + header[12:]
        return b"\x08\x00" + header + l4
    return b"\x86\xdd" + struct.pack("!IHBB", 6 << 28, len(l4), protocol, 64) + source + destination + l4


def flows():
    rng = random.Random(82599)
    for i in range(400):
        version, protocol = ((4, TCP), (6, TCP), (4, UDP), (6, UDP), (4, ICMP))[i % 5]
        size = 4 if version == 4 else 16
        source, destination = rng.randbytes(size), rng.randbytes(size)
        ports = rng.randbytes(4)
        if version == 4:
            source, destination = b"\x0a" + source[1:], b"\x0a" + destination[1:]
        else:
            source, destination = b"\xfd" + source[1:], b"\xfd" + destination[1:]
        # Linux has the ports of TCP hashed, and not those of UDP, which may come in fragments.
        data = source + destination + (ports if protocol == TCP else b"")
        yield data, packet(version, protocol, source, destination, ports)


def main():
    text = open(sys.argv[1]).read()
    table = [int(q) for row in re.findall(r"^\s+\d+:((?:\s+\d+)+)$", text, re.M) for q in row.split()]
    key = bytes.fromhex(re.search(r"^([0-9a-f]{2}(?::[0-9a-f]{2})+)$", text, re.M)[1].replace(":", ""))
    assert len(table) == 128 and len(key) == 40, text
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((sys.argv[2], 0))
    ethernet = bytes.fromhex(sys.argv[3].replace(":", "")) + b"\x02\0\0\0\0\x01"
    sent = 0
    for data, frame in flows():
        if table[toeplitz(key, data) % 128] == int(sys.argv[4]):
            out.send(ethernet + frame)
            sent += 1
    print(sent)


main()
