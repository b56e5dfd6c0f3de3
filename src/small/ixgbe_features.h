/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/full/ixgbe_features.h: registers are memory; packets are counted, bytes and errors
 * are not. */
/* clang-format off */
#define ixgbe_read(dev, reg)	     (*(volatile uint32_t *)((dev)->bar->base + (reg)))
#define ixgbe_write(dev, reg, value) ({ dma_wmb(); ixgbe_read(dev, reg) = (value); })
/* clang-format on */
#define ixgbe_init_features(dev)

static inline int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	/* GPRC counts what was missed, too */
	dev->stats.rx_packets += (uint64_t)ixgbe_read(dev, GPRC) - ixgbe_read(dev, MPC);
	dev->stats.tx_packets += ixgbe_read(dev, GPTC);
	*stats = dev->stats;
	return ixgbe_read(dev, STATUS) == UINT32_MAX ? -ENODEV : 0;
}
