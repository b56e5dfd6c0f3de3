/* SPDX-License-Identifier: BSD-2-Clause */
/* Descriptor rings as the registers describe them, alike for both directions. */
#include "ring.h"

static uint64_t ring_base(const struct nic *nic, uint32_t queue)
{
	return (uint64_t)nic_get(nic, queue + QUEUE_BAH) << 32 |
	       (nic_get(nic, queue + QUEUE_BAL) & ~127u);
}

static uint32_t ring_size(const struct nic *nic, uint32_t queue)
{
	return (nic_get(nic, queue + QUEUE_LEN) & RDLEN_MASK) / sizeof(struct nic_desc);
}

enum nic_ring_change nic_ring_look(const struct nic *nic, uint32_t queue,
				   const struct nic_ring *ring)
{
	if (!(nic_get(nic, queue + QUEUE_CTL) & RXDCTL_ENABLE))
		return ring->enabled ? NIC_RING_STOPPED : NIC_RING_SAME;
	/* Off and on again between two looks at it shows in these registers only. */
	if (!ring->enabled || nic_get(nic, queue + QUEUE_HEAD) != ring->published ||
	    ring_base(nic, queue) != ring->base || ring_size(nic, queue) != ring->size)
		return NIC_RING_STARTED;
	return NIC_RING_SAME;
}

void nic_ring_start(const struct nic *nic, uint32_t queue, struct nic_ring *ring)
{
	const uint32_t head = nic_get(nic, queue + QUEUE_HEAD);

	*ring = (struct nic_ring){
		.enabled = true,
		.base = ring_base(nic, queue),
		.size = ring_size(nic, queue),
		.head = head,
		.published = head,
	};
	ring->usable = ring->head < ring->size;
}

void nic_ring_publish(struct nic *nic, uint32_t queue, struct nic_ring *ring)
{
	if (!ring->enabled || ring->head == ring->published ||
	    nic_get(nic, queue + QUEUE_HEAD) != ring->published)
		return;
	ring->published = ring->head;
	nic_set(nic, queue + QUEUE_HEAD, ring->head);
}
