/* SPDX-License-Identifier: BSD-2-Clause */
/* What all files of libixy-vfio share; see internal.h. */
#include "internal.h"

pthread_mutex_t vfio_lock = PTHREAD_MUTEX_INITIALIZER;
struct dma_map *dma_maps;
