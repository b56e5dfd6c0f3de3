/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server with thousands of random messages, the same ones each time. tests/fuzz/vfio_user_server.c finds more, but
 * needs clang and time; this runs in `make check`, with any compiler and under valgrind.
 */
#include "vfio_user_client.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

static uint32_t random_state;

static uint32_t next_random(void)
{
	random_state = random_state * 1664525 + 1013904223;
	return random_state >> 8;
}

/* One of @count numbers. */
static uint32_t choose(const uint32_t *from, size_t count)
{
	return from[next_random() % count];
}
#define CHOOSE(...)                                                                                \
	choose((const uint32_t[]){ __VA_ARGS__ },                                                  \
	       sizeof((const uint32_t[]){ __VA_ARGS__ }) / sizeof(uint32_t))

/*
 * Fills in a message that could be meant seriously; purely random numbers would never get far.
 * Return: its size.
 */
static uint32_t plausible_message(uint32_t *message, int *fd_count)
{
	uint32_t command = 1 + next_random() % 19;
	uint32_t *data = message + 4;
	uint32_t words = next_random() % 12;

	for (size_t i = 0; i < 64; i++)
		message[i] = CHOOSE(0, 1, 2, 4, 8, 16, 32, 64, 0x1000, 0x6000, 0x20000, UINT32_MAX);
	*fd_count = next_random() % 64 ? 0 : next_random() % 5;
	switch (command) {
	case DMA_MAP: /* argsz, flags, offset, address, size */
		memcpy(data, (uint32_t[]){ 32, 3, 0, 0, 0, 0, 0, 0 }, 32);
		data[2] = next_random() % 64 * 4096;
		data[4] = next_random() % 256 * 4096;
		data[6] = CHOOSE(4096, 8192, 65536);
		*fd_count = next_random() % 8 != 0;
		words = 8;
		break;
	case DMA_UNMAP: /* argsz, flags, address, size */
		memcpy(data, (uint32_t[]){ 24, 0, 0, 0, 0, 0 }, 24);
		data[2] = next_random() % 256 * 4096;
		data[4] = CHOOSE(4096, 16384, 65536);
		words = 6;
		break;
	case SET_IRQS: /* argsz, flags, index, start, count */
		data[0] = 20;
		data[1] = CHOOSE(NONE, BOOL, EVENTFD) | CHOOSE(MASK, UNMASK, TRIGGER);
		data[2] = CHOOSE(MSIX, MSIX, MSI, INTX, ERR, REQ);
		data[3] = data[2] == MSIX ? next_random() % 64 : 0;
		data[4] = data[2] == MSIX ? next_random() % 5 : 1;
		*fd_count = data[1] & EVENTFD ? data[4] : 0;
		words = 6;
		break;
	case REGION_READ:
	case REGION_WRITE: /* offset, region, count */
		data[0] = next_random() % 0x20000;
		data[1] = 0;
		data[2] = CHOOSE(0, 0, 2, 4, 7);
		data[3] = CHOOSE(1, 2, 4, 8, 16);
		words = command == REGION_READ ? 4 : 4 + data[3] / 4;
		break;
	}
	message[0] = command << 16;
	message[1] = 16 + words * 4;
	message[2] = next_random() % 8 ? 0 : NO_REPLY;
	return message[1];
}

static void random_messages_do_no_harm(void **state)
{
	struct world *world = *state;
	int memory = new_memory(64 * 4096), event = eventfd(0, EFD_NONBLOCK);
	int files = open_files(), fd = -1;
	uint32_t seen = 0, signals = 0;

	random_state = 82599;
	for (int i = 0; i < 20000; i++) {
		uint32_t message[64];
		int fds[4] = { event, event, event, event };
		int fd_count;
		uint32_t size = plausible_message(message, &fd_count);
		struct nic_window window;

		if (message[0] >> 16 == DMA_MAP)
			fds[0] = memory;
		/* Some are damaged. */
		if (next_random() % 8 == 0)
			message[next_random() % (size / 4)] = next_random() << next_random() % 32;
		if (next_random() % 256 == 0)
			size = next_random() % 256;

		if (fd < 0)
			fd = client_open(world);
		send_raw(fd, message, size, fds, fd_count);
		/* A size that is too large would have the server wait for the rest: not forever. */
		if (client_hung_up(world, fd) || i % 256 == 0) {
			close(fd);
			fd = -1;
		}
		if (vfu_window(world->server, next_random() % 256 * 4096, &window)) {
			(void)((volatile uint8_t *)window.host)[window.size - 1];
			seen++;
		}
		vfu_interrupt(world->server, next_random() % 65);
		signals += signalled(event) > 0;
	}
	if (fd >= 0)
		close(fd);
	serve(world);
	assert_int_equal(open_files(), files);
	assert_true(seen > 100); /* some of it made sense */
	assert_true(signals > 100);
	close(memory);
	close(event);
	assert_ready_for_the_next(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_messages_do_no_harm, world_create,
						world_destroy),
	};

	alarm(120); /* what must not block ends here if it does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
