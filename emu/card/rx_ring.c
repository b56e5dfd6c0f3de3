/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive queues (7.1.9): on and off, descriptors fetched ahead, up to NIC_FETCH, and written back a
 * cache line at a time, so that card and driver do not pull a line back and forth for each packet.
 */
#include "rx_ring.h"

/* The queue no longer writes to memory: what has not been written back is lost. */
void nic_rx_queue_stop(struct nic *nic, struct nic_rx_queue *q)
{
	nic->receiver.missed += q->staged_frames + (q->rsc.open ? q->rsc.frames : 0);
	q->rsc.open = false;
	q->ring.enabled = q->ring.usable = q->faulted = false;
	q->used = q->fetched = q->written = q->left = 0;
	q->staged_frames = 0;
	q->staged_bytes = 0;
}

static void rx_queue_start(struct nic *nic, uint32_t queue)
{
	static const uint8_t coalesced[4] = { 1, 4, 8, 16 };
	const uint32_t rscctl = nic_get(nic, RSCCTL(queue));
	struct nic_rx_queue *q = &nic->rx[queue];
	uint32_t srrctl = nic_get(nic, SRRCTL(queue));

	nic_rx_queue_stop(nic, q);
	nic_ring_start(nic, RDBAL(queue), &q->ring);
	q->legacy = SRRCTL_DESCTYPE(srrctl) == SRRCTL_DESCTYPE_LEGACY;
	q->always_split = SRRCTL_DESCTYPE(srrctl) == SRRCTL_DESCTYPE_ADV_SPLIT_ALWAYS;
	q->split = SRRCTL_DESCTYPE(srrctl) == SRRCTL_DESCTYPE_ADV_SPLIT || q->always_split;
	q->header_size = SRRCTL_BSIZEHEADER(srrctl);
	q->buffer_size = SRRCTL_BSIZEPACKET(srrctl);
	q->ring.usable &= q->buffer_size != 0;
	q->coalesce = rscctl & RSCCTL_RSCEN && !(nic_get(nic, RFCTL) & RFCTL_RSC_DIS) &&
		      !q->legacy && !q->split;
	q->rsc.limit = coalesced[RSCCTL_MAXDESC(rscctl)];
}

void nic_rx_look(struct nic *nic, uint32_t queue)
{
	switch (nic_ring_look(nic, RDBAL(queue), &nic->rx[queue].ring)) {
	case NIC_RING_SAME:
		return;
	case NIC_RING_STOPPED:
		nic_rx_queue_stop(nic, &nic->rx[queue]);
		return;
	case NIC_RING_STARTED:
		rx_queue_start(nic, queue);
	}
}

void nic_rx_read_tail(struct nic *nic, uint32_t queue, struct nic_rx_queue *q)
{
	uint32_t tail = nic_get_tail(nic, RDT(queue));

	if (!nic->pci.master)
		q->left = 0; /* all waits until the card may reach memory */
	else if (tail < q->ring.size)
		q->left = nic_ring_distance(&q->ring, tail);
	else
		q->ring.usable = false;
}

/* The ring is out of reach; see dma.c. Staged descriptors are lost. */
static void rx_queue_halt(struct nic *nic, struct nic_rx_queue *q)
{
	nic->receiver.missed += q->staged_frames;
	q->ring.usable = false;
	q->faulted = true;
}

/* Status goes last: a driver that sees DD sees the rest, and the packet. */
void nic_rx_write_back(struct nic *nic, struct nic_rx_queue *q)
{
	uint32_t count = q->used - q->written;
	uint32_t first = (q->ring.head ? q->ring.head : q->ring.size) - count;
	struct nic_desc *desc = NULL;

	if (!count || !nic->pci.master)
		return;
	if (likely(!q->faulted))
		desc = nic_dma(nic, q->ring.base + first * sizeof(*desc), count * sizeof(*desc),
			       true);
	if (unlikely(!desc)) {
		rx_queue_halt(nic, q);
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
void nic_rx_fetch(struct nic *nic, struct nic_rx_queue *q)
{
	uint32_t ahead = q->fetched - q->used;
	uint32_t count = q->left < NIC_FETCH ? q->left : NIC_FETCH;

	while (ahead < count) {
		uint32_t at = q->ring.head + ahead;
		uint32_t part = NIC_LINE - at % NIC_LINE;
		const struct nic_desc *desc;

		at -= at >= q->ring.size ? q->ring.size : 0;
		if (part > count - ahead)
			part = count - ahead;
		desc = nic_dma(nic, q->ring.base + at * sizeof(*desc), part * sizeof(*desc), false);
		if (unlikely(!desc)) {
			nic_rx_write_back(nic, q);
			rx_queue_halt(nic, q);
			return;
		}
		nic_prefetch_write(desc + 2 * NIC_LINE);
		ahead += part;
		for (; part; part--, desc++) {
			/* Both formats begin with the address of the packet buffer. */
			uint64_t iova = __atomic_load_n(&desc->lo, __ATOMIC_RELAXED);
			const uint8_t *buffer = nic_peek(nic, iova, 64, true);

			if (unlikely(q->split))
				q->fetch_header[q->fetched % NIC_FETCH] =
					__atomic_load_n(&desc->hi, __ATOMIC_RELAXED) & ~1ull;
			q->fetch[q->fetched++ % NIC_FETCH] = iova;
			if (likely(buffer))
				nic_prefetch_write(buffer);
		}
	}
}
