/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be changed on a running 82599. */
#include "extras.h"

static int ixgbe_set_promiscuous(struct ixy_device *ixy, bool on)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	dev->error = ixgbe_gone(dev) ? -ENODEV : 0;
	ixy->config.promiscuous = on;
	ixgbe_set_receiver(dev, true);
	return dev->error;
}

/* 8.2.3.7.8, 8.2.3.7.9: the address begins in RAL; AV makes the entry valid. */
static int ixgbe_set_mac(struct ixy_device *ixy, const uint8_t mac[6])
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	if (mac[0] & 1)
		return ixy_fail(EINVAL, "%s: a multicast address is not a card's",
				vfio_address(ixy->vfio));
	if (ixgbe_gone(dev))
		return -ENODEV;
	ixgbe_write(dev, RAL, mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
	ixgbe_write(dev, RAH, RAH_AV | mac[4] | mac[5] << 8);
	memcpy(ixy->mac, mac, 6);
	return 0;
}

static const struct ixy_control_ops control_ops = {
	.link_speed = ixgbe_link_speed,
	.set_promiscuous = ixgbe_set_promiscuous,
	.set_mac = ixgbe_set_mac,
	.read_queue_stats = ixgbe_read_queue_stats,
	.set_rss_key = ixgbe_set_rss_key,
	.set_rss_table = ixgbe_set_rss_table,
	.set_rss_types = ixgbe_set_rss_types,
	.add_flow = ixgbe_add_flow,
	.remove_flow = ixgbe_remove_flow,
	.add_rule = ixgbe_add_rule,
	.remove_rule = ixgbe_remove_rule,
	.read_rule_stats = ixgbe_read_rule_stats,
	.tx_offload = ixgbe_tx_offload,
	.read_clock = ixgbe_read_clock,
	.tx_time = ixgbe_tx_time,
	.interrupts = &ixgbe_interrupt_ops,
};

void ixgbe_init_features(struct ixgbe_device *dev)
{
	dev->ops = *dev->ixy.ops;
	dev->ops.control = &control_ops;
	if (dev->ixy.config.rx_info)
		dev->ops.rx = ixgbe_rx_info;
	dev->ixy.ops = &dev->ops;
	ixgbe_init_rss(dev);
	ixgbe_init_extras(dev);
}
