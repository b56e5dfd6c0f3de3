/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device layer and the drivers know of each other. */
#pragma once
#include <ixy/device.h>

#include "../common.h"
#include <features/ixy.h>

struct mempool {
	struct dma_memory mem;
	uint64_t to_iova; /* to be added to an address within */
	MEMPOOL_SHARED
	uint32_t free; /* buffers on the stack */
	struct pkt_buf *stack[];
};

/* A frame of @n bytes behind the head room. */
#define pkt_buf_set(buf, n)                                                                        \
	((buf)->data = (uint8_t *)((buf) + 1) + PKT_BUF_HEADROOM, (buf)->size = (n))

/* At least so long, at most a second, whatever signals come. */
#define ixy_sleep_us(us)                                                                           \
	for (struct timespec t = { 0, (us)*1000 }; nanosleep(&t, &t) && errno == EINTR;)

/* Give back buffers that are of @pool. */
void mempool_give(struct mempool *pool, struct pkt_buf **bufs, uint32_t n);
/* Take over the VFIO device, which is closed with the card; on error it stays with the caller. The
 * configuration is complete. */
int ixgbe_open(struct ixy_device **, struct vfio_device *, const struct ixy_config *, bool copper);
