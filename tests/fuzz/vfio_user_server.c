/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client of the vfio-user server and the driver of its card: an input is a list of what they do,
 * messages and files, registers, memory, descriptors, frames. Whatever it was, once the client
 * is gone the server is as before, and serves the next.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <linux/vfio.h>

#include "emu/server/vfu_protocol.h"
#include "input.h"
#include "mappings.h"

#define MEMORY	    (64 * 4096)
#define MAX_STEPS   300
#define MAX_MESSAGE 2048
#define MAX_FDS	    70

enum { VERSION = 1, DMA_MAP, DMA_UNMAP, REGION_INFO = 5, SET_IRQS = 8, READ, WRITE };

static struct nic *nic;
static struct vfu_server *server;
static struct sockaddr_un address = { .sun_family = AF_UNIX };
static uint64_t now;
static uint16_t id;
static int client, memory, event, doorbells;

static void check(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "%s\n", what);
	abort();
}

/* ---- What is mapped ---- */

/* ---- The card's surroundings ---- */

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	(void)ctx;
	return vfu_window(server, iova, window);
}

static void interrupt(void *ctx, uint32_t vector)
{
	(void)ctx;
	vfu_interrupt(server, vector);
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	(void)ctx;
	for (size_t i = 0; i < length; i++)
		(void)*(volatile const uint8_t *)&frame[i];
}

static void clean_up(void)
{
	vfu_close(server);
}

static void set_up(void)
{
	const struct nic_host host = { NULL, window, interrupt, transmit };
	const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };

	snprintf(address.sun_path, sizeof(address.sun_path), "/tmp/ixy-fuzz-server.%d.sock",
		 getpid());
	check(!nic_create(&nic, &host, mac), "nic_create");
	check(!vfu_listen(&server, address.sun_path, nic, false), "vfu_listen");
	atexit(clean_up);
}

/* ---- The client ---- */

/* As long as the server has something to do; which ends. */
static void serve(void)
{
	struct pollfd work = { .fd = vfu_fd(server), .events = POLLIN };

	for (int rounds = 0; poll(&work, 1, 0) > 0; rounds++) {
		check(rounds < 1000, "the server is busy with nothing");
		vfu_serve(server);
	}
}

static void send_bytes(const void *data, size_t size, const int *fds, uint32_t fd_count)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(MAX_FDS * sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)data, size };
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
	(void)!sendmsg(client, &message, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void send_message(uint16_t command, uint32_t flags, const void *data, size_t size,
			 const int *fds, uint32_t fd_count)
{
	struct {
		uint16_t id, command;
		uint32_t size, flags, error;
		uint8_t data[MAX_MESSAGE];
	} message = { ++id, command, 16 + size, flags, 0, { 0 } };

	memcpy(message.data, data, size);
	send_bytes(&message, 16 + size, fds, fd_count);
}

/* What has come is thrown away, but one file: the pages of doorbells. */
static void read_replies(void)
{
	static uint8_t bytes[1 << 16];
	int fd;

	for (;;) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(8 * sizeof(int))];
		} control;
		struct iovec part = { bytes, sizeof(bytes) };
		struct msghdr message = { .msg_iov = &part,
					  .msg_iovlen = 1,
					  .msg_control = &control,
					  .msg_controllen = sizeof(control) };

		if (recvmsg(client, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) <= 0)
			break;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&message); c; c = CMSG_NXTHDR(&message, c))
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
				if (doorbells >= 0)
					close(doorbells);
				doorbells = fd;
			}
		serve();
	}
}

static void hang_up(void)
{
	close(client);
	if (doorbells >= 0)
		close(doorbells);
	doorbells = -1;
}

static void connect_client(void)
{
	client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	check(!connect(client, (struct sockaddr *)&address, sizeof(address)), "connect");
}

static void start_session(void)
{
	static const char version[] = "\0\0\1\0{\"capabilities\":{\"max_msg_fds\":8,"
				      "\"write_multiple\":true}}";

	connect_client();
	send_message(VERSION, 0, version, sizeof(version), NULL, 0);
	serve();
	check(vfu_connected(server), "no session");
}

/* ---- What an input says ---- */

/* Files to go with a message: as many as the low bits say, of a kind. */
static uint32_t choose_files(struct input *in, int fds[MAX_FDS])
{
	const uint8_t what = input_number(in, 1);
	const int kinds[] = { memory, event, client, doorbells, 0, memory, event, event };
	const uint32_t count = what & 0x10 ? 64 + what % 6 : what % 4;

	for (uint32_t i = 0; i < count; i++)
		fds[i] = kinds[what >> 5];
	return fds[0] < 0 ? 0 : count;
}

static void any_message(struct input *in)
{
	uint8_t data[MAX_MESSAGE];
	int fds[MAX_FDS] = { 0 };
	const uint16_t command = input_number(in, 1);
	const uint32_t flags = input_number(in, 1);
	const size_t size = input_number(in, 1) % 128;
	const uint32_t count = choose_files(in, fds);

	input_bytes(in, data, size);
	send_message(command, flags, data, size, fds, count);
}

static void any_bytes(struct input *in)
{
	uint8_t data[256];
	int fds[MAX_FDS] = { 0 };
	const size_t size = 1 + input_number(in, 1) % 64;
	const uint32_t count = choose_files(in, fds);

	input_bytes(in, data, size);
	send_bytes(data, size, fds, count);
}

static void map(struct input *in, uint16_t command)
{
	const uint32_t flags = input_number(in, 1);
	const uint64_t page = input_number(in, 1), pages = input_number(in, 1) % 65;
	struct {
		uint32_t argsz, flags;
		uint64_t offset, iova, size;
	} entry = { 32, flags & 15, page % 16 << 12, page << 12, pages << 12 };

	if (command == DMA_MAP)
		send_message(DMA_MAP, 0x10, &entry, 32, &memory, 1);
	else
		send_message(DMA_UNMAP, 0x10, &(uint64_t[]){ 24, entry.iova, entry.size }, 24, NULL,
			     0);
}

static void access_registers(struct input *in, uint16_t command)
{
	struct {
		uint64_t offset;
		uint32_t region, count;
		uint8_t data[16];
	} access = { 0 };

	access.region = input_number(in, 1) % 9;
	access.count = 1 << input_number(in, 1) % 5;
	access.offset = input_number(in, 3);
	if (command == WRITE)
		input_bytes(in, access.data, access.count);
	send_message(command, 0, &access, command == WRITE ? 16 + access.count : 16, NULL, 0);
}

/* A register of BAR 0, as drivers write it. */
static void write_register(struct input *in)
{
	struct {
		uint64_t offset;
		uint32_t region, count, value;
	} access = { .count = 4 };

	access.offset = (input_number(in, 2) << 2) & 0x1fffc;
	access.value = input_number(in, 4);
	send_message(WRITE, 0x10, &access, 20, NULL, 0);
}

static void arm(struct input *in)
{
	uint32_t set[5] = { 20, 0, 0, 0, 0 };
	int fds[MAX_FDS];

	set[1] = input_number(in, 1);
	set[2] = input_number(in, 1) % 6;
	set[3] = input_number(in, 1);
	set[4] = input_number(in, 1) % (MAX_FDS + 1);
	for (int i = 0; i < MAX_FDS; i++)
		fds[i] = event;
	send_message(SET_IRQS, 0, set, sizeof(set), fds, set[1] & 4 ? set[4] : 0);
}

static void write_file(struct input *in, int fd, uint64_t offset, size_t size)
{
	uint8_t data[64];

	input_bytes(in, data, size);
	if (fd >= 0)
		(void)!pwrite(fd, data, size, offset);
}

static void receive_frame(struct input *in)
{
	static uint8_t frame[16384];
	const size_t size = input_number(in, 2) % 9700;

	input_bytes(in, frame, 64);
	nic_receive(nic, frame, size < 60 ? 60 : size, 0);
}

static void take_step(struct input *in)
{
	switch (input_number(in, 1) % 20) {
	case 0:
		return any_message(in);
	case 1:
		return any_bytes(in);
	case 2:
	case 3:
		return map(in, DMA_MAP);
	case 4:
		return map(in, DMA_UNMAP);
	case 5:
		return access_registers(in, READ);
	case 6:
		return access_registers(in, WRITE);
	case 7:
	case 8:
	case 9:
		return write_register(in);
	case 10:
		return arm(in);
	case 11:
	case 12: /* descriptors */
		return write_file(in, memory, input_number(in, 2) << 4, 16);
	case 13: /* tails */
		return write_file(in, doorbells, (input_number(in, 2) << 2) & 0x1fffc, 4);
	case 14:
		send_message(REGION_INFO, 0, &(uint32_t[8]){ 4096, 0, input_number(in, 1) % 10 },
			     32, NULL, 0);
		return;
	case 15:
		return receive_frame(in);
	case 16:
		return read_replies();
	case 17:
		now += input_number(in, 2) << 8;
		nic_poll(nic, now, 1 + input_number(in, 1) % 32);
		return;
	case 18:
		(void)!ftruncate(memory, input_number(in, 1) << 12);
		return;
	default:
		hang_up();
		input_number(in, 1) % 4 ? start_session() : connect_client();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct nic_window any;

	if (!server)
		set_up();
	const int open = open_descriptors();
	const long mapped = mappings;

	now = id = 0;
	doorbells = -1;
	memory = memfd_create("memory", MFD_CLOEXEC);
	event = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	check(!ftruncate(memory, MEMORY), "ftruncate");
	start_session();
	for (int steps = 0; in.left && steps < MAX_STEPS; steps++) {
		take_step(&in);
		serve();
		nic_poll(nic, ++now, 32);
	}
	hang_up();
	close(memory);
	close(event);
	serve();

	check(!vfu_connected(server), "the card is still taken");
	for (uint64_t iova = 0; iova < 1 << 20; iova += 4096)
		check(!vfu_window(server, iova, &any), "memory of a client that is gone");
	check(open_descriptors() == open, "file descriptors are lost");
	check(mappings == mapped, "mappings are lost");
	return 0;
}
