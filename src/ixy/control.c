/* SPDX-License-Identifier: BSD-2-Clause */
/* Calls that a forwarder can do without. */
#include "driver.h"

int ixy_link_speed(struct ixy_device *dev)
{
	return dev->ops->link_speed(dev);
}

int ixy_set_promiscuous(struct ixy_device *dev, bool on)
{
	return dev->ops->set_promiscuous(dev, on);
}

int ixy_set_mac(struct ixy_device *dev, const uint8_t mac[6])
{
	return mac[0] & 1 ? -EINVAL : dev->ops->set_mac(dev, mac);
}
