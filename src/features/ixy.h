/* SPDX-License-Identifier: BSD-2-Clause */
/* What open.c finds in the files that the smallest build leaves out. */
#pragma once
#include <ixy/control.h>

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

/* cards.c: is there a driver, @id being vendor and device? */
int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2],
		  const struct ixy_card **card);

/* cards.c: its name, NULL if there is no driver for it */
const char *ixy_card_name(uint16_t vendor, uint16_t device);

/* config.c: put what is @given into @config, which holds the defaults. Can the card do this? */
int ixy_configure(const struct vfio_device *vfio, const struct ixy_card *card,
		  struct ixy_config *config, const struct ixy_config *given);

/* config.c, for drivers: is every value between its limits? If not, say @why. */
struct ixy_limit {
	const char *name;
	uint32_t value, min, max, multiple;
	const char *why;
};
int ixy_check_limits(const char *address, const struct ixy_limit *limits, size_t count);

/* config.c, for drivers: has the machine memory for the pools of all receive queues? */
int ixy_check_memory(const char *address, const struct ixy_config *config);

/* numa.c: open the device with memory on the card's NUMA node. */
int ixy_open_near(struct ixy_device **dev, struct vfio_device *vfio,
		  const struct ixy_config *config, const struct ixy_card *card);

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
