/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Starting a device, and restarting it. When a back end disconnects, its rings are lost. Once it listens
 * again, the thread that asks for events sets the device up as it was, while other threads may receive
 * and send. So these devices have wrappers around the functions that touch a ring: a wrapper marks the
 * queue busy, unless the device is paused. A restart pauses the device and waits until no queue is
 * busy.
 *
 * Both sides write one variable and then read the other's (Dekker), which needs a full barrier on both.
 * membarrier(2) executes it on all processors that run our threads, so that only the restart pays.
 */
#include <sched.h>

#include <linux/membarrier.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>

#include "virtio.h"

int virtio_start(struct virtio_device *dev)
{
	int err = 0;

	for (struct virtio_queue *q = dev->queues; !err && q < dev->end; q++)
		err = virtio_fill_queue(dev, q) ?: dev->transport->start_queue(dev, q);
	err = err ?: dev->transport->start(dev); /* only then may the device be told (3.1.1) */
	if (err)
		return err;
	for (uint16_t i = 0; i < dev->pairs; i++)
		dev->ring->publish(dev, virtio_rx_queue(dev, i));
	return virtio_restore_settings(dev);
}

/* ---- Touching a ring of a device that may restart ---- */

static int membarrier(int command)
{
	return syscall(SYS_membarrier, command, 0, 0);
}

static bool enter(struct virtio_device *dev, struct virtio_queue *q)
{
	virtio_write(q->busy, true);
	if (dev->no_membarrier)
		virtio_mb();
	else
		__atomic_signal_fence(__ATOMIC_SEQ_CST);
	if (!__atomic_load_n(&dev->paused, __ATOMIC_ACQUIRE))
		return true;
	virtio_write(q->busy, false);
	return false;
}

static void leave(struct virtio_queue *q)
{
	__atomic_store_n(&q->busy, false, __ATOMIC_RELEASE);
}

static uint32_t guarded_rx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			   uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_rx_queue(dev, queue);

	if (!enter(dev, q))
		return 0;
	n = dev->ring->rx(ixy, queue, bufs, n);
	leave(q);
	return n;
}

static uint32_t guarded_tx(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			   uint32_t n)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_tx_queue(dev, queue);

	if (!enter(dev, q))
		return 0;
	n = dev->ring->tx(ixy, queue, bufs, n);
	leave(q);
	return n;
}

static bool guarded_arm(struct ixy_interrupts *in, uint16_t queue)
{
	struct virtio_device *dev = (struct virtio_device *)in->dev;
	struct virtio_queue *q = virtio_rx_queue(dev, queue);

	if (!enter(dev, q))
		return false;
	bool waiting = virtio_rx_arm(in, queue);
	leave(q);
	return waiting;
}

static bool guarded_waiting(struct ixy_device *ixy, uint16_t queue)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_rx_queue(dev, queue);

	if (!enter(dev, q))
		return false;
	bool waiting = virtio_rx_waiting(ixy, queue);
	leave(q);
	return waiting;
}

static bool guarded_sending(struct ixy_device *ixy, uint16_t queue)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;
	struct virtio_queue *q = virtio_tx_queue(dev, queue);

	if (!enter(dev, q))
		return false;
	bool sending = virtio_tx_pending(ixy, queue);
	leave(q);
	return sending;
}

/* ---- Restarting ---- */

static void pause_queues(struct virtio_device *dev)
{
	__atomic_store_n(&dev->paused, true, __ATOMIC_RELAXED);
	virtio_mb();
	if (!dev->no_membarrier)
		membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED);
	for (struct virtio_queue *q = dev->queues; q < dev->end; q++)
		while (__atomic_load_n(&q->busy, __ATOMIC_ACQUIRE))
			sched_yield();
}

/* Threads that sleep have armed a ring that no longer exists. */
static void wake_up(const struct virtio_device *dev)
{
	for (uint16_t i = 0; i < dev->pairs; i++)
		if (virtio_rx_queue(dev, i)->irq >= 0)
			eventfd_write(virtio_rx_queue(dev, i)->irq, 1);
}

/* Does the back end offer what was agreed with the one before? */
static int check_offer(struct virtio_device *dev)
{
	uint64_t features = 0;
	int err = dev->transport->get_features(dev, &features);
	bool enough = !(dev->features & ~features);

	for (struct virtio_queue *q = dev->queues; q < dev->end; q++)
		enough &= dev->transport->queue_size(dev, q->index) >= q->size;
	if (!err && !enough)
		return ixy_fail(EIO, "%s: the back end has come back with less: open it anew",
				vfio_address(dev->ixy.vfio));
	return err;
}

int virtio_restart(struct virtio_device *dev)
{
	pause_queues(dev);
	int err = dev->transport->reconnect(dev) ?:
		  dev->transport->reset(dev) ?:
		  check_offer(dev) ?:
		  dev->transport->set_features(dev, dev->features) ?:
		  virtio_start(dev);

	if (err)
		return err;
	__atomic_store_n(&dev->paused, false, __ATOMIC_RELEASE);
	wake_up(dev);
	return 0;
}

void virtio_make_restartable(struct virtio_device *dev)
{
	dev->no_membarrier = membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED) != 0;
	dev->interrupt_ops.arm = guarded_arm;
	dev->interrupt_ops.waiting = guarded_waiting;
	dev->interrupt_ops.sending = guarded_sending;
	dev->ops.rx = guarded_rx;
	dev->ops.tx = guarded_tx;
}
