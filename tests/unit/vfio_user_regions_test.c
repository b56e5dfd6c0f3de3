/* SPDX-License-Identifier: BSD-2-Clause */
/* What a vfio-user server says of its regions: areas that can be mapped, and lies. */
#include "bad_server.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include <sys/mman.h>

#include "../open_files.h"

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

static void bad_areas(struct message *reply, int file)
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
		{ bad_areas, 0, 2 },
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
		bad_server_stop(state);
		bad_server_start(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bad_server_test(areas_are_memory_and_the_rest_is_not),
		bad_server_test(what_the_server_says_of_its_region_is_checked),
	};

	alarm(300); /* after a failure, the server may wait for a device that is never closed */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
