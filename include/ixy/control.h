/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be asked and changed while a network card runs. For one thread at a time. */
#pragma once
#include <ixy/device.h>

#define IXY_RSS_KEY_SIZE   40
#define IXY_RSS_TABLE_SIZE 128

struct ixy_flow;

/* What a driver provides; the last lines are for ixy/rss.h and ixy/flow.h. */
struct ixy_control_ops {
	int (*link_speed)(struct ixy_device *dev);
	int (*set_promiscuous)(struct ixy_device *dev, bool on);
	int (*set_mac)(struct ixy_device *dev, const uint8_t mac[6]);
	int (*set_rss_key)(struct ixy_device *dev, const uint8_t key[IXY_RSS_KEY_SIZE]);
	int (*set_rss_table)(struct ixy_device *dev, const uint16_t table[IXY_RSS_TABLE_SIZE]);
	int (*set_rss_types)(struct ixy_device *dev, uint32_t types);
	int (*add_flow)(struct ixy_device *dev, const struct ixy_flow *flow);
	int (*remove_flow)(struct ixy_device *dev, int flow);
	const struct ixy_interrupt_ops *interrupts; /* for ixy/interrupt.h and ixy/event.h */
};

/** ixy_link_speed() - Return: Mbit/s, 0 if the link is down, -ENODEV if the card has gone. */
static inline int ixy_link_speed(struct ixy_device *dev)
{
	return dev->ops->control->link_speed(dev);
}

/** ixy_set_promiscuous() - receive what is for others, or stop to. Return: 0, -ENODEV, -ETIMEDOUT. */
static inline int ixy_set_promiscuous(struct ixy_device *dev, bool on)
{
	return dev->ops->control->set_promiscuous(dev, on);
}

/** ixy_set_mac() - receive what is for @mac from now on. Return: 0, -ENODEV, -EINVAL (multicast). */
static inline int ixy_set_mac(struct ixy_device *dev, const uint8_t mac[6])
{
	return dev->ops->control->set_mac(dev, mac);
}
