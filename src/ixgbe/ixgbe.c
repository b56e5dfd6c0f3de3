/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Intel 82599 family: reset, initialisation, queues, shutdown. Section numbers are those of the 82599
 * datasheet, revision 3.3. Packets are in rxtx.c.
 */
#include "ixgbe.h"

/* 5.2.5.3.2 master disable, then 4.2.1.7 software reset: no request to memory is cut in half. */
static void ixgbe_reset(struct ixgbe_device *dev)
{
	ixgbe_write(dev, EIMC, EIMC_ALL);
	ixgbe_set(dev, CTRL, CTRL_GIO_DIS);
	ixgbe_wait_clear(dev, STATUS, STATUS_GIO);
	ixgbe_set(dev, CTRL, CTRL_RST | CTRL_LRST);
	ixgbe_wait_clear(dev, CTRL, CTRL_RST | CTRL_LRST);
	ixy_sleep_us(10000); /* 4.6.3.2 */
	ixgbe_clear(dev, CTRL, CTRL_GIO_DIS);
	ixgbe_write(dev, EIMC, EIMC_ALL); /* 4.6.3.1: again, as reset may have enabled some */
}

/* Rings sit in one block of DMA memory, buffers in one pool per receive queue. */
static int ixgbe_alloc_queues(struct ixgbe_device *dev)
{
	const struct ixy_config *c = &dev->ixy.config;
	uint32_t rings = c->rx_queues * c->rx_ring + c->tx_queues * c->tx_ring;
	int err = vfio_dma_alloc(&dev->rings, rings * sizeof(struct ixgbe_desc));
	struct ixgbe_desc *ring = dev->rings.virt;

	dev->room = (c->mtu + 14 + 4 + 1023) / 1024 * 1024; /* no CRC, but perhaps a VLAN tag */
	for (struct ixgbe_queue *q = dev->rx; !err && q < dev->end; ring += q++->size) {
		bool rx = q < dev->tx;
		q->reg = rx ? RDBAL(q - dev->rx) : TDBAL(q - dev->tx);
		q->tail = bar_pointer(dev->bar, q->reg + Q_TAIL);
		q->ring = ring;
		q->size = rx ? c->rx_ring : c->tx_ring;
		q->room = dev->room;
		q->bufs = calloc(q->size, sizeof(*q->bufs) + sizeof(*q->run));
		q->run = (uint16_t *)(q->bufs + q->size);
		err = !q->bufs ? -ENOMEM : rx ? mempool_create(&q->pool, c->buffers, dev->room) : 0;
	}
	return err;
}

static void ixgbe_start_queue(struct ixgbe_device *dev, struct ixgbe_queue *q)
{
	uint64_t iova = dev->rings.iova + ((uint8_t *)q->ring - (uint8_t *)dev->rings.virt);

	/* Head and tail are 0, as reset left them. */
	ixgbe_write(dev, q->reg + Q_BAL, iova);
	ixgbe_write(dev, q->reg + Q_BAH, iova >> 32);
	ixgbe_write(dev, q->reg + Q_LEN, q->size * sizeof(*q->ring));
	if (q->pool) {
		/* One queue: a burst may wait in the packet buffer. Several: none may hold up others. */
		uint32_t drop = dev->ixy.config.rx_queues > 1 ? SRRCTL_DROP_EN : 0;
		ixgbe_write(dev, q->reg + Q_SRRCTL, dev->room / 1024 | SRRCTL_ADV_ONE | drop);
		/* The last sentence of 4.6.7: a nameless bit that is 1 after reset. */
		ixgbe_clear(dev, q->reg + Q_DCA_RXCTRL, 1 << 12);
		q->held = pkt_buf_alloc_batch(q->pool, q->bufs, q->size); /* it has more */
		for (uint32_t d = 0; d < q->size; d++)
			q->ring[d].addr = pkt_buf_iova(q->bufs[d]);
	} else {
		/* 7.2.3.4.1: fetch early and in bulk (PTHRESH 36, HTHRESH 8); WTHRESH 0: write back
		 * each descriptor with RS. */
		ixgbe_write(dev, q->reg + Q_CTL, 36 | 8 << 8);
	}
	ixgbe_set(dev, q->reg + Q_CTL, Q_CTL_ENABLE);
	ixgbe_wait_set(dev, q->reg + Q_CTL, Q_CTL_ENABLE);
	/* Datasheet gap: nothing says whether RDT may be written before ENABLE reads 1. Linux and DPDK
	 * wait; so do we. One descriptor stays unused, as head == tail means that there are none. */
	ixgbe_write(dev, q->reg + Q_TAIL, q->pool ? q->size - 1 : 0);
}

/* 4.6.8.1.2: what was handed in is sent first, but a card without link may keep it; 4.6.7.1.2. */
static void ixgbe_stop_queues(struct ixgbe_device *dev)
{
	for (int patience = 1000, i = 0; i < dev->ixy.config.tx_queues; i++)
		for (; dev->tx[i].held && patience; patience--) {
			ixy_tx_batch(&dev->ixy, i, NULL, 0);
			ixy_sleep_us(100);
		}
	for (struct ixgbe_queue *q = dev->rx; q < dev->end; q++) {
		ixgbe_clear(dev, q->reg + Q_CTL, Q_CTL_ENABLE);
		ixgbe_wait_clear(dev, q->reg + Q_CTL, Q_CTL_ENABLE);
	}
}

/* Call after DMA is disabled. */
static void ixgbe_free(struct ixgbe_device *dev)
{
	for (struct ixgbe_queue *q = dev->rx; q < dev->end; q++) {
		for (uint32_t d = 0; d < q->held; d++)
			pkt_buf_free_batch(&q->bufs[(q->clean + d) % q->size], 1);
		mempool_destroy(q->pool);
		free(q->bufs);
	}
	vfio_dma_free(&dev->rings);
	free(dev->extras);
	free(dev);
}

/* 4.6.7: everything but the queues. */
static void ixgbe_init_rx(struct ixgbe_device *dev)
{
	/* No reset clears these; an old RAH.AV or hash bit would let other hosts' packets in, an
	 * old FTQF would send ours to a queue that is off. */
	static const uint32_t tables[][2] = { { PFUTA, 128 },	{ VFTA, 128 },	{ PFVLVF, 64 },
					      { MTA, 128 },	{ MPSAR, 256 }, { PFVLVFB, 128 },
					      { RAL + 8, 254 }, { FTQF, 128 } };

	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (uint32_t i = 0; i < tables[t][1]; i++)
			ixgbe_write(dev, tables[t][0] + i * 4, 0);
	ixgbe_write(dev, MPSAR, 1); /* Datasheet gap: pool 0 takes address 0, also without pools */

	/* 8.2.3.22.8: CRC stripping must agree in both registers. Jumbo frames go up to MAXFRS. */
	ixgbe_set(dev, HLREG0, HLREG0_RXCRCSTRP | HLREG0_JUMBOEN | HLREG0_TXCRCEN | HLREG0_TXPADEN);
	ixgbe_write(dev, MAXFRS, (dev->ixy.config.mtu + 18) << 16);
	/* 8.2.3.8.8: software sets RSCACKC and FCOE_WRFIX, and clears RSCFRSTSIZE. */
	ixgbe_clear(dev, RDRXCTL, RDRXCTL_RSCFRSTSIZE);
	ixgbe_set(dev, RDRXCTL, RDRXCTL_CRCSTRIP | RDRXCTL_RSCACKC | RDRXCTL_FCOE_WRFIX);
	ixgbe_set(dev, CTRL_EXT, CTRL_EXT_NS_DIS); /* the last sentence of 4.6.7 */
}

/* 4.6.8: everything but the queues. After reset the packet buffers are those of one class. */
static void ixgbe_init_tx(struct ixgbe_device *dev)
{
	/* 4.6.11.3.4: DTXMXSZRQ only while the arbiter rests. */
	ixgbe_set(dev, RTTDCS, RTTDCS_ARBDIS);
	ixgbe_write(dev, DTXMXSZRQ, DTXMXSZRQ_MAX);
	ixgbe_clear(dev, RTTDCS, RTTDCS_ARBDIS);
	ixgbe_set(dev, DMATXCTL, DMATXCTL_TE);
}

/* 4.6.3 */
static int ixgbe_init(struct ixgbe_device *dev, bool copper)
{
	uint32_t port = ixgbe_read(dev, STATUS) / STATUS_LAN_ID & 1;

	if (ixgbe_gone(dev))
		return ixy_fail(ENODEV, "%s: the card is off or gone", vfio_address(dev->ixy.vfio));
	ixgbe_reset(dev);
	ixgbe_wait_set(dev, EEC, EEC_AUTO_RD);
	ixgbe_wait_set(dev, EEMNGCTL, EEMNGCTL_CFG_DONE0 << port);
	ixgbe_wait_set(dev, RDRXCTL, RDRXCTL_DMAIDONE);

	uint32_t mac[2] = { ixgbe_read(dev, RAL), ixgbe_read(dev, RAH) }; /* from the EEPROM */
	memcpy(dev->ixy.mac, mac, 6);
	ixgbe_set(dev, CTRL_EXT, CTRL_EXT_DRV_LOAD);
	/* 4.6.4: link mode and speeds come from the EEPROM and stay as they are. On copper, firmware and
	 * PHY negotiate by themselves. Datasheet gap: what SDP3 does is up to the board; on those with
	 * SFP+ it switches the laser off. */
	if (!copper) {
		ixgbe_clear(dev, ESDP, ESDP_SDP3);
		ixgbe_set(dev, AUTOC, AUTOC_RESTART_AN);
	}
	ixgbe_read_stats(&dev->ixy, &dev->stats); /* 4.6.5: reading clears */
	memset(&dev->stats, 0, sizeof(dev->stats));
	ixgbe_init_rx(dev);
	ixgbe_init_tx(dev);
	ixgbe_init_features(dev);
	dev->error = vfio_set_bus_master(dev->ixy.vfio, true) ?: dev->error;
	for (struct ixgbe_queue *q = dev->rx; q < dev->end; q++)
		ixgbe_start_queue(dev, q);
	ixgbe_set_receiver(dev, true);
	return dev->error;
}

/* 4.6.7.1.2, 4.6.8.1.2, 5.2.5.3.2: receiver, queues, bus mastering, and only then the memory. */
static void ixgbe_close(struct ixy_device *ixy)
{
	struct ixgbe_device *dev = (struct ixgbe_device *)ixy;

	if (!ixgbe_gone(dev)) {
		ixgbe_set_receiver(dev, false);
		ixgbe_stop_queues(dev);
		ixgbe_clear(dev, CTRL_EXT, CTRL_EXT_DRV_LOAD);
		ixgbe_reset(dev);
	}
	vfio_close(ixy->vfio);
	ixgbe_free(dev);
}

int ixgbe_open(struct ixy_device **out, struct vfio_device *vfio, const struct ixy_config *config,
	       bool copper)
{
	static const struct ixy_ops ops = { ixgbe_rx_batch, ixgbe_tx_batch, ixgbe_close,
					    ixgbe_read_stats, NULL };
	const size_t queues = config->rx_queues + config->tx_queues;
	struct ixgbe_device *dev = calloc(1, sizeof(*dev) + queues * sizeof(*dev->rx));

	if (!dev)
		return ixy_fail(ENOMEM, "%s: out of memory", vfio_address(vfio));
	dev->ixy = (struct ixy_device){ .ops = &ops, .vfio = vfio, .config = *config };
	dev->tx = dev->rx + config->rx_queues;
	dev->end = dev->rx + queues;
	int err = vfio_bar(vfio, VFIO_PCI_BAR0_REGION_INDEX, &dev->bar) ?:
		  ixgbe_alloc_queues(dev) ?:
		  ixgbe_init(dev, copper);
	if (err) {
		vfio_set_bus_master(vfio, false); /* before its memory goes */
		ixgbe_free(dev);
	}
	*out = err ? NULL : &dev->ixy;
	return err;
}
