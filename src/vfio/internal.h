/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libixy-vfio know of each other. */
#pragma once
#include "../common.h"
#include <features/vfio.h>

extern pthread_mutex_t vfio_lock;	      /* devices coming and going, spaces, maps */
extern const struct vfio_backend vfio_kernel; /* kernel.c */
extern struct dma_map *dma_maps;	      /* dma.c: a list of all that there are */
