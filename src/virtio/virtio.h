/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the virtio-net driver. Section numbers are those of the virtio specification, version 1.2;
 * names of features, rings and registers those of linux/virtio_*.h.
 *
 * From top to bottom: virtio.c opens a device and closes it. event.c tells what happens to it, and has
 * start.c start it anew. start.c hands over the queues that queues.c has set up, settings.c changes
 * settings by the commands of command.c, interrupt.c arms interrupts. The two kinds of ring, split.c and
 * packed.c, move packets; receive.c has what is rare in that. All reach the device through a struct
 * virtio_transport: vhost.c, modern.c, legacy.c.
 *
 * A device, or the program that emulates one, is not trusted: it can write to rings and packets at any
 * time. Whatever is read from them is read once and checked before use; which buffer a descriptor has
 * is noted in memory that the device cannot reach. It can reach all of a buffer, including the struct
 * pkt_buf in front of the packet: a device that writes there does harm, as any device can.
 */
#pragma once
#include <linux/virtio_config.h>
#include <linux/virtio_net.h>
#include <linux/virtio_ring.h>

#include "../driver/driver.h"
#include "../driver/wait.h"

#define virtio_bit(feature)    (1ull << (feature))
#define virtio_has(d, feature) (!!((d)->features & virtio_bit(feature)))

/* A field that the device may write at any time: read once. */
#define virtio_read(field)	   __atomic_load_n(&(field), __ATOMIC_RELAXED)
#define virtio_write(field, value) __atomic_store_n(&(field), value, __ATOMIC_RELAXED)

/* Statistics are read by another thread than the one that counts. */
#define virtio_count(sum, n) __atomic_store_n(&(sum), (sum) + (n), __ATOMIC_RELAXED)

/* What was written before is seen by the device before what is read after was (2.7.13.4.1). */
#ifdef __aarch64__
#define virtio_mb() __asm__ volatile("dmb osh" ::: "memory")
#else
#define virtio_mb() __atomic_thread_fence(__ATOMIC_SEQ_CST)
#endif

#define VIRTIO_MTU    1500
#define VIRTIO_HEADER 12 /* the longest: struct virtio_net_hdr_v1 */
#define VIRTIO_RUN    32 /* receive: so many buffers are given to the device together */

/**
 * struct virtio_queue - a virtqueue (2.6)
 * @desc_iova, @driver_iova, @device_iova: where the descriptors are, what the driver and what the
 *           device writes beside them (2.7: available and used ring; 2.8: event suppression)
 * @bufs:    by descriptor id, what the device has; NULL: nothing
 * @ids:     send: a ring of the descriptor ids that are not in use, @free_ids of them: from where
 *           @avail takes one to where @next gives one back. A device that returns them in order finds
 *           the same id in the same place each time around
 * @pool:    receive: where buffers come from, each with @room bytes for a frame
 * @size:    descriptors, a power of two in a split ring
 * @index:   its number at the device (5.1.2: receive 2n, send 2n + 1, control last)
 * @next:    where the next buffer comes back: split: used index; packed: slot
 * @avail:   where the next buffer is given: split: available index; packed: slot
 * @stride:  descriptors for each packet: 2 for a device that wants the header in one of its own
 * @refilled: receive: buffers given to the device since it was last notified
 * @unpublished, @unpublished_flags: packed: the first of those, and the flags it will get
 * @wrap, @avail_wrap: packed: the wrap counters of @next and @avail (2.8.1)
 * @in_order: packed: buffers come back in the order in which they were given (VIRTIO_F_IN_ORDER)
 * @armed:   the device was asked for an interrupt
 * @broken:  the device has written invalid entries: the queue is stopped
 * @busy:    a thread uses the queue (start.c)
 * @notify, @notify_at, @notify_fd: the transport's: where to tell the device
 * @irq:     eventfd of the receive queue's interrupt; -1: none
 */
struct virtio_queue {
	union {
		struct vring_desc *desc;
		struct vring_packed_desc *packed;
	};
	union {
		struct vring_avail *avail_ring;
		struct vring_packed_desc_event *driver_event;
	};
	union {
		struct vring_used *used_ring;
		struct vring_packed_desc_event *device_event;
	};
	struct pkt_buf **bufs;
	uint16_t *ids;
	struct mempool *pool;
	uint32_t room;
	uint16_t size, index, next, avail, stride, refilled, free_ids, unpublished_flags;
	struct vring_packed_desc *unpublished;
	bool wrap, avail_wrap, in_order, armed, broken, busy;
	uint64_t packets, bytes, errors, no_buffer;

	size_t ring_bytes;
	uint64_t desc_iova, driver_iova, device_iova;
	volatile uint16_t *notify;
	uint32_t notify_at;
	int notify_fd, irq;
};

/**
 * struct virtio_device
 * @transport_data: the transport's
 * @features: those negotiated
 * @header:   bytes in front of each packet: VIRTIO_HEADER, or 10 on a legacy
 *            device that does not merge buffers (5.1.6.1)
 * @max_mtu:  that the device says it can take
 * @merged:   the device may spread a packet over several buffers
 * @pairs, @max_pairs: queue pairs that are set up, and that the device has
 * @paused, @no_membarrier: start.c's: queues must not be touched; how to wait for that
 * @ops, @control_ops, @interrupt_ops: put together by virtio.c; start.c guards some of them
 * @config_irq: eventfd of the interrupt for changes of the configuration; -1: none
 * @rings:    memory of all queues; it begins with a page for commands to the control queue
 * @control:  the control queue; NULL: there is none
 * @queues:   rx 0, tx 0, rx 1, tx 1, ..., control; @end is behind them
 */
struct virtio_device {
	struct ixy_device ixy; /* first: the two convert into each other */
	const struct virtio_transport *transport;
	void *transport_data;
	const struct virtio_ring *ring;
	struct ixy_ops ops;
	uint64_t features;
	uint32_t header, max_mtu;
	bool merged, paused, no_membarrier;
	struct ixy_control_ops control_ops;
	struct ixy_interrupt_ops interrupt_ops;
	uint16_t pairs, max_pairs;
	int config_irq;
	struct dma_memory rings;
	struct virtio_queue *control, *end;
	struct virtio_queue queues[];
};

/* For messages. */
static inline const char *virtio_address(const struct virtio_device *dev)
{
	return vfio_address(dev->ixy.vfio);
}

#define virtio_rx_queue(ixy, n) (&((struct virtio_device *)(ixy))->queues[2 * (n)])
#define virtio_tx_queue(ixy, n) (&((struct virtio_device *)(ixy))->queues[2 * (n) + 1])

/**
 * struct virtio_transport - a way to reach a device; functions return 0 or a negative errno, and
 * explain it
 * @behind_iommu: what the device reaches is up to the IOMMU, unless the library uses physical addresses
 * @fixed_sizes:  the device fixes the size of queues
 * @open:         is this a device of the kind? -ENOTTY, unexplained, if not. Takes what it needs, or
 *                nothing if it fails
 * @close:        gives that back; after @reset
 * @reset:        the device forgets everything, and has done so when this returns (2.4.1, 4.1.4.3.2)
 * @get_features: what the device offers
 * @set_features: what the driver accepts; the device has agreed when this returns (3.1.1, 5 and 6)
 * @read_config:  from the device configuration (5.1.4), as one consistent whole
 * @queue_size:   the largest size of a queue; 0: there is no such queue
 * @set_irqs:     fill in @irq of the receive queues and @config_irq, if there are interrupts for all
 * @start_queue:  hand over a queue that is set up
 * @start:        DRIVER_OK: all queues have been handed over
 * @notify:       tell the device that there is something in the queue
 * @check:        0, -ENODEV: it is gone, -EIO: it needs a reset (2.1.2), -ENOTCONN: it has
 *                disconnected, and may come back
 * @reconnect:    after that: is it there again? NULL: that does not happen
 */
struct virtio_transport {
	bool behind_iommu, fixed_sizes;
	int (*open)(struct virtio_device *dev);
	void (*close)(struct virtio_device *dev);
	int (*reset)(struct virtio_device *dev);
	int (*get_features)(struct virtio_device *dev, uint64_t *features);
	int (*set_features)(struct virtio_device *dev, uint64_t features);
	int (*read_config)(struct virtio_device *dev, uint32_t offset, void *data, size_t size);
	uint32_t (*queue_size)(struct virtio_device *dev, uint16_t index);
	int (*set_irqs)(struct virtio_device *dev);
	int (*start_queue)(struct virtio_device *dev, struct virtio_queue *q);
	int (*start)(struct virtio_device *dev);
	void (*notify)(struct virtio_device *dev, struct virtio_queue *q);
	int (*check)(struct virtio_device *dev);
	int (*reconnect)(struct virtio_device *dev);
};

extern const struct virtio_transport virtio_vhost;  /* vhost.c: vhost-user */
extern const struct virtio_transport virtio_modern; /* modern.c: PCI, 4.1 */
extern const struct virtio_transport virtio_legacy; /* legacy.c: PCI, 4.1.4.10 */

struct virtio_segment {
	uint64_t iova;
	uint32_t length;
};

/**
 * struct virtio_ring - a kind of ring
 * @bytes:  of a ring with so many descriptors; @driver and @device are set to the offsets of its
 *          parts
 * @init:   an empty ring, in zeroed memory; nothing is with the device
 * @post:   receive: give the buffer of descriptor @id to the device, after the others
 * @publish: receive: tell the device of all that was posted
 * @take:   the next buffer that the device gives back. @id is a valid one, or -1. Return: is there
 *          one?
 * @rx, @tx: see ixy_rx_batch(), ixy_tx_batch()
 * @arm:    ask for an interrupt when the next buffer comes back (2.7.10, 2.8.10)
 * @waiting: would @take find one?
 * @command: give the three parts of a command to the device (2.6.5.3.1); @waiting tells when it is
 *          done, and then @command_done passes it
 */
struct virtio_ring {
	size_t (*bytes)(uint16_t size, size_t *driver, size_t *device);
	void (*init)(const struct virtio_device *dev, struct virtio_queue *q);
	void (*post)(const struct virtio_device *dev, struct virtio_queue *q, uint16_t id);
	void (*publish)(struct virtio_device *dev, struct virtio_queue *q);
	bool (*take)(struct virtio_queue *q, int *id, uint32_t *length);
	uint32_t (*rx)(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
	uint32_t (*tx)(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
	void (*arm)(const struct virtio_device *dev, struct virtio_queue *q);
	bool (*waiting)(struct virtio_queue *q);
	void (*command)(struct virtio_device *dev, const struct virtio_segment part[3]);
	void (*command_done)(struct virtio_queue *q);
};

extern const struct virtio_ring virtio_split, virtio_packed;

/* Where a received frame begins; its header is right in front of that. num_buffers ends the header. */
#define virtio_frame(buf)   ((uint8_t *)((buf) + 1) + PKT_BUF_HEADROOM)
#define virtio_buffers(buf) virtio_read(((uint16_t *)virtio_frame(buf))[-1])

/* receive.c: the next packet is spread over several buffers, or nonsense. Return: packets in @bufs, 0
 * or 1. */
uint32_t virtio_rx_slow(struct virtio_device *dev, struct virtio_queue *q, struct pkt_buf **bufs);
/* receive.c: move a frame that has no head room left. Return: is there space? */
bool virtio_make_room(struct pkt_buf *buf);

/* Can this be sent? Puts an empty header in front of it: nothing is left to the device (5.1.6.2).
 * Mostly it is there already, and a cache line that is only read stays with both processors. */
static inline bool virtio_prepare(struct pkt_buf *buf, uint32_t max_size)
{
	const uint32_t min_size = 17; /* as all our drivers */

	if (buf->size - min_size > max_size - min_size)
		return false;
	if (buf->data - (uint8_t *)(buf + 1) < VIRTIO_HEADER && !virtio_make_room(buf))
		return false;

	uint8_t *header = buf->data - VIRTIO_HEADER;
	static const uint8_t empty[VIRTIO_HEADER];
	if (memcmp(header, empty, VIRTIO_HEADER))
		memset(header, 0, VIRTIO_HEADER);
	return true;
}

/* Is it time to look at what the device has sent, before @n packets more? It writes there all the time, so
 * that a look is not for free: not before half of the ring is in use, or so much of a small pool that its
 * owner might wait for it. 0 packets: there is nothing else to do. */
static inline bool virtio_should_reclaim(const struct virtio_queue *q, struct pkt_buf **bufs,
					 uint32_t n)
{
	const uint32_t ids = q->size / q->stride, in_use = ids - q->free_ids;

	return !n || q->free_ids < n || in_use > ids / 2 || in_use > bufs[0]->pool->count / 8;
}

/* The device has sent the buffer of descriptor @id, which is to be given back, and the id to its
 * @place in the ring. NULL: it never had it, and so the one that it means never comes back. */
static inline struct pkt_buf *virtio_release(struct virtio_queue *q, uint32_t id, uint32_t place)
{
	struct pkt_buf *buf = id < q->size ? q->bufs[id] : NULL;

	if (!buf) {
		virtio_write(q->broken, true);
		return NULL;
	}
	q->bufs[id] = NULL;
	q->ids[place] = id;
	q->free_ids++;
	return buf;
}

/* command.c: a command to the control queue (5.1.6.5). Return: 0, -ENOTSUP (the device has none, or
 * not this command), -ETIMEDOUT. */
int virtio_command(struct virtio_device *dev, uint8_t class, uint8_t command, const void *data,
		   size_t size);

/* settings.c: virtio_restore_settings() repeats those that a device forgets when it is reset. */
extern const struct ixy_control_ops virtio_control_ops;
int virtio_restore_settings(struct virtio_device *dev);
int virtio_read_stats(struct ixy_device *ixy, struct ixy_stats *stats);

/*
 * queues.c. virtio_configure_queues(): can the device have what was asked for? virtio_allocate_queues():
 * a pool for each receive queue, and memory for all rings. virtio_fill_queue(): an empty send queue, a full
 * receive queue. virtio_sent_all(): give back what was sent. Return: has the device sent all?
 */
int virtio_configure_queues(struct virtio_device *dev);
int virtio_allocate_queues(struct virtio_device *dev);
int virtio_fill_queue(struct virtio_device *dev, struct virtio_queue *q);
bool virtio_sent_all(struct virtio_device *dev, uint16_t queue);
void virtio_free_queues(struct virtio_device *dev);

/* interrupt.c and event.c: what struct ixy_interrupt_ops asks for */
int virtio_interrupts_on(struct ixy_interrupts *in, const struct ixy_interrupt_config *config);
void virtio_interrupts_off(struct ixy_interrupts *in);
bool virtio_rx_arm(struct ixy_interrupts *in, uint16_t queue);
bool virtio_rx_waiting(struct ixy_device *ixy, uint16_t queue);
bool virtio_tx_pending(struct ixy_device *ixy, uint16_t queue);
bool virtio_next_event(struct ixy_device *ixy, struct ixy_watch *watch, struct ixy_event *event);

/*
 * start.c. virtio_start(): all rings from their beginning, after a reset; what was to be sent comes back.
 * For transports that reconnect: virtio_make_restartable() allows for it, virtio_restart() tries to.
 * Return: 0, -EIO or -ENOMEM (it cannot be done, explained), or why it was not possible yet; then the
 * device is paused.
 */
int virtio_start(struct virtio_device *dev);
void virtio_make_restartable(struct virtio_device *dev);
int virtio_restart(struct virtio_device *dev);
