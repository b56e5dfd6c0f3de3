/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to reach a device. libixy-vfio has kernel VFIO, vfio-user, vhost-user and sysfs built in;
 * programs can add their own (a simulator in the same process, another transport) by filling in a struct
 * vfio_backend. Drivers never need this header.
 */
#pragma once
#include <ixy/vfio.h>

/* A contiguous range of DMA memory, at one I/O address for all devices. */
struct dma_map {
	struct dma_map *next;
	struct dma_memory mem;
	int fd; /* owned by the map; -1 if nothing but mem.virt is known */
	int64_t offset;
	/* By vfio_dma_alloc(), which also made mem.virt; the I/O address is the physical one. */
	bool allocated, physical;
};

/**
 * struct vfio_space - an I/O address space: a VFIO container, or the table of one vfio-user server
 * @users:    devices in it; counted by the library
 * @ranges:   the addresses that it can translate; if there are none, the library asks the backend and
 *            then assumes what nearly every IOMMU can do
 * @physical: there is no IOMMU: devices see physical addresses. Set by the backend, like @ranges.
 *
 * The library maps every struct dma_map once into each space. The backend owns it, sets @backend,
 * and can embed it in something larger of its own.
 */
struct vfio_space {
	struct vfio_space *next;
	const struct vfio_backend *backend;
	uint32_t users, range_count;
	struct vfio_iova_range ranges[16];
	bool physical;
};

/**
 * struct vfio_device - an open device
 * @space:        set by the backend's open; it may be one that other devices use already
 * @next, @fd, @group_fd, @group: kernel VFIO's
 * @irqs:         armed interrupts, NULL if there never were any
 * @address:      as given to vfio_open()
 */
struct vfio_device {
	const struct vfio_backend *backend;
	struct vfio_space *space;
	struct vfio_device *next;
	int fd, group_fd, group;
	struct vfio_bar bars[6];
	struct vfio_irqs *irqs;
	const char *address;
};

/**
 * struct vfio_backend - one way to reach devices; functions return 0 or a negative errno
 * @open:   set @dev->space and the backend's own fields; @name is the address without the prefix.
 *          Explains every error.
 * @close:  undo open, also one that failed half-way. If @dev->space->users is 0, the space goes,
 *          too, with all its maps.
 * @call:   what ioctl() does to a device file, for the requests below
 * @access: read or write a region. What it has read is not looked at after an error.
 * @dma:    add a map to a space, or take it out. Explains every error.
 *
 * Calls of open, close and dma are serialised by the library. The requests, with their structures
 * in linux/vfio.h; -ENOTTY means that the backend does not know one:
 *
 * VFIO_DEVICE_GET_REGION_INFO: capabilities included, up to argsz bytes; size 0 if there is no such
 *   region. Returns the file to map it from (the backend's) if the flags say that it can be mapped.
 * VFIO_DEVICE_GET_IRQ_INFO
 * VFIO_DEVICE_SET_IRQS: only to have eventfds signalled (ACTION_TRIGGER with DATA_EVENTFD; -1:
 *   nothing) and to switch a whole kind off (the same with DATA_NONE and count 0).
 * VFIO_DEVICE_RESET
 * VFIO_IOMMU_GET_INFO: of the device's space
 */
struct vfio_backend {
	int (*open)(struct vfio_device *dev, const char *name);
	void (*close)(struct vfio_device *dev);
	int (*call)(struct vfio_device *dev, unsigned long request, void *argument);
	int (*access)(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		      bool write);
	int (*dma)(struct vfio_space *space, const struct dma_map *map, bool add);
};

/**
 * vfio_backend_add() - make vfio_open() know another kind of address
 * @prefix:  addresses that start with it belong to the backend: "vfio-user:"
 * @backend: both are kept by reference for the rest of the process
 *
 * Return: 0, -EINVAL (no prefix), or -ENOSPC (eight have been added already).
 */
IXY_API int vfio_backend_add(const char *prefix, const struct vfio_backend *backend);
