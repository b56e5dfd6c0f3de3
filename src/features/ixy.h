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
 * mempool_threads.c: what a pool is for other threads than its owner. It also has mempool_destroy().
 * @count:     buffers in all
 * @data_size: bytes for the frame in each
 * @owner:     number of the thread that takes buffers out; 0: nobody
 * @returned:  given back by others, linked by their @data
 * @back:      after mempool_destroy(): buffers that have come back
 * @apart:     what all threads read, what the others write, and what the owner writes are in lines
 *             of the cache of their own, and the stack begins where a line does
 */
#define MEMPOOL_SHARED                                                                             \
	uint32_t count, data_size, owner;                                                          \
	_Alignas(64) struct pkt_buf *returned;                                                     \
	uint32_t back;                                                                             \
	_Alignas(64) uint8_t apart[56];

/* Return: an empty one, or NULL. */
struct mempool *mempool_new(uint32_t count, uint32_t data_size);

/* This thread's number, which no other ever gets. At first it is one that no owner has. */
extern _Thread_local uint32_t mempool_thread;

/* There should be @n buffers on the stack: become the owner, and fetch what others have returned. */
void mempool_collect(struct mempool *pool);
#define mempool_need(pool, n) ((pool)->free < (n) ? mempool_collect(pool) : (void)0)

/* If this is not the owner, give @n (at least 1) buffers back by the list. Return: is it not? */
bool mempool_return(struct mempool *pool, struct pkt_buf **bufs, uint32_t n);
#define mempool_given_by_other(pool, bufs, n)                                                      \
	(__atomic_load_n(&(pool)->owner, __ATOMIC_RELAXED) != mempool_thread &&                    \
	 mempool_return(pool, bufs, n))
