/* SPDX-License-Identifier: BSD-2-Clause */
/* The vfio-user server with a client that means well: negotiation, device and regions, registers, memory, interrupts. */
#include "vfio_user_client.h"

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Negotiation ---- */

static void answer_names_only_what_the_client_named(void **state)
{
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(
		negotiate(
			world, fd, 0, 7,
			" { \"capabilities\" : {\"max_msg_fds\":8, \"migration\":{\"pgsize\":4096},"
			"\"twin_socket\": {\"supported\" : true, \"x\": [1, -2.5e3, null, "
			"\"\\u00e4\\n\"]}}}"),
		0);
	assert_memory_equal(answer.data, "\0\0\1\0", 4); /* 0.1, although 0.7 was proposed */
	assert_string_equal((char *)answer.data + 4, "{\"capabilities\":{\"max_msg_fds\":16}}");
	assert_true(vfu_connected(world->server));
	close(fd);
}

static void what_qemu_proposes_is_answered_in_less_room(void **state)
{
	static const char proposal[] =
		"{\"capabilities\": {\"migration\": {\"pgsize\": 4096, \"max_bitmap_size\": "
		"268435456}, "
		"\"max_msg_fds\": 16, \"max_data_xfer_size\": 1048576, \"pgsizes\": 4096, "
		"\"max_dma_maps\": 65535, \"write_multiple\": true}}";
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(negotiate(world, fd, 0, 0, proposal), 0);
	assert_memory_equal(answer.data, "\0\0\0\0", 4);
	assert_string_equal((char *)answer.data + 4,
			    "{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576,"
			    "\"max_dma_maps\":32768,\"pgsizes\":4096,\"write_multiple\":true}}");
	assert_true(answer.size <= 4 + sizeof(proposal));
	close(fd);
}

static void capabilities_are_optional(void **state)
{
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(negotiate(world, fd, 0, 1, NULL), 0);
	assert_int_equal(answer.size, 4);
	close(fd);
}

static void another_major_version_is_refused(void **state)
{
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(negotiate(world, fd, 1, 0, "{}"), EINVAL);
	assert_true(client_hung_up(world, fd));
	close(fd);
}

static void json_that_is_none_is_refused(void **state)
{
	static const char *const bad[] = {
		"",
		"{",
		"}",
		"[]",
		"{}{}",
		"{\"capabilities\":}",
		"{\"capabilities\":7}",
		"{\"capabilities\":{\"max_msg_fds\":\"many\"}}",
		"{\"capabilities\":{\"max_msg_fds\":-1}}",
		"{\"capabilities\":{\"max_msg_fds\":1.5}}",
		"{\"capabilities\":{\"max_msg_fds\":99999999999999999999}}",
		"{\"capabilities\":{\"max_msg_fds\":012}}",
		"{\"capabilities\":{\"write_multiple\":1}}",
		"{\"capabilities\":{\"pgsizes\":{}}}",
		"{\"a\":\"\\",
		"{\"a\":\"\\x\"}",
		"{\"a\":\"\\u12\"}",
		"{\"a\":\"\t\"}",
		"{\"a\":1,}",
		"{\"a\":[1 2]}",
		"{\"a\":tru}",
		"{a:1}",
		"{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{\"a\":{"
		"\"a\":{\"a\":{\"a\":{\"a\":"
		"{\"a\":{\"a\":1}}}}}}}}}}}}}}}}}",
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = client_connect(world);

		if (negotiate(world, fd, 0, 1, bad[i]) != EINVAL)
			fail_msg("accepted: %s", bad[i]);
		assert_true(client_hung_up(world, fd));
		close(fd);
	}
	/* The terminating NUL is part of the message. */
	int fd = client_connect(world);

	assert_int_equal(call(world, fd, VERSION, "\0\0\0\0{}", 6, NULL, 0), EINVAL);
	close(fd);
}

/* ---- The device ---- */

static void device_is_a_pci_function_that_can_be_reset(void **state)
{
	struct world *world = *state;
	uint32_t info[4] = { sizeof(info) };
	int fd = client_open(world);

	assert_int_equal(call(world, fd, GET_INFO, info, sizeof(info), NULL, 0), 0);
	memcpy(info, answer.data, sizeof(info));
	assert_int_equal(info[1], 3);
	assert_int_equal(info[2], 9);
	assert_int_equal(info[3], 5);
	info[0] = 8; /* no room for the answer */
	assert_int_equal(call(world, fd, GET_INFO, info, sizeof(info), NULL, 0), EINVAL);
	close(fd);
}

struct region {
	uint32_t argsz, flags, index, cap_offset;
	uint64_t size, offset;
	uint16_t id, version;
	uint32_t next, areas, reserved;
	uint64_t area[3][2];
};

static struct region region_info(struct world *world, int fd, uint32_t index, uint32_t argsz)
{
	struct region region = { .argsz = argsz, .index = index };

	assert_int_equal(call(world, fd, REGION_INFO, &region, 32, NULL, 0), 0);
	assert_true(answer.size <= argsz && answer.size <= sizeof(region));
	memset(&region, 0, sizeof(region));
	memcpy(&region, answer.data, answer.size);
	assert_int_equal(region.index, index);
	return region;
}

static void regions_have_the_sizes_of_the_card(void **state)
{
	static const uint64_t sizes[9] = { 0x20000, 0, 0x20, 0, 0x4000, 0, 0, 0x1000, 0 };
	struct world *world = *state;
	int fd = client_open(world);

	for (uint32_t i = 1; i < 9; i++) {
		struct region region = region_info(world, fd, i, 32);

		assert_int_equal(region.size, sizes[i]);
		assert_int_equal(region.flags, sizes[i] ? 3 : 0);
		assert_int_equal(region.argsz, 32);
		assert_int_equal(answer.fd_count, 0);
	}
	struct region none = { .argsz = 32, .index = 9 };

	assert_int_equal(call(world, fd, REGION_INFO, &none, 32, NULL, 0), EINVAL);
	close(fd);
}

static void pages_with_queue_registers_can_be_mapped(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	if (sysconf(_SC_PAGESIZE) != 4096)
		skip(); /* the registers beside them are within the same page */

	/* First without room for the areas: the answer says how much it takes, and hands out nothing. */
	struct region region = region_info(world, fd, 0, 32);

	assert_int_equal(region.size, 0x20000);
	assert_int_equal(region.flags, 3);
	assert_int_equal(answer.fd_count, 0);
	assert_int_equal(region.argsz, sizeof(region));

	region = region_info(world, fd, 0, region.argsz);
	assert_int_equal(answer.fd_count, 1);
	assert_int_equal(region.flags, 0xf);
	assert_int_equal(region.cap_offset, 32);
	assert_int_equal(region.id, 1);
	assert_int_equal(region.version, 1);
	assert_int_equal(region.next, 0);
	assert_int_equal(region.areas, 3);
	static const uint64_t areas[3][2] = { { 0x1000, 0x1000 },
					      { 0x6000, 0x2000 },
					      { 0xD000, 0x1000 } };

	assert_memory_equal(region.area, areas, sizeof(areas));

	/* What the client writes there is what the card reads, and the client cannot take it away. */
	volatile uint32_t *tail = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED,
				       answer.fds[0], region.offset + 0x1000);

	assert_ptr_not_equal(tail, MAP_FAILED);
	tail[0] = 0x12345680; /* RDBAL(0) */
	assert_int_equal(read_register(world, fd, 0x1000, 4), 0x12345680);
	assert_int_not_equal(ftruncate(answer.fds[0], 0), 0);
	munmap((void *)tail, 4096);
	close(answer.fds[0]);
	close(fd);
}

static void client_without_room_for_files_is_given_none(void **state)
{
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(negotiate(world, fd, 0, 1, "{\"capabilities\":{\"max_msg_fds\":0}}"), 0);
	assert_int_equal(region_info(world, fd, 0, sizeof(struct region)).flags, 3);
	assert_int_equal(answer.fd_count, 0);
	close(fd);
}

static void trapping_server_offers_no_page(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	struct region region = region_info(world, fd, 0, sizeof(region));

	assert_int_equal(region.flags, 3);
	assert_int_equal(region.argsz, 32);
	assert_int_equal(answer.fd_count, 0);
	close(fd);
}

static void there_are_no_io_fds(void **state)
{
	struct world *world = *state;
	uint32_t info[4] = { 1024, 0, 0, 0 };
	int fd = client_open(world);

	assert_int_equal(call(world, fd, REGION_IO_FDS, info, sizeof(info), NULL, 0), 0);
	memcpy(info, answer.data, sizeof(info));
	assert_int_equal(info[3], 0);
	info[2] = 1; /* a region that does not exist */
	assert_int_equal(call(world, fd, REGION_IO_FDS, info, sizeof(info), NULL, 0), EINVAL);
	close(fd);
}

static void unknown_commands_are_not_supported(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	assert_int_equal(call(world, fd, DEVICE_FEATURE, "12345678", 8, NULL, 0), ENOTSUP);
	assert_int_equal(call(world, fd, 999, NULL, 0, NULL, 0), ENOTSUP);
	assert_int_equal(negotiate(world, fd, 0, 1, NULL), EINVAL); /* again */
	close(fd);
}

/* ---- Registers ---- */

static void registers_are_read_in_every_width(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	assert_int_equal(write_register(world, fd, VFTA, 0x44332211, 4), 0);
	assert_int_equal(write_register(world, fd, VFTA + 4, 0x88776655, 4), 0);
	assert_int_equal(read_register(world, fd, VFTA, 4), 0x44332211);
	assert_int_equal(read_register(world, fd, VFTA, 8), 0x8877665544332211);
	assert_int_equal(read_register(world, fd, VFTA + 1, 1), 0x22);
	assert_int_equal(read_register(world, fd, VFTA + 6, 2), 0x8877);
	assert_int_equal(write_register(world, fd, VFTA + 8, 0xAABBCCDD99887766, 8), 0);
	assert_int_equal(read_register(world, fd, VFTA + 8, 4), 0x99887766);
	assert_int_equal(read_register(world, fd, VFTA + 12, 4), 0xAABBCCDD);
	close(fd);
}

static void long_access_is_split_into_aligned_pieces(void **state)
{
	struct world *world = *state;
	uint32_t words[16];
	int fd = client_open(world);

	for (uint32_t i = 0; i < 16; i++)
		words[i] = 0x01010101 * i;
	assert_int_equal(write_region(world, fd, 0, VFTA + 4, words, sizeof(words)), 0);
	assert_int_equal(read_region(world, fd, 0, VFTA + 4, sizeof(words)), 0);
	assert_memory_equal(answer.data + 16, words, sizeof(words));
	assert_int_equal(read_register(world, fd, VFTA + 4 + 60, 4), words[15]);
	assert_int_equal(read_region(world, fd, 0, VFTA + 7, 6), 0); /* 1 + 4 + 1 */
	assert_memory_equal(answer.data + 16, (uint8_t *)words + 3, 6);
	assert_int_equal(read_region(world, fd, 0, 0, 0x20000), 0); /* all there is */
	assert_int_equal(answer.size, 16 + 0x20000);
	close(fd);
}

static void access_outside_of_a_region_is_refused(void **state)
{
	static const uint64_t bad[][3] = {
		{ 0, 0x20000, 4 },   { 0, 0x1fffe, 4 },	   { 0, UINT64_MAX - 3, 4 },
		{ 0, 0, 0x20001 },   { 0, 0, 0x200000 },   { 1, 0, 4 },
		{ 9, 0, 4 },	     { UINT32_MAX, 0, 4 }, { 2, 0x20, 1 },
		{ CONFIG, 4096, 1 },
	};
	struct world *world = *state;
	int fd = client_open(world);

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t zeros[16] = { 0 };

		assert_int_equal(read_region(world, fd, bad[i][0], bad[i][1], bad[i][2]), EINVAL);
		if (bad[i][2] <= sizeof(zeros))
			assert_int_equal(
				write_region(world, fd, bad[i][0], bad[i][1], zeros, bad[i][2]),
				EINVAL);
	}
	/* More or less data than announced */
	uint8_t write[24] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4 };

	assert_int_equal(call(world, fd, REGION_WRITE, write, 24, NULL, 0), EINVAL);
	assert_int_equal(call(world, fd, REGION_WRITE, write, 18, NULL, 0), EINVAL);
	assert_int_equal(call(world, fd, REGION_WRITE, write, 10, NULL, 0), EINVAL);
	close(fd);
}

static void config_space_says_82599(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	assert_int_equal(read_region(world, fd, CONFIG, 0, 4), 0);
	assert_memory_equal(answer.data + 16, "\x86\x80\xfb\x10", 4);
	assert_int_equal(write_region(world, fd, CONFIG, 4, "\6\0", 2),
			 0); /* bus mastering, memory */
	assert_int_equal(read_region(world, fd, CONFIG, 4, 2), 0);
	assert_memory_equal(answer.data + 16, "\6\0", 2);
	assert_int_equal(read_region(world, fd, CONFIG, 0, 4096), 0);
	close(fd);
}

static void write_without_reply_is_done_before_the_next_command(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	struct {
		uint64_t offset;
		uint32_t region, count, value;
	} write = { VFTA, 0, 4, 0 };

	for (write.value = 1; write.value <= 100; write.value++)
		send_message(fd, REGION_WRITE, NO_REPLY, &write, 20, NULL, 0);
	write.region = 1; /* an error is not replied to either */
	send_message(fd, REGION_WRITE, NO_REPLY, &write, 20, NULL, 0);
	assert_int_equal(read_register(world, fd, VFTA, 4), 100);
	close(fd);
}

static void many_writes_fit_into_one_message(void **state)
{
	struct world *world = *state;
	struct {
		uint64_t count;
		struct {
			uint64_t offset;
			uint32_t region, count;
			uint64_t value;
		} one[3];
	} writes = { 3, { { VFTA, 0, 4, 7 }, { VFTA + 4, 0, 4, 8 }, { VFTA + 8, 0, 9, 9 } } };
	uint64_t done;
	int fd = client_open(world);

	/* The third is too long. */
	assert_int_equal(call(world, fd, WRITE_MULTI, &writes, sizeof(writes), NULL, 0), 0);
	assert_int_equal(answer.size, 8);
	memcpy(&done, answer.data, 8);
	assert_int_equal(done, 2);
	assert_int_equal(read_register(world, fd, VFTA, 4), 7);
	assert_int_equal(read_register(world, fd, VFTA + 4, 4), 8);
	writes.count = UINT64_MAX / 24 + 4;
	assert_int_equal(call(world, fd, WRITE_MULTI, &writes, sizeof(writes), NULL, 0), EINVAL);
	close(fd);

	fd = client_connect(world);
	assert_int_equal(negotiate(world, fd, 0, 1, NULL), 0);
	assert_int_equal(call(world, fd, WRITE_MULTI, &writes, sizeof(writes), NULL, 0), ENOTSUP);
	close(fd);
}

static void reset_command_resets_the_card(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), 0);
	assert_int_equal(read_register(world, fd, FCTRL, 4), 0x700);
	assert_int_equal(call(world, fd, RESET, NULL, 0, NULL, 0), 0);
	assert_int_not_equal(read_register(world, fd, FCTRL, 4), 0x700);
	close(fd);
}

/* ---- The client's memory ---- */

/* Is there a window at @iova, does it begin and end there, and does its first word of that page hold @word? */
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

/* ---- Interrupts ---- */

static void interrupt_types_are_described(void **state)
{
	static const uint32_t counts[5] = { 1, 1, 64, 1, 1 };
	struct world *world = *state;
	int fd = client_open(world);
	uint32_t info[4];

	for (uint32_t i = 0; i < 6; i++) {
		uint32_t request[4] = { 16, 0, i, 0 };

		assert_int_equal(call(world, fd, IRQ_INFO, request, 16, NULL, 0),
				 i < 5 ? 0 : EINVAL);
		if (i == 5)
			break;
		memcpy(info, answer.data, sizeof(info));
		assert_int_equal(info[2], i);
		assert_int_equal(info[3], counts[i]);
		assert_true(info[1] & 1);		      /* by eventfd */
		assert_int_equal(!!(info[1] & 4), i == INTX); /* masks itself */
	}
	close(fd);
}

static void make_events(int *fds, int count)
{
	for (int i = 0; i < count; i++)
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
}

static void close_all(const int *fds, int count)
{
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* PITFALLS of clients: start always 0, one eventfd for all. */
static void msix_vectors_are_set_with_any_start_and_count(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[4];

	make_events(events, 4);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 60, 4, events, 4), 0);
	for (uint32_t i = 0; i < 4; i++) {
		vfu_interrupt(world->server, 60 + i);
		for (uint32_t j = 0; j < 4; j++)
			assert_int_equal(signalled(events[j]), i == j);
	}
	vfu_interrupt(world->server, 0);  /* nobody asked for it */
	vfu_interrupt(world->server, 64); /* no such vector */

	/* Two of them back, the others stay */
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 61, 2, NULL, 0), 0);
	for (uint32_t i = 0; i < 4; i++) {
		vfu_interrupt(world->server, 60 + i);
		assert_int_equal(signalled(events[i]), i == 0 || i == 3);
	}
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, MSIX, 0, 0, NULL, 0), 0);
	vfu_interrupt(world->server, 60);
	assert_int_equal(signalled(events[0]), 0);
	close_all(events, 4);
	close(fd);
}

static void msi_is_used_while_msix_is_not_armed(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[2];

	make_events(events, 2);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSI, 0, 1, &events[0], 1), 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(events[0]), 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &events[1], 1), 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(events[0]), 0);
	assert_int_equal(signalled(events[1]), 1);
	close_all(events, 2);
	close(fd);
}

static void intx_stays_masked_until_it_is_unmasked(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int event;

	make_events(&event, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, INTX, 0, 1, &event, 1), 0);
	vfu_interrupt(world->server, 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(event), 1);
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(event), 1); /* the second one */
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, INTX, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(event), 0);
	close(event);
	close(fd);
}

static void masked_interrupts_are_delivered_later(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[2], masked, unmasked;
	struct {
		uint32_t set[5];
		uint8_t chosen[2];
	} some = { { 22, BOOL | MASK, MSIX, 0, 2 }, { 0, 1 } };

	make_events(events, 2);
	make_events(&masked, 1);
	make_events(&unmasked, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 2, events, 2), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | MASK, MSIX, 1, 1, &masked, 1), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | UNMASK, MSIX, 1, 1, &unmasked, 1), 0);
	assert_int_equal(call(world, fd, SET_IRQS, &some, 22, NULL, 0), 0);
	assert_int_equal(signalled(masked), 1);
	vfu_interrupt(world->server, 0);
	vfu_interrupt(world->server, 1);
	vfu_interrupt(world->server, 1);
	assert_int_equal(signalled(events[0]), 1);
	assert_int_equal(signalled(events[1]), 0);
	assert_int_equal(set_irqs(world, fd, NONE | UNMASK, MSIX, 0, 64, NULL, 0), 0);
	assert_int_equal(signalled(unmasked), 1);
	assert_int_equal(signalled(events[0]), 0);
	assert_int_equal(signalled(events[1]), 1);
	close_all(events, 2);
	close(masked);
	close(unmasked);
	close(fd);
}

static void client_can_trigger_interrupts_itself(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int events[3], error;
	struct {
		uint32_t set[5];
		uint8_t chosen[3];
	} some = { { 23, BOOL | TRIGGER, MSIX, 1, 3 }, { 1, 0, 1 } };

	make_events(events, 3);
	make_events(&error, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 1, 3, events, 3), 0);
	assert_int_equal(call(world, fd, SET_IRQS, &some, 23, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(signalled(events[i]), some.chosen[i]);
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, MSIX, 2, 1, NULL, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(signalled(events[i]), i == 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, ERR, 0, 1, &error, 1), 0);
	assert_int_equal(set_irqs(world, fd, NONE | TRIGGER, ERR, 0, 1, NULL, 0), 0);
	assert_int_equal(signalled(error), 1);
	close_all(events, 3);
	close(error);
	close(fd);
}

static void server_that_goes_asks_for_the_device_back(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int event;

	make_events(&event, 1);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, REQ, 0, 1, &event, 1), 0);
	vfu_close(world->server);
	world->server = NULL;
	assert_int_equal(signalled(event), 1);
	assert_int_equal(access(world->path, F_OK), -1); /* and removes its socket */
	close(event);
	close(fd);
}

static void senseless_interrupt_settings_are_refused(void **state)
{
	static const uint32_t bad[][4] = {
		/* flags, index, start, count */
		{ NONE | TRIGGER, 5, 0, 1 },
		{ NONE | TRIGGER, UINT32_MAX, 0, 1 },
		{ NONE | TRIGGER, MSIX, 64, 1 },
		{ NONE | TRIGGER, MSIX, 63, 2 },
		{ NONE | TRIGGER, MSIX, UINT32_MAX, 2 },
		{ NONE | TRIGGER, MSIX, 1, UINT32_MAX },
		{ NONE | TRIGGER, MSIX, 1, 0 },
		{ NONE | MASK, MSIX, 0, 0 },
		{ EVENTFD | TRIGGER, MSIX, 0, 0 },
		{ NONE | MASK, ERR, 0, 1 },
		{ NONE | UNMASK, REQ, 0, 1 },
		{ NONE, MSIX, 0, 1 },
		{ TRIGGER, MSIX, 0, 1 },
		{ NONE | BOOL | TRIGGER, MSIX, 0, 1 },
		{ NONE | MASK | UNMASK, MSIX, 0, 1 },
		{ NONE | TRIGGER | 64, MSIX, 0, 1 },
		{ BOOL | TRIGGER, MSIX, 0, 1 }, /* without the bytes */
	};
	struct world *world = *state;
	int fd = client_open(world);
	int events[2], pipes[2];

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (set_irqs(world, fd, bad[i][0], bad[i][1], bad[i][2], bad[i][3], NULL, 0) !=
		    EINVAL)
			fail_msg("accepted: number %zu", i);
	}
	make_events(events, 2);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 3, events, 2), EINVAL);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, events, 2), EINVAL);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 2, pipes, 2), EINVAL);
	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &fd, 1), EINVAL);
	close_all(events, 2);
	close_all(pipes, 2);
	close(fd);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(answer_names_only_what_the_client_named),
		TEST(what_qemu_proposes_is_answered_in_less_room),
		TEST(capabilities_are_optional),
		TEST(another_major_version_is_refused),
		TEST(json_that_is_none_is_refused),
		TEST(device_is_a_pci_function_that_can_be_reset),
		TEST(regions_have_the_sizes_of_the_card),
		TEST(pages_with_queue_registers_can_be_mapped),
		TEST(client_without_room_for_files_is_given_none),
		cmocka_unit_test_setup_teardown(trapping_server_offers_no_page,
						world_create_trapping, world_destroy),
		TEST(there_are_no_io_fds),
		TEST(unknown_commands_are_not_supported),
		TEST(registers_are_read_in_every_width),
		TEST(long_access_is_split_into_aligned_pieces),
		TEST(access_outside_of_a_region_is_refused),
		TEST(config_space_says_82599),
		TEST(write_without_reply_is_done_before_the_next_command),
		TEST(many_writes_fit_into_one_message),
		TEST(reset_command_resets_the_card),
		TEST(mapped_memory_is_shared_with_the_card),
		TEST(memory_without_file_cannot_be_reached),
		TEST(bad_mappings_are_refused),
		TEST(unmap_by_range_removes_and_trims),
		TEST(unmap_all_forgets_everything),
		TEST(mappings_are_found_in_any_order),
		TEST(mappings_are_limited),
		TEST(interrupt_types_are_described),
		TEST(msix_vectors_are_set_with_any_start_and_count),
		TEST(msi_is_used_while_msix_is_not_armed),
		TEST(intx_stays_masked_until_it_is_unmasked),
		TEST(masked_interrupts_are_delivered_later),
		TEST(client_can_trigger_interrupts_itself),
		TEST(server_that_goes_asks_for_the_device_back),
		TEST(senseless_interrupt_settings_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
