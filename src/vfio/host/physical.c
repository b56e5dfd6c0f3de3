/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DMA memory for cards without an IOMMU: they see physical addresses. A block of DMA memory is
 * contiguous in I/O addresses, so it has to be in physical memory, and must stay where it is. Huge
 * pages do: they are neither swapped nor compacted, and NUMA balancing leaves them alone. What remains are
 * orders of root to move memory: to take memory modules or pages off line, move_pages(2) and
 * migrate_pages(2), and allocations from a CMA area that contains our pages. DPDK relies on the same.
 * Linux: Documentation/mm/page_migration.rst, Documentation/admin-guide/mm/pagemap.rst.
 */
#define _GNU_SOURCE /* memfd_create(), fallocate() */
#include <linux/memfd.h>

#include "../internal.h"
#include "physical.h"
#include "sysfs.h"

#define PRESENT	     ((uint64_t)1 << 63)       /* of an entry in pagemap */
#define FRAME_NUMBER (((uint64_t)1 << 55) - 1) /* 0 unless the reader is root */
#define TRIES	     5

static int compare_pages(const void *a, const void *b)
{
	const uint64_t x = ((const struct huge_page *)a)->physical;
	const uint64_t y = ((const struct huge_page *)b)->physical;

	return x < y ? -1 : x > y;
}

struct huge_page *find_run(struct huge_page *pages, size_t count, size_t wanted)
{
	size_t run = 0;

	qsort(pages, count, sizeof(*pages), compare_pages);
	for (size_t i = 0; i < count; i++) {
		run = run && pages[i].physical == pages[i - 1].physical + HUGE_PAGE ? run + 1 : 1;
		if (run == wanted)
			return pages + i + 1 - wanted;
	}
	return NULL;
}

static int huge_file(unsigned int flags)
{
	return memfd_create("ixy-dma", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB | flags);
}

static bool give_page(int fd, size_t index)
{
	return !fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, index * HUGE_PAGE,
			  HUGE_PAGE);
}

static void *map_pages(int fd, size_t count)
{
	return mmap(NULL, count * HUGE_PAGE, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE | MAP_NORESERVE, fd, 0);
}

/* Where @count pages from @virt on are. Return: 0 or -errno. */
static int locate(struct huge_page *pages, const uint8_t *virt, size_t count)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	int err = 0, fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < count && !err; i++) {
		uint64_t entry = 0;
		const off_t at = (uintptr_t)(virt + i * HUGE_PAGE) / page * sizeof(entry);
		if (pread(fd, &entry, sizeof(entry), at) != sizeof(entry) || !(entry & PRESENT))
			err = -EIO;
		else if (!(entry & FRAME_NUMBER))
			err = -EPERM;
		pages[i] = (struct huge_page){ (entry & FRAME_NUMBER) * page, i };
	}
	close(fd);
	return err;
}

/*
 * Move the pages of @run from file @from to a new one, in order: what has been given back last is what
 * the kernel hands out next. That it was so is checked, as others take pages, too.
 */
static int move_run(struct dma_map *map, int from, const struct huge_page *run, size_t count)
{
	struct huge_page *now = calloc(count, sizeof(*now));
	bool good = now;

	map->fd = huge_file(MFD_ALLOW_SEALING);
	for (size_t i = 0; i < count && good; i++)
		good = give_page(from, run[i].index) &&
		       dma_take_page(map->fd, i * HUGE_PAGE, HUGE_PAGE);
	map->mem = (struct dma_memory){ good ? map_pages(map->fd, count) : MAP_FAILED,
					run->physical, count * HUGE_PAGE };
	good = good && map->mem.virt != MAP_FAILED && !locate(now, map->mem.virt, count);
	for (size_t i = 0; i < count && good; i++)
		good = now[i].physical == run[i].physical;
	free(now);
	/* A vfio-user server that cuts it short would kill us with SIGBUS. */
	if (good && !fcntl(map->fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL))
		return 0;
	if (map->mem.virt != MAP_FAILED)
		munmap(map->mem.virt, map->mem.size);
	close(map->fd);
	return -EAGAIN;
}

/*
 * Take ever more pages until @wanted of them follow each other; all that are not needed go back.
 * Return: 0; -ENOMEM: there are only *@have; -ENOSPC: they do not follow each other; or another error.
 */
static int find_memory(struct dma_map *map, size_t wanted, size_t *have)
{
	struct huge_page *pages = NULL, *run = NULL;
	int err = 0, fd = huge_file(0);

	if (fd < 0)
		return -errno;
	*have = 0;
	for (size_t target = wanted; !err && !run; target *= 2) {
		while (*have < target && dma_take_page(fd, *have * HUGE_PAGE, HUGE_PAGE))
			++*have;
		if (*have < wanted) {
			err = -ENOMEM;
			break;
		}
		free(pages);
		pages = calloc(*have, sizeof(*pages));
		void *virt = pages ? map_pages(fd, *have) : MAP_FAILED;
		err = virt == MAP_FAILED ? -errno : locate(pages, virt, *have);
		if (virt != MAP_FAILED)
			munmap(virt, *have * HUGE_PAGE);
		run = err ? NULL : find_run(pages, *have, wanted);
		if (!err && !run && *have < target)
			err = -ENOSPC;
	}
	if (run)
		err = move_run(map, fd, run, wanted);
	free(pages);
	close(fd);
	return err;
}

struct dma_map *dma_get_physical(size_t size)
{
	struct dma_map *map = calloc(1, sizeof(*map));
	const size_t wanted = size / HUGE_PAGE + !!(size % HUGE_PAGE);
	size_t have = 0;
	int err = !map ? -ENOMEM : wanted ? -EAGAIN : -EINVAL;

	for (int i = 0; err == -EAGAIN && i < TRIES; i++)
		err = find_memory(map, wanted, &have);
	if (!err) {
		map->allocated = map->physical = true;
		return map;
	}
	free(map);
	if (err == -ENOMEM && wanted)
		ixy_log(IXY_ERROR,
			"without an IOMMU, DMA memory has to be in huge pages: %zu of 2 MiB are "
			"needed, %zu free; " MORE_HUGE_PAGES,
			wanted, have);
	else if (err == -ENOSPC)
		ixy_log(IXY_ERROR,
			"without an IOMMU, DMA memory has to be contiguous: no %zu of the %zu free "
			"huge pages follow each other; reserve them at boot: hugepages=%zu on the "
			"kernel's command line",
			wanted, have, 4 * wanted);
	else if (err == -EPERM)
		ixy_log(IXY_ERROR, "the kernel shows physical addresses only to root, with "
				   "CAP_SYS_ADMIN");
	errno = -err;
	return NULL;
}
