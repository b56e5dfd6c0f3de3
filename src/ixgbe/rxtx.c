/* SPDX-License-Identifier: BSD-2-Clause */
/* The hot path of the 82599: packets in (datasheet 7.1) and packets out (7.2). */
#include "ixgbe.h"

#define after(q, i) ((i) + 1 == (q)->size ? 0 : (i) + 1)

static inline void ring_doorbell(struct ixgbe_device *dev, struct ixgbe_queue *q, uint32_t value)
{
	dma_wmb(); /* descriptors before the doorbell */
	if (q->tail)
		*q->tail = value;
	else
		ixgbe_write(dev, q->reg + Q_TAIL, value);
}

/*
 * 7.1.6.2: a descriptor with DD is the driver's. Its packet goes to the caller and a fresh buffer
 * into its place; a packet that cannot be delivered leaves its buffer where it is.
 */
uint32_t ixgbe_rx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->rx[queue];
	uint32_t next = q->next, done = 0, good = 0;

	for (; done < n && q->ring[next].info & RXD_DD; done++)
		next = after(q, next);
	if (!done)
		return 0;

	dma_rmb(); /* DD before the packets */
	uint32_t fresh = pkt_buf_alloc_batch(q->pool, bufs, done);
	for (next = q->next; done; done--, next = after(q, next)) {
		struct pkt_buf *buf = q->bufs[next];
		uint64_t info = q->ring[next].info;
		uint32_t length = RXD_LENGTH(info);

		/* Buffers hold the longest frame: one that goes on, or that is longer, is an error. */
		if (!(info & RXD_EOP) || q->skip || info & RXD_RXE || length - 1 >= dev->room) {
			q->errors += !!(info & RXD_EOP);
		} else if (good == fresh) {
			q->no_buffer++;
		} else {
			buf->size = length;
			q->bufs[next] = bufs[good];
			bufs[good++] = buf;
		}
		q->skip = !(info & RXD_EOP);
		q->ring[next].addr = pkt_buf_iova(q->bufs[next]);
		q->ring[next].info = 0;
	}
	pkt_buf_free_batch(bufs + good, fresh - good);
	q->next = next;
	/* The tail stays one behind: head == tail would mean that the card has no descriptors. */
	ring_doorbell(dev, q, next ? next - 1 : q->size - 1);
	return good;
}

/* 7.2.3.5.1: the last descriptor of a batch asks for a write-back (RS); DD in it says that all of
 * the batch has been sent. */
static void ixgbe_reclaim(struct ixgbe_queue *q)
{
	while (q->clean != q->next) {
		uint32_t end = q->batch_end[q->clean];
		if (!(q->ring[end].info & TXD_DD))
			return;
		if (end < q->clean) { /* the batch wraps */
			pkt_buf_free_batch(q->bufs + q->clean, q->size - q->clean);
			q->clean = 0;
		}
		pkt_buf_free_batch(q->bufs + q->clean, end + 1 - q->clean);
		q->clean = after(q, end);
	}
}

uint32_t ixgbe_tx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->tx[queue];
	const uint32_t min = 17, max = ixy->config.mtu + 18; /* the card pads from 17 bytes on */
	uint32_t first = q->next, next = first, last = first;

	ixgbe_reclaim(q);
	/* One descriptor stays unused: head == tail means that there is nothing to send. */
	uint32_t room = (q->clean > next ? 0 : q->size) + q->clean - next - 1;
	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++) {
		struct pkt_buf *buf = bufs[i];
		if (buf->size < min || buf->size > max) {
			pkt_buf_free(buf);
			continue;
		}
		q->ring[next].addr = pkt_buf_iova(buf);
		q->ring[next].info = TXD_DATA | buf->size | TXD_PAYLEN(buf->size);
		q->bufs[next] = buf;
		last = next;
		next = after(q, next);
	}
	if (next != first) {
		q->ring[last].info |= TXD_RS;
		q->batch_end[first] = last;
		q->next = next;
		ring_doorbell(dev, q, next);
	}
	return n;
}
