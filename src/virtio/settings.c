/* SPDX-License-Identifier: BSD-2-Clause */
/* Settings of a running device and its statistics: what ixy/control.h offers. */
#include <ixy/flow.h>
#include <ixy/offload.h>
#include <ixy/rss.h>

#include "virtio.h"

#define SPEED_ASSUMED 10000 /* Mbit/s, of a device that does not tell */

static int virtio_refuse(const struct ixy_device *ixy, const char *what)
{
	return ixy_fail(ENOTSUP, "%s: %s is not possible with this virtio-net device",
			vfio_address(ixy->vfio), what);
}

static int virtio_link_speed(struct ixy_device *ixy)
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

static int virtio_set_promiscuous(struct ixy_device *ixy, bool on)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	const uint8_t value = on;
	int err = -ENOTSUP; /* 5.1.6.5.1: there is no such command without VIRTIO_NET_F_CTRL_RX */

	if (virtio_has(dev, VIRTIO_NET_F_CTRL_RX))
		err = virtio_command(dev, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, &value,
				     sizeof(value));
	if (err == -ENOTSUP)
		return on ? 0 : virtio_refuse(ixy, "leaving out what is for others");
	if (!err)
		ixy->config.promiscuous = on;
	return err;
}

static int virtio_set_mac(struct ixy_device *ixy, const uint8_t mac[6])
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	if (mac[0] & 1)
		return ixy_fail(EINVAL, "%s: a multicast address is not a card's",
				vfio_address(ixy->vfio));
	if (!virtio_has(dev, VIRTIO_NET_F_CTRL_MAC_ADDR))
		return virtio_refuse(ixy, "another MAC address");
	int err = virtio_command(dev, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET, mac, 6);
	if (err == -ENOTSUP)
		return virtio_refuse(ixy, "another MAC address");
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
static int virtio_set_rss_key(struct ixy_device *ixy, const uint8_t key[IXY_RSS_KEY_SIZE])
{
	(void)key;
	return virtio_refuse(ixy, "another RSS key");
}

static int virtio_set_rss_table(struct ixy_device *ixy, const uint16_t table[IXY_RSS_TABLE_SIZE])
{
	(void)table;
	return virtio_refuse(ixy, "another RSS table");
}

static int virtio_set_rss_types(struct ixy_device *ixy, uint32_t types)
{
	(void)types;
	return virtio_refuse(ixy, "another hash");
}

static int virtio_add_flow(struct ixy_device *ixy, const struct ixy_flow *flow)
{
	(void)flow;
	return virtio_refuse(ixy, "a flow filter");
}

static int virtio_remove_flow(struct ixy_device *ixy, int flow)
{
	(void)flow;
	return virtio_refuse(ixy, "a flow filter");
}

static int virtio_add_rule(struct ixy_device *ixy, const struct ixy_flow *flow)
{
	(void)flow;
	return virtio_refuse(ixy, "a flow rule");
}

static int virtio_remove_rule(struct ixy_device *ixy, int rule)
{
	(void)rule;
	return virtio_refuse(ixy, "a flow rule");
}

static int virtio_read_rule_stats(struct ixy_device *ixy, struct ixy_rule_stats *stats)
{
	(void)stats;
	return virtio_refuse(ixy, "a flow rule");
}

static uint32_t virtio_tx_offload(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
				  const struct ixy_tx_offload *offloads, uint32_t n)
{
	(void)ixy, (void)queue, (void)bufs, (void)offloads, (void)n;
	return 0;
}

static int virtio_read_clock(struct ixy_device *ixy, uint64_t *ns)
{
	(void)ns;
	return virtio_refuse(ixy, "a clock");
}

/* ---- Statistics: the device counts nothing ---- */

static int virtio_read_queue_stats(struct ixy_device *ixy, uint16_t queue,
				   struct ixy_queue_stats *stats)
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

const struct ixy_control_ops virtio_control_ops = {
	.link_speed = virtio_link_speed,
	.set_promiscuous = virtio_set_promiscuous,
	.set_mac = virtio_set_mac,
	.read_queue_stats = virtio_read_queue_stats,
	.set_rss_key = virtio_set_rss_key,
	.set_rss_table = virtio_set_rss_table,
	.set_rss_types = virtio_set_rss_types,
	.add_flow = virtio_add_flow,
	.remove_flow = virtio_remove_flow,
	.add_rule = virtio_add_rule,
	.remove_rule = virtio_remove_rule,
	.read_rule_stats = virtio_read_rule_stats,
	.tx_offload = virtio_tx_offload,
	.read_clock = virtio_read_clock,
	.tx_time = virtio_read_clock,
};
