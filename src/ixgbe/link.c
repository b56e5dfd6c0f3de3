/* SPDX-License-Identifier: BSD-2-Clause */
/* The link's state and speed (8.2.3.22). */
#include <time.h>

#include "extras.h"

#define READ_STATS_S 20

/* GORC and GOTC, of 36 bits, are full after 55 s at 10 Gbit/s: asking for the link has them read, too. */
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
	const uint32_t links = ixgbe_read(dev, LINKS), speed = LINKS_SPEED(links);

	if (links == UINT32_MAX)
		return -ENODEV;
	keep_stats(dev);
	ixgbe_keep_clock(dev);
	if (!(links & LINKS_UP))
		return 0;
	return links & LINKS_NON_STD && ixgbe_is_x550(dev) ? non_std[speed] : mbits[speed];
}
