/* SPDX-License-Identifier: BSD-2-Clause */
/* The configuration: what is given, defaults for the rest, and whether a card can do it. */
#include "../driver/driver.h"

int ixy_configure(const struct vfio_device *vfio, const struct ixy_card *card, struct ixy_config *c,
		  const struct ixy_config *given)
{
	const struct ixy_config g = given ? *given : (struct ixy_config){ 0 };

	c->rx_queues = g.rx_queues ?: c->rx_queues;
	c->tx_queues = g.tx_queues ?: c->tx_queues;
	c->mtu = g.mtu ?: c->mtu;
	c->promiscuous = g.promiscuous;
	c->rx_info = g.rx_info || g.vlan_strip || g.timestamps;
	c->rss_symmetric = g.rss_symmetric;
	c->flow_rules = g.flow_rules;
	c->vlan_strip = g.vlan_strip;
	c->timestamps = g.timestamps;
	c->tx_offload = g.tx_offload;
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
