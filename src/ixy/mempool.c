/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet buffers: one piece of DMA memory cut into equal entries, and a stack of those not in use. */
#include <ixy/pkt_buf.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <ixy/log.h>
#include <ixy/vfio.h>

struct mempool {
	struct dma_memory mem;
	uint32_t count, free, data_size;
	bool closing; /* mempool_destroy() was called; the last buffer to come back frees all */
	struct pkt_buf *stack[];
};

int mempool_create(struct mempool **out, uint32_t count, uint32_t data_size)
{
	size_t lines = 1 + (PKT_BUF_HEADROOM + (size_t)data_size + 63) / 64;
	size_t entry =
		(lines | 1) * 64; /* an odd number of cache lines spreads entries over all sets */

	if (!count || !data_size || entry * count > UINT32_MAX)
		return ixy_fail(EINVAL, "a pool of %u buffers of %u bytes is empty or over 4 GiB",
				count, data_size);
	struct mempool *pool = calloc(1, sizeof(*pool) + count * sizeof(*pool->stack));
	if (!pool)
		return -ENOMEM;
	int err = vfio_dma_alloc(&pool->mem, entry * count);
	if (err) {
		free(pool);
		return err;
	}
	pool->count = pool->free = count;
	pool->data_size = entry - sizeof(struct pkt_buf) - PKT_BUF_HEADROOM;
	for (uint32_t i = 0; i < count; i++) {
		struct pkt_buf *buf = (void *)((uint8_t *)pool->mem.virt + i * entry);
		buf->iova = pool->mem.iova + i * entry;
		buf->pool = pool;
		pkt_buf_reset(buf);
		pool->stack[i] = buf;
	}
	*out = pool;
	return 0;
}

static void release_if_complete(struct mempool *pool)
{
	if (pool->closing && pool->free == pool->count) {
		vfio_dma_free(&pool->mem);
		free(pool);
	}
}

void mempool_destroy(struct mempool *pool)
{
	if (!pool)
		return;
	pool->closing = true;
	release_if_complete(pool);
}

uint32_t mempool_free_count(const struct mempool *pool)
{
	return pool->free;
}

uint32_t mempool_data_size(const struct mempool *pool)
{
	return pool->data_size;
}

uint32_t pkt_buf_alloc_batch(struct mempool *pool, struct pkt_buf **bufs, uint32_t count)
{
	if (count > pool->free)
		count = pool->free;
	pool->free -= count;
	memcpy(bufs, pool->stack + pool->free, count * sizeof(*bufs));
	return count;
}

struct pkt_buf *pkt_buf_alloc(struct mempool *pool)
{
	struct pkt_buf *buf;

	return pkt_buf_alloc_batch(pool, &buf, 1) ? buf : NULL;
}

void pkt_buf_free_batch(struct pkt_buf **bufs, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		struct mempool *pool = bufs[i]->pool;
		pkt_buf_reset(bufs[i]);
		pool->stack[pool->free++] = bufs[i];
		if (pool->closing)
			release_if_complete(pool);
	}
}

void pkt_buf_free(struct pkt_buf *buf)
{
	pkt_buf_free_batch(&buf, 1);
}
