/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the virtio-net driver. Section numbers are those of the virtio specification, version 1.2;
 * names of features, rings and registers those of linux/virtio_*.h.
 *
 * virtio.c brings a device up and takes it down, split.c and packed.c move packets, control.c talks
 * to the control queue. They reach the device through a struct virtio_transport.
 */
#pragma once
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "../ixy/driver.h"

#define virtio_bit(feature) (1ull << (feature))

#define VIRTIO_NO_ID UINT16_MAX

/**
 * struct virtio_queue - a virtqueue (2.5)
 * @index:   its number at the device (5.1.2: receive 2n, send 2n + 1, control last)
 * @size:    descriptors, a power of two in a split ring
 * @memory:  all parts of the ring; the device may write to it at any time
 * @desc_iova, @driver_iova, @device_iova: of the descriptors, of what the driver and what the device
 *           writes beside them (2.6: the available and used ring; 2.8: the event suppressions)
 * @bufs:    by descriptor id, what the device has; NULL: nothing
 * @ids:     send: descriptor ids that are not in use, @free_ids of them
 * @held:    send: buffers that the device has
 * @next:    split: the used index of the next buffer to come back; packed: its slot
 * @avail:   split: the available index of the next buffer to give; packed: its slot
 * @used_wrap, @avail_wrap: packed: the wrap counters of those (2.8.1)
 * @refilled: receive: given to the device, which was not told yet
 * @broken:  the device has said something that makes no sense; nothing moves any more
 * @notify:  the transport's: where to tell the device, as memory or as an eventfd; NULL, -1: neither
 * @irq:     eventfd of the receive queue's interrupt; -1: none
 */
struct virtio_queue {
	union {
		struct {
			struct vring_desc *desc;
			struct vring_avail *avail_ring;
			struct vring_used *used_ring;
		} split;
		struct {
			struct vring_packed_desc *desc;
			struct vring_packed_desc_event *driver, *device;
		} packed;
	};
	struct pkt_buf **bufs;
	struct mempool *pool; /* receive */
	uint16_t *ids;
	uint16_t size, free_ids, next, avail, refilled, index;
	bool used_wrap, avail_wrap, broken;
	uint32_t held;
	uint64_t packets, bytes, errors, no_buffer, notifications;

	uint64_t desc_iova, driver_iova, device_iova;
	volatile uint16_t *notify;
	int notify_fd, irq;
};

/**
 * struct virtio_device
 * @features: those negotiated
 * @header:   bytes of struct virtio_net_hdr in front of each packet: 12, or 10 on a legacy device
 *            that does not merge buffers (5.1.6.1)
 * @pairs:    queue pairs that are set up; the queues are rx 0, tx 0, rx 1, ...
 * @max_pairs: that the device has
 * @control:  the control queue; size 0: there is none
 */
struct virtio_device {
	struct ixy_device ixy; /* first: the two convert into each other */
	const struct virtio_transport *transport;
	void *transport_data;
	uint64_t features;
	uint32_t header;
	uint16_t pairs, max_pairs;
	struct dma_memory rings;
	struct virtio_queue *queues; /* 2 * pairs, and one for control */
	struct virtio_queue *control;
};

#define virtio_has(dev, feature) (!!((dev)->features & virtio_bit(feature)))

/**
 * struct virtio_transport - a way to reach a device; functions return 0 or a negative errno, and
 * explain it
 * @name:         for messages: "modern PCI"
 * @open:         is this a device of the kind? -ENOTTY, unexplained, if not. Takes what it needs.
 * @close:        gives that back; after @reset, or after a failed @open
 * @reset:        the device forgets everything, and has done so when this returns (2.4.1, 4.1.4.3.2)
 * @get_features: what the device offers
 * @set_features: what the driver accepts; the device has agreed when this returns (3.1.1, 5 and 6)
 * @read_config:  from the device configuration (5.1.4), as one consistent whole
 * @queue_size:   the largest size of a queue; 0: there is no such queue
 * @start_queue:  hand over a queue that is set up: sizes, addresses, and @q->irq if it is not -1
 * @start:        DRIVER_OK: all queues have been handed over
 * @notify:       tell the device that there is something in the queue
 * @check:        0, or -ENODEV: it has gone, -EIO: it needs a reset (2.1.2)
 */
struct virtio_transport {
	const char *name;
	int (*open)(struct virtio_device *dev);
	void (*close)(struct virtio_device *dev);
	int (*reset)(struct virtio_device *dev);
	int (*get_features)(struct virtio_device *dev, uint64_t *features);
	int (*set_features)(struct virtio_device *dev, uint64_t features);
	int (*read_config)(struct virtio_device *dev, uint32_t offset, void *data, size_t size);
	uint32_t (*queue_size)(struct virtio_device *dev, uint16_t index);
	int (*start_queue)(struct virtio_device *dev, struct virtio_queue *q);
	int (*start)(struct virtio_device *dev);
	void (*notify)(struct virtio_device *dev, struct virtio_queue *q);
	int (*check)(struct virtio_device *dev);
};

extern const struct virtio_transport virtio_modern; /* modern.c: PCI, 4.1 */
extern const struct virtio_transport virtio_legacy; /* legacy.c: PCI, 4.1.4.8 */
extern const struct virtio_transport virtio_vhost;  /* vhost.c: vhost-user */
