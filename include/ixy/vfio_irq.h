/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts of a device as eventfds. The calls on one device are not serialised against each other
 * or against its close; waiting is possible from any thread.
 */
#pragma once
#include <ixy/vfio.h>

/**
 * vfio_irq_count() - how many vectors a kind of interrupt has
 * @index: VFIO_PCI_MSIX_IRQ_INDEX, ...
 *
 * Return: their number, 0 if the device lacks the kind, or a negative errno.
 */
IXY_API int vfio_irq_count(struct vfio_device *dev, uint32_t index);

/**
 * vfio_irq_arm() - have vectors signal eventfds
 * @index:    VFIO_PCI_MSIX_IRQ_INDEX, VFIO_PCI_MSI_IRQ_INDEX, VFIO_PCI_ERR_IRQ_INDEX (the device
 *            failed) or VFIO_PCI_REQ_IRQ_INDEX (its release is requested)
 * @start:    first vector
 * @count:    how many
 * @eventfds: filled with one non-blocking eventfd per vector, owned by the library: valid until the
 *            vector is disarmed or the device closed; may be used with poll and epoll
 *
 * Vectors that are armed stay armed when others are added; they may then be signalled once without
 * cause. MSI and MSI-X exclude each other (PCI 3.0, 6.8.3).
 *
 * Return: 0, -EINVAL (no such vectors), -EALREADY (one of them is armed), -EBUSY (MSI while MSI-X is
 * armed, or the reverse), or another error.
 */
IXY_API int vfio_irq_arm(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
			 int *eventfds);

/** vfio_irq_eventfd() - the eventfd of an armed vector, -1 if it is not armed. */
IXY_API int vfio_irq_eventfd(const struct vfio_device *dev, uint32_t index, uint32_t vector);

/** vfio_irq_disarm() - stop all vectors of @index, close their eventfds. Return: 0 or an error. */
IXY_API int vfio_irq_disarm(struct vfio_device *dev, uint32_t index);

/**
 * vfio_irq_wait() - sleep until an interrupt comes
 * @eventfds:   from vfio_irq_arm(); of one or several devices
 * @count:      1 to 64
 * @timeout_ms: milliseconds, 0 to look only, -1 without limit
 *
 * What is pending is consumed.
 *
 * Return: the number of interrupts since the last call over all @eventfds, 0 after the timeout,
 * -EINTR (signal), or another error.
 */
IXY_API int vfio_irq_wait(const int *eventfds, uint32_t count, int timeout_ms);

/**
 * vfio_check() - has the device failed, or is its release requested?
 *
 * To be called every second or so: arms VFIO_PCI_ERR_IRQ_INDEX and VFIO_PCI_REQ_IRQ_INDEX, as far as
 * the device has them and they are not armed, and looks at them without consuming anything.
 * Unbinding or unplugging a device waits until it has been closed.
 *
 * Return: 0, -ENODEV (its release is requested: close it), -EIO (PCI Express reports that it
 * has failed: close it), or an error of vfio_irq_count() or vfio_irq_arm().
 */
IXY_API int vfio_check(struct vfio_device *dev);
