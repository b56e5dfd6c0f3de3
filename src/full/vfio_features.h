/* SPDX-License-Identifier: BSD-2-Clause */
/* What vfio.c, dma.c and kernel.c find in the files that the smallest build leaves out. */
#pragma once

/* backends.c, under vfio_lock: the backend for *@name; moves *@name past the prefix, or to the name that
 * the kernel has for a PCI function. */
const struct vfio_backend *vfio_backend_for(const char **name);

/*
 * address.c, under vfio_lock. vfio_pci_name(): the PCI function that @address names, as the kernel
 * writes it, or @address if it names none. vfio_kernel_name(): what VFIO_GROUP_GET_DEVICE_FD takes,
 * @pci and the token of @dev's address (Linux: vfio_pci_core_match).
 */
const char *vfio_pci_name(const char *address);
const char *vfio_kernel_name(const struct vfio_device *dev, const char *pci);

extern const struct vfio_backend vfio_user;	  /* vfio_user.c */
extern const struct vfio_backend vfio_vhost_user; /* vhost_user.c */
extern const struct vfio_backend vfio_sysfs;	  /* sysfs.c */

/*
 * explain.c: log what is the matter with PCI function @pci and what to do about it, after @what (a
 * file, a request) failed with @err. Return: -@err, or a better error.
 */
int vfio_explain(const char *pci, const char *what, int err);

/* irq.c: disarm all. */
void vfio_irq_release(struct vfio_device *dev);

/*
 * caps.c. vfio_map_bar(): address space for a BAR; vfio_map_areas() lays the parts over it that can
 * be mapped. vfio_get_ranges(): what the space of @dev translates.
 */
#define vfio_map_bar(size, fd, offset)                                                             \
	mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0)
void vfio_map_areas(struct vfio_bar *bar, const struct vfio_region_info *info, int fd);
void vfio_get_ranges(struct vfio_device *dev);

/*
 * spaces.c, under vfio_lock. dma_join(), dma_leave(): @dev is a user of its space, which gets all
 * maps if it is new. dma_reaches(): can all spaces translate its addresses? dma_tell_spaces(): add a
 * map to all spaces (or none), or take it out (of as many as possible).
 */
int dma_join(struct vfio_device *dev);
void dma_leave(struct vfio_device *dev);
bool dma_reaches(const struct dma_map *map);
int dma_tell_spaces(struct dma_map *map, bool add);

/*
 * Where a device is without an IOMMU, it sees physical addresses. spaces.c: is there such a device?
 * physical.c: memory that is contiguous for it; NULL and errno if there is none, explained.
 */
bool dma_is_physical(void);
struct dma_map *dma_get_physical(size_t size);

/*
 * pages.c. dma_may_try(): may we ask for so much memory, or is it certain to fail or to be fatal? If
 * not, errno says why. Warns if normal pages are asked for although there are huge ones.
 * dma_check_pages(): warn if @map is in normal pages. dma_has_pages(): do all of @map's pages exist?
 * dma_why(): errno, in words. dma_take_page(): allocate a page of a file; unlike a touch, that can
 * fail.
 */
bool dma_may_try(size_t size, size_t page);
void dma_check_pages(const struct dma_map *map);
bool dma_has_pages(const struct dma_map *map, size_t page);
const char *dma_why(void);
bool dma_take_page(int fd, size_t at, size_t page);

/*
 * dma.c, for dma_user.c, under vfio_lock. dma_add() chooses an I/O virtual address, enters @map into
 * every space, and owns it: an error frees it. dma_remove() undoes that.
 */
int dma_add(struct dma_map *map, struct dma_memory *mem);
int dma_remove(const void *virt);
