/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * libixy-vfio: drive a PCI function from userspace. Open it by address, reach its registers, give
 * it memory through the IOMMU. Less common needs: ixy/vfio_pci.h (capabilities, reset, narrow
 * registers), ixy/vfio_irq.h (interrupts), ixy/vfio_dma.h (memory that you have already).
 *
 * Functions return 0 or a negative errno value and explain errors to the log hook (ixy/log.h),
 * except those of single accesses to a device, which the caller knows better.
 * Opening, closing and DMA memory may be called from any thread. Register, config space and
 * interrupt calls on one device are not serialised against each other or against its close;
 * different devices are independent.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ixy/api.h>

#include <linux/vfio.h> /* VFIO_PCI_BAR0_REGION_INDEX and the like: the names used below */

struct vfio_device;

/**
 * vfio_open() - take control of a device
 * @dev:     set on success
 * @address: "0000:03:00.0" or "03:00.0": a PCI function that is bound to vfio-pci; behind it may be
 *           ",token=UUID", the VF token that it shares with its PF or VFs (SR-IOV of vfio-pci);
 *           "sysfs:0000:03:00.0": one without a driver, as root and without an IOMMU; with ",force"
 *           behind it, taken from its driver if it has one;
 *           "vfio-user:PATH": a server's UNIX socket;
 *           "vhost-user:PATH": that of a back end, which emulates a virtio-net device; with ",split"
 *           behind it, packed rings are not used
 *
 * The name of a Linux network interface ("enp3s0", "sysfs:enp3s0") stands for its PCI function, as
 * long as it has one.
 *
 * All DMA memory that the process has is mapped for the device. Bus mastering stays off until
 * vfio_set_bus_master().
 *
 * Return: 0, -ENODEV (no such device, or bound to another driver), -EACCES, -EBUSY (in use, or its
 * IOMMU group is not viable), -EINVAL (not an address), -ENOSPC (it cannot reach the DMA memory
 * that exists), -ENOMEM, or another error.
 */
IXY_API int vfio_open(struct vfio_device **dev, const char *address);

/**
 * vfio_close() - give the device back
 *
 * Switches bus mastering off, resets the function, unmaps its BARs and frees @dev (NULL is
 * allowed). DMA memory stays: it belongs to the process.
 */
IXY_API void vfio_close(struct vfio_device *dev);

/** vfio_address() - the address that @dev was opened with; valid until vfio_close(). */
IXY_API const char *vfio_address(const struct vfio_device *dev);

/* ---- Registers ---- */

/**
 * struct vfio_bar - one BAR, ready for register access
 * @dev, @index: where it belongs
 * @size:        bytes
 * @base:        address of offset 0; only @areas may be touched
 * @areas:       the parts that are mapped; the device wants to see each access to the others. Some
 *               may have size 0.
 *
 * Read only for users; here for the sake of bar_pointer().
 */
struct vfio_bar {
	struct vfio_device *dev;
	uint32_t index, area_count;
	uint64_t size;
	uint8_t *base;
	struct vfio_region_sparse_mmap_area areas[16];
};

/**
 * vfio_bar() - map as much of a BAR as the device allows (VFIO sparse mmap)
 * @index: VFIO_PCI_BAR0_REGION_INDEX to VFIO_PCI_BAR5_REGION_INDEX
 * @bar:   set on success; the same pointer on each call; valid until vfio_close()
 *
 * Return: 0, -ENXIO (the function does not have this BAR), -ENOMEM, or another error.
 */
IXY_API int vfio_bar(struct vfio_device *dev, uint32_t index, const struct vfio_bar **bar);

/** bar_pointer() - the register as memory, or NULL if it needs bar_read32() and bar_write32(). */
static inline volatile void *bar_pointer(const struct vfio_bar *bar, uint32_t offset)
{
	for (uint32_t i = 0; i < bar->area_count; i++)
		if (offset - bar->areas[i].offset < bar->areas[i].size)
			return bar->base + offset;
	return NULL;
}

/*
 * bar_read32() and its twins in ixy/vfio_pci.h: one register access of that width, by memory where
 * the page is mapped and by message where it is not. A device that is gone reads as all ones, like
 * on PCI; writes to it are lost. @offset must be aligned to the width. A write is ordered after
 * everything that the program wrote to DMA memory before.
 */
IXY_API uint32_t bar_read32(const struct vfio_bar *bar, uint32_t offset);
IXY_API void bar_write32(const struct vfio_bar *bar, uint32_t offset, uint32_t value);

/*
 * Ordering between DMA memory and registers. dma_wmb(): what the program wrote before is seen by
 * the device before what it writes after (descriptors, then the doorbell). dma_rmb(): what is read
 * after is not older than what was read before (the write-back's done bit, then the rest). C11
 * fences are for threads; on Arm a device is outside their domain.
 */
#ifdef __aarch64__
#define dma_wmb() __asm__ volatile("dmb oshst" ::: "memory")
#define dma_rmb() __asm__ volatile("dmb oshld" ::: "memory")
#else
#define dma_wmb() __atomic_thread_fence(__ATOMIC_RELEASE)
#define dma_rmb() __atomic_thread_fence(__ATOMIC_ACQUIRE)
#endif

/**
 * vfio_region_read(), vfio_region_write() - access any region by the device's file
 * @index:  VFIO_PCI_CONFIG_REGION_INDEX, a BAR, or VFIO_PCI_ROM_REGION_INDEX
 * @offset: bytes from the start of the region
 *
 * Return: 0, -EIO (outside the region, or the device is off), -ENOTCONN (the device's server has
 * disconnected), or another error. @data is undefined after an error.
 */
IXY_API int vfio_region_read(struct vfio_device *dev, int index, uint64_t offset, void *data,
			     size_t size);
IXY_API int vfio_region_write(struct vfio_device *dev, int index, uint64_t offset, const void *data,
			      size_t size);

/** vfio_set_bus_master() - allow or forbid memory access by the function (PCI command, bit 2). */
IXY_API int vfio_set_bus_master(struct vfio_device *dev, bool on);

/* ---- DMA memory: one address space per process, the same for all devices ---- */

/**
 * struct dma_memory - memory that devices can reach
 * @virt: where the program sees it
 * @iova: where devices see it (I/O virtual address); contiguous over the whole @size
 * @size: bytes
 */
struct dma_memory {
	void *virt;
	uint64_t iova;
	size_t size;
};

/**
 * vfio_dma_alloc() - allocate memory that every open device can reach
 * @mem:  filled in on success
 * @size: bytes, rounded up to the page size that backs it (2 MiB if there are huge pages free)
 *
 * The memory is zeroed and mapped at the same I/O virtual address (@mem->iova) for every open
 * device; a kernel IOMMU pins it. Devices opened later get the mapping too. Freed by
 * vfio_dma_free(), or by the kernel when the process ends. As long as a device without an IOMMU is
 * open, @mem->iova is a physical address, and the memory is in huge pages that follow each other
 * there.
 *
 * Return: 0, -ENOMEM (no memory, or RLIMIT_MEMLOCK too small), -ENOSPC (no room in the devices'
 * address range), -EINVAL (size 0), or another error.
 */
IXY_API int vfio_dma_alloc(struct dma_memory *mem, size_t size);

/**
 * vfio_dma_free() - unmap it for all devices and free it
 * @mem: set to zeros; @mem->virt == NULL is allowed
 *
 * Memory that cannot be unmapped from a device is leaked, not reused.
 */
IXY_API void vfio_dma_free(struct dma_memory *mem);
