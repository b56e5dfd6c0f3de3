/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libixy-vfio and the drivers on it, in front of a vfio-user server that wants to do harm. The server
 * is called whenever the client has sent a message: it answers as it should, or nearly so, or with
 * whatever the input has. Nobody waits: where the client would, its time is over.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/vfio.h>

#include <ixy/device.h>
#include <ixy/log.h>
#include <ixy/vfio.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "input.h"
#include "mappings.h"

#define FILE_SIZE (64 * 4096)
#define SOCKET	  "fuzz"

enum {
	VERSION = 1,
	MAP,
	UNMAP,
	INFO,
	REGION_INFO,
	IRQ_INFO = 7,
	SET_IRQS,
	READ,
	WRITE,
	RESET = 13
};

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

ssize_t __real_sendmsg(int fd, const struct msghdr *message, int flags);
int __real_stat(const char *path, struct stat *file);

static struct input input;
static uint8_t config[256];
static int client, peer;  /* both ends of the connection */
static int memory, event; /* files to send */
static int messages;
static uint64_t now;

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

static void drop(enum ixy_log_level level, const char *message, void *context)
{
	(void)level, (void)message, (void)context;
}

/* ---- The server ---- */

static void say(const void *data, size_t size, int file, uint32_t files)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(20 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)data, size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (files) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(files * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(files * sizeof(int));
		for (uint32_t i = 0; i < files; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &file, sizeof(int));
	}
	(void)!__real_sendmsg(peer, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* A fair answer over the request in @data. Return: its size. */
static size_t answer(uint16_t command, uint8_t *data)
{
	static const char version[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8}}";
	struct vfio_region_info *region = (void *)data;
	struct vfio_irq_info *irq = (void *)data;
	struct {
		uint64_t offset;
		uint32_t region, count;
	} access;

	memcpy(&access, data, sizeof(access));
	switch (command) {
	case VERSION:
		memcpy(data, version, sizeof(version));
		return sizeof(version);
	case INFO:
		memcpy(data, (uint32_t[]){ 16, 3, 9, 5 }, 16);
		return 16;
	case REGION_INFO:
		region->argsz = sizeof(*region);
		region->flags = 7;
		region->size = region->index == 7 ? 256 : FILE_SIZE;
		return sizeof(*region);
	case IRQ_INFO:
		irq->count = irq->index == VFIO_PCI_MSIX_IRQ_INDEX ? 8 : 1;
		return 16;
	case UNMAP:
		return 24;
	case READ:
		if (access.count > 1024)
			return 16;
		if (access.region == VFIO_PCI_CONFIG_REGION_INDEX && access.offset < 256 &&
		    access.count <= 256 - access.offset)
			memcpy(data + 16, config + access.offset, access.count);
		else
			input_bytes(&input, data + 16, access.count);
		return 16 + access.count;
	case WRITE:
		return 16;
	default:
		return 0;
	}
}

/* The message that the client has sent is not in the socket: @request is. */
static void serve(const struct header *request, const uint8_t *payload, size_t size)
{
	struct {
		struct header header;
		_Alignas(8) uint8_t data[8192];
	} reply = { .header = *request };
	uint8_t how, more, skipped[256];

	if (request->flags & 0x10)
		return; /* posted */
	/* A client never frees memory that a server does not let go: that is no leak. */
	if (request->command == UNMAP)
		while (recv(client, skipped, sizeof(skipped), MSG_DONTWAIT) > 0)
			;
	how = request->command == UNMAP ? 0 : input_number(&input, 1);
	more = how ? input_number(&input, 1) : 0;
	const int kinds[] = { memory, memory, event, peer };
	const int file = kinds[more & 3];
	uint32_t files = request->command == REGION_INFO && !(how & 1);

	if (size)
		memcpy(reply.data, payload, size < 1024 ? size : 1024);
	size = answer(request->command, reply.data);
	if (request->command == REGION_INFO && how & 0x80) { /* areas that can be mapped */
		memcpy(reply.data + 4, (uint32_t[]){ 15 }, 4);
		memcpy(reply.data + 12, (uint32_t[]){ 32 }, 4);
		memcpy(reply.data + 32, (uint32_t[]){ 0x10001, 0, 1 + more % 8, 0 }, 16);
		input_bytes(&input, reply.data + 48, 16 * (1 + more % 8));
		size = 48 + 16 * (1 + more % 8);
	}
	if (++messages > 2000)
		shutdown(peer, SHUT_RDWR); /* enough */
	if (how & 2 && size)		   /* some of it is otherwise */
		for (int i = more >> 6; i >= 0; i--) {
			const size_t at = input_number(&input, 2) % size;

			input_bytes(&input, reply.data + at, input_number(&input, 1) % 8);
		}
	if (how & 4) /* more of it */
		size += input_number(&input, 2) % 1024;
	if (how & 8) {
		const size_t extra = input_number(&input, 1);

		input_bytes(&input, reply.data + size, extra);
		size += extra;
	}
	if (how & 16)
		files += more >> 2 & 15;
	reply.header.flags = 1;
	reply.header.size = sizeof(struct header) + size;
	if (how & 32) {
		if (more & 32)
			input_bytes(&input, &reply.header, sizeof(reply.header));
		else
			reply.header.flags |= 0x20, reply.header.error = more;
	}
	if (how & 64) { /* a question first */
		struct header question = { 1, 11, 16, more & 16, 0 };

		say(&question, sizeof(question), file, more & 3);
	}
	if (how >= 0xf0)
		size /= 2;
	if (how >= 0xf8) {
		shutdown(peer, SHUT_RDWR);
		return;
	}
	say(&reply.header, sizeof(struct header), file, files);
	say(reply.data, size, file, 0);
}

/* ---- What the client calls ---- */

ssize_t __wrap_sendmsg(int fd, const struct msghdr *message, int flags)
{
	struct header header;
	size_t size = 0;

	(void)fd, (void)flags;
	for (size_t i = 0; i < message->msg_iovlen; i++)
		size += message->msg_iov[i].iov_len;
	memcpy(&header, message->msg_iov[0].iov_base, sizeof(header));
	if (message->msg_iovlen > 1) /* not the refusal of a question */
		serve(&header, message->msg_iov[1].iov_base, message->msg_iov[1].iov_len);
	return size;
}

int __wrap_connect(int fd, const void *address, unsigned int size)
{
	int pair[2];

	(void)address, (void)size;
	check(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair), "sockets");
	check(dup3(pair[0], fd, O_CLOEXEC) == fd, "dup3");
	close(pair[0]);
	client = fd;
	if (peer >= 0)
		close(peer);
	peer = pair[1];
	return 0;
}

int __wrap_stat(const char *path, struct stat *file)
{
	if (strcmp(path, SOCKET)) /* libFuzzer's own */
		return __real_stat(path, file);
	*file = (struct stat){ .st_mode = S_IFSOCK };
	return 0;
}

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)fds, (void)count, (void)timeout;
	return 0; /* what is not there never comes */
}

int __wrap_usleep(unsigned int us)
{
	now += us * 1000ull;
	return 0;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	now += time->tv_sec * 1000000000ull + time->tv_nsec;
	return 0;
}

int __wrap_clock_nanosleep(clockid_t clock, int flags, const struct timespec *time,
			   struct timespec *left)
{
	(void)clock, (void)left;
	now = (flags & TIMER_ABSTIME ? 0 : now) + time->tv_sec * 1000000000ull + time->tv_nsec;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	(void)clock;
	now += 1000000;
	*time = (struct timespec){ now / 1000000000, now % 1000000000 };
	return 0;
}

/* ---- What programs do ---- */

static void use_bar(struct vfio_device *dev, uint32_t index)
{
	const struct vfio_bar *bar = NULL;

	if (vfio_bar(dev, index, &bar)) {
		check(!bar, "a BAR that there is not");
		return;
	}
	for (uint32_t offset = 0; offset < FILE_SIZE && offset < bar->size; offset += 0x4ff0) {
		bar_write32(bar, offset & ~3u, bar_read32(bar, offset & ~3u));
		bar_read8(bar, offset);
	}
}

static void use_library(void)
{
	struct vfio_device *dev = NULL;
	int fds[4];
	uint8_t data[600];

	if (vfio_open(&dev, "vfio-user:" SOCKET)) {
		check(!dev, "a device that there is not");
		return;
	}
	for (uint32_t i = 0; i < 6; i++)
		use_bar(dev, i);
	vfio_find_capability(dev, 9);
	for (uint32_t i = 0; i < VFIO_PCI_NUM_IRQS; i++)
		vfio_irq_count(dev, i);
	vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 1, 3, fds);
	vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, fds);
	vfio_check(dev);
	vfio_region_read(dev, VFIO_PCI_ROM_REGION_INDEX, 0, data, sizeof(data));
	vfio_reset(dev);
	vfio_close(dev);
}

/* A device with the ids that open the driver of choice; the rest of its config space is the input's. */
static void use_driver(uint16_t vendor, uint16_t device)
{
	const struct ixy_config few = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = NULL;

	memcpy(config, &vendor, 2);
	memcpy(config + 2, &device, 2);
	if (ixy_open(&dev, "vfio-user:" SOCKET, &few)) {
		check(!dev, "a card that there is not");
		return;
	}
	ixy_close(dev);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
	const int open = open_descriptors();
	const long mapped = mappings;

	input = (struct input){ bytes, size };
	ixy_log_to(drop, NULL);
	now = messages = 0;
	peer = -1;
	memory = memfd_create("registers", MFD_CLOEXEC);
	event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	check(!ftruncate(memory, FILE_SIZE), "ftruncate");

	const uint8_t what = input_number(&input, 1) % 3;

	memset(config, 0, sizeof(config));
	config[6] = 0x10; /* a list of capabilities */
	config[0x34] = 0x40;
	input_bytes(&input, config + 0x40, what ? input_number(&input, 1) % 0xc0 : 16);
	if (what == 0)
		use_library();
	else
		use_driver(what == 1 ? 0x1af4 : 0x8086, what == 1 ? 0x1041 : 0x10fb);

	if (peer >= 0)
		close(peer);
	close(memory);
	close(event);
	check(open_descriptors() == open, "file descriptors are lost");
	check(mappings == mapped, "mappings are lost");
	return 0;
}
