/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing a virtio-net device up (3.1.1, 5.1.5) and down, and its statistics. */
#include <sys/random.h>

#include <ixy/pkt_buf.h>

#include "virtio.h"

/* What the driver makes use of, if the device offers it. It can do without any. */
#define WANTED                                                                                     \
	(virtio_bit(VIRTIO_NET_F_MAC) | virtio_bit(VIRTIO_NET_F_STATUS) |                          \
	 virtio_bit(VIRTIO_NET_F_MTU) | virtio_bit(VIRTIO_NET_F_MQ) |                              \
	 virtio_bit(VIRTIO_NET_F_CTRL_VQ) | virtio_bit(VIRTIO_NET_F_CTRL_RX) |                     \
	 virtio_bit(VIRTIO_NET_F_CTRL_MAC_ADDR) | virtio_bit(VIRTIO_NET_F_SPEED_DUPLEX) |          \
	 virtio_bit(VIRTIO_F_ANY_LAYOUT) | virtio_bit(VIRTIO_RING_F_EVENT_IDX) |                   \
	 virtio_bit(VIRTIO_F_VERSION_1) | virtio_bit(VIRTIO_F_ACCESS_PLATFORM) |                   \
	 virtio_bit(VIRTIO_F_RING_PACKED) | virtio_bit(VIRTIO_F_IN_ORDER) |                        \
	 virtio_bit(VIRTIO_F_ORDER_PLATFORM))

#define STANDARD_MTU	1500
#define MTU_MAX		9710	     /* as all our drivers */
#define FRAME(mtu)	((mtu) + 18) /* with header and VLAN tag */
#define SIZE_DEFAULT	512
#define SIZE_MIN	4
#define SIZE_MAX_RING	32768  /* 2.7, 2.8.10.1 */
#define PAIRS_MAX	0x7FFF /* so that the control queue's number has 16 bits, too */
#define SIZE_CONTROL	64
#define BUFFERS_DEFAULT 4096
#define RING_ALIGN	4096 /* what legacy devices can name (4.1.5.1.3.1) */

static const char *address(const struct virtio_device *dev)
{
	return vfio_address(dev->ixy.vfio);
}

/* ---- Set-up ---- */

static int find_transport(struct virtio_device *dev)
{
	static const struct virtio_transport *const kinds[] = { &virtio_vhost, &virtio_modern,
								&virtio_legacy };

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		dev->transport = kinds[i];
		int err = dev->transport->open(dev);
		if (!err)
			return 0;
		dev->transport = NULL; /* nothing to reset or close */
		if (err != -ENOTTY)
			return err;
	}
	return ixy_fail(ENOTSUP,
			"%s: neither a virtio 1.x device (no capability for its common "
			"configuration) nor a legacy one (no I/O ports in BAR 0)",
			address(dev));
}

/* 3.1.1, 4: before the driver accepts features. */
static int read_mtu(struct virtio_device *dev, uint64_t offered)
{
	uint16_t mtu = 0;

	dev->max_mtu = MTU_MAX;
	if (!(offered & virtio_bit(VIRTIO_NET_F_MTU)))
		return 0;
	int err = dev->transport->read_config(dev, offsetof(struct virtio_net_config, mtu), &mtu,
					      sizeof(mtu));
	dev->max_mtu = mtu;
	return err;
}

static int negotiate(struct virtio_device *dev)
{
	const bool iommu = dev->transport->behind_iommu && !dev->ixy.vfio->space->physical;
	uint64_t wanted = WANTED, offered;
	int err = dev->transport->get_features(dev, &offered) ?: read_mtu(dev, offered);

	if (err)
		return err;
	if (iommu && !(offered & virtio_bit(VIRTIO_F_ACCESS_PLATFORM)))
		return ixy_fail(ENOTSUP,
				"%s: the device goes around the IOMMU: it offers no "
				"VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on). Without an "
				"IOMMU, and able to reach all memory: sysfs:%s",
				address(dev), address(dev));
	/* Who accepts this has buffers for packets of that length (5.1.4.2). */
	if ((dev->ixy.config.mtu ?: STANDARD_MTU) < dev->max_mtu)
		wanted &= ~virtio_bit(VIRTIO_NET_F_MTU);
	/* Only what is longer than buffers usually are makes devices want to spread it. */
	if (dev->ixy.config.mtu > STANDARD_MTU)
		wanted |= virtio_bit(VIRTIO_NET_F_MRG_RXBUF);
	/* 5.1.3.1: these are by the control queue, except that a vhost-user back end is told of its
	 * queues by messages. */
	if (!(offered & virtio_bit(VIRTIO_NET_F_CTRL_VQ)))
		wanted &= ~(virtio_bit(VIRTIO_NET_F_CTRL_RX) |
			    virtio_bit(VIRTIO_NET_F_CTRL_MAC_ADDR) |
			    (dev->transport->behind_iommu ? virtio_bit(VIRTIO_NET_F_MQ) : 0));
	if (!(offered & virtio_bit(VIRTIO_F_VERSION_1)))
		wanted &= ~virtio_bit(VIRTIO_F_RING_PACKED);
	/* A device that keeps the order writes one descriptor of a packed ring for many packets that it
	 * has sent. Of split rings it would save us nothing; and where packets are spread, one buffer
	 * would stand for several of a packet. */
	if (!(offered & wanted & virtio_bit(VIRTIO_F_RING_PACKED)) ||
	    offered & wanted & virtio_bit(VIRTIO_NET_F_MRG_RXBUF))
		wanted &= ~virtio_bit(VIRTIO_F_IN_ORDER);
	dev->features = offered & wanted;
	err = dev->transport->set_features(dev, dev->features);
	dev->merged = virtio_has(dev, VIRTIO_NET_F_MRG_RXBUF);
	dev->header = dev->merged || virtio_has(dev, VIRTIO_F_VERSION_1)
			      ? VIRTIO_HEADER
			      : sizeof(struct virtio_net_hdr);
	dev->ring = virtio_has(dev, VIRTIO_F_RING_PACKED) ? &virtio_packed : &virtio_split;
	return err;
}

/* 5.1.4 */
static int read_config(struct virtio_device *dev)
{
	struct virtio_net_config config = { .max_virtqueue_pairs = 1 };
	size_t size = offsetof(struct virtio_net_config, status);

	if (virtio_has(dev, VIRTIO_NET_F_MQ))
		size = offsetof(struct virtio_net_config, mtu);
	int err = dev->transport->read_config(dev, 0, &config, size);

	dev->max_pairs = virtio_has(dev, VIRTIO_NET_F_MQ) ? config.max_virtqueue_pairs : 1;
	if (dev->max_pairs > PAIRS_MAX)
		dev->max_pairs = PAIRS_MAX;
	if (!err && virtio_has(dev, VIRTIO_NET_F_MAC))
		memcpy(dev->ixy.mac, config.mac, 6);
	else if (!err && getrandom(dev->ixy.mac, 6, 0) == 6)
		dev->ixy.mac[0] = (dev->ixy.mac[0] & 0xFC) | 2; /* unicast, locally administered */
	return err;
}

static uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static bool power_of_two(uint32_t n)
{
	return !(n & (n - 1));
}

/* The size of a queue: what was asked for or usual, and the device has. Rounded down for a split ring. */
static uint32_t ring_size(const struct virtio_device *dev, uint32_t given, uint32_t max)
{
	uint32_t size = least(given ?: SIZE_DEFAULT, least(max, SIZE_MAX_RING));

	if (dev->transport->fixed_sizes)
		size = max;
	while (dev->ring == &virtio_split && !power_of_two(size))
		size &= size - 1;
	return size;
}

/* What was asked for, within what the device has. */
static int configure(struct virtio_device *dev)
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
			address(dev), rx_max, tx_max, SIZE_MIN);
	c->rx_ring = ring_size(dev, rx_given, rx_max);
	c->tx_ring = ring_size(dev, tx_given, tx_max);
	/* Enough for these rings and for another card's that sends what we receive. */
	const uint32_t rings = 2 * (c->rx_ring + c->tx_ring);
	c->buffers = c->buffers ?: rings > BUFFERS_DEFAULT ? rings : BUFFERS_DEFAULT;
	c->mtu = c->mtu ?: least(STANDARD_MTU, dev->max_mtu);
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

	if (c->rss_symmetric)
		return ixy_fail(EINVAL,
				"%s: a virtio-net device spreads packets as it likes: "
				"symmetric RSS is not possible",
				address(dev));
	/* The device spreads over the receive queues of all pairs. */
	c->rx_queues = c->tx_queues = dev->pairs = pairs;
	int err = ixy_check_limits(address(dev), limits, sizeof(limits) / sizeof(*limits))
			  ?: ixy_check_memory(address(dev), c);
	if (!err && dev->ring == &virtio_split &&
	    !(power_of_two(rx_given) && power_of_two(tx_given)))
		return ixy_fail(
			EINVAL,
			"%s: rings of %u and %u descriptors are not possible: the device has "
			"split rings, with powers of two",
			address(dev), rx_given, tx_given);
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

static int allocate_queue(struct virtio_device *dev, uint32_t i)
{
	const struct ixy_config *c = &dev->ixy.config;
	const uint32_t mtu = c->mtu > STANDARD_MTU ? c->mtu : STANDARD_MTU; /* as devices expect */
	const bool any_layout =
		dev->features & (virtio_bit(VIRTIO_F_ANY_LAYOUT) | virtio_bit(VIRTIO_F_VERSION_1));
	const bool control = i == 2u * dev->pairs, receive = !control && i % 2 == 0;
	struct virtio_queue *q = &dev->queues[i];

	/* 5.1.2: the control queue comes behind all pairs that the device has. */
	q->index = control ? 2 * dev->max_pairs : i;
	q->stride = any_layout || control ? 1 : 2;
	q->size = ring_size(dev,
			    control   ? SIZE_CONTROL
			    : receive ? c->rx_ring
				      : c->tx_ring,
			    dev->transport->queue_size(dev, q->index));
	if (q->size < SIZE_MIN)
		return ixy_fail(EIO, "%s: the device has no queue %u", address(dev), q->index);
	q->bufs = calloc(q->size, sizeof(*q->bufs));
	q->ids = calloc(q->size, sizeof(*q->ids));
	if (!q->bufs || !q->ids)
		return ixy_fail(ENOMEM, "%s: out of memory", address(dev));
	int err = receive ? mempool_create(&q->pool, c->buffers, FRAME(mtu)) : 0;
	q->room = q->pool ? mempool_data_size(q->pool) : 0;
	return err;
}

/* A pool for each receive queue, and memory for all rings in one piece. */
static int allocate(struct virtio_device *dev)
{
	size_t bytes = 0, unused;
	int err = 0;

	dev->control = virtio_has(dev, VIRTIO_NET_F_CTRL_VQ) ? &dev->queues[2 * dev->pairs] : NULL;
	dev->end = &dev->queues[2 * dev->pairs + !!dev->control];
	for (uint32_t i = 0; !err && &dev->queues[i] < dev->end; i++) {
		err = allocate_queue(dev, i);
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
 * An empty send queue, a full receive queue. The latter's buffers are not told of yet; after a restart
 * they are those it had, as its pool belongs to another thread.
 */
static int begin(struct virtio_device *dev, struct virtio_queue *q)
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
			return ixy_fail(ENOMEM, "%s: the pool of queue %u has not got %u buffers",
					address(dev), q->index, q->size / q->stride);
		dev->ring->post(dev, q, id);
	}
	return 0;
}

/* ---- Start and stop ---- */

int virtio_start(struct virtio_device *dev)
{
	int err = 0;

	for (struct virtio_queue *q = dev->queues; !err && q < dev->end; q++)
		err = begin(dev, q) ?: dev->transport->start_queue(dev, q);
	err = err ?: dev->transport->start(dev); /* only then may the device be told (3.1.1) */
	if (err)
		return err;
	for (uint16_t i = 0; i < dev->pairs; i++)
		dev->ring->publish(dev, virtio_rx_queue(dev, i));
	return virtio_restore_settings(dev);
}

/* Up to a second, for who plays the device may share a processor with many others. */
static void drain(struct virtio_device *dev)
{
	for (uint32_t patience = 10000, i = 0; i < dev->pairs; i++)
		for (; patience && !virtio_sent_all(dev, i) && !dev->transport->check(dev);
		     patience--)
			usleep(100);
}

/* The device must have lost its reach before this. */
static void release(struct virtio_device *dev)
{
	for (struct virtio_queue *q = dev->queues; q < dev->end; q++) {
		take_back(q);
		mempool_destroy(q->pool);
		free(q->bufs);
		free(q->ids);
	}
	vfio_dma_free(&dev->rings);
	free(dev);
}

static void virtio_close(struct ixy_device *ixy)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	drain(dev);
	dev->transport->reset(dev);
	dev->transport->close(dev);
	vfio_close(ixy->vfio);
	release(dev);
}

/* Nobody handles it: a device without MSI-X would raise it for changes of the link, and with event
 * index now and then for packets. */
static int disable_intx(struct vfio_device *vfio)
{
	uint16_t command = 0;
	int err = vfio_region_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command,
				   sizeof(command));

	command |= PCI_COMMAND_INTX_DISABLE;
	return err
		       ?: vfio_region_write(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND,
					    &command, sizeof(command));
}

int virtio_open(struct ixy_device **out, struct vfio_device *vfio, const struct ixy_config *config,
		bool unused)
{
	const uint32_t pairs =
		config->rx_queues > config->tx_queues ? config->rx_queues : config->tx_queues;
	struct virtio_device *dev =
		calloc(1, sizeof(*dev) + (2 * pairs + 1) * sizeof(*dev->queues));

	(void)unused;
	if (!dev)
		return ixy_fail(ENOMEM, "%s: out of memory", vfio_address(vfio));
	dev->ixy = (struct ixy_device){ .vfio = vfio, .config = *config };
	dev->end = dev->queues;
	dev->pairs = pairs;
	dev->config_irq = -1;
	for (uint32_t i = 0; i < 2 * pairs + 1; i++)
		dev->queues[i].irq = dev->queues[i].notify_fd = -1;

	int err = find_transport(dev) ?:
		  dev->transport->reset(dev) ?:
		  negotiate(dev) ?:
		  read_config(dev) ?:
		  configure(dev) ?:
		  allocate(dev) ?:
		  dev->transport->set_irqs(dev) ?:
		  disable_intx(vfio) ?:
		  vfio_set_bus_master(vfio, true) ?:
		  virtio_start(dev);
	if (err) {
		if (dev->transport) {
			dev->transport->reset(dev);
			dev->transport->close(dev);
		}
		vfio_set_bus_master(vfio, false); /* before its memory goes */
		release(dev);
		return err;
	}
	dev->ops = (struct ixy_ops){ dev->ring->rx, dev->ring->tx, virtio_close, virtio_read_stats,
				     &virtio_control_ops };
	dev->ixy.ops = &dev->ops;
	if (dev->transport->reconnect)
		virtio_make_restartable(dev);
	*out = &dev->ixy;
	return 0;
}
