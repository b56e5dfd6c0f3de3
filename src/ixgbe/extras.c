/* SPDX-License-Identifier: BSD-2-Clause */
/* See extras.h. */
#include "extras.h"

void ixgbe_init_extras(struct ixgbe_device *dev)
{
	const struct ixy_config *c = &dev->ixy.config;
	const size_t contexts = c->tx_queues * sizeof(struct ixgbe_context);

	/* The rules lie behind the contexts: one piece of memory, given back with the device. */
	dev->extras = calloc(1, sizeof(*dev->extras) + contexts + c->flow_rules * sizeof(uint32_t));
	if (!dev->extras) {
		dev->error = ixy_fail(ENOMEM, "%s: out of memory", vfio_address(dev->ixy.vfio));
		return;
	}
	dev->extras->rules = (uint32_t *)(dev->extras->contexts + c->tx_queues);
	ixgbe_wake_phy(dev);
	if (c->timestamps)
		ixgbe_init_clock(dev);
	if (c->flow_rules)
		ixgbe_init_rules(dev);
	if (c->tx_offload)
		dev->ops.tx = ixgbe_tx_plain;
	/* 7.4.2: RXDCTL.VME; the queue starts with it */
	for (struct ixgbe_queue *q = dev->rx; c->vlan_strip && q < dev->tx; q++)
		ixgbe_set(dev, q->reg + Q_CTL, RXDCTL_VME);
}
