/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O address spaces of all open devices: each gets all maps, at the same addresses. */
#include "internal.h"

static struct vfio_space *spaces;

static bool space_reaches(const struct vfio_space *space, const struct dma_map *map)
{
	const struct dma_memory *mem = &map->mem;

	if (space->physical && !map->physical)
		return false;
	for (uint32_t i = 0; i < space->range_count; i++)
		if (mem->iova >= space->ranges[i].start && mem->iova <= space->ranges[i].end &&
		    mem->size - 1 <= space->ranges[i].end - mem->iova)
			return true;
	return false;
}

bool dma_reaches(const struct dma_map *map)
{
	for (const struct vfio_space *space = spaces; space; space = space->next)
		if (!space_reaches(space, map))
			return false;
	return true;
}

bool dma_is_physical(void)
{
	struct vfio_space *space;

	pthread_mutex_lock(&vfio_lock);
	for (space = spaces; space && !space->physical;)
		space = space->next;
	pthread_mutex_unlock(&vfio_lock);
	return space;
}

static int space_add(struct vfio_space *space, const struct dma_map *map)
{
	int err = space->backend->dma(space, map, true);

	if (!err && map->allocated && space->backend == &vfio_kernel)
		dma_check_pages(map); /* its IOMMU is slower with normal ones */
	return err;
}

int dma_join(struct vfio_device *dev)
{
	struct vfio_space *space = dev->space;

	vfio_get_ranges(dev);
	for (const struct dma_map *map = dma_maps; map; map = map->next) {
		if (!space_reaches(space, map))
			return ixy_fail(ENOSPC,
					"%s: cannot reach the DMA memory at 0x%llx; open this "
					"device before the others",
					dev->address, (unsigned long long)map->mem.iova);
		int err = space->users ? 0 : space_add(space, map);
		if (err)
			return err;
	}
	if (!space->users++) {
		space->next = spaces;
		spaces = space;
	}
	return 0;
}

void dma_leave(struct vfio_device *dev)
{
	struct vfio_space **at = &spaces;

	if (--dev->space->users)
		return;
	while (*at != dev->space)
		at = &(*at)->next;
	*at = dev->space->next;
}

int dma_tell_spaces(struct dma_map *map, bool add)
{
	int err = 0;

	for (struct vfio_space *space = spaces; space; space = space->next) {
		if (!add) {
			int failed = space->backend->dma(space, map, false);
			err = failed ? failed : err;
			continue;
		}
		err = space_add(space, map);
		if (!err)
			continue;
		for (struct vfio_space *undo = spaces; undo != space; undo = undo->next)
			undo->backend->dma(undo, map, false);
		return err;
	}
	return err;
}
