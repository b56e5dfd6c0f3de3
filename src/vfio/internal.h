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

extern pthread_mutex_t vfio_lock;	      /* devices coming and going, spaces, maps */
extern const struct vfio_backend vfio_kernel; /* kernel.c */

#ifdef IXY_SMALL /* the build without backends.c, explain.c, caps.c and spaces.c */
#define vfio_backend_for(name)	     (&vfio_kernel)
#define vfio_explain(pci, what, err) ixy_fail(err, "%s: %s: %s", pci, what, strerror(err))
#define vfio_get_areas(bar, info)    /* all or nothing */
#define dma_join(dev)		     ((dev)->space->users++, 0)
#define dma_leave(dev)		     (dev)->space->users--
#define dma_reaches(mem)	     ((mem)->iova + (mem)->size <= 0xfee00000) /* nearly all IOMMUs */
#define dma_tell_spaces(map, add)    vfio_kernel.dma(NULL, map, add)
#else
#include "features.h"
#endif

extern LIST_HEAD(dma_maps, dma_map) dma_maps; /* dma.c: all that there are */

#endif
