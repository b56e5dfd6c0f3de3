/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow filters: "this flow to that queue". They go before RSS (ixy/rss.h). As ixy/control.h: for one
 * thread at a time.
 *
 * An 82599 has two kinds. 128 filters (datasheet 7.1.2.5) may each name other fields. Thousands of
 * rules (flow director, 7.1.2.7), for which the configuration asks (flow_rules), all name the same
 * fields, may drop packets, and are tried after the filters. Both match whole packets only, no
 * fragments and no tunnels, and addresses of IPv4 only: to an IPv6 packet a filter applies that
 * names no address, a rule never.
 */
#pragma once
#include <ixy/control.h>

/* Which fields of struct ixy_flow a packet must agree with. */
#define IXY_FLOW_SRC	  (1 << 0)
#define IXY_FLOW_DST	  (1 << 1)
#define IXY_FLOW_SRC_PORT (1 << 2)
#define IXY_FLOW_DST_PORT (1 << 3)
#define IXY_FLOW_PROTOCOL (1 << 4)
#define IXY_FLOW_EXACT	  0x1F
#define IXY_FLOW_VLAN	  (1 << 5) /* rules only */

/* A queue for rules: nowhere. */
#define IXY_FLOW_DROP 0xFFFF

/**
 * struct ixy_flow - a flow and its queue
 * @match:              IXY_FLOW_*; the other fields do not matter
 * @protocol:           IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @src, @dst:          IPv4 addresses, first byte first
 * @src_port, @dst_port: in the byte order of the program
 * @priority:           filters: 1 to 7, the highest; 0 means 1. The highest one decides when several
 *                      match. Do not leave it to chance: among equals it is up to the card.
 * @queue:              0 to config.rx_queues - 1, also beyond those that RSS reaches
 * @vlan:               the tag's identifier, 0 to 4095; 0 also stands for no tag
 */
struct ixy_flow {
	uint8_t match, protocol, priority;
	uint8_t src[4], dst[4];
	uint16_t src_port, dst_port, queue, vlan;
};

/** struct ixy_rule_stats - IP packets that matched a rule, and that matched none */
struct ixy_rule_stats {
	uint64_t matched, missed;
};

/**
 * ixy_add_flow() - send a flow to a queue
 *
 * Return: the number of the filter, for ixy_remove_flow(); -ENODEV; -EINVAL (no such queue,
 * protocol or priority); -ENOSPC (all filters are in use); -ENOTSUP (the card has none: virtio-net).
 */
static inline int ixy_add_flow(struct ixy_device *dev, const struct ixy_flow *flow)
{
	return dev->ops->control->add_flow(dev, flow);
}

/** ixy_remove_flow() - take filter @flow away. Return: 0, -ENODEV, -ENOENT (there is none),
 * -ENOTSUP. */
static inline int ixy_remove_flow(struct ixy_device *dev, int flow)
{
	return dev->ops->control->remove_flow(dev, flow);
}

/**
 * ixy_add_rule() - send a flow to a queue, or drop it
 * @flow: its priority does not matter. Ports need a protocol, TCP or UDP.
 *
 * While there are rules, further ones have to have the same @flow->match: the card has one mask for
 * all. Do not add two for the same flow: which one counts is up to the card.
 *
 * Return: the number of the rule, for ixy_remove_rule(); -ENODEV; -ETIMEDOUT; -EINVAL (no such queue
 * or protocol, or not the fields of the other rules); -ENOSPC (there are config.flow_rules); -ENOTSUP
 * (config.flow_rules is 0).
 */
static inline int ixy_add_rule(struct ixy_device *dev, const struct ixy_flow *flow)
{
	return dev->ops->control->add_rule(dev, flow);
}

/** ixy_remove_rule() - take @rule away. Return: 0, -ENODEV, -ETIMEDOUT, -ENOENT (there is none),
 * -ENOTSUP. */
static inline int ixy_remove_rule(struct ixy_device *dev, int rule)
{
	return dev->ops->control->remove_rule(dev, rule);
}

/** ixy_read_rule_stats() - counts since ixy_open(). Return: 0, -ENODEV, -ENOTSUP. */
static inline int ixy_read_rule_stats(struct ixy_device *dev, struct ixy_rule_stats *stats)
{
	return dev->ops->control->read_rule_stats(dev, stats);
}
