/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network cards: open one by address, receive and send packets in batches. What can be asked and
 * changed while a card runs is in ixy/control.h.
 *
 * A device may be used by several threads as long as each queue of each direction is used by one at
 * a time. Packets may go from thread to thread, and be sent or freed by any. Opening, closing and
 * the other calls of one device are for one thread at a time; ixy_read_stats() also while others
 * receive and send. To hand a receive queue over to another thread, see mempool_disown().
 *
 * Rings and buffers are placed on the NUMA node of the card.
 */
#pragma once
#include <ixy/mempool.h>

/**
 * struct ixy_config - how to set a device up; zero in any field means the default
 * @rx_queues, @tx_queues: queues per direction (1; at most 128 and 64). virtio-net has pairs: both
 *                         become the larger one.
 * @rx_ring, @tx_ring:     descriptors per queue (512 and 1024; 64 to 4096 and a multiple of 8;
 *                         virtio-net: 512, or as many as the device has)
 * @buffers:               packet buffers of each receive queue's pool (4096, or more if the rings
 *                         need it). They sit in its ring, in send rings, and with the application:
 *                         at least rx_ring + tx_ring.
 * @mtu:                   largest layer 3 packet in bytes (1500; 68 to 9710). Buffers are made
 *                         large enough to hold a frame.
 * @promiscuous:           receive what is for others, too
 * @rx_info:               note in received packets what the card says of them: ixy/offload.h
 * @vlan_strip:            take VLAN tags out of received frames; implies @rx_info
 * @timestamps:            run the card's clock, and note when messages of PTP arrived; implies
 *                         @rx_info
 * @tx_offload:            ixy_tx_offload_batch() is going to be used: checksums, segmentation, tags
 * @rss_symmetric:         several queues: both directions of a flow to the same one, see ixy/rss.h
 * @flow_rules:            how many ixy_add_rule() shall have room for (0; at most 8190): ixy/flow.h
 */
struct ixy_config {
	uint16_t rx_queues, tx_queues, rx_ring, tx_ring;
	uint32_t buffers, mtu, flow_rules;
	bool promiscuous, rx_info, rss_symmetric, vlan_strip, timestamps, tx_offload;
};

/**
 * struct ixy_stats - counts since the device was opened
 * @rx_bytes, @tx_bytes: of frames without their CRC; @rx_bytes includes those that were missed
 * @rx_missed:           dropped by the card, which had no descriptor or no room
 * @rx_no_buffer:        receive calls that found frames but an empty pool: those wait in the ring
 * @rx_errors:           damaged on the wire, too long, or with a descriptor that made no sense
 */
struct ixy_stats {
	uint64_t rx_packets, rx_bytes, tx_packets, tx_bytes, rx_missed, rx_no_buffer, rx_errors;
};

/**
 * struct ixy_device - an open network card; drivers embed it
 * @ops:    what a driver provides; called through the functions below
 * @vfio:   the PCI function below
 * @config: as given, with the defaults filled in
 * @mac:    the card's unicast address
 */
struct ixy_device {
	const struct ixy_ops *ops;
	struct vfio_device *vfio;
	struct ixy_config config;
	uint8_t mac[6];
};

/* What a driver provides; @control is for ixy/control.h. */
struct ixy_ops {
	uint32_t (*rx)(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
	uint32_t (*tx)(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
	void (*close)(struct ixy_device *dev);
	int (*read_stats)(struct ixy_device *dev, struct ixy_stats *stats);
	const struct ixy_control_ops *control;
};

/**
 * ixy_open() - take control of a network card and start it
 * @dev:     set on success
 * @address: see vfio_open()
 * @config:  NULL for all defaults
 *
 * Returns without waiting for the link: see ixy_link_speed().
 *
 * Return: 0, -EINVAL (a value of @config that the card cannot do), -ENOTSUP (no driver for this
 * card), -ETIMEDOUT (the card does not answer), or an error of vfio_open() or vfio_dma_alloc().
 */
IXY_API int ixy_open(struct ixy_device **dev, const char *address, const struct ixy_config *config);

/**
 * ixy_close() - send what is queued, stop queues, card and DMA, and free everything
 *
 * NULL is allowed. Packets that were received and not freed stay valid until they are.
 */
static inline void ixy_close(struct ixy_device *dev)
{
	if (dev)
		dev->ops->close(dev);
}

/**
 * ixy_rx_batch() - receive up to @n packets
 * @queue: 0 to config.rx_queues - 1; not checked
 * @bufs:  filled in; they belong to the caller, who sends or frees them
 *
 * Does not wait. Return: how many packets there were. More may have arrived: a batch does not go
 * around the end of the ring, and ends in front of a damaged frame, which the next call drops. If
 * the pool was empty, buffers that come back from other threads are used from the next call on.
 */
static inline uint32_t ixy_rx_batch(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
				    uint32_t n)
{
	return dev->ops->rx(dev, queue, bufs, n);
}

/**
 * ixy_tx_batch() - send packets
 * @queue: 0 to config.tx_queues - 1; not checked
 * @bufs:  freed by the driver when the card has sent them, at the latest when the device is closed
 *
 * Does not wait. Also frees what earlier calls have sent: a call with @n 0 does only that. Frames
 * of a size that the card cannot send (less than 17 bytes, more than the MTU and a header with VLAN
 * tag) are dropped and count as taken.
 *
 * Return: how many packets were taken, from the first on; the rest found no room and still belong
 * to the caller.
 */
static inline uint32_t ixy_tx_batch(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
				    uint32_t n)
{
	return dev->ops->tx(dev, queue, bufs, n);
}

/**
 * ixy_read_stats() - counts since ixy_open()
 *
 * An 82599's own counters are full after 55 s at 10 Gbit/s and then begin at 0. Each call adds them up, and
 * ixy_link_speed() and ixy_next_event() do if that is 20 s ago: one of these has to be called every 30 s.
 *
 * Return: 0, or -ENODEV if the card is gone.
 */
static inline int ixy_read_stats(struct ixy_device *dev, struct ixy_stats *stats)
{
	return dev->ops->read_stats(dev, stats);
}
