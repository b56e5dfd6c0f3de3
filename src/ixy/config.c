/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what is given, defaults for the rest, and whether a card can do it. */
#include "driver.h"

/* In all: vfio_dma_alloc() sees one pool at a time, and the kernel kills who takes too much. */
int ixy_check_memory(const char *address, const struct ixy_config *c)
{
	const uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	const uint64_t pools = (uint64_t)c->rx_queues * c->buffers * c->mtu;

	if (pools <= machine)
		return 0;
	return ixy_fail(ENOMEM,
			"%s: %u receive queues, each with %u buffers, need %lu MB, more than the "
			"%lu MB of this machine",
			address, c->rx_queues, c->buffers, pools >> 20, machine >> 20);
}

int ixy_configure(const struct vfio_device *vfio, const struct ixy_card *card, struct ixy_config *c,
		  const struct ixy_config *given)
{
	const struct ixy_config g = given ? *given : (struct ixy_config){ 0 };

	c->rx_queues = g.rx_queues ?: c->rx_queues;
	c->tx_queues = g.tx_queues ?: c->tx_queues;
	c->mtu = g.mtu ?: c->mtu;
	c->promiscuous = g.promiscuous;
	c->rx_info = g.rx_info;
	c->rss_symmetric = g.rss_symmetric;
	if (!card->check) {
		c->rx_ring = g.rx_ring;
		c->tx_ring = g.tx_ring;
		c->buffers = g.buffers;
		c->mtu = g.mtu;
		return 0;
	}
	c->rx_ring = g.rx_ring ?: c->rx_ring;
	c->tx_ring = g.tx_ring ?: c->tx_ring;
	/* Enough for these rings and for another card's that sends what we receive. */
	const uint32_t rings = 2 * (c->rx_ring + c->tx_ring);
	c->buffers = g.buffers ?: rings > c->buffers ? rings : c->buffers;
	return card->check(vfio_address(vfio), c) ?: ixy_check_memory(vfio_address(vfio), c);
}

int ixy_check_limits(const char *address, const struct ixy_limit *limits, size_t count)
{
	for (const struct ixy_limit *l = limits; l < limits + count; l++)
		if (l->value < l->min || l->value > l->max || l->value % l->multiple)
			return ixy_fail(EINVAL, "%s: %u %s are not possible; %u to %u%s are: %s",
					address, l->value, l->name, l->min, l->max,
					l->multiple > 1 ? " in steps of 8" : "", l->why);
	return 0;
}
