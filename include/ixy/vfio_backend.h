/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Ways to reach a device. libixy-vfio has kernel VFIO and vfio-user built in; programs can add
 * their own (a simulator in the same process, another transport) by filling in a struct
 * vfio_backend. Drivers never need this header.
 */
#ifndef IXY_VFIO_BACKEND_H
#define IXY_VFIO_BACKEND_H

#include <ixy/vfio.h>

#define VFIO_MAX_AREAS	16
#define VFIO_MAX_RANGES 16
#define VFIO_REGIONS	(VFIO_PCI_CONFIG_REGION_INDEX + 1) /* BARs, ROM, config space */

/**
 * struct vfio_region - what a backend knows about a region
 * @size:           bytes; 0 if there is none
 * @flags:          VFIO_REGION_INFO_FLAG_READ, _WRITE, _MMAP
 * @fd, @fd_offset: the file to map @areas from; the area's own offset is added to @fd_offset. Owned
 *                  by the backend.
 * @areas:          the parts that may be mapped. Not trusted: areas outside the region or not
 *                  aligned to the page size are ignored by the library.
 */
struct vfio_region {
	uint64_t size;
	uint32_t flags;
	int fd;
	off_t fd_offset;
	uint32_t area_count;
	struct {
		uint64_t offset, size;
	} areas[VFIO_MAX_AREAS];
};

/* A contiguous piece of the process's DMA address space. */
struct dma_map {
	struct dma_map *next; /* by ascending iova */
	uint8_t *virt;
	uint64_t iova;
	size_t size;
	int fd; /* owned by the map; -1 if nothing but virt is known */
	off_t offset;
	bool allocated; /* by vfio_dma_alloc(), which also made virt */
};

/**
 * struct vfio_space - an I/O address space: a VFIO container, or the table of one vfio-user server
 * @next, @users: the library's: list of spaces, devices in this one
 * @fd:           the backend's, as it likes
 * @iommu:        a real IOMMU translates: the memory is pinned, and huge pages make it faster
 * @page_size:    smallest unit of a mapping
 * @ranges:       the I/O virtual addresses that it can translate, first and last byte; if the
 *                backend leaves @range_count 0, what nearly every IOMMU can do is assumed
 *
 * The library maps every struct dma_map once into each space. A backend allocates it, zeroed, fills
 * in the rest, and may embed it in something larger.
 */
struct vfio_space {
	struct vfio_space *next;
	const struct vfio_backend *backend;
	uint32_t users;
	int fd;
	bool iommu;
	uint64_t page_size;
	uint32_t range_count;
	struct {
		uint64_t first, last;
	} ranges[VFIO_MAX_RANGES];
};

/**
 * struct vfio_device - an open device
 * @address:       as given to vfio_open()
 * @fd, @priv:     the backend's own
 * @space:         set by the backend's open; it may be one that other devices use already
 * @regions:       as described by the backend
 * @irqs:          armed interrupts, NULL if there never were any
 * @irqs_release:  what vfio_close() has to call then
 */
struct vfio_device {
	const struct vfio_backend *backend;
	char *address;
	int fd;
	void *priv;
	struct vfio_space *space;
	struct vfio_region regions[VFIO_REGIONS];
	struct vfio_bar bars[VFIO_PCI_BAR5_REGION_INDEX + 1];
	struct vfio_irqs *irqs;
	void (*irqs_release)(struct vfio_device *dev);
};

/**
 * struct vfio_backend - one way to reach devices; functions return 0 or a negative errno and log why
 * @prefix:      an address that starts with it belongs to this backend ("vfio-user:"); NULL takes
 *               what nobody else takes
 * @open:        fill in @dev->fd, @dev->space and @dev->priv; @name is the address without the
 *               prefix
 * @close:       undo open. If @dev->space->users is 0, the space goes too, with all its maps.
 * @region_info: describe a region below VFIO_REGIONS; asked once, right after open
 * @region_read, @region_write: bounds have been checked
 * @dma_map, @dma_unmap: enter a map into a space, remove it
 * @irq_count:   vectors of a kind
 * @irq_set:     vectors @start to @start + @count - 1 signal @eventfds from now on (-1: nothing);
 *               @count 0 switches the whole kind off
 * @reset:       function-level reset; -EOPNOTSUPP needs no message
 *
 * Calls of open, close, region_info and dma_* are serialised by the library.
 */
struct vfio_backend {
	const char *prefix;
	int (*open)(struct vfio_device *dev, const char *name);
	void (*close)(struct vfio_device *dev);
	int (*region_info)(struct vfio_device *dev, uint32_t index, struct vfio_region *region);
	int (*region_read)(struct vfio_device *dev, uint32_t index, uint64_t offset, void *data,
			   size_t size);
	int (*region_write)(struct vfio_device *dev, uint32_t index, uint64_t offset,
			    const void *data, size_t size);
	int (*dma_map)(struct vfio_space *space, const struct dma_map *map);
	int (*dma_unmap)(struct vfio_space *space, const struct dma_map *map);
	int (*irq_count)(struct vfio_device *dev, uint32_t index);
	int (*irq_set)(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
		       const int *eventfds);
	int (*reset)(struct vfio_device *dev);
};

/**
 * vfio_backend_add() - make vfio_open() know another kind of address
 * @backend: kept by reference for the rest of the process; needs a prefix
 *
 * Return: 0, -EINVAL (no prefix), or -ENOSPC (eight have been added already).
 */
int vfio_backend_add(const struct vfio_backend *backend);

#endif
