/* SPDX-License-Identifier: BSD-2-Clause */
/* The I/O address spaces of all open devices: each gets all maps, at the same addresses. */
#include <sys/vfs.h>

#include "internal.h"

#define HUGE_PAGE (2 << 20)

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

/* Normal pages do as well, but once somebody is slowed down by them, he should know why. */
static void check_pages(const struct vfio_space *space, const struct dma_map *map)
{
	static bool told;
	struct statfs fs;

	if (told || !map->allocated || space->backend != &vfio_kernel || fstatfs(map->fd, &fs) ||
	    fs.f_bsize >= HUGE_PAGE)
		return;
	ixy_log(IXY_WARN,
		"no free huge pages of 2 MiB, using normal ones: that works, but the IOMMU is "
		"slower; to reserve some: echo 256 | sudo tee /proc/sys/vm/nr_hugepages");
	told = true;
}

static int space_add(struct vfio_space *space, const struct dma_map *map)
{
	int err = space->backend->dma(space, map, true);

	if (!err)
		check_pages(space, map);
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
