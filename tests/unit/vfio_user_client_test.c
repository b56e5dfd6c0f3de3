/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio against vfio-user servers that are slow, wrong, hostile or gone. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "../open_files.h"

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
enum { REPLY = 1, NO_REPLY = 0x10, ERROR = 0x20 };

#define BAR0_SIZE 0x20000
#define MAX_FDS	  32

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

struct message {
	int fds[MAX_FDS];
	uint32_t fd_count;
	_Alignas(8) struct header header; /* from here on it is as on the wire */
	union {
		uint8_t bytes[8192];
		uint32_t words[2048];
		struct {
			uint64_t offset;
			uint32_t region, count;
			uint8_t data[4096];
		} access;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
		struct vfio_irq_set irqs;
	} payload; /* last, as one of its members has no fixed size */
};

/* What the server does wrong, when it gets @at; 0: nothing. */
enum fault {
	NONE,
	SILENT,	    /* no answer */
	HANG_UP,    /* closes the connection */
	ONE_BY_ONE, /* answers byte by byte */
	WRONG_ID,
	WRONG_COMMAND,
	NO_REPLY_TYPE,
	STRANGE_TYPE,
	TINY_SIZE, /* of the message, less than its header */
	HUGE_SIZE,
	SHORT, /* a payload that is too small */
	GARBAGE,
	REFUSE,		  /* error ENOMEM */
	REFUSE_ODDLY,	  /* error without a number */
	REFUSE_AT_LENGTH, /* error ENOMEM, and a payload */
	SAY_MORE,	  /* a payload that is longer than the protocol has it */
	BARE,		  /* no payload at all */
	QUESTIONS,	  /* asks for DMA before it answers */
	ENDLESS_QUESTIONS,
	MANY_FILES, /* that nobody wants */
	STOP_READING,
};

static struct {
	/* Set by the test. */
	_Atomic enum fault fault;
	uint16_t at;
	const char *version_json;
	uint16_t major;
	void (*region)(struct message *reply, int file); /* changes the answer for BAR0 */
	bool no_region_file;
	uint64_t unmap_size; /* if not 0, answered instead of the size that was asked for */
	/* Seen by the server. */
	uint32_t seen[16], posted[16];
	uint32_t largest_access;
	struct {
		uint32_t flags, start, count, fds;
	} irqs[16];
	uint32_t irq_calls;
	uint8_t config[256];
	uint32_t registers[BAR0_SIZE / 4];
	uint32_t shared_word; /* the first one of what was mapped for DMA */
	uint64_t map_iova, map_size;
	uint32_t refusals; /* answers to our questions */
	int file;	   /* behind BAR0 */
} server;

static char path[64], address[80];
static int listener;
static pthread_t thread;
static uint32_t errors;

/* Half a second and more pass at once; a signal comes in what would last longer than five. */
static _Atomic bool impatient, interrupted;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	if (interrupted && timeout > 5000) {
		errno = EINTR;
		return -1;
	}
	return __real_poll(fds, count, impatient && timeout >= 400 ? 20 : timeout);
}

static char last_message[512];

/* ---- The server ---- */

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

static int start(void **state)
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

static int stop(void **state)
{
	(void)state;
	server.fault = NONE;
	shutdown(listener, SHUT_RDWR); /* if nobody came */
	pthread_join(thread, NULL);
	close(listener);
	close(server.file);
	unlink(path);
	return 0;
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static struct vfio_device *open_device(void)
{
	struct vfio_device *dev;

	assert_int_equal(vfio_open(&dev, address), 0);
	return dev;
}

/* ---- Tests ---- */

static void a_whole_session(void **state)
{
	const struct vfio_bar *bar;
	struct dma_memory mem;
	uint32_t id = 0x10fb8086, value;
	int fds[3];

	(void)state;
	memcpy(server.config, &id, 4);
	server.config[PCI_COMMAND] = PCI_COMMAND_MASTER; /* left over from somebody */
	server.no_region_file = true;			 /* all registers by message */
	struct vfio_device *dev = open_device();
	assert_string_equal(vfio_address(dev), address);
	assert_int_equal(server.config[PCI_COMMAND], 0);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &value, 4), 0);
	assert_int_equal(value, id);

	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_null(bar_pointer(bar, 0));
	bar_write32(bar, 0x100, 0x01020304);
	assert_int_equal(bar_read32(bar, 0x100), 0x01020304);
	assert_int_equal(bar_read16(bar, 0x102), 0x0102);
	assert_int_equal(bar_read8(bar, 0x103), 0x01);

	assert_int_equal(vfio_dma_alloc(&mem, 10000), 0);
	assert_int_equal(server.map_iova, mem.iova);
	assert_int_equal(server.map_size, mem.size);
	vfio_dma_free(&mem);
	assert_int_equal(server.seen[UNMAP], 1);

	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
	assert_int_equal(server.irqs[0].fds, 3);
	assert_int_equal(vfio_irq_count(dev, 20), -EINVAL);
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	vfio_close(dev);
	assert_int_equal(server.config[PCI_COMMAND], 0);
	assert_int_equal(server.seen[RESET], 2);
	assert_int_equal(errors, 0);
}

static void memory_is_shared_by_its_file(void **state)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	int file = memfd_create("memory", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(file, 2 * page), 0);
	uint32_t *virt = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	virt[page / 4] = 0x600d;
	struct vfio_device *dev = open_device();
	struct dma_memory mem = { .virt = (uint8_t *)virt + page, .size = page };
	assert_int_equal(vfio_dma_map(&mem, file, page), 0);
	assert_int_equal(server.shared_word, 0x600d);
	assert_int_equal(vfio_dma_unmap(&mem), 0);

	assert_int_equal(vfio_dma_map(&mem, -1, 0), -EOPNOTSUPP);
	assert_int_equal(server.seen[MAP], 1);
	vfio_close(dev);
	munmap(virt, 2 * page);
	close(file);
}

static void registers_are_posted_and_config_space_is_not(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	for (uint32_t i = 0; i < 1000; i++)
		bar_write32(bar, 4 * i, i);
	assert_int_equal(bar_read32(bar, 4 * 999), 999); /* ordered behind all of them */
	assert_int_equal(server.posted[WRITE], 1000);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	assert_int_equal(server.posted[WRITE], 1000);
	vfio_close(dev);
}

static void the_limits_of_the_server_are_respected(void **state)
{
	uint8_t config[256];
	int fds[8];

	(void)state;
	server.version_json =
		"{ \"capabilities\" : { \"max_msg_fds\" : 2, \"max_data_xfer_size\": 48 } }";
	for (int i = 0; i < 256; i++)
		server.config[i] = i;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, 256), 0);
	assert_int_equal(server.largest_access, 48);
	assert_memory_equal(config, server.config, 256);

	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 3, 5, fds), 0);
	uint32_t vectors = 0;
	for (uint32_t i = 0; i < server.irq_calls; i++) {
		assert_true(server.irqs[i].count <= 2);
		assert_true(server.irqs[i].fds == 0 || server.irqs[i].fds == server.irqs[i].count);
		if (server.irqs[i].fds)
			assert_int_equal(server.irqs[i].start, 3 + vectors);
		vectors += server.irqs[i].fds;
	}
	assert_int_equal(vectors, 5);
	vfio_close(dev);
}

static void a_server_without_json_gets_one_file_per_message(void **state)
{
	int fds[3];

	(void)state;
	server.version_json = "";
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
	assert_int_equal(server.irq_calls, 3);
	vfio_close(dev);
}

static void json_of_a_fool_does_no_harm(void **state)
{
	static const char *const texts[] = {
		"{\"max_msg_fds\":99999999999999999999,\"max_data_xfer_size\":0}",
		"{\"max_msg_fds\":",
		"\"max_msg_fds\"",
		"\"max_data_xfer_size\":-5",
		"{\"max_msg_fds\":\"x\"}",
	};
	int fds[3];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		server.version_json = texts[i];
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
		vfio_close(dev);
		stop(state);
		start(state);
	}
}

static void another_major_version_is_refused(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.major = 1;
	assert_int_equal(vfio_open(&dev, address), -EPROTO);
	assert_int_equal(errors, 1);
}

static void answers_may_come_in_pieces(void **state)
{
	(void)state;
	for (uint16_t command = VERSION; command <= RESET; command++) {
		server.fault = ONE_BY_ONE;
		server.at = command;
		vfio_close(open_device());
		assert_int_equal(errors, 0);
		stop(state);
		start(state);
	}
}

/* One line for each way to be wrong, at once, and the next call does not wait. */
static void nonsense_ends_the_connection(void **state)
{
	static const enum fault faults[] = { HANG_UP,	       WRONG_ID,     WRONG_COMMAND,
					     NO_REPLY_TYPE,    STRANGE_TYPE, TINY_SIZE,
					     HUGE_SIZE,	       SHORT,	     GARBAGE,
					     ENDLESS_QUESTIONS };
	const struct vfio_bar *bar;

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		server.no_region_file = true;
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		server.at = READ;
		server.fault = faults[i];
		double before = now();
		assert_int_equal(bar_read32(bar, 0), UINT32_MAX);
		assert_int_equal(bar_read16(bar, 0), UINT16_MAX);
		assert_int_equal(bar_read8(bar, 0), UINT8_MAX);
		bar_write32(bar, 0, 0);
		assert_int_equal(vfio_set_bus_master(dev, true), -ENOTCONN);
		assert_int_equal(vfio_reset(dev), -ENOTCONN);
		assert_true(now() - before < 5);
		assert_int_equal(errors, 1);
		assert_non_null(strstr(last_message, address));
		vfio_close(dev);
		assert_int_equal(errors, 1);
		stop(state);
		start(state);
	}
}

static void nonsense_at_the_start_is_an_error_at_once(void **state)
{
	static const enum fault faults[] = { HANG_UP, WRONG_ID, TINY_SIZE, HUGE_SIZE,
					     SHORT,   GARBAGE,	REFUSE,	   REFUSE_ODDLY };
	static const uint16_t commands[] = { VERSION, INFO, READ };
	struct vfio_device *dev;
	const int files = open_files();

	for (size_t c = 0; c < sizeof(commands) / sizeof(*commands); c++) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
			server.at = commands[c];
			server.fault = faults[i];
			double before = now();
			assert_true(vfio_open(&dev, address) < 0);
			assert_true(now() - before < 5);
			assert_true(errors <= 1);
			stop(state);
			start(state);
		}
	}
	assert_int_equal(open_files(), files);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.at = VERSION;
	server.fault = SILENT;
	impatient = true;
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
	assert_int_equal(errors, 1);

	/* Ctrl-C is for who was told that it may take long. */
	interrupted = true;
	assert_int_equal(vfio_open(&dev, address), -EINTR);
	interrupted = impatient = false;
	assert_int_equal(errors, 2);
}

static void a_server_that_falls_silent_is_given_up(void **state)
{
	uint16_t id;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = READ;
	server.fault = SILENT;
	impatient = true;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2),
			 -ETIMEDOUT);
	impatient = false;
	/* It is not waited for a second time. */
	double before = now();
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), -ENOTCONN);
	vfio_close(dev);
	assert_true(now() - before < 5);
	assert_int_equal(errors, 1);
}

static void a_server_that_stops_reading_does_not_hang_us(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	server.at = WRITE;
	server.fault = STOP_READING;
	impatient = true;
	for (uint32_t i = 0; i < 100000 && !errors; i++)
		bar_write32(bar, 0, i);
	impatient = false;
	assert_int_equal(errors, 1);
	assert_int_equal(bar_read32(bar, 0), UINT32_MAX);
	vfio_close(dev);
}

static void a_server_that_has_gone_is_no_signal(void **state)
{
	const struct vfio_bar *bar;
	struct dma_memory mem, more;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	server.at = READ;
	server.fault = HANG_UP;
	bar_read32(bar, 0);
	bar_write32(bar, 0, 0);
	assert_int_equal(vfio_dma_alloc(&more, 4096), -ENOTCONN);
	vfio_dma_free(&mem); /* it had the file, which nobody else gets */
	assert_int_equal(errors, 1);
	vfio_close(dev);
}

static void an_error_of_the_server_is_the_result(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = MAP;
	server.fault = REFUSE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -ENOMEM);
	server.fault = REFUSE_ODDLY;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -EIO);
	server.fault = NONE; /* the connection is in order */
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_dma_free(&mem);
	vfio_close(dev);
}

/* libvfio-user does some of this, others have done so. */
static void answers_longer_or_shorter_than_they_should_be_are_understood(void **state)
{
	struct dma_memory mem;
	uint16_t id = 0;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = MAP;
	server.fault = REFUSE_AT_LENGTH;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -ENOMEM);
	server.fault = SAY_MORE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	errors = 0;

	server.at = UNMAP;
	server.fault = BARE;
	vfio_dma_free(&mem);
	server.fault = NONE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	server.fault = SAY_MORE;
	vfio_dma_free(&mem);

	*(uint16_t *)server.config = 0x8086;
	server.at = READ;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	assert_int_equal(id, 0x8086);
	server.at = WRITE;
	server.fault = BARE;
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	server.at = RESET;
	server.fault = SAY_MORE;
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(errors, 0);
	vfio_close(dev);
}

/* As ours do while they serve somebody else. */
static void a_server_that_hangs_up_at_once_is_busy(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.at = VERSION;
	server.fault = HANG_UP;
	assert_int_equal(vfio_open(&dev, address), -EBUSY);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(last_message, "busy"));
	assert_non_null(strstr(last_message, "end that one first"));
	assert_null(strstr(last_message, "gone"));
}

static void pitfall_vfio_2_the_size_of_an_unmap_is_checked(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_dma_alloc(&mem, 8192), 0);
	struct dma_memory lost = mem;
	server.unmap_size = 4096;
	vfio_dma_free(&mem);
	assert_int_equal(errors, 1);
	memset(lost.virt, 1, lost.size);
	server.unmap_size = 0;
	vfio_dma_free(&lost);
	vfio_close(dev);
}

static void questions_of_the_server_are_refused(void **state)
{
	uint16_t id;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = READ;
	server.fault = QUESTIONS;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	server.fault = NONE;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	assert_int_equal(server.refusals, 2);
	vfio_close(dev);
}

static void files_that_nobody_wants_are_closed(void **state)
{
	const struct vfio_bar *bar;
	const int files = open_files();
	static const uint16_t commands[] = { VERSION, INFO, REGION_INFO, READ, MAP, RESET };

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		server.at = commands[i];
		server.fault = MANY_FILES;
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		vfio_close(dev);
		stop(state);
		assert_int_equal(open_files(), files - 2);
		start(state);
	}
}

/* ---- Regions ---- */

struct sparse {
	struct vfio_region_info region;
	struct vfio_info_cap_header header;
	uint32_t count, reserved;
	struct vfio_region_sparse_mmap_area areas[20];
};

static struct sparse *sparse(struct message *reply, uint32_t count)
{
	struct sparse *sparse = (struct sparse *)&reply->payload;

	sparse->region.flags |= VFIO_REGION_INFO_FLAG_CAPS;
	sparse->region.argsz = sizeof(*sparse);
	sparse->region.cap_offset = sizeof(sparse->region);
	sparse->header = (struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 };
	sparse->count = count;
	return sparse;
}

static void one_area(struct message *reply, int file)
{
	(void)file;
	sparse(reply, 1)->areas[0] = (struct vfio_region_sparse_mmap_area){ 0x10000, 0x10000 };
}

static void areas_are_memory_and_the_rest_is_not(void **state)
{
	const struct vfio_bar *bar;
	const uint32_t word = 0x12345678;

	(void)state;
	server.region = one_area;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_null(bar_pointer(bar, 0x0fffc));
	assert_non_null(bar_pointer(bar, 0x10000));
	assert_non_null(bar_pointer(bar, 0x1fffc));
	assert_null(bar_pointer(bar, 0x20000));
	assert_int_equal(pwrite(server.file, &word, 4, 0x10008), 4);
	assert_int_equal(bar_read32(bar, 0x10008), word);
	assert_int_equal(server.seen[READ], 1); /* of config space, when it was opened */
	vfio_close(dev);
}

static void foolish_areas(struct message *reply, int file)
{
	struct vfio_region_sparse_mmap_area *areas = sparse(reply, UINT32_MAX)->areas;

	(void)file;
	areas[0] = (struct vfio_region_sparse_mmap_area){ 1, 0x10000 };
	areas[1] = (struct vfio_region_sparse_mmap_area){ 0x10000, 0x20000 };
	areas[2] = (struct vfio_region_sparse_mmap_area){ 0x10000, -(uint64_t)0x10000 };
	areas[3] = (struct vfio_region_sparse_mmap_area){ -(uint64_t)0x10000, 0x20000 };
	areas[4] = (struct vfio_region_sparse_mmap_area){ 0, 12 };
	areas[5] = (struct vfio_region_sparse_mmap_area){ 0x20000, 0x10000 };
	areas[6] = (struct vfio_region_sparse_mmap_area){ 0x10000, 0 };
	areas[7] = (struct vfio_region_sparse_mmap_area){ 0x10000, 0x10000 }; /* a good one */
}

static void circular_caps(struct message *reply, int file)
{
	struct sparse *caps = sparse(reply, 1);

	(void)file;
	caps->header.id = 99;
	caps->header.next = caps->region.cap_offset;
}

static void caps_far_away(struct message *reply, int file)
{
	(void)file;
	sparse(reply, 1)->region.cap_offset = UINT32_MAX - 3;
}

static void caps_at_the_end(struct message *reply, int file)
{
	(void)file;
	struct sparse *caps = sparse(reply, 1);
	caps->region.argsz = 4096;
	caps->region.cap_offset = 4096 - 17; /* misaligned, and no room for a pair */
	caps->header.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP;
	memcpy(reply->payload.bytes + 4096 - 17, &caps->header, 16);
}

static void caps_that_do_not_fit(struct message *reply, int file)
{
	struct sparse *caps = sparse(reply, 1);

	(void)file;
	caps->region.argsz = 1 << 20;
	caps->region.cap_offset = 0; /* so none are here, but there are some */
}

static void a_file_too_short(struct message *reply, int file)
{
	(void)reply;
	if (ftruncate(file, BAR0_SIZE - 1))
		abort();
}

static void an_offset_beyond_the_file(struct message *reply, int file)
{
	(void)file;
	reply->payload.region.offset = -(uint64_t)0x1000;
}

static void a_size_beyond_everything(struct message *reply, int file)
{
	(void)file;
	reply->payload.region.size = UINT64_MAX;
}

static void what_the_server_says_of_its_region_is_checked(void **state)
{
	static const struct {
		void (*region)(struct message *, int);
		int err;
		uint32_t mapped; /* pages of 64 KiB */
	} cases[] = {
		{ foolish_areas, 0, 2 },
		{ circular_caps, 0, 3 },
		{ caps_far_away, 0, 3 },
		{ caps_at_the_end, 0, 0 },
		{ caps_that_do_not_fit, 0, 0 },
		{ a_file_too_short, 0, 0 },
		{ an_offset_beyond_the_file, 0, 0 },
		{ a_size_beyond_everything, -ENOMEM, 0 },
	};
	const struct vfio_bar *bar;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		server.region = cases[i].region;
		struct vfio_device *dev = open_device();
		bar = NULL;
		assert_int_equal(vfio_bar(dev, 0, &bar), cases[i].err);
		assert_int_equal(bar != NULL, !cases[i].err);
		/* It may be asked again. */
		assert_int_equal(vfio_bar(dev, 0, &bar), cases[i].err);
		for (uint32_t page = 0; page < 2 && !cases[i].err; page++) {
			const bool mapped = bar_pointer(bar, page << 16);
			assert_int_equal(mapped, cases[i].mapped >> page & 1);
			bar_write32(bar, page << 16, 0xabcd);
			assert_int_equal(bar_read32(bar, page << 16), 0xabcd);
		}
		vfio_close(dev);
		stop(state);
		start(state);
	}
}

static void addresses_that_are_no_server(void **state)
{
	char too_long[200] = "vfio-user:";
	struct vfio_device *dev;

	(void)state;
	memset(too_long + 10, 'x', sizeof(too_long) - 11);
	assert_int_equal(vfio_open(&dev, "vfio-user:"), -EINVAL);
	assert_int_equal(vfio_open(&dev, too_long), -ENAMETOOLONG);
	assert_int_equal(vfio_open(&dev, "vfio-user:/nowhere/nic.sock"), -ENOENT);
	assert_int_equal(vfio_open(&dev, "vfio-user:/etc/passwd"), -ENOTSOCK);
	assert_int_equal(errors, 4);
	shutdown(listener, SHUT_RDWR);
	pthread_join(thread, NULL);
	close(listener); /* the socket's file stays behind */
	assert_int_equal(vfio_open(&dev, address), -ECONNREFUSED);
	assert_int_equal(errors, 5);
	start(state);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_whole_session),
		TEST(memory_is_shared_by_its_file),
		TEST(registers_are_posted_and_config_space_is_not),
		TEST(the_limits_of_the_server_are_respected),
		TEST(a_server_without_json_gets_one_file_per_message),
		TEST(json_of_a_fool_does_no_harm),
		TEST(another_major_version_is_refused),
		TEST(answers_may_come_in_pieces),
		TEST(nonsense_ends_the_connection),
		TEST(nonsense_at_the_start_is_an_error_at_once),
		TEST(a_server_that_never_answers_is_given_up),
		TEST(a_server_that_falls_silent_is_given_up),
		TEST(a_server_that_stops_reading_does_not_hang_us),
		TEST(a_server_that_has_gone_is_no_signal),
		TEST(an_error_of_the_server_is_the_result),
		TEST(answers_longer_or_shorter_than_they_should_be_are_understood),
		TEST(a_server_that_hangs_up_at_once_is_busy),
		TEST(pitfall_vfio_2_the_size_of_an_unmap_is_checked),
		TEST(questions_of_the_server_are_refused),
		TEST(files_that_nobody_wants_are_closed),
		TEST(areas_are_memory_and_the_rest_is_not),
		TEST(what_the_server_says_of_its_region_is_checked),
		TEST(addresses_that_are_no_server),
	};

	alarm(300); /* after a failure, the server may wait for a device that nobody closes */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
