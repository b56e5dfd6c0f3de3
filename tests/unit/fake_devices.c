/* SPDX-License-Identifier: BSD-2-Clause */
#include "fake_devices.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <ixy/log.h>

struct fake fakes[FAKE_DEVICES];
char last_message[512];

static struct fake *fake_of(struct vfio_device *dev)
{
	return &fakes[dev->fd];
}

static int fake_open(struct vfio_device *dev, const char *name)
{
	dev->fd = atoi(name);
	struct fake *fake = fake_of(dev);
	struct fake *owner = &fakes[fake->shares];
	dev->space = &owner->space;
	dev->space->backend = dev->backend;
	fake->opened++;
	return 0;
}

static void fake_close(struct vfio_device *dev)
{
	fake_of(dev)->closed++;
	if (!dev->space->users)
		fakes[fake_of(dev)->shares].map_count = 0;
}

static int fake_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct fake *fake = fake_of(dev);
	struct vfio_region_info *region = argument;
	struct vfio_iommu_type1_info *iommu = argument;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		if (region->index == VFIO_PCI_BAR0_REGION_INDEX && fake->bar0)
			memcpy(region, fake->bar0, 4096);
		return fake->bar0_fd;
	case VFIO_DEVICE_RESET:
		fake->resets++;
		return 0;
	case VFIO_IOMMU_GET_INFO:
		if (!fake->range_count)
			return -ENOTTY;
		struct {
			struct vfio_info_cap_header header;
			uint32_t count, reserved;
			struct vfio_iova_range ranges[16];
		} cap = {
			.header = { .id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1 },
			.count = fake->range_count,
		};
		memcpy(cap.ranges, fake->ranges, sizeof(cap.ranges));
		iommu->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
		iommu->cap_offset = sizeof(*iommu) + 4; /* misaligned, as kernels may do */
		memcpy((uint8_t *)iommu + iommu->cap_offset, &cap, sizeof(cap));
		return 0;
	default:
		return -ENOTTY;
	}
}

static int fake_access(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		       bool write)
{
	struct fake *fake = fake_of(dev);

	if (fake->gone)
		return -ENOTCONN;
	if (index == VFIO_PCI_BAR0_REGION_INDEX) {
		fake->bar0_reads += !write;
		fake->bar0_writes += write;
		if (!write)
			memset(data, 0x5a, size);
		return 0;
	}
	if (index != VFIO_PCI_CONFIG_REGION_INDEX || offset + size > sizeof(fake->config))
		return -EIO;
	uint8_t *bytes = data;
	for (size_t i = 0; i < size; i++) { /* fake_dma() may look at it from another thread */
		if (write)
			__atomic_store_n(&fake->config[offset + i], bytes[i], __ATOMIC_RELAXED);
		else
			bytes[i] = __atomic_load_n(&fake->config[offset + i], __ATOMIC_RELAXED);
	}
	return 0;
}

static int fake_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	struct fake *fake = (struct fake *)space; /* its first member */

	fake->master_seen |=
		__atomic_load_n(&fake->config[PCI_COMMAND], __ATOMIC_RELAXED) & PCI_COMMAND_MASTER;
	if (add) {
		if (fake->fail_map >= 0 && fake->fail_map-- == 0)
			return -ENOMEM;
		if (fake->map_count == FAKE_MAPS)
			return -ENOSPC;
		fake->maps[fake->map_count++] = map->mem;
		return 0;
	}
	if (fake->fail_unmap)
		return fake->fail_unmap;
	for (uint32_t i = 0; i < fake->map_count; i++) {
		if (!memcmp(&fake->maps[i], &map->mem, sizeof(map->mem))) {
			fake->maps[i] = fake->maps[--fake->map_count];
			return 0;
		}
	}
	return -ENOENT;
}

static const struct vfio_backend fake_backend = {
	.open = fake_open,
	.close = fake_close,
	.call = fake_call,
	.access = fake_access,
	.dma = fake_dma,
};

static void remember(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)level;
	(void)ctx;
	snprintf(last_message, sizeof(last_message), "%s", line);
}

void fake_reset(void)
{
	static bool added;

	if (!added && vfio_backend_add("fake:", &fake_backend))
		abort();
	added = true;
	memset(fakes, 0, sizeof(fakes));
	for (int i = 0; i < FAKE_DEVICES; i++) {
		fakes[i].shares = i;
		fakes[i].fail_map = -1;
		fakes[i].bar0_fd = -1;
	}
	last_message[0] = '\0';
	ixy_log_to(remember, NULL);
}

bool fake_sees(int device, const struct dma_memory *mem)
{
	struct fake *fake = &fakes[device];

	for (uint32_t i = 0; i < fake->map_count; i++)
		if (!memcmp(&fake->maps[i], mem, sizeof(*mem)))
			return true;
	return false;
}
