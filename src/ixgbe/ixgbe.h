/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the 82599 driver. */
#pragma once
#include "../../regs/82599_core.h"
#include "../driver/driver.h"

/**
 * struct ixgbe_queue - one queue of one direction
 * @bufs: in the ring, by descriptor; @held of them are the card's
 * @tail: RDT, TDT as memory; NULL if each write is to be a message
 * @reg:  where its registers begin (RDBAL, TDBAL)
 * @size: descriptors; @next is the next one to look at or to fill
 * @refilled, @room: receive: descriptors that the card was not told of; longest frame, 0 within a
 *        longer one
 * @run:  send: at its first descriptor, how many a run has; @clean and @last are the first ones of
 *        the oldest and the youngest run
 */
struct ixgbe_queue {
	struct ixgbe_desc *ring;
	struct pkt_buf **bufs;
	volatile uint32_t *tail;
	struct mempool *pool; /* receive */
	uint32_t reg, size, next, held, clean, last, refilled, room;
	uint16_t *run;
	uint64_t packets, no_buffer, errors;
};

struct ixgbe_device {
	struct ixy_device ixy; /* first: the two convert into each other */
	struct ixy_ops ops;    /* control.c's */
	const struct vfio_bar *bar;
	uint32_t room, stats_due; /* bytes for a frame in a buffer; seconds: link.c's */
	struct dma_memory rings;  /* of all queues */
	struct ixy_stats stats;
	int error; /* the first deadline that was missed; later waits do not wait */
	struct ixgbe_extras *extras;  /* extras.h */
	struct ixgbe_queue *tx, *end; /* in the array of all queues: */
	struct ixgbe_queue rx[];      /* receive queues, then send queues */
};

#include <ixgbe_features.h>

#define ixgbe_set(dev, reg, bits)   ixgbe_write(dev, reg, ixgbe_read(dev, reg) | (bits))
#define ixgbe_clear(dev, reg, bits) ixgbe_write(dev, reg, ixgbe_read(dev, reg) & ~(bits))

/* Statistics are read by another thread than the one that counts. */
#define ixgbe_count(sum, n) __atomic_store_n(&(sum), (sum) + (n), __ATOMIC_RELAXED)

/* A card that is gone (unplugged, failed, its emulator killed) reads as all ones. */
#define ixgbe_gone(dev) (ixgbe_read(dev, STATUS) == UINT32_MAX)

/* Wait until bits are 1 (0), at most a second. The error names the register and stays in
 * @dev->error, so that a sequence of steps is checked once, at its end. */
#define ixgbe_wait_set(dev, reg, bits)	 ixgbe_wait(dev, reg, bits, true, #reg ": " #bits)
#define ixgbe_wait_clear(dev, reg, bits) ixgbe_wait(dev, reg, bits, false, #reg ": not " #bits)
void ixgbe_wait(struct ixgbe_device *dev, uint32_t reg, uint32_t bits, bool set, const char *what);
void ixgbe_set_receiver(struct ixgbe_device *dev, bool on);

/* The descriptor behind @n of them from @i on, which do not go around the ring's end. */
#define after(q, i, n) ((i) + (n) == (q)->size ? 0 : (i) + (n))

static inline void ring_doorbell(struct ixgbe_device *dev, struct ixgbe_queue *q, uint32_t value)
{
	dma_wmb(); /* descriptors before the doorbell */
	if (q->tail)
		*q->tail = value;
	else
		ixgbe_write(dev, q->reg + Q_TAIL, value);
}

/* rxtx.c */
uint32_t ixgbe_rx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
uint32_t ixgbe_tx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
