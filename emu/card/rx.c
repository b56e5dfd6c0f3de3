/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive: from the wire into the driver's rings (7.1).
 *
 * A burst is what arrives between two polls. Tails, ENABLE bits and the driver's configuration are
 * read once per burst, or anew after any access of the driver; heads and statistics are written
 * once per burst.
 */
#include "rsc.h"

/* Most frames are short: copied without a call, for any length. All loads precede the stores. */
static inline void copy_short(uint8_t *to, const uint8_t *from, size_t size)
{
	struct {
		uint8_t bytes[32];
	} a, b, c, d;

	memcpy(&a, from, 32);
	memcpy(&b, from + size - 32, 32);
	if (size > 64) {
		memcpy(&c, from + 32, 32);
		memcpy(&d, from + size - 64, 32);
		memcpy(to + 32, &c, 32);
		memcpy(to + size - 64, &d, 32);
	}
	memcpy(to, &a, 32);
	memcpy(to + size - 32, &b, 32);
}

static inline bool copy_frame(struct nic *nic, uint64_t iova, const uint8_t *frame, size_t size)
{
	uint8_t *to = nic_peek(nic, iova, size, true);

	if (unlikely(!to))
		return nic_copy_out(nic, iova, frame, size);
	if (size >= 32 && size <= 128)
		copy_short(to, frame, size);
	else
		memmove(to, frame, size); /* a loop may make them one */
	return true;
}

/* ---- A frame ---- */

static void start_burst(struct nic *nic, uint32_t queue, struct nic_rx_queue *q)
{
	nic_rx_look(nic, queue);
	q->burst = nic->receiver.burst;
	nic->receiver.dirty[queue / 64] |= 1ull << queue % 64;
	if (!q->ring.usable)
		return;
	/* These two a driver may change while the queue is on. */
	q->strip_vlan = nic_get(nic, RXDCTL(queue)) & RXDCTL_VME;
	q->drop = nic_get(nic, SRRCTL(queue)) & SRRCTL_DROP_EN;
	nic_rx_read_tail(nic, queue, q);
}

#define LEGACY_ERRORS ((RXD_IPE | RXD_L4E | RXD_RXE) >> 24)

/* The last descriptor of a frame, but for the length. The others have only DD. */
static inline struct nic_desc describe(const struct nic_receiver *rx, const struct nic_rx_queue *q,
				       const struct nic_packet *packet, const uint8_t *frame,
				       uint32_t status)
{
	struct nic_desc desc;
	uint32_t fragment_sum = 0;
	uint16_t tag = packet->vlan && q->strip_vlan ? packet->vlan_tag : 0;

	if (unlikely(packet->fragment) && rx->sum_fragments) {
		fragment_sum = __builtin_bswap16(
			nic_sum(frame + packet->data, packet->end - packet->data, 0));
		if (packet->udp_sum)
			status |= RXD_UDPV;
	}
	if (unlikely(q->legacy)) {
		desc.lo = 0; /* the address stays */
		desc.hi = fragment_sum << 16 | (uint64_t)(status & 0xFF) << 32 |
			  (uint64_t)(status >> 24 & LEGACY_ERRORS) << 40 | (uint64_t)tag << 48;
		return desc;
	}
	desc.lo = packet->type | packet->rss_type;
	/* 8.2.3.7.5: PCSD chooses between the hash and the fragment's identity. */
	if (rx->report_hash)
		desc.lo |= (uint64_t)packet->hash << 32;
	else
		desc.lo |= (uint64_t)fragment_sum << 48 | (uint64_t)packet->ident << 32;
	desc.hi = status | (uint64_t)tag << 48;
	return desc;
}

/* The frame as memory shall have it, in rx->bounce: without the tag, with the CRC. */
static void reshape(struct nic_receiver *rx, const uint8_t *frame, uint32_t length, bool strip)
{
	uint32_t crc = rx->crc ? nic_crc32(frame, length) : 0;

	if (strip) {
		memcpy(rx->bounce, frame, 12);
		memcpy(rx->bounce + 12, frame + 12 + VLAN_TAG, length - 12 - VLAN_TAG);
		length -= VLAN_TAG;
	} else {
		memcpy(rx->bounce, frame, length);
	}
	memcpy(rx->bounce + length, &crc, rx->crc);
}

/* A packet that memory did not take is reported as damaged: the driver must get its buffer back. */
static void mark_damaged(const struct nic_rx_queue *q, struct nic_desc *last)
{
	last->hi |= q->legacy ? (uint64_t)(RXD_RXE >> 24) << 40 : RXD_RXE;
}

/* Fill @count buffers that the end of a packet does not fit into. Return: false after a fault. */
static bool fill_chain(struct nic *nic, struct nic_rx_queue *q, const uint8_t *data, uint32_t count,
		       uint64_t first_word)
{
	uint64_t size = q->buffer_size;
	bool good = true;

	for (; count; count--, data += size) {
		uint64_t address = q->fetch[q->used % NIC_FETCH];
		struct nic_desc desc = { first_word, size << 32 | RXD_DD };

		first_word = 0;

		if (q->legacy)
			desc = (struct nic_desc){ address, size | (uint64_t)RXD_DD << 32 };
		good &= copy_frame(nic, address, data, size);
		nic_rx_use(nic, q, desc);
	}
	return good;
}

static enum nic_verdict no_descriptor(struct nic *nic, struct nic_rx_queue *q, unsigned int flags)
{
	nic_rx_write_back(nic, q);
	if (flags & NIC_TRY)
		return NIC_BUSY;
	/* 7.1.9: with DROP_EN the queue drops; else the port's buffer fills up, and it drops. */
	if (q->drop)
		q->dropped++;
	else
		nic_count(nic, MPC(0), 1);
	nic->receiver.missed++;
	return NIC_MISSED;
}

/* A frame's way into the buffers of the next descriptors. */
struct placement {
	uint32_t size;	     /* of what memory gets: without a tag that is stripped, with the CRC */
	uint32_t headers;    /* of that, to the header buffer */
	uint32_t count;	     /* descriptors */
	uint64_t first_word; /* of the first one */
};

/* Return: false after a fault. @last is still to be used, with what comes into its buffer. */
static inline bool place(struct nic *nic, struct nic_rx_queue *q, const uint8_t *frame,
			 uint32_t length, const struct nic_packet *packet,
			 const struct placement *p, struct nic_desc *last)
{
	uint32_t part = p->size - p->headers;
	bool good = true;

	if (unlikely(p->size != length)) {
		reshape(&nic->receiver, frame, length, packet->vlan && q->strip_vlan);
		frame = nic->receiver.bounce;
	}
	if (unlikely(p->headers)) {
		good = copy_frame(nic, q->fetch_header[q->used % NIC_FETCH], frame, p->headers);
		frame += p->headers;
	}
	if (unlikely(p->count > 1)) {
		good &= fill_chain(nic, q, frame, p->count - 1, p->first_word);
		frame += (p->count - 1) * q->buffer_size;
		part -= (p->count - 1) * q->buffer_size;
	} else {
		last->lo |= p->first_word;
	}
	last->hi |= (uint64_t)part << (q->legacy ? 0 : 32);
	const uint64_t address = q->fetch[q->used % NIC_FETCH];
	if (unlikely(q->legacy))
		last->lo = address;
	return copy_frame(nic, address, frame, part) && good;
}

static inline enum nic_verdict deliver(struct nic *nic, uint32_t queue, const uint8_t *frame,
				       uint32_t length, const struct nic_packet *packet,
				       uint32_t status, unsigned int flags)
{
	struct nic_receiver *rx = &nic->receiver;
	struct nic_rx_queue *q = &nic->rx[queue];
	struct placement p = { .size = length, .count = 1 };
	enum nic_verdict verdict;
	struct nic_desc last;

	if (unlikely(q->burst != rx->burst))
		start_burst(nic, queue, q);
	if (unlikely(!q->ring.usable))
		return no_descriptor(nic, q, 0);

	if (unlikely(q->coalesce) && q->rsc.open) {
		if (nic_rsc_append(nic, queue, frame, length, packet, &verdict))
			return verdict;
		nic_rsc_close(nic, q);
	}
	if (unlikely(packet->vlan))
		status |= RXD_VP;
	if (unlikely(rx->crc || (packet->vlan && q->strip_vlan)))
		p.size = length + rx->crc - (packet->vlan && q->strip_vlan ? VLAN_TAG : 0);
	if (unlikely(q->split))
		p.headers =
			nic_split_headers(nic, q, frame, p.size, packet, &p.first_word, &status);
	if (unlikely(p.size - p.headers > q->buffer_size))
		p.count = (p.size - p.headers + q->buffer_size - 1) / q->buffer_size;
	if (unlikely(!nic_rx_available(nic, queue, q, p.count))) {
		/* The rest cannot come: waiting is pointless. */
		const bool may_come = q->ring.usable && q->left < p.count && p.count < q->ring.size;
		return no_descriptor(nic, q, may_come ? flags : 0);
	}

	last = describe(rx, q, packet, frame, status | RXD_DD | RXD_EOP | packet->sums);
	bool good = place(nic, q, frame, length, packet, &p, &last);
	if (unlikely(q->coalesce) && good && p.count == 1 &&
	    nic_rsc_open(nic, q, frame, length, packet, last))
		return NIC_TAKEN;
	if (likely(good)) {
		q->staged_frames++;
		q->staged_bytes += p.size;
	} else {
		mark_damaged(q, &last);
		rx->missed++;
	}
	nic_rx_use(nic, q, last);
	return good ? NIC_TAKEN : NIC_MISSED;
}

static void refuse_frame(struct nic_receiver *rx, size_t length)
{
	rx->refused++;
	rx->refused_bytes += length;
}

/* 8.2.3.22.13: longer than allowed? A VLAN tag does not count. */
static bool too_long(const struct nic_receiver *rx, const uint8_t *frame, size_t length)
{
	return length > NIC_FRAME_MAX || length > rx->max + VLAN_TAG ||
	       load_be16(frame + 12) != rx->vlan_type;
}

/* In the way of each packet: without a call. */
__attribute__((always_inline)) static inline enum nic_verdict
pick_and_deliver(struct nic *nic, const uint8_t *frame, uint32_t length, struct nic_packet *packet,
		 uint32_t status, unsigned int flags)
{
	uint32_t queue = 0;

	if (unlikely(nic->receiver.steer))
		queue = nic_pick_queue(nic, frame, packet, &status);
	if (likely(queue != NIC_NO_QUEUE))
		return deliver(nic, queue, frame, length, packet, status, flags);
	nic->account.rx_filtered++;
	return NIC_FILTERED;
}

/* A copy for each pool. Several cannot wait for each other: who has no descriptor loses its own. */
__attribute__((noinline)) static enum nic_verdict
deliver_to_pools(struct nic *nic, const uint8_t *frame, uint32_t length, uint64_t destination,
		 const struct nic_packet *packet, uint32_t status, unsigned int flags)
{
	uint64_t pools = nic_pools(nic, destination, packet);
	enum nic_verdict verdict = NIC_FILTERED;

	if (pools & (pools - 1))
		flags = 0;
	nic->account.rx_filtered += !pools;
	for (; pools; pools &= pools - 1) {
		struct nic_packet copy = *packet;
		copy.pool = (uint8_t)__builtin_ctzll(pools);
		enum nic_verdict one = pick_and_deliver(nic, frame, length, &copy, status, flags);
		verdict = verdict == NIC_TAKEN ? verdict : one;
	}
	return verdict;
}

enum nic_verdict nic_rx_frame(struct nic *nic, const void *data, size_t length, unsigned int flags)
{
	struct nic_receiver *rx = &nic->receiver;
	const uint8_t *frame = data;
	struct nic_packet packet;
	enum nic_verdict verdict;
	uint64_t destination;
	uint32_t status = 0;

	if (unlikely(!rx->on || rx->loopback != !!(flags & NIC_LOOPBACK))) {
		nic->account.rx_down += !(flags & NIC_AGAIN);
		return NIC_DOWN;
	}
	if (unlikely(length < ETH_FRAME_MIN)) {
		refuse_frame(rx, length);
		rx->runts++;
		return NIC_FILTERED;
	}
	if (unlikely(length > rx->max) && too_long(rx, frame, length)) {
		refuse_frame(rx, length);
		rx->oversize++;
		return NIC_FILTERED;
	}
	destination = load64(frame) & 0xFFFFFFFFFFFF;
	nic_inspect(rx->vlan_type, frame, (uint32_t)length, &packet);
	if (unlikely(packet.ethertype == ETHERTYPE_CONTROL) &&
	    nic_mac_control(nic, destination, frame)) {
		refuse_frame(rx, length);
		return NIC_FILTERED;
	}
	if (unlikely(destination != rx->macs[0] || rx->filter_vlan) &&
	    !nic_filter(nic, destination, &packet, &status)) {
		refuse_frame(rx, length);
		nic->account.rx_filtered++;
		return NIC_FILTERED;
	}
	if (unlikely(rx->stamp))
		status |= nic_stamp_rx(nic, frame, (uint32_t)length, &packet);
	if (unlikely(rx->pools))
		verdict = deliver_to_pools(nic, frame, (uint32_t)length, destination, &packet,
					   status, flags);
	else
		verdict = pick_and_deliver(nic, frame, (uint32_t)length, &packet, status, flags);
	/* Datasheet conflict: GPRC is to count what was received; the card (an erratum) counts what
	 * passed the filters, also if it was missed. Linux subtracts MPC, DPDK adds up QPRC. */
	if (likely(verdict != NIC_BUSY))
		nic_traffic_add(&rx->good, destination, (uint32_t)length);
	return verdict;
}

/* ---- The port ---- */

void nic_rx_configure(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t hlreg0 = nic_get(nic, HLREG0);
	uint32_t rxcsum = nic_get(nic, RXCSUM);
	uint32_t max;

	rx->loopback = hlreg0 & HLREG0_LPBK;
	rx->on = nic_get(nic, RXCTRL) & RXCTRL_RXEN &&
		 !(nic_get(nic, SECRXCTRL) & SECRXCTRL_RX_DIS) &&
		 (rx->loopback || nic_link_up(nic));
	/* 8.2.3.8.8: RDRXCTL.CRCSTRIP must agree; the MAC does the stripping. */
	rx->crc = hlreg0 & HLREG0_RXCRCSTRP ? 0 : ETH_CRC;
	max = hlreg0 & HLREG0_JUMBOEN ? MAXFRS_MFS(nic_get(nic, MAXFRS)) : 1518;
	rx->max = max < ETH_CRC ? 0 : max - ETH_CRC < NIC_FRAME_MAX ? max - ETH_CRC : NIC_FRAME_MAX;
	rx->report_hash = rxcsum & RXCSUM_PCSD;
	rx->sum_fragments = rxcsum & RXCSUM_IPPCSE;
	rx->stamp = nic_get(nic, TSYNCRXCTL) & TSYNCRXCTL_EN;
	nic_filter_configure(nic);
	rx->burst++;
	for (uint32_t i = 0; i < NIC_QUEUES; i++)
		nic_rx_look(nic, i);
}

void nic_rx_reset(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t burst = rx->burst;

	for (uint32_t i = 0; i < NIC_QUEUES; i++) {
		nic_rx_queue_stop(nic, &nic->rx[i]);
		nic->account.rx_frames += nic->rx[i].frames;
		nic->account.rx_bytes += nic->rx[i].bytes;
		memset(&nic->rx[i], 0, sizeof(nic->rx[i]));
	}
	nic->account.rx_missed += rx->missed;
	nic->account.rx_oversize += rx->oversize;
	nic->account.rx_filtered += rx->runts;
	memset(rx, 0, sizeof(*rx));
	rx->burst = burst;
	nic->rescan = true;
}

/* What the burst did to one queue. Return: frames. */
static uint32_t end_burst(struct nic *nic, uint32_t queue)
{
	struct nic_rx_queue *q = &nic->rx[queue];
	uint32_t set = nic_get(nic, RQSMR(queue / 4)) >> queue % 4 * 8 & 15;
	uint32_t frames;

	if (unlikely(q->coalesce) && nic_irq_rx_due(nic, queue))
		nic_rsc_close(nic, q);
	nic_rx_write_back(nic, q);
	frames = q->frames;
	nic_ring_publish(nic, RDBAL(queue), &q->ring);
	if (frames) {
		nic_count(nic, QPRC(set), frames);
		nic_count64(nic, QBRCL(set), q->bytes);
		nic->account.rx_frames += frames;
		nic->account.rx_bytes += q->bytes;
		nic_count(nic, RXDGPC, frames);
		nic_count64(nic, RXDGBCL, q->bytes);
	}
	if (q->dropped)
		nic_count(nic, QPRDC(set), q->dropped);
	if (q->news)
		nic_irq_rx(nic, queue);
	q->news = false;
	q->frames = q->dropped = 0;
	q->bytes = 0;
	return frames;
}

static void rx_count_port(struct nic *nic, struct nic_receiver *rx)
{
	const struct nic_traffic *good = &rx->good;
	static const uint32_t sizes[6] = { PRC64, PRC127, PRC255, PRC511, PRC1023, PRC1522 };

	uint32_t arrived = good->frames + rx->refused;

	nic_count(nic, TPR, arrived);
	nic_count64(nic, TORL, good->bytes + rx->refused_bytes + (uint64_t)ETH_CRC * arrived);
	nic_count(nic, RUC, rx->runts);
	nic_count(nic, ROC, rx->oversize);
	nic->account.rx_oversize += rx->oversize;
	nic->account.rx_filtered += rx->runts;
	if (good->frames) {
		nic_count(nic, GPRC, good->frames);
		nic_count64(nic, GORCL, good->bytes + (uint64_t)ETH_CRC * good->frames);
		nic_count(nic, MPRC, good->multicast);
		nic_count(nic, BPRC, good->broadcast);
		for (uint32_t i = 0; i < 6; i++)
			nic_count(nic, sizes[i], good->sizes[i]);
	}
	rx->refused = rx->runts = rx->oversize = 0;
	rx->refused_bytes = 0;
	memset(&rx->good, 0, sizeof(rx->good));
}

uint32_t nic_rx_poll(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t frames = 0;

	/* Without bus mastering write-backs wait, and with them the counts of their frames. */
	for (uint32_t i = 0; i < NIC_QUEUES / 64 && nic->pci.master; i++) {
		uint64_t open = 0;

		while (rx->dirty[i]) {
			uint32_t bit = (uint32_t)__builtin_ctzll(rx->dirty[i]);

			rx->dirty[i] &= rx->dirty[i] - 1;
			frames += end_burst(nic, i * 64 + bit);
			open |= (uint64_t)nic->rx[i * 64 + bit].rsc.open << bit;
		}
		rx->dirty[i] = open; /* until an interrupt is due */
	}
	if (rx->good.frames || rx->refused)
		rx_count_port(nic, rx);
	nic->account.rx_missed += rx->missed;
	rx->missed = 0;

	rx->burst++;
	/* A queue may be enabled without a visible access: RXDCTL is in a page that drivers map. */
	for (uint32_t i = 0; i < NIC_SCAN; i++)
		nic_rx_look(nic, rx->scan++ % NIC_QUEUES);
	return frames;
}
