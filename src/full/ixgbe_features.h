/* SPDX-License-Identifier: BSD-2-Clause */
/* What ixgbe.c finds in the files that the smallest build leaves out, and these in each other. */
#pragma once
#include <ixy/flow.h>
#include <ixy/rss.h>

#include "../../regs/82599.h"

#define ixgbe_read(dev, reg)	     bar_read32((dev)->bar, reg)
#define ixgbe_write(dev, reg, value) bar_write32((dev)->bar, reg, value)

/* control.c: the card is initialised, its queues are not: prepare what the configuration asks for
 * beyond them, and what can be asked for later. */
void ixgbe_init_features(struct ixgbe_device *dev);

/* stats.c */
int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats);
int ixgbe_read_queue_stats(struct ixy_device *ixy, uint16_t queue, struct ixy_queue_stats *stats);

/* link.c. ixgbe_link_speed() also reads the statistics before their registers are full. */
int ixgbe_link_speed(struct ixy_device *ixy);

/* rx_info.c: as ixgbe_rx_batch(), and fill in status and hash of each packet. */
uint32_t ixgbe_rx_info(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);

/* rss.c */
void ixgbe_init_rss(struct ixgbe_device *dev);
int ixgbe_set_rss_key(struct ixy_device *ixy, const uint8_t key[IXY_RSS_KEY_SIZE]);
int ixgbe_set_rss_table(struct ixy_device *ixy, const uint16_t table[IXY_RSS_TABLE_SIZE]);
int ixgbe_set_rss_types(struct ixy_device *ixy, uint32_t types);

/* flow.c */
int ixgbe_add_flow(struct ixy_device *ixy, const struct ixy_flow *flow);
int ixgbe_remove_flow(struct ixy_device *ixy, int flow);

/* interrupt.c */
extern const struct ixy_interrupt_ops ixgbe_interrupt_ops;
