/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What VFIO tells in capabilities: the parts of a BAR that can be mapped, the addresses that an
 * IOMMU can translate. They may come from a server, so nothing in them is trusted.
 */
#include "internal.h"

#define INFO_SIZE 4096 /* of a buffer for an info structure with its capabilities */
#define MAX_PAIRS 16

/* Both capabilities look like this: a count, and pairs of 64-bit numbers. */
struct pairs {
	struct vfio_info_cap_header header;
	uint32_t count, reserved;
	uint64_t pairs[MAX_PAIRS][2];
};

_Static_assert(sizeof(((struct vfio_bar *)0)->areas) == sizeof(((struct pairs *)0)->pairs),
	       "areas");
_Static_assert(sizeof(((struct vfio_space *)0)->ranges) == sizeof(((struct pairs *)0)->pairs),
	       "ranges");

/*
 * Copy the pairs of capability @id to @to. Offsets count from the start of @info; what lies behind
 * the capability in the buffer may be copied, but is not counted.
 * Return: how many, or -1 if there is no such capability.
 */
static int get_pairs(const void *info, uint32_t offset, uint16_t id, void *to)
{
	struct pairs found;

	for (int hops = 0; hops < 32; hops++) {
		if (!offset || offset > INFO_SIZE - offsetof(struct pairs, pairs))
			return -1;
		memcpy(&found, (const uint8_t *)info + offset, offsetof(struct pairs, pairs));
		if (found.header.id == id) {
			offset += offsetof(struct pairs, pairs);
			size_t room = (INFO_SIZE - offset) / sizeof(*found.pairs);
			uint32_t count = found.count < room ? found.count : room;
			count = count < MAX_PAIRS ? count : MAX_PAIRS;
			memcpy(to, (const uint8_t *)info + offset, count * sizeof(*found.pairs));
			return count;
		}
		offset = found.header.next;
	}
	return -1;
}

void vfio_map_areas(struct vfio_bar *bar, const struct vfio_region_info *info, int fd)
{
	const uint64_t page = sysconf(_SC_PAGESIZE);
	int count = -1;

	if (info->argsz > INFO_SIZE || !(info->flags & VFIO_REGION_INFO_FLAG_MMAP))
		bar->area_count = 0;
	else if (info->flags & VFIO_REGION_INFO_FLAG_CAPS)
		count = get_pairs(info, info->cap_offset, VFIO_REGION_INFO_CAP_SPARSE_MMAP,
				  bar->areas);
	if (count >= 0)
		bar->area_count = count;

	for (uint32_t i = 0; i < bar->area_count; i++) {
		const uint64_t start = bar->areas[i].offset, size = bar->areas[i].size;
		if ((start | size) % page || start > bar->size || size > bar->size - start ||
		    mmap(bar->base + start, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, info->offset + start) == MAP_FAILED)
			bar->areas[i].size = bar->areas[i].offset = 0; /* works without, too */
	}
}

void vfio_get_ranges(struct vfio_device *dev)
{
	struct vfio_iommu_type1_info info[INFO_SIZE / sizeof(struct vfio_iommu_type1_info) + 1] = {
		{ .argsz = INFO_SIZE }
	};
	struct vfio_space *space = dev->space;
	int count = -1;

	if (space->physical)
		return;

	if (dev->backend->call(dev, VFIO_IOMMU_GET_INFO, info) >= 0 &&
	    info->flags & VFIO_IOMMU_INFO_CAPS)
		count = get_pairs(info, info->cap_offset, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
				  space->ranges);
	if (count >= 0) {
		space->range_count = count;
		return;
	}
	/* Kernels before 5.4 do not tell. 39 bits, without the window of x86's interrupts. */
	space->ranges[0] = (struct vfio_iova_range){ 0, 0xfee00000 - 1 };
	space->ranges[1] = (struct vfio_iova_range){ 0xfef00000, ((uint64_t)1 << 39) - 1 };
	space->range_count = 2;
}
