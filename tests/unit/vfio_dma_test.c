/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA memory: one address space for all devices, in ranges that all of them can translate. */
#include "fake_devices.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio_dma.h>

#define MIB ((uint64_t)1 << 20)

static struct vfio_device *devices[FAKE_DEVICES];

static int reset(void **state)
{
	(void)state;
	fake_reset();
	return 0;
}

static void open_devices(int count)
{
	char address[24];

	for (int i = 0; i < count; i++) {
		snprintf(address, sizeof(address), "fake:%d", i);
		assert_int_equal(vfio_open(&devices[i], address), 0);
	}
}

static void close_devices(int count)
{
	for (int i = 0; i < count; i++)
		vfio_close(devices[i]);
}

static struct dma_memory allocate(size_t size)
{
	struct dma_memory mem;

	assert_int_equal(vfio_dma_alloc(&mem, size), 0);
	assert_true(mem.size >= size);
	return mem;
}

static void every_device_sees_all_memory_at_the_same_address(void **state)
{
	(void)state;
	open_devices(3);
	struct dma_memory a = allocate(4096), b = allocate(3 * MIB);
	for (int i = 0; i < 3; i++) {
		assert_true(fake_sees(i, &a));
		assert_true(fake_sees(i, &b));
		assert_int_equal(fakes[i].map_count, 2);
	}
	struct dma_memory gone = a;
	vfio_dma_free(&a);
	assert_null(a.virt);
	vfio_dma_free(&a); /* nothing left to free */
	for (int i = 0; i < 3; i++) {
		assert_false(fake_sees(i, &gone));
		assert_true(fake_sees(i, &b));
	}
	vfio_dma_free(&b);
	close_devices(3);
}

static void a_device_opened_later_sees_what_exists(void **state)
{
	(void)state;
	struct dma_memory before = allocate(4096);
	open_devices(2);
	assert_true(fake_sees(0, &before));
	assert_true(fake_sees(1, &before));
	vfio_dma_free(&before);
	assert_int_equal(fakes[0].map_count + fakes[1].map_count, 0);
	close_devices(2);
}

static void memory_outlives_its_devices(void **state)
{
	(void)state;
	open_devices(1);
	struct dma_memory mem = allocate(4096);
	close_devices(1);
	memset(mem.virt, 1, mem.size);
	open_devices(1);
	assert_true(fake_sees(0, &mem));
	close_devices(1);
	vfio_dma_free(&mem);
}

static void devices_in_one_space_share_its_maps(void **state)
{
	(void)state;
	fakes[1].shares = 0;
	struct dma_memory before = allocate(4096);
	open_devices(2);
	struct dma_memory after = allocate(4096);
	assert_int_equal(fakes[0].map_count, 2); /* not mapped twice */
	vfio_close(devices[0]);
	assert_int_equal(fakes[0].map_count, 2); /* the other device is still there */
	vfio_dma_free(&before);
	assert_int_equal(fakes[0].map_count, 1);
	vfio_close(devices[1]);
	assert_int_equal(fakes[0].map_count, 0);
	vfio_dma_free(&after);
}

static void bus_mastering_is_off_before_memory_is_mapped(void **state)
{
	(void)state;
	struct dma_memory mem = allocate(4096);
	fakes[0].config[PCI_COMMAND] = PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY;
	open_devices(1);
	assert_false(fakes[0].master_seen);
	assert_int_equal(fakes[0].config[PCI_COMMAND], PCI_COMMAND_MEMORY);

	assert_int_equal(vfio_set_bus_master(devices[0], true), 0);
	assert_int_equal(fakes[0].config[PCI_COMMAND], PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY);
	close_devices(1); /* leaves a silent card */
	assert_int_equal(fakes[0].config[PCI_COMMAND], PCI_COMMAND_MEMORY);
	assert_int_equal(fakes[0].resets, 1);
	vfio_dma_free(&mem);
}

static void memory_is_zeroed_and_belongs_to_a_file_of_fixed_size(void **state)
{
	(void)state;
	struct dma_memory mem = allocate(10000);
	const uint8_t *bytes = mem.virt;
	assert_int_equal(mem.size % sysconf(_SC_PAGESIZE), 0);
	for (size_t i = 0; i < mem.size; i++)
		assert_int_equal(bytes[i], 0);

	/* A vfio-user server gets the file, and must not be able to take the memory away. */
	int tried = 0;
	for (int fd = 3; fd < 64; fd++) {
		struct stat file;
		if (!fstat(fd, &file) && S_ISREG(file.st_mode) &&
		    (size_t)file.st_size == mem.size) {
			assert_int_equal(ftruncate(fd, 0), -1);
			/* Pitfall VFIO 7: it has no name that a killed process could leave behind. */
			assert_int_equal(file.st_nlink, 0);
			tried++;
		}
	}
	assert_int_equal(tried, 1);
	vfio_dma_free(&mem);
}

/* Addresses are whatever the devices can do, never taken over from virtual addresses. */
static void pitfall_vfio_4_addresses_fit_39_bits(void **state)
{
	(void)state;
	open_devices(1); /* tells nothing */
	struct dma_memory mems[32];
	for (int i = 0; i < 32; i++) {
		mems[i] = allocate(5 * MIB);
		assert_true(mems[i].iova > 0);
		assert_true((mems[i].iova + mems[i].size - 1) >> 39 == 0);
		assert_int_equal(mems[i].iova % (2 * MIB), 0); /* large pages of the IOMMU */
		for (int j = 0; j < i; j++)
			assert_true(mems[i].iova + mems[i].size <= mems[j].iova ||
				    mems[j].iova + mems[j].size <= mems[i].iova);
	}
	for (int i = 0; i < 32; i++)
		vfio_dma_free(&mems[i]);
	close_devices(1);
}

static void addresses_are_within_the_ranges_of_all_devices(void **state)
{
	(void)state;
	/* Device 0 has a window for interrupts at 16 to 24 MiB, device 1 starts at 12 MiB. */
	fakes[0].range_count = 2;
	fakes[0].ranges[0] = (struct vfio_iova_range){ 0, 16 * MIB - 1 };
	fakes[0].ranges[1] = (struct vfio_iova_range){ 24 * MIB, 64 * MIB - 1 };
	fakes[1].range_count = 1;
	fakes[1].ranges[0] = (struct vfio_iova_range){ 12 * MIB, UINT64_MAX };
	open_devices(2);

	struct dma_memory small = allocate(4 * MIB), large = allocate(4 * MIB + 1);
	assert_int_equal(small.iova, 12 * MIB);
	assert_int_equal(large.iova, 24 * MIB); /* not across the window */
	struct dma_memory rest = allocate(34 * MIB);
	assert_int_equal(rest.iova, 30 * MIB);

	struct dma_memory none;
	assert_int_equal(vfio_dma_alloc(&none, 2 * MIB), -ENOSPC);
	vfio_dma_free(&small);
	none = allocate(2 * MIB); /* addresses are used again */
	assert_int_equal(none.iova, 12 * MIB);

	vfio_dma_free(&none);
	vfio_dma_free(&large);
	vfio_dma_free(&rest);
	close_devices(2);
}

static void the_interrupt_window_of_x86_is_avoided_if_nothing_is_known(void **state)
{
	struct dma_memory mem = { .size = 5 * (1024 * MIB) };

	(void)state;
	open_devices(1);
	mem.virt =
		mmap(NULL, mem.size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_ptr_not_equal(mem.virt, MAP_FAILED);
	assert_int_equal(vfio_dma_map(&mem, -1, 0), 0);
	assert_true(mem.iova >= 0xfef00000 || mem.iova + mem.size <= 0xfee00000);
	/* Pitfall VFIO 3: sizes of more than 32 bits arrive whole. */
	assert_int_equal(fakes[0].maps[0].size, 5 * (1024 * MIB));
	assert_int_equal(vfio_dma_unmap(&mem), 0);
	munmap(mem.virt, mem.size);
	close_devices(1);
}

static void a_device_that_cannot_reach_the_memory_is_refused(void **state)
{
	struct vfio_device *dev;

	(void)state;
	open_devices(1);
	struct dma_memory mem = allocate(4096);
	fakes[1].range_count = 1;
	fakes[1].ranges[0] = (struct vfio_iova_range){ 1024 * MIB, UINT64_MAX };
	assert_int_equal(vfio_open(&dev, "fake:1"), -ENOSPC);
	assert_non_null(strstr(last_message, "fake:1"));
	assert_int_equal(fakes[1].map_count, 0);
	assert_int_equal(fakes[1].closed, 1);

	/* Nothing of it stays behind. */
	struct dma_memory more = allocate(4096);
	assert_int_equal(fakes[1].map_count, 0);
	assert_int_equal(fakes[0].map_count, 2);
	vfio_dma_free(&mem);
	vfio_dma_free(&more);
	close_devices(1);
}

/* Pitfall VFIO 3: results of MAP_DMA count. */
static void pitfall_vfio_3_a_map_that_fails_is_undone_everywhere(void **state)
{
	struct dma_memory mem;

	(void)state;
	open_devices(4);
	fakes[1].fail_map = 0; /* neither the first nor the last that is asked */
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -ENOMEM);
	for (int i = 0; i < 4; i++)
		assert_int_equal(fakes[i].map_count, 0);
	mem = allocate(4096);
	for (int i = 0; i < 4; i++)
		assert_true(fake_sees(i, &mem));
	vfio_dma_free(&mem);
	close_devices(4);
}

static void a_late_device_that_fails_to_map_is_closed(void **state)
{
	struct vfio_device *dev;
	struct dma_memory a = allocate(4096), b = allocate(4096);

	(void)state;
	fakes[0].fail_map = 1;
	assert_int_equal(vfio_open(&dev, "fake:0"), -ENOMEM);
	assert_int_equal(fakes[0].closed, 1);
	assert_int_equal(fakes[0].map_count, 0);
	vfio_dma_free(&a);
	vfio_dma_free(&b);
}

/* The device may still write there: address and memory are lost rather than given to others. */
static void pitfall_vfio_2_memory_that_stays_mapped_is_not_used_again(void **state)
{
	(void)state;
	open_devices(2);
	struct dma_memory mem = allocate(4096), lost = mem;
	fakes[1].fail_unmap = -EIO;
	vfio_dma_free(&mem);
	assert_null(mem.virt);
	fakes[1].fail_unmap = 0;

	memset(lost.virt, 1, lost.size); /* still there */
	struct dma_memory other = allocate(4096);
	assert_true(other.iova != lost.iova);
	assert_ptr_not_equal(other.virt, lost.virt);
	vfio_dma_free(&other);

	/* The test has no other way to release it: a device that missed the unmap gets another. */
	fakes[0].maps[fakes[0].map_count++] = lost;
	vfio_dma_free(&lost);
	close_devices(2);
}

static void impossible_sizes_are_refused(void **state)
{
	struct dma_memory mem = { 0 };

	(void)state;
	assert_true(vfio_dma_alloc(&mem, 0) < 0);
	assert_true(vfio_dma_alloc(&mem, SIZE_MAX) < 0);
	assert_true(vfio_dma_alloc(&mem, SIZE_MAX / 2) < 0);
	assert_true(vfio_dma_alloc(&mem, (size_t)1 << 46) < 0);
}

static void memory_of_the_caller_can_be_mapped(void **state)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	int fd = memfd_create("memory", MFD_CLOEXEC);

	(void)state;
	open_devices(2);
	assert_int_equal(ftruncate(fd, 4 * page), 0);
	uint8_t *virt = mmap(NULL, 4 * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	struct dma_memory mem = { .virt = virt + page, .size = 2 * page };
	assert_int_equal(vfio_dma_map(&mem, fd, page), 0);
	close(fd); /* the library has its own */
	assert_true(fake_sees(0, &mem));
	assert_true(fake_sees(1, &mem));

	struct dma_memory overlap = { .virt = virt, .size = 2 * page };
	assert_int_equal(vfio_dma_map(&overlap, -1, 0), -EEXIST);
	assert_int_equal(vfio_dma_unmap(&overlap), -ENOENT);
	assert_int_equal(vfio_dma_unmap(&mem), 0);
	assert_int_equal(fakes[0].map_count + fakes[1].map_count, 0);
	virt[page] = 1; /* the memory stays the caller's */
	assert_int_equal(vfio_dma_unmap(&mem), -ENOENT);
	munmap(virt, 4 * page);
	close_devices(2);
}

static void memory_that_is_no_whole_pages_is_refused(void **state)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	uint8_t *virt = mmap(NULL, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct dma_memory bad[] = {
		{ .virt = virt, .size = 0 },	    { .virt = virt, .size = page - 1 },
		{ .virt = virt + 1, .size = page }, { .virt = NULL, .size = page },
		{ .virt = virt, .size = -page },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++)
		assert_int_equal(vfio_dma_map(&bad[i], -1, 0), -EINVAL);
	struct dma_memory good = { .virt = virt, .size = page };
	assert_int_equal(vfio_dma_map(&good, 0, 1), -EINVAL);
	assert_int_equal(vfio_dma_map(&good, 0, -(off_t)page), -EINVAL);
	assert_int_equal(vfio_dma_map(&good, 999, 0), -EBADF);
	munmap(virt, page);
}

#define THREADS 4
#define ROUNDS	50

static void *allocate_and_free(void *failed)
{
	struct dma_memory mem[3];

	for (int round = 0; round < ROUNDS; round++) {
		for (int i = 0; i < 3; i++) {
			if (vfio_dma_alloc(&mem[i], 4096 << i)) {
				*(bool *)failed = true;
				return NULL;
			}
			memset(mem[i].virt, round, mem[i].size);
		}
		for (int i = 0; i < 3; i++) {
			if (((uint8_t *)mem[i].virt)[mem[i].size - 1] != (uint8_t)round)
				*(bool *)failed = true;
			vfio_dma_free(&mem[i]);
		}
	}
	return NULL;
}

static void *open_and_close(void *failed)
{
	struct vfio_device *dev;

	for (int round = 0; round < ROUNDS; round++) {
		if (vfio_open(&dev, "fake:1")) {
			*(bool *)failed = true;
			return NULL;
		}
		vfio_close(dev);
	}
	return NULL;
}

static void threads_allocate_and_open_at_the_same_time(void **state)
{
	pthread_t threads[THREADS + 1];
	bool failed[THREADS + 1] = { false };

	(void)state;
	open_devices(1);
	for (int i = 0; i <= THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
						i < THREADS ? allocate_and_free : open_and_close,
						&failed[i]),
				 0);
	for (int i = 0; i <= THREADS; i++) {
		pthread_join(threads[i], NULL);
		assert_false(failed[i]);
	}
	assert_int_equal(fakes[0].map_count, 0);
	close_devices(1);
}

static void an_unknown_kind_of_address_can_be_added_eight_times(void **state)
{
	static const struct vfio_backend backend;

	(void)state;
	assert_int_equal(vfio_backend_add("", &backend), -EINVAL);
	for (int i = 1; i < 8; i++) /* "fake:" is the first */
		assert_int_equal(vfio_backend_add("other:", &backend), 0);
	assert_int_equal(vfio_backend_add("other:", &backend), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_device_sees_all_memory_at_the_same_address, reset),
		cmocka_unit_test_setup(a_device_opened_later_sees_what_exists, reset),
		cmocka_unit_test_setup(memory_outlives_its_devices, reset),
		cmocka_unit_test_setup(devices_in_one_space_share_its_maps, reset),
		cmocka_unit_test_setup(bus_mastering_is_off_before_memory_is_mapped, reset),
		cmocka_unit_test_setup(memory_is_zeroed_and_belongs_to_a_file_of_fixed_size, reset),
		cmocka_unit_test_setup(pitfall_vfio_4_addresses_fit_39_bits, reset),
		cmocka_unit_test_setup(addresses_are_within_the_ranges_of_all_devices, reset),
		cmocka_unit_test_setup(the_interrupt_window_of_x86_is_avoided_if_nothing_is_known,
				       reset),
		cmocka_unit_test_setup(a_device_that_cannot_reach_the_memory_is_refused, reset),
		cmocka_unit_test_setup(pitfall_vfio_3_a_map_that_fails_is_undone_everywhere, reset),
		cmocka_unit_test_setup(a_late_device_that_fails_to_map_is_closed, reset),
		cmocka_unit_test_setup(pitfall_vfio_2_memory_that_stays_mapped_is_not_used_again,
				       reset),
		cmocka_unit_test_setup(impossible_sizes_are_refused, reset),
		cmocka_unit_test_setup(memory_of_the_caller_can_be_mapped, reset),
		cmocka_unit_test_setup(memory_that_is_no_whole_pages_is_refused, reset),
		cmocka_unit_test_setup(threads_allocate_and_open_at_the_same_time, reset),
		cmocka_unit_test_setup(an_unknown_kind_of_address_can_be_added_eight_times, reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
