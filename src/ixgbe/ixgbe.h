/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the 82599 driver. */
#ifndef IXGBE_H
#define IXGBE_H

#include <ixy/device.h>
#include <ixy/log.h>
#include <ixy/vfio.h>

#include "ixgbe_regs.h"

#define IXGBE_MAX_RX_QUEUES 128
#define IXGBE_MAX_TX_QUEUES 64	 /* without DCB or virtualisation, 7.2.1.2.1 */
#define IXGBE_MIN_FRAME	    17	 /* the least that the card sends; it pads to 60 (HLREG0.TXPADEN) */
#define MS		    1000 /* deadlines are in microseconds */

struct ixgbe_rx_queue {
	volatile struct ixgbe_rx_desc *ring;
	volatile uint32_t *tail; /* RDT, where it can be reached by memory; or NULL */
	struct pkt_buf **bufs;	 /* in the ring, by descriptor */
	struct mempool *pool;
	uint32_t size, next, room; /* descriptors; where the card writes next; bytes in a buffer */
	bool skip;		   /* the rest of a frame that did not end in its first buffer */
	uint64_t no_buffer, errors;
};

struct ixgbe_tx_queue {
	volatile struct ixgbe_tx_desc *ring;
	volatile uint32_t *tail;
	struct pkt_buf **bufs;
	uint16_t *batch_end;	    /* at a batch's first descriptor: its last, the one with RS */
	uint32_t size, clean, next; /* descriptors; the oldest not reclaimed; the next to use */
};

struct ixgbe_device {
	struct ixy_device ixy; /* first: the two convert into each other */
	const struct vfio_bar *bar;
	struct ixgbe_rx_queue *rx;
	struct ixgbe_tx_queue *tx;
	struct dma_memory rings; /* of all queues */
	struct ixy_stats stats;
	bool copper;
};

static inline uint32_t ixgbe_read(const struct ixgbe_device *dev, uint32_t reg)
{
	return bar_read32(dev->bar, reg);
}

static inline void ixgbe_write(const struct ixgbe_device *dev, uint32_t reg, uint32_t value)
{
	bar_write32(dev->bar, reg, value);
}

static inline void ixgbe_set(const struct ixgbe_device *dev, uint32_t reg, uint32_t bits)
{
	ixgbe_write(dev, reg, ixgbe_read(dev, reg) | bits);
}

static inline void ixgbe_clear(const struct ixgbe_device *dev, uint32_t reg, uint32_t bits)
{
	ixgbe_write(dev, reg, ixgbe_read(dev, reg) & ~bits);
}

/* Wait until the bits are 1 (0), at most that many microseconds; the error names the register. */
#define ixgbe_wait_set(dev, reg, bits, us)                                                         \
	ixgbe_wait(dev, reg, bits, bits, us, #reg " to set " #bits)
#define ixgbe_wait_clear(dev, reg, bits, us)                                                       \
	ixgbe_wait(dev, reg, bits, 0, us, #reg " to clear " #bits)
int ixgbe_wait(const struct ixgbe_device *dev, uint32_t reg, uint32_t mask, uint32_t value,
	       uint32_t us, const char *what);

/* queues.c */
int ixgbe_alloc_queues(struct ixgbe_device *dev);
int ixgbe_start_rx_queue(struct ixgbe_device *dev, uint16_t queue);
int ixgbe_start_tx_queue(struct ixgbe_device *dev, uint16_t queue);
void ixgbe_drain(struct ixgbe_device *dev, uint32_t us);
void ixgbe_free_queues(struct ixgbe_device *dev);

/* rxtx.c */
uint32_t ixgbe_rx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			uint32_t count);
uint32_t ixgbe_tx_batch(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			uint32_t count);

#endif
