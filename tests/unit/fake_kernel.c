/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_kernel.h"

#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/stat.h>

#include <ixy/log.h>

struct kernel kernel;
char last_message[512];
uint32_t messages[4];
static char root[64];

int __real_open(const char *path, int flags, ...);
int __real_close(int fd);
int __real_fcntl(int fd, int command, ...);
int __real_ioctl(int fd, unsigned long request, ...);
ssize_t __real_readlink(const char *path, char *target, size_t size);
int __real_stat(const char *path, struct stat *file);
DIR *__real_opendir(const char *path);

int __wrap_open(const char *path, int flags, ...);
int __wrap_close(int fd);
int __wrap_fcntl(int fd, int command, ...);
int __wrap_ioctl(int fd, unsigned long request, ...);
ssize_t __wrap_readlink(const char *path, char *target, size_t size);
int __wrap_stat(const char *path, struct stat *file);
DIR *__wrap_opendir(const char *path);

static int fail(int err)
{
	errno = err;
	return -1;
}

/* ---- Files ---- */

static const char *inside(char moved[PATH_MAX], const char *path)
{
	if (!root[0] || (strncmp(path, "/sys/", 5) && strncmp(path, "/dev/vfio/", 10) &&
			 strcmp(path, "/proc/interrupts")))
		return path;
	snprintf(moved, PATH_MAX, "%s%s", root, path);
	return moved;
}

/* Of the file itself, so that duplicates of a file descriptor are recognised. */
static uint64_t inode_of(int fd)
{
	struct stat file;

	return fd >= 0 && !fstat(fd, &file) ? file.st_ino : 0;
}

static struct kernel_group *group_of(int fd)
{
	const uint64_t inode = inode_of(fd);

	for (int i = 0; i < KERNEL_GROUPS; i++)
		if (inode && kernel.groups[i].inode == inode)
			return &kernel.groups[i];
	return NULL;
}

static struct kernel_device *device_of(int fd)
{
	const uint64_t inode = inode_of(fd);

	for (int i = 0; i < KERNEL_DEVICES; i++)
		if (inode && kernel.devices[i].inode == inode)
			return &kernel.devices[i];
	return NULL;
}

static bool is_container(int fd)
{
	return inode_of(fd) && inode_of(fd) == kernel.container_inode;
}

static void container_reset(void)
{
	kernel.iommu = false;
	kernel.map_count = 0;
}

static void detach(struct kernel_group *group)
{
	group->attached = false;
	for (int i = 0; i < KERNEL_GROUPS; i++)
		if (kernel.groups[i].attached)
			return;
	container_reset(); /* the last group takes the IOMMU's type along */
}

int __wrap_open(const char *path, int flags, ...)
{
	char moved[PATH_MAX];
	int number, fd;

	if (sscanf(path, "/dev/vfio/%d", &number) == 1) {
		if (kernel.open_error) {
			errno = kernel.open_error;
			return -1;
		}
		fd = __real_open(inside(moved, path), flags, 0);
		for (int i = 0; i < KERNEL_GROUPS && fd >= 0; i++) {
			struct kernel_group *group = &kernel.groups[i];
			if (group->number != number)
				continue;
			if (group->files) {
				__real_close(fd);
				errno = EBUSY;
				return -1;
			}
			group->inode = inode_of(fd);
			group->files = 1;
			group->opened++;
		}
		return fd;
	}
	if (kernel.container_error && !strcmp(path, "/dev/vfio/vfio"))
		return fail(kernel.container_error);
	fd = __real_open(inside(moved, path), flags, 0);
	if (fd >= 0 && !strcmp(path, "/dev/vfio/vfio")) {
		kernel.container_inode = inode_of(fd);
		kernel.container_files++;
		kernel.container_opened++;
	}
	return fd;
}

int __wrap_close(int fd)
{
	struct kernel_group *group = group_of(fd);
	struct kernel_device *device = device_of(fd);

	if (device)
		device->files--;
	if (group && --group->files == 0) {
		for (int i = 0; i < KERNEL_DEVICES; i++)
			if (kernel.devices[i].group == group && kernel.devices[i].files)
				kernel.order_errors++;
		detach(group);
	}
	if (is_container(fd) && --kernel.container_files == 0)
		container_reset();
	return __real_close(fd);
}

int __wrap_fcntl(int fd, int command, ...)
{
	va_list args;

	va_start(args, command);
	int argument = va_arg(args, int);
	va_end(args);
	struct kernel_group *group = group_of(fd);
	int result = __real_fcntl(fd, command, argument);
	if (group && command == F_DUPFD_CLOEXEC && result >= 0)
		group->files++;
	return result;
}

ssize_t __wrap_readlink(const char *path, char *target, size_t size)
{
	char moved[PATH_MAX];

	return __real_readlink(inside(moved, path), target, size);
}

int __wrap_stat(const char *path, struct stat *file)
{
	char moved[PATH_MAX];

	return __real_stat(inside(moved, path), file);
}

DIR *__wrap_opendir(const char *path)
{
	char moved[PATH_MAX];

	return __real_opendir(inside(moved, path));
}

/* ---- Requests ---- */

static int group_request(struct kernel_group *group, unsigned long request, void *argument)
{
	if (request == VFIO_GROUP_GET_STATUS) {
		struct vfio_group_status *status = argument;
		status->flags = (group->viable ? VFIO_GROUP_FLAGS_VIABLE : 0) |
				(group->attached ? VFIO_GROUP_FLAGS_CONTAINER_SET : 0);
		return status->argsz == sizeof(*status) ? 0 : fail(EINVAL);
	}
	if (request == VFIO_GROUP_SET_CONTAINER) {
		int fd = *(int *)argument;
		if (!is_container(fd))
			return fail(EBADF);
		if (group->attached || !group->viable) {
			kernel.order_errors++;
			return fail(EINVAL);
		}
		group->attached = true;
		return 0;
	}
	if (request == VFIO_GROUP_GET_DEVICE_FD) {
		for (int i = 0; i < KERNEL_DEVICES; i++) {
			struct kernel_device *device = &kernel.devices[i];
			const char *name = argument;
			const size_t length = strlen(device->pci);
			if (device->group != group || strncmp(device->pci, name, length))
				continue;
			if (kernel.device_error)
				return fail(kernel.device_error);
			if (!kernel.token ? name[length]
					  : strncmp(name + length, " vf_token=", 10) ||
						    strcmp(name + length + 10, kernel.token))
				return fail(EACCES);
			if (!group->attached || !kernel.iommu) {
				kernel.order_errors++;
				return fail(EINVAL);
			}
			char path[PATH_MAX];
			snprintf(path, sizeof(path), "%s/device%d", root, i);
			int fd = __real_open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
			if (ftruncate(fd, CONFIG_OFFSET + 4096))
				return -1;
			device->inode = inode_of(fd);
			device->files++;
			return fd;
		}
		return fail(ENODEV);
	}
	return fail(ENOTTY);
}

static int dma_map(const struct vfio_iommu_type1_dma_map *map)
{
	const uint64_t last = map->iova + map->size - 1;
	uint64_t pinned = map->size;

	if (!kernel.iommu)
		kernel.order_errors++;
	if (!kernel.iommu || map->argsz != sizeof(*map) ||
	    map->flags != (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE) ||
	    (map->iova | map->size | map->vaddr) % 4096 || !map->size || last > kernel.last_iova ||
	    (last >= 0xfee00000 && map->iova < 0xfef00000))
		return fail(EINVAL);
	for (uint32_t i = 0; i < kernel.map_count; i++) {
		pinned += kernel.maps[i].size;
		if (map->iova < kernel.maps[i].iova + kernel.maps[i].size &&
		    kernel.maps[i].iova <= last)
			return fail(EEXIST);
	}
	if (pinned > kernel.memlock)
		return fail(ENOMEM);
	if (kernel.map_count == KERNEL_MAPS)
		return fail(ENOSPC);
	kernel.maps[kernel.map_count++] = *map;
	return 0;
}

static int dma_unmap(struct vfio_iommu_type1_dma_unmap *unmap)
{
	kernel.last_unmap = *unmap;
	if (!kernel.iommu || unmap->argsz != sizeof(*unmap) || unmap->flags)
		return fail(EINVAL);
	for (uint32_t i = 0; i < kernel.map_count; i++) {
		if (kernel.maps[i].iova != unmap->iova || kernel.maps[i].size != unmap->size)
			continue;
		unmap->size -= kernel.unmap_short_by;
		if (!kernel.unmap_short_by)
			kernel.maps[i] = kernel.maps[--kernel.map_count];
		return 0;
	}
	unmap->size = 0; /* success, says Linux */
	return 0;
}

static int iommu_info(struct vfio_iommu_type1_info *info)
{
	struct {
		struct vfio_info_cap_header header;
		uint32_t count, reserved;
		struct vfio_iova_range ranges[2];
	} cap = {
		.header = { .id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1 },
		.count = 2,
		.ranges = { { 0, 0xfee00000 - 1 }, { 0xfef00000, kernel.last_iova } },
	};
	const uint32_t size = sizeof(*info) + sizeof(cap);

	info->flags = VFIO_IOMMU_INFO_PGSIZES;
	info->iova_pgsizes = 4096;
	if (kernel.old)
		return 0;
	info->flags |= VFIO_IOMMU_INFO_CAPS;
	if (info->argsz >= size) {
		info->cap_offset = sizeof(*info);
		memcpy(info + 1, &cap, sizeof(cap));
	}
	info->argsz = size;
	return 0;
}

static int container_request(unsigned long request, void *argument)
{
	switch (request) {
	case VFIO_SET_IOMMU: {
		bool attached = false;
		for (int i = 0; i < KERNEL_GROUPS; i++)
			attached |= kernel.groups[i].attached;
		if (!attached || kernel.iommu || (uintptr_t)argument != VFIO_TYPE1v2_IOMMU) {
			kernel.order_errors++;
			return fail(EINVAL);
		}
		if (kernel.iommu_error)
			return fail(kernel.iommu_error);
		kernel.iommu = true;
		return 0;
	}
	case VFIO_IOMMU_GET_INFO:
		return iommu_info(argument);
	case VFIO_IOMMU_MAP_DMA:
		return dma_map(argument);
	case VFIO_IOMMU_UNMAP_DMA:
		return dma_unmap(argument);
	default:
		return fail(ENOTTY);
	}
}

static int region_info(struct vfio_region_info *info)
{
	const uint32_t all = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	struct {
		struct vfio_info_cap_header header;
		uint32_t count, reserved;
		struct vfio_region_sparse_mmap_area areas[1];
	} cap = {
		.header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1 },
		.count = 1,
		.areas = { { 0x10000, 0x10000 } },
	};

	info->flags = all;
	info->size = info->offset = 0;
	if (info->index == VFIO_PCI_CONFIG_REGION_INDEX) {
		info->size = 256;
		info->offset = CONFIG_OFFSET;
	} else if (info->index == VFIO_PCI_BAR0_REGION_INDEX) {
		info->size = BAR0_SIZE;
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
		if (kernel.sparse) {
			info->flags |= VFIO_REGION_INFO_FLAG_CAPS;
			if (info->argsz >= sizeof(*info) + sizeof(cap)) {
				info->cap_offset = sizeof(*info);
				memcpy(info + 1, &cap, sizeof(cap));
			}
			info->argsz = sizeof(*info) + sizeof(cap);
		}
	} else if (info->index >= VFIO_PCI_NUM_REGIONS) {
		return fail(EINVAL);
	}
	return 0;
}

static int set_irqs(struct kernel_device *device, const struct vfio_irq_set *set)
{
	device->irqs.flags = set->flags;
	device->irqs.index = set->index;
	device->irqs.start = set->start;
	device->irqs.count = set->count;
	if (set->count > 16 ||
	    set->argsz != sizeof(*set) + set->count * sizeof(int) *
						 !!(set->flags & VFIO_IRQ_SET_DATA_EVENTFD))
		return fail(EINVAL);
	memcpy(device->irqs.fds, set->data, set->argsz - sizeof(*set));
	return 0;
}

static int device_request(struct kernel_device *device, unsigned long request, void *argument)
{
	struct vfio_irq_info *irq = argument;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return region_info(argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		if (irq->index == VFIO_PCI_ERR_IRQ_INDEX && !device->express)
			return fail(EINVAL);
		irq->count = irq->index == VFIO_PCI_MSIX_IRQ_INDEX  ? 8
			     : irq->index == VFIO_PCI_MSI_IRQ_INDEX ? 1
			     : irq->index == VFIO_PCI_REQ_IRQ_INDEX ? 1
			     : irq->index == VFIO_PCI_ERR_IRQ_INDEX ? 1
								    : 0;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return set_irqs(device, argument);
	case VFIO_DEVICE_RESET:
		if (!device->can_reset)
			return fail(EINVAL);
		device->resets++;
		return 0;
	default:
		return fail(ENOTTY);
	}
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	va_list args;

	va_start(args, request);
	void *argument = va_arg(args, void *);
	va_end(args);
	if (group_of(fd))
		return group_request(group_of(fd), request, argument);
	if (device_of(fd))
		return device_request(device_of(fd), request, argument);
	if (is_container(fd))
		return container_request(request, argument);
	return __real_ioctl(fd, request, argument);
}

/* ---- The folder ---- */

/* Not by the shell: there are dozens of files for each test. Return: where @path is. */
static const char *make_place(char moved[PATH_MAX], const char *path)
{
	inside(moved, path);
	for (char *slash = moved + strlen(root) + 1; (slash = strchr(slash, '/')); slash++) {
		*slash = '\0';
		if (mkdir(moved, 0755) && errno != EEXIST)
			abort();
		*slash = '/';
	}
	return moved;
}

void kernel_make_link(const char *path, const char *target)
{
	char moved[PATH_MAX];

	make_place(moved, path);
	if ((unlink(moved) && errno != ENOENT) || symlink(target, moved))
		abort();
}

void kernel_write(const char *path, const char *text)
{
	char moved[PATH_MAX];
	FILE *file = fopen(make_place(moved, path), "w");

	if (!file || fputs(text, file) == EOF || fclose(file))
		abort();
}

void kernel_make_file(const char *path)
{
	kernel_write(path, "\n");
}

void kernel_remove(const char *path)
{
	char command[PATH_MAX];

	snprintf(command, sizeof(command), "rm -r %s%s", root, path);
	if (system(command))
		abort();
}

#ifdef IXY_SMALL
/* It has no log hook. */
void warnx(const char *format, ...)
{
	va_list args;

	messages[IXY_ERROR]++;
	va_start(args, format);
	vsnprintf(last_message, sizeof(last_message), format, args);
	va_end(args);
}
#else
static void remember(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)ctx;
	messages[level]++;
	if (level == IXY_ERROR)
		snprintf(last_message, sizeof(last_message), "%s", line);
}
#endif

int kernel_boot(void **state)
{
	static const char *const names[] = { "0000:01:00.0", "0000:02:00.0", "0000:03:00.0",
					     "0000:03:00.1", "0000:03:00.2", "10000:e1:00.0" };
	static const int numbers[] = { 11, 12, 13 };
	char path[128], target[128];

	(void)state;
	memset(&kernel, 0, sizeof(kernel));
	memset(messages, 0, sizeof(messages));
	last_message[0] = '\0';
	snprintf(root, sizeof(root), "/tmp/ixy-kernel-test.XXXXXX");
	if (!mkdtemp(root))
		return -1;
	kernel.last_iova = ((uint64_t)1 << 39) - 1;
	kernel.memlock = UINT64_MAX;
	kernel_make_file("/dev/vfio/vfio");
	for (int i = 0; i < KERNEL_GROUPS; i++) {
		kernel.groups[i].number = numbers[i];
		kernel.groups[i].viable = true;
		snprintf(path, sizeof(path), "/dev/vfio/%d", numbers[i]);
		kernel_make_file(path);
	}
	for (int i = 0; i < KERNEL_DEVICES; i++) {
		struct kernel_device *device = &kernel.devices[i];
		device->pci = names[i];
		device->group = &kernel.groups[i < 2 ? i : 2];
		device->can_reset = true;
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", names[i]);
		snprintf(target, sizeof(target), "../../../kernel/iommu_groups/%d",
			 device->group->number);
		kernel_make_link(path, target);
		snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", names[i]);
		kernel_make_link(path, "../../../../bus/pci/drivers/vfio-pci");
		snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%d/devices/%s",
			 device->group->number, names[i]);
		kernel_make_link(path, names[i]);
	}
#ifndef IXY_SMALL
	ixy_log_to(remember, NULL);
#endif
	return 0;
}

int kernel_shutdown(void **state)
{
	char command[128];

	(void)state;
	snprintf(command, sizeof(command), "rm -r %s", root);
	root[0] = '\0';
	return system(command);
}
