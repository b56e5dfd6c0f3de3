/* SPDX-License-Identifier: BSD-2-Clause */
/* DMA memory: pages in files of their own, at an I/O virtual address that is the same for all. */
#include <linux/memfd.h>

#include "internal.h"

/*
 * I/O addresses are multiples of 2 MiB, which satisfies every IOMMU and lets it use large pages, and
 * have at most the 39 bits that small IOMMUs translate. 0, which is in every zeroed descriptor, is
 * never used. Memory that has its physical address comes with that.
 */
#define HUGE_PAGE ((size_t)2 << 20)

static bool overlaps(const struct dma_memory *mem)
{
	for (const struct dma_map *map = dma_maps; map; map = map->next)
		if (mem->iova < map->mem.iova + map->mem.size &&
		    map->mem.iova < mem->iova + mem->size)
			return true;
	return !mem->iova;
}

static int destroy(struct dma_map *map, int err)
{
	if (map->allocated)
		munmap(map->mem.virt, map->mem.size);
	close(map->fd);
	free(map);
	return err;
}

int dma_add(struct dma_map *map, struct dma_memory *mem)
{
	for (; overlaps(&map->mem) || !dma_reaches(map); map->mem.iova += HUGE_PAGE)
		if (map->mem.iova >> 39 || map->physical)
			return destroy(map, ixy_fail(ENOSPC, "no I/O addresses are left"));
	map->next = dma_maps;
	dma_maps = map;
	int err = dma_tell_spaces(map, true);
	if (err) {
		dma_maps = map->next;
		return destroy(map, err);
	}
	*mem = map->mem;
	return 0;
}

int dma_remove(const void *virt)
{
	struct dma_map **at = &dma_maps, *map;

	while ((map = *at) && map->mem.virt != virt)
		at = &map->next;
	int err = map ? dma_tell_spaces(map, false) : -ENOENT;
	if (err) /* a device may still write there: neither memory nor address are used again */
		return err;
	*at = map->next;
	return destroy(map, 0);
}

/* In a file, sealed: a vfio-user server that cuts it short would kill us with SIGBUS. */
static struct dma_map *get_memory(size_t size, size_t page, unsigned int flags)
{
	struct dma_map *map = dma_may_try(size, page) ? calloc(1, sizeof(*map)) : NULL;

	if (!map)
		return NULL;
	map->mem.size = (size + page - 1) & -page;
	map->fd = memfd_create("ixy-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	if (map->fd >= 0 && !ftruncate(map->fd, map->mem.size) &&
	    !fcntl(map->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		map->mem.virt = mmap(NULL, map->mem.size, PROT_READ | PROT_WRITE,
				     MAP_SHARED | MAP_POPULATE, map->fd, 0);
	map->allocated = map->mem.virt && map->mem.virt != MAP_FAILED;
	if (map->allocated && dma_has_pages(map, page)) /* MAP_POPULATE does not tell */
		return map;
	errno = destroy(map, errno);
	return NULL;
}

int vfio_dma_alloc(struct dma_memory *mem, size_t size)
{
	struct dma_map *map =
		dma_is_physical() ? dma_get_physical(size)
				  : get_memory(size, HUGE_PAGE, MFD_HUGETLB | MFD_HUGE_2MB)
					    ?: get_memory(size, sysconf(_SC_PAGESIZE), 0);

	if (!map)
		return ixy_fail(errno, "cannot allocate %zu bytes for DMA: %s", size, dma_why());
	pthread_mutex_lock(&vfio_lock);
	int err = dma_add(map, mem);
	pthread_mutex_unlock(&vfio_lock);
	return err;
}

void vfio_dma_free(struct dma_memory *mem)
{
	pthread_mutex_lock(&vfio_lock);
	dma_remove(mem->virt);
	pthread_mutex_unlock(&vfio_lock);
	*mem = (struct dma_memory){ 0 };
}
