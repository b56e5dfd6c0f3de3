/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small VFIO kernel in the process: the linker sends open(), ioctl(), ... of the program under
 * test here (--wrap, see tests/CMakeLists.txt). Paths below /sys and /dev/vfio lead into a
 * temporary folder; the rules are those of Linux 6.1, drivers/vfio.
 */
#ifndef FAKE_KERNEL_H
#define FAKE_KERNEL_H

#include <stdbool.h>
#include <stdint.h>

#include <linux/vfio.h>

#define KERNEL_GROUPS  3
#define KERNEL_DEVICES 6
#define KERNEL_MAPS    64
#define BAR0_SIZE      0x20000
#define CONFIG_OFFSET  0x100000 /* in a device's file; BAR0 is at 0 */

struct kernel_group {
	int number;
	bool viable;
	int opened;    /* by open() */
	int files;     /* of ours, duplicates included */
	bool attached; /* to the container */
	uint64_t inode;
};

/* 0 and 1 are in a group of their own, the others share the third. */
struct kernel_device {
	const char *pci;
	struct kernel_group *group;
	int files;
	uint64_t inode;
	bool can_reset, express;
	int resets;
	struct {
		uint32_t flags, index, start, count;
		int fds[16];
	} irqs; /* the last VFIO_DEVICE_SET_IRQS */
};

struct kernel {
	struct kernel_group groups[KERNEL_GROUPS];
	struct kernel_device devices[KERNEL_DEVICES];
	/* The container. */
	int container_files, container_opened;
	uint64_t container_inode;
	bool iommu;
	uint32_t map_count;
	struct vfio_iommu_type1_dma_map maps[KERNEL_MAPS];
	/* How it behaves. */
	bool old; /* no capabilities in VFIO_IOMMU_GET_INFO */
	uint64_t last_iova;
	uint64_t memlock;	 /* limit in bytes */
	uint64_t unmap_short_by; /* unmaps that much less than it was asked */
	int open_error;		 /* of the next group file */
	int container_error;	 /* of the container's file */
	int iommu_error;	 /* of VFIO_SET_IOMMU */
	const char *token;	 /* without which VFIO_GROUP_GET_DEVICE_FD is EACCES */
	int device_error;	 /* of VFIO_GROUP_GET_DEVICE_FD */
	bool sparse;		 /* BAR0: only page 1 can be mapped */
	uint32_t order_errors; /* requests that a real kernel refuses with EINVAL for their order */
	/* As it was asked; the last member, as its size is not fixed. */
	struct vfio_iommu_type1_dma_unmap last_unmap;
};

extern struct kernel kernel;
extern char last_message[512];
extern uint32_t messages[4]; /* by level */

/* Start afresh, with a new folder. Return: 0, or -1. */
int kernel_boot(void **state);
int kernel_shutdown(void **state);

/* A file or a symbolic link in the folder: "/sys/...", "/dev/vfio/..." or "/proc/interrupts". */
void kernel_make_file(const char *path);
void kernel_write(const char *path, const char *text);
void kernel_make_link(const char *path, const char *target);
void kernel_remove(const char *path);

#endif
