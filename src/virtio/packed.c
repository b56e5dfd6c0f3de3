/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packed rings (2.8): driver and device write to the same descriptors. The driver makes one available
 * by setting its AVAIL bit to the wrap counter and its USED bit to the opposite; the device gives a
 * buffer back in the next place of the ring, perhaps not that of the buffer, by setting both bits to
 * the counter. The counter changes each time around the ring, so that no bit needs to be cleared.
 */
#include "virtio.h"

#define min(a, b) ((a) < (b) ? (a) : (b))
#define F_AVAIL	  (1 << VRING_PACKED_DESC_F_AVAIL)
#define F_USED	  (1 << VRING_PACKED_DESC_F_USED)

static uint16_t available(bool wrap)
{
	return wrap ? F_AVAIL : F_USED;
}

static bool is_used(uint16_t flags, bool wrap)
{
	return (flags & (F_AVAIL | F_USED)) == (wrap ? F_AVAIL | F_USED : 0);
}

static size_t packed_bytes(uint16_t size, size_t *driver, size_t *device)
{
	*driver = size * sizeof(struct vring_packed_desc);
	*device = *driver + sizeof(struct vring_packed_desc_event);
	return *device + sizeof(struct vring_packed_desc_event);
}

static void packed_init(const struct virtio_device *dev, struct virtio_queue *q)
{
	q->wrap = q->avail_wrap = true;
	q->in_order = virtio_has(dev, VIRTIO_F_IN_ORDER);
	q->driver_event->flags = VRING_PACKED_EVENT_FLAG_DISABLE;
}

/* Fill the next place; the flags, which make it available, are up to the caller. */
static struct vring_packed_desc *fill(struct virtio_queue *q, uint64_t iova, uint32_t length,
				      uint16_t id)
{
	struct vring_packed_desc *desc = &q->packed[q->avail];

	desc->addr = iova;
	desc->len = length;
	desc->id = id;
	if (++q->avail == q->size) {
		q->avail = 0;
		q->avail_wrap = !q->avail_wrap;
	}
	return desc;
}

/* Does the device want to hear of the last @count places (2.8.10)? */
static void packed_notify_if_wanted(struct virtio_device *dev, struct virtio_queue *q,
				    uint16_t count)
{
	virtio_mb(); /* our descriptors before what the device wants to hear */

	const uint16_t flags = virtio_read(q->device_event->flags);
	bool wanted = flags != VRING_PACKED_EVENT_FLAG_DISABLE;

	if (flags == VRING_PACKED_EVENT_FLAG_DESC) {
		dma_rmb();
		uint16_t event = virtio_read(q->device_event->off_wrap), place = event & 0x7FFF;
		/* As if the ring went on, one of the same size before this one. */
		if (event >> VRING_PACKED_EVENT_F_WRAP_CTR != q->avail_wrap)
			place -= q->size;
		wanted = vring_need_event(place, q->avail, q->avail - count);
	}
	if (wanted)
		dev->transport->notify(dev, q);
}

/*
 * 2.8.21: all of a batch is written before the flags of its first place are: so one barrier does.
 * The device cannot get past the first to the others.
 */
static void packed_publish_from(struct virtio_device *dev, struct virtio_queue *q,
				struct vring_packed_desc *first, uint16_t flags, uint16_t count)
{
	dma_wmb();
	virtio_write(first->flags, flags);
	packed_notify_if_wanted(dev, q, count);
}

static void packed_publish(struct virtio_device *dev, struct virtio_queue *q)
{
	const uint16_t count = q->refilled;

	q->refilled = 0;
	if (count)
		packed_publish_from(dev, q, q->unpublished, q->unpublished_flags, count);
}

/* A device that lies can make us post more than the ring has places before it is told. */
static void packed_post(const struct virtio_device *dev, struct virtio_queue *q, uint16_t id)
{
	const uint64_t iova = (uintptr_t)virtio_frame(q->bufs[id]) + q->pool->to_iova;
	const uint16_t flags = available(q->avail_wrap) | VRING_DESC_F_WRITE;
	struct vring_packed_desc *desc = fill(q, iova - dev->header, dev->header + q->room, id);

	if (q->refilled++) { /* the flags of the first come last */
		virtio_write(desc->flags, flags);
	} else {
		q->unpublished = desc;
		q->unpublished_flags = flags;
	}
}

static inline bool next_is_used(struct virtio_queue *q)
{
	bool used = is_used(virtio_read(q->packed[q->next].flags), q->wrap);

	dma_rmb(); /* the flags before the rest, and before the packet */
	return used;
}

static bool packed_waiting(struct virtio_queue *q)
{
	return !q->broken && next_is_used(q);
}

static inline void pass(struct virtio_queue *q)
{
	if (++q->next == q->size) {
		q->next = 0;
		q->wrap = !q->wrap;
	}
}

static bool packed_take(struct virtio_queue *q, int *id, uint32_t *length)
{
	const struct vring_packed_desc *desc = &q->packed[q->next];

	if (!packed_waiting(q))
		return false;
	const uint16_t number = virtio_read(desc->id);
	*id = number < q->size ? number : -1;
	*length = virtio_read(desc->len);
	pass(q);
	return true;
}

/* In order: the device has passed over the buffers in front of @id and so says that they are full to
 * their end. No frame is that long; they go back to it. */
static void pass_over(const struct virtio_device *dev, struct virtio_queue *q, uint16_t id)
{
	while (q->next != id) {
		const uint16_t unused = q->next;

		pass(q);
		packed_post(dev, q, unused);
		virtio_count(q->errors, 1);
	}
}

static uint32_t packed_rx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_rx_queue(dev, queue);
	const uint32_t header = dev->header, room = q->room;
	uint64_t bytes = 0;
	uint32_t i;

	if (!packed_waiting(q))
		return 0;
	mempool_need(q->pool, n);
	n = min(n, q->pool->free);
	for (i = 0; i < n && next_is_used(q); i++) {
		const struct vring_packed_desc *desc = &q->packed[q->next];
		const uint32_t id = virtio_read(desc->id), length = virtio_read(desc->len) - header;

		if (id >= q->size || length - 1 >= room)
			break;
		if (q->in_order && id != q->next)
			pass_over(dev, q, id);
		struct pkt_buf *buf = q->bufs[id];
		if (dev->merged && virtio_buffers(buf) != 1)
			break;
		pkt_buf_set(buf, length);
		bytes += length;
		bufs[i] = buf;
		q->bufs[id] = q->pool->stack[--q->pool->free];
		pass(q);
		packed_post(dev, q, id);
	}
	if (!i && n)
		i = virtio_rx_slow(dev, q, bufs);
	else if (!i)
		virtio_count(q->no_buffer, 1);
	else
		virtio_count(q->bytes, bytes);
	virtio_count(q->packets, i);
	if (q->armed) {
		q->armed = false;
		virtio_write(q->driver_event->flags, VRING_PACKED_EVENT_FLAG_DISABLE);
	}
	if (q->refilled >= min(VIRTIO_RUN, q->size / 4))
		packed_publish(dev, q);
	return i;
}

/* Give back what the device has sent. */
static void packed_reclaim(struct virtio_queue *q)
{
	struct pkt_buf *sent[VIRTIO_RUN];
	uint32_t given = 0;

	if (q->broken)
		return;
	/* A device that writes nonsense could keep us busy: not more often than around the ring. */
	for (uint16_t i = 0; i < q->size && next_is_used(q); i++) {
		const uint16_t last = virtio_read(q->packed[q->next].id);
		uint16_t id;
		if (last >= q->size || !q->bufs[last]) {
			virtio_write(q->broken, true);
			break;
		}
		do {
			id = q->in_order ? q->next : last;
			sent[given] = virtio_release(q, id, q->next);
			given += !!sent[given];
			pass(q);
			if (given == VIRTIO_RUN) {
				pkt_buf_free_batch(sent, given);
				given = 0;
			}
		} while (id != last && !q->broken);
	}
	pkt_buf_free_batch(sent, given);
}

static uint32_t packed_tx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_tx_queue(dev, queue);
	const uint32_t max_size = ixy->config.mtu + 18;
	struct vring_packed_desc *first = NULL;
	uint16_t first_flags = 0, count = 0;
	uint64_t bytes = 0;
	uint32_t done;

	if (virtio_should_reclaim(q, bufs, n))
		packed_reclaim(q);
	if (q->broken)
		return 0;
	for (done = 0; done < n && q->free_ids; done++) {
		struct pkt_buf *buf = bufs[done];

		if (!virtio_prepare(buf, max_size)) {
			pkt_buf_free(buf);
			continue;
		}
		const uint16_t id = q->ids[q->avail], flags = available(q->avail_wrap);
		struct vring_packed_desc *desc =
			fill(q, pkt_buf_iova(buf) - dev->header, dev->header + buf->size, id);
		bytes += buf->size;
		q->bufs[id] = buf;
		q->free_ids--;
		if (count++) {
			virtio_write(desc->flags, flags);
		} else {
			first = desc;
			first_flags = flags;
		}
	}
	if (!count)
		return done;
	virtio_count(q->packets, count);
	virtio_count(q->bytes, bytes);
	packed_publish_from(dev, q, first, first_flags, count);
	return done;
}

static void packed_arm(const struct virtio_device *dev, struct virtio_queue *q)
{
	const bool at_place = virtio_has(dev, VIRTIO_RING_F_EVENT_IDX);

	q->armed = true;
	virtio_write(q->driver_event->off_wrap, q->next | q->wrap << VRING_PACKED_EVENT_F_WRAP_CTR);
	dma_wmb();
	virtio_write(q->driver_event->flags,
		     at_place ? VRING_PACKED_EVENT_FLAG_DESC : VRING_PACKED_EVENT_FLAG_ENABLE);
	virtio_mb(); /* before the caller's last look at the ring */
}

/* A chain of three (2.6.5.3.1); there is only one at a time. It comes back as one. */
static void packed_command(struct virtio_device *dev, const struct virtio_segment part[3])
{
	struct virtio_queue *q = dev->control;
	struct vring_packed_desc *first = NULL;
	uint16_t first_flags = 0;

	for (int i = 0; i < 3; i++) {
		const uint16_t flags =
			available(q->avail_wrap) | (i < 2 ? VRING_DESC_F_NEXT : VRING_DESC_F_WRITE);
		struct vring_packed_desc *desc = fill(q, part[i].iova, part[i].length, 0);

		if (i) {
			virtio_write(desc->flags, flags);
		} else {
			first = desc;
			first_flags = flags;
		}
	}
	packed_publish_from(dev, q, first, first_flags, 3);
}

static void packed_command_done(struct virtio_queue *q)
{
	for (int i = 0; i < 3; i++)
		pass(q);
}

const struct virtio_ring virtio_packed = {
	.bytes = packed_bytes,
	.init = packed_init,
	.post = packed_post,
	.publish = packed_publish,
	.take = packed_take,
	.rx = packed_rx,
	.tx = packed_tx,
	.arm = packed_arm,
	.waiting = packed_waiting,
	.command = packed_command,
	.command_done = packed_command_done,
};
