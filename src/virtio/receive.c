/* SPDX-License-Identifier: BSD-2-Clause */
/* The slow path of receiving, which both kinds of ring share: packets in several buffers, and errors. */
#include <ixy/pkt_buf.h>

#include "virtio.h"

/*
 * 5.1.6.4.1: with VIRTIO_NET_F_MRG_RXBUF a packet may take several buffers; the first begins with the
 * header, whose num_buffers tells how many. Our packets are contiguous: what the other buffers hold is
 * copied behind the first, if it fits. Every descriptor gets its buffer back, or a fresh one.
 */
uint32_t virtio_rx_slow(struct virtio_device *dev, struct virtio_queue *q, struct pkt_buf **bufs)
{
	struct pkt_buf *first = NULL;
	uint32_t left = 1, size = 0, length;
	int id, first_id = -1;
	bool good = true;

	/* All buffers of a packet are there when the first one is. */
	for (; left && dev->ring->take(q, &id, &length); left--) {
		const uint32_t header = first ? 0 : dev->header;

		if (id < 0) { /* that descriptor would never come back */
			virtio_write(q->broken, true);
			return 0;
		}
		if (length < header || length - header > q->room + dev->header - header) {
			dev->ring->post(dev, q, id);
			if (!first)
				virtio_count(q->errors, 1);
			good = false;
			continue;
		}
		length -= header;
		if (!first) {
			first = q->bufs[id];
			first_id = id;
			size = length;
			if (dev->merged)
				left = virtio_buffers(first);
			left += !left; /* a hostile count of 0 */
			continue;
		}
		/* Those behind the first have no header: the frame goes on where headers are. */
		if (size + length <= q->room)
			memmove(virtio_frame(first) + size, virtio_frame(q->bufs[id]) - dev->header,
				length);
		else
			good = false;
		size += length;
		dev->ring->post(dev, q, id);
	}
	if (first_id < 0)
		return 0;
	good &= !left && size && size <= q->room;
	if (good) {
		q->bufs[first_id] = q->pool->stack[--q->pool->free];
		pkt_buf_set(first, size);
		bufs[0] = first;
		virtio_count(q->bytes, size);
	} else {
		virtio_count(q->errors, 1);
	}
	dev->ring->post(dev, q, first_id);
	return good;
}

bool virtio_make_room(struct pkt_buf *buf)
{
	if (pkt_buf_room(buf) < buf->size + VIRTIO_HEADER)
		return false;
	buf->data = memmove((uint8_t *)(buf + 1) + VIRTIO_HEADER, buf->data, buf->size);
	return true;
}
