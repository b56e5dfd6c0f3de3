/* SPDX-License-Identifier: BSD-2-Clause */
/* A vfio-user server with faults; see bad_server.h. */
#include "bad_server.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <ixy/log.h>

struct bad_server server;
char address[80];
static char path[64];
static int listener;
static pthread_t thread;
uint32_t errors;

_Atomic bool impatient, interrupted;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (interrupted && timeout > 5000) {
		errno = EINTR;
		return -1;
	}
	return __real_poll(fds, count, impatient && timeout >= 400 ? 20 : timeout);
}

char last_message[512];

static bool receive(int fd, struct message *message)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct iovec part = { &message->header, sizeof(message->header) };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	memset(message, 0, sizeof(*message));
	if (recvmsg(fd, &msg, MSG_WAITALL) != sizeof(message->header))
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		message->fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(message->fds, CMSG_DATA(c), message->fd_count * sizeof(int));
	}
	size_t size = message->header.size - sizeof(message->header);
	return size <= sizeof(message->payload) &&
	       (!size || recv(fd, &message->payload, size, MSG_WAITALL) == (ssize_t)size);
}

static void transmit(int fd, const void *data, size_t size, const int *fds, uint32_t fd_count)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))] = { 0 };
	struct iovec part = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return;
}

/* Make a fair answer of what was asked. Return: the size of its payload. */
static size_t answer(struct message *m, int *file)
{
	struct vfio_region_info *region = &m->payload.region;

	switch (m->header.command) {
	case VERSION:
		m->payload.words[0] = server.major;
		strcpy((char *)m->payload.bytes + 4, server.version_json);
		return 4 + strlen(server.version_json) + 1;
	case INFO:
		m->payload.words[1] = VFIO_DEVICE_FLAGS_RESET | VFIO_DEVICE_FLAGS_PCI;
		m->payload.words[2] = 9;
		m->payload.words[3] = 5;
		return 16;
	case REGION_INFO:
		region->argsz = sizeof(*region);
		region->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		if (region->index == VFIO_PCI_CONFIG_REGION_INDEX)
			region->size = 256;
		if (region->index == VFIO_PCI_BAR0_REGION_INDEX) {
			region->size = BAR0_SIZE;
			region->flags |= VFIO_REGION_INFO_FLAG_MMAP;
			*file = server.no_region_file ? -1 : server.file;
			if (server.region)
				server.region(m, server.file);
		}
		return region->argsz < 4096 ? region->argsz : 4096;
	case IRQ_INFO:
		m->payload.irq.count = m->payload.irq.index == VFIO_PCI_MSIX_IRQ_INDEX ? 8 : 0;
		return 16;
	case SET_IRQS:
		server.irqs[server.irq_calls % 16].flags = m->payload.irqs.flags;
		server.irqs[server.irq_calls % 16].start = m->payload.irqs.start;
		server.irqs[server.irq_calls % 16].count = m->payload.irqs.count;
		server.irqs[server.irq_calls++ % 16].fds = m->fd_count;
		return 0;
	case MAP:
		server.map_iova = *(uint64_t *)&m->payload.bytes[16];
		server.map_size = *(uint64_t *)&m->payload.bytes[24];
		uint32_t *memory = mmap(NULL, server.map_size, PROT_READ | PROT_WRITE, MAP_SHARED,
					m->fds[0], *(off_t *)&m->payload.bytes[8]);
		server.shared_word = memory == MAP_FAILED ? 0 : memory[0];
		if (memory != MAP_FAILED)
			munmap(memory, server.map_size);
		return 0;
	case UNMAP:
		if (server.unmap_size)
			*(uint64_t *)&m->payload.bytes[16] = server.unmap_size;
		return 24;
	case READ:
	case WRITE: {
		uint64_t offset = m->payload.access.offset;
		uint32_t count = m->payload.access.count;
		uint8_t *from =
			m->payload.access.region ? server.config : (uint8_t *)server.registers;
		if (count > server.largest_access)
			server.largest_access = count;
		if (m->header.command == READ)
			memcpy(m->payload.access.data, from + offset, count);
		else
			memcpy(from + offset, m->payload.access.data, count);
		return m->header.command == READ ? 16 + count : 16;
	}
	default:
		return 0;
	}
}

static void ask(int fd)
{
	struct {
		struct header header;
		uint64_t address, count;
	} question = { { 7, 11, sizeof(question), 0, 0 }, 0x1000, 4 };

	transmit(fd, &question, sizeof(question), NULL, 0);
}

static bool misbehave(int fd, struct message *m, size_t size)
{
	struct header *header = &m->header;
	int files[MAX_FDS];

	switch (atomic_load(&server.fault)) {
	case SILENT:
		return true;
	case HANG_UP:
		shutdown(fd, SHUT_RDWR);
		return true;
	case ONE_BY_ONE:
		for (size_t i = 0; i < sizeof(*header) + size; i++)
			transmit(fd, (uint8_t *)header + i, 1, NULL, 0);
		return true;
	case WRONG_ID:
		header->id++;
		break;
	case WRONG_COMMAND:
		header->command++;
		break;
	case NO_REPLY_TYPE:
		header->flags = 2;
		break;
	case STRANGE_TYPE:
		header->flags |= 0xe;
		break;
	case TINY_SIZE:
		header->size = 15;
		break;
	case HUGE_SIZE:
		header->size = UINT32_MAX;
		break;
	case SHORT:
		header->size = sizeof(*header) + 3;
		transmit(fd, header, header->size, NULL, 0);
		return true;
	case GARBAGE:
		memset(header, 0xa5, sizeof(*header) + 64);
		transmit(fd, header, sizeof(*header) + 64, NULL, 0);
		return true;
	case REFUSE:
	case REFUSE_ODDLY:
		header->flags |= ERROR;
		header->error = server.fault == REFUSE ? ENOMEM : UINT32_MAX;
		header->size = sizeof(*header);
		transmit(fd, header, sizeof(*header), NULL, 0);
		return true;
	case REFUSE_AT_LENGTH:
		header->flags |= ERROR;
		header->error = ENOMEM;
		header->size += 5000;
		transmit(fd, header, header->size, NULL, 0);
		return true;
	case SAY_MORE:
		header->size += 2000;
		transmit(fd, header, header->size, NULL, 0);
		return true;
	case BARE:
		header->size = sizeof(*header);
		transmit(fd, header, sizeof(*header), NULL, 0);
		return true;
	case QUESTIONS:
		ask(fd);
		ask(fd);
		break;
	case ENDLESS_QUESTIONS:
		for (int i = 0; i < 2000; i++)
			ask(fd);
		return true;
	case MANY_FILES:
		for (int i = 0; i < MAX_FDS; i++)
			files[i] = server.file;
		transmit(fd, header, sizeof(*header) + size, files, MAX_FDS);
		return true;
	default:
		return false;
	}
	transmit(fd, header, sizeof(*header) + size, NULL, 0);
	return true;
}

static void *serve(void *unused)
{
	static struct message m;
	int file, fd = accept(listener, NULL, NULL);

	(void)unused;
	while (receive(fd, &m)) {
		if ((m.header.flags & 0xf) == REPLY) {
			server.refusals += !!(m.header.flags & ERROR);
			continue;
		}
		const bool posted = m.header.flags & NO_REPLY;
		server.seen[m.header.command & 15]++;
		server.posted[m.header.command & 15] += posted;
		file = -1;
		size_t size = answer(&m, &file);
		for (uint32_t i = 0; i < m.fd_count; i++)
			close(m.fds[i]);
		if (server.fault == STOP_READING && server.at == m.header.command) {
			char byte;
			while (recv(fd, &byte, 0, MSG_PEEK) >= 0 && server.fault == STOP_READING)
				usleep(10000);
			break;
		}
		if (posted)
			continue;
		m.header.flags = REPLY;
		m.header.size = sizeof(m.header) + size;
		if (server.fault && server.at == m.header.command && misbehave(fd, &m, size))
			continue;
		transmit(fd, &m.header, sizeof(m.header) + size, &file, file >= 0);
	}
	close(fd);
	return NULL;
}

static void remember(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level != IXY_ERROR)
		return;
	errors++;
	snprintf(last_message, sizeof(last_message), "%s", line);
}

int bad_server_start(void **state)
{
	struct sockaddr_un where = { .sun_family = AF_UNIX };

	(void)state;
	memset(&server, 0, sizeof(server));
	server.version_json = "{\"capabilities\":{\"max_msg_fds\":8}}";
	server.file = memfd_create("bar0", MFD_CLOEXEC);
	if (ftruncate(server.file, BAR0_SIZE))
		return -1;
	errors = 0;
	ixy_log_to(remember, NULL);
	snprintf(path, sizeof(path), "/tmp/ixy-client-test.%d.sock", getpid());
	snprintf(address, sizeof(address), "vfio-user:%s", path);
	unlink(path);
	strcpy(where.sun_path, path);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&where, sizeof(where)) || listen(listener, 4))
		return -1;
	return pthread_create(&thread, NULL, serve, NULL);
}

void bad_server_end(void)
{
	shutdown(listener, SHUT_RDWR); /* if no client has connected */
	pthread_join(thread, NULL);
	close(listener);
	close(server.file);
}

int bad_server_stop(void **state)
{
	(void)state;
	server.fault = NONE;
	bad_server_end();
	unlink(path);
	return 0;
}

struct vfio_device *open_device(void)
{
	struct vfio_device *dev;

	assert_int_equal(vfio_open(&dev, address), 0);
	return dev;
}
