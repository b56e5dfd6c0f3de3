/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver tells about its cards, and how it checks a configuration for them. */
#pragma once
#include <ixy/device.h>

/**
 * struct ixy_card - cards that one driver drives in the same way
 * @open:   the driver: takes over @vfio, which is closed with the device; on error it stays with
 *          the caller. @config is what @check has found possible, with the defaults.
 * @check:  can such a card do this? NULL: the driver asks the card itself, and @config->rx_ring,
 *          tx_ring and buffers are 0 where nothing was given.
 * @copper: for the driver
 */
struct ixy_card {
	const char *name;
	int (*open)(struct ixy_device **dev, struct vfio_device *vfio,
		    const struct ixy_config *config, bool copper);
	int (*check)(const char *address, const struct ixy_config *config);
	bool copper;
	uint16_t vendor, ids[16];
};

/* limits.c: is every value between its limits? If not, say @why. */
struct ixy_limit {
	const char *name;
	uint32_t value, min, max, multiple;
	const char *why;
};
int ixy_check_limits(const char *address, const struct ixy_limit *limits, size_t count);

/* limits.c: has the machine memory for the pools of all receive queues? */
int ixy_check_memory(const char *address, const struct ixy_config *config);
