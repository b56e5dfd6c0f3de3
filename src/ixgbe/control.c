/* SPDX-License-Identifier: BSD-2-Clause */
/* What can be changed on a running 82599. */
#include <time.h>

#include "ixgbe.h"

enum { X550 = 0x1563, X550_1_PORT = 0x15d1 };

/* 8.2.3.22.19 */
#define LINKS		  0x042A4
#define LINKS_UP	  (1u << 30)
#define LINKS_SPEED_SHIFT 28
#define LINKS_NON_STD                                                                              \
	(1u << 27) /* X550: the speed is another one of IEEE 802.3bz; else a link mode */

#define READ_STATS_S 20

/* GORC and GOTC, of 36 bits, are full after 55 s at 10 Gbit/s: who asks for the link has them read, too. */
static void keep_stats(struct ixgbe_device *dev)
{
	struct ixy_stats stats;
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	if ((int32_t)(t.tv_sec - dev->stats_due) < 0)
		return;
	dev->stats_due = t.tv_sec + READ_STATS_S;
	ixgbe_read_stats(&dev->ixy, &stats);
}

int ixgbe_link_speed(struct ixy_device *ixy)
{
	static const int mbits[] = { 0, 100, 1000, 10000 }, non_std[] = { 0, 5000, 1000, 2500 };
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	const uint32_t links = ixgbe_read(dev, LINKS), speed = links >> LINKS_SPEED_SHIFT & 3;
	uint16_t id = 0;

	if (links == UINT32_MAX)
		return -ENODEV;
	keep_stats(dev);
	if (!(links & LINKS_UP))
		return 0;
	if (links & LINKS_NON_STD)
		vfio_region_read(ixy->vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_DEVICE_ID, &id,
				 sizeof(id));
	return id == X550 || id == X550_1_PORT ? non_std[speed] : mbits[speed];
}

static int ixgbe_set_promiscuous(struct ixy_device *ixy, bool on)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	dev->error = ixgbe_gone(dev) ? -ENODEV : 0;
	ixy->config.promiscuous = on;
	ixgbe_set_receiver(dev, true);
	return dev->error;
}

/* 8.2.3.7.9, 8.2.3.7.10: the address begins in RAL; AV makes the entry valid. */
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

const struct ixy_control_ops ixgbe_control_ops = {
	.link_speed = ixgbe_link_speed,
	.set_promiscuous = ixgbe_set_promiscuous,
	.set_mac = ixgbe_set_mac,
	.read_queue_stats = ixgbe_read_queue_stats,
	.set_rss_key = ixgbe_set_rss_key,
	.set_rss_table = ixgbe_set_rss_table,
	.set_rss_types = ixgbe_set_rss_types,
	.add_flow = ixgbe_add_flow,
	.remove_flow = ixgbe_remove_flow,
	.interrupts = &ixgbe_interrupt_ops,
};
