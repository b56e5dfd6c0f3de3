/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packet buffers: one block of DMA memory cut into equal entries, and a stack of the free ones, which
 * belongs to one thread. Buffers that other threads free take another path: mempool_threads.c.
 */
#include "driver.h"

int mempool_create(struct mempool **out, uint32_t count, uint32_t data_size)
{
	/* One cache line of header; in all an odd number of them, which spreads over all sets. */
	size_t entry = ((64 + PKT_BUF_HEADROOM + (size_t)data_size + 63) / 64 | 1) * 64;

	struct dma_memory mem;

	if (!count || !data_size || entry > UINT32_MAX / count)
		return ixy_fail(EINVAL, "a pool of %u buffers of %u bytes is empty or over 4 GiB",
				count, data_size);
	size_t size = sizeof(struct mempool) + count * sizeof(struct pkt_buf *);
	struct mempool *pool = aligned_alloc(64, (size + 63) & -64);
	int err = pool ? vfio_dma_alloc(&mem, entry * count) : -ENOMEM;
	if (err) {
		free(pool);
		return err;
	}

	*pool = (struct mempool){ mem, .count = count, .data_size = entry - 64 - PKT_BUF_HEADROOM };
	pool->to_iova = pool->mem.iova - (uintptr_t)pool->mem.virt;
	for (size_t at = 0; at < count * entry; at += entry) {
		struct pkt_buf *buf = pool->stack[pool->free++] = pool->mem.virt + at;
		*buf = (struct pkt_buf){ .iova = pool->mem.iova + at, .pool = pool };
	}
	*out = pool;
	return 0;
}

uint32_t pkt_buf_alloc_batch(struct mempool *pool, struct pkt_buf **bufs, uint32_t count)
{
	mempool_need(pool, count);
	count = count < pool->free ? count : pool->free;
	pool->free -= count;
	memcpy(bufs, pool->stack + pool->free, count * sizeof(*bufs));
	for (uint32_t i = 0; i < count; i++)
		pkt_buf_set(bufs[i], 0);
	return count;
}

void mempool_give(struct mempool *pool, struct pkt_buf **bufs, uint32_t count)
{
	if (mempool_given_by_other(pool, bufs, count))
		return;
	memcpy(pool->stack + pool->free, bufs, count * sizeof(*bufs));
	pool->free += count;
}

void pkt_buf_free_batch(struct pkt_buf **bufs, uint32_t count)
{
	for (uint32_t n; count; bufs += n, count -= n) {
		for (n = 1; n < count && bufs[n]->pool == bufs[0]->pool;)
			n++;
		mempool_give(bufs[0]->pool, bufs, n);
	}
}
