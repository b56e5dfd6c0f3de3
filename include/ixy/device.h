/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network cards: open one by address, receive and send packets in batches.
 *
 * A device may be used by several threads as long as each queue of each direction is used by one at
 * a time. Opening, closing and the set/get calls of one device are for one thread at a time.
 */
#ifndef IXY_DEVICE_H
#define IXY_DEVICE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ixy/pkt_buf.h>

/**
 * struct ixy_config - how to set a device up; zero in any field means the default
 * @rx_queues, @tx_queues: queues per direction (1; at most what the card has)
 * @rx_ring, @tx_ring:     descriptors per queue (512; 64 to 4096 and a multiple of 8)
 * @buffers:               packet buffers of each receive queue's pool (4096, or more if the rings
 * need it). They sit in its ring, in send rings, and with the application: at least rx_ring +
 * tx_ring.
 * @mtu:                   largest layer 3 packet in bytes (1500; 68 to 9500). Buffers are made
 * large enough to hold a frame.
 * @promiscuous:           receive what is for others, too
 */
struct ixy_config {
	uint16_t rx_queues, tx_queues;
	uint16_t rx_ring, tx_ring;
	uint32_t buffers;
	uint32_t mtu;
	bool promiscuous;
};

/**
 * struct ixy_stats - counts since the device was opened
 * @rx_bytes, @tx_bytes: of frames without their CRC
 * @rx_missed:           dropped by the card because no descriptor was free or the device did not
 * keep up
 * @rx_no_buffer:        dropped by the driver because the pool was empty
 * @rx_errors:           damaged on the wire, too long, or with a descriptor that made no sense
 */
struct ixy_stats {
	uint64_t rx_packets, rx_bytes;
	uint64_t tx_packets, tx_bytes;
	uint64_t rx_missed, rx_no_buffer, rx_errors;
};

struct ixy_device;

/* What a driver provides; called through the functions below. */
struct ixy_ops {
	const char *driver;
	void (*close)(struct ixy_device *dev);
	int (*read_stats)(struct ixy_device *dev, struct ixy_stats *stats);
	int (*set_promiscuous)(struct ixy_device *dev, bool on);
	int (*set_mac)(struct ixy_device *dev, const uint8_t mac[6]);
	int (*link_speed)(struct ixy_device *dev);
};

/**
 * struct ixy_device - an open network card; drivers embed it
 * @vfio:    the PCI function below
 * @config:  as given, with the defaults filled in
 * @mac:     the card's unicast address
 */
struct ixy_device {
	uint32_t (*rx_batch)(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
			     uint32_t count);
	uint32_t (*tx_batch)(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
			     uint32_t count);
	const struct ixy_ops *ops;
	struct vfio_device *vfio;
	struct ixy_config config;
	uint8_t mac[6];
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
int ixy_open(struct ixy_device **dev, const char *address, const struct ixy_config *config);

/**
 * ixy_close() - stop queues, card and DMA, and free everything (NULL is allowed)
 *
 * Packets that were received and not freed stay valid until they are.
 */
void ixy_close(struct ixy_device *dev);

/**
 * ixy_rx_batch() - receive up to @count packets
 * @queue: 0 to config.rx_queues - 1; not checked
 * @bufs:  filled in; they belong to the caller, who sends or frees them
 *
 * Does not wait. Return: how many packets there were.
 */
static inline uint32_t ixy_rx_batch(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
				    uint32_t count)
{
	return dev->rx_batch(dev, queue, bufs, count);
}

/**
 * ixy_tx_batch() - send packets
 * @queue: 0 to config.tx_queues - 1; not checked
 * @bufs:  the driver frees each buffer when the card has sent it, at the latest when the device is
 * closed
 *
 * Does not wait. Also frees what earlier calls have sent: a call with @count 0 does only that.
 * Frames of a size that the card cannot send are dropped and count as taken.
 *
 * Return: how many packets were taken, from the first on; the rest found no room and still belong
 * to the caller.
 */
static inline uint32_t ixy_tx_batch(struct ixy_device *dev, uint16_t queue, struct pkt_buf **bufs,
				    uint32_t count)
{
	return dev->tx_batch(dev, queue, bufs, count);
}

/** ixy_read_stats() - counts since ixy_open(). Return: 0, or -ENODEV if the card has gone. */
int ixy_read_stats(struct ixy_device *dev, struct ixy_stats *stats);

/** ixy_set_promiscuous() - receive what is for others, or stop to. Return: 0 or a negative errno.
 */
int ixy_set_promiscuous(struct ixy_device *dev, bool on);

/** ixy_set_mac() - receive what is for @mac from now on. Return: 0, -EINVAL (a multicast address),
 * or another error. */
int ixy_set_mac(struct ixy_device *dev, const uint8_t mac[6]);

/** ixy_link_speed() - Return: Mbit/s, 0 if the link is down, -ENODEV if the card has gone. */
int ixy_link_speed(struct ixy_device *dev);

#endif
