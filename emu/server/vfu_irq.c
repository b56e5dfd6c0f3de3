/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interrupts: the client hands over an eventfd for each vector it wants to hear of
 * (DEVICE_SET_IRQS), the card's interrupts are written to them. A masked interrupt is remembered
 * and delivered when it is unmasked. These masks are the client's own; those of the MSI-X table in
 * BAR 4 act in the client (QEMU emulates the table) or, with a driver that has no table, nowhere.
 */
#define _GNU_SOURCE /* syscall, memfd_create */
#include "vfu_internal.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define ACTIONS                                                                                    \
	(VFIO_IRQ_SET_ACTION_MASK | VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_ACTION_TRIGGER)
#define DATA (VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_DATA_BOOL | VFIO_IRQ_SET_DATA_EVENTFD)

static const struct vfu_irq_type {
	uint32_t first, count; /* in vfu_server.irqs; see irq_count() */
	uint32_t flags;
} types[VFIO_PCI_NUM_IRQS] = {
	/*
	 * A level: it stays masked after each interrupt until the client says that the driver has
	 * seen to it.
	 */
	[VFIO_PCI_INTX_IRQ_INDEX] = { 0, 1,
				      VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE |
					      VFIO_IRQ_INFO_AUTOMASKED },
	[VFIO_PCI_MSI_IRQ_INDEX] = { 1, 1, VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE },
	[VFIO_PCI_MSIX_IRQ_INDEX] = { 2, NIC_MSIX_COUNT,
				      VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE },
	[VFIO_PCI_ERR_IRQ_INDEX] = { 2 + NIC_MSIX_COUNT, 1, VFIO_IRQ_INFO_EVENTFD },
	[VFIO_PCI_REQ_IRQ_INDEX] = { 3 + NIC_MSIX_COUNT, 1, VFIO_IRQ_INFO_EVENTFD },
};

static uint32_t irq_count(const struct vfu_server *server, uint32_t index)
{
	return index == VFIO_PCI_MSIX_IRQ_INDEX ? nic_msix_count(server->nic) : types[index].count;
}

/*
 * Tells the client. A plain write() would block while the counter of the eventfd is at its limit,
 * and only the client may make it non-blocking: that flag is shared with it, and it may want to
 * wait in read(). To look first is not enough, the client could fill it between look and write. But
 * the kernel never waits when it signals an eventfd itself, as it does at the end of an
 * asynchronous read: so we let it read a byte of an empty file in memory.
 */
static void signal_event(struct vfu_server *server, int fd)
{
	struct iocb read_byte = {
		.aio_lio_opcode = IOCB_CMD_PREAD,
		.aio_fildes = (uint32_t)server->aio_file,
		.aio_buf = (uintptr_t)&server->aio_byte,
		.aio_nbytes = sizeof(server->aio_byte),
		.aio_flags = IOCB_FLAG_RESFD,
		.aio_resfd = fd,
	};
	struct iocb *submitted = &read_byte;
	struct timespec at_once = { 0 };
	struct io_event done;

	if (fd < 0)
		return;
	if (server->aio && syscall(SYS_io_submit, server->aio, 1, &submitted) == 1) {
		syscall(SYS_io_getevents, server->aio, 0, 1, &done, &at_once);
		return;
	}

	/* A kernel or a sandbox without asynchronous I/O: better than nothing. */
	struct pollfd room = { .fd = fd, .events = POLLOUT };

	if (poll(&room, 1, 0) == 1 && (room.revents & POLLOUT) && eventfd_write(fd, 1) < 0)
		return; /* a full counter says as much as one more would */
}

static void set_event(int *slot, int fd)
{
	if (*slot >= 0)
		close(*slot);
	*slot = fd;
}

static void trigger(struct vfu_server *server, struct vfu_irq *irq, bool automask)
{
	if (irq->masked) {
		irq->pending = true;
		return;
	}
	signal_event(server, irq->fd[VFU_TRIGGERED]);
	if (automask) {
		irq->masked = true;
		signal_event(server, irq->fd[VFU_MASKED]);
	}
}

static void mask_irq(struct vfu_server *server, struct vfu_irq *irq)
{
	if (!irq->masked) {
		irq->masked = true;
		signal_event(server, irq->fd[VFU_MASKED]);
	}
}

static void unmask_irq(struct vfu_server *server, struct vfu_irq *irq, bool automask)
{
	bool pending = irq->pending;

	if (!irq->masked)
		return;
	irq->masked = irq->pending = false;
	signal_event(server, irq->fd[VFU_UNMASKED]);
	if (automask)
		nic_intx_unmasked(server->nic); /* a level: is it still active? */
	else if (pending)
		trigger(server, irq, false);
}

static void disable(struct vfu_irq *irq)
{
	for (int i = 0; i < VFU_EVENTS; i++)
		set_event(&irq->fd[i], -1);
	irq->masked = irq->pending = false;
}

void vfu_irq_init(struct vfu_server *server)
{
	for (uint32_t i = 0; i < VFU_IRQS; i++) {
		for (int event = 0; event < VFU_EVENTS; event++)
			server->irqs[i].fd[event] = -1;
	}
	server->aio_file = memfd_create("vfio-user-events", MFD_CLOEXEC);
	if (server->aio_file < 0 || syscall(SYS_io_setup, 1, &server->aio) < 0)
		server->aio = 0;
}

void vfu_irq_destroy(struct vfu_server *server)
{
	if (server->aio)
		syscall(SYS_io_destroy, server->aio);
	if (server->aio_file >= 0)
		close(server->aio_file);
}

void vfu_irq_close(struct vfu_server *server)
{
	for (uint32_t i = 0; i < VFU_IRQS; i++)
		disable(&server->irqs[i]);
	memset(server->armed, 0, sizeof(server->armed));
}

void vfu_irq_request(struct vfu_server *server)
{
	trigger(server, &server->irqs[types[VFIO_PCI_REQ_IRQ_INDEX].first], false);
}

void vfu_interrupt(struct vfu_server *server, uint32_t vector)
{
	if (server->armed[VFIO_PCI_MSIX_IRQ_INDEX]) {
		if (vector < NIC_MSIX_COUNT)
			trigger(server,
				&server->irqs[types[VFIO_PCI_MSIX_IRQ_INDEX].first + vector],
				false);
	} else if (server->armed[VFIO_PCI_MSI_IRQ_INDEX]) {
		trigger(server, &server->irqs[types[VFIO_PCI_MSI_IRQ_INDEX].first], false);
	} else if (server->armed[VFIO_PCI_INTX_IRQ_INDEX] && nic_intx_enabled(server->nic)) {
		trigger(server, &server->irqs[types[VFIO_PCI_INTX_IRQ_INDEX].first], true);
	}
}

int vfu_irq_info(const struct vfu_server *server, const struct vfu_request *request,
		 struct vfu_reply *reply)
{
	struct vfio_irq_info info;

	if (!vfu_get(request, &info, 16) || info.argsz < 16 || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	info = (struct vfio_irq_info){
		.argsz = 16,
		.flags = types[info.index].flags,
		.index = info.index,
		.count = irq_count(server, info.index),
	};
	vfu_put(reply, &info, 16);
	return 0;
}

bool vfu_is_eventfd(int fd)
{
	static const char eventfd_name[] = "anon_inode:[eventfd]";
	char path[32], name[sizeof(eventfd_name)];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return readlink(path, name, sizeof(name)) == sizeof(eventfd_name) - 1 &&
	       memcmp(name, eventfd_name, sizeof(eventfd_name) - 1) == 0;
}

/* An eventfd for each interrupt of a range; none at all takes back those that were there. */
static int set_events(struct vfu_irq *irqs, uint32_t count, enum vfu_event event,
		      struct vfu_request *request)
{
	if (request->fd_count && request->fd_count != count)
		return -EINVAL;
	for (uint32_t i = 0; i < request->fd_count; i++) {
		if (request->fds[i] < 0 || !vfu_is_eventfd(request->fds[i]))
			return -EINVAL;
	}
	for (uint32_t i = 0; i < count; i++) {
		set_event(&irqs[i].fd[event], request->fd_count ? request->fds[i] : -1);
		if (request->fd_count)
			request->fds[i] = -1; /* ours now */
		else if (event == VFU_TRIGGERED)
			irqs[i].pending = false;
	}
	return 0;
}

static void act(struct vfu_server *server, struct vfu_irq *irq, uint32_t action, bool automask)
{
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		mask_irq(server, irq);
	else if (action == VFIO_IRQ_SET_ACTION_UNMASK)
		unmask_irq(server, irq, automask);
	else
		trigger(server, irq, automask);
}

static void count_armed(struct vfu_server *server, uint32_t index)
{
	const struct vfu_irq_type *type = &types[index];

	server->armed[index] = 0;
	for (uint32_t i = 0; i < type->count; i++)
		server->armed[index] += server->irqs[type->first + i].fd[VFU_TRIGGERED] >= 0;
}

/* Is it one action with one kind of data, on interrupts that exist and can do that? */
static bool set_is_valid(const struct vfio_irq_set *set, uint32_t count)
{
	const uint32_t action = set->flags & ACTIONS, data = set->flags & DATA;

	if (set->flags & ~(ACTIONS | DATA) || !action || action & (action - 1) || !data ||
	    data & (data - 1))
		return false;
	if (set->start > count || set->count > count - set->start)
		return false;
	return action == VFIO_IRQ_SET_ACTION_TRIGGER ||
	       types[set->index].flags & VFIO_IRQ_INFO_MASKABLE;
}

/* A count of 0 with DATA_NONE disables all interrupts of a kind. */
static int disable_all(struct vfu_server *server, const struct vfio_irq_set *set)
{
	if (set->start || (set->flags & ACTIONS) != VFIO_IRQ_SET_ACTION_TRIGGER ||
	    (set->flags & DATA) != VFIO_IRQ_SET_DATA_NONE)
		return -EINVAL;
	for (uint32_t i = 0; i < irq_count(server, set->index); i++)
		disable(&server->irqs[types[set->index].first + i]);
	server->armed[set->index] = 0;
	return 0;
}

static int arm_events(struct vfu_server *server, const struct vfio_irq_set *set,
		      struct vfu_request *request)
{
	const uint32_t action = set->flags & ACTIONS;
	const enum vfu_event event = action == VFIO_IRQ_SET_ACTION_MASK	    ? VFU_MASKED
				     : action == VFIO_IRQ_SET_ACTION_UNMASK ? VFU_UNMASKED
									    : VFU_TRIGGERED;
	struct vfu_irq *irqs = &server->irqs[types[set->index].first + set->start];
	int err = set_events(irqs, set->count, event, request);

	count_armed(server, set->index);
	return err;
}

/* Trigger, mask or unmask: all of the range, or (DATA_BOOL) those whose byte is not 0. */
static int act_on_range(struct vfu_server *server, const struct vfio_irq_set *set,
			const struct vfu_request *request)
{
	const struct vfu_irq_type *type = &types[set->index];
	const uint8_t *chosen = request->data + sizeof(*set);
	const bool all = (set->flags & DATA) == VFIO_IRQ_SET_DATA_NONE;

	if (!all && request->size - sizeof(*set) < set->count)
		return -EINVAL;
	for (uint32_t i = 0; i < set->count; i++)
		if (all || chosen[i])
			act(server, &server->irqs[type->first + set->start + i],
			    set->flags & ACTIONS, type->flags & VFIO_IRQ_INFO_AUTOMASKED);
	return 0;
}

int vfu_irq_set(struct vfu_server *server, struct vfu_request *request)
{
	struct vfio_irq_set set;

	if (!vfu_get(request, &set, sizeof(set)) || set.argsz < sizeof(set) ||
	    set.index >= VFIO_PCI_NUM_IRQS || !set_is_valid(&set, irq_count(server, set.index)))
		return -EINVAL;
	if (set.count == 0)
		return disable_all(server, &set);
	if ((set.flags & DATA) == VFIO_IRQ_SET_DATA_EVENTFD)
		return arm_events(server, &set, request);
	return act_on_range(server, &set, request);
}
