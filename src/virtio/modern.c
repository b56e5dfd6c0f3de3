/* SPDX-License-Identifier: BSD-2-Clause */
/* Modern devices on PCI (4.1): capabilities tell where in which BAR the device's structures are. */
#include <linux/virtio_pci.h>

#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "virtio.h"

#define CONFIG_REGION	 VFIO_PCI_CONFIG_REGION_INDEX
#define CAPABILITIES_MAX 48   /* as many as fit behind the header */
#define RESET_MS	 1000 /* for the device to say that it is done */
#define GENERATION_TRIES 100
#define STATUS_GONE	 0xFF

#define COMMON(field) (m->common_at + offsetof(struct virtio_pci_common_cfg, field))

/* Where the structures are: a BAR, an offset, and for the last two the bytes that there are. */
struct modern {
	const struct vfio_bar *common, *notify, *config;
	uint32_t common_at, notify_at, config_at;
	uint32_t notify_size, config_size, notify_multiplier;
};

static struct modern *modern(const struct virtio_device *dev)
{
	return dev->transport_data;
}

/* The device says where: is that in the BAR, and aligned? Where there are several of a kind, the first
 * that is. */
static bool inside(struct virtio_device *dev, const struct virtio_pci_cap *cap, uint32_t size,
		   const struct vfio_bar **bar, uint32_t *at)
{
	const uint32_t align = size < sizeof(uint32_t) ? size : sizeof(uint32_t);

	if (*bar || cap->bar > 5 || cap->length < size || cap->offset % align ||
	    vfio_bar(dev->ixy.vfio, cap->bar, bar))
		return false;
	if (cap->offset <= (*bar)->size && cap->length <= (*bar)->size - cap->offset) {
		*at = cap->offset;
		return true;
	}
	*bar = NULL;
	return false;
}

static void note(struct virtio_device *dev, struct modern *m, const struct virtio_pci_notify_cap *n)
{
	const struct virtio_pci_cap *cap = &n->cap;

	if (cap->cfg_type == VIRTIO_PCI_CAP_COMMON_CFG)
		inside(dev, cap, sizeof(struct virtio_pci_common_cfg), &m->common, &m->common_at);
	if (cap->cfg_type == VIRTIO_PCI_CAP_DEVICE_CFG &&
	    inside(dev, cap, sizeof(uint32_t), &m->config, &m->config_at))
		m->config_size = cap->length;
	if (cap->cfg_type == VIRTIO_PCI_CAP_NOTIFY_CFG &&
	    inside(dev, cap, sizeof(uint16_t), &m->notify, &m->notify_at)) {
		m->notify_size = cap->length;
		m->notify_multiplier = n->notify_off_multiplier;
	}
}

/* 4.1.4: they are vendor-specific capabilities. */
static int find_structures(struct virtio_device *dev, struct modern *m)
{
	int offset = vfio_find_capability(dev->ixy.vfio, PCI_CAP_ID_VNDR);

	for (int i = 0; offset > 0 && i < CAPABILITIES_MAX; i++) {
		struct virtio_pci_notify_cap cap = { 0 };
		uint32_t size = offset + sizeof(cap) <= 256 ? sizeof(cap) : sizeof(cap.cap);

		if (offset + size > 256)
			break;
		int err = vfio_region_read(dev->ixy.vfio, CONFIG_REGION, offset, &cap, size);
		if (err)
			return ixy_fail(-err, "%s: a capability at 0x%x in its config space: %s",
					vfio_address(dev->ixy.vfio), offset, strerror(-err));
		if (cap.cap.cap_vndr == PCI_CAP_ID_VNDR)
			note(dev, m, &cap);
		offset = cap.cap.cap_next & ~3;
		if (offset < PCI_STD_HEADER_SIZEOF)
			break;
	}
	return m->common && m->notify && m->config ? 0 : -ENOTTY;
}

static void modern_close(struct virtio_device *dev)
{
	free(dev->transport_data);
	dev->transport_data = NULL;
}

static int modern_open(struct virtio_device *dev)
{
	struct modern *m = dev->transport_data = calloc(1, sizeof(*m));

	if (!m)
		return ixy_fail(ENOMEM, "%s: out of memory", vfio_address(dev->ixy.vfio));
	int err = find_structures(dev, m);
	if (err)
		modern_close(dev);
	return err;
}

/* ---- Status and features ---- */

static uint8_t status(const struct virtio_device *dev)
{
	const struct modern *m = modern(dev);

	return bar_read8(m->common, COMMON(device_status));
}

static void modern_add_status(const struct virtio_device *dev, uint8_t bits)
{
	const struct modern *m = modern(dev);

	bar_write8(m->common, COMMON(device_status), status(dev) | bits);
}

/* 4.1.4.3.2: it is done when the status reads as 0. */
static int modern_reset(struct virtio_device *dev)
{
	const struct modern *m = modern(dev);

	bar_write8(m->common, COMMON(device_status), 0);
	for (int ms = 0; ms < RESET_MS; ms++) {
		uint8_t now = status(dev);
		if (!now)
			return 0;
		if (now == STATUS_GONE)
			return ixy_fail(ENODEV, "%s: the device is off or gone",
					vfio_address(dev->ixy.vfio));
		ixy_sleep_us(1000);
	}
	return ixy_fail(ETIMEDOUT, "%s: device_status does not become 0 after a reset",
			vfio_address(dev->ixy.vfio));
}

static int modern_get_features(struct virtio_device *dev, uint64_t *features)
{
	const struct modern *m = modern(dev);

	modern_add_status(dev, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	modern_add_status(dev, VIRTIO_CONFIG_S_DRIVER);
	*features = 0;
	for (uint32_t i = 0; i < 2; i++) {
		bar_write32(m->common, COMMON(device_feature_select), i);
		*features |= (uint64_t)bar_read32(m->common, COMMON(device_feature)) << 32 * i;
	}
	return 0;
}

static int modern_set_features(struct virtio_device *dev, uint64_t features)
{
	const struct modern *m = modern(dev);
	const char *address = vfio_address(dev->ixy.vfio);

	if (!(features & virtio_bit(VIRTIO_F_VERSION_1)))
		return ixy_fail(ENOTSUP, "%s: a modern device must offer VIRTIO_F_VERSION_1",
				address);
	for (uint32_t i = 0; i < 2; i++) {
		bar_write32(m->common, COMMON(guest_feature_select), i);
		bar_write32(m->common, COMMON(guest_feature), features >> 32 * i);
	}
	modern_add_status(dev, VIRTIO_CONFIG_S_FEATURES_OK);
	if (!(status(dev) & VIRTIO_CONFIG_S_FEATURES_OK))
		return ixy_fail(ENOTSUP,
				"%s: the device wants more than the features 0x%llx, which are "
				"all that the driver knows and the device offers",
				address, (unsigned long long)features);
	return 0;
}

/* 4.1.3.1: each field by an access of its own width. */
static void read_fields(const struct modern *m, uint32_t offset, uint8_t *bytes, size_t size)
{
	const uint32_t status_at = offsetof(struct virtio_net_config, status);
	const uint32_t speed_at = offsetof(struct virtio_net_config, speed);
	uint32_t width;

	for (size_t i = 0; i < size; i += width) {
		const uint32_t at = m->config_at + offset + i;
		uint32_t value;

		if (offset + i == speed_at) {
			width = 4;
			value = bar_read32(m->config, at);
		} else if (offset + i >= status_at && offset + i < speed_at) {
			width = 2;
			value = bar_read16(m->config, at);
		} else {
			width = 1;
			value = bar_read8(m->config, at);
		}
		memcpy(bytes + i, &value, width);
	}
}

/* 2.5.1: the generation changes when the configuration does. */
static int modern_read_config(struct virtio_device *dev, uint32_t offset, void *data, size_t size)
{
	const struct modern *m = modern(dev);

	if (offset > m->config_size || size > m->config_size - offset)
		return ixy_fail(EIO, "%s: the device configuration has %u bytes, not %zu",
				vfio_address(dev->ixy.vfio), m->config_size, offset + size);
	for (int i = 0; i < GENERATION_TRIES; i++) {
		uint8_t before = bar_read8(m->common, COMMON(config_generation));

		read_fields(m, offset, data, size);
		if (bar_read8(m->common, COMMON(config_generation)) == before)
			return 0;
	}
	return ixy_fail(EIO, "%s: the device configuration keeps changing",
			vfio_address(dev->ixy.vfio));
}

/* ---- Queues ---- */

static uint32_t modern_queue_size(struct virtio_device *dev, uint16_t index)
{
	const struct modern *m = modern(dev);

	if (index >= bar_read16(m->common, COMMON(num_queues)))
		return 0;
	bar_write16(m->common, COMMON(queue_select), index);
	return bar_read16(m->common, COMMON(queue_size));
}

/* Vector 0 is for the configuration, 1 + n for receive queue n. */
static int modern_set_irqs(struct virtio_device *dev)
{
	const struct modern *m = modern(dev);
	const uint32_t count = 1 + dev->pairs;
	int fds[count];

	if (vfio_irq_count(dev->ixy.vfio, VFIO_PCI_MSIX_IRQ_INDEX) < (int)count)
		return 0; /* polling does not need them */
	if (vfio_irq_arm(dev->ixy.vfio, VFIO_PCI_MSIX_IRQ_INDEX, 0, count, fds)) {
		ixy_log(IXY_WARN, "%s: no interrupts, therefore: polling works without them",
			vfio_address(dev->ixy.vfio));
		return 0;
	}
	for (uint32_t i = 0; i < dev->pairs; i++)
		virtio_rx_queue(dev, i)->irq = fds[1 + i];
	dev->config_irq = fds[0];
	bar_write16(m->common, COMMON(msix_config), 0);
	if (bar_read16(m->common, COMMON(msix_config)) == VIRTIO_MSI_NO_VECTOR)
		dev->config_irq = -1;
	return 0;
}

static void write_address(const struct modern *m, uint32_t low, uint64_t iova)
{
	bar_write32(m->common, low, iova);
	bar_write32(m->common, low + 4, iova >> 32);
}

/* 4.1.5.1.3 */
static int modern_start_queue(struct virtio_device *dev, struct virtio_queue *q)
{
	const struct modern *m = modern(dev);

	bar_write16(m->common, COMMON(queue_select), q->index);
	bar_write16(m->common, COMMON(queue_size), q->size);
	write_address(m, COMMON(queue_desc_lo), q->desc_iova);
	write_address(m, COMMON(queue_avail_lo), q->driver_iova);
	write_address(m, COMMON(queue_used_lo), q->device_iova);
	bar_write16(m->common, COMMON(queue_msix_vector),
		    q->irq < 0 ? VIRTIO_MSI_NO_VECTOR : 1 + q->index / 2);
	if (q->irq >= 0 && bar_read16(m->common, COMMON(queue_msix_vector)) == VIRTIO_MSI_NO_VECTOR)
		q->irq = -1; /* 4.1.5.1.2.2: the device has no room for it */

	uint64_t at =
		(uint64_t)bar_read16(m->common, COMMON(queue_notify_off)) * m->notify_multiplier;
	if (at + sizeof(uint16_t) > m->notify_size || at % sizeof(uint16_t))
		return ixy_fail(EIO, "%s: queue %u is to be notified outside of the BAR",
				vfio_address(dev->ixy.vfio), q->index);
	q->notify_at = m->notify_at + at;
	q->notify = bar_pointer(m->notify, q->notify_at);
	bar_write16(m->common, COMMON(queue_enable), 1);
	return 0;
}

static int modern_start(struct virtio_device *dev)
{
	modern_add_status(dev, VIRTIO_CONFIG_S_DRIVER_OK);
	return 0;
}

/* 4.1.5.2: notify_if_wanted() has ordered it behind the ring. */
static void modern_notify(struct virtio_device *dev, struct virtio_queue *q)
{
	if (q->notify)
		*q->notify = q->index;
	else
		bar_write16(modern(dev)->notify, q->notify_at, q->index);
}

static int modern_check(struct virtio_device *dev)
{
	uint8_t now = status(dev);

	if (now == STATUS_GONE)
		return -ENODEV;
	return now & VIRTIO_CONFIG_S_NEEDS_RESET ? -EIO : 0;
}

const struct virtio_transport virtio_modern = {
	.behind_iommu = true,
	.open = modern_open,
	.close = modern_close,
	.reset = modern_reset,
	.get_features = modern_get_features,
	.set_features = modern_set_features,
	.read_config = modern_read_config,
	.queue_size = modern_queue_size,
	.set_irqs = modern_set_irqs,
	.start_queue = modern_start_queue,
	.start = modern_start,
	.notify = modern_notify,
	.check = modern_check,
};
