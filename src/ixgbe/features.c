/* SPDX-License-Identifier: BSD-2-Clause */
/* What the driver has beyond the smallest one: which functions serve a device, and what they need. */
#include "ixgbe.h"

void ixgbe_init_features(struct ixgbe_device *dev)
{
	static const struct ixy_ops plain = { ixgbe_rx_batch, ixgbe_tx_batch, ixgbe_close,
					      ixgbe_read_stats, &ixgbe_control_ops };
	static const struct ixy_ops with_info = { ixgbe_rx_info, ixgbe_tx_batch, ixgbe_close,
						  ixgbe_read_stats, &ixgbe_control_ops };

	dev->ixy.ops = dev->ixy.config.rx_info ? &with_info : &plain;
	ixgbe_init_rss(dev);
}
