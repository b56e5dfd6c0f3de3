/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device layer and the drivers know of each other. */
#pragma once
#include <ixy/device.h>

#include "../common.h"
#include <features/ixy.h>

struct mempool {
	struct dma_memory mem;
	uint32_t count, free, data_size;
	bool closing; /* mempool_destroy() was called; the last buffer to come back frees all */
	struct pkt_buf *stack[];
};

/* Take over @vfio, which is closed with the device; on error it stays with the caller. @config has
 * its defaults filled in. */
int ixgbe_open(struct ixy_device **dev, struct vfio_device *vfio, const struct ixy_config *config,
	       bool copper);
