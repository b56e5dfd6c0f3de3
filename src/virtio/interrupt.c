/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts and events. The vectors are armed when the device is opened, because some devices look at
 * them only then; the rings ask for no interrupt until virtio_arm() does. A receive queue that was
 * armed says so to the device, and then looks at the ring again: what came before that look is seen by
 * it, what comes after it interrupts (2.7.10, 2.8.10).
 */
#include <ixy/vfio_irq.h>

#include "../ixy/wait.h"
#include "virtio.h"

static struct virtio_device *device(const struct ixy_interrupts *in)
{
	return (struct virtio_device *)in->dev;
}

static int on(struct ixy_interrupts *in, const struct ixy_interrupt_config *config)
{
	struct virtio_device *dev = device(in);
	struct vfio_device *vfio = in->dev->vfio;

	if (config->throttle_us || config->msi)
		return ixy_fail(EINVAL, "%s: a virtio-net device can neither throttle nor use MSI",
				vfio_address(vfio));
	if (dev->pairs + 1 > IXY_VECTORS)
		return ixy_fail(ENOSPC, "%s: interrupts are for up to %d receive queues, not %u",
				vfio_address(vfio), IXY_VECTORS - 1, dev->pairs);
	bool enough = true;
	for (uint16_t i = 0; i < dev->pairs; i++)
		enough &= virtio_rx_queue(dev, i)->irq >= 0;
	if (!enough)
		return ixy_fail(ENOTSUP,
				"%s: no interrupts: they need MSI-X with a vector for each of the "
				"%u receive queues and one for events, through VFIO",
				vfio_address(vfio), dev->pairs);
	in->msix = true;
	for (uint16_t i = 0; i < dev->pairs; i++)
		in->vectors[1 + i].fd = virtio_rx_queue(dev, i)->irq;
	in->vectors[0].fd = in->event_fds[0] = dev->config_irq;
	vfio_check(vfio); /* arms these, as far as the device has them */
	in->event_fds[1] = vfio_irq_eventfd(vfio, VFIO_PCI_ERR_IRQ_INDEX, 0);
	in->event_fds[2] = vfio_irq_eventfd(vfio, VFIO_PCI_REQ_IRQ_INDEX, 0);
	return 0;
}

static void off(struct ixy_interrupts *in)
{
	(void)in; /* each queue stops to ask by itself */
}

static bool arm(struct ixy_interrupts *in, uint16_t queue)
{
	struct virtio_device *dev = device(in);
	struct virtio_queue *q = virtio_rx_queue(dev, queue);
	uint64_t signals;

	/* First: a signal that comes from here on is one to wake up for. */
	if (read(q->irq, &signals, sizeof(signals)) < 0)
		signals = 0;
	dev->ring->publish(dev, q); /* nobody knows when the next call would */
	dev->ring->arm(dev, q);
	return dev->ring->waiting(q);
}

static bool waiting(struct ixy_device *ixy, uint16_t queue)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	return dev->ring->waiting(virtio_rx_queue(dev, queue));
}

static bool sending(struct ixy_device *ixy, uint16_t queue)
{
	return !virtio_sent_all((struct virtio_device *)ixy, queue);
}

static bool next_event(struct ixy_device *ixy, struct ixy_watch *watch, struct ixy_event *event)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	*event = (struct ixy_event){ 0 };
	if (watch->ended)
		return false;
	int err = vfio_check(ixy->vfio);
	if (err == -EIO)
		return ixy_event_end(watch, event, IXY_FAILED, "failed");
	if (err == -ENODEV)
		return ixy_event_end(watch, event, IXY_WANTED, "wanted back by the system");
	err = dev->transport->check(dev);
	if (err == -ENOTCONN || dev->paused) {
		if (watch->mbits) /* one thing after the other */
			return ixy_event_link(watch, event, 0, false);
		err = virtio_restart(dev);
	}
	if (err == -EIO)
		return ixy_event_end(watch, event, IXY_FAILED, "failed: it needs a reset");
	if (err == -ENODEV)
		return ixy_event_end(watch, event, IXY_GONE, "does not answer any more");
	for (const struct virtio_queue *q = dev->queues; q < dev->end; q++)
		if (virtio_read(q->broken))
			return ixy_event_end(watch, event, IXY_FAILED,
					     "failed: a ring makes no sense");

	int mbits = ixy_link_speed(ixy);
	if (mbits < 0)
		mbits = 0;
	if (!watch->started) {
		*watch = (struct ixy_watch){ .started = true, .mbits = mbits };
		return false;
	}
	return ixy_event_link(watch, event, mbits, false);
}

const struct ixy_interrupt_ops virtio_interrupt_ops = {
	.on = on,
	.off = off,
	.arm = arm,
	.waiting = waiting,
	.sending = sending,
	.next_event = next_event,
};
