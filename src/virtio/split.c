/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Split rings (2.7). The driver puts the number of a descriptor into the available ring, the device
 * returns it by the used ring, perhaps in another order. A packet is one descriptor: its header is in
 * the head room of its buffer, right in front of it (VIRTIO_F_ANY_LAYOUT, VIRTIO_F_VERSION_1). Old
 * devices that lack both want the header in a descriptor of its own: then a packet has the
 * descriptors 2n and 2n + 1, which never change places.
 */
#include "virtio.h"

#define RING_ALIGN 4096
#define min(a, b)  ((a) < (b) ? (a) : (b))

typedef __virtio16 __attribute__((may_alias)) event_index;

/* 2.7.10, 2.7.7.1: with VIRTIO_RING_F_EVENT_IDX each ring ends with where the other side wants to hear
 * of it. */
#define used_event(q)  (q)->avail_ring->ring[(q)->size]
#define avail_event(q) (*(const event_index *)&(q)->used_ring->ring[(q)->size])

/* Legacy devices find the used ring behind the others, where a page of 4 KiB begins (2.7.2). */
static size_t split_bytes(uint16_t size, size_t *driver, size_t *device)
{
	*driver = size * sizeof(struct vring_desc);
	*device = (*driver + (3 + size) * sizeof(__virtio16) + RING_ALIGN - 1) & -RING_ALIGN;
	return *device + 3 * sizeof(__virtio16) + size * sizeof(struct vring_used_elem);
}

/* 2.7.7.1: with event index the flags stay 0. The event that was just passed is as far away as can be. */
static void disarm(const struct virtio_device *dev, struct virtio_queue *q)
{
	if (virtio_has(dev, VIRTIO_RING_F_EVENT_IDX))
		virtio_write(used_event(q), q->next - 1);
	else
		virtio_write(q->avail_ring->flags, VRING_AVAIL_F_NO_INTERRUPT);
}

static void split_init(const struct virtio_device *dev, struct virtio_queue *q)
{
	const bool receive = q->pool;

	for (uint16_t id = 0; id < q->size; id += q->stride) {
		const uint16_t flags = receive ? VRING_DESC_F_WRITE : 0;

		q->desc[id].flags = flags;
		q->desc[id].len = dev->header + (q->stride == 1 ? q->room : 0);
		if (q->stride == 1)
			continue;
		q->desc[id].flags |= VRING_DESC_F_NEXT;
		q->desc[id].next = id + 1;
		q->desc[id + 1].flags = flags;
		q->desc[id + 1].len = q->room;
	}
	disarm(dev, q);
}

static void split_notify_if_wanted(struct virtio_device *dev, struct virtio_queue *q, uint16_t old)
{
	bool wanted;

	virtio_mb(); /* our index before what the device wants to hear */
	if (virtio_has(dev, VIRTIO_RING_F_EVENT_IDX))
		wanted = vring_need_event(virtio_read(avail_event(q)), q->avail, old);
	else
		wanted = !(virtio_read(q->used_ring->flags) & VRING_USED_F_NO_NOTIFY);
	if (wanted)
		dev->transport->notify(dev, q);
}

/* 2.7.13: descriptors and entries before the index. */
static void split_publish_from(struct virtio_device *dev, struct virtio_queue *q, uint16_t old)
{
	dma_wmb();
	virtio_write(q->avail_ring->idx, q->avail);
	split_notify_if_wanted(dev, q, old);
}

static void split_publish(struct virtio_device *dev, struct virtio_queue *q)
{
	const uint16_t count = q->refilled;

	q->refilled = 0;
	if (count)
		split_publish_from(dev, q, q->avail - count);
}

/* In rings whose buffers come back in order the same ids are offered in the same places each time: a
 * cache line that is not written to stays with both processors. */
static void offer(struct vring_avail *ring, uint16_t place, uint16_t id)
{
	if (ring->ring[place] != id)
		ring->ring[place] = id;
}

static void split_post(const struct virtio_device *dev, struct virtio_queue *q, uint16_t id)
{
	q->desc[id].addr = (uintptr_t)virtio_frame(q->bufs[id]) + q->pool->to_iova - dev->header;
	if (q->stride > 1)
		q->desc[id + 1].addr = q->desc[id].addr + dev->header;
	offer(q->avail_ring, q->avail++ & (q->size - 1), id);
	q->refilled++;
}

/* How many buffers the device has given back. It cannot have more than the ring. */
static uint16_t used_count(struct virtio_queue *q)
{
	uint16_t count = virtio_read(q->used_ring->idx) - q->next;

	dma_rmb(); /* the index before the entries and the packets */
	if (__builtin_expect(count > q->size, 0))
		virtio_write(q->broken, true);
	return q->broken ? 0 : count;
}

static bool split_take(struct virtio_queue *q, int *id, uint32_t *length)
{
	if (!used_count(q))
		return false;

	const struct vring_used_elem *used = &q->used_ring->ring[q->next++ & (q->size - 1)];
	uint32_t number = virtio_read(used->id);

	*id = number < q->size && number % q->stride == 0 ? (int)number : -1;
	*length = virtio_read(used->len);
	return true;
}

static uint32_t split_rx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_rx_queue(dev, queue);
	const uint16_t mask = q->size - 1, first = q->next, avail = q->avail, stride = q->stride;
	const uint32_t header = dev->header, room = q->room;
	struct vring_avail *const avail_ring = q->avail_ring;
	const struct vring_used *const used_ring = q->used_ring;
	uint32_t count = used_count(q), i;
	uint64_t bytes = 0;

	if (!count)
		return 0;
	n = min(n, count);
	mempool_need(q->pool, n);
	n = min(n, q->pool->free);

	struct pkt_buf **fresh = q->pool->stack + q->pool->free;
	const uint64_t to_iova =
		q->pool->to_iova + sizeof(struct pkt_buf) + PKT_BUF_HEADROOM - header;

	for (i = 0; i < n; i++) {
		const struct vring_used_elem *used = &used_ring->ring[(first + i) & mask];
		const uint32_t id = virtio_read(used->id), length = virtio_read(used->len) - header;

		if (id > mask || id & (stride - 1) || length - 1 >= room)
			break;
		struct pkt_buf *buf = q->bufs[id];
		if (dev->merged && virtio_buffers(buf) != 1)
			break;
		pkt_buf_set(buf, length);
		bytes += length;
		bufs[i] = buf;
		q->bufs[id] = buf = *--fresh;
		q->desc[id].addr = (uintptr_t)buf + to_iova;
		if (stride > 1)
			q->desc[id + 1].addr = (uintptr_t)buf + to_iova + header;
		offer(avail_ring, (avail + i) & mask, id);
	}
	q->pool->free -= i;
	q->next = first + i;
	q->avail = avail + i;
	q->refilled += i;
	if (!i && n)
		i = virtio_rx_slow(dev, q, bufs);
	else if (!i)
		virtio_count(q->no_buffer, 1);
	else
		virtio_count(q->bytes, bytes);
	virtio_count(q->packets, i);
	if (q->armed) {
		q->armed = false;
		disarm(dev, q);
	}
	if (q->refilled >= min(VIRTIO_RUN, q->size / 4))
		split_publish(dev, q);
	return i;
}

/* Give back what the device has sent. */
static void split_reclaim(struct virtio_queue *q)
{
	const uint16_t mask = q->size - 1, ids_mask = q->size / q->stride - 1;
	uint32_t count = used_count(q), given = 0;
	struct pkt_buf *sent[VIRTIO_RUN];

	for (uint16_t i = 0; i < count; i++) {
		const uint16_t at = q->next + i;

		sent[given] = virtio_release(q, virtio_read(q->used_ring->ring[at & mask].id),
					     at & ids_mask);
		given += !!sent[given];
		if (given == VIRTIO_RUN || (given && i + 1u == count)) {
			pkt_buf_free_batch(sent, given);
			given = 0;
		}
	}
	q->next += count;
}

static uint32_t split_tx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_tx_queue(dev, queue);
	const uint16_t mask = q->size - 1, ids = q->size / q->stride, start = q->avail;
	const uint32_t max_size = ixy->config.mtu + 18;
	uint64_t bytes = 0;
	uint32_t done;

	if (virtio_should_reclaim(q, bufs, n))
		split_reclaim(q);
	if (q->broken)
		return 0;
	for (done = 0; done < n && q->free_ids; done++) {
		struct pkt_buf *buf = bufs[done];

		if (!virtio_prepare(buf, max_size)) {
			pkt_buf_free(buf);
			continue;
		}
		const uint16_t id = q->ids[q->avail & (ids - 1)];
		struct vring_desc *desc = &q->desc[id];
		desc->addr = pkt_buf_iova(buf) - dev->header;
		if (q->stride > 1) {
			desc[1].addr = pkt_buf_iova(buf);
			desc[1].len = buf->size;
		} else {
			desc->len = dev->header + buf->size;
		}
		bytes += buf->size;
		q->bufs[id] = buf;
		offer(q->avail_ring, q->avail++ & mask, id);
		q->free_ids--;
	}
	if (q->avail == start)
		return done;
	virtio_count(q->packets, (uint16_t)(q->avail - start));
	virtio_count(q->bytes, bytes);
	split_publish_from(dev, q, start);
	return done;
}

static void split_arm(const struct virtio_device *dev, struct virtio_queue *q)
{
	q->armed = true;
	if (virtio_has(dev, VIRTIO_RING_F_EVENT_IDX))
		virtio_write(used_event(q), q->next);
	else
		virtio_write(q->avail_ring->flags, 0);
	virtio_mb(); /* before the caller's last look at the ring */
}

static bool split_waiting(struct virtio_queue *q)
{
	return used_count(q);
}

/* A chain of three (2.6.5.3.1); there is only one at a time. */
static void split_command(struct virtio_device *dev, const struct virtio_segment part[3])
{
	struct virtio_queue *q = dev->control;

	for (uint16_t i = 0; i < 3; i++)
		q->desc[i] = (struct vring_desc){ part[i].iova, part[i].length,
						  i < 2 ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE,
						  i + 1 };
	q->avail_ring->ring[q->avail++ & (q->size - 1)] = 0;
	split_publish_from(dev, q, q->avail - 1);
}

static void split_command_done(struct virtio_queue *q)
{
	q->next++;
}

const struct virtio_ring virtio_split = {
	.bytes = split_bytes,
	.init = split_init,
	.post = split_post,
	.publish = split_publish,
	.take = split_take,
	.rx = split_rx,
	.tx = split_tx,
	.arm = split_arm,
	.waiting = split_waiting,
	.command = split_command,
	.command_done = split_command_done,
};
