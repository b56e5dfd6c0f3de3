/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA to memory that the program brings along. */
#include <ixy/vfio_dma.h>

#include "internal.h"

static bool is_mapped(const uint8_t *virt, size_t size)
{
	const struct dma_map *map;

	for (map = dma_maps; map; map = map->next) {
		const uint8_t *start = map->mem.virt;
		if (virt < start + map->mem.size && start < virt + size)
			return true;
	}
	return false;
}

int vfio_dma_map(struct dma_memory *mem, int fd, off_t offset)
{
	const uintptr_t page = sysconf(_SC_PAGESIZE), virt = (uintptr_t)mem->virt;
	struct dma_map *map;
	int err;

	if (!virt || !mem->size || (virt | mem->size | (fd < 0 ? 0 : offset)) % page ||
	    offset < 0 || virt + mem->size < virt)
		return ixy_fail(EINVAL, "%p, %zu bytes: not a range of whole pages", mem->virt,
				mem->size);

	if (dma_is_physical())
		return ixy_fail(EOPNOTSUPP,
				"%p, %zu bytes: a device without an IOMMU reaches only memory of "
				"vfio_dma_alloc()",
				mem->virt, mem->size);

	map = malloc(sizeof(*map));
	if (!map)
		return ixy_fail(ENOMEM, "cannot map %zu bytes: out of memory", mem->size);
	*map = (struct dma_map){ .mem = { mem->virt, 0, mem->size }, .fd = -1, .offset = offset };
	if (fd >= 0) {
		map->fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (map->fd < 0) {
			err = ixy_fail(errno, "cannot keep file %d: %s", fd, strerror(errno));
			free(map);
			return err;
		}
	}

	pthread_mutex_lock(&vfio_lock);
	if (is_mapped(mem->virt, mem->size)) {
		err = ixy_fail(EEXIST, "%p, %zu bytes: overlaps DMA memory", mem->virt, mem->size);
		if (map->fd >= 0)
			close(map->fd);
		free(map);
	} else {
		err = dma_add(map, mem);
	}
	pthread_mutex_unlock(&vfio_lock);
	return err;
}

int vfio_dma_unmap(struct dma_memory *mem)
{
	pthread_mutex_lock(&vfio_lock);
	int err = dma_remove(mem->virt);
	pthread_mutex_unlock(&vfio_lock);
	return err;
}
