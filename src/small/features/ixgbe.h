/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/features/ixgbe.h: packets are counted, bytes and errors are not. */
#define ixgbe_init_features(dev)

static inline int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	/* GPRC counts what was missed, too */
	dev->stats.rx_packets += (uint64_t)ixgbe_read(dev, GPRC) - ixgbe_read(dev, MPC);
	dev->stats.tx_packets += ixgbe_read(dev, GPTC);
	*stats = dev->stats;
	return ixgbe_gone(dev) ? -ENODEV : 0;
}
