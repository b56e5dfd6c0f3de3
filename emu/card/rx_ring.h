/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive queues: what rx.c does with their descriptors. */
#ifndef RX_RING_H
#define RX_RING_H

#include "ring.h"

void nic_rx_queue_stop(struct nic *nic, struct nic_rx_queue *q);
/** nic_rx_look() - notice what became of ENABLE. */
void nic_rx_look(struct nic *nic, uint32_t queue);
/** nic_rx_read_tail() - see how many descriptors there are. */
void nic_rx_read_tail(struct nic *nic, uint32_t queue, struct nic_rx_queue *q);
/** nic_rx_fetch() - read descriptors ahead, and bring their buffers here. */
void nic_rx_fetch(struct nic *nic, struct nic_rx_queue *q);
/** nic_rx_write_back() - tell the driver of all that is staged. */
void nic_rx_write_back(struct nic *nic, struct nic_rx_queue *q);

/** nic_rx_available() - are the next @count descriptors in the card? Sees whether there are more. */
static inline bool nic_rx_available(struct nic *nic, uint32_t queue, struct nic_rx_queue *q,
				    uint32_t count)
{
	if (unlikely(q->left < count)) {
		nic_rx_read_tail(nic, queue, q);
		if (!q->ring.usable || q->left < count)
			return false;
	}
	if (unlikely(q->fetched - q->used < count)) {
		nic_rx_fetch(nic, q);
		return !q->faulted && q->fetched - q->used >= count;
	}
	return true;
}

/** nic_rx_use() - the descriptor at the head is done, and becomes @desc. */
static inline void nic_rx_use(struct nic *nic, struct nic_rx_queue *q, struct nic_desc desc)
{
	q->stage[q->ring.head % NIC_LINE] = desc;
	q->used++;
	q->left--;
	if (nic_ring_advance(&q->ring)) {
		nic_rx_write_back(nic, q);
		if (likely(!q->faulted))
			nic_rx_fetch(nic, q);
	}
}

#endif
