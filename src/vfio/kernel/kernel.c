/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind the kernel's VFIO. A PCI function belongs to an IOMMU group (/dev/vfio/N). The
 * groups of all our devices are put into one container, whose address space they share then.
 * Linux: Documentation/driver-api/vfio.rst.
 */
#include "../internal.h"

static struct vfio_space container = { .backend = &vfio_kernel };
static int container_fd; /* open while the container has users */
static struct vfio_device *devices;

static int kernel_open(struct vfio_device *dev, const char *pci)
{
	struct vfio_group_status status = { .argsz = sizeof(status) };
	char path[128], link[256] = ""; /* readlink() does not end the string */

	dev->fd = dev->group_fd = -1;
	dev->space = &container;
	if (!container.users)
		container_fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	dev->next = devices;
	devices = dev;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", pci);
	if (readlink(path, link, sizeof(link) - 1) < 0)
		return vfio_explain(pci, path, errno);

	/* The file of a group can be opened only once: our devices in the group share it. */
	dev->group = atoi(strrchr(link, '/') + 1);
	snprintf(path, sizeof(path), "/dev/vfio/%d", dev->group);
	for (struct vfio_device *other = devices; other; other = other->next)
		if (other->group == dev->group && dev->group_fd < 0)
			dev->group_fd = fcntl(other->group_fd, F_DUPFD_CLOEXEC, 0);
	if (dev->group_fd < 0)
		dev->group_fd = open(path, O_RDWR | O_CLOEXEC);
	if (dev->group_fd < 0 || ioctl(dev->group_fd, VFIO_GROUP_GET_STATUS, &status))
		return vfio_explain(pci, path, errno);
	if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE))
		return vfio_explain(pci, "VFIO_GROUP_FLAGS_VIABLE", EBUSY);

	if (!(status.flags & VFIO_GROUP_FLAGS_CONTAINER_SET) &&
	    ioctl(dev->group_fd, VFIO_GROUP_SET_CONTAINER, &container_fd))
		return vfio_explain(pci, "/dev/vfio/vfio", errno);
	/* The type of IOMMU can be set when the first group is in, and is lost with the last one. */
	if (!container.users && ioctl(container_fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return vfio_explain(pci, "VFIO_SET_IOMMU", errno);
	dev->fd = ioctl(dev->group_fd, VFIO_GROUP_GET_DEVICE_FD, vfio_kernel_name(dev, pci));
	return dev->fd < 0 ? vfio_explain(pci, "VFIO_GROUP_GET_DEVICE_FD", errno) : 0;
}

static void kernel_close(struct vfio_device *dev)
{
	struct vfio_device **at = &devices;

	while (*at != dev)
		at = &(*at)->next;
	*at = dev->next;
	close(dev->fd); /* first: a group with open devices cannot leave its container */
	close(dev->group_fd);
	if (!container.users)
		close(container_fd);
}

static int kernel_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	const int fd = request == VFIO_IOMMU_GET_INFO ? container_fd : dev->fd;
	const int result = ioctl(fd, request, argument);

	return result < 0 ? -errno : request == VFIO_DEVICE_GET_REGION_INFO ? fd : result;
}

static int kernel_access(struct vfio_device *dev, int index, uint64_t offset, void *data,
			 size_t size, bool write)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = index };

	if (ioctl(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info))
		return -errno;
	ssize_t done = write ? pwrite(dev->fd, data, size, info.offset + offset)
			     : pread(dev->fd, data, size, info.offset + offset);
	return done == (ssize_t)size ? 0 : -EIO;
}

static int kernel_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	const struct dma_memory *mem = &map->mem;
	struct vfio_iommu_type1_dma_map in = { sizeof(in),
					       VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
					       (uintptr_t)mem->virt, mem->iova, mem->size };
	struct vfio_iommu_type1_dma_unmap out = { sizeof(out), 0, mem->iova, mem->size };

	(void)space;
	errno = EIO; /* the kernel calls it a success, too, to have unmapped nothing */
	if (add ? ioctl(container_fd, VFIO_IOMMU_MAP_DMA, &in)
		: ioctl(container_fd, VFIO_IOMMU_UNMAP_DMA, &out) || out.size != mem->size)
		return vfio_explain("DMA memory", add ? "MAP_DMA" : "UNMAP_DMA", errno);
	return 0;
}

const struct vfio_backend vfio_kernel = { kernel_open, kernel_close, kernel_call, kernel_access,
					  kernel_dma };
