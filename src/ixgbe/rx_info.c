/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive, and note what the card says of each packet (7.1.6.2). */
#include "extras.h"

#define STATUS_BITS                                                                                \
	(IXY_RX_VLAN | IXY_RX_L4_CHECKED | IXY_RX_IPV4_CHECKED | IXY_RX_L4_BAD | IXY_RX_IPV4_BAD)

/*
 * The card's words are in the descriptors, which ixgbe_rx_batch() gives back to the card: so they
 * are noted before that, in the buffers that the packets are in. Then it takes those packets, and no
 * other that may have come meanwhile.
 */
uint32_t ixgbe_rx_info(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct ixgbe_queue *q = &((struct ixgbe_device *)ixy)->rx[queue];
	const struct ixgbe_desc *desc = q->ring + q->next;
	struct pkt_buf **held = q->bufs + q->next;
	const uint32_t left = q->size - q->next, end = n < left ? n : left;
	uint64_t stamped = 0;
	uint32_t i;

	for (i = 0; i < end; i++) {
		uint64_t info = desc[i].info;
		if (!(info & RXD_DD))
			break;
		dma_rmb(); /* DD before the other word */
		uint64_t first = desc[i].addr;
		/* 3:0 is the type of the hash; without one, 63:32 is something else. */
		held[i]->status = (info & STATUS_BITS) | (first & 15) << IXY_RX_HASH_SHIFT |
				  (info & RXD_TS ? IXY_RX_TIME : 0);
		held[i]->hash = first & 15 ? first >> 32 : 0;
		held[i]->vlan = info >> 48;
		stamped |= info & RXD_TS;
	}
	n = ixgbe_rx_batch(ixy, queue, bufs, i);
	if (stamped)
		ixgbe_note_times((struct ixgbe_device *)ixy, bufs, n);
	return n;
}
