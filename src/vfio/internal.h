/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libixy-vfio know of each other. */
#ifndef VFIO_INTERNAL_H
#define VFIO_INTERNAL_H

#include <pthread.h>

#include <ixy/log.h>
#include <ixy/vfio_backend.h>

extern pthread_mutex_t vfio_lock; /* devices coming and going, spaces, maps */

/* kernel.c, vfio_user.c */
extern const struct vfio_backend vfio_kernel, vfio_user;

/* backends.c: who serves *@name; moves *@name past the prefix. */
const struct vfio_backend *vfio_backend_for(const char **name);

/*
 * explain.c: log what is the matter with PCI function @pci and what to do about it, after using
 * @file failed with @err; return -@err, or a better error.
 */
int vfio_explain(const char *pci, const char *file, int err);

/* vfio.c: parse @size bytes of a reply to VFIO_DEVICE_GET_REGION_INFO, capabilities included. */
void vfio_parse_region(struct vfio_region *region, const void *reply, size_t size);
int vfio_info_pairs(const void *info, size_t size, uint32_t offset, uint16_t id, void *pairs,
		    uint32_t max);

/*
 * dma.c, all under vfio_lock. dma_add() chooses an I/O virtual address, enters @map into every space
 * and owns it: an error frees it. dma_remove() undoes that.
 */
int dma_join(struct vfio_device *dev);
void dma_leave(struct vfio_space *space);
int dma_add(struct dma_map *map, struct dma_memory *mem);
int dma_remove(const void *virt, bool allocated);
extern struct dma_map *dma_maps;

#endif
