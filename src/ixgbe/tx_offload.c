/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets that the card completes (7.2.3 to 7.2.5): checksums, segmentation, VLAN tags.
 *
 * What is to be done to a packet stands in its data descriptors; where its headers are, the tag and the
 * size of segments stand in a context descriptor in front, which the card keeps: packets that go
 * by the same one need no other.
 *
 * Each packet asks for a write-back (RS). A packet has several descriptors, and contexts have no
 * buffer; so queues are kept otherwise than in rxtx.c:
 *   bufs   buffers, one for each packet: @held of them from @clean on, around the end
 *   run    beside each buffer: the packet's last descriptor
 *   last   the first descriptor that may not have been read yet; @next as ever
 */
#include <netinet/in.h>

#include "extras.h"

#define CHUNK	      8192u /* bytes for a descriptor; 7.2.3.2.4: at most 15.5 KB */
#define SIZE_MIN      17u   /* the card pads from there on */
#define PAYLOAD_MAX   0x3FFFFu
#define MACLEN_MAX    127u
#define IPLEN_MAX     511u
#define VLAN_TAG      4u
#define IPV4_CHECKSUM 10 /* offsets in headers */
#define IPV4_LENGTH   2
#define IPV6_LENGTH   4
#define ETHERTYPE_TAG 0x8100

#define SUMS (IXY_TX_IPV4_CHECKSUM | IXY_TX_L4_CHECKSUM | IXY_TX_SEGMENT)

/* Where the headers of a packet are: offsets from its start. */
struct headers {
	bool ipv4;
	uint8_t protocol;
	uint32_t ip, l4, payload; /* IP header, what is behind it, and behind that */
	uint32_t end;		  /* of the IP packet */
};

/* What goes into the descriptors. */
struct request {
	struct ixgbe_context context;
	uint64_t info; /* of each data descriptor */
	bool needs_context;
};

static const struct l4 {
	uint8_t protocol, type, header, checksum;
} l4_kinds[] = {
	{ IPPROTO_TCP, TXC_L4T_TCP, 20, 16 },
	{ IPPROTO_UDP, TXC_L4T_UDP, 8, 6 },
	{ IPPROTO_SCTP, TXC_L4T_SCTP, 12, 8 },
};

static const struct l4 *find_l4(uint8_t protocol)
{
	for (size_t i = 0; i < sizeof(l4_kinds) / sizeof(*l4_kinds); i++)
		if (l4_kinds[i].protocol == protocol)
			return &l4_kinds[i];
	return NULL;
}

static uint32_t get16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static void put16(uint8_t *p, uint32_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

/* ---- Headers ---- */

/* @whole: the length in the header counts for nothing, the packet ends where the buffer does. */
static bool find_ipv4(const struct pkt_buf *buf, bool whole, struct headers *h)
{
	const uint8_t *ip = buf->data + h->ip;
	const uint32_t left = buf->size - h->ip;

	if (left < 20)
		return false;
	const uint32_t header = (ip[0] & 15) * 4u, total = whole ? left : get16(ip + IPV4_LENGTH);
	h->ipv4 = true;
	h->l4 = h->ip + header;
	h->end = h->ip + total;
	/* Of a fragment there is no layer 4 to look at. */
	h->protocol = get16(ip + 6) & 0x3FFF ? IPPROTO_FRAGMENT : ip[9];
	return header >= 20 && header <= total && total <= left;
}

static bool find_ipv6(const struct pkt_buf *buf, bool whole, struct headers *h)
{
	const uint8_t *ip = buf->data + h->ip;
	const uint32_t left = buf->size - h->ip;

	if (left < 40)
		return false;
	h->ipv4 = false;
	h->protocol = ip[6];
	h->l4 = h->ip + 40;
	h->end = whole ? buf->size : h->l4 + get16(ip + IPV6_LENGTH);
	/* A routing header would have another destination than the pseudo header. */
	while (h->protocol == IPPROTO_HOPOPTS || h->protocol == IPPROTO_DSTOPTS) {
		if (h->l4 + 8 > buf->size)
			return false;
		h->protocol = buf->data[h->l4];
		h->l4 += (buf->data[h->l4 + 1] + 1u) * 8;
	}
	return h->l4 <= h->end && h->end <= buf->size;
}

static bool find_ip(const struct pkt_buf *buf, uint32_t at, bool whole, struct headers *h)
{
	h->ip = at;
	if (!at && buf->size >= 14 + VLAN_TAG)
		h->ip = get16(buf->data + 12) == ETHERTYPE_TAG ? 14 + VLAN_TAG : 14;
	if (h->ip < 14 || h->ip > MACLEN_MAX || h->ip >= buf->size)
		return false;
	const uint8_t version = buf->data[h->ip] >> 4;
	return (version == 4 && find_ipv4(buf, whole, h)) ||
	       (version == 6 && find_ipv6(buf, whole, h));
}

/* 7.2.5.2: the card adds up what is from layer 4 on, and what the field holds: the sum of the pseudo
 * header. When it cuts, it adds the length of each segment. */
static uint32_t pseudo_header(const struct pkt_buf *buf, const struct headers *h, uint32_t length)
{
	const uint8_t *addresses = buf->data + h->ip + (h->ipv4 ? 12 : 8);
	uint32_t sum = h->protocol + length;

	for (uint32_t i = 0; i < (h->ipv4 ? 8u : 32u); i += 2)
		sum += get16(addresses + i);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return (sum & 0xFFFF) + (sum >> 16);
}

static bool request_l4(struct pkt_buf *buf, const struct ixy_tx_offload *offload, struct headers *h,
		       struct request *r)
{
	const struct l4 *kind = find_l4(h->protocol);

	if (!kind || h->l4 + kind->header > h->end)
		return false;
	uint8_t *l4 = buf->data + h->l4;
	uint32_t header = kind->header, length = h->end - h->l4;
	if (offload->flags & IXY_TX_SEGMENT) {
		header = (l4[12] >> 4) * 4u;
		length = 0;
		if (h->protocol != IPPROTO_TCP || header < kind->header ||
		    h->l4 + header >= h->end || !offload->segment)
			return false;
		r->context.info |= (uint64_t)offload->segment << 48 | (uint64_t)header << 40;
	}
	h->payload = h->l4 + header;
	r->context.info |= (uint64_t)kind->type << 11;
	r->info |= TXD_TXSM;
	if (h->protocol == IPPROTO_SCTP)
		memset(l4 + kind->checksum, 0, 4);
	else
		put16(l4 + kind->checksum, pseudo_header(buf, h, length));
	return true;
}

/* Checksums and segments: note them, and prepare the fields that the card completes. */
static bool request_sums(struct pkt_buf *buf, const struct ixy_tx_offload *offload,
			 struct headers *h, struct request *r)
{
	const bool segment = offload->flags & IXY_TX_SEGMENT;

	if (!find_ip(buf, offload->ip, segment, h) || h->l4 - h->ip > IPLEN_MAX)
		return false;
	buf->size = h->end; /* what is behind would be added up, too; the card pads */
	r->context.addr = (h->l4 - h->ip) | h->ip << 9;
	if (h->ipv4) {
		r->context.info |= TXC_IPV4;
		if (offload->flags & (IXY_TX_IPV4_CHECKSUM | IXY_TX_SEGMENT)) {
			put16(buf->data + h->ip + IPV4_CHECKSUM, 0);
			r->info |= TXD_IXSM;
		}
	}
	if (segment) /* 7.2.4.7: the card writes it */
		put16(buf->data + h->ip + (h->ipv4 ? IPV4_LENGTH : IPV6_LENGTH), 0);
	return !(offload->flags & (IXY_TX_L4_CHECKSUM | IXY_TX_SEGMENT)) ||
	       request_l4(buf, offload, h, r);
}

/* Return: can it be sent like that? */
static bool make_request(const struct ixgbe_device *dev, struct pkt_buf *buf,
			 const struct ixy_tx_offload *offload, struct request *r)
{
	const uint32_t frame_max = dev->ixy.config.mtu + 18;
	const uint32_t tag = offload->flags & IXY_TX_VLAN ? VLAN_TAG : 0;
	struct headers h = { 0 };
	uint32_t frame, payload;

	*r = (struct request){ .context = { 14 << 9, TXD_DEXT | TXD_DTYP_CTXT },
			       .info = TXD_DEXT | TXD_DTYP_DATA | TXD_IFCS,
			       .needs_context = offload->flags & (SUMS | IXY_TX_VLAN) };
	if (offload->flags & SUMS && !request_sums(buf, offload, &h, r))
		return false;
	frame = payload = buf->size;
	if (offload->flags & IXY_TX_SEGMENT) {
		r->info |= TXD_TSE;
		payload = buf->size - h.payload;
		frame = h.payload + offload->segment;
	}
	if (tag) {
		r->info |= TXD_VLE;
		r->context.addr |= (uint32_t)offload->vlan << 16;
	}
	if (offload->flags & IXY_TX_TIME)
		r->info |= TXD_1588;
	r->info |= (uint64_t)payload << 46;
	return payload <= PAYLOAD_MAX && frame + tag <= frame_max && buf->size >= SIZE_MIN;
}

/* ---- The ring ---- */

/* Give back the buffers of packets that have been sent. */
static void reclaim(struct ixgbe_queue *q)
{
	while (q->held && q->ring[q->run[q->clean]].info & TXD_DD) {
		q->last = after(q, q->run[q->clean], 1u);
		pkt_buf_free_batch(&q->bufs[q->clean], 1);
		q->clean = after(q, q->clean, 1);
		q->held--;
	}
}

static void post(struct ixgbe_queue *q, uint64_t addr, uint64_t info)
{
	q->ring[q->next].addr = addr;
	q->ring[q->next].info = info;
	q->next = after(q, q->next, 1);
}

/* Return: was there room? One descriptor stays unused, as in ixgbe_tx_batch(). */
static bool post_packet(struct ixgbe_queue *q, struct ixgbe_context *kept, struct pkt_buf *buf,
			const struct request *r)
{
	const bool context = r->needs_context &&
			     (r->context.addr != kept->addr || r->context.info != kept->info);
	const uint32_t need = context + (buf->size + CHUNK - 1) / CHUNK;
	const uint32_t used = (q->next + q->size - q->last) % q->size;
	const uint32_t slot = (q->clean + q->held) % q->size;
	const uint64_t iova = pkt_buf_iova(buf);

	if (need > q->size - 1 - used)
		return false;
	if (context) {
		post(q, r->context.addr, r->context.info);
		*kept = r->context;
	}
	for (uint32_t at = 0, size; at < buf->size; at += size) {
		const uint32_t left = buf->size - at;
		size = left < CHUNK ? left : CHUNK;
		post(q, iova + at, r->info | size | (size == left ? TXD_EOP | TXD_RS : 0));
	}
	q->bufs[slot] = buf;
	q->run[slot] = (uint16_t)((q->next ? q->next : q->size) - 1);
	q->held++;
	return true;
}

static uint32_t send_packets(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			     const struct ixy_tx_offload *offloads, uint32_t n)
{
	static const struct ixy_tx_offload as_it_is;
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->tx[queue];
	const uint32_t start = q->next;
	uint32_t done = 0, sent = 0;

	reclaim(q);
	for (; done < n; done++) {
		struct pkt_buf *buf = bufs[done];
		struct request request;

		if (!make_request(dev, buf, offloads ? &offloads[done] : &as_it_is, &request)) {
			pkt_buf_free_batch(&buf, 1);
			continue;
		}
		if (!post_packet(q, &dev->extras->contexts[queue], buf, &request))
			break;
		sent++;
	}
	ixgbe_count(q->packets, sent);
	if (q->next != start)
		ring_doorbell(dev, q, q->next);
	return done;
}

uint32_t ixgbe_tx_plain(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	return send_packets(ixy, queue, bufs, NULL, n);
}

uint32_t ixgbe_tx_offload(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			  const struct ixy_tx_offload *offloads, uint32_t n)
{
	return ixy->config.tx_offload ? send_packets(ixy, queue, bufs, offloads, n) : 0;
}
