/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA memory. The process has one list of maps and one list of I/O address spaces; each map is in
 * each space at the same I/O virtual address.
 */
#define _GNU_SOURCE /* memfd_create() */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <linux/memfd.h>

#include "internal.h"

#define MIB	    ((uint64_t)1 << 20)
#define HUGE_PAGE   (2 * MIB)
#define LOWEST_IOVA MIB /* so that 0, which is in every zeroed descriptor, is never valid */
#define NOWHERE	    UINT64_MAX

struct dma_map *dma_maps;
static struct vfio_space *spaces;

/* The lowest address from @iova on at which @space can translate @size bytes, or NOWHERE. */
static uint64_t fit_space(const struct vfio_space *space, uint64_t iova, size_t size)
{
	uint64_t best = NOWHERE;

	for (uint32_t i = 0; i < space->range_count; i++) {
		uint64_t first = space->ranges[i].first, last = space->ranges[i].last;
		if (first < iova)
			first = iova;
		if (first <= last && size - 1 <= last - first && first < best)
			best = first;
	}
	return best;
}

/* The lowest free address that every space can translate, or NOWHERE. */
static uint64_t choose_iova(const struct dma_map *map)
{
	/* As well aligned as the memory is: then the IOMMU can use its large pages, too. */
	uint64_t align = (uintptr_t)map->virt & -(uintptr_t)map->virt;
	uint64_t iova = LOWEST_IOVA, start;

	align = align < HUGE_PAGE ? align : HUGE_PAGE;
	for (struct vfio_space *space = spaces; space; space = space->next)
		align = align > space->page_size ? align : space->page_size;
	do {
		start = iova = (iova + align - 1) & -align;
		for (struct vfio_space *space = spaces; space; space = space->next)
			iova = fit_space(space, iova, map->size);
		for (struct dma_map *m = dma_maps; m && iova != NOWHERE; m = m->next)
			if (iova < m->iova + m->size && m->iova < iova + map->size)
				iova = m->iova + m->size;
	} while (iova != start && iova != NOWHERE);
	return iova;
}

int dma_join(struct vfio_device *dev)
{
	struct vfio_space *space = dev->space;

	if (!space->range_count) { /* 39 bits, without the window of x86's interrupts */
		space->ranges[0].last = 0xfee00000 - 1;
		space->ranges[1].first = 0xfef00000;
		space->ranges[1].last = ((uint64_t)1 << 39) - 1;
		space->range_count = 2;
	}
	for (struct dma_map *map = dma_maps; map; map = map->next) {
		if (fit_space(space, map->iova, map->size) != map->iova)
			return ixy_fail(ENOSPC,
					"%s: cannot reach DMA memory at 0x%llx; open this device "
					"before the others",
					dev->address, (unsigned long long)map->iova);
		int err = space->users ? 0 : dev->backend->dma_map(space, map);
		if (err)
			return err;
	}
	if (!space->users++) {
		space->backend = dev->backend;
		space->next = spaces;
		spaces = space;
	}
	return 0;
}

void dma_leave(struct vfio_space *space)
{
	struct vfio_space **at = &spaces;

	if (--space->users)
		return;
	while (*at != space)
		at = &(*at)->next;
	*at = space->next;
}

static void destroy(struct dma_map *map)
{
	if (map->allocated)
		munmap(map->virt, map->size);
	if (map->fd >= 0)
		close(map->fd);
	free(map);
}

int dma_add(struct dma_map *map, struct dma_memory *mem)
{
	struct dma_map **at = &dma_maps;
	int err = 0;

	map->iova = choose_iova(map);
	if (map->iova == NOWHERE)
		err = ixy_fail(ENOSPC, "no room for %zu bytes of DMA memory in the devices' range",
			       map->size);
	for (struct vfio_space *space = spaces; space && !err; space = space->next) {
		err = space->backend->dma_map(space, map);
		for (struct vfio_space *undo = spaces; err && undo != space; undo = undo->next)
			undo->backend->dma_unmap(undo, map);
	}
	if (err) {
		destroy(map);
		return err;
	}
	while (*at && (*at)->iova < map->iova)
		at = &(*at)->next;
	map->next = *at;
	*at = map;
	*mem = (struct dma_memory){ map->virt, map->iova, map->size };
	return 0;
}

int dma_remove(const void *virt, bool allocated)
{
	struct dma_map **at = &dma_maps, *map;
	int err = 0;

	while (*at && ((*at)->virt != virt || (*at)->allocated != allocated))
		at = &(*at)->next;
	map = *at;
	if (!map)
		return ixy_fail(ENOENT, "%p: not DMA memory", virt);
	for (struct vfio_space *space = spaces; space; space = space->next) {
		int failed = space->backend->dma_unmap(space, map);
		err = failed ? failed : err;
	}
	if (err) /* some device may still write there: neither memory nor address are used again */
		return err;
	*at = map->next;
	destroy(map);
	return 0;
}

static int get_memory(struct dma_map *map, size_t size, unsigned int flags, size_t page)
{
	map->size = (size + page - 1) & -page;
	map->fd = memfd_create("ixy-dma", MFD_CLOEXEC | MFD_ALLOW_SEALING | flags);
	if (map->fd < 0)
		return -errno;

	/* Sealed: a vfio-user server that cut the file short would kill us with SIGBUS. */
	if (!ftruncate(map->fd, map->size) &&
	    !fcntl(map->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)) {
		map->virt = mmap(NULL, map->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE,
				 map->fd, 0);
		map->allocated = map->virt != MAP_FAILED;
	}
	return map->allocated ? 0 : -errno;
}

/* Normal pages do as well, but once somebody is slowed down by them, he should know why. */
static void tell_no_huge_pages(void)
{
	static bool told;
	bool matters = false;

	for (struct vfio_space *space = spaces; space; space = space->next)
		matters |= space->iommu;
	ixy_log(matters && !told ? IXY_WARN : IXY_DEBUG,
		"no free 2 MiB huge pages, using normal ones: works, but slower behind an IOMMU; "
		"to "
		"reserve some: echo 256 | sudo tee /proc/sys/vm/nr_hugepages");
	told |= matters;
}

int vfio_dma_alloc(struct dma_memory *mem, size_t size)
{
	struct dma_map *map = size && size < PTRDIFF_MAX ? calloc(1, sizeof(*map)) : NULL;

	if (!map)
		return ixy_fail(size ? ENOMEM : EINVAL, "cannot allocate %zu bytes", size);
	pthread_mutex_lock(&vfio_lock);
	int err = get_memory(map, size, MFD_HUGETLB | MFD_HUGE_2MB, HUGE_PAGE);
	if (err) {
		tell_no_huge_pages();
		close(map->fd);
		err = get_memory(map, size, 0, sysconf(_SC_PAGESIZE));
	}
	if (err) {
		ixy_fail(-err, "cannot allocate %zu bytes: %s", size, strerror(-err));
		destroy(map);
	} else {
		err = dma_add(map, mem);
	}
	pthread_mutex_unlock(&vfio_lock);
	return err;
}

void vfio_dma_free(struct dma_memory *mem)
{
	pthread_mutex_lock(&vfio_lock);
	if (mem->virt)
		dma_remove(mem->virt, true);
	pthread_mutex_unlock(&vfio_lock);
	*mem = (struct dma_memory){ 0 };
}
