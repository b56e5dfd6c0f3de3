/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What can be asked and changed while a network card runs. For one thread at a time;
 * ixy_read_queue_stats() also while others receive and send.
 */
#pragma once
#include <ixy/device.h>

#define IXY_RSS_KEY_SIZE   40
#define IXY_RSS_TABLE_SIZE 128

struct ixy_flow;
struct ixy_rule_stats;
struct ixy_tx_offload;

/**
 * struct ixy_queue_stats - counts of one queue of each direction, since the device was opened
 * @rx_packets:   that receive calls have returned
 * @rx_no_buffer, @rx_errors: as in struct ixy_stats, without what the card itself drops as damaged
 * @tx_packets:   that send calls have given to the card
 *
 * Bytes, and packets that the card missed, are counted for the device only: ixy_read_stats().
 */
struct ixy_queue_stats {
	uint64_t rx_packets, rx_no_buffer, rx_errors, tx_packets;
};

/* What a driver provides; the lines with rss are for ixy/rss.h, those with flow and rule for
 * ixy/flow.h, those with offload, clock and time for ixy/offload.h. */
struct ixy_control_ops {
	int (*link_speed)(struct ixy_device *dev);
	int (*set_promiscuous)(struct ixy_device *dev, bool on);
	int (*set_mac)(struct ixy_device *dev, const uint8_t mac[6]);
	int (*read_queue_stats)(struct ixy_device *dev, uint16_t queue,
				struct ixy_queue_stats *stats);
	int (*set_rss_key)(struct ixy_device *dev, const uint8_t key[IXY_RSS_KEY_SIZE]);
	int (*set_rss_table)(struct ixy_device *dev, const uint16_t table[IXY_RSS_TABLE_SIZE]);
	int (*set_rss_types)(struct ixy_device *dev, uint32_t types);
	int (*add_flow)(struct ixy_device *dev, const struct ixy_flow *flow);
	int (*remove_flow)(struct ixy_device *dev, int flow);
	int (*add_rule)(struct ixy_device *dev, const struct ixy_flow *flow);
	int (*remove_rule)(struct ixy_device *dev, int rule);
	int (*read_rule_stats)(struct ixy_device *dev, struct ixy_rule_stats *stats);
	uint32_t (*tx_offload)(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
			       const struct ixy_tx_offload *offloads, uint32_t n);
	int (*read_clock)(struct ixy_device *dev, uint64_t *ns);
	int (*tx_time)(struct ixy_device *dev, uint64_t *ns);
	const struct ixy_interrupt_ops *interrupts; /* for ixy/interrupt.h and ixy/event.h */
};

/** ixy_link_speed() - Return: Mbit/s, 0 if the link is down, -ENODEV if the card is gone. */
static inline int ixy_link_speed(struct ixy_device *dev)
{
	return dev->ops->control->link_speed(dev);
}

/** ixy_set_promiscuous() - receive what is for others, or stop to. Return: 0, -ENODEV, -ETIMEDOUT,
 * -ENOTSUP (the card cannot). */
static inline int ixy_set_promiscuous(struct ixy_device *dev, bool on)
{
	return dev->ops->control->set_promiscuous(dev, on);
}

/** ixy_set_mac() - receive what is for @mac from now on. Return: 0, -ENODEV, -ETIMEDOUT, -EINVAL
 * (multicast), -ENOTSUP (the card cannot). */
static inline int ixy_set_mac(struct ixy_device *dev, const uint8_t mac[6])
{
	return dev->ops->control->set_mac(dev, mac);
}

/**
 * ixy_read_queue_stats() - counts of receive queue @queue and send queue @queue
 *
 * Those of a direction that has fewer queues are 0. Return: 0, or -EINVAL: neither has so many.
 */
static inline int ixy_read_queue_stats(struct ixy_device *dev, uint16_t queue,
				       struct ixy_queue_stats *stats)
{
	return dev->ops->control->read_queue_stats(dev, queue, stats);
}
