/* SPDX-License-Identifier: BSD-2-Clause */
/* What open.c finds in the files that the smallest build leaves out. */
#pragma once
#include <ixy/control.h>

#include "../driver/card.h"

/* cards.c: is there a driver, @id being vendor and device? */
int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2],
		  const struct ixy_card **card);

/* cards.c: its name, NULL if there is no driver for it */
const char *ixy_card_name(uint16_t vendor, uint16_t device);

/* config.c: put what is @given into @config, which holds the defaults. Can the card do this? */
int ixy_configure(const struct vfio_device *vfio, const struct ixy_card *card,
		  struct ixy_config *config, const struct ixy_config *given);

/* numa.c: have the card's driver open it, with memory of its NUMA node. */
int ixy_driver_open(const struct ixy_card *card, struct ixy_device **dev, struct vfio_device *vfio,
		    const struct ixy_config *config);

/* ---- mempool_threads.c, which also has mempool_destroy() ---- */

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
