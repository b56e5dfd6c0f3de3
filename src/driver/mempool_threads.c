/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools and several threads. Buffers are taken out of a pool by one thread, its owner, who has the
 * stack for itself: what it takes and gives back costs no atomic operation. Others link what they
 * give back by its @data into a chain, and put the chain in front of the list @returned, by one
 * compare-and-swap. When the owner's stack is empty it takes the whole list, by one exchange. Nobody
 * takes a part of it, so that a first buffer which is still the same has still the same behind it
 * (no ABA problem), and it is never longer than the pool.
 *
 * Who finds the stack empty becomes the owner. A new pool has none: what is given back goes by the
 * list, until all buffers have been taken out once.
 *
 * A pool that has been given up counts what comes back, and who brings the last buffer frees it.
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
		return; /* an exchange would take the cache line from those who give back */
	for (struct pkt_buf *buf = __atomic_exchange_n(&pool->returned, NULL, __ATOMIC_ACQUIRE);
	     buf; buf = (struct pkt_buf *)buf->data)
		pool->stack[pool->free++] = buf;
}

/* @n buffers of a pool that was given up have come back. After that only who brought the last one
 * may look at the pool. */
static void count_back(struct mempool *pool, uint32_t n)
{
	const uint32_t all = pool->count;

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
	uint32_t back = pool->free;
	for (struct pkt_buf *buf =
		     __atomic_exchange_n(&pool->returned, CLOSED(pool), __ATOMIC_ACQUIRE);
	     buf; buf = (struct pkt_buf *)buf->data)
		back++;
	count_back(pool, back);
}
