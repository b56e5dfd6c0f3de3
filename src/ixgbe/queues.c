/* SPDX-License-Identifier: BSD-2-Clause */
/* Queues of the 82599: their memory, and how they are started (datasheet 4.6.7, 4.6.8). */
#include "ixgbe.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* All rings sit in one piece of DMA memory, receive first: a huge page holds them all. */
int ixgbe_alloc_queues(struct ixgbe_device *dev)
{
	const struct ixy_config *c = &dev->ixy.config;
	size_t rx_bytes = c->rx_ring * sizeof(*dev->rx->ring);
	size_t tx_bytes = c->tx_ring * sizeof(*dev->tx->ring);
	/* CRC is stripped, a VLAN tag is not. SRRCTL.BSIZEPACKET counts in KiB. */
	uint32_t room = (c->mtu + 14 + 4 + 1023) / 1024 * 1024;

	int err = vfio_dma_alloc(&dev->rings, c->rx_queues * rx_bytes + c->tx_queues * tx_bytes);
	if (err)
		return err;
	dev->rx = calloc(c->rx_queues, sizeof(*dev->rx));
	dev->tx = calloc(c->tx_queues, sizeof(*dev->tx));
	if (!dev->rx || !dev->tx)
		return -ENOMEM;

	uint8_t *ring = dev->rings.virt;
	for (int i = 0; i < c->rx_queues; i++, ring += rx_bytes) {
		struct ixgbe_rx_queue *q = &dev->rx[i];
		q->ring = (void *)ring;
		q->tail = bar_pointer(dev->bar, RDT(i));
		q->size = c->rx_ring;
		q->room = room < 2048 ? 2048 : room;
		err = mempool_create(&q->pool, c->buffers, q->room);
		if (err)
			return err;
		q->bufs = calloc(q->size, sizeof(*q->bufs));
		if (!q->bufs || pkt_buf_alloc_batch(q->pool, q->bufs, q->size) != q->size)
			return -ENOMEM;
	}
	for (int i = 0; i < c->tx_queues; i++, ring += tx_bytes) {
		struct ixgbe_tx_queue *q = &dev->tx[i];
		q->ring = (void *)ring;
		q->tail = bar_pointer(dev->bar, TDT(i));
		q->size = c->tx_ring;
		q->bufs = calloc(q->size, sizeof(*q->bufs));
		q->batch_end = calloc(q->size, sizeof(*q->batch_end));
		if (!q->bufs || !q->batch_end)
			return -ENOMEM;
	}
	return 0;
}

static uint64_t ring_iova(const struct ixgbe_device *dev, volatile void *ring)
{
	return dev->rings.iova + (uint64_t)((uint8_t *)ring - (uint8_t *)dev->rings.virt);
}

int ixgbe_start_rx_queue(struct ixgbe_device *dev, uint16_t i)
{
	struct ixgbe_rx_queue *q = &dev->rx[i];
	uint64_t iova = ring_iova(dev, q->ring);

	for (uint32_t d = 0; d < q->size; d++)
		q->ring[d].addr = pkt_buf_iova(q->bufs[d]);
	ixgbe_write(dev, RDBAL(i), iova);
	ixgbe_write(dev, RDBAH(i), iova >> 32);
	ixgbe_write(dev, RDLEN(i), q->size * sizeof(*q->ring));
	/* One queue: a burst may wait in the packet buffer. Several: none may hold up the others. */
	ixgbe_write(dev, SRRCTL(i),
		    q->room / 1024 * SRRCTL_BSIZEPACKET_1KB | SRRCTL_DESCTYPE_ADV_ONE |
			    (dev->ixy.config.rx_queues > 1 ? SRRCTL_DROP_EN : 0));
	/* 4.6.7: a bit without a name that is 1 after reset and must be 0 */
	ixgbe_clear(dev, DCA_RXCTRL(i), DCA_RXCTRL_BIT12);
	ixgbe_write(dev, RDH(i), 0);
	ixgbe_write(dev, RDT(i), 0);
	ixgbe_set(dev, RXDCTL(i), RXDCTL_ENABLE);
	int err = ixgbe_wait_set(dev, RXDCTL(i), RXDCTL_ENABLE, 10 * MS);
	if (err)
		return err;

	/* Datasheet gap: nothing says whether RDT may be written before ENABLE reads 1. Linux and
	 * DPDK wait; so do we. One descriptor stays unused: head == tail means an empty ring. */
	ixgbe_write(dev, RDT(i), q->size - 1);
	return 0;
}

int ixgbe_start_tx_queue(struct ixgbe_device *dev, uint16_t i)
{
	struct ixgbe_tx_queue *q = &dev->tx[i];
	uint64_t iova = ring_iova(dev, q->ring);

	ixgbe_write(dev, TDBAL(i), iova);
	ixgbe_write(dev, TDBAH(i), iova >> 32);
	ixgbe_write(dev, TDLEN(i), q->size * sizeof(*q->ring));
	ixgbe_write(dev, TDH(i), 0);
	ixgbe_write(dev, TDT(i), 0);
	/* 7.2.3.4.1: fetch early and in bulk. WTHRESH 0: write back each descriptor that has RS. */
	ixgbe_write(dev, TXDCTL(i), TXDCTL_PTHRESH | TXDCTL_HTHRESH);
	ixgbe_set(dev, TXDCTL(i), TXDCTL_ENABLE);
	return ixgbe_wait_set(dev, TXDCTL(i), TXDCTL_ENABLE, 10 * MS);
}

/* 4.6.8.1.2: let the card send what it has before its queues are stopped. */
void ixgbe_drain(struct ixgbe_device *dev, uint32_t us)
{
	for (uint16_t i = 0; i < dev->ixy.config.tx_queues; i++)
		for (; dev->tx[i].clean != dev->tx[i].next && us >= 10; us -= 10) {
			ixgbe_tx_batch(&dev->ixy, i, NULL, 0);
			usleep(10);
		}
}

/* The card must be unable to reach memory before this. */
void ixgbe_free_queues(struct ixgbe_device *dev)
{
	for (int i = 0; dev->rx && i < dev->ixy.config.rx_queues; i++) {
		struct ixgbe_rx_queue *q = &dev->rx[i];
		for (uint32_t d = 0; q->bufs && d < q->size && q->bufs[d]; d++)
			pkt_buf_free(q->bufs[d]);
		mempool_destroy(q->pool);
		free(q->bufs);
	}
	for (int i = 0; dev->tx && i < dev->ixy.config.tx_queues; i++) {
		struct ixgbe_tx_queue *q = &dev->tx[i];
		for (; q->bufs && q->clean != q->next; q->clean = (q->clean + 1) % q->size)
			pkt_buf_free(q->bufs[q->clean]);
		free(q->bufs);
		free(q->batch_end);
	}
	free(dev->rx);
	free(dev->tx);
	vfio_dma_free(&dev->rings);
}
