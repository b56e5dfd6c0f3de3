/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: open, close, registers, config space. */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>

#include <linux/pci_regs.h>

#include "internal.h"

pthread_mutex_t vfio_lock = PTHREAD_MUTEX_INITIALIZER;

int vfio_open(struct vfio_device **out, const char *address)
{
	struct vfio_device *dev = calloc(1, sizeof(*dev));
	const char *name = dev ? dev->address = strdup(address) : NULL;

	if (!name) {
		free(dev);
		return ixy_fail(ENOMEM, "%s: out of memory", address);
	}

	pthread_mutex_lock(&vfio_lock);
	dev->backend = vfio_backend_for(&name);
	int err = dev->backend->open(dev, name);
	if (!err) {
		for (uint32_t i = 0; i < VFIO_REGIONS && !err; i++)
			err = dev->backend->region_info(dev, i, &dev->regions[i]);
		/* Off before it sees our memory: the program before us may have been killed. */
		if (!err)
			err = vfio_set_bus_master(dev, false);
		if (!err)
			err = dma_join(dev);
		if (err)
			dev->backend->close(dev);
	}
	pthread_mutex_unlock(&vfio_lock);

	if (err) {
		free(dev->address);
		free(dev);
		return err;
	}
	*out = dev;
	return 0;
}

void vfio_close(struct vfio_device *dev)
{
	if (!dev)
		return;

	vfio_set_bus_master(dev, false);
	if (dev->irqs_release)
		dev->irqs_release(dev);
	dev->backend->reset(dev);
	for (uint32_t i = 0; i <= VFIO_PCI_BAR5_REGION_INDEX; i++) {
		if (dev->bars[i].base)
			munmap(dev->bars[i].base, dev->bars[i].size);
		free(dev->bars[i].mapped);
	}
	pthread_mutex_lock(&vfio_lock);
	dma_leave(dev->space);
	dev->backend->close(dev);
	pthread_mutex_unlock(&vfio_lock);
	free(dev->address);
	free(dev);
}

const char *vfio_address(const struct vfio_device *dev)
{
	return dev->address;
}

int vfio_reset(struct vfio_device *dev)
{
	return dev->backend->reset(dev);
}

/*
 * The IOVA ranges of a container and the mappable areas of a region come in the same way: a
 * capability in a chain, which holds a count and pairs of 64-bit numbers. Copies up to @max pairs.
 * Return: how many, or -1 if there is no such capability. Nothing in @info is trusted.
 */
int vfio_info_pairs(const void *info, size_t size, uint32_t offset, uint16_t id, void *pairs,
		    uint32_t max)
{
	struct {
		struct vfio_info_cap_header header;
		uint32_t count, reserved;
	} cap;

	for (int hops = 0; hops < 32 && offset && size > sizeof(cap); hops++) {
		if (offset > size - sizeof(cap))
			break;
		memcpy(&cap, (const char *)info + offset, sizeof(cap));
		if (cap.header.id == id) {
			size_t fit = (size - offset - sizeof(cap)) / (2 * sizeof(uint64_t));
			uint32_t count = cap.count < max ? cap.count : max;
			count = count < fit ? count : fit;
			memcpy(pairs, (const char *)info + offset + sizeof(cap),
			       count * 2 * sizeof(uint64_t));
			return count;
		}
		offset = cap.header.next;
	}
	return -1;
}

void vfio_parse_region(struct vfio_region *region, const void *reply, size_t size)
{
	struct vfio_region_info info;

	memcpy(&info, reply, sizeof(info));
	region->size = info.size;
	region->flags = info.flags;
	region->fd_offset = info.offset;
	if (!(info.flags & VFIO_REGION_INFO_FLAG_MMAP) || info.argsz > size)
		return;

	int count = -1; /* without the capability, all of the region may be mapped */
	if (info.flags & VFIO_REGION_INFO_FLAG_CAPS)
		count = vfio_info_pairs(reply, size, info.cap_offset,
					VFIO_REGION_INFO_CAP_SPARSE_MMAP, region->areas,
					VFIO_MAX_AREAS);
	region->area_count = count < 0 ? 1 : count;
	if (count < 0)
		region->areas[0].size = info.size;
}

int vfio_bar(struct vfio_device *dev, uint32_t index, const struct vfio_bar **out)
{
	if (index > VFIO_PCI_BAR5_REGION_INDEX || !dev->regions[index].size)
		return ixy_fail(ENXIO, "%s: the function has no BAR %u", dev->address, index);

	const struct vfio_region *region = &dev->regions[index];
	struct vfio_bar *bar = &dev->bars[index];
	const uint64_t page = sysconf(_SC_PAGESIZE);

	*out = bar;
	if (bar->base)
		return 0;

	/* Address space for all of it; what may be mapped is then laid over that. */
	uint8_t *mapped = calloc(region->size / page + 1, 1);
	uint8_t *base = mmap(NULL, region->size, PROT_NONE,
			     MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	bool failed = base == MAP_FAILED || !mapped;
	for (uint32_t i = 0; i < region->area_count && !failed; i++) {
		uint64_t start = region->areas[i].offset, size = region->areas[i].size;
		if (!size || (start | size) % page || start > region->size ||
		    size > region->size - start)
			continue;
		failed = mmap(base + start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			      region->fd, region->fd_offset + start) == MAP_FAILED;
		memset(mapped + start / page, 1, size / page);
	}
	if (failed) {
		int err = ixy_fail(errno, "%s: cannot map BAR %u (%llu bytes): %s", dev->address,
				   index, (unsigned long long)region->size, strerror(errno));
		if (base != MAP_FAILED)
			munmap(base, region->size);
		free(mapped);
		return err;
	}
	*bar = (struct vfio_bar){ dev, index, region->size, base, mapped, __builtin_ctzl(page) };
	return 0;
}

uint32_t bar_read32(const struct vfio_bar *bar, uint32_t offset)
{
	volatile uint32_t *reg = bar_pointer(bar, offset);
	uint32_t value;

	if (reg)
		value = *reg;
	else if (vfio_region_read(bar->dev, bar->index, offset, &value, sizeof(value)))
		value = UINT32_MAX;
	dma_rmb();
	return le32toh(value);
}

void bar_write32(const struct vfio_bar *bar, uint32_t offset, uint32_t value)
{
	volatile uint32_t *reg = bar_pointer(bar, offset);

	value = htole32(value);
	dma_wmb();
	if (reg)
		*reg = value;
	else
		vfio_region_write(bar->dev, bar->index, offset, &value, sizeof(value));
}

static bool inside(const struct vfio_device *dev, uint32_t index, uint64_t offset, size_t size)
{
	return index < VFIO_REGIONS && offset <= dev->regions[index].size &&
	       size <= dev->regions[index].size - offset;
}

int vfio_region_read(struct vfio_device *dev, uint32_t index, uint64_t offset, void *data,
		     size_t size)
{
	return inside(dev, index, offset, size)
		       ? dev->backend->region_read(dev, index, offset, data, size)
		       : -EINVAL;
}

int vfio_region_write(struct vfio_device *dev, uint32_t index, uint64_t offset, const void *data,
		      size_t size)
{
	return inside(dev, index, offset, size)
		       ? dev->backend->region_write(dev, index, offset, data, size)
		       : -EINVAL;
}

int vfio_set_bus_master(struct vfio_device *dev, bool on)
{
	const uint16_t master = htole16(PCI_COMMAND_MASTER);
	uint16_t command;
	int err = vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command,
				   sizeof(command));
	if (err)
		return err;

	command = on ? command | master : command & ~master;
	return vfio_region_write(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command,
				 sizeof(command));
}
