/* SPDX-License-Identifier: BSD-2-Clause */
/* What the device layer and the drivers know of each other. */
#pragma once
#include <ixy/device.h>

#include "../common.h"
#include <ixy_features.h>

/**
 * struct mempool - read by all threads, written by others than the owner, written by the owner: three
 *                  parts in cache lines of their own; the stack begins where a line does
 * @to_iova:   to be added to an address within @mem
 * @count:     buffers in all
 * @data_size: bytes for the frame in each
 * @owner:     number of the thread that takes buffers out (mempool_threads.c); 0: none
 * @returned:  freed by other threads, linked by their @data
 * @back:      after mempool_destroy(): buffers that have come back
 * @free:      buffers on the stack
 */
struct mempool {
	struct dma_memory mem;
	uint64_t to_iova;
	uint32_t count, data_size, owner;
	_Alignas(64) struct pkt_buf *returned;
	uint32_t back;
	_Alignas(64) uint8_t padding[60];
	uint32_t free;
	struct pkt_buf *stack[];
};

/* A frame of @n bytes behind the head room. */
#define pkt_buf_set(buf, n)                                                                        \
	((buf)->data = (uint8_t *)((buf) + 1) + PKT_BUF_HEADROOM, (buf)->size = (n))

/* At least so long, at most a second, whatever signals come. */
static inline void ixy_sleep_us(uint32_t us)
{
	struct timespec left = { 0, us * 1000 };

	while (nanosleep(&left, &left) && errno == EINTR)
		;
}

/* Give back buffers that are of @pool. */
void mempool_give(struct mempool *pool, struct pkt_buf **bufs, uint32_t n);
/* Take over the VFIO device, which is closed with the card; on error it stays with the caller. The
 * configuration is complete. */
int ixgbe_open(struct ixy_device **, struct vfio_device *, const struct ixy_config *, bool copper);
