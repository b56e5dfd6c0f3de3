/* SPDX-License-Identifier: BSD-2-Clause */
/* Bringing a virtio-net device up (3.1.1, 5.1.5) and down. */
#include <sys/random.h>

#include <ixy/pkt_buf.h>

#include <ixy/vfio_pci.h>

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

#define MTU_MAX	  9710	 /* as all our drivers */
#define PAIRS_MAX 0x7FFF /* so that the control queue's number has 16 bits, too */

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
			virtio_address(dev));
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

static int virtio_negotiate(struct virtio_device *dev)
{
	const bool iommu = dev->transport->behind_iommu && vfio_has_iommu(dev->ixy.vfio);
	uint64_t wanted = WANTED, offered;
	int err = dev->transport->get_features(dev, &offered) ?: read_mtu(dev, offered);

	if (err)
		return err;
	if (iommu && !(offered & virtio_bit(VIRTIO_F_ACCESS_PLATFORM)))
		return ixy_fail(ENOTSUP,
				"%s: the device goes around the IOMMU: it offers no "
				"VIRTIO_F_ACCESS_PLATFORM (QEMU: iommu_platform=on). Without an "
				"IOMMU, and able to reach all memory: sysfs:%s",
				virtio_address(dev), virtio_address(dev));
	/* A driver that accepts this has buffers for packets of that length (5.1.4.2). */
	if ((dev->ixy.config.mtu ?: VIRTIO_MTU) < dev->max_mtu)
		wanted &= ~virtio_bit(VIRTIO_NET_F_MTU);
	/* Only packets longer than the usual buffer need several. */
	if (dev->ixy.config.mtu > VIRTIO_MTU)
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

/* ---- Open and close ---- */

/* Up to a second: the program that emulates the device may have little of a processor. */
static void virtio_drain(struct virtio_device *dev)
{
	for (uint32_t patience = 10000, i = 0; i < dev->pairs; i++)
		for (; patience && !virtio_sent_all(dev, i) && !dev->transport->check(dev);
		     patience--)
			ixy_sleep_us(100);
}

static void virtio_close(struct ixy_device *ixy)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	virtio_drain(dev);
	dev->transport->reset(dev);
	dev->transport->close(dev);
	vfio_close(ixy->vfio);
	virtio_free_queues(dev); /* the device can no longer reach them */
	free(dev);
}

/* INTx is not handled: a device without MSI-X would raise it for changes of the link, and with event
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
		  virtio_negotiate(dev) ?:
		  read_config(dev) ?:
		  virtio_configure_queues(dev) ?:
		  virtio_allocate_queues(dev) ?:
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
		virtio_free_queues(dev);
		free(dev);
		return err;
	}
	dev->ops = (struct ixy_ops){ dev->ring->rx, dev->ring->tx, virtio_close, virtio_read_stats,
				     &dev->control_ops };
	dev->control_ops = virtio_control_ops;
	dev->control_ops.interrupts = &dev->interrupt_ops;
	dev->interrupt_ops = (struct ixy_interrupt_ops){
		.on = virtio_interrupts_on,
		.off = virtio_interrupts_off,
		.arm = virtio_rx_arm,
		.waiting = virtio_rx_waiting,
		.sending = virtio_tx_pending,
		.next_event = virtio_next_event,
	};
	dev->ixy.ops = &dev->ops;
	if (dev->transport->reconnect)
		virtio_make_restartable(dev);
	*out = &dev->ixy;
	return 0;
}
