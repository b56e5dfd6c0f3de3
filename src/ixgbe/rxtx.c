/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The hot path of the 82599: packets in (datasheet 7.1) and packets out (7.2).
 *
 * Both directions work on runs: descriptors next to each other, up to the ring's end. So the inner
 * loops do for a packet what has to be done for each, and nothing else. What they use of a queue is
 * copied to variables first: the compiler cannot know that writing a packet does not change it.
 */
#include "ixgbe.h"

#define RUN	  32 /* of smaller ones several share a doorbell (receive), a check (send) */
#define min(a, b) ((a) < (b) ? (a) : (b))

/*
 * 7.1.6.2: a descriptor with DD is the driver's. Its frame goes to the caller in its buffer, whose
 * place takes a fresh one. Nothing of the fresh one is read here: it may be far from the cache. The
 * frame itself, which the card has just written, is: it is fetched while the loop goes on.
 */
uint32_t ixgbe_rx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->rx[queue];
	struct ixgbe_desc *desc = q->ring + q->next;
	struct pkt_buf **held = q->bufs + q->next, **fresh = q->pool->stack + q->pool->free;
	const uint64_t to_iova = q->pool->to_iova + sizeof(struct pkt_buf) + PKT_BUF_HEADROOM;
	const uint32_t room = q->room, end = min(min(n, q->size - q->next), q->pool->free);
	uint64_t info = 0;
	uint32_t i;

	for (i = 0; i < end; i++, desc++) {
		struct pkt_buf *buf = held[i];

		info = desc->info;
		if ((info & (RXD_DD | RXD_EOP | RXD_RXE)) != (RXD_DD | RXD_EOP) ||
		    RXD_LENGTH(info) - 1 >= room)
			break;
		pkt_buf_set(buf, RXD_LENGTH(info));
		__builtin_prefetch(buf->data, 1);
		bufs[i] = buf;
		held[i] = buf = *--fresh;
		desc->addr = (uintptr_t)buf + to_iova;
		desc->info = 0;
	}
	n = i;
	q->pool->free -= n;
	mempool_need(q->pool, 1);
	if (!n && info & RXD_DD) {
		/* Damaged, or longer than a buffer, so that it goes on in the next one: the buffer
		 * stays, and there is no room for what follows. It counts when its end comes. */
		ixgbe_count(q->errors, !!(info & RXD_EOP));
		q->room = info & RXD_EOP ? dev->room : 0;
		desc->addr = (uintptr_t)held[0] + to_iova;
		desc->info = 0;
		i = 1;
	} else if (!n) {
		ixgbe_count(q->no_buffer, !q->pool->free && desc->info & RXD_DD);
		return 0;
	}
	dma_rmb(); /* DD before the packets */
	q->next = after(q, q->next, i);
	q->refilled += i;
	ixgbe_count(q->packets, n);
	/* The tail stays one behind: head == tail would mean that the card has no descriptors. */
	if (q->refilled >= RUN) {
		q->refilled = 0;
		ring_doorbell(dev, q, (q->next ? q->next : q->size) - 1);
	}
	return n;
}

/*
 * 7.2.3.5.1: the last descriptor of a run asks for a write-back (RS); DD in it says that all of the
 * run has been sent. Its buffers are of one pool, so that they go back together. A short run grows
 * by the next call.
 */
static void ixgbe_reclaim(struct ixgbe_queue *q)
{
	while (q->held) {
		uint32_t first = q->clean, n = q->run[first];
		if (!(q->ring[first + n - 1].info & TXD_DD))
			return;
		mempool_give(q->bufs[first]->pool, q->bufs + first, n);
		q->clean = after(q, first, n);
		q->held -= n;
	}
}

uint32_t ixgbe_tx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct ixgbe_queue *q = &((struct ixgbe_device *)ixy)->tx[queue];
	const uint32_t min_size = 17, range = ixy->config.mtu + 18 - min_size; /* the card pads */
	uint32_t done = 0, start = q->next, i;

	ixgbe_reclaim(q);
	/* One descriptor stays unused: head == tail means that there is nothing to send. */
	n = min(n, q->size - 1 - q->held);
	for (; done < n; done += i + !i) {
		struct ixgbe_desc *desc = q->ring + q->next;
		struct pkt_buf **from = bufs + done, **held = q->bufs + q->next;
		struct mempool *pool = from[0]->pool;
		const uint64_t to_iova = pool->to_iova;
		const uint32_t end = min(n - done, q->size - q->next);

		for (i = 0; i < end; i++, desc++) {
			struct pkt_buf *buf = from[i];
			uint32_t length = buf->size;

			if (length - min_size > range || buf->pool != pool)
				break;
			desc->addr = (uintptr_t)buf->data + to_iova;
			desc->info = TXD_DATA + TXD_SIZE(length);
			held[i] = buf;
		}
		if (!i) {
			pkt_buf_free_batch(from, 1);
			continue;
		}
		desc[-1].info |= TXD_RS;
		if (!q->held || !q->next || q->run[q->last] >= RUN ||
		    q->bufs[q->last]->pool != pool)
			q->run[q->last = q->next] = 0;
		q->run[q->last] += i;
		q->held += i;
		ixgbe_count(q->packets, i);
		q->next = after(q, q->next, i);
	}
	if (q->next != start)
		ring_doorbell((struct ixgbe_device *)ixy, q, q->next);
	return n;
}
