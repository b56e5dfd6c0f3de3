/* SPDX-License-Identifier: BSD-2-Clause */
/* What the files of libixy-vfio know of each other. */
#pragma once
#include <ixy/vfio_backend.h>

#include "../common.h"
#include <vfio_features.h>

extern pthread_mutex_t vfio_lock;	      /* protects opening and closing, spaces, maps */
extern struct dma_map *dma_maps;	      /* all DMA memory of the process */
extern const struct vfio_backend vfio_kernel; /* kernel/kernel.c */
