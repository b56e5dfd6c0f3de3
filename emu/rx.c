/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive: from the wire into the driver's rings (7.1).
 *
 * A burst is what arrives between two polls. Tails, ENABLE bits and the driver's configuration are
 * read once per burst, or anew after any access of the driver; heads and statistics are written
 * once per burst. Descriptors are fetched ahead, up to NIC_FETCH, and written back a cache line at
 * a time, so that card and driver do not pull a line back and forth for each packet.
 */
#include "datapath.h"

/* Short frames are most frames: no call, whatever the length. All loads come before the stores. */
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

/* ---- Queues: on, off, fetch, write back ---- */

/* Nothing of the queue may reach memory any more, what has not been written back is lost. */
static void stop(struct nic *nic, struct nic_rx_queue *q)
{
	nic->receiver.missed += q->staged_frames;
	q->enabled = q->usable = q->faulted = false;
	q->used = q->fetched = q->written = q->left = 0;
	q->staged_frames = 0;
	q->staged_bytes = 0;
}

static uint64_t ring_base(const struct nic *nic, uint32_t queue)
{
	return (uint64_t)nic_get(nic, RDBAH(queue)) << 32 | (nic_get(nic, RDBAL(queue)) & ~127u);
}

static uint32_t ring_size(const struct nic *nic, uint32_t queue)
{
	return (nic_get(nic, RDLEN(queue)) & RDLEN_MASK) / sizeof(struct nic_desc);
}

/* 4.6.7.1: ENABLE goes up. The ring is what the registers say now. */
static void start(struct nic *nic, uint32_t queue)
{
	struct nic_rx_queue *q = &nic->rx[queue];
	uint32_t srrctl = nic_get(nic, SRRCTL(queue));

	stop(nic, q);
	q->enabled = true;
	q->base = ring_base(nic, queue);
	q->size = ring_size(nic, queue);
	q->head = q->published = nic_get(nic, RDH(queue));
	/* Headers are never split off (DESCTYPE 2 and 5): the whole packet goes to the packet
	 * buffer, as the card does with packets that it cannot split. */
	q->legacy = SRRCTL_DESCTYPE(srrctl) == SRRCTL_DESCTYPE_LEGACY;
	q->buffer_size = SRRCTL_BSIZEPACKET(srrctl);
	q->usable = q->size && q->head < q->size && q->buffer_size;
}

void nic_rx_look(struct nic *nic, uint32_t queue)
{
	struct nic_rx_queue *q = &nic->rx[queue];

	if (!(nic_get(nic, RXDCTL(queue)) & RXDCTL_ENABLE)) {
		if (q->enabled)
			stop(nic, q);
	} else if (!q->enabled || nic_get(nic, RDH(queue)) != q->published ||
		   ring_base(nic, queue) != q->base || ring_size(nic, queue) != q->size) {
		/* Off and on again between two looks at it shows in these registers only. */
		start(nic, queue);
	}
}

static void read_tail(struct nic *nic, uint32_t queue, struct nic_rx_queue *q)
{
	uint32_t tail = nic_get_tail(nic, RDT(queue));

	if (!nic->pci.master)
		q->left = 0; /* all waits until the card may reach memory */
	else if (tail < q->size)
		q->left = tail >= q->head ? tail - q->head : tail + q->size - q->head;
	else
		q->usable = false;
}

/* The ring is out of reach; see dma.c. Staged descriptors find no place any more. */
static void halt(struct nic *nic, struct nic_rx_queue *q)
{
	nic->receiver.missed += q->staged_frames;
	q->usable = false;
	q->faulted = true;
}

/* Status goes last: who sees DD sees the rest, and the packet. */
static void write_back(struct nic *nic, struct nic_rx_queue *q)
{
	uint32_t count = q->used - q->written;
	uint32_t first = (q->head ? q->head : q->size) - count;
	struct nic_desc *desc = NULL;

	if (!count || !nic->pci.master)
		return;
	if (likely(!q->faulted))
		desc = nic_dma(nic, q->base + first * sizeof(*desc), count * sizeof(*desc), true);
	if (unlikely(!desc)) {
		halt(nic, q);
	} else {
		for (uint32_t i = 0; i < count; i++) {
			const struct nic_desc *stage = &q->stage[(first + i) % NIC_LINE];

			__atomic_store_n(&desc[i].lo, stage->lo, __ATOMIC_RELAXED);
			__atomic_store_n(&desc[i].hi, stage->hi, __ATOMIC_RELEASE);
		}
		q->frames += q->staged_frames;
		q->bytes += q->staged_bytes;
		q->news = true;
	}
	q->written = q->used;
	q->staged_frames = 0;
	q->staged_bytes = 0;
}

/* Read descriptors ahead, a cache line at a time, and bring their buffers here. */
static void fetch(struct nic *nic, struct nic_rx_queue *q)
{
	uint32_t ahead = q->fetched - q->used;
	uint32_t count = q->left < NIC_FETCH ? q->left : NIC_FETCH;

	while (ahead < count) {
		uint32_t at = q->head + ahead;
		uint32_t part = NIC_LINE - at % NIC_LINE;
		const struct nic_desc *desc;

		at -= at >= q->size ? q->size : 0;
		if (part > count - ahead)
			part = count - ahead;
		desc = nic_dma(nic, q->base + at * sizeof(*desc), part * sizeof(*desc), false);
		if (unlikely(!desc)) {
			write_back(nic, q);
			halt(nic, q);
			return;
		}
		nic_prefetch_write(desc + 2 * NIC_LINE);
		ahead += part;
		for (; part; part--, desc++) {
			/* Both formats begin with the address of the packet buffer. */
			uint64_t iova = __atomic_load_n(&desc->lo, __ATOMIC_RELAXED);
			const uint8_t *buffer = nic_peek(nic, iova, 64, true);

			q->fetch[q->fetched++ % NIC_FETCH] = iova;
			if (likely(buffer))
				nic_prefetch_write(buffer);
		}
	}
}

static inline void use_descriptor(struct nic *nic, struct nic_rx_queue *q, struct nic_desc desc)
{
	q->stage[q->head % NIC_LINE] = desc;
	q->used++;
	q->left--;
	if (++q->head == q->size)
		q->head = 0;
	if (q->head % NIC_LINE == 0) {
		write_back(nic, q);
		if (likely(!q->faulted))
			fetch(nic, q);
	}
}

static void start_burst(struct nic *nic, uint32_t queue, struct nic_rx_queue *q)
{
	nic_rx_look(nic, queue);
	q->burst = nic->receiver.burst;
	nic->receiver.dirty[queue / 64] |= 1ull << queue % 64;
	if (!q->usable)
		return;
	/* These two a driver may change while the queue is on. */
	q->strip_vlan = nic_get(nic, RXDCTL(queue)) & RXDCTL_VME;
	q->drop = nic_get(nic, SRRCTL(queue)) & SRRCTL_DROP_EN;
	read_tail(nic, queue, q);
}

/* ---- A frame ---- */

#define LEGACY_ERRORS ((RXD_IPE | RXD_L4E | RXD_RXE) >> 24)

/* The last descriptor of a frame, with @length bytes in its buffer. The others have only DD. */
static inline struct nic_desc describe(const struct nic_receiver *rx, const struct nic_rx_queue *q,
				       const struct nic_packet *packet, const uint8_t *frame,
				       uint32_t status, uint32_t length)
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
		desc.hi = length | fragment_sum << 16 | (uint64_t)(status & 0xFF) << 32 |
			  (uint64_t)(status >> 24 & LEGACY_ERRORS) << 40 | (uint64_t)tag << 48;
		return desc;
	}
	desc.lo = packet->type | packet->rss_type;
	/* 8.2.3.7.5: PCSD chooses between the hash and the fragment's identity. */
	if (rx->report_hash)
		desc.lo |= (uint64_t)packet->hash << 32;
	else
		desc.lo |= (uint64_t)fragment_sum << 48 | (uint64_t)packet->ident << 32;
	desc.hi = status | (uint64_t)length << 32 | (uint64_t)tag << 48;
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
static bool fill_chain(struct nic *nic, struct nic_rx_queue *q, const uint8_t *data, uint32_t count)
{
	uint64_t size = q->buffer_size;
	bool good = true;

	for (; count; count--, data += size) {
		uint64_t address = q->fetch[q->used % NIC_FETCH];
		struct nic_desc desc = { 0, size << 32 | RXD_DD };

		if (q->legacy)
			desc = (struct nic_desc){ address, size | (uint64_t)RXD_DD << 32 };
		good &= copy_frame(nic, address, data, size);
		use_descriptor(nic, q, desc);
	}
	return good;
}

static enum nic_verdict no_descriptor(struct nic *nic, struct nic_rx_queue *q, unsigned int flags)
{
	write_back(nic, q);
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

static inline enum nic_verdict deliver(struct nic *nic, uint32_t queue, const uint8_t *frame,
				       uint32_t length, const struct nic_packet *packet,
				       uint32_t status, unsigned int flags)
{
	struct nic_receiver *rx = &nic->receiver;
	struct nic_rx_queue *q = &nic->rx[queue];
	uint32_t size = length, count = 1, part;
	struct nic_desc last;
	uint64_t address;
	bool good = true;

	if (unlikely(q->burst != rx->burst))
		start_burst(nic, queue, q);
	if (unlikely(!q->usable))
		return no_descriptor(nic, q, 0);

	if (unlikely(packet->vlan))
		status |= RXD_VP;
	if (unlikely(rx->crc || (packet->vlan && q->strip_vlan)))
		size = length + rx->crc - (packet->vlan && q->strip_vlan ? VLAN_TAG : 0);
	if (unlikely(size > q->buffer_size))
		count = (size + q->buffer_size - 1) / q->buffer_size;
	if (unlikely(q->left < count)) {
		read_tail(nic, queue, q);
		if (!q->usable || q->left < count)
			return no_descriptor(nic, q, q->usable && count < q->size ? flags : 0);
	}
	if (unlikely(q->fetched - q->used < count)) {
		fetch(nic, q);
		if (q->faulted || q->fetched - q->used < count)
			return no_descriptor(nic, q, 0); /* it never comes: no use to wait */
	}

	part = size;
	if (unlikely(count > 1))
		part -= (count - 1) * q->buffer_size;
	last = describe(rx, q, packet, frame, status | RXD_DD | RXD_EOP | packet->sums, part);
	if (unlikely(size != length)) {
		reshape(rx, frame, length, packet->vlan && q->strip_vlan);
		frame = rx->bounce;
	}
	if (unlikely(count > 1)) {
		good = fill_chain(nic, q, frame, count - 1);
		frame += (count - 1) * q->buffer_size;
	}
	address = q->fetch[q->used % NIC_FETCH];
	if (unlikely(q->legacy))
		last.lo = address;
	good &= copy_frame(nic, address, frame, part);
	if (likely(good)) {
		q->staged_frames++;
		q->staged_bytes += size;
	} else {
		mark_damaged(q, &last);
		rx->missed++;
	}
	use_descriptor(nic, q, last);
	return good ? NIC_TAKEN : NIC_MISSED;
}

static void refuse(struct nic_receiver *rx, size_t length)
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

#define NIC_LOOPBACK (1u << 31) /* flag for nic_receive(): from our own transmitter */

enum nic_verdict nic_receive(struct nic *nic, const void *data, size_t length, unsigned int flags)
{
	struct nic_receiver *rx = &nic->receiver;
	const uint8_t *frame = data;
	struct nic_packet packet;
	enum nic_verdict verdict;
	uint64_t destination;
	uint32_t status = 0, queue = 0;

	if (unlikely(nic->rescan))
		nic_rescan(nic);
	if (unlikely(!rx->on || rx->loopback != !!(flags & NIC_LOOPBACK))) {
		nic->account.rx_down += !(flags & NIC_AGAIN);
		return NIC_DOWN;
	}
	if (unlikely(length < ETH_FRAME_MIN)) {
		refuse(rx, length);
		rx->runts++;
		return NIC_FILTERED;
	}
	if (unlikely(length > rx->max) && too_long(rx, frame, length)) {
		refuse(rx, length);
		rx->oversize++;
		return NIC_FILTERED;
	}
	destination = load64(frame) & 0xFFFFFFFFFFFF;
	nic_inspect(rx->vlan_type, frame, (uint32_t)length, &packet);
	if (unlikely(destination != rx->macs[0] || rx->filter_vlan) &&
	    !nic_filter(nic, destination, &packet, &status)) {
		refuse(rx, length);
		nic->account.rx_filtered++;
		return NIC_FILTERED;
	}
	if (unlikely(rx->steer))
		queue = nic_pick_queue(nic, frame, &packet);
	verdict = deliver(nic, queue, frame, (uint32_t)length, &packet, status, flags);
	/* Datasheet conflict: GPRC is to count what was received; the card (an erratum) counts what
	 * passed the filters, also if it was missed. Linux subtracts MPC, DPDK adds up QPRC. */
	if (likely(verdict != NIC_BUSY))
		nic_traffic_add(&rx->good, destination, (uint32_t)length);
	return verdict;
}

void nic_rx_loopback(struct nic *nic, const uint8_t *frame, uint32_t length)
{
	nic_receive(nic, frame, length, NIC_LOOPBACK);
}

/* ---- The port ---- */

static void configure(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t hlreg0 = nic_get(nic, HLREG0);
	uint32_t rxcsum = nic_get(nic, RXCSUM);
	uint32_t max;

	rx->loopback = hlreg0 & HLREG0_LPBK;
	rx->on = nic_get(nic, RXCTRL) & RXCTRL_RXEN &&
		 !(nic_get(nic, SECRXCTRL) & SECRXCTRL_RX_DIS) &&
		 (rx->loopback || nic_link_up(nic));
	/* 8.2.3.8.8: RDRXCTL.CRCSTRIP has to say the same; the MAC is the one who does it. */
	rx->crc = hlreg0 & HLREG0_RXCRCSTRP ? 0 : ETH_CRC;
	max = hlreg0 & HLREG0_JUMBOEN ? MAXFRS_MFS(nic_get(nic, MAXFRS)) : 1518;
	rx->max = max < ETH_CRC ? 0 : max - ETH_CRC < NIC_FRAME_MAX ? max - ETH_CRC : NIC_FRAME_MAX;
	rx->report_hash = rxcsum & RXCSUM_PCSD;
	rx->sum_fragments = rxcsum & RXCSUM_IPPCSE;
	nic_filter_configure(nic);
}

void nic_rescan(struct nic *nic)
{
	nic->rescan = false;
	nic->receiver.burst++;
	configure(nic);
	nic_tx_configure(nic);
	for (uint32_t i = 0; i < NIC_QUEUES; i++) {
		nic_rx_look(nic, i);
		nic_tx_look(nic, i);
	}
}

void nic_rx_reset(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t burst = rx->burst;

	for (uint32_t i = 0; i < NIC_QUEUES; i++) {
		stop(nic, &nic->rx[i]);
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

	write_back(nic, q);
	frames = q->frames;
	if (q->enabled && q->head != q->published && nic_get(nic, RDH(queue)) == q->published) {
		q->published = q->head;
		nic_set(nic, RDH(queue), q->head);
	}
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

static void count_port(struct nic *nic, struct nic_receiver *rx)
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

	if (nic->rescan)
		nic_rescan(nic);
	/* Without bus mastering write-backs wait, and with them the counts of their frames. */
	for (uint32_t i = 0; i < NIC_QUEUES / 64 && nic->pci.master; i++) {
		while (rx->dirty[i]) {
			uint32_t bit = (uint32_t)__builtin_ctzll(rx->dirty[i]);

			rx->dirty[i] &= rx->dirty[i] - 1;
			frames += end_burst(nic, i * 64 + bit);
		}
	}
	if (rx->good.frames || rx->refused)
		count_port(nic, rx);
	nic->account.rx_missed += rx->missed;
	rx->missed = 0;

	rx->burst++;
	/* A queue may come without an access that we see: RXDCTL is in a page that drivers map. */
	for (uint32_t i = 0; i < NIC_SCAN; i++)
		nic_rx_look(nic, rx->scan++ % NIC_QUEUES);
	return frames;
}
