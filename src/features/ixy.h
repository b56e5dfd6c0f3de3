/* SPDX-License-Identifier: BSD-2-Clause */
/* What open.c finds in the files that the smallest build leaves out. */
#pragma once
#include <ixy/control.h>

/* config.c: put what is @given into @config, which holds the defaults. Can the card do this? */
int ixy_configure(const char *address, struct ixy_config *config, const struct ixy_config *given);

/* cards.c: is there a driver, @id being vendor and device? */
int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2], bool *copper);

/* numa.c: ixgbe_open() with memory on the card's NUMA node. */
int ixy_open_near(struct ixy_device **dev, struct vfio_device *vfio,
		  const struct ixy_config *config, bool copper);

/*
 * mempool_threads.c: buffers that other threads than a pool's owner give back. It also has
 * mempool_destroy().
 * @owner:    number of the thread that takes buffers out; 0: nobody
 * @returned: given back by others, linked by their @data
 * @back:     after mempool_destroy(): buffers that have come back
 */
struct mempool_shared {
	uint32_t owner;
	uint8_t apart[64];
	struct pkt_buf *returned;
	uint32_t back;
	uint8_t apart_too[64];
};
#define MEMPOOL_SHARED struct mempool_shared shared;

/* This thread's number, which no other ever gets. At first it is one that no owner has. */
extern _Thread_local uint32_t mempool_thread;

/* There should be @n buffers on the stack: become the owner, and fetch what others have returned. */
void mempool_collect(struct mempool *pool);
#define mempool_need(pool, n) ((pool)->free < (n) ? mempool_collect(pool) : (void)0)

/* If this is not the owner, give @n (at least 1) buffers back by the list. Return: is it not? */
bool mempool_return(struct mempool *pool, struct pkt_buf **bufs, uint32_t n);
#define mempool_given_by_other(pool, bufs, n)                                                      \
	(__atomic_load_n(&(pool)->shared.owner, __ATOMIC_RELAXED) != mempool_thread &&             \
	 mempool_return(pool, bufs, n))
