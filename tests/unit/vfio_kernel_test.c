/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libixy-vfio on the kernel's VFIO, played by fake_kernel.c. Also built with IXY_SMALL, for what the
 * smallest build can do.
 */
#include "fake_kernel.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#define MIB ((uint64_t)1 << 20)

static struct vfio_device *open_device(const char *pci)
{
	struct vfio_device *dev;

	assert_int_equal(vfio_open(&dev, pci), 0);
	return dev;
}

static void all_is_given_back(void)
{
	for (int i = 0; i < KERNEL_GROUPS; i++) {
		assert_int_equal(kernel.groups[i].files, 0);
		assert_false(kernel.groups[i].attached);
	}
	for (int i = 0; i < KERNEL_DEVICES; i++)
		assert_int_equal(kernel.devices[i].files, 0);
	assert_int_equal(kernel.container_files, 0);
	assert_int_equal(kernel.order_errors, 0);
}

static bool is_mapped(const struct dma_memory *mem)
{
	for (uint32_t i = 0; i < kernel.map_count; i++)
		if (kernel.maps[i].iova == mem->iova && kernel.maps[i].size == mem->size &&
		    kernel.maps[i].vaddr == (uintptr_t)mem->virt)
			return true;
	return false;
}

static void a_device_opens_closes_and_opens_again(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++) {
		struct vfio_device *dev = open_device("0000:01:00.0");
		struct dma_memory mem;
		assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
		assert_true(is_mapped(&mem));
		vfio_dma_free(&mem);
		assert_int_equal(kernel.map_count, 0);
		vfio_close(dev);
		all_is_given_back();
	}
	assert_int_equal(kernel.devices[0].resets, 3);
}

static void several_groups_share_one_container(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *a = open_device("0000:01:00.0"), *b = open_device("0000:02:00.0");
	assert_int_equal(kernel.container_opened, 1);
	assert_int_equal(vfio_dma_alloc(&mem, 3 * MIB), 0);
	assert_int_equal(kernel.map_count, 1); /* both see it */
	vfio_close(a);
	assert_true(is_mapped(&mem));
	a = open_device("0000:01:00.0");
	assert_int_equal(kernel.map_count, 1);
	vfio_close(b);
	assert_true(is_mapped(&mem));
	vfio_dma_free(&mem);
	vfio_close(a);
	all_is_given_back();
}

static void devices_of_one_group_open_it_once(void **state)
{
	(void)state;
	struct vfio_device *a = open_device("0000:03:00.0"), *b = open_device("0000:03:00.1");
	assert_int_equal(kernel.groups[2].opened, 1);
	vfio_close(a);
	assert_true(kernel.groups[2].attached);
	a = open_device("0000:03:00.0");
	struct vfio_device *c = open_device("0000:03:00.2");
	assert_int_equal(kernel.groups[2].opened, 1);
	vfio_close(b);
	vfio_close(a);
	vfio_close(c);
	all_is_given_back();
	vfio_close(open_device("0000:03:00.1"));
	assert_int_equal(kernel.groups[2].opened, 2);
	all_is_given_back();
}

static void pitfall_vfio_2_unmap_asks_without_map_flags_and_checks_the_size(void **state)
{
	struct dma_memory mem, other;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_dma_alloc(&mem, 2 * MIB), 0);
	struct dma_memory lost = mem;
	kernel.unmap_short_by = 4096;
	vfio_dma_free(&mem);
	assert_int_equal(kernel.last_unmap.flags, 0);
	assert_int_equal(kernel.last_unmap.size, lost.size);
	assert_true(messages[IXY_ERROR] > 0);

	/* Still mapped, so neither the address nor the memory is used again. */
	kernel.unmap_short_by = 0;
	assert_int_equal(vfio_dma_alloc(&other, 4096), 0);
	assert_true(other.iova >= lost.iova + lost.size || other.iova + other.size <= lost.iova);
	memset(lost.virt, 1, lost.size);
	vfio_dma_free(&other);
	vfio_dma_free(&lost);
	assert_int_equal(kernel.map_count, 0);

#ifndef IXY_SMALL /* what the kernel called a success is an error, whatever errno was before */
	uint8_t *ours =
		mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	mem = (struct dma_memory){ .virt = ours, .size = 4096 };
	assert_int_equal(vfio_dma_map(&mem, -1, 0), 0);
	kernel.unmap_short_by = 4096;
	errno = 0;
	assert_int_equal(vfio_dma_unmap(&mem), -EIO);
	kernel.unmap_short_by = 0;
	assert_int_equal(vfio_dma_unmap(&mem), 0);
	munmap(ours, 4096);
#endif
	/* A success that has unmapped nothing is none. */
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	lost = mem;
	struct vfio_iommu_type1_dma_map hidden = kernel.maps[0];
	kernel.map_count = 0;
	messages[IXY_ERROR] = 0;
	vfio_dma_free(&mem);
	assert_int_equal(messages[IXY_ERROR], 1);
	kernel.maps[kernel.map_count++] = hidden;
	vfio_dma_free(&lost);
	vfio_close(dev);
	all_is_given_back();
}

static void pitfall_vfio_3_a_map_that_fails_is_an_error(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	kernel.memlock = MIB;
	assert_int_equal(vfio_dma_alloc(&mem, 2 * MIB), -ENOMEM);
	kernel.memlock = UINT64_MAX;
	assert_int_equal(vfio_dma_alloc(&mem, 2 * MIB), 0);
	vfio_dma_free(&mem);
	vfio_close(dev);
	all_is_given_back();
}

static void pitfall_vfio_5_maps_come_after_the_type_and_survive_all_but_the_last_group(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *a = open_device("0000:01:00.0"), *b = open_device("0000:03:00.0");
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_close(a); /* the type would be lost, were it the last one */
	assert_true(kernel.iommu);
	assert_true(is_mapped(&mem));
	vfio_dma_free(&mem);
	vfio_close(b);
	assert_false(kernel.iommu);
	all_is_given_back(); /* nothing was asked in the wrong order */
}

static void a_function_that_cannot_be_reset_is_closed_all_the_same(void **state)
{
	(void)state;
	kernel.devices[0].can_reset = false;
	struct vfio_device *dev = open_device("0000:01:00.0");
	vfio_close(dev);
	assert_int_equal(messages[IXY_ERROR], 0);
	all_is_given_back();
}

static void registers_are_memory(void **state)
{
	const struct vfio_bar *bar, *again;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_int_equal(vfio_bar(dev, 0, &again), 0);
	assert_ptr_equal(bar, again);
	assert_int_equal(bar->size, BAR0_SIZE);
	assert_non_null(bar_pointer(bar, 0));
	assert_non_null(bar_pointer(bar, BAR0_SIZE - 4));
	assert_null(bar_pointer(bar, BAR0_SIZE));
	bar_write32(bar, 0x1234, 0x89abcdef);
	assert_int_equal(bar_read32(bar, 0x1234), 0x89abcdef);

	uint32_t value = 0;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 0x1234, &value, 4), 0);
	assert_int_equal(value, 0x89abcdef); /* the same registers */

	assert_int_equal(vfio_bar(dev, 1, &bar), -ENXIO);
	assert_int_equal(vfio_bar(dev, VFIO_PCI_CONFIG_REGION_INDEX, &bar), -ENXIO);
	vfio_close(dev);
}

static void config_space_and_bus_mastering(void **state)
{
	uint8_t byte = 0x42;
	uint16_t command;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	assert_int_equal(
		vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2), 0);
	assert_int_equal(command, PCI_COMMAND_MASTER);
	assert_int_equal(vfio_set_bus_master(dev, false), 0);
	assert_int_equal(
		vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2), 0);
	assert_int_equal(command, 0);
	assert_true(vfio_region_write(dev, 99, 0, &byte, 1) < 0);
	vfio_close(dev);
}

#ifndef IXY_SMALL

static void memory_that_exists_is_mapped_when_the_first_device_opens(void **state)
{
	struct dma_memory mem;

	(void)state;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_true(is_mapped(&mem));
	vfio_close(dev);
	dev = open_device("0000:02:00.0");
	assert_true(is_mapped(&mem));
	vfio_dma_free(&mem);
	vfio_close(dev);
	all_is_given_back();
}

/* The container of the fake, and of Linux, refuses what is in no range. */
static void pitfall_vfio_4_ranges_are_asked_for(void **state)
{
	struct dma_memory mem, none;

	(void)state;
	kernel.last_iova = 0xfef00000 + 64 * MIB - 1;
	struct vfio_device *dev = open_device("0000:01:00.0");
	const size_t below = 0xfee00000 - 4 * MIB;
	uint8_t *virt =
		mmap(NULL, below, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct dma_memory filler = { .virt = virt, .size = below };
	assert_int_equal(vfio_dma_map(&filler, -1, 0), 0);
	assert_int_equal(vfio_dma_alloc(&mem, 8 * MIB), 0);
	assert_true(mem.iova >= 0xfef00000);
	assert_int_equal(vfio_dma_alloc(&none, 64 * MIB), -ENOSPC);
	vfio_dma_free(&mem);
	assert_int_equal(vfio_dma_unmap(&filler), 0);
	munmap(virt, below);
	vfio_close(dev);
}

static void kernels_that_do_not_tell_ranges_work(void **state)
{
	struct dma_memory mem;

	(void)state;
	kernel.old = true;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_dma_free(&mem);
	vfio_close(dev);
}

static void pages_that_cannot_be_mapped_are_read_by_message(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	kernel.sparse = true;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_null(bar_pointer(bar, 0));
	assert_null(bar_pointer(bar, 0xffff));
	assert_non_null(bar_pointer(bar, 0x10000));
	assert_non_null(bar_pointer(bar, 0x1ffff));
	bar_write32(bar, 8, 0x01020304);
	assert_int_equal(bar_read32(bar, 8), 0x01020304);
	assert_int_equal(bar_read16(bar, 8), 0x0304);
	assert_int_equal(bar_read8(bar, 11), 0x01);
	bar_write8(bar, 11, 0xff);
	bar_write16(bar, 8, 0xeeee);
	assert_int_equal(bar_read32(bar, 8), 0xff02eeee);
	bar_write16(bar, 0x10000, 0xabcd); /* in memory, too */
	assert_int_equal(bar_read8(bar, 0x10001), 0xab);
	assert_int_equal(bar_read16(bar, 0x10000), 0xabcd);
	bar_write8(bar, 0x10000, 0);
	assert_int_equal(bar_read32(bar, 0x10000), 0xab00);
	vfio_close(dev);
}

static void reset_says_if_it_cannot(void **state)
{
	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_reset(dev), 0);
	kernel.devices[0].can_reset = false;
	assert_int_equal(vfio_reset(dev), -EOPNOTSUPP);
	vfio_close(dev);
}

/* Each vector its own eventfd, from any start; the array has no entry that was not set. */
static void pitfall_vfio_1_vectors_are_armed_from_any_start(void **state)
{
	struct kernel_device *device = &kernel.devices[0];
	int fds[8], more[2];

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_irq_count(dev, VFIO_PCI_MSIX_IRQ_INDEX), 8);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 2, 3, fds), 0);
	assert_int_equal(device->irqs.flags,
			 VFIO_IRQ_SET_DATA_EVENTFD | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(device->irqs.start, 0); /* the kernel makes room for as many at once */
	assert_int_equal(device->irqs.count, 5);
	const int first[] = { -1, -1, fds[0], fds[1], fds[2] };
	assert_memory_equal(device->irqs.fds, first, sizeof(first));

	/* Below the highest: only those that are new. */
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 1, 1, more), 0);
	assert_int_equal(device->irqs.start, 1);
	assert_int_equal(device->irqs.count, 1);
	assert_int_equal(device->irqs.fds[0], more[0]);

	/* Beyond: all again, and those that were armed may have missed one. */
	assert_int_equal(vfio_irq_wait(fds, 3, 0), 0);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 7, 1, &more[1]), 0);
	const int all[] = { -1, more[0], fds[0], fds[1], fds[2], -1, -1, more[1] };
	assert_int_equal(device->irqs.count, 8);
	assert_memory_equal(device->irqs.fds, all, sizeof(all));
	assert_int_equal(vfio_irq_wait(fds, 3, 0), 3);

	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 4, 2, more), -EALREADY);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 7, 2, more), -EINVAL);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, UINT32_MAX, 2, more), -EINVAL);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 0, more), -EINVAL);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, more), -EBUSY);

	assert_int_equal(vfio_irq_disarm(dev, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	assert_int_equal(device->irqs.flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
	assert_int_equal(device->irqs.count, 0);
	assert_int_equal(vfio_irq_wait(fds, 3, 0), -EBADF);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, more), 0);
	vfio_close(dev); /* disarms */
	assert_int_equal(device->irqs.index, VFIO_PCI_MSI_IRQ_INDEX);
	assert_int_equal(device->irqs.flags, VFIO_IRQ_SET_DATA_NONE | VFIO_IRQ_SET_ACTION_TRIGGER);
}

static void the_system_can_ask_for_the_device(void **state)
{
	struct kernel_device *device = &kernel.devices[0];
	const uint64_t one = 1;
	int fd;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_irq_count(dev, VFIO_PCI_ERR_IRQ_INDEX), 0);
	assert_int_equal(vfio_irq_count(dev, 99), -EINVAL);
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_REQ_IRQ_INDEX, 0, 1, &fd), 0);
	assert_int_equal(vfio_irq_wait(&fd, 1, 10), 0);
	assert_int_equal(write(device->irqs.fds[0], &one, sizeof(one)), sizeof(one));
	assert_int_equal(write(device->irqs.fds[0], &one, sizeof(one)), sizeof(one));
	assert_int_equal(vfio_irq_wait(&fd, 1, -1), 2);
	assert_int_equal(vfio_irq_wait(&fd, 1, 0), 0);
	assert_int_equal(vfio_irq_wait(&fd, 0, 0), -EINVAL);
	vfio_close(dev);
}

static void a_device_that_is_wanted_back_is_noticed(void **state)
{
	struct kernel_device *device = &kernel.devices[0];

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_check(dev), 0);
	assert_int_equal(vfio_check(dev), 0);
	assert_int_equal(device->irqs.index, VFIO_PCI_REQ_IRQ_INDEX);
	assert_int_equal(eventfd_write(device->irqs.fds[0], 1), 0);
	assert_int_equal(vfio_check(dev), -ENODEV);
	assert_non_null(strstr(last_message, "0000:01:00.0"));
	assert_int_equal(vfio_check(dev), -ENODEV); /* it stays so */
	vfio_close(dev);
}

static void a_device_that_has_failed_is_noticed(void **state)
{
	int fd;

	(void)state;
	kernel.devices[0].express = true;
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_ERR_IRQ_INDEX, 0, 1, &fd), 0);
	assert_int_equal(vfio_check(dev), 0);
	assert_int_equal(eventfd_write(fd, 1), 0);
	assert_int_equal(vfio_check(dev), -EIO);
	vfio_close(dev);
}

static void normal_pages_are_warned_of_once(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device("0000:01:00.0");
	for (int i = 0; i < 3; i++) {
		assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
		vfio_dma_free(&mem);
	}
	vfio_close(dev);
	assert_true(messages[IXY_WARN] <= 1); /* by an earlier test, or there are huge pages */
}

/* ---- Addresses, as people write them ---- */

static void all_forms_of_an_address_are_accepted(void **state)
{
	static const char *const forms[] = { "01:00.0", "0000:01:00.0", "00000000:01:00.0",
					     "enp1s0", "eth7" };

	(void)state;
	kernel_make_file("/sys/bus/pci/devices/0000:01:00.0/net/enp1s0/flags");
	kernel_write("/sys/bus/pci/devices/0000:01:00.0/numa_node", "3\n");
	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		struct vfio_device *dev = open_device(forms[i]);
		assert_int_equal(kernel.devices[0].files, 1);
		assert_string_equal(vfio_address(dev), forms[i]);
		assert_int_equal(vfio_numa_node(dev), 3);
		vfio_close(dev);
		all_is_given_back();
		if (i == 3) /* of virtio cards the interface is further down */
			kernel_make_file(
				"/sys/bus/pci/devices/0000:01:00.0/virtio3/net/eth7/flags");
	}
}

static void domains_may_have_more_digits(void **state)
{
	(void)state;
	struct vfio_device *a = open_device("10000:e1:00.0");
	assert_int_equal(kernel.devices[5].files, 1);
	struct vfio_device *b = open_device("00010000:E1:00.0");
	assert_int_equal(kernel.devices[5].files, 2);
	vfio_close(a);
	vfio_close(b);
	all_is_given_back();
}

#define TOKEN "14d63f20-8445-11ea-8900-1f9ce7d5650d"

static void a_token_is_passed_on(void **state)
{
	(void)state;
	kernel.token = TOKEN;
	vfio_close(open_device("0000:01:00.0,token=" TOKEN));
	vfio_close(open_device("01:00.0,token=" TOKEN));
	all_is_given_back();
}

/* ---- Errors, each with the way out of it ---- */

static void refused(const char *address, int err, const char *a, const char *b)
{
	struct vfio_device *dev;

	messages[IXY_ERROR] = 0;
	assert_int_equal(vfio_open(&dev, address), -err);
	assert_int_equal(messages[IXY_ERROR], 1);
	if (!strstr(last_message, a) || !strstr(last_message, b))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", last_message, a, b);
	all_is_given_back();
}

static void what_is_no_address_is_refused(void **state)
{
	(void)state;
	refused("eth0", EINVAL, "eth0", "0000:03:00.0");
	refused("", EINVAL, "", "0000:03:00.0");
	refused("..", EINVAL, "..", "0000:03:00.0");
	refused("0000:01:00.0/../0000:02:00.0", EINVAL, "", "0000:03:00.0");
	refused("0000:01:00.0 ", EINVAL, "", "0000:03:00.0");
	refused("0000:01:00", EINVAL, "", "0000:03:00.0");
	refused("01:20.0", EINVAL, "", "0000:03:00.0");
	refused("01:00.8", EINVAL, "", "0000:03:00.0");
	refused("-1:00.0", EINVAL, "", "0000:03:00.0");
	refused("0x01:00.0", EINVAL, "", "0000:03:00.0");
	refused("000000000:01:00.0", EINVAL, "", "0000:03:00.0");
	refused("0000:01:00.0,", EINVAL, "", "0000:03:00.0");
	refused("0000:01:00.0,force", EINVAL, "", "0000:03:00.0");
	refused("0000:01:00.0,token=", EINVAL, "", "token=UUID");
	refused("0000:01:00.0,token=" TOKEN "0", EINVAL, "", "token=UUID");
	refused("0000:01:00.0,token=14d63f20-8445-11ea-8900-1f9ce7d5650", EINVAL, "", "token=UUID");
}

static void a_device_that_is_not_there(void **state)
{
	(void)state;
	refused("0000:09:00.0", ENODEV, "0000:09:00.0", "no such device");
	refused("09:00.0", ENODEV, "0000:09:00.0", "no such device");
}

static void a_device_with_another_driver(void **state)
{
	(void)state;
	kernel_make_link("/sys/bus/pci/devices/0000:01:00.0/driver", "../../bus/pci/drivers/ixgbe");
	kernel_remove("/dev/vfio/11");
	refused("0000:01:00.0", ENODEV, "driven by ixgbe", "ixy-bind vfio-pci 0000:01:00.0");
	kernel_make_file("/sys/bus/pci/devices/0000:01:00.0/net/enp1s0/flags");
	refused("enp1s0", ENODEV, "driven by ixgbe", "ixy-bind vfio-pci 0000:01:00.0");
	kernel_remove("/sys/bus/pci/devices/0000:01:00.0/driver");
	refused("0000:01:00.0", ENODEV, "no driver", "ixy-bind vfio-pci 0000:01:00.0");
}

static void a_machine_without_iommu(void **state)
{
	(void)state;
	kernel_remove("/sys/bus/pci/devices/0000:01:00.0/iommu_group");
	refused("0000:01:00.0", ENODEV, "IOMMU", "intel_iommu=on");
}

static void pitfall_vfio_6_neighbours_in_the_way_are_named(void **state)
{
	(void)state;
	kernel.groups[2].viable = false;
	kernel_make_link("/sys/bus/pci/devices/0000:03:00.1/driver", "../../bus/pci/drivers/ixgbe");
	kernel_write("/sys/bus/pci/devices/0000:03:00.1/class", "0x020000\n");
	refused("0000:03:00.0", EBUSY, "0000:03:00.1 (ixgbe)",
		"; bind them, too: sudo ixy-bind vfio-pci 0000:03:00.1");

	/* Variants of vfio-pci are not in the way. ixy-bind knows what to do with bridges, and asks
	 * for --force where others are. */
	kernel_make_link("/sys/bus/pci/devices/10000:e1:00.0/driver",
			 "../../bus/pci/drivers/mlx5_vfio_pci");
	kernel_make_link("/sys/bus/pci/devices/0000:03:00.2/driver",
			 "../../bus/pci/drivers/shpchp");
	kernel_write("/sys/bus/pci/devices/0000:03:00.2/class", "0x060400\n");
	refused("0000:03:00.0", EBUSY, "0000:03:00.2 (shpchp)",
		"; bind them, too: sudo ixy-bind vfio-pci 0");
	assert_null(strstr(last_message, "mlx5"));
	kernel_write("/sys/bus/pci/devices/0000:03:00.2/class", "0x010601\n");
	refused("0000:03:00.0", EBUSY, "if the system can do without",
		"sudo ixy-bind --force vfio-pci 0");
}

/* It is no matter of permissions, whatever the kernel calls it. */
static void a_group_with_memory_of_the_firmware(void **state)
{
	(void)state;
	kernel_make_file("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	kernel_write("/sys/kernel/iommu_groups/11/reserved_regions",
		     "0x000000007c000000 0x000000007cffffff direct-relaxable\n"
		     "0x00000000fee00000 0x00000000feefffff msi\n");
	kernel.iommu_error = EINVAL;
	refused("0000:01:00.0", EINVAL, "IOMMU group 11", "dmesg");
	kernel_write("/sys/kernel/iommu_groups/11/reserved_regions",
		     "0x000000007d000000 0x000000007dffffff direct\n"
		     "0x00000000fee00000 0x00000000feefffff msi\n");
	refused("0000:01:00.0", EINVAL, "RMRR", "ixy-bind none 0000:01:00.0");
	kernel.iommu_error = EPERM; /* before Linux 6.4 */
	refused("0000:01:00.0", EPERM, "RMRR", "sysfs:0000:01:00.0");
}

static void only_what_does_not_remap_interrupts_is_blamed_for_it(void **state)
{
	(void)state;
	kernel.iommu_error = EPERM;
	refused("0000:01:00.0", EPERM, "modprobe", "vfio_iommu_type1");
	kernel_write("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "N\n");
	kernel_write("/proc/interrupts", "  1:  9  0   IO-APIC   1-edge  i8042\n");
	refused("0000:01:00.0", EPERM, "does not remap interrupts", "allow_unsafe_interrupts");
	kernel_write("/proc/interrupts", "  1:  9  0   IR-IO-APIC   1-edge  i8042\n");
	refused("0000:01:00.0", EPERM, "not permitted", "dmesg");
	kernel_write("/proc/interrupts", "");
	kernel_write("/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts", "Y\n");
	refused("0000:01:00.0", EPERM, "not permitted", "dmesg");
}

static void a_token_that_is_missing_wrong_or_too_much(void **state)
{
	(void)state;
	kernel.token = TOKEN;
	refused("0000:01:00.0", EACCES, "programs use its VFs", "0000:01:00.0,token=UUID");
	kernel_make_link("/sys/bus/pci/devices/0000:01:00.0/physfn", "../0000:02:00.0");
	refused("0000:01:00.0", EACCES, "a VF of 0000:02:00.0", "0000:01:00.0,token=UUID");
	kernel.device_error = EINVAL;
	refused("0000:01:00.0,token=" TOKEN, EINVAL, "0000:02:00.0 is not bound to vfio-pci",
		"leave it out");
}

static void pitfall_vfio_6_groups_without_iommu_have_another_name(void **state)
{
	(void)state;
	kernel_remove("/dev/vfio/11");
	kernel_make_file("/dev/vfio/noiommu-11");
	refused("0000:01:00.0", ENODEV, "noiommu-11", "IOMMU");
}

static void pitfall_vfio_6_a_small_memlock_limit_is_explained(void **state)
{
	struct dma_memory first, second;
	struct rlimit before, limit;
	char number[32];

	(void)state;
	kernel.memlock = 4 * MIB;
	getrlimit(RLIMIT_MEMLOCK, &before);
	limit = before;
	limit.rlim_cur = kernel.memlock;
	setrlimit(RLIMIT_MEMLOCK, &limit);
	struct vfio_device *dev = open_device("0000:01:00.0");
	assert_int_equal(vfio_dma_alloc(&first, 2 * MIB), 0);
	assert_int_equal(vfio_dma_alloc(&second, 40 * MIB), -ENOMEM);
	snprintf(number, sizeof(number), "%llu", 42ull << 20);
	assert_non_null(strstr(last_message, number));
	assert_non_null(strstr(last_message, "ulimit -l 43008"));
	setrlimit(RLIMIT_MEMLOCK, &before);
	vfio_dma_free(&first);
	vfio_close(dev);
}

static void no_permission(void **state)
{
	(void)state;
	kernel.open_error = EACCES;
	refused("0000:01:00.0", EACCES, "/dev/vfio/11",
		"ixy-bind --user $USER vfio-pci 0000:01:00.0");
	kernel.open_error = 0;
	kernel.container_error = EACCES;
	refused("0000:01:00.0", EACCES, "/dev/vfio/vfio: permission denied",
		"chmod 666 /dev/vfio/vfio");
}

static void a_container_without_the_files(void **state)
{
	(void)state;
	kernel_make_file("/sys/module/vfio/version");
	kernel_remove("/dev/vfio/11");
	refused("0000:01:00.0", ENODEV, "no /dev/vfio/11 here", "--device /dev/vfio/11");
	kernel_remove("/dev/vfio/vfio");
	refused("0000:01:00.0", ENODEV, "no /dev/vfio/vfio here", "--device /dev/vfio/vfio");
}

static void a_device_that_is_in_use(void **state)
{
	(void)state;
	kernel.open_error = EBUSY;
	refused("0000:01:00.0", EBUSY, "0000:01:00.0", "another program");
}

static void the_vfio_module_is_not_there(void **state)
{
	(void)state;
	kernel_remove("/dev/vfio");
	refused("0000:01:00.0", ENODEV, "/dev/vfio/vfio", "modprobe");
}

#endif

#define TEST(name) cmocka_unit_test_setup_teardown(name, kernel_boot, kernel_shutdown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_device_opens_closes_and_opens_again),
		TEST(several_groups_share_one_container),
		TEST(devices_of_one_group_open_it_once),
		TEST(pitfall_vfio_2_unmap_asks_without_map_flags_and_checks_the_size),
		TEST(pitfall_vfio_3_a_map_that_fails_is_an_error),
		TEST(pitfall_vfio_5_maps_come_after_the_type_and_survive_all_but_the_last_group),
		TEST(a_function_that_cannot_be_reset_is_closed_all_the_same),
		TEST(registers_are_memory),
		TEST(config_space_and_bus_mastering),
#ifndef IXY_SMALL
		TEST(memory_that_exists_is_mapped_when_the_first_device_opens),
		TEST(pitfall_vfio_4_ranges_are_asked_for),
		TEST(kernels_that_do_not_tell_ranges_work),
		TEST(pages_that_cannot_be_mapped_are_read_by_message),
		TEST(reset_says_if_it_cannot),
		TEST(pitfall_vfio_1_vectors_are_armed_from_any_start),
		TEST(the_system_can_ask_for_the_device),
		TEST(a_device_that_is_wanted_back_is_noticed),
		TEST(a_device_that_has_failed_is_noticed),
		TEST(normal_pages_are_warned_of_once),
		TEST(all_forms_of_an_address_are_accepted),
		TEST(domains_may_have_more_digits),
		TEST(a_token_is_passed_on),
		TEST(what_is_no_address_is_refused),
		TEST(a_device_that_is_not_there),
		TEST(a_device_with_another_driver),
		TEST(a_machine_without_iommu),
		TEST(pitfall_vfio_6_neighbours_in_the_way_are_named),
		TEST(a_group_with_memory_of_the_firmware),
		TEST(only_what_does_not_remap_interrupts_is_blamed_for_it),
		TEST(a_token_that_is_missing_wrong_or_too_much),
		TEST(pitfall_vfio_6_groups_without_iommu_have_another_name),
		TEST(pitfall_vfio_6_a_small_memlock_limit_is_explained),
		TEST(no_permission),
		TEST(a_container_without_the_files),
		TEST(a_device_that_is_in_use),
		TEST(the_vfio_module_is_not_there),
#endif
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
