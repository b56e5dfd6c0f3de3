/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools and several threads. Only one thread, the owner, allocates from a pool and uses its stack, so
 * that neither allocating nor freeing costs it an atomic operation. Other threads link the buffers
 * that they free into a chain by @data and push it to the list @returned by one compare-and-swap. When
 * its stack is empty, the owner takes the whole list by one exchange. As no thread ever pops a part of
 * the list, an unchanged head means an unchanged list (no ABA problem).
 *
 * A thread that finds the stack empty becomes the owner. A new pool has none, so buffers are freed to
 * the list until all of them have been allocated once.
 *
 * A destroyed pool counts the buffers that come back; the thread that frees the last one frees it.
 */
#include <ixy/pkt_buf.h>

#include "driver.h"

#define NO_NUMBER    UINT32_MAX
#define CLOSED(pool) ((struct pkt_buf *)(pool)) /* in place of a list; no buffer is there */

_Thread_local uint32_t mempool_thread = NO_NUMBER;

void mempool_collect(struct mempool *pool)
{
	static uint32_t threads;

	if (mempool_thread == NO_NUMBER)
		mempool_thread = __atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
	__atomic_store_n(&pool->owner, mempool_thread, __ATOMIC_RELAXED);
	if (!__atomic_load_n(&pool->returned, __ATOMIC_RELAXED))
		return; /* do not take the cache line from the freeing threads for nothing */
	for (struct pkt_buf *buf = __atomic_exchange_n(&pool->returned, NULL, __ATOMIC_ACQUIRE);
	     buf; buf = (struct pkt_buf *)buf->data)
		pool->stack[pool->free++] = buf;
}

/*
 * @n buffers of a destroyed pool have come back; mempool_destroy() itself counts as one more, so that it is
 * never overtaken by all of them. After that only the thread that was last may touch the pool.
 */
static void count_back(struct mempool *pool, uint32_t n)
{
	const uint32_t all = pool->count + 1;

	if (__atomic_add_fetch(&pool->back, n, __ATOMIC_ACQ_REL) == all) {
		vfio_dma_free(&pool->mem);
		free(pool);
	}
}

bool mempool_return(struct mempool *pool, struct pkt_buf **bufs, uint32_t n)
{
	struct pkt_buf *next = __atomic_load_n(&pool->returned, __ATOMIC_RELAXED);

	for (uint32_t i = 0; i < n - 1; i++)
		bufs[i]->data = (uint8_t *)bufs[i + 1];
	do {
		if (next == CLOSED(pool)) {
			count_back(pool, n);
			break;
		}
		bufs[n - 1]->data = (uint8_t *)next;
	} while (!__atomic_compare_exchange_n(&pool->returned, &next, bufs[0], true,
					      __ATOMIC_RELEASE, __ATOMIC_RELAXED));
	return true;
}

void mempool_disown(struct mempool *pool)
{
	__atomic_store_n(&pool->owner, 0, __ATOMIC_RELAXED);
}

void mempool_destroy(struct mempool *pool)
{
	if (!pool)
		return;
	mempool_disown(pool);
	uint32_t back = pool->free + 1;
	for (struct pkt_buf *buf =
		     __atomic_exchange_n(&pool->returned, CLOSED(pool), __ATOMIC_ACQUIRE);
	     buf; buf = (struct pkt_buf *)buf->data)
		back++;
	count_back(pool, back);
}
