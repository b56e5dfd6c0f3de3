/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Receive-side scaling: spread packets over the receive queues, all packets of a flow to one queue.
 *
 * The card computes a hash of a packet's addresses and ports (Microsoft's Toeplitz hash, with a
 * key), and the hash's low seven bits choose an entry of a table, which holds the queue. A device
 * with more than one receive queue begins with ixy_rss_key_default (or, if its configuration says
 * so, ixy_rss_key_symmetric), a table that has all queues in turn, and every type of hash. What has
 * no hash (ARP, for one) goes to queue 0.
 *
 * The table of an 82599 reaches queues 0 to 15. If there are more, the others get what flow filters
 * send there (ixy/flow.h).
 *
 * As ixy/control.h: for one thread at a time. Packets that arrive during a change may be dropped, or
 * still go where they went before.
 */
#pragma once
#include <ixy/control.h>
#include <ixy/offload.h>

/* Microsoft's key of the documentation, with which published hashes were made. */
IXY_API const uint8_t ixy_rss_key_default[IXY_RSS_KEY_SIZE];

/*
 * A key with which both directions of a flow have the same hash, and meet on one queue: it repeats
 * every 16 bits, so that swapping addresses and ports changes nothing. It spreads worse: flows whose
 * addresses and ports count up together may have few different hashes.
 */
IXY_API const uint8_t ixy_rss_key_symmetric[IXY_RSS_KEY_SIZE];

/** ixy_set_rss_key() - hash with another key. Return: 0, -ENODEV, -ETIMEDOUT, -ENOTSUP (the card
 * spreads as it likes: virtio-net). */
static inline int ixy_set_rss_key(struct ixy_device *dev, const uint8_t key[IXY_RSS_KEY_SIZE])
{
	return dev->ops->control->set_rss_key(dev, key);
}

/**
 * ixy_set_rss_table() - choose the queues
 * @table: the queue for each value of the hash's low seven bits; one may have more entries than
 *         another, or none
 *
 * Return: 0, -ENODEV, -EINVAL (a queue that the device does not have, or the table cannot reach),
 * -ENOTSUP.
 */
static inline int ixy_set_rss_table(struct ixy_device *dev,
				    const uint16_t table[IXY_RSS_TABLE_SIZE])
{
	return dev->ops->control->set_rss_table(dev, table);
}

/**
 * ixy_set_rss_types() - choose what is hashed
 * @types: 1 << IXY_HASH_TCP_IPV4 and so on; 0 switches RSS off: all goes to queue 0
 *
 * A packet gets the most specific type that is allowed: TCP is hashed as IPv4, without ports, if
 * IXY_HASH_TCP_IPV4 is not. Where UDP comes in fragments, which have no ports, leave out the types of
 * UDP: whole packets and fragments of a flow then stay together.
 *
 * Return: 0, -ENODEV, -ETIMEDOUT, -EINVAL (no such type), -ENOTSUP.
 */
static inline int ixy_set_rss_types(struct ixy_device *dev, uint32_t types)
{
	return dev->ops->control->set_rss_types(dev, types);
}
