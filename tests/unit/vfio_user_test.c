/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server with a client that means well: negotiation, device and regions, registers.
 */
#include "vfio_user_client.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>
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
	/* The terminating NUL is part of the message, not what an earlier one has left behind. */
	int fd = client_connect(world);

	assert_int_equal(negotiate(world, fd, 0, 1, "{}  "), 0);
	close(fd);
	fd = client_connect(world);
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

/* The kernel's structure has become longer; clients that bring it wait for an answer as long. */
static void device_info_is_as_long_as_the_client_has_it(void **state)
{
	static const struct {
		uint32_t argsz, sent, received;
	} cases[] = {
		{ 16, 16, 16 },	    /* the protocol's structure */
		{ 24, 16, 16 },	    /* QEMU */
		{ 32, 16, 16 },	    /* cloud-hypervisor: argsz counts the header, too */
		{ 36, 20, 20 },	    /* the same, with the offset of capabilities */
		{ 24, 24, 24 },	    /* the kernel's structure of today */
		{ 16, 24, 16 },	    /* more than it takes */
		{ 1000, 1000, 24 }, /* one of the future */
	};
	struct world *world = *state;
	int fd = client_open(world);

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		uint32_t info[250] = { cases[i].argsz, 7, 7, 7, 7, 7 };

		assert_int_equal(call(world, fd, GET_INFO, info, cases[i].sent, NULL, 0), 0);
		assert_int_equal(answer.size, cases[i].received);
		memcpy(info, answer.data, answer.size);
		assert_int_equal(info[0], cases[i].received);
		assert_int_equal(info[1], 3);
		assert_int_equal(info[3], 5);
		assert_int_equal(info[4], answer.size > 16 ? 0 : 7);
	}
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

	/*
	 * First without room for the areas: the answer says how much it takes, and hands out
	 * nothing.
	 */
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

	/*
	 * What the client writes there is what the card reads, and the client cannot take it away.
	 */
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

static uint8_t *map_doorbells(struct world *world, int fd)
{
	region_info(world, fd, 0, sizeof(struct region));
	assert_int_equal(answer.fd_count, 1);
	uint8_t *doorbells =
		mmap(NULL, 0x20000, PROT_READ | PROT_WRITE, MAP_SHARED, answer.fds[0], 0);

	assert_ptr_not_equal(doorbells, MAP_FAILED);
	close(answer.fds[0]);
	return doorbells;
}

static uint32_t load(const uint8_t *at)
{
	return *(const volatile uint32_t *)at;
}

static void store(uint8_t *at, uint32_t value)
{
	*(volatile uint32_t *)at = value;
}

static void pages_of_an_earlier_client_reach_nothing(void **state)
{
	static const uint32_t tails[] = { 0x1018, 0x6018, 0x7FD8, 0xD018 };
	struct world *world = *state;

	if (sysconf(_SC_PAGESIZE) != 4096)
		skip();

	int fd = client_open(world);
	uint8_t *earlier = map_doorbells(world, fd);
	int files = open_files();

	for (uint32_t i = 0; i < 4; i++)
		store(earlier + tails[i], 0x111);
	close(fd);
	serve(world);
	store(earlier + tails[0], 0x222); /* while there is no client */
	fd = client_open(world);
	uint8_t *doorbells = map_doorbells(world, fd);

	for (uint32_t i = 0; i < 4; i++) {
		assert_int_equal(load(doorbells + tails[i]), 0);
		assert_int_equal(read_register(world, fd, tails[i], 4), 0);
		store(earlier + tails[i], 0x333);
		assert_int_equal(load(doorbells + tails[i]), 0);
		assert_int_equal(read_register(world, fd, tails[i], 4), 0);
		store(doorbells + tails[i], 0x444);
		assert_int_equal(read_register(world, fd, tails[i], 4), 0x444);
		assert_int_equal(load(earlier + tails[i]), 0x333);
	}
	assert_int_equal(load(doorbells + 0x600C), 0x2A00); /* DCA_TXCTRL(0), as after reset */
	assert_int_equal(open_files(), files);
	munmap(earlier, 0x20000);
	munmap(doorbells, 0x20000);
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

	assert_int_equal(write_register(world, fd, VFTA(0), 0x44332211, 4), 0);
	assert_int_equal(write_register(world, fd, VFTA(0) + 4, 0x88776655, 4), 0);
	assert_int_equal(read_register(world, fd, VFTA(0), 4), 0x44332211);
	assert_int_equal(read_register(world, fd, VFTA(0), 8), 0x8877665544332211);
	assert_int_equal(read_register(world, fd, VFTA(0) + 1, 1), 0x22);
	assert_int_equal(read_register(world, fd, VFTA(0) + 6, 2), 0x8877);
	assert_int_equal(write_register(world, fd, VFTA(0) + 8, 0xAABBCCDD99887766, 8), 0);
	assert_int_equal(read_register(world, fd, VFTA(0) + 8, 4), 0x99887766);
	assert_int_equal(read_register(world, fd, VFTA(0) + 12, 4), 0xAABBCCDD);
	close(fd);
}

static void long_access_is_split_into_aligned_pieces(void **state)
{
	struct world *world = *state;
	uint32_t words[16];
	int fd = client_open(world);

	for (uint32_t i = 0; i < 16; i++)
		words[i] = 0x01010101 * i;
	assert_int_equal(write_region(world, fd, 0, VFTA(0) + 4, words, sizeof(words)), 0);
	assert_int_equal(read_region(world, fd, 0, VFTA(0) + 4, sizeof(words)), 0);
	assert_memory_equal(answer.data + 16, words, sizeof(words));
	assert_int_equal(read_register(world, fd, VFTA(0) + 4 + 60, 4), words[15]);
	assert_int_equal(read_region(world, fd, 0, VFTA(0) + 7, 6), 0); /* 1 + 4 + 1 */
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
	} write = { VFTA(0), 0, 4, 0 };

	for (write.value = 1; write.value <= 100; write.value++)
		send_message(fd, REGION_WRITE, NO_REPLY, &write, 20, NULL, 0);
	write.region = 1; /* an error is not replied to either */
	send_message(fd, REGION_WRITE, NO_REPLY, &write, 20, NULL, 0);
	assert_int_equal(read_register(world, fd, VFTA(0), 4), 100);
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
	} writes = { 3,
		     { { VFTA(0), 0, 4, 7 }, { VFTA(0) + 4, 0, 4, 8 }, { VFTA(0) + 8, 0, 9, 9 } } };
	uint64_t done;
	int fd = client_open(world);

	/* The third is too long. */
	assert_int_equal(call(world, fd, WRITE_MULTI, &writes, sizeof(writes), NULL, 0), 0);
	assert_int_equal(answer.size, 8);
	memcpy(&done, answer.data, 8);
	assert_int_equal(done, 2);
	assert_int_equal(read_register(world, fd, VFTA(0), 4), 7);
	assert_int_equal(read_register(world, fd, VFTA(0) + 4, 4), 8);
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
		TEST(device_info_is_as_long_as_the_client_has_it),
		TEST(regions_have_the_sizes_of_the_card),
		TEST(pages_with_queue_registers_can_be_mapped),
		TEST(pages_of_an_earlier_client_reach_nothing),
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
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
