/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices "fake:0" to "fake:7" that write down what libixy-vfio asks of them. */
#ifndef FAKE_DEVICES_H
#define FAKE_DEVICES_H

#include <ixy/vfio_backend.h>

#define FAKE_DEVICES 8
#define FAKE_MAPS    256

/**
 * struct fake - a device and what is to become of it
 * @shares:      the number of the device whose address space it uses; its own by default
 * @ranges:      what VFIO_IOMMU_GET_INFO tells; nothing if @range_count is 0
 * @fail_map:    this many maps succeed, the next fails; -1: all succeed
 * @fail_unmap:  error of all unmaps, 0: they succeed
 * @maps:        in its address space
 * @master_seen: a map came while bus mastering was on
 */
struct fake {
	struct vfio_space space;
	int shares;
	uint32_t range_count;
	struct vfio_iova_range ranges[16];
	int fail_map, fail_unmap;
	uint32_t map_count;
	struct dma_memory maps[FAKE_MAPS];
	uint8_t config[256];
	int opened, closed, resets;
	bool master_seen;
	struct vfio_region_info *bar0; /* in a buffer of 4096 bytes */
	int bar0_fd;
	uint32_t bar0_reads, bar0_writes;
	bool gone;
};

extern struct fake fakes[FAKE_DEVICES];
extern char last_message[512];

/* Forget everything; call it when all devices are closed. */
void fake_reset(void);

/* Is this in the device's table, exactly so? */
bool fake_sees(int device, const struct dma_memory *mem);

#endif
