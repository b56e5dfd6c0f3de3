/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be asked and changed while a network card runs. For one thread at a time. */
#pragma once
#include <ixy/device.h>

/* What a driver provides. */
struct ixy_control_ops {
	int (*link_speed)(struct ixy_device *dev);
	int (*set_promiscuous)(struct ixy_device *dev, bool on);
	int (*set_mac)(struct ixy_device *dev, const uint8_t mac[6]);
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
