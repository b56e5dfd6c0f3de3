/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow filters: "this flow to that queue". They go before RSS (ixy/rss.h).
 *
 * An 82599 has 128 filters. They match whole packets only, no fragments and no tunnels, and
 * addresses of IPv4 only: to an IPv6 packet a filter applies that names no address.
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

/**
 * struct ixy_flow - a flow and its queue
 * @match:              IXY_FLOW_*; the other fields do not matter
 * @protocol:           IPPROTO_TCP, IPPROTO_UDP or IPPROTO_SCTP
 * @src, @dst:          IPv4 addresses, first byte first
 * @src_port, @dst_port: in the byte order of the program
 * @priority:           1 to 7, the highest; 0 means 1. The highest one decides when several filters
 *                      match. Do not leave it to chance: among equals it is up to the card.
 * @queue:              0 to config.rx_queues - 1, also beyond those that RSS reaches
 */
struct ixy_flow {
	uint8_t match, protocol, priority;
	uint8_t src[4], dst[4];
	uint16_t src_port, dst_port, queue;
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
