/* SPDX-License-Identifier: BSD-2-Clause */
/* IP packets for the tests of the driver. Checksums as in RFC 1071, slow and plain. */
#include "driver.h"

#include "ip_packet.h"

static uint32_t sum(const uint8_t *data, size_t size)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum += i & 1 ? data[i] : (uint32_t)data[i] << 8;
	return sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put_checksum(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	put16(at, ~sum);
}

/* RFC 9260, appendix A: bit by bit. */
static void put_crc32c(uint8_t *at, const uint8_t *data, size_t size)
{
	uint32_t crc = UINT32_MAX;

	for (size_t i = 0; i < size * 8; i++) {
		uint32_t bit = data[i / 8] >> i % 8 & 1;
		crc = (crc ^ bit) & 1 ? crc >> 1 ^ 0x82F63B78 : crc >> 1;
	}
	crc = ~crc;
	memcpy(at, &crc, 4); /* lowest byte first */
}

size_t ip_packet(uint8_t frame[IP_PACKET_MAX], const struct ip_packet *packet)
{
	static const uint8_t ethernet[12] = { 2, 0, 0, 0, 0, 0, 2, 0, 0, 0, 9, 9 };
	bool v4 = packet->family == 4;
	uint32_t header = v4 ? 20 : 40, addresses = v4 ? 4 : 16, payload = 32;
	uint8_t *ip = frame + IP_L3, *l4 = ip + header;

	memset(frame, 0, IP_PACKET_MAX);
	memcpy(frame, ethernet, sizeof(ethernet));
	put16(frame + 12, v4 ? 0x0800 : 0x86DD);
	memcpy(ip + (v4 ? 12 : 8), packet->src, addresses);
	memcpy(ip + (v4 ? 12 : 8) + addresses, packet->dst, addresses);
	if (v4) {
		ip[0] = 0x45;
		put16(ip + 2, header + payload);
		ip[6] = packet->fragment ? 0x20 : 0;
		ip[8] = 64;
		ip[9] = packet->protocol;
		put_checksum(ip + 10, sum(ip, header));
	} else {
		ip[0] = 0x60;
		put16(ip + 4, payload);
		ip[6] = packet->protocol;
		ip[7] = 64;
	}

	uint32_t pseudo =
		sum(ip + (v4 ? 12 : 8), 2 * (size_t)addresses) + packet->protocol + payload;
	put16(l4, packet->src_port);
	put16(l4 + 2, packet->dst_port);
	for (uint32_t i = 24; i < payload; i++)
		l4[i] = (uint8_t)(i * 7);
	if (packet->protocol == IPPROTO_TCP) {
		l4[12] = 0x50;
		put_checksum(l4 + 16, pseudo + sum(l4, payload));
	} else if (packet->protocol == IPPROTO_UDP) {
		put16(l4 + 4, payload);
		put_checksum(l4 + 6, pseudo + sum(l4, payload));
	} else if (packet->protocol == IPPROTO_SCTP) {
		put_crc32c(l4 + 8, l4, payload);
	}
	return IP_L3 + header + payload;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static bool sums_up(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xFFFF) + (sum >> 16);
	return sum == 0xFFFF;
}

bool ip_valid(const uint8_t *l3, size_t length)
{
	const bool v4 = l3[0] >> 4 == 4;
	const uint32_t header = v4 ? 20 : 40, addresses = v4 ? 8 : 32;
	const uint32_t total = v4 ? get16(l3 + 2) : header + get16(l3 + 4);
	const uint32_t pseudo = sum(l3 + header - addresses, addresses) + l3[v4 ? 9 : 6];

	return total == length && (!v4 || sums_up(sum(l3, header))) &&
	       sums_up(pseudo + total - header + sum(l3 + header, total - header));
}

void ip_receive(const struct ip_packet *packet)
{
	uint8_t frame[IP_PACKET_MAX];
	size_t length = ip_packet(frame, packet);

	assert_int_equal(emu_receive(&emu_cards[0], frame, length), NIC_TAKEN);
}

struct ip_packet ip_flow(uint32_t i, int family, uint8_t protocol)
{
	struct ip_packet packet = { .family = family, .protocol = protocol };
	uint32_t seed = i * 2654435761u + 12345;

	for (int b = 0; b < 36; b++) {
		uint8_t byte;
		seed = seed * 1664525 + 1013904223;
		byte = (uint8_t)(seed >> 24);
		if (b < 16)
			packet.src[b] = byte;
		else if (b < 32)
			packet.dst[b - 16] = byte;
		else if (b < 34)
			packet.src_port = (uint16_t)(packet.src_port << 8 | byte);
		else
			packet.dst_port = (uint16_t)(packet.dst_port << 8 | byte);
	}
	packet.src[0] = 10;
	packet.src[2] = (uint8_t)(i >> 8); /* no two alike */
	packet.src[3] = (uint8_t)i;
	return packet;
}

struct ip_packet ip_reverse(const struct ip_packet *packet)
{
	struct ip_packet reverse = *packet;

	memcpy(reverse.src, packet->dst, 16);
	memcpy(reverse.dst, packet->src, 16);
	reverse.src_port = packet->dst_port;
	reverse.dst_port = packet->src_port;
	return reverse;
}

struct ixy_flow ip_exact(const struct ip_packet *p, uint16_t queue)
{
	struct ixy_flow flow = { .match = IXY_FLOW_EXACT,
				 .protocol = p->protocol,
				 .src_port = p->src_port,
				 .dst_port = p->dst_port,
				 .queue = queue };

	memcpy(flow.src, p->src, 4);
	memcpy(flow.dst, p->dst, 4);
	return flow;
}

struct ip_packet ip_differing(const struct ip_packet *packet, int field)
{
	struct ip_packet p = *packet;

	if (field == 0)
		p.src[3] ^= 1;
	else if (field == 1)
		p.dst[0] ^= 1;
	else if (field == 2)
		p.src_port ^= 0x100;
	else if (field == 3)
		p.dst_port ^= 1;
	else
		p.protocol = p.protocol == IPPROTO_TCP ? IPPROTO_UDP : IPPROTO_TCP;
	return p;
}

uint16_t ip_queue(struct ixy_device *dev, const struct ip_packet *packet, struct pkt_buf *info)
{
	uint16_t queue = UINT16_MAX;
	uint8_t frame[IP_PACKET_MAX];
	size_t length = ip_packet(frame, packet);

	ip_receive(packet);
	for (uint16_t q = 0; q < dev->config.rx_queues; q++) {
		struct pkt_buf *bufs[2];
		uint32_t n = ixy_rx_batch(dev, q, bufs, 2);
		if (!n)
			continue;
		assert_int_equal(n, 1);
		assert_int_equal(queue, UINT16_MAX);
		assert_int_equal(bufs[0]->size, length);
		assert_memory_equal(bufs[0]->data, frame, length);
		queue = q;
		if (info)
			*info = *bufs[0];
		pkt_buf_free(bufs[0]);
	}
	assert_int_not_equal(queue, UINT16_MAX);
	return queue;
}
