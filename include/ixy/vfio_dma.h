/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA to memory that the program has already; vfio_dma_alloc() in ixy/vfio.h makes new memory. */
#pragma once
#include <sys/types.h>

#include <ixy/vfio.h>

/**
 * vfio_dma_map() - let all devices reach memory that the caller already has
 * @mem:    @mem->virt and @mem->size are given, both aligned to the page size; @mem->iova is filled
 *          in
 * @fd:     the file behind the memory (memfd, hugetlbfs), or -1 if there is none. Devices behind
 *          vfio-user need it.
 * @offset: of @mem->virt in @fd
 *
 * Neither memory nor @fd change hands: keep the memory until vfio_dma_unmap(); @fd may be closed at
 * once.
 *
 * Return: 0, -EINVAL (alignment, size 0), -EEXIST (overlaps an earlier map), -EOPNOTSUPP (no @fd
 * and a device needs one, or a device is without an IOMMU), or as vfio_dma_alloc().
 */
IXY_API int vfio_dma_map(struct dma_memory *mem, int fd, off_t offset);

/** vfio_dma_unmap() - end vfio_dma_map(). Return: 0, -ENOENT (not mapped), or another error. */
IXY_API int vfio_dma_unmap(struct dma_memory *mem);
