/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI functions beyond the basics of ixy/vfio.h: capabilities, reset, registers of 8 and 16 bits. */
#pragma once
#include <ixy/vfio.h>

/**
 * vfio_find_capability() - look up a PCI capability by its id (PCI_CAP_ID_* of linux/pci_regs.h)
 *
 * Return: its offset in config space, -ENOENT, or another error. A circular list ends the search
 * with -EIO.
 */
IXY_API int vfio_find_capability(struct vfio_device *dev, uint8_t id);

/** vfio_reset() - function-level reset. Return: 0, -EOPNOTSUPP (it cannot), or another error. */
IXY_API int vfio_reset(struct vfio_device *dev);

/** vfio_numa_node() - the NUMA node that the device is connected to; -1 if it is not known. */
IXY_API int vfio_numa_node(const struct vfio_device *dev);

/** vfio_has_iommu() - false if the device sees physical addresses, as one at "sysfs:" does. */
IXY_API bool vfio_has_iommu(const struct vfio_device *dev);

/**
 * vfio_call() - what ioctl() does on the file of a device, for requests that have no function here
 *
 * Return: 0 or more, -ENOTTY (the device's backend does not know this request), or another error.
 */
IXY_API int vfio_call(struct vfio_device *dev, unsigned long request, void *argument);

/* As bar_read32() and bar_write32(). */
IXY_API uint8_t bar_read8(const struct vfio_bar *bar, uint32_t offset);
IXY_API uint16_t bar_read16(const struct vfio_bar *bar, uint32_t offset);
IXY_API void bar_write8(const struct vfio_bar *bar, uint32_t offset, uint8_t value);
IXY_API void bar_write16(const struct vfio_bar *bar, uint32_t offset, uint16_t value);
