/* SPDX-License-Identifier: BSD-2-Clause */
/* Interrupts: eventfds that the device signals. */
#include <limits.h>
#include <poll.h>

#include <sys/eventfd.h>

#include <ixy/vfio_irq.h>

#include "internal.h"

#define MAX_WAIT    64
#define MAX_VECTORS 2048 /* PCI 3.0, 6.8.2.3: the table size of MSI-X has 11 bits */

/* Of each kind, the eventfds of vectors 0 to @count - 1; -1 where not armed. */
struct vfio_irqs {
	struct irq_kind {
		uint32_t count;
		int *eventfds;
	} kinds[VFIO_PCI_NUM_IRQS];
};

static void close_eventfds(const int *eventfds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		if (eventfds[i] >= 0)
			close(eventfds[i]);
}

/* Return: 0, or a negative errno, explained; then those from the first failure on are -1. */
static int open_eventfds(int *eventfds, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		eventfds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (eventfds[i] < 0)
			return ixy_fail(errno, "eventfd: %s", strerror(errno));
	}
	return 0;
}

int vfio_irq_count(struct vfio_device *dev, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	if (index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	int err = dev->backend->call(dev, VFIO_DEVICE_GET_IRQ_INFO, &info);
	if (err < 0) /* the kernel's answer to a kind that the device lacks */
		return err == -EINVAL ? 0 : err;
	return info.count <= MAX_VECTORS ? (int)info.count : -EPROTO;
}

/* Vectors @start to @start + @count - 1 signal @eventfds from now on; @count 0 stops all. */
static int set_irqs(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
		    const int *eventfds)
{
	const size_t size = sizeof(struct vfio_irq_set) + count * sizeof(int);
	struct vfio_irq_set *set = malloc(size);

	if (!set)
		return -ENOMEM;
	*set = (struct vfio_irq_set){
		.argsz = size,
		.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
			 (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
		.index = index,
		.start = start,
		.count = count,
	};
	if (count)
		memcpy(set->data, eventfds, count * sizeof(int));
	int result = dev->backend->call(dev, VFIO_DEVICE_SET_IRQS, set);
	free(set);
	return result > 0 ? -ENOSPC : result; /* above 0: so many would have been possible */
}

void vfio_irq_release(struct vfio_device *dev)
{
	if (!dev->irqs)
		return;
	for (uint32_t i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		if (dev->irqs->kinds[i].count)
			vfio_irq_disarm(dev, i);
	free(dev->irqs);
	dev->irqs = NULL;
}

static int check_vectors(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count)
{
	const int have = vfio_irq_count(dev, index);

	if (have < 0)
		return have;
	if (!count || start >= (uint32_t)have || count > (uint32_t)have - start)
		return ixy_fail(EINVAL, "%s: no vectors %u to %u of interrupt kind %u: it has %d",
				dev->address, start, start + count - 1, index, have);
	if ((index == VFIO_PCI_MSIX_IRQ_INDEX && dev->irqs->kinds[VFIO_PCI_MSI_IRQ_INDEX].count) ||
	    (index == VFIO_PCI_MSI_IRQ_INDEX && dev->irqs->kinds[VFIO_PCI_MSIX_IRQ_INDEX].count))
		return ixy_fail(EBUSY, "%s: MSI and MSI-X exclude each other", dev->address);
	for (uint32_t i = start; i < start + count && i < dev->irqs->kinds[index].count; i++)
		if (dev->irqs->kinds[index].eventfds[i] >= 0)
			return ixy_fail(EALREADY, "%s: vector %u is armed", dev->address, i);
	return 0;
}

/*
 * The kernel makes as many vectors as the first call asks for. For more, all have to be switched
 * off and on again, and an interrupt may be lost in between: so each one that was armed is signalled.
 */
static int grow(struct vfio_device *dev, uint32_t index, const int *eventfds, uint32_t count)
{
	const uint32_t before = dev->irqs->kinds[index].count;
	int err = 0;

	if (before)
		err = set_irqs(dev, index, 0, 0, NULL);
	if (!err)
		err = set_irqs(dev, index, 0, count, eventfds);
	if (err && before)
		set_irqs(dev, index, 0, before, dev->irqs->kinds[index].eventfds);
	for (uint32_t i = 0; i < before; i++)
		if (eventfds[i] >= 0)
			eventfd_write(eventfds[i], 1);
	return err;
}

/* Hand the eventfds of vectors @start to @start + @count - 1 over, out of @all vectors' @after. */
static int start_vectors(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
			 const int *all, uint32_t after)
{
	int err = after > dev->irqs->kinds[index].count
			  ? grow(dev, index, all, after)
			  : set_irqs(dev, index, start, count, all + start);

	return err ? ixy_fail(-err, "%s: cannot arm vectors %u to %u of interrupt kind %u: %s",
			      dev->address, start, start + count - 1, index, strerror(-err))
		   : 0;
}

int vfio_irq_arm(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
		 int *eventfds)
{
	if (!dev->irqs)
		dev->irqs = calloc(1, sizeof(*dev->irqs));
	if (!dev->irqs)
		return ixy_fail(ENOMEM, "%s: out of memory", dev->address);
	int err = check_vectors(dev, index, start, count);
	if (err)
		return err;

	struct irq_kind *kind = &dev->irqs->kinds[index];
	const uint32_t after = start + count > kind->count ? start + count : kind->count;
	int *all = malloc(after * sizeof(int));
	if (!all)
		return ixy_fail(ENOMEM, "%s: out of memory", dev->address);
	for (uint32_t i = 0; i < after; i++)
		all[i] = i < kind->count ? kind->eventfds[i] : -1;
	err = open_eventfds(all + start, count)
		      ?: start_vectors(dev, index, start, count, all, after);
	if (err) {
		close_eventfds(all + start, count);
		free(all);
		return err;
	}
	memcpy(eventfds, all + start, count * sizeof(int));
	free(kind->eventfds);
	kind->eventfds = all;
	kind->count = after;
	return 0;
}

int vfio_irq_eventfd(const struct vfio_device *dev, uint32_t index, uint32_t vector)
{
	if (index >= VFIO_PCI_NUM_IRQS || !dev->irqs || vector >= dev->irqs->kinds[index].count)
		return -1;
	return dev->irqs->kinds[index].eventfds[vector];
}

int vfio_irq_disarm(struct vfio_device *dev, uint32_t index)
{
	if (index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (!dev->irqs || !dev->irqs->kinds[index].count)
		return 0;

	int err = set_irqs(dev, index, 0, 0, NULL);
	close_eventfds(dev->irqs->kinds[index].eventfds, dev->irqs->kinds[index].count);
	free(dev->irqs->kinds[index].eventfds);
	dev->irqs->kinds[index] = (struct irq_kind){ 0 };
	return err;
}

int vfio_irq_wait(const int *eventfds, uint32_t count, int timeout_ms)
{
	struct pollfd fds[MAX_WAIT];
	uint64_t sum = 0, value;

	if (!count || count > MAX_WAIT)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++)
		fds[i] = (struct pollfd){ .fd = eventfds[i], .events = POLLIN };
	if (poll(fds, count, timeout_ms) < 0)
		return -errno;
	for (uint32_t i = 0; i < count; i++) {
		if (fds[i].revents & POLLNVAL)
			return -EBADF;
		if (fds[i].revents & POLLIN && !eventfd_read(fds[i].fd, &value))
			sum += value;
	}
	return sum < INT_MAX ? (int)sum : INT_MAX;
}

int vfio_check(struct vfio_device *dev)
{
	static const struct {
		uint32_t index;
		int err;
		const char *meaning;
	} events[] = {
		{ VFIO_PCI_ERR_IRQ_INDEX, EIO,
		  "the device has failed: PCI Express reports an error" },
		{ VFIO_PCI_REQ_IRQ_INDEX, ENODEV,
		  "the system wants the device back (unbound, or unplugged)" },
	};

	for (size_t i = 0; i < sizeof(events) / sizeof(*events); i++) {
		const uint32_t index = events[i].index;
		int fd;

		if (dev->irqs && dev->irqs->kinds[index].count) {
			fd = dev->irqs->kinds[index].eventfds[0];
		} else {
			int err = vfio_irq_count(dev, index);
			if (!err)
				continue;
			if (err > 0)
				err = vfio_irq_arm(dev, index, 0, 1, &fd);
			if (err)
				return err;
		}
		if (poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0)
			return ixy_fail(events[i].err, "%s: %s", dev->address, events[i].meaning);
	}
	return 0;
}
