/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI capabilities and reset. */
#include <ixy/vfio_pci.h>

#include "host/sysfs.h"
#include "internal.h"

#define MAX_CAPABILITIES ((256 - 64) / 4) /* each takes a word or more behind the header */

int vfio_find_capability(struct vfio_device *dev, uint8_t id)
{
	uint16_t status, entry; /* of a list entry: id, then the offset of the next one */
	uint8_t offset;
	int err = vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_STATUS, &status,
				   sizeof(status));
	if (err)
		return err;
	if (!(status & PCI_STATUS_CAP_LIST))
		return -ENOENT;

	err = vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_CAPABILITY_LIST, &offset,
			       sizeof(offset));
	for (int i = 0; !err && i < MAX_CAPABILITIES; i++) {
		offset &= ~3;
		if (offset < PCI_STD_HEADER_SIZEOF)
			return -ENOENT;
		err = vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, offset, &entry,
				       sizeof(entry));
		if (!err && (entry & 0xff) == id)
			return offset;
		offset = entry >> 8;
	}
	return err ? err
		   : ixy_fail(EIO, "%s: the list of PCI capabilities is circular", dev->address);
}

int vfio_reset(struct vfio_device *dev)
{
	int err = dev->backend->call(dev, VFIO_DEVICE_RESET, NULL);

	return err == -EINVAL || err == -ENOTTY ? -EOPNOTSUPP : err; /* the kernel's words for it */
}

bool vfio_has_iommu(const struct vfio_device *dev)
{
	return !dev->space->physical;
}

int vfio_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	return dev->backend->call(dev, request, argument);
}

int vfio_numa_node(const struct vfio_device *dev)
{
	char pci[SYSFS_PCI], node[SYSFS_NAME];
	const char *address = dev->address;

	if (!strncmp(address, "sysfs:", 6))
		address += 6;
	return sysfs_find(pci, address) && sysfs_read(node, SYSFS_DEVICE "/numa_node", pci) && *node
		       ? atoi(node)
		       : -1;
}
