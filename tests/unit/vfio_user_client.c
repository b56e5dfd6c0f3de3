/* SPDX-License-Identifier: BSD-2-Clause */
/* A vfio-user client for tests; see its header. */
#include "vfio_user_client.h"

#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

struct answer answer;

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	return vfu_window(((struct world *)ctx)->server, iova, window);
}

static void interrupt(void *ctx, uint32_t vector)
{
	vfu_interrupt(((struct world *)ctx)->server, vector);
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	(void)ctx, (void)frame, (void)length;
}

static int create(void **state, bool trap)
{
	struct world *world = calloc(1, sizeof(*world));
	struct nic_host host = { world, window, interrupt, transmit };
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	assert_non_null(world);
	strcpy(world->directory, "/tmp/vfio-user-XXXXXX");
	assert_non_null(mkdtemp(world->directory));
	snprintf(world->path, sizeof(world->path), "%s/socket", world->directory);
	assert_int_equal(nic_create(&world->nic, &host, mac), 0);
	assert_int_equal(vfu_listen(&world->server, world->path, world->nic, trap), 0);
	*state = world;
	return 0;
}

int world_create(void **state)
{
	return create(state, false);
}

int world_create_trapping(void **state)
{
	return create(state, true);
}

int world_destroy(void **state)
{
	struct world *world = *state;

	vfu_close(world->server);
	nic_destroy(world->nic);
	unlink(world->path);
	rmdir(world->directory);
	free(world);
	return 0;
}

void serve(struct world *world)
{
	struct pollfd work = { .fd = vfu_fd(world->server), .events = POLLIN };

	while (poll(&work, 1, 0) == 1)
		vfu_serve(world->server);
}

int client_connect(struct world *world)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	strcpy(address.sun_path, world->path);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	serve(world);
	return fd;
}

int client_open(struct world *world)
{
	int fd = client_connect(world);

	assert_int_equal(
		negotiate(world, fd, 0, 1,
			  "{\"capabilities\":{\"max_msg_fds\":16,\"write_multiple\":true}}"),
		0);
	assert_true(vfu_connected(world->server));
	return fd;
}

bool client_hung_up(struct world *world, int fd)
{
	char discard[4096];
	ssize_t n;

	serve(world);
	do
		n = recv(fd, discard, sizeof(discard), MSG_DONTWAIT);
	while (n > 0);
	return n == 0 || errno != EAGAIN;
}

int open_files(void)
{
	DIR *directory = opendir("/proc/self/fd");
	int count = 0;

	assert_non_null(directory);
	while (readdir(directory))
		count++;
	closedir(directory);
	return count;
}

void send_raw(int fd, const void *data, size_t size, const int *fds, int fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(253 * sizeof(int))];
	} control = { 0 };
	struct iovec part = { .iov_base = (void *)data, .iov_len = size };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count) {
		message.msg_control = &control;
		message.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	/*
	 * The server may have hung up, or not read for a while: then the message is lost, as it
	 * should be.
	 */
	(void)!sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

void send_message(int fd, uint16_t command, uint32_t flags, const void *data, size_t size,
		  const int *fds, int fd_count)
{
	static uint16_t id;
	static uint8_t message[1 << 18];
	struct header header = { ++id, command, sizeof(header) + size, flags, 0 };

	memcpy(message, &header, sizeof(header));
	if (size)
		memcpy(message + sizeof(header), data, size);
	send_raw(fd, message, header.size, fds, fd_count);
}

/* Fills in @size bytes as far as they come. */
static size_t receive_bytes(struct world *world, int fd, void *data, size_t size)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(16 * sizeof(int))];
	} control;
	size_t done = 0;

	for (int tries = 0; done < size && tries < 100;) {
		struct iovec part = { .iov_base = (uint8_t *)data + done, .iov_len = size - done };
		struct msghdr message = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};

		serve(world);
		ssize_t n = recvmsg(fd, &message, MSG_DONTWAIT);

		if (n == 0)
			break;
		if (n < 0) {
			tries++;
			continue;
		}
		done += n;
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		if (c) {
			answer.fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
			memcpy(answer.fds, CMSG_DATA(c), answer.fd_count * sizeof(int));
		}
	}
	return done;
}

bool receive_answer(struct world *world, int fd)
{
	answer.fd_count = 0;
	answer.size = 0;
	if (receive_bytes(world, fd, &answer.header, sizeof(answer.header)) < sizeof(answer.header))
		return false;
	answer.size = answer.header.size - sizeof(answer.header);
	assert_true(answer.size <= sizeof(answer.data));
	return receive_bytes(world, fd, answer.data, answer.size) == answer.size;
}

int call(struct world *world, int fd, uint16_t command, const void *data, size_t size,
	 const int *fds, int fd_count)
{
	send_message(fd, command, 0, data, size, fds, fd_count);
	if (!receive_answer(world, fd))
		return -1;
	assert_int_equal(answer.header.command, command);
	assert_int_equal(answer.header.flags & 0xf, 1);
	if (!(answer.header.flags & 0x20))
		return 0;
	assert_int_equal(answer.size, 0);
	return answer.header.error;
}

int negotiate(struct world *world, int fd, uint16_t major, uint16_t minor, const char *json)
{
	struct {
		uint16_t major, minor;
		char json[1024];
	} version = { major, minor, "" };

	if (json)
		strcpy(version.json, json);
	return call(world, fd, VERSION, &version, json ? 4 + strlen(json) + 1 : 4, NULL, 0);
}

struct access {
	uint64_t offset;
	uint32_t region, count;
};

int read_region(struct world *world, int fd, uint32_t region, uint64_t offset, uint32_t count)
{
	struct access access = { offset, region, count };

	return call(world, fd, REGION_READ, &access, sizeof(access), NULL, 0);
}

int write_region(struct world *world, int fd, uint32_t region, uint64_t offset, const void *data,
		 uint32_t count)
{
	struct {
		struct access access;
		uint8_t data[4096];
	} message = { .access = { offset, region, count } };

	assert_true(count <= sizeof(message.data));
	memcpy(message.data, data, count);
	return call(world, fd, REGION_WRITE, &message, sizeof(message.access) + count, NULL, 0);
}

uint64_t read_register(struct world *world, int fd, uint32_t offset, uint32_t size)
{
	uint64_t value = 0;

	assert_int_equal(read_region(world, fd, 0, offset, size), 0);
	assert_int_equal(answer.size, sizeof(struct access) + size);
	memcpy(&value, answer.data + sizeof(struct access), size);
	return value;
}

int write_register(struct world *world, int fd, uint32_t offset, uint64_t value, uint32_t size)
{
	return write_region(world, fd, 0, offset, &value, size);
}

int map_flags(struct world *world, int fd, uint64_t iova, uint64_t size, int memory,
	      uint64_t offset, uint32_t flags)
{
	struct {
		uint32_t argsz, flags;
		uint64_t offset, iova, size;
	} request = { sizeof(request), flags, offset, iova, size };

	return call(world, fd, DMA_MAP, &request, sizeof(request), &memory, memory >= 0);
}

int map(struct world *world, int fd, uint64_t iova, uint64_t size, int memory, uint64_t offset)
{
	return map_flags(world, fd, iova, size, memory, offset, 3);
}

struct unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
};

int unmap(struct world *world, int fd, uint64_t iova, uint64_t size)
{
	struct unmap request = { sizeof(request), 0, iova, size };

	return call(world, fd, DMA_UNMAP, &request, sizeof(request), NULL, 0);
}

int unmap_all(struct world *world, int fd)
{
	struct unmap request = { sizeof(request), 2, 0, 0 };

	return call(world, fd, DMA_UNMAP, &request, sizeof(request), NULL, 0);
}

int new_memory(size_t size)
{
	int fd = memfd_create("test", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	for (uint32_t page = 0; page < size / 4096 && page < 64; page++) {
		uint32_t words[4] = { page << 16, page << 16 | 1, page << 16 | 2, page << 16 | 3 };

		assert_int_equal(pwrite(fd, words, sizeof(words), page * 4096), sizeof(words));
	}
	return fd;
}

int set_irqs(struct world *world, int fd, uint32_t flags, uint32_t index, uint32_t start,
	     uint32_t count, const int *fds, int fd_count)
{
	uint32_t request[5] = { sizeof(request), flags, index, start, count };

	return call(world, fd, SET_IRQS, request, sizeof(request), fds, fd_count);
}

uint64_t signalled(int fd)
{
	uint64_t count = 0;

	return read(fd, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

void assert_ready_for_the_next(struct world *world)
{
	struct nic_window window;
	int fd = client_open(world);

	assert_int_not_equal(read_register(world, fd, FCTRL, 4), 0x700);
	for (uint64_t iova = 0; iova < 1 << 20; iova += 4096)
		assert_false(vfu_window(world->server, iova, &window));
	assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), 0);
	close(fd);
	serve(world);
	assert_false(vfu_connected(world->server));
}
