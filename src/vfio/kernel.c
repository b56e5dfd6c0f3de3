/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind the kernel's VFIO. A PCI function belongs to an IOMMU group (/dev/vfio/N), which
 * is opened once for all its functions; all groups sit in the process's one container, which is
 * the I/O address space. Linux: Documentation/driver-api/vfio.rst.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/resource.h>

#include "internal.h"

#define CONTAINER "/dev/vfio/vfio"

struct group {
	struct group *next;
	char path[64];
	int fd;
	uint32_t users;
};

union info { /* room for the capabilities behind the structure */
	struct vfio_region_info region;
	struct vfio_iommu_type1_info iommu;
	uint8_t bytes[4096];
};

static struct vfio_space *container;
static struct group *groups;
static uint64_t pinned; /* bytes */

static int iommu_info(const char *pci)
{
	union info info = { .iommu.argsz = sizeof(info) };

	if (ioctl(container->fd, VFIO_IOMMU_GET_INFO, &info))
		return vfio_explain(pci, CONTAINER, errno);
	container->page_size = sysconf(_SC_PAGESIZE);
	if (info.iommu.flags & VFIO_IOMMU_INFO_PGSIZES)
		container->page_size = info.iommu.iova_pgsizes & -info.iommu.iova_pgsizes;

	/* Kernels before 5.4 do not tell; vfio.c knows what to assume. */
	int count = -1;
	if (info.iommu.flags & VFIO_IOMMU_INFO_CAPS)
		count = vfio_info_pairs(&info, sizeof(info), info.iommu.cap_offset,
					VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, container->ranges,
					VFIO_MAX_RANGES);
	container->range_count = count < 0 ? 0 : count;
	return 0;
}

static void container_put(void)
{
	if (groups || !container)
		return;
	if (container->fd >= 0)
		close(container->fd);
	free(container);
	container = NULL;
	pinned = 0;
}

/* The type of IOMMU can be set when the first group is in, and is lost with the last one. */
static int container_add(const char *pci, struct group *group)
{
	bool first = !container;

	if (first) {
		container = calloc(1, sizeof(*container));
		if (!container)
			return ixy_fail(ENOMEM, "%s: out of memory", pci);
		container->iommu = true;
		container->fd = open(CONTAINER, O_RDWR | O_CLOEXEC);
		if (container->fd < 0)
			return vfio_explain(pci, CONTAINER, errno);
	}
	if (ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &container->fd))
		return vfio_explain(pci, group->path, errno);
	if (first && ioctl(container->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return vfio_explain(pci, CONTAINER, errno);
	return iommu_info(pci);
}

static void group_put(struct group *group)
{
	struct group **at = &groups;

	if (--group->users)
		return;
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	if (group->fd >= 0)
		close(group->fd);
	free(group);
	container_put();
}

static int group_get(struct group **out, const char *pci, const char *number)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	struct group *group;
	char path[sizeof(group->path)];
	int err;

	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	for (group = groups; group; group = group->next) {
		if (!strcmp(group->path, path)) {
			group->users++;
			*out = group;
			return 0;
		}
	}

	*out = group = calloc(1, sizeof(*group));
	if (!group)
		return ixy_fail(ENOMEM, "%s: out of memory", pci);
	memcpy(group->path, path, sizeof(path));
	group->users = 1;
	group->next = groups;
	groups = group;
	group->fd = open(path, O_RDWR | O_CLOEXEC);
	if (group->fd < 0 || ioctl(group->fd, VFIO_GROUP_GET_STATUS, &status))
		err = vfio_explain(pci, path, errno);
	else if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		err = vfio_explain(pci, path, EPERM);
	else
		err = container_add(pci, group);
	if (err)
		group_put(group);
	return err;
}

static int kernel_open(struct vfio_device *dev, const char *name)
{
	unsigned int domain, bus, slot, function;
	char pci[40], path[80], link[PATH_MAX];
	struct group *group;
	int end = 0;

	if (sscanf(name, "%x:%x:%x.%x%n", &domain, &bus, &slot, &function, &end) != 4 || name[end])
		return ixy_fail(EINVAL, "%s: not an address; like 0000:03:00.0 or vfio-user:PATH",
				name);
	snprintf(pci, sizeof(pci), "%04x:%02x:%02x.%x", domain, bus, slot, function);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", pci);
	ssize_t length = readlink(path, link, sizeof(link) - 1);
	if (length < 0)
		return vfio_explain(pci, path, errno);
	link[length] = '\0';

	int err = group_get(&group, pci, strrchr(link, '/') + 1);
	if (err)
		return err;
	dev->fd = ioctl(group->fd, VFIO_GROUP_GET_DEVICE_FD, pci);
	if (dev->fd < 0) {
		err = vfio_explain(pci, group->path, errno);
		group_put(group);
		return err;
	}
	dev->priv = group;
	dev->space = container;
	return 0;
}

static void kernel_close(struct vfio_device *dev)
{
	close(dev->fd); /* a group with open devices cannot leave its container */
	group_put(dev->priv);
}

static int kernel_region_info(struct vfio_device *dev, uint32_t index, struct vfio_region *region)
{
	union info info = { .region = { .argsz = sizeof(info), .index = index } };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return ixy_fail(errno, "%s: region %u: %s", dev->address, index, strerror(errno));
	vfio_parse_region(region, &info, sizeof(info));
	region->fd = dev->fd;
	return 0;
}

static int transferred(ssize_t done, size_t size)
{
	return done < 0 ? -errno : (size_t)done == size ? 0 : -EIO;
}

static int kernel_region_read(struct vfio_device *dev, uint32_t index, uint64_t offset, void *data,
			      size_t size)
{
	return transferred(pread(dev->fd, data, size, dev->regions[index].fd_offset + offset),
			   size);
}

static int kernel_region_write(struct vfio_device *dev, uint32_t index, uint64_t offset,
			       const void *data, size_t size)
{
	return transferred(pwrite(dev->fd, data, size, dev->regions[index].fd_offset + offset),
			   size);
}

static int kernel_dma_map(struct vfio_space *space, const struct dma_map *map)
{
	struct vfio_iommu_type1_dma_map request = {
		.argsz = sizeof(request),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)map->virt,
		.iova = map->iova,
		.size = map->size,
	};
	struct rlimit limit = { 0 };

	if (!ioctl(space->fd, VFIO_IOMMU_MAP_DMA, &request)) {
		pinned += map->size;
		return 0;
	}
	int err = errno;
	getrlimit(RLIMIT_MEMLOCK, &limit);
	if (err == ENOMEM && limit.rlim_cur < pinned + map->size)
		return ixy_fail(
			err,
			"DMA needs %llu bytes of locked memory and the limit is %llu: raise it "
			"(ulimit -l %llu, /etc/security/limits.conf)",
			(unsigned long long)(pinned + map->size),
			(unsigned long long)limit.rlim_cur,
			(unsigned long long)(pinned + map->size + 1023) / 1024);
	return ixy_fail(err, "cannot map %zu bytes for DMA at 0x%llx: %s", map->size,
			(unsigned long long)map->iova, strerror(err));
}

static int kernel_dma_unmap(struct vfio_space *space, const struct dma_map *map)
{
	struct vfio_iommu_type1_dma_unmap request = {
		.argsz = sizeof(request),
		.iova = map->iova,
		.size = map->size,
	};
	int err = ioctl(space->fd, VFIO_IOMMU_UNMAP_DMA, &request) ? errno : 0;

	/* The kernel also calls it a success to have unmapped nothing. */
	if (err || request.size != map->size)
		return ixy_fail(err ? err : EIO, "unmapped %llu of %zu bytes of DMA at 0x%llx",
				(unsigned long long)request.size, map->size,
				(unsigned long long)map->iova);
	pinned -= map->size;
	return 0;
}

static int kernel_irq_count(struct vfio_device *dev, uint32_t index)
{
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };

	return ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) ? -errno : (int)info.count;
}

static int kernel_irq_set(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
			  const int *eventfds)
{
	struct vfio_irq_set *set = calloc(1, sizeof(*set) + count * sizeof(int));

	if (!set)
		return -ENOMEM;
	set->argsz = sizeof(*set) + count * sizeof(int);
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->start = start;
	set->count = count;
	for (uint32_t i = 0; i < count; i++)
		memcpy(set->data + i * sizeof(int), &eventfds[i], sizeof(int));
	int done = ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set);
	int err = done < 0 ? -errno : done ? -ENOSPC : 0; /* done > 0: that many would do */
	free(set);
	return err;
}

static int kernel_reset(struct vfio_device *dev)
{
	struct vfio_device_info info = { .argsz = sizeof(info) };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info))
		return -errno;
	if (!(info.flags & VFIO_DEVICE_FLAGS_RESET))
		return -EOPNOTSUPP;
	return ioctl(dev->fd, VFIO_DEVICE_RESET) ? -errno : 0;
}

const struct vfio_backend vfio_kernel = {
	.open = kernel_open,
	.close = kernel_close,
	.region_info = kernel_region_info,
	.region_read = kernel_region_read,
	.region_write = kernel_region_write,
	.dma_map = kernel_dma_map,
	.dma_unmap = kernel_dma_unmap,
	.irq_count = kernel_irq_count,
	.irq_set = kernel_irq_set,
	.reset = kernel_reset,
};

#ifdef IXY_SMALL /* the only backend there is, and errors without advice */
const struct vfio_backend *vfio_backend_for(const char **name)
{
	(void)name;
	return &vfio_kernel;
}

int vfio_explain(const char *pci, const char *file, int err)
{
	return ixy_fail(err, "%s: %s: %s", pci, file, strerror(err));
}
#endif
