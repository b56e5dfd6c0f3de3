/* SPDX-License-Identifier: BSD-2-Clause */
/* The hot path of the 82599: packets in (datasheet 7.1) and packets out (7.2). */
#include "ixgbe.h"

static inline void ring_doorbell(
	struct ixgbe_device *dev, const struct ixgbe_queue *q, uint32_t value)
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
uint32_t ixgbe_rx_batch(
	struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t count)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->rx[queue];
	uint32_t next = q->next, done = 0, good = 0;

	while (done < count && q->ring[next].info & RXD_DD) {
		done++;
		next = next + 1 == q->size ? 0 : next + 1;
	}
	if (!done)
		return 0;

	dma_rmb(); /* DD before the packets */
	uint32_t fresh = pkt_buf_alloc_batch(q->pool, bufs, done);
	next = q->next;
	for (uint32_t i = 0; i < done; i++) {
		struct ixgbe_desc *desc = &q->ring[next];
		struct pkt_buf *buf = q->bufs[next];
		uint64_t info = desc->info;
		uint32_t length = RXD_LENGTH(info);

		/* Buffers hold the longest frame: one that goes on, or that is longer, is an error. */
		if (!(info & RXD_EOP) || q->skip || info & RXD_RXE || !length ||
			length > dev->room) {
			q->errors += !!(info & RXD_EOP);
		} else if (good == fresh) {
			q->no_buffer++;
		} else {
			buf->size = length;
			q->bufs[next] = bufs[good];
			bufs[good++] = buf;
		}
		q->skip = !(info & RXD_EOP);
		desc->addr = pkt_buf_iova(q->bufs[next]);
		desc->info = 0;
		next = next + 1 == q->size ? 0 : next + 1;
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
		q->clean = end + 1 == q->size ? 0 : end + 1;
	}
}

uint32_t ixgbe_tx_batch(
	struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t count)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixgbe_queue *q = &dev->tx[queue];
	const uint32_t min = 17, max = ixy->config.mtu + 18; /* the card pads from 17 bytes on */
	uint32_t first = q->next, next = first, last = first;

	ixgbe_reclaim(q);
	/* One descriptor stays unused: head == tail means that there is nothing to send. */
	uint32_t room = (q->clean > next ? 0 : q->size) + q->clean - next - 1;
	uint32_t taken = count < room ? count : room;

	for (uint32_t i = 0; i < taken; i++) {
		struct pkt_buf *buf = bufs[i];
		if (buf->size < min || buf->size > max) {
			pkt_buf_free(buf);
			continue;
		}
		q->ring[next].addr = pkt_buf_iova(buf);
		q->ring[next].info = TXD_DATA | buf->size | TXD_PAYLEN(buf->size);
		q->bufs[next] = buf;
		last = next;
		next = next + 1 == q->size ? 0 : next + 1;
	}
	if (next != first) {
		q->ring[last].info |= TXD_RS;
		q->batch_end[first] = last;
		q->next = next;
		ring_doorbell(dev, q, next);
	}
	return taken;
}
