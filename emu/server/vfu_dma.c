/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's memory: which I/O virtual addresses the card may reach, and where those bytes are in
 * this process.
 *
 * A mapping is a range of addresses; a backing is a file of the client, mapped here as a whole the
 * first time that a mapping needs it and unmapped with the last one. So mappings can be cut at any
 * VFU_PAGE, also where pages of this machine are larger or huge; and a guest that maps and unmaps
 * its memory page by page costs no system calls here.
 *
 * The file remains the client's: it may truncate it at any time, and an access to what is no longer
 * there raises SIGBUS. The handler below puts zeros in the place of the lost backing and hangs up
 * on its client.
 */
#include "vfu_internal.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

struct vfu_mapping {
	uint64_t first, last; /* I/O virtual addresses, both included */
	uint8_t *host;	      /* of first; NULL: no memory that we can reach */
	bool writable;
	struct vfu_backing *backing;
};

struct vfu_backing {
	dev_t device; /* which file */
	ino_t inode;
	uint64_t offset, size; /* the part of it that is mapped */
	uint8_t *memory;
	int protection;
	uint32_t mappings; /* that use it */
	struct vfu_backing *next;
};

/*
 * All tables of the process, and a lock for this list and the lists of backings: the handler of
 * SIGBUS reads them, in whatever thread the card of one of them runs. No client memory is touched
 * under the lock, so the handler never waits for its own thread.
 */
static struct vfu_dma *tables;
static atomic_flag tables_lock = ATOMIC_FLAG_INIT;
static struct sigaction previous_sigbus;

static void lock_tables(void)
{
	while (atomic_flag_test_and_set_explicit(&tables_lock, memory_order_acquire))
		;
}

static void unlock_tables(void)
{
	atomic_flag_clear_explicit(&tables_lock, memory_order_release);
}

static bool replace_backing(const uint8_t *address)
{
	for (struct vfu_dma *dma = tables; dma; dma = dma->next) {
		for (struct vfu_backing *b = dma->backings; b; b = b->next) {
			if (address < b->memory || address >= b->memory + b->size)
				continue;
			if (mmap(b->memory, b->size, b->protection,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED, -1,
				 0) == MAP_FAILED)
				return false;
			b->inode = 0; /* no later mapping may share it */
			/* vfu_serve() will find the end of the stream. */
			shutdown(dma->client, SHUT_RDWR);
			return true;
		}
	}
	return false;
}

static void handle_sigbus(int signal, siginfo_t *info, void *context)
{
	int saved_errno = errno;
	bool ours = false;

	(void)context;
	/* A signal sent by kill() (si_code <= 0) may arrive while this thread holds the lock. */
	if (info->si_code > 0) {
		lock_tables();
		ours = replace_backing(info->si_addr);
		unlock_tables();
	}
	/* Not ours: the access is repeated and meets the previous handler. */
	if (!ours)
		sigaction(signal, &previous_sigbus, NULL);
	errno = saved_errno;
}

void vfu_dma_init(struct vfu_dma *dma)
{
	struct sigaction action = { .sa_sigaction = handle_sigbus, .sa_flags = SA_SIGINFO };
	struct sigaction present;

	sigemptyset(&action.sa_mask);
	dma->client = -1;
	lock_tables();
	dma->next = tables;
	tables = dma;
	if (sigaction(SIGBUS, NULL, &present) == 0 &&
	    (!(present.sa_flags & SA_SIGINFO) || present.sa_sigaction != handle_sigbus)) {
		previous_sigbus = present;
		sigaction(SIGBUS, &action, NULL);
	}
	unlock_tables();
}

void vfu_dma_destroy(struct vfu_dma *dma)
{
	vfu_dma_unmap_all(dma);
	lock_tables();
	for (struct vfu_dma **link = &tables; *link; link = &(*link)->next) {
		if (*link == dma) {
			*link = dma->next;
			break;
		}
	}
	unlock_tables();
	free(dma->mappings);
	dma->mappings = NULL;
	dma->capacity = 0;
}

static void release_backing(struct vfu_dma *dma, struct vfu_backing *backing)
{
	if (!backing || --backing->mappings)
		return;
	lock_tables();
	for (struct vfu_backing **link = &dma->backings; *link; link = &(*link)->next) {
		if (*link == backing) {
			*link = backing->next;
			break;
		}
	}
	unlock_tables();
	munmap(backing->memory, backing->size);
	free(backing);
}

/* Maps [offset, offset + size) of the file, or more. */
static int open_backing(struct vfu_dma *dma, int fd, uint64_t offset, uint64_t size, bool writable,
			struct vfu_backing **backing)
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	struct stat file;

	if (fstat(fd, &file) < 0)
		return -errno;
	if (!S_ISREG(file.st_mode) || file.st_size < 0 || offset > (uint64_t)file.st_size ||
	    size > (uint64_t)file.st_size - offset)
		return -EINVAL;

	struct vfu_backing wanted = {
		.device = file.st_dev,
		.inode = file.st_ino,
		.offset = 0,
		.size = file.st_size,
		.protection = writable ? PROT_READ | PROT_WRITE : PROT_READ,
	};

	for (struct vfu_backing *b = dma->backings; b; b = b->next) {
		if (b->device == wanted.device && b->inode == wanted.inode &&
		    b->protection == wanted.protection && offset >= b->offset &&
		    offset - b->offset <= b->size && size <= b->size - (offset - b->offset)) {
			*backing = b;
			return 0;
		}
	}

	/* All of the file if possible; it may be larger than our address space. */
	wanted.memory =
		mmap(NULL, wanted.size, wanted.protection, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (wanted.memory == MAP_FAILED) {
		wanted.offset = offset - offset % page;
		wanted.size = size + offset % page;
		wanted.memory = mmap(NULL, wanted.size, wanted.protection,
				     MAP_SHARED | MAP_NORESERVE, fd, (off_t)wanted.offset);
		if (wanted.memory == MAP_FAILED)
			return -errno;
	}

	struct vfu_backing *new = malloc(sizeof(*new));

	if (!new) {
		munmap(wanted.memory, wanted.size);
		return -ENOMEM;
	}
	*new = wanted;
	lock_tables();
	new->next = dma->backings;
	dma->backings = new;
	unlock_tables();
	*backing = new;
	return 0;
}

/* Index of the first mapping that ends at @iova or behind. */
static uint32_t find_mapping(const struct vfu_dma *dma, uint64_t iova)
{
	uint32_t low = 0, high = dma->count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (dma->mappings[middle].last < iova)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Makes room at @index for one more. */
static int insert(struct vfu_dma *dma, uint32_t index)
{
	if (dma->count == VFU_MAX_MAPS)
		return -ENOSPC;
	if (dma->count == dma->capacity) {
		uint32_t capacity = dma->capacity ? dma->capacity * 2 : 16;
		struct vfu_mapping *more =
			realloc(dma->mappings, capacity * sizeof(*dma->mappings));

		if (!more)
			return -ENOMEM;
		dma->mappings = more;
		dma->capacity = capacity;
	}
	memmove(&dma->mappings[index + 1], &dma->mappings[index],
		(dma->count - index) * sizeof(*dma->mappings));
	dma->count++;
	return 0;
}

static bool valid_range(uint64_t iova, uint64_t size)
{
	return size && iova % VFU_PAGE == 0 && size % VFU_PAGE == 0 && iova + (size - 1) >= iova;
}

int vfu_dma_map(struct vfu_dma *dma, const struct vfu_dma_map *map, int fd)
{
	struct vfu_mapping new = {
		.first = map->iova,
		.last = map->iova + (map->size - 1),
		.writable = map->flags & VFU_DMA_WRITE,
	};
	uint32_t index = find_mapping(dma, new.first);

	if (!valid_range(map->iova, map->size) || map->offset % VFU_PAGE ||
	    !(map->flags & (VFU_DMA_READ | VFU_DMA_WRITE)))
		return -EINVAL;
	if (map->flags &
	    ~(VFU_DMA_READ | VFU_DMA_WRITE | (fd >= 0 ? VFU_DMA_MMAP | VFU_DMA_FILE_IO : 0)))
		return -EINVAL;
	if (index < dma->count && dma->mappings[index].first <= new.last)
		return -EEXIST;
	int err = insert(dma, index);

	if (err)
		return err;
	if (fd >= 0) {
		err = open_backing(dma, fd, map->offset, map->size, new.writable, &new.backing);
		if (err) {
			dma->count--;
			memmove(&dma->mappings[index], &dma->mappings[index + 1],
				(dma->count - index) * sizeof(*dma->mappings));
			return err;
		}
		new.backing->mappings++;
		new.host = new.backing->memory + (map->offset - new.backing->offset);
	}
	dma->mappings[index] = new;
	return 0;
}

/* Cuts off what lies before @first. */
static void advance(struct vfu_mapping *mapping, uint64_t first)
{
	if (mapping->host)
		mapping->host += first - mapping->first;
	mapping->first = first;
}

int vfu_dma_unmap(struct vfu_dma *dma, uint64_t iova, uint64_t size, bool *changed)
{
	uint64_t last = iova + (size - 1);
	uint32_t begin = find_mapping(dma, iova), end;

	*changed = false;
	if (!valid_range(iova, size))
		return -EINVAL;
	if (begin == dma->count || dma->mappings[begin].first > last)
		return 0;
	*changed = true;

	/* A hole in the middle of a mapping: it becomes two. */
	if (dma->mappings[begin].first < iova && dma->mappings[begin].last > last) {
		int err = insert(dma, begin);

		if (err)
			return err;
		dma->mappings[begin] = dma->mappings[begin + 1];
		dma->mappings[begin].last = iova - 1;
		advance(&dma->mappings[begin + 1], last + 1);
		if (dma->mappings[begin].backing)
			dma->mappings[begin].backing->mappings++;
		return 0;
	}

	if (dma->mappings[begin].first < iova)
		dma->mappings[begin++].last = iova - 1;
	for (end = begin; end < dma->count && dma->mappings[end].last <= last; end++)
		release_backing(dma, dma->mappings[end].backing);
	if (end < dma->count && dma->mappings[end].first <= last)
		advance(&dma->mappings[end], last + 1);
	memmove(&dma->mappings[begin], &dma->mappings[end],
		(dma->count - end) * sizeof(*dma->mappings));
	dma->count -= end - begin;
	return 0;
}

void vfu_dma_unmap_all(struct vfu_dma *dma)
{
	for (uint32_t i = 0; i < dma->count; i++)
		release_backing(dma, dma->mappings[i].backing);
	dma->count = 0;
}

bool vfu_dma_window(const struct vfu_dma *dma, uint64_t iova, struct nic_window *window)
{
	uint32_t index = find_mapping(dma, iova);

	if (index == dma->count)
		return false;
	const struct vfu_mapping *mapping = &dma->mappings[index];

	if (mapping->first > iova || !mapping->host)
		return false;
	*window = (struct nic_window){
		.iova = mapping->first,
		.size = mapping->last - mapping->first + 1,
		.host = mapping->host,
		.writable = mapping->writable,
	};
	return true;
}
