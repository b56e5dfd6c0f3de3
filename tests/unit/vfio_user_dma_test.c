/* SPDX-License-Identifier: BSD-2-Clause */
/* The vfio-user server's table of the client's memory: map, unmap by range, limits. */
#include "vfio_user_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/*
 * Is there a window at @iova, does it begin and end there, and does its first word of that page
 * hold @word?
 */
static bool sees(struct world *world, uint64_t iova, uint64_t begin, uint64_t end, uint32_t word)
{
	struct nic_window window;

	if (!vfu_window(world->server, iova, &window))
		return false;
	return window.iova == begin && window.size == end - begin &&
	       memcmp(window.host + (iova - begin), &word, 4) == 0;
}

static bool sees_nothing(struct world *world, uint64_t iova)
{
	struct nic_window window;

	return !vfu_window(world->server, iova, &window);
}

static void mapped_memory_is_shared_with_the_card(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(8 * 4096);
	struct nic_window window;

	assert_int_equal(map(world, fd, 0x10000, 2 * 4096, memory, 3 * 4096), 0);
	assert_true(sees(world, 0x10000, 0x10000, 0x12000, 3 << 16));
	assert_true(sees(world, 0x11000, 0x10000, 0x12000, 4 << 16));
	assert_true(vfu_window(world->server, 0x11fff, &window));
	assert_true(window.writable);
	assert_true(sees_nothing(world, 0x0ffff));
	assert_true(sees_nothing(world, 0x12000));

	memcpy(window.host + 8, "card", 4);
	char text[4];

	assert_int_equal(pread(memory, text, 4, 3 * 4096 + 8), 4);
	assert_memory_equal(text, "card", 4);

	/* Read-only, and at the very end of the address space */
	assert_int_equal(map_flags(world, fd, -4096ULL, 4096, memory, 0, 1), 0);
	assert_true(vfu_window(world->server, UINT64_MAX, &window));
	assert_false(window.writable);
	close(memory);
	close(fd);
}

static void memory_without_file_cannot_be_reached(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	assert_int_equal(map(world, fd, 0x10000, 4096, -1, 0), 0);
	assert_true(sees_nothing(world, 0x10000));
	assert_int_equal(map(world, fd, 0x10000, 4096, -1, 0), EEXIST);
	assert_int_equal(unmap(world, fd, 0x10000, 4096), 0);
	assert_int_equal(map(world, fd, 0x10000, 4096, -1, 0), 0);
	close(fd);
}

static void bad_mappings_are_refused(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(4 * 4096), pipes[2];

	assert_int_equal(map(world, fd, 0x10000, 0x2000, memory, 0), 0);
	assert_int_equal(map(world, fd, 0x11000, 0x2000, memory, 0), EEXIST);
	assert_int_equal(map(world, fd, 0xf000, 0x2000, memory, 0), EEXIST);
	assert_int_equal(map(world, fd, 0xf000, 0x4000, memory, 0), EEXIST);
	assert_int_equal(map(world, fd, 0x20000, 0, memory, 0), EINVAL);
	assert_int_equal(map(world, fd, 0x20000, 100, memory, 0), EINVAL);
	assert_int_equal(map(world, fd, 0x20010, 4096, memory, 0), EINVAL);
	assert_int_equal(map(world, fd, 0x20000, 4096, memory, 16), EINVAL);
	assert_int_equal(map(world, fd, 0x20000, 0x2000, memory, 0x3000),
			 EINVAL); /* beyond the file */
	assert_int_equal(map(world, fd, 0x20000, 0x2000, memory, -4096ULL), EINVAL);
	assert_int_equal(map(world, fd, -4096ULL, 0x2000, memory, 0),
			 EINVAL); /* beyond the address space */
	assert_int_equal(map_flags(world, fd, 0x20000, 4096, memory, 0, 0), EINVAL);
	assert_int_equal(map_flags(world, fd, 0x20000, 4096, memory, 0, 0x103), EINVAL);
	/* libvfio-user's flags of how to get at the file want one. */
	for (uint32_t how = 4; how <= 12; how += 4) {
		assert_int_equal(map_flags(world, fd, 0x20000, 4096, -1, 0, 3 | how), EINVAL);
		assert_int_equal(map_flags(world, fd, 0x20000, 4096, memory, 0, 3 | how), 0);
		assert_int_equal(unmap(world, fd, 0x20000, 4096), 0);
	}
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(map(world, fd, 0x20000, 4096, pipes[0], 0), EINVAL);
	assert_true(sees_nothing(world, 0x20000));
	assert_true(sees(world, 0x10000, 0x10000, 0x12000, 0));
	close(pipes[0]);
	close(pipes[1]);
	close(memory);
	close(fd);
}

static void unmap_by_range_removes_and_trims(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(16 * 4096);

	assert_int_equal(map(world, fd, 0x10000, 0x4000, memory, 0), 0);
	assert_int_equal(map(world, fd, 0x14000, 0x1000, memory, 0x4000), 0);
	assert_int_equal(map(world, fd, 0x15000, 0x1000, -1, 0), 0);
	assert_int_equal(map(world, fd, 0x18000, 0x4000, memory, 0x8000), 0);

	/* The end of the first, all of the next two, the beginning of the last */
	assert_int_equal(unmap(world, fd, 0x12000, 0x7000), 0);
	assert_true(sees(world, 0x11000, 0x10000, 0x12000, 1 << 16));
	assert_true(sees_nothing(world, 0x12000));
	assert_true(sees_nothing(world, 0x14000));
	assert_true(sees_nothing(world, 0x18fff));
	assert_true(sees(world, 0x19000, 0x19000, 0x1c000, 9 << 16));
	assert_true(sees(world, 0x1b000, 0x19000, 0x1c000, 11 << 16));

	/* A hole in the middle */
	assert_int_equal(unmap(world, fd, 0x1a000, 0x1000), 0);
	assert_true(sees(world, 0x19000, 0x19000, 0x1a000, 9 << 16));
	assert_true(sees_nothing(world, 0x1a000));
	assert_true(sees(world, 0x1b000, 0x1b000, 0x1c000, 11 << 16));
	assert_int_equal(map(world, fd, 0x1a000, 0x1000, memory, 0),
			 0); /* the hole is free again */

	/* Nothing there: fine. The answer is the request. */
	assert_int_equal(unmap(world, fd, 0x80000000, 0x80000000), 0);
	assert_int_equal(answer.size, 24);
	assert_int_equal(unmap(world, fd, 0x10000, 0), EINVAL);
	assert_int_equal(unmap(world, fd, 0x10000, 100), EINVAL);
	assert_int_equal(unmap(world, fd, -4096ULL, 0x2000), EINVAL);

	/* All below 2 GiB, as QEMU does when a guest's driver goes */
	assert_int_equal(unmap(world, fd, 0, 0x80000000), 0);
	for (uint64_t iova = 0x10000; iova < 0x1c000; iova += 4096)
		assert_true(sees_nothing(world, iova));
	close(memory);
	close(fd);
}

static void unmap_all_forgets_everything(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(4096);

	assert_int_equal(map(world, fd, 0, 4096, memory, 0), 0);
	assert_int_equal(map(world, fd, 1ULL << 40, 4096, memory, 0), 0);
	assert_int_equal(unmap_all(world, fd), 0);
	assert_true(sees_nothing(world, 0));
	assert_true(sees_nothing(world, 1ULL << 40));
	close(memory);
	close(fd);
}

static void mappings_are_found_in_any_order(void **state)
{
	enum { COUNT = 500 };
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(64 * 4096);

	for (uint32_t i = 0; i < COUNT; i++) {
		uint64_t page = i * 7 % COUNT; /* each once */

		assert_int_equal(map(world, fd, page * 0x2000, 0x1000, memory, page % 64 * 0x1000),
				 0);
	}
	for (uint64_t page = 0; page < COUNT; page++) {
		uint64_t iova = page * 0x2000;

		assert_true(sees(world, iova, iova, iova + 0x1000, (page % 64) << 16));
		assert_true(sees_nothing(world, iova + 0x1000));
	}
	close(memory);
	close(fd);
}

static void mappings_are_limited(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(4096);

	for (uint64_t i = 0; i < 32768; i++)
		assert_int_equal(map(world, fd, i * 8192, 8192, -1, 0), 0);
	assert_int_equal(map(world, fd, 1ULL << 40, 4096, memory, 0), ENOSPC);
	assert_int_equal(unmap(world, fd, 0, 4096), 0);
	assert_int_equal(map(world, fd, 1ULL << 40, 4096, memory, 0), ENOSPC);
	assert_int_equal(unmap(world, fd, 4096, 4096), 0);
	assert_int_equal(map(world, fd, 1ULL << 40, 4096, memory, 0), 0);
	close(memory);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(mapped_memory_is_shared_with_the_card),
		TEST(memory_without_file_cannot_be_reached),
		TEST(bad_mappings_are_refused),
		TEST(unmap_by_range_removes_and_trims),
		TEST(unmap_all_forgets_everything),
		TEST(mappings_are_found_in_any_order),
		TEST(mappings_are_limited),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
