/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Are there pages for DMA memory? Several things lead to none although the machine has some: limits
 * of cgroups, cpusets, sandboxes that refuse system calls. What is not noticed here ends the program
 * by a signal later, when it touches the memory.
 */
#include <sys/resource.h>
#include <sys/vfs.h>

#include "../internal.h"
#include "sysfs.h"

#define HUGE_PAGE  ((size_t)2 << 20)
#define HUGE_PAGES "kernel/mm/hugepages/hugepages-2048kB/"

bool dma_take_page(int fd, size_t at, size_t page)
{
	/* Alone, so that a program that gets many signals gets on all the same. */
	while (fallocate(fd, 0, at, page))
		if (errno != EINTR)
			return false;
	return true;
}

/*
 * Huge pages are charged to several limits, which are checked when a page is touched: a process over
 * one of them gets SIGBUS. Normal pages are limited by memory alone, and there the OOM killer strikes,
 * however we ask.
 */
bool dma_has_pages(const struct dma_map *map, size_t page)
{
	for (size_t at = 0; page >= HUGE_PAGE && at < map->mem.size; at += page)
		if (!dma_take_page(map->fd, at, page))
			return false;
	return true;
}

static bool is_refused(void)
{
	return errno == EPERM || errno == EACCES || errno == ENOSYS;
}

static size_t read_huge_pages(const char *file)
{
	char text[SYSFS_NAME];

	return sysfs_read(text, HUGE_PAGES "%s", file) ? strtoull(text, NULL, 10) : 0;
}

static bool warned_before(void)
{
	static bool told;

	return __atomic_exchange_n(&told, true, __ATOMIC_RELAXED);
}

/* After huge pages could not be had, for the reason in errno, although there are some. */
static void warn_of_normal_pages(size_t size)
{
	const size_t wanted = size / HUGE_PAGE + !!(size % HUGE_PAGE);

	if (read_huge_pages("free_hugepages") < wanted + read_huge_pages("resv_hugepages") ||
	    warned_before())
		return;
	ixy_log(IXY_WARN,
		"DMA memory is in normal pages, which costs speed: there are huge pages, but %s "
		"(%s)",
		is_refused()
			? "a system call for them is refused, by a sandbox (seccomp)? It should "
			  "allow memfd_create and fallocate"
			: "this program may not have them; look at hugetlb.2MB.max and "
			  "hugetlb.2MB.rsvd.max of its cgroup, and cpuset.mems",
		strerror(errno));
}

bool dma_may_try(size_t size, size_t page)
{
	struct rlimit file = { .rlim_cur = RLIM_INFINITY };

	getrlimit(RLIMIT_FSIZE, &file);
	if (!size)
		errno = EINVAL;
	else if (size / sysconf(_SC_PAGESIZE) >= (size_t)sysconf(_SC_PHYS_PAGES))
		errno = ENOMEM;
	else if (((size + HUGE_PAGE - 1) & -HUGE_PAGE) > file.rlim_cur)
		errno = EFBIG; /* our memory is a file: ftruncate() would raise SIGXFSZ */
	else {
		if (page < HUGE_PAGE)
			warn_of_normal_pages(size);
		return true;
	}
	return false;
}

void dma_check_pages(const struct dma_map *map)
{
	struct statfs fs;

	if (fstatfs(map->fd, &fs) || (size_t)fs.f_bsize >= HUGE_PAGE || warned_before())
		return;
	ixy_log(IXY_WARN,
		"no free huge pages of 2 MiB, using normal ones: that works, but the IOMMU is "
		"slower; to reserve some: echo 256 | sudo tee /proc/sys/vm/nr_hugepages");
}

const char *dma_why(void)
{
	switch (errno) {
	case ENOMEM:
		return "not enough memory; fewer or smaller buffers need less";
	case EFBIG:
		return "memory is in files, and their size is limited: ulimit -f unlimited";
	case EMFILE:
		return "too many open files; raise the limit with ulimit -n";
	case EAGAIN: /* mmap(2): after mlockall() */
		return "the program locks all of its memory, and may not lock so much; raise the "
		       "limit with ulimit -l";
	default:
		return is_refused() ? "a system call is refused, by a sandbox (seccomp)? It has to "
				      "allow memfd_create, ftruncate, fcntl and mmap"
				    : strerror(errno);
	}
}
