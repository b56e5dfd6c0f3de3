/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Intel 82599 family: reset, initialisation, shutdown, filters, link and statistics. Section
 * numbers are those of the 82599 datasheet, revision 3.3. Queues are in queues.c, packets in rxtx.c.
 */
#include "ixgbe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

int ixgbe_wait(const struct ixgbe_device *dev, uint32_t reg, uint32_t mask, uint32_t value,
	       uint32_t us, const char *what)
{
	struct timespec now, end;

	clock_gettime(CLOCK_MONOTONIC, &end);
	end.tv_sec += (end.tv_nsec / 1000 + us) / 1000000;
	end.tv_nsec = (end.tv_nsec / 1000 + us) % 1000000 * 1000;
	for (;;) {
		clock_gettime(CLOCK_MONOTONIC,
			      &now); /* before the read: a late look still counts */
		if ((ixgbe_read(dev, reg) & mask) == value)
			return 0;
		if (now.tv_sec > end.tv_sec ||
		    (now.tv_sec == end.tv_sec && now.tv_nsec > end.tv_nsec))
			return ixy_fail(ETIMEDOUT, "%s: waited %u us for %s, which is 0x%08x",
					vfio_address(dev->ixy.vfio), us, what,
					ixgbe_read(dev, reg));
		usleep(10);
	}
}

/* A card that has gone (unplugged, failed, its emulator killed) answers all ones. */
static bool ixgbe_gone(const struct ixgbe_device *dev)
{
	return ixgbe_read(dev, STATUS) == UINT32_MAX;
}

/* 5.2.5.3.2 master disable, then 4.2.1.7 software reset: no request to memory is cut in half. */
static int ixgbe_reset(struct ixgbe_device *dev)
{
	ixgbe_write(dev, EIMC, EIMC_ALL);
	ixgbe_set(dev, CTRL, CTRL_MASTER_DIS);
	if (ixgbe_wait_clear(dev, STATUS, STATUS_MASTER, 100 * MS))
		ixy_log(IXY_WARN, "%s: resetting although requests are pending",
			vfio_address(dev->ixy.vfio));
	ixgbe_set(dev, CTRL, CTRL_RST);
	int err = ixgbe_wait_clear(dev, CTRL, CTRL_RST, 100 * MS);
	if (err)
		return err;

	usleep(10 * MS); /* 4.6.3.2 */
	ixgbe_clear(dev, CTRL, CTRL_MASTER_DIS);
	ixgbe_write(dev, EIMC, EIMC_ALL); /* 4.6.3.1: again, reset may have enabled some */
	return 0;
}

/*
 * Receiving starts and stops between packets when the data path is halted first (4.6.7). FCTRL and
 * the like may only be written while it is off (8.2.3.7.1).
 */
static int ixgbe_set_receiver(struct ixgbe_device *dev, bool on)
{
	ixgbe_set(dev, SECRXCTRL, SECRXCTRL_RX_DIS);
	int err = ixgbe_wait_set(dev, SECRXSTAT, SECRXSTAT_RDY, 10 * MS);
	if (on)
		ixgbe_set(dev, RXCTRL, RXCTRL_RXEN);
	else
		ixgbe_clear(dev, RXCTRL, RXCTRL_RXEN);
	ixgbe_clear(dev, SECRXCTRL, SECRXCTRL_RX_DIS);
	return err;
}

static void ixgbe_write_filters(struct ixgbe_device *dev)
{
	ixgbe_write(dev, FCTRL,
		    FCTRL_BAM | (dev->ixy.config.promiscuous ? FCTRL_UPE | FCTRL_MPE : 0));
}

static int ixgbe_set_promiscuous(struct ixy_device *ixy, bool on)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	int err = ixgbe_set_receiver(dev, false);
	if (err)
		return err;

	ixy->config.promiscuous = on;
	ixgbe_write_filters(dev);
	return ixgbe_set_receiver(dev, true);
}

/* 8.2.3.7.9: the first bytes of the address are in RAL; AV makes the entry valid. */
static int ixgbe_set_mac(struct ixy_device *ixy, const uint8_t mac[6])
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	ixgbe_write(dev, RAL(0), mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
	ixgbe_write(dev, RAH(0), RAH_AV | mac[4] | mac[5] << 8);
	memcpy(ixy->mac, mac, 6);
	return 0;
}

static int ixgbe_link_speed(struct ixy_device *ixy)
{
	static const int mbits[] = { 0, 100, 1000, 10000 };
	uint32_t links = ixgbe_read((struct ixgbe_device *)ixy, LINKS);

	if (links == UINT32_MAX)
		return -ENODEV;
	return links & LINKS_UP ? mbits[LINKS_SPEED(links)] : 0;
}

static int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;
	struct ixy_stats *sum = &dev->stats;

	if (ixgbe_gone(dev))
		return -ENODEV;

	/* 8.2.3.23.18: low half first; reading the high half clears both. Bytes include the CRC. */
	uint32_t rx = ixgbe_read(dev, GPRC), tx = ixgbe_read(dev, GPTC);
	uint64_t rx_bytes = ixgbe_read(dev, GORCL), tx_bytes = ixgbe_read(dev, GOTCL);
	rx_bytes |= (uint64_t)(ixgbe_read(dev, GORCH) & 0xF) << 32;
	tx_bytes |= (uint64_t)(ixgbe_read(dev, GOTCH) & 0xF) << 32;
	sum->rx_packets += rx;
	sum->tx_packets += tx;
	sum->rx_bytes += rx_bytes - 4ull * rx;
	sum->tx_bytes += tx_bytes - 4ull * tx;
	sum->rx_missed += ixgbe_read(dev, MPC);
	if (ixy->config.rx_queues > 1)
		sum->rx_missed += ixgbe_read(dev, QPRDC(0));
	sum->rx_errors += ixgbe_read(dev, CRCERRS) + ixgbe_read(dev, RLEC) + ixgbe_read(dev, RUC) +
			  ixgbe_read(dev, ROC);
	*stats = *sum;
	for (int i = 0; i < ixy->config.rx_queues; i++) {
		stats->rx_no_buffer += dev->rx[i].no_buffer;
		stats->rx_errors += dev->rx[i].errors;
	}
	return 0;
}

/* 4.6.4: link mode and speeds come from the EEPROM and stay as they are. */
static void ixgbe_start_link(struct ixgbe_device *dev)
{
	if (dev->copper)
		return; /* firmware and PHY negotiate by themselves after reset */
	/* Datasheet gap: what SDP3 does is up to the board; on SFP+ boards it switches the laser off. */
	ixgbe_clear(dev, ESDP, ESDP_SDP3);
	ixgbe_set(dev, AUTOC, AUTOC_RESTART_AN);
}

/* 4.6.7: everything but the queues. */
static void ixgbe_init_rx(struct ixgbe_device *dev)
{
	static const struct {
		uint32_t first, count;
	} tables[] = { { PFUTA(0), 128 }, { VFTA(0), 128 },  { PFVLVF(0), 64 }, { PFVLVFB(0), 128 },
		       { MTA(0), 128 },	  { MPSAR(0), 256 }, { RAL(1), 254 } };

	/* Reset does not clear these; an old RAH.AV or hash bit would let other hosts' packets in. */
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (uint32_t i = 0; i < tables[t].count; i++)
			ixgbe_write(dev, tables[t].first + i * 4, 0);
	ixgbe_write(dev, MPSAR(0),
		    1); /* Datasheet gap: pool 0 must take address 0 without pools, too */

	ixgbe_write_filters(dev);
	/* CRC stripping must agree in both registers (8.2.3.22.8); jumbo frames up to MAXFRS. */
	ixgbe_set(dev, HLREG0, HLREG0_RXCRCSTRP | HLREG0_JUMBOEN);
	ixgbe_write(dev, MAXFRS, (dev->ixy.config.mtu + 18) << 16);
	/* 8.2.3.8.8: software sets RSCACKC and FCOE_WRFIX and clears RSCFRSTSIZE. */
	ixgbe_write(dev, RDRXCTL,
		    (ixgbe_read(dev, RDRXCTL) & ~RDRXCTL_RSCFRSTSIZE) | RDRXCTL_CRCSTRIP |
			    RDRXCTL_RSCACKC | RDRXCTL_FCOE_WRFIX);
	ixgbe_set(dev, CTRL_EXT, CTRL_EXT_NS_DIS); /* last sentence of 4.6.7 */
}

/* 4.6.8: everything but the queues. Packet buffer sizes after reset are those of one class. */
static void ixgbe_init_tx(struct ixgbe_device *dev)
{
	ixgbe_set(dev, HLREG0, HLREG0_TXCRCEN | HLREG0_TXPADEN);
	ixgbe_set(dev, RTTDCS,
		  RTTDCS_ARBDIS); /* 4.6.11.3.4: DTXMXSZRQ only while the arbiter rests */
	ixgbe_write(dev, DTXMXSZRQ, DTXMXSZRQ_MAX);
	ixgbe_clear(dev, RTTDCS, RTTDCS_ARBDIS);
	ixgbe_set(dev, DMATXCTL, DMATXCTL_TE);
}

/* 4.6.3 */
static int ixgbe_init(struct ixgbe_device *dev)
{
	int err = ixgbe_reset(dev);
	if (!err)
		err = ixgbe_wait_set(dev, EEC, EEC_AUTO_RD, 500 * MS);
	if (!err)
		err = ixgbe_wait_set(dev, EEMNGCTL,
				     EEMNGCTL_CFG_DONE0 << STATUS_LAN_ID(ixgbe_read(dev, STATUS)),
				     1000 * MS);
	if (!err)
		err = ixgbe_wait_set(dev, RDRXCTL, RDRXCTL_DMAIDONE, 100 * MS);
	if (err)
		return err;

	uint32_t low = ixgbe_read(dev, RAL(0)),
		 high = ixgbe_read(dev, RAH(0)); /* from the EEPROM */
	for (int i = 0; i < 6; i++)
		dev->ixy.mac[i] = i < 4 ? low >> 8 * i : high >> 8 * (i - 4);
	ixgbe_set(dev, CTRL_EXT, CTRL_EXT_DRV_LOAD);
	ixgbe_start_link(dev);
	ixgbe_read_stats(&dev->ixy, &dev->stats); /* 4.6.5: reading clears */
	memset(&dev->stats, 0, sizeof(dev->stats));
	ixgbe_init_rx(dev);
	ixgbe_init_tx(dev);

	err = vfio_set_bus_master(dev->ixy.vfio, true);
	for (uint16_t q = 0; !err && q < dev->ixy.config.rx_queues; q++)
		err = ixgbe_start_rx_queue(dev, q);
	for (uint16_t q = 0; !err && q < dev->ixy.config.tx_queues; q++)
		err = ixgbe_start_tx_queue(dev, q);
	if (!err)
		err = ixgbe_set_receiver(dev, true);
	return err;
}

/* 4.6.7.1.2, 4.6.8.1.2, 5.2.5.3.2: receiver, queues, bus mastering, and only then the memory. */
static void ixgbe_close(struct ixy_device *ixy)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	if (!ixgbe_gone(dev)) {
		ixgbe_set_receiver(dev, false);
		ixgbe_drain(dev, 100 * MS);
		for (uint16_t q = 0; q < ixy->config.rx_queues; q++)
			ixgbe_clear(dev, RXDCTL(q), RXDCTL_ENABLE);
		for (uint16_t q = 0; q < ixy->config.tx_queues; q++)
			ixgbe_clear(dev, TXDCTL(q), TXDCTL_ENABLE);
		for (uint16_t q = 0; q < ixy->config.rx_queues; q++)
			ixgbe_wait_clear(dev, RXDCTL(q), RXDCTL_ENABLE, 10 * MS);
		for (uint16_t q = 0; q < ixy->config.tx_queues; q++)
			ixgbe_wait_clear(dev, TXDCTL(q), TXDCTL_ENABLE, 10 * MS);
		ixgbe_clear(dev, CTRL_EXT, CTRL_EXT_DRV_LOAD);
		ixgbe_reset(dev);
	}
	vfio_close(ixy->vfio);
	ixgbe_free_queues(dev);
	free(dev);
}

static const struct ixy_ops ixgbe_ops = {
	.close = ixgbe_close,
	.read_stats = ixgbe_read_stats,
	.set_promiscuous = ixgbe_set_promiscuous,
	.set_mac = ixgbe_set_mac,
	.link_speed = ixgbe_link_speed,
};

static int ixgbe_check_config(struct vfio_device *vfio, const struct ixy_config *c)
{
	const struct {
		const char *name;
		uint32_t value, min, max, multiple;
	} limits[] = {
		{ "receive queues", c->rx_queues, 1, IXGBE_MAX_RX_QUEUES, 1 },
		{ "send queues", c->tx_queues, 1, IXGBE_MAX_TX_QUEUES, 1 },
		{ "receive ring", c->rx_ring, 64, 4096, 8 }, /* RDLEN counts in 128 bytes */
		{ "send ring", c->tx_ring, 64, 4096, 8 },
		{ "buffers", c->buffers, c->rx_ring + c->tx_ring, 1 << 20, 1 },
		{ "MTU", c->mtu, 68, 9710, 1 }, /* 9.5 KiB frames, 1.3 */
	};

	for (size_t i = 0; i < sizeof(limits) / sizeof(*limits); i++)
		if (limits[i].value < limits[i].min || limits[i].value > limits[i].max ||
		    limits[i].value % limits[i].multiple)
			return ixy_fail(EINVAL,
					"%s: %s: %u is not between %u and %u in steps of %u",
					vfio_address(vfio), limits[i].name, limits[i].value,
					limits[i].min, limits[i].max, limits[i].multiple);
	return 0;
}

int ixgbe_open(struct ixy_device **out, struct vfio_device *vfio, const struct ixy_config *config,
	       bool copper)
{
	int err = ixgbe_check_config(vfio, config);
	if (err)
		return err;

	struct ixgbe_device *dev = calloc(1, sizeof(*dev));
	if (!dev)
		return -ENOMEM;

	dev->ixy = (struct ixy_device){ .rx_batch = ixgbe_rx_batch,
					.tx_batch = ixgbe_tx_batch,
					.ops = &ixgbe_ops,
					.vfio = vfio,
					.config = *config };
	dev->copper = copper;
	err = vfio_bar(vfio, VFIO_PCI_BAR0_REGION_INDEX, &dev->bar);
	if (!err && ixgbe_gone(dev))
		err = ixy_fail(ENODEV, "%s: registers read as all ones; the card is off or gone",
			       vfio_address(vfio));
	if (!err)
		err = ixgbe_alloc_queues(dev);
	if (!err)
		err = ixgbe_init(dev);
	if (err) {
		vfio_set_bus_master(vfio, false);
		ixgbe_free_queues(dev);
		free(dev);
		return err;
	}
	*out = &dev->ixy;
	return 0;
}
