/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor rings (7.1.9, 7.2.3.3): where they are, and whether their queue is on. */
#ifndef RING_H
#define RING_H

#include "datapath.h"

/* 8.2.3.8, 8.2.3.9: registers of a queue, from its RDBAL or TDBAL on; these are alike. */
#define QUEUE_BAL  0x00
#define QUEUE_BAH  0x04
#define QUEUE_LEN  0x08
#define QUEUE_HEAD 0x10
#define QUEUE_TAIL 0x18
#define QUEUE_CTL  0x28 /* RXDCTL, TXDCTL */

/*
 * Functions take the @queue as the offset of its RDBAL or TDBAL.
 *
 * nic_ring_look(): what has become of the ring since the last look? The caller stops or starts its queue.
 */
enum nic_ring_change { NIC_RING_SAME, NIC_RING_STOPPED, NIC_RING_STARTED };
enum nic_ring_change nic_ring_look(const struct nic *nic, uint32_t queue,
				   const struct nic_ring *ring);

/** nic_ring_start() - 4.6.7.1, 4.6.8.1: ENABLE went up. Takes the ring from the registers. */
void nic_ring_start(const struct nic *nic, uint32_t queue, struct nic_ring *ring);

/** nic_ring_publish() - write the head to RDH or TDH, unless the queue was off since. */
void nic_ring_publish(struct nic *nic, uint32_t queue, struct nic_ring *ring);

/** nic_ring_advance() - the descriptor at the head is used. Return: did that finish a cache line? */
static inline bool nic_ring_advance(struct nic_ring *ring)
{
	if (++ring->head == ring->size)
		ring->head = 0;
	return ring->head % NIC_LINE == 0;
}

/** nic_ring_distance() - descriptors from the head to @tail, which is within the ring */
static inline uint32_t nic_ring_distance(const struct nic_ring *ring, uint32_t tail)
{
	return tail >= ring->head ? tail - ring->head : tail + ring->size - ring->head;
}

#endif
