/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts. The vectors are armed when the device is opened, because some devices look at
 * them only then; the rings ask for no interrupt until virtio_rx_arm() does. A receive queue that was
 * armed says so to the device, and then looks at the ring again: what came before that look is seen by
 * it, what comes after it interrupts (2.7.10, 2.8.10).
 */
#include <ixy/vfio_irq.h>

#include "virtio.h"

static struct virtio_device *virtio_device_of(const struct ixy_interrupts *in)
{
	return (struct virtio_device *)in->dev;
}

int virtio_interrupts_on(struct ixy_interrupts *in, const struct ixy_interrupt_config *config)
{
	struct virtio_device *dev = virtio_device_of(in);
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

void virtio_interrupts_off(struct ixy_interrupts *in)
{
	(void)in; /* each queue stops to ask by itself */
}

bool virtio_rx_arm(struct ixy_interrupts *in, uint16_t queue)
{
	struct virtio_device *dev = virtio_device_of(in);
	struct virtio_queue *q = virtio_rx_queue(dev, queue);
	uint64_t signals;

	/* First: a signal that comes from here on is one to wake up for. */
	if (read(q->irq, &signals, sizeof(signals)) < 0)
		signals = 0;
	dev->ring->publish(dev, q); /* the next call may be a long time off */
	dev->ring->arm(dev, q);
	return dev->ring->waiting(q);
}

bool virtio_rx_waiting(struct ixy_device *ixy, uint16_t queue)
{
	struct virtio_device *dev = (struct virtio_device *)ixy;

	return dev->ring->waiting(virtio_rx_queue(dev, queue));
}

bool virtio_tx_pending(struct ixy_device *ixy, uint16_t queue)
{
	return !virtio_sent_all((struct virtio_device *)ixy, queue);
}
