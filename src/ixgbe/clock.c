/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The clock of IEEE 1588 (7.9). It is a counter, SYSTIM, that grows by TIMINCA.IncValue every IncPeriod
 * cycles of 6.4 ns, or of 64 ns at 1 Gbit/s: here so that it has 17 bits behind the point, and is
 * exact at both speeds. Above the point it has 47 bits, which are full after 39 hours; what was read
 * last tells the bits above those.
 */
#include "extras.h"

#define SHIFT	       17
#define PERIOD_10G     5 /* 32 ns */
#define INCREMENT_10G  (PERIOD_10G << 24 | 32 << SHIFT)
#define INCREMENT_1G   (1 << 24 | 64 << SHIFT)
#define ETHERTYPE_PTP  0x88F7
#define PTP_EVENT_PORT 319
#define PTP_FILTER     3 /* of the eight for EtherTypes */

/* The time nearest to the last one at which SYSTIM has this value. */
static uint64_t to_ns(const struct ixgbe_extras *extras, uint32_t low, uint32_t high)
{
	const uint64_t last = __atomic_load_n(&extras->clock, __ATOMIC_RELAXED);
	const uint64_t ns = ((uint64_t)high << 32 | low) >> SHIFT;

	return last + (uint64_t)((int64_t)((ns - last) << SHIFT) >> SHIFT);
}

/* The low half first: reading it holds the high one. */
static uint64_t read_time(struct ixgbe_device *dev, uint32_t low_reg, uint32_t high_reg)
{
	const uint32_t low = ixgbe_read(dev, low_reg);

	return to_ns(dev->extras, low, ixgbe_read(dev, high_reg));
}

static void set_increment(struct ixgbe_device *dev)
{
	const uint32_t slow = LINKS_SPEED(ixgbe_read(dev, LINKS)) == LINKS_SPEED(LINKS_SPEED_1G);
	const uint32_t increment = slow ? INCREMENT_1G : INCREMENT_10G;

	if (increment != dev->extras->increment)
		ixgbe_write(dev, TIMINCA, increment);
	dev->extras->increment = increment;
}

void ixgbe_init_clock(struct ixgbe_device *dev)
{
	/* Linux's ixgbe_ptp.c: its SYSTIMH counts seconds, and SYSTIML nanoseconds. */
	if (ixgbe_is_x550(dev)) {
		dev->error =
			ixy_fail(ENOTSUP, "%s: config.timestamps: not with the clock of an X550",
				 vfio_address(dev->ixy.vfio));
		return;
	}
	set_increment(dev);
	ixgbe_write(dev, SYSTIML, 0);
	ixgbe_write(dev, SYSTIMH, 0);
	ixgbe_write(dev, ETQF(PTP_FILTER), ETQF_FILTER_EN | ETQF_1588 | ETHERTYPE_PTP);
	ixgbe_write(dev, RXMTRL, (uint32_t)PTP_EVENT_PORT << 16);
	ixgbe_write(dev, TSYNCRXCTL, TSYNCRXCTL_EN | TSYNCRXCTL_TYPE_EVENT_V2 << 1);
	ixgbe_write(dev, TSYNCTXCTL, TSYNCTXCTL_EN);
	ixgbe_read(dev, RXSTMPH); /* no stamps from before */
	ixgbe_read(dev, TXSTMPH);
}

static int check_clock(struct ixgbe_device *dev)
{
	if (!dev->ixy.config.timestamps)
		return ixy_fail(ENOTSUP, "%s: config.timestamps was not set: the clock is off",
				vfio_address(dev->ixy.vfio));
	return ixgbe_gone(dev) ? -ENODEV : 0;
}

int ixgbe_read_clock(struct ixy_device *ixy, uint64_t *ns)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	int err = check_clock(dev);
	if (err)
		return err;
	*ns = read_time(dev, SYSTIML, SYSTIMH);
	__atomic_store_n(&dev->extras->clock, *ns, __ATOMIC_RELAXED);
	return 0;
}

void ixgbe_keep_clock(struct ixgbe_device *dev)
{
	uint64_t ns;

	if (!dev->ixy.config.timestamps || ixgbe_read_clock(&dev->ixy, &ns))
		return;
	set_increment(dev);
}

/* The card has one stamp at a time, and says which packet has it. Reading its high half makes room for
 * the next one. */
void ixgbe_note_times(struct ixgbe_device *dev, struct pkt_buf **bufs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!(bufs[i]->status & IXY_RX_TIME))
			continue;
		if (ixgbe_read(dev, TSYNCRXCTL) & TSYNCRXCTL_RXTT)
			bufs[i]->time = read_time(dev, RXSTMPL, RXSTMPH);
		else
			bufs[i]->status &= ~IXY_RX_TIME;
	}
}

int ixgbe_tx_time(struct ixy_device *ixy, uint64_t *ns)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	int err = check_clock(dev);
	if (err)
		return err;
	if (!(ixgbe_read(dev, TSYNCTXCTL) & TSYNCTXCTL_TXTT))
		return -EAGAIN;
	*ns = read_time(dev, TXSTMPL, TXSTMPH);
	return 0;
}
