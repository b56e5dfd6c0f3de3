/* SPDX-License-Identifier: BSD-2-Clause */
/* Devices: open, close, registers, config space. */
#include "internal.h"

int vfio_open(struct vfio_device **out, const char *address)
{
	struct vfio_device *dev = calloc(1, sizeof(*dev) + strlen(address) + 1);

	if (!dev)
		return ixy_fail(ENOMEM, "%s: out of memory", address);
	dev->address = strcpy((char *)(dev + 1), address);

	pthread_mutex_lock(&vfio_lock);
	dev->backend = vfio_backend_for(&address);
	/* Bus mastering off before our memory is mapped: the previous user may have been killed. */
	int err = dev->backend->open(dev, address) ?: vfio_set_bus_master(dev, false) ?: dma_join(dev);
	if (err) {
		dev->backend->close(dev);
		free(dev);
	}
	pthread_mutex_unlock(&vfio_lock);
	*out = err ? NULL : dev;
	return err;
}

void vfio_close(struct vfio_device *dev)
{
	if (!dev)
		return;

	vfio_set_bus_master(dev, false);
	vfio_irq_release(dev);
	dev->backend->call(dev, VFIO_DEVICE_RESET, NULL); /* some cannot */
	for (int i = 0; i < 6; i++)
		munmap(dev->bars[i].base, dev->bars[i].size); /* nothing if its size is 0 */

	pthread_mutex_lock(&vfio_lock);
	dma_leave(dev);
	dev->backend->close(dev);
	pthread_mutex_unlock(&vfio_lock);
	free(dev);
}

const char *vfio_address(const struct vfio_device *dev)
{
	return dev->address;
}

int vfio_bar(struct vfio_device *dev, uint32_t index, const struct vfio_bar **out)
{
	struct vfio_region_info info[128] = { { .argsz = sizeof(info), .index = index } };
	int fd = index < 6 ? dev->backend->call(dev, VFIO_DEVICE_GET_REGION_INFO, info) : -EINVAL;

	if (fd < 0 || !info->size)
		return ixy_fail(ENXIO, "%s: the function has no BAR %u", dev->address, index);
	struct vfio_bar *bar = &dev->bars[index];
	if (!bar->base) {
		void *base = vfio_map_bar(info->size, fd, info->offset);
		if (base == MAP_FAILED)
			return ixy_fail(errno, "%s: BAR %u: %s", dev->address, index,
					strerror(errno));
		*bar = (struct vfio_bar){ dev, index, 1, info->size, base, { { 0, info->size } } };
		vfio_map_areas(bar, info, fd);
	}
	*out = bar;
	return 0;
}

int vfio_region_read(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size)
{
	return dev->backend->access(dev, index, offset, data, size, false);
}

int vfio_region_write(struct vfio_device *dev, int index, uint64_t offset, const void *data,
		      size_t size)
{
	return dev->backend->access(dev, index, offset, (void *)data, size, true);
}

int vfio_set_bus_master(struct vfio_device *dev, bool on)
{
	const int region = VFIO_PCI_CONFIG_REGION_INDEX;
	uint16_t command = 0;
	int err = vfio_region_read(dev, region, PCI_COMMAND, &command, sizeof(command));

	command = on ? command | PCI_COMMAND_MASTER : command & ~PCI_COMMAND_MASTER;
	return err ?: vfio_region_write(dev, region, PCI_COMMAND, &command, sizeof(command));
}
