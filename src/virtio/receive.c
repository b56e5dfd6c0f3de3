/* SPDX-License-Identifier: BSD-2-Clause */
/* The slow path of receiving, which both kinds of ring share: packets in several buffers, and errors. */
#include <ixy/pkt_buf.h>

#include "virtio.h"

/* A packet whose buffers are being collected: @left of them are still to come. */
struct partial {
	struct pkt_buf *first; /* NULL: none yet */
	int first_id;
	uint32_t left, size;
	bool good;
};

/* The first buffer begins with the header. */
static void begin_packet(const struct virtio_device *dev, const struct virtio_queue *q,
			 struct partial *p, int id, uint32_t length)
{
	p->first = q->bufs[id];
	p->first_id = id;
	p->size = length - dev->header;
	if (dev->merged)
		p->left = virtio_buffers(p->first);
	p->left += !p->left; /* a hostile count of 0 */
}

/* The others have no header: the frame continues where headers are. */
static void append_buffer(struct virtio_device *dev, struct virtio_queue *q, struct partial *p,
			  int id, uint32_t length)
{
	if (p->size + length <= q->room)
		memmove(virtio_frame(p->first) + p->size, virtio_frame(q->bufs[id]) - dev->header,
			length);
	else
		p->good = false;
	p->size += length;
	dev->ring->post(dev, q, id);
}

/*
 * 5.1.6.4.1: with VIRTIO_NET_F_MRG_RXBUF a packet may take several buffers; the first begins with the
 * header, whose num_buffers tells how many. Our packets are contiguous: what the other buffers hold is
 * copied behind the first, if it fits. Every descriptor gets its buffer back, or a fresh one.
 */
uint32_t virtio_rx_slow(struct virtio_device *dev, struct virtio_queue *q, struct pkt_buf **bufs)
{
	struct partial p = { .left = 1, .good = true };
	uint32_t length;
	int id;

	/* All buffers of a packet are there when the first one is. */
	for (; p.left && dev->ring->take(q, &id, &length); p.left--) {
		const uint32_t header = p.first ? 0 : dev->header;

		if (id < 0) { /* that descriptor would never come back */
			virtio_write(q->broken, true);
			return 0;
		}
		if (length < header || length - header > q->room + dev->header - header) {
			dev->ring->post(dev, q, id);
			if (!p.first)
				virtio_count(q->errors, 1);
			p.good = false;
		} else if (!p.first) {
			begin_packet(dev, q, &p, id, length);
		} else {
			append_buffer(dev, q, &p, id, length);
		}
	}
	if (!p.first)
		return 0;
	p.good &= !p.left && p.size && p.size <= q->room;
	if (p.good) {
		q->bufs[p.first_id] = q->pool->stack[--q->pool->free];
		pkt_buf_set(p.first, p.size);
		bufs[0] = p.first;
		virtio_count(q->bytes, p.size);
	} else {
		virtio_count(q->errors, 1);
	}
	dev->ring->post(dev, q, p.first_id);
	return p.good;
}

bool virtio_make_room(struct pkt_buf *buf)
{
	if (pkt_buf_room(buf) < buf->size + VIRTIO_HEADER)
		return false;
	buf->data = memmove((uint8_t *)(buf + 1) + VIRTIO_HEADER, buf->data, buf->size);
	return true;
}
