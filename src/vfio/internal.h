/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libixy-vfio know of each other, and what nearly all of them include. */
#ifndef VFIO_INTERNAL_H
#define VFIO_INTERNAL_H

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ixy/log.h>
#include <ixy/vfio_backend.h>

extern pthread_mutex_t vfio_lock; /* devices coming and going, spaces, maps */
extern const struct vfio_backend vfio_kernel, vfio_user;

#ifdef IXY_SMALL /* the build without backends.c, explain.c, caps.c and spaces.c */
#define vfio_backend_for(name)	     (&vfio_kernel)
#define vfio_explain(pci, what, err) ixy_fail(err, "%s: %s: %s", pci, what, strerror(err))
#define vfio_get_areas(bar, info)    /* all or nothing */
#define dma_join(dev)		     ((dev)->space->users++, 0)
#define dma_reaches(mem)	     ((mem)->iova + (mem)->size <= 0xfee00000) /* nearly all IOMMUs */
#define dma_tell_spaces(map, add)    vfio_kernel.dma(NULL, map, add)
#else
/* backends.c: who serves *@name; moves *@name past the prefix. */
const struct vfio_backend *vfio_backend_for(const char **name);

/*
 * explain.c: log what is the matter with PCI function @pci and what to do about it, after @what (a
 * file, a request) failed with @err. Return: -@err, or a better error.
 */
int vfio_explain(const char *pci, const char *what, int err);

/* caps.c: which parts of a BAR may be mapped, if not all of it. */
void vfio_get_areas(struct vfio_bar *bar, const struct vfio_region_info *info);

/* caps.c: what the space of @dev can translate, as far as that is known. */
void vfio_get_ranges(struct vfio_device *dev);

/*
 * spaces.c: a device joins its space, which gets all maps if it is new; can all spaces translate
 * this; add a map to all spaces (or none) or take it out (of as many as possible).
 */
int dma_join(struct vfio_device *dev);
bool dma_reaches(const struct dma_memory *mem);
int dma_tell_spaces(struct dma_map *map, bool add);
#endif

/*
 * dma.c, both under vfio_lock. dma_add() chooses an I/O virtual address, enters @map into every
 * space, and owns it: an error frees it. dma_remove() undoes that.
 */
extern LIST_HEAD(dma_maps, dma_map) dma_maps;
int dma_add(struct dma_map *map, struct dma_memory *mem);
int dma_remove(const void *virt);

#endif
