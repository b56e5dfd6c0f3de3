/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Legacy devices on PCI (4.1.4.10): registers at the start of BAR 0, which are I/O ports, and queues
 * whose size is the device's. They know nothing of IOMMUs.
 */
#include <linux/virtio_pci.h>

#include "virtio.h"

#define REGISTERS  VFIO_PCI_BAR0_REGION_INDEX
#define READ_TRIES 100

static uint32_t legacy_read(const struct virtio_device *dev, uint32_t offset, size_t size)
{
	uint32_t value = 0;

	return vfio_region_read(dev->ixy.vfio, REGISTERS, offset, &value, size) ? UINT32_MAX
										: value;
}

static void legacy_write(const struct virtio_device *dev, uint32_t offset, uint32_t value,
			 size_t size)
{
	dma_wmb();
	vfio_region_write(dev->ixy.vfio, REGISTERS, offset, &value, size);
}

static int legacy_open(struct virtio_device *dev)
{
	uint32_t bar = 0, status;

	if (vfio_region_read(dev->ixy.vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_BASE_ADDRESS_0, &bar,
			     sizeof(bar)) ||
	    (bar & PCI_BASE_ADDRESS_SPACE) != PCI_BASE_ADDRESS_SPACE_IO)
		return -ENOTTY;
	status = 0;
	return vfio_region_read(dev->ixy.vfio, REGISTERS, VIRTIO_PCI_STATUS, &status, 1) ? -ENOTTY
											 : 0;
}

static void legacy_close(struct virtio_device *dev)
{
	(void)dev;
}

static void legacy_add_status(const struct virtio_device *dev, uint8_t bits)
{
	legacy_write(dev, VIRTIO_PCI_STATUS, legacy_read(dev, VIRTIO_PCI_STATUS, 1) | bits, 1);
}

static int legacy_reset(struct virtio_device *dev)
{
	legacy_write(dev, VIRTIO_PCI_STATUS, 0, 1);
	if (legacy_read(dev, VIRTIO_PCI_STATUS, 1)) /* also waits until the write has arrived */
		return ixy_fail(EIO, "%s: the status does not become 0 after a reset",
				vfio_address(dev->ixy.vfio));
	return 0;
}

static int legacy_get_features(struct virtio_device *dev, uint64_t *features)
{
	legacy_add_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	legacy_add_status(dev, VIRTIO_CONFIG_S_DRIVER);
	*features = legacy_read(dev, VIRTIO_PCI_HOST_FEATURES, 4);
	return 0;
}

static int legacy_set_features(struct virtio_device *dev, uint64_t features)
{
	legacy_write(dev, VIRTIO_PCI_GUEST_FEATURES, features, 4);
	return 0;
}

/* There is no generation: read until two reads agree. MSI-X, which would move it, is off. */
static int legacy_read_config(struct virtio_device *dev, uint32_t offset, void *data, size_t size)
{
	uint8_t *bytes = data, again;
	bool same = false;

	for (int i = 0; !same && i < READ_TRIES; i++) {
		same = true;
		for (size_t b = 0; b < size; b++)
			bytes[b] = legacy_read(dev, VIRTIO_PCI_CONFIG_OFF(false) + offset + b, 1);
		for (size_t b = 0; b < size; b++) {
			again = legacy_read(dev, VIRTIO_PCI_CONFIG_OFF(false) + offset + b, 1);
			same &= again == bytes[b];
		}
	}
	return same ? 0
		    : ixy_fail(EIO, "%s: the device configuration keeps changing",
			       vfio_address(dev->ixy.vfio));
}

static uint32_t legacy_queue_size(struct virtio_device *dev, uint16_t index)
{
	legacy_write(dev, VIRTIO_PCI_QUEUE_SEL, index, 2);
	return legacy_read(dev, VIRTIO_PCI_QUEUE_NUM, 2) & UINT16_MAX;
}

static int legacy_set_irqs(struct virtio_device *dev)
{
	(void)dev; /* devices that can interrupt are modern, too */
	return 0;
}

static int legacy_start_queue(struct virtio_device *dev, struct virtio_queue *q)
{
	const uint64_t page = q->desc_iova >> VIRTIO_PCI_QUEUE_ADDR_SHIFT;

	if (page > UINT32_MAX)
		return ixy_fail(ENOSPC, "%s: a legacy device reaches rings up to 16 TiB only",
				vfio_address(dev->ixy.vfio));
	legacy_write(dev, VIRTIO_PCI_QUEUE_SEL, q->index, 2);
	legacy_write(dev, VIRTIO_PCI_QUEUE_PFN, page, 4);
	return 0;
}

static int legacy_start(struct virtio_device *dev)
{
	legacy_add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

static void legacy_notify(struct virtio_device *dev, struct virtio_queue *q)
{
	legacy_write(dev, VIRTIO_PCI_QUEUE_NOTIFY, q->index, 2);
}

static int legacy_check(struct virtio_device *dev)
{
	return (legacy_read(dev, VIRTIO_PCI_STATUS, 1) & 0xFF) == 0xFF ? -ENODEV : 0;
}

const struct virtio_transport virtio_legacy = {
	.behind_iommu = true,
	.fixed_sizes = true,
	.open = legacy_open,
	.close = legacy_close,
	.reset = legacy_reset,
	.get_features = legacy_get_features,
	.set_features = legacy_set_features,
	.read_config = legacy_read_config,
	.queue_size = legacy_queue_size,
	.set_irqs = legacy_set_irqs,
	.start_queue = legacy_start_queue,
	.start = legacy_start,
	.notify = legacy_notify,
	.check = legacy_check,
};
