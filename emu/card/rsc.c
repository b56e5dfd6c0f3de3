/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive side coalescing (7.11): TCP packets of a flow become one large receive, with the headers of the
 * first packet and the payload of all.
 *
 * A queue has at most one large receive under way; a packet of another flow ends it. Its descriptors are
 * the next ones of the ring, and are written back when it ends. It begins with a packet that fits
 * into one buffer. The hardware has 32 of them for the whole port.
 */
#include "rsc.h"

#define MAX_IP_SIZE	   65535
#define PACKETS_PER_BUFFER 14 /* 7.1.6.2: RSCCNT does not count further */

#define ECN_CE	      3
#define TCP_PSH	      0x08
#define TCP_ACK	      0x10
#define TCP_TIMESTAMP 12 /* with two NOPs in front */
/* NOP, NOP, kind 8, length 10; first byte lowest. */
#define TIMESTAMP_OPTION 0x0A080101u

/* ---- Packets ---- */

struct segment {
	uint8_t headers[NIC_RSC_HEADERS];
	uint16_t payload; /* where it begins */
	uint16_t size;
	uint8_t flags;
};

static uint8_t ecn(const uint8_t *ip)
{
	return (ip[0] >> 4 == 4 ? ip[1] : load_be16(ip) >> 4) & 3;
}

/* 7.11.2: may this packet be part of a large receive? */
static bool can_coalesce(const uint8_t *frame, uint32_t length, const struct nic_packet *packet,
			 struct segment *s)
{
	const uint32_t wrong_types = RXD_TYPE_IPV4E | RXD_TYPE_IPV6E | RXD_TYPE_ETQF(0);
	const uint8_t *tcp = s->headers + packet->l4;

	if ((packet->type & (RXD_TYPE_TCP | wrong_types)) != RXD_TYPE_TCP ||
	    (packet->sums & (RXD_L4CS | RXD_L4E | RXD_IPE)) != RXD_L4CS || packet->end != length ||
	    packet->l4 + TCP_HEADER > NIC_RSC_HEADERS)
		return false;
	memcpy(s->headers, frame, length < NIC_RSC_HEADERS ? length : NIC_RSC_HEADERS);
	const uint32_t size = tcp[12] >> 4 << 2;
	s->payload = (uint16_t)(packet->l4 + size);
	s->flags = load8(tcp + 13);
	if (s->payload >= length || s->payload > NIC_RSC_HEADERS || tcp[12] & 0xF ||
	    (s->flags & ~TCP_PSH) != TCP_ACK || ecn(s->headers + packet->l3) == ECN_CE)
		return false;
	s->size = (uint16_t)(length - s->payload);
	return size == TCP_HEADER ||
	       (size == TCP_HEADER + TCP_TIMESTAMP && load32(tcp + TCP_HEADER) == TIMESTAMP_OPTION);
}

/* 7.11.4: is it the next one? */
static bool continues(const struct nic_rsc *rsc, const struct nic_packet *packet,
		      const struct segment *s)
{
	const uint8_t *ip = s->headers + packet->l3, *first_ip = rsc->headers + rsc->l3;
	const uint8_t *tcp = s->headers + packet->l4, *first_tcp = rsc->headers + rsc->l4;
	const bool ipv4 = ip[0] >> 4 == 4;

	return packet->l3 == rsc->l3 && packet->l4 == rsc->l4 && s->payload == rsc->payload &&
	       !memcmp(s->headers, rsc->headers, rsc->l3) && load16(ip) == load16(first_ip) &&
	       (ipv4 ? !memcmp(ip + 12, first_ip + 12, 8)
		     : load16(ip + 2) == load16(first_ip + 2) &&
				!memcmp(ip + 8, first_ip + 8, 32)) &&
	       load32(tcp) == load32(first_tcp) &&
	       __builtin_bswap32(load32(tcp + 4)) == rsc->sequence;
}

/* ---- A large receive ---- */

void nic_rsc_close(struct nic *nic, struct nic_rx_queue *q)
{
	struct nic_rsc *rsc = &q->rsc;
	uint8_t *ip = rsc->headers + rsc->l3;
	const uint32_t ip_size = rsc->size - rsc->l3;

	if (!rsc->open)
		return;
	rsc->open = false;
	/* 7.11.5: lengths and what the last packet said; the TCP checksum is that of the first. */
	if (ip[0] >> 4 == 4) {
		store_be16(ip + 2, (uint16_t)ip_size);
		store16(ip + 10, 0);
		store16(ip + 10, (uint16_t)~nic_sum(ip, IPV4_HEADER, 0));
	} else {
		store_be16(ip + 4, (uint16_t)(ip_size - IPV6_HEADER));
	}
	if (rsc->frames > 1 &&
	    !nic_copy_out(nic, q->fetch[q->used % NIC_FETCH] + rsc->l3 - rsc->stripped, ip,
			  rsc->payload - rsc->l3))
		rsc->last.hi |= RXD_RXE;

	for (uint32_t i = 0; i + 1 < rsc->count; i++) {
		const uint32_t next = q->ring.head + 1 < q->ring.size ? q->ring.head + 1 : 0;
		nic_rx_use(nic, q,
			   (struct nic_desc){ RXD_RSCCNT(rsc->packets[i]),
					      RXD_DD | RXD_NEXTP(next) |
						      (uint64_t)q->buffer_size << 32 });
	}
	rsc->last.lo |= RXD_RSCCNT(rsc->packets[rsc->count - 1]);
	rsc->last.hi = (rsc->last.hi & ~(0xFFFFull << 32)) | (uint64_t)rsc->filled << 32;
	if (rsc->last.hi & RXD_RXE) {
		nic->receiver.missed += rsc->frames;
	} else {
		q->staged_frames += rsc->frames;
		q->staged_bytes += rsc->bytes;
	}
	nic_rx_use(nic, q, rsc->last);
}

bool nic_rsc_open(struct nic *nic, struct nic_rx_queue *q, const uint8_t *frame, uint32_t length,
		  const struct nic_packet *packet, struct nic_desc last)
{
	const uint32_t stripped = packet->vlan && q->strip_vlan ? VLAN_TAG : 0;
	struct nic_rsc *rsc = &q->rsc;
	struct segment s;

	if (nic->receiver.crc || !can_coalesce(frame, length, packet, &s))
		return false;
	*rsc = (struct nic_rsc){
		.open = true,
		.limit = rsc->limit,
		.count = 1,
		.packets = { 1 },
		.l3 = packet->l3,
		.l4 = packet->l4,
		.payload = s.payload,
		.stripped = (uint8_t)stripped,
		.sequence = __builtin_bswap32(load32(s.headers + packet->l4 + 4)) + s.size,
		.size = length,
		.filled = length - stripped,
		.frames = 1,
		.bytes = length - stripped,
		.last = last,
	};
	memcpy(rsc->headers, s.headers, s.payload);
	if (s.flags & TCP_PSH)
		nic_rsc_close(nic, q);
	return true;
}

/* Are there buffers for @size more bytes? They are the next ones of the ring. */
static bool has_room(struct nic *nic, uint32_t queue, struct nic_rx_queue *q, uint32_t size)
{
	const struct nic_rsc *rsc = &q->rsc;
	const uint32_t room = q->buffer_size - rsc->filled;
	const uint32_t more = size > room ? (size - room + q->buffer_size - 1) / q->buffer_size : 0;
	const uint32_t count = rsc->count + more;

	if (rsc->size - rsc->l3 + size > MAX_IP_SIZE || count > rsc->limit ||
	    rsc->packets[rsc->count - 1] == PACKETS_PER_BUFFER)
		return false;
	return nic_rx_available(nic, queue, q, count);
}

static bool add_payload(struct nic *nic, struct nic_rx_queue *q, const uint8_t *data, uint32_t size)
{
	struct nic_rsc *rsc = &q->rsc;
	bool first = true;

	while (size) {
		const uint32_t room = q->buffer_size - rsc->filled,
			       part = size < room ? size : room;

		if (!room) {
			rsc->count++;
			rsc->filled = 0;
			continue;
		}
		rsc->packets[rsc->count - 1] += first;
		first = false;
		if (!nic_copy_out(nic,
				  q->fetch[(q->used + rsc->count - 1) % NIC_FETCH] + rsc->filled,
				  data, part))
			return false;
		rsc->filled += part;
		data += part;
		size -= part;
	}
	return true;
}

bool nic_rsc_append(struct nic *nic, uint32_t queue, const uint8_t *frame, uint32_t length,
		    const struct nic_packet *packet, enum nic_verdict *verdict)
{
	struct nic_rx_queue *q = &nic->rx[queue];
	struct nic_rsc *rsc = &q->rsc;
	struct segment s;

	if (!can_coalesce(frame, length, packet, &s) || !continues(rsc, packet, &s) ||
	    !has_room(nic, queue, q, s.size))
		return false;

	uint8_t *tcp = rsc->headers + rsc->l4;
	const uint8_t *now = s.headers + packet->l4;
	memcpy(tcp + 8, now + 8, 8); /* acknowledged, offset, flags, window */
	memcpy(tcp + TCP_HEADER, now + TCP_HEADER, s.payload - packet->l4 - TCP_HEADER);
	rsc->sequence += s.size;
	rsc->size += s.size;
	rsc->frames++;
	rsc->bytes += length - rsc->stripped;
	*verdict = NIC_TAKEN;
	if (!add_payload(nic, q, frame + s.payload, s.size)) {
		rsc->last.hi |= RXD_RXE;
		*verdict = NIC_MISSED;
	}
	if (s.flags & TCP_PSH || *verdict == NIC_MISSED)
		nic_rsc_close(nic, q);
	return true;
}
