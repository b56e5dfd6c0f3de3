/* SPDX-License-Identifier: BSD-2-Clause */
/* What an 82599 can do of what a configuration asks for. */
#include "ixgbe.h"

int ixgbe_check(const char *address, const struct ixy_config *c)
{
	const struct ixy_limit limits[] = {
		{ "receive queues", c->rx_queues, 1, 128, 1, "an 82599 has 128 (datasheet 7.1.2)" },
		{ "send queues", c->tx_queues, 1, 64, 1,
		  "an 82599 uses 64 of its 128 without DCB and virtualisation (7.2.1.2.1)" },
		{ "descriptors in a receive ring", c->rx_ring, 64, 4096, 8,
		  "an 82599 counts them in units of 128 bytes (8.2.3.8.3)" },
		{ "descriptors in a send ring", c->tx_ring, 64, 4096, 8,
		  "an 82599 counts them in units of 128 bytes (8.2.3.9.7)" },
		{ "buffers", c->buffers, c->rx_ring + c->tx_ring, 1 << 20, 1,
		  "they fill both rings, and a pool has at most 4 GiB" },
		{ "flow rules", c->flow_rules, 0, 8190, 1,
		  "an 82599's table has 8192 places, of which it keeps two (7.1.2.7)" },
		{ "bytes of MTU", c->mtu, 68, 9710, 1,
		  "IPv4 needs 68, and an 82599's frames have at most 9728 (1.3)" },
	};

	return ixy_check_limits(address, limits, sizeof(limits) / sizeof(*limits));
}
