/* SPDX-License-Identifier: BSD-2-Clause */
/* Send queues: on and off, and their descriptors, a cache line at a time. */
#include "tx_internal.h"

static void remove_active(struct nic_sender *tx, uint32_t queue)
{
	uint32_t i = 0;

	while (i < tx->active_count && tx->active[i] != queue)
		i++;
	if (i == tx->active_count)
		return;
	memmove(tx->active + i, tx->active + i + 1, tx->active_count - i - 1);
	tx->active_count--;
}

static void tx_queue_stop(struct nic *nic, uint32_t queue)
{
	struct nic_sender *tx = &nic->sender;

	nic->tx[queue].ring.enabled = nic->tx[queue].ring.usable = false;
	remove_active(tx, queue);
	if (tx->tso.active && tx->tso.queue == queue)
		tx->tso.active = false;
}

static void tx_queue_start(struct nic *nic, uint32_t queue)
{
	struct nic_sender *tx = &nic->sender;
	struct nic_tx_queue *q = &nic->tx[queue];

	tx_queue_stop(nic, queue);
	memset(q, 0, sizeof(*q));
	nic_ring_start(nic, TDBAL(queue), &q->ring);
	if (q->ring.usable)
		tx->active[tx->active_count++] = (uint8_t)queue;
	else
		nic->account.tx_bad++;
}

void nic_tx_look(struct nic *nic, uint32_t queue)
{
	switch (nic_ring_look(nic, TDBAL(queue), &nic->tx[queue].ring)) {
	case NIC_RING_SAME:
		return;
	case NIC_RING_STOPPED:
		tx_queue_stop(nic, queue);
		return;
	case NIC_RING_STARTED:
		tx_queue_start(nic, queue);
	}
}

/* The queue stays idle until it is enabled again. */
void nic_tx_halt(struct nic *nic, uint32_t queue)
{
	tx_queue_stop(nic, queue);
	nic->tx[queue].ring.enabled = true;
}

/* Bring the frames of the next line's descriptors here, and a line further on. */
static void look_ahead(struct nic *nic, const struct nic_desc *line)
{
	for (uint32_t i = NIC_LINE; i < 2 * NIC_LINE; i++) {
		uint64_t iova = __atomic_load_n(&line[i].lo, __ATOMIC_RELAXED);
		const uint8_t *frame = nic_peek(nic, iova, 64, false);

		if (frame)
			nic_prefetch(frame);
	}
	nic_prefetch_write(line + 3 * NIC_LINE);
}

bool nic_tx_enter(struct nic *nic, struct nic_visit *v)
{
	uint32_t at = v->q->ring.head - v->q->ring.head % NIC_LINE;

	v->line = nic_tx_line(nic, v, at);
	if (unlikely(!v->line))
		return false;
	/* Reads ahead stay within the ring and its memory; what they find is only a hint. */
	if (at + 2 * NIC_LINE <= v->q->ring.size &&
	    nic_peek(nic, v->q->ring.base + at * sizeof(struct nic_desc),
		     2 * NIC_LINE * sizeof(struct nic_desc), false))
		look_ahead(nic, v->line);
	return true;
}

bool nic_tx_use_many(struct nic *nic, struct nic_visit *v, uint32_t count, uint64_t report)
{
	for (uint32_t i = 0; i < count; i++) {
		if (!v->line && !nic_tx_enter(nic, v))
			return false;
		nic_tx_use(v, report >> i & 1);
	}
	return true;
}

/* ---- Frames ---- */

void nic_tx_finish(struct nic *nic, struct nic_visit *v, uint32_t length, bool crc)
{
	struct nic_sender *tx = &nic->sender;
	uint8_t *frame = tx->frame;

	if (!crc) {
		/* The last four bytes are the driver's CRC; a receiver would drop a frame with a wrong one. */
		uint32_t driver_crc;

		if (length < ETH_HEADER + ETH_CRC) {
			nic->account.tx_bad++;
			return;
		}
		length -= ETH_CRC;
		memcpy(&driver_crc, frame + length, ETH_CRC);
		if (driver_crc != nic_crc32(frame, length)) {
			nic->account.tx_bad++;
			return;
		}
	} else if (length < ETH_FRAME_MIN && tx->pad) {
		memset(frame + length, 0, ETH_FRAME_MIN - length);
		length = ETH_FRAME_MIN;
	}
	if (length > NIC_FRAME_MAX) { /* an inserted tag was too much */
		nic->account.tx_bad++;
		return;
	}
	nic_tx_put(nic, v, frame, length);
}
