/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what is given, defaults for the rest, and whether a card can do it. */
#include "driver.h"

int ixy_configure(const char *address, struct ixy_config *c, const struct ixy_config *given)
{
	const struct ixy_config g = given ? *given : (struct ixy_config){ 0 };

	c->rx_queues = g.rx_queues ?: c->rx_queues;
	c->tx_queues = g.tx_queues ?: c->tx_queues;
	c->rx_ring = g.rx_ring ?: c->rx_ring;
	c->tx_ring = g.tx_ring ?: c->tx_ring;
	c->mtu = g.mtu ?: c->mtu;
	/* Enough for these rings and for another card's that sends what we receive. */
	const uint32_t rings = 2 * (c->rx_ring + c->tx_ring);
	c->buffers = g.buffers ?: rings > c->buffers ? rings : c->buffers;

	c->promiscuous = g.promiscuous;
	c->rx_info = g.rx_info;
	c->rss_symmetric = g.rss_symmetric;

	const struct {
		const char *name;
		uint32_t value, min, max, multiple;
		const char *why;
	} limits[] = {
		{ "receive queues", c->rx_queues, 1, 128, 1, "an 82599 has 128 (datasheet 7.1.2)" },
		{ "send queues", c->tx_queues, 1, 64, 1,
		  "an 82599 uses 64 of its 128 without DCB and virtualisation (7.2.1.2.1)" },
		{ "descriptors in a receive ring", c->rx_ring, 64, 4096, 8,
		  "an 82599 counts them in units of 128 bytes (8.2.3.8.3)" },
		{ "descriptors in a send ring", c->tx_ring, 64, 4096, 8,
		  "an 82599 counts them in units of 128 bytes (8.2.3.9.7)" },
		{ "buffers", c->buffers, c->rx_ring + c->tx_ring, 1 << 20, 1,
		  "they fill both rings, and a pool has at most 4 GiB" },
		{ "bytes of MTU", c->mtu, 68, 9710, 1,
		  "IPv4 needs 68, and an 82599's frames have at most 9728 (1.3)" },
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (limits[i].value < limits[i].min || limits[i].value > limits[i].max ||
		    limits[i].value % limits[i].multiple)
			return ixy_fail(
				EINVAL, "%s: %u %s are not possible; %u to %u%s are: %s", address,
				limits[i].value, limits[i].name, limits[i].min, limits[i].max,
				limits[i].multiple > 1 ? " in steps of 8" : "", limits[i].why);
	return 0;
}
