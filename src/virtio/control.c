/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of a running device, by the control queue (5.1.6.5), and its statistics. */
#include <time.h>

#include <ixy/flow.h>
#include <ixy/rss.h>

#include "../ixy/wait.h"
#include "virtio.h"

#define COMMAND_DATA_MAX 64
#define SPEED_ASSUMED	 10000 /* Mbit/s, of a device that does not tell */
#define DEADLINE_NS	 1000000000ull

/* In the first page of the rings' memory. */
struct command {
	struct virtio_net_ctrl_hdr header;
	uint8_t data[COMMAND_DATA_MAX];
	uint8_t ack;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int virtio_command(struct virtio_device *dev, uint8_t class, uint8_t command, const void *data,
		   size_t size)
{
	const uint64_t iova = dev->rings.iova, deadline = now_ns() + DEADLINE_NS;
	struct command *c = dev->rings.virt;
	struct virtio_queue *q = dev->control;

	if (!q || size > COMMAND_DATA_MAX)
		return -ENOTSUP;
	if (q->broken)
		return ixy_fail(ETIMEDOUT, "%s: the device does not answer commands any more",
				vfio_address(dev->ixy.vfio));
	c->header = (struct virtio_net_ctrl_hdr){ class, command };
	memcpy(c->data, data, size);
	c->ack = VIRTIO_NET_ERR;
	dev->ring->command(
		dev, (struct virtio_segment[]){ { iova, sizeof(c->header) },
						{ iova + offsetof(struct command, data), size },
						{ iova + offsetof(struct command, ack), 1 } });
	while (!dev->ring->waiting(q)) {
		if (now_ns() > deadline)
			virtio_write(q->broken, true);
		if (q->broken)
			return ixy_fail(ETIMEDOUT, "%s: the device does not answer command %u.%u",
					vfio_address(dev->ixy.vfio), class, command);
		usleep(10);
	}
	dev->ring->command_done(q);
	return virtio_read(c->ack) == VIRTIO_NET_OK ? 0 : -ENOTSUP;
}

/* ---- Settings ---- */

static int not_possible(const struct ixy_device *ixy, const char *what)
{
	return ixy_fail(ENOTSUP, "%s: %s is not possible with this virtio-net device",
			vfio_address(ixy->vfio), what);
}

static int link_speed(struct ixy_device *ixy)
{
	const uint32_t speed_at = offsetof(struct virtio_net_config, speed);
	const uint32_t status_at = offsetof(struct virtio_net_config, status);
	struct virtio_device *dev = (struct virtio_device *)ixy;
	uint16_t status = VIRTIO_NET_S_LINK_UP; /* 5.1.4.2: assumed */
	uint32_t speed = UINT32_MAX;
	int err = dev->transport->check(dev);

	if (!err && virtio_has(dev, VIRTIO_NET_F_STATUS))
		err = dev->transport->read_config(dev, status_at, &status, sizeof(status));
	if (!err && virtio_has(dev, VIRTIO_NET_F_SPEED_DUPLEX))
		err = dev->transport->read_config(dev, speed_at, &speed, sizeof(speed));
	if (err == -ENOTCONN) /* of a back end that may come again */
		return 0;
	if (err)
		return -ENODEV;
	if (!(status & VIRTIO_NET_S_LINK_UP))
		return 0;
	return speed && speed <= INT32_MAX ? (int)speed : SPEED_ASSUMED;
}

static int set_promiscuous(struct ixy_device *ixy, bool on)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	const uint8_t value = on;
	int err = -ENOTSUP; /* 5.1.6.5.1: there is no such command without VIRTIO_NET_F_CTRL_RX */

	if (virtio_has(dev, VIRTIO_NET_F_CTRL_RX))
		err = virtio_command(dev, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &value,
				     sizeof(value));
	if (err == -ENOTSUP)
		return on ? 0 : not_possible(ixy, "leaving out what is for others");
	if (!err)
		ixy->config.promiscuous = on;
	return err;
}

static int set_mac(struct ixy_device *ixy, const uint8_t mac[6])
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	if (mac[0] & 1)
		return ixy_fail(EINVAL, "%s: a multicast address is not a card's",
				vfio_address(ixy->vfio));
	if (!virtio_has(dev, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return not_possible(ixy, "another MAC address");
	int err = virtio_command(dev, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6);
	if (err == -ENOTSUP)
		return not_possible(ixy, "another MAC address");
	if (!err)
		memcpy(ixy->mac, mac, 6);
	return err;
}

int virtio_restore_settings(struct virtio_device *dev)
{
	const uint16_t pairs = dev->pairs;
	const uint8_t promiscuous = dev->ixy.config.promiscuous;
	int err = 0;

	if (!dev->control)
		return 0;
	if (pairs > 1)
		err = virtio_command(dev, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET,
				     &pairs, sizeof(pairs));
	if (err == -ENOTSUP)
		return ixy_fail(EIO, "%s: the device refuses to use %u queue pairs",
				vfio_address(dev->ixy.vfio), pairs);
	if (!err && virtio_has(dev, VIRTIO_NET_F_CTRL_RX))
		err = virtio_command(dev, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC,
				     &promiscuous, sizeof(promiscuous));
	return err == -ENOTSUP ? 0 : err; /* then it is as promiscuous as it is */
}

/* The device spreads packets by a rule of its own (5.1.5.5), which cannot be told. */
static int set_rss_key(struct ixy_device *ixy, const uint8_t key[IXY_RSS_KEY_SIZE])
{
	(void)key;
	return not_possible(ixy, "another RSS key");
}

static int set_rss_table(struct ixy_device *ixy, const uint16_t table[IXY_RSS_TABLE_SIZE])
{
	(void)table;
	return not_possible(ixy, "another RSS table");
}

static int set_rss_types(struct ixy_device *ixy, uint32_t types)
{
	(void)types;
	return not_possible(ixy, "another hash");
}

static int add_flow(struct ixy_device *ixy, const struct ixy_flow *flow)
{
	(void)flow;
	return not_possible(ixy, "a flow filter");
}

static int remove_flow(struct ixy_device *ixy, int flow)
{
	(void)flow;
	return not_possible(ixy, "a flow filter");
}

/* ---- Statistics: the device counts nothing ---- */

static int read_queue_stats(struct ixy_device *ixy, uint16_t queue, struct ixy_queue_stats *stats)
{
	const struct virtio_device *dev = (struct virtio_device *)ixy;

	*stats = (struct ixy_queue_stats){ 0 };
	if (queue >= dev->pairs)
		return ixy_fail(EINVAL, "%s: no queue %u: there are %u pairs",
				vfio_address(ixy->vfio), queue, dev->pairs);
	*stats = (struct ixy_queue_stats){
		.rx_packets = virtio_read(virtio_rx_queue(dev, queue)->packets),
		.rx_no_buffer = virtio_read(virtio_rx_queue(dev, queue)->no_buffer),
		.rx_errors = virtio_read(virtio_rx_queue(dev, queue)->errors),
		.tx_packets = virtio_read(virtio_tx_queue(dev, queue)->packets),
	};
	return 0;
}

int virtio_read_stats(struct ixy_device *ixy, struct ixy_stats *stats)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	*stats = (struct ixy_stats){ 0 };
	for (uint16_t i = 0; i < dev->pairs; i++) {
		const struct virtio_queue *rx = virtio_rx_queue(dev, i), *tx = rx + 1;

		stats->rx_packets += virtio_read(rx->packets);
		stats->rx_bytes += virtio_read(rx->bytes);
		stats->rx_no_buffer += virtio_read(rx->no_buffer);
		stats->rx_errors += virtio_read(rx->errors);
		stats->tx_packets += virtio_read(tx->packets);
		stats->tx_bytes += virtio_read(tx->bytes);
	}
	return dev->transport->check(dev) == -ENODEV ? -ENODEV : 0;
}

bool virtio_sent_all(struct virtio_device *dev, uint16_t queue)
{
	const struct virtio_queue *q = virtio_tx_queue(dev, queue);

	dev->ring->tx(&dev->ixy, queue, NULL, 0);
	return q->broken || q->free_ids == q->size / q->stride;
}

const struct ixy_control_ops virtio_control_ops = {
	.link_speed = link_speed,
	.set_promiscuous = set_promiscuous,
	.set_mac = set_mac,
	.read_queue_stats = read_queue_stats,
	.set_rss_key = set_rss_key,
	.set_rss_table = set_rss_table,
	.set_rss_types = set_rss_types,
	.add_flow = add_flow,
	.remove_flow = remove_flow,
	.interrupts = &virtio_interrupt_ops,
};
