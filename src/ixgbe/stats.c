/* SPDX-License-Identifier: BSD-2-Clause */
/* Statistics (8.2.3.23): the card counts, and its counters clear when they are read. */
#include "ixgbe.h"

static uint64_t counted(const uint64_t *sum)
{
	return __atomic_load_n(sum, __ATOMIC_RELAXED);
}

int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixy_stats *sum = &dev->stats;

	if (ixgbe_gone(dev))
		return -ENODEV;
	/* An erratum, which Linux knows, too: GPRC and GORC also count what was missed. MPC is read
	 * first, so that in all it is never the larger one. QPRDC counts for the queues that drop
	 * (SRRCTL.DROP_EN): all are in set 0 (RQSMR). */
	uint64_t missed = ixgbe_read(dev, MPC) + ixgbe_read(dev, QPRDC(0));
	uint32_t received = ixgbe_read(dev, GPRC), sent = ixgbe_read(dev, GPTC);
	sum->rx_missed += missed;
	sum->rx_packets += received - missed;
	sum->tx_packets += sent;
	/* 8.2.3.23: low half first; reading the high half clears both. They count the CRC, too. */
	sum->rx_bytes += ixgbe_read(dev, GORCL) - 4ull * received;
	sum->rx_bytes += (uint64_t)(ixgbe_read(dev, GORCH) & 0xF) << 32;
	sum->tx_bytes += ixgbe_read(dev, GOTCL) - 4ull * sent;
	sum->tx_bytes += (uint64_t)(ixgbe_read(dev, GOTCH) & 0xF) << 32;
	sum->rx_errors += ixgbe_read(dev, CRCERRS) + ixgbe_read(dev, RLEC);
	sum->rx_errors += ixgbe_read(dev, RUC) + ixgbe_read(dev, ROC);
	*stats = *sum;
	for (struct ixgbe_queue *q = dev->rx; q < dev->tx; q++) {
		stats->rx_no_buffer += counted(&q->no_buffer);
		stats->rx_errors += counted(&q->errors);
	}
	return 0;
}

/* The card has 16 sets of counters for its 128 queues (8.2.3.23.71 and following): we count. */
int ixgbe_read_queue_stats(struct ixy_device *ixy, uint16_t queue, struct ixy_queue_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	const uint16_t rx = ixy->config.rx_queues, tx = ixy->config.tx_queues;

	*stats = (struct ixy_queue_stats){ 0 };
	if (queue >= rx && queue >= tx)
		return ixy_fail(EINVAL, "%s: no queue %u: there are %u to receive and %u to send",
				vfio_address(ixy->vfio), queue, rx, tx);
	if (queue < rx) {
		stats->rx_packets = counted(&dev->rx[queue].packets);
		stats->rx_no_buffer = counted(&dev->rx[queue].no_buffer);
		stats->rx_errors = counted(&dev->rx[queue].errors);
	}
	if (queue < tx)
		stats->tx_packets = counted(&dev->tx[queue].packets);
	return 0;
}
