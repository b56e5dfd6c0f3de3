/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues: how many and how large, the memory of their rings, and the buffers in them. */
#include <ixy/pkt_buf.h>

#include "virtio.h"

#define SIZE_DEFAULT	512
#define SIZE_MIN	4
#define SIZE_MAX_RING	32768 /* 2.7, 2.8.10.1 */
#define SIZE_CONTROL	64
#define BUFFERS_DEFAULT 4096
#define RING_ALIGN	4096	     /* what legacy devices can name (4.1.5.1.3.1) */
#define FRAME(mtu)	((mtu) + 18) /* with header and VLAN tag */

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool power_of_two(uint32_t n)
{
	return !(n & (n - 1));
}

/* The size of a queue: what was asked for or usual, and the device has. Rounded down for a split ring. */
static uint32_t virtio_ring_size(const struct virtio_device *dev, uint32_t given, uint32_t max)
{
	uint32_t size = least(given ?: SIZE_DEFAULT, least(max, SIZE_MAX_RING));

	if (dev->transport->fixed_sizes)
		size = max;
	while (dev->ring == &virtio_split && !power_of_two(size))
		size &= size - 1;
	return size;
}

/* What was asked for, within what the device has. */
int virtio_configure_queues(struct virtio_device *dev)
{
	struct ixy_config *c = &dev->ixy.config;
	const uint32_t rx_max = dev->transport->queue_size(dev, 0);
	const uint32_t tx_max = dev->transport->queue_size(dev, 1);
	const uint32_t pairs = c->rx_queues > c->tx_queues ? c->rx_queues : c->tx_queues;
	const uint32_t rx_given = c->rx_ring, tx_given = c->tx_ring;

	if (least(rx_max, tx_max) < SIZE_MIN)
		return ixy_fail(
			EIO,
			"%s: the device's first queues have %u and %u descriptors (queue_size); "
			"they need %d",
			virtio_address(dev), rx_max, tx_max, SIZE_MIN);
	c->rx_ring = virtio_ring_size(dev, rx_given, rx_max);
	c->tx_ring = virtio_ring_size(dev, tx_given, tx_max);
	/* Enough for these rings and for another card's that sends what we receive. */
	const uint32_t rings = 2 * (c->rx_ring + c->tx_ring);
	c->buffers = c->buffers ?: rings > BUFFERS_DEFAULT ? rings : BUFFERS_DEFAULT;
	c->mtu = c->mtu ?: least(VIRTIO_MTU, dev->max_mtu);
	const struct ixy_limit limits[] = {
		{ "queue pairs", pairs, 1, dev->max_pairs, 1,
		  "the device has no more (max_virtqueue_pairs, 5.1.4)" },
		{ "descriptors in a receive ring", rx_given ?: c->rx_ring, SIZE_MIN,
		  least(rx_max, SIZE_MAX_RING), 1, "the device has no more (queue_size)" },
		{ "descriptors in a send ring", tx_given ?: c->tx_ring, SIZE_MIN,
		  least(tx_max, SIZE_MAX_RING), 1, "the device has no more (queue_size)" },
		{ "buffers", c->buffers, c->rx_ring + c->tx_ring, 1 << 20, 1,
		  "they fill both rings, and a pool has at most 4 GiB" },
		{ "bytes of MTU", c->mtu, 68, dev->max_mtu, 1, "the device says so (mtu, 5.1.4)" },
	};

	if (c->vlan_strip || c->timestamps || c->tx_offload || c->flow_rules)
		return ixy_fail(
			ENOTSUP,
			"%s: a virtio-net device has no VLAN stripping, timestamps, transmit "
			"offloads and flow rules here",
			virtio_address(dev));
	if (c->rss_symmetric)
		return ixy_fail(EINVAL,
				"%s: a virtio-net device spreads packets as it likes: "
				"symmetric RSS is not possible",
				virtio_address(dev));
	/* The device spreads over the receive queues of all pairs. */
	c->rx_queues = c->tx_queues = dev->pairs = pairs;
	int err = ixy_check_limits(virtio_address(dev), limits, sizeof(limits) / sizeof(*limits))
			  ?: ixy_check_memory(virtio_address(dev), c);
	if (!err && dev->ring == &virtio_split &&
	    !(power_of_two(rx_given) && power_of_two(tx_given)))
		return ixy_fail(
			EINVAL,
			"%s: rings of %u and %u descriptors are not possible: the device has "
			"split rings, with powers of two",
			virtio_address(dev), rx_given, tx_given);
	return err;
}

/*
 * A used ring's entries of 8 bytes come behind the first 4 (2.7.8): it begins so that none of them
 * crosses a page. QEMU's devices behind an IOMMU would write the rest of that to a wrong one. Legacy
 * devices find the ring where it has to be (2.7.2).
 */
static size_t ring_layout(const struct virtio_device *dev, uint16_t size, size_t *driver,
			  size_t *device)
{
	const size_t shift = dev->ring == &virtio_split && !dev->transport->fixed_sizes ? 4 : 0;
	const size_t bytes = dev->ring->bytes(size, driver, device);

	*device += shift;
	return (bytes + shift + RING_ALIGN - 1) & -RING_ALIGN;
}

/* A queue's descriptors, and the parts beside them, begin at @at in the memory for rings. */
static void place(struct virtio_device *dev, struct virtio_queue *q, size_t at)
{
	size_t driver, device;

	q->ring_bytes = ring_layout(dev, q->size, &driver, &device);
	q->desc = (void *)((uint8_t *)dev->rings.virt + at);
	q->avail_ring = (void *)((uint8_t *)q->desc + driver);
	q->used_ring = (void *)((uint8_t *)q->desc + device);
	q->desc_iova = dev->rings.iova + at;
	q->driver_iova = q->desc_iova + driver;
	q->device_iova = q->desc_iova + device;
}

static int virtio_allocate_queue(struct virtio_device *dev, uint32_t i)
{
	const struct ixy_config *c = &dev->ixy.config;
	const uint32_t mtu = c->mtu > VIRTIO_MTU ? c->mtu : VIRTIO_MTU; /* as devices expect */
	const bool any_layout =
		dev->features & (virtio_bit(VIRTIO_F_ANY_LAYOUT) | virtio_bit(VIRTIO_F_VERSION_1));
	const bool control = i == 2u * dev->pairs, receive = !control && i % 2 == 0;
	struct virtio_queue *q = &dev->queues[i];

	/* 5.1.2: the control queue comes behind all pairs that the device has. */
	q->index = control ? 2 * dev->max_pairs : i;
	q->stride = any_layout || control ? 1 : 2;
	q->size = virtio_ring_size(dev,
				   control   ? SIZE_CONTROL
				   : receive ? c->rx_ring
					     : c->tx_ring,
				   dev->transport->queue_size(dev, q->index));
	if (q->size < SIZE_MIN)
		return ixy_fail(EIO, "%s: the device has no queue %u", virtio_address(dev),
				q->index);
	q->bufs = calloc(q->size, sizeof(*q->bufs));
	q->ids = calloc(q->size, sizeof(*q->ids));
	if (!q->bufs || !q->ids)
		return ixy_fail(ENOMEM, "%s: out of memory", virtio_address(dev));
	int err = receive ? mempool_create(&q->pool, c->buffers, FRAME(mtu)) : 0;
	q->room = q->pool ? mempool_data_size(q->pool) : 0;
	return err;
}

/* A pool for each receive queue, and one block of memory for all rings. */
int virtio_allocate_queues(struct virtio_device *dev)
{
	size_t bytes = 0, unused;
	int err = 0;

	dev->control = virtio_has(dev, VIRTIO_NET_F_CTRL_VQ) ? &dev->queues[2 * dev->pairs] : NULL;
	dev->end = &dev->queues[2 * dev->pairs + !!dev->control];
	for (uint32_t i = 0; !err && &dev->queues[i] < dev->end; i++) {
		err = virtio_allocate_queue(dev, i);
		bytes += ring_layout(dev, dev->queues[i].size, &unused, &unused);
	}
	err = err ?: vfio_dma_alloc(&dev->rings, bytes + RING_ALIGN);
	bytes = RING_ALIGN; /* the first page is for commands */
	for (struct virtio_queue *q = dev->queues; !err && q < dev->end; q++) {
		place(dev, q, bytes);
		bytes += q->ring_bytes;
	}
	return err;
}

/* What the device had, before it was reset, comes back. What was to be sent was not sent, then. */
static void take_back(struct virtio_queue *q)
{
	for (uint32_t id = 0; q->bufs && id < q->size; id++) {
		if (!q->bufs[id])
			continue;
		if (!q->pool) {
			virtio_count(q->packets, -1);
			virtio_count(q->bytes, -(uint64_t)q->bufs[id]->size);
		}
		pkt_buf_free(q->bufs[id]);
		q->bufs[id] = NULL;
	}
}

/*
 * Empty a send queue, fill a receive queue, without notifying the device yet. After a restart a receive
 * queue keeps its buffers, as its pool belongs to another thread.
 */
int virtio_fill_queue(struct virtio_device *dev, struct virtio_queue *q)
{
	if (!q->pool)
		take_back(q);
	memset(q->desc, 0, q->ring_bytes);
	q->next = q->avail = q->refilled = q->free_ids = 0;
	q->armed = q->broken = false;
	dev->ring->init(dev, q);
	for (uint16_t id = 0; id + q->stride <= q->size; id += q->stride) {
		q->ids[q->free_ids++] = id;
		if (!q->pool)
			continue;
		if (!q->bufs[id] && !pkt_buf_alloc_batch(q->pool, &q->bufs[id], 1))
			return ixy_fail(ENOMEM,
					"%s: the pool of queue %u cannot provide %u buffers",
					virtio_address(dev), q->index, q->size / q->stride);
		dev->ring->post(dev, q, id);
	}
	return 0;
}

void virtio_free_queues(struct virtio_device *dev)
{
	for (struct virtio_queue *q = dev->queues; q < dev->end; q++) {
		take_back(q);
		mempool_destroy(q->pool);
		free(q->bufs);
		free(q->ids);
	}
	vfio_dma_free(&dev->rings);
}

bool virtio_sent_all(struct virtio_device *dev, uint16_t queue)
{
	const struct virtio_queue *q = virtio_tx_queue(dev, queue);

	dev->ring->tx(&dev->ixy, queue, NULL, 0);
	return q->broken || q->free_ids == q->size / q->stride;
}
