/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices without an IOMMU and without a driver: config space and BARs are files in sysfs, DMA goes to
 * physical addresses (physical.c), and a watcher stops the card if we are killed (watcher.c).
 * There are no interrupts. For legacy virtio cards, whose BAR 0 is I/O ports, and for machines that
 * have nothing better; it takes root, and the card can reach all memory.
 * Linux: Documentation/PCI/sysfs-pci.rst, Documentation/ABI/testing/sysfs-bus-pci.
 */
#include "../internal.h"
#include "../host/sysfs.h"
#include "watcher.h"

#define BARS 6

/* linux/ioport.h: in the third column of the file "resource" */
#define IORESOURCE_IO  0x100
#define IORESOURCE_MEM 0x200

/* One device: alone in its "I/O address space", which is all of memory. */
struct sysfs {
	struct vfio_space space;
	struct watcher watcher;
	char pci[SYSFS_PCI];
	int dir, config, lock;
	struct bar {
		int fd;
		uint64_t size, skew; /* skew: where in a page it begins */
		bool ports;
		uint8_t *mapped; /* for sysfs_access(); NULL: not possible */
	} bars[BARS];
	bool intx;		   /* to be switched on again at the end */
	char override[SYSFS_NAME]; /* driver_override as it was */
	struct sysfs_setting undo[3];
};

static int explain_access(const struct sysfs *dev, const char *what, int err)
{
	if (err == EACCES || (err == EPERM && geteuid()))
		return ixy_fail(
			EACCES,
			"sysfs:%s: needs root, as without an IOMMU the card can reach all memory; "
			"with one, an ordinary user can have it: sudo ixy-bind --user $USER "
			"vfio-pci %s",
			dev->pci, dev->pci);
	if (err == EPERM)
		return ixy_fail(
			EPERM,
			"sysfs:%s: %s: not permitted: the kernel is locked down (Secure Boot), or "
			"this is a container; an IOMMU and vfio-pci do without: sudo ixy-bind "
			"vfio-pci %s",
			dev->pci, what, dev->pci);
	return ixy_fail(err, "sysfs:%s: %s: %s", dev->pci, what, strerror(err));
}

/* A card that a driver of the kernel has is not ours to take, unless we were told to. */
static int check_driver(const struct sysfs *dev, bool force)
{
	const char *pci = dev->pci;
	char driver[SYSFS_NAME], type[SYSFS_NAME], why[256];

	if (sysfs_link(driver, SYSFS_DEVICE "/driver", pci)) {
		bool used = netif_in_use(pci, why, sizeof(why));
		if (!force && !strcmp(driver, "vfio-pci"))
			return ixy_fail(
				EBUSY, "sysfs:%s: bound to vfio-pci: open it as %s, which is safer",
				pci, pci);
		if (!force && used)
			return ixy_fail(
				EBUSY,
				"sysfs:%s: in use by the system: %s; if you can do without: sudo "
				"ixy-bind --force none %s",
				pci, why, pci);
		if (!force)
			return ixy_fail(EBUSY,
					"sysfs:%s: driven by %s; to take it: sudo ixy-bind none %s",
					pci, driver, pci);
		ixy_log(IXY_WARN,
			"sysfs:%s: taken from %s%s%s; to give it back: sudo ixy-bind kernel %s",
			pci, driver, used ? ", although " : "", used ? why : "", pci);
	}
	sysfs_read(type, SYSFS_DEVICE "/iommu_group/type", pci);
	if (!force && !strncmp(type, "DMA", 3))
		return ixy_fail(
			EBUSY,
			"sysfs:%s: behind an IOMMU, which lets it reach no physical addresses: "
			"sudo ixy-bind vfio-pci %s, and open it as %s",
			pci, pci, pci);
	return 0;
}

static int check_huge_pages(const struct sysfs *dev)
{
	char free_pages[SYSFS_NAME];

	if (sysfs_read(free_pages, "kernel/mm/hugepages/hugepages-2048kB/free_hugepages") &&
	    atoi(free_pages))
		return 0;
	return ixy_fail(
		ENOMEM,
		"sysfs:%s: without an IOMMU, DMA memory has to be in huge pages of 2 MiB, and "
		"none are free; " MORE_HUGE_PAGES,
		dev->pci);
}

/* Write something that is to be undone in the end. Return: 0 or -errno. */
static int write_setting(struct sysfs *dev, const char *file, const char *text, const char *undo)
{
	int err = sysfs_write(text, SYSFS_DEVICE "/%s", dev->pci, file);
	struct sysfs_setting *last = dev->undo;

	while (last->file)
		last++;
	if (!err)
		*last = (struct sysfs_setting){ file, undo };
	return err;
}

/* Drivers that are loaded while we have the device must not take it, if the kernel can be told so. */
static int detach(struct sysfs *dev)
{
	sysfs_read(dev->override, SYSFS_DEVICE "/driver_override", dev->pci);
	write_setting(dev, "driver_override", SYSFS_NO_DRIVER,
		      strcmp(dev->override, "(null)") ? dev->override : "\n");

	int err = -sysfs_write(dev->pci, SYSFS_DEVICE "/driver/unbind", dev->pci);
	return err && err != ENOENT ? explain_access(dev, "driver/unbind", err) : 0;
}

static int open_bar(struct sysfs *dev, int i, uint64_t first, uint64_t size, bool ports)
{
	const int fd = sysfs_open(O_RDWR, SYSFS_DEVICE "/resource%d", dev->pci, i);

	if (fd < 0)
		return fd == -ENOENT ? 0 : explain_access(dev, "a BAR", -fd);
	dev->bars[i].fd = fd;
	dev->bars[i].size = size;
	dev->bars[i].skew = first % sysconf(_SC_PAGESIZE);
	dev->bars[i].ports = ports;
	return 0;
}

/* In the file "resource" each BAR has a line: first address, last address, flags. */
static int open_bars(struct sysfs *dev)
{
	unsigned long long first, last, flags;
	int fd = sysfs_open(O_RDONLY, SYSFS_DEVICE "/resource", dev->pci), err = 0;
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	for (int i = 0; i < BARS && file && !err; i++) {
		if (fscanf(file, "%llx %llx %llx", &first, &last, &flags) != 3)
			break;
		if (flags & (IORESOURCE_IO | IORESOURCE_MEM) && last > first)
			err = open_bar(dev, i, first, last - first + 1, flags & IORESOURCE_IO);
	}
	if (file)
		fclose(file);
	return err;
}

/*
 * With CONFIG_IO_STRICT_DEVMEM, which distributions set, Linux does not let a BAR be mapped that a
 * driver has; so this comes after detach(). It maps whole pages: a BAR smaller than a page may
 * lie anywhere in its own.
 */
static int map_bars(struct sysfs *dev)
{
	for (struct bar *bar = dev->bars; bar < dev->bars + BARS; bar++) {
		if (!bar->size || bar->ports)
			continue;
		uint8_t *pages = mmap(NULL, bar->skew + bar->size, PROT_READ | PROT_WRITE,
				      MAP_SHARED, bar->fd, 0);
		if (pages != MAP_FAILED)
			bar->mapped = pages + bar->skew;
	}
	return 0;
}

/* Return: the command register as it was, or -errno. */
static int change_command(const struct sysfs *dev, uint16_t clear, uint16_t set)
{
	uint16_t before = UINT16_MAX;

	if (pread(dev->config, &before, sizeof(before), PCI_COMMAND) < 0)
		return -errno;
	if (before == UINT16_MAX)
		return -ENODEV;
	uint16_t command = (before & ~clear) | set;
	return pwrite(dev->config, &command, sizeof(command), PCI_COMMAND) < 0 ? -errno : before;
}

/*
 * Power on and decoding of addresses on, bus mastering off. INTx off, too, which the kernel switches
 * on with "enable": cards signal interrupts that are not handled here (virtio 1.2, 2.7.7: that the driver wants no
 * interrupts is a hint), and a line that stays asserted is switched off for all cards that share it.
 */
static int enable(struct sysfs *dev)
{
	char count[SYSFS_NAME];

	sysfs_read(count, SYSFS_DEVICE "/enable", dev->pci);
	const bool enabled = strcmp(count, "0");
	int err = enabled ? 0 : write_setting(dev, "enable", "1", "0");
	if (err)
		return explain_access(dev, "enable", -err);
	int before = change_command(dev, PCI_COMMAND_MASTER, PCI_COMMAND_INTX_DISABLE);
	if (before == -ENODEV)
		return ixy_fail(ENODEV, "sysfs:%s: the card does not answer", dev->pci);
	if (before < 0)
		return explain_access(dev, "config", -before);
	/* For the driver of a card that was not enabled, the kernel switches INTx on again. */
	dev->intx = enabled && !(before & PCI_COMMAND_INTX_DISABLE);
	return 0;
}

static void warn(const struct sysfs *dev)
{
	static bool told;

	if (!told)
		ixy_log(IXY_WARN,
			"sysfs:%s: without an IOMMU a card can reach all memory of the machine; "
			"where "
			"there is one, switch it on and use vfio-pci: sudo ixy-bind vfio-pci %s",
			dev->pci, dev->pci);
	told = true;
}

static int sysfs_device_open(struct vfio_device *vfio, const char *name)
{
	const char *comma = strchr(name, ','), *option = comma ? comma + 1 : NULL;
	struct sysfs *dev = calloc(1, sizeof(*dev));

	if (!dev)
		return ixy_fail(ENOMEM, "%s: out of memory", vfio->address);
	dev->space = (struct vfio_space){
		.backend = &vfio_sysfs,
		.physical = true,
		.range_count = 1,
		.ranges = { { 0, UINT64_MAX } },
	};
	vfio->space = &dev->space;
	dev->dir = dev->config = dev->lock = -1;
	for (int i = 0; i < BARS; i++)
		dev->bars[i].fd = -1;

	if (!sysfs_find(dev->pci, name) || (option && strcmp(option, "force")))
		return ixy_fail(EINVAL,
				"%s: not an address; they look like sysfs:0000:03:00.0 or "
				"sysfs:0000:03:00.0,force, and a network interface will do, too",
				vfio->address);
	if (!sysfs_exists(SYSFS_DEVICE, dev->pci))
		return ixy_fail(ENODEV, "%s: no such device; ixy-bind lists network cards",
				vfio->address);
	dev->config = sysfs_open(O_RDWR, SYSFS_DEVICE "/config", dev->pci);
	if (dev->config < 0)
		return explain_access(dev, "config", -dev->config);
	dev->dir = sysfs_open(O_RDONLY | O_DIRECTORY, SYSFS_DEVICE, dev->pci);
	if (dev->dir < 0)
		return explain_access(dev, "its folder", -dev->dir);

	dev->lock = sysfs_lock(dev->pci);
	if (dev->lock == -EBUSY)
		return ixy_fail(EBUSY, "%s: in use: another program has it open", vfio->address);
	if (dev->lock < 0)
		return explain_access(dev, "a BAR", -dev->lock);
	int err = check_driver(dev, option) ?: check_huge_pages(dev) ?: open_bars(dev) ?: detach(dev) ?:
		  map_bars(dev) ?: enable(dev);
	if (err)
		return err;
	warn(dev);
	return watcher_start(&dev->watcher, vfio->address, dev->dir, dev->lock, dev->undo);
}

static void sysfs_device_close(struct vfio_device *vfio)
{
	struct sysfs *dev = (struct sysfs *)vfio->space;

	if (!dev)
		return;
	watcher_end(&dev->watcher);
	for (const struct sysfs_setting *u = dev->undo; u->file; u++)
		sysfs_write(u->text, SYSFS_DEVICE "/%s", dev->pci, u->file);
	if (dev->intx)
		change_command(dev, PCI_COMMAND_INTX_DISABLE, 0);
	for (struct bar *bar = dev->bars; bar < dev->bars + BARS; bar++) {
		if (bar->mapped)
			munmap(bar->mapped - bar->skew, bar->skew + bar->size);
		if (bar->fd >= 0)
			close(bar->fd);
	}
	if (dev->dir >= 0)
		close(dev->dir);
	if (dev->config >= 0)
		close(dev->config);
	if (dev->lock >= 0)
		close(dev->lock);
	free(dev);
}

static int sysfs_region_info(const struct sysfs *dev, struct vfio_region_info *info)
{
	info->offset = info->cap_offset = info->flags = info->size = 0;
	if (info->index >= BARS || !dev->bars[info->index].size)
		return 0;
	info->size = dev->bars[info->index].size;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (!dev->bars[info->index].ports)
		info->flags |= VFIO_REGION_INFO_FLAG_MMAP;
	return dev->bars[info->index].fd;
}

static int sysfs_reset(const struct sysfs *dev)
{
	int err = sysfs_write("1", SYSFS_DEVICE "/reset", dev->pci);

	return err == -ENOENT ? -ENOTTY : err;
}

static int sysfs_call(struct vfio_device *vfio, unsigned long request, void *argument)
{
	const struct sysfs *dev = (struct sysfs *)vfio->space;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return sysfs_region_info(dev, argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		((struct vfio_irq_info *)argument)->count = 0;
		return 0;
	case VFIO_DEVICE_RESET:
		return sysfs_reset(dev);
	default:
		return -ENOTTY;
	}
}

/* One load or store: the device must see one access. */
static int access_memory(volatile uint8_t *at, void *data, size_t size, bool write)
{
	switch (size) {
#define WIDTH(type)                                                                                \
	case sizeof(type): {                                                                       \
		type value;                                                                        \
		if (write) {                                                                       \
			memcpy(&value, data, size);                                                \
			*(volatile type *)at = value;                                              \
		} else {                                                                           \
			value = *(volatile type *)at;                                              \
			memcpy(data, &value, size);                                                \
		}                                                                                  \
		return 0;                                                                          \
	}
		WIDTH(uint8_t);
		WIDTH(uint16_t);
		WIDTH(uint32_t);
		WIDTH(uint64_t);
	}
	return -EINVAL;
}

static int sysfs_access(struct vfio_device *vfio, int index, uint64_t offset, void *data,
			size_t size, bool write)
{
	struct sysfs *dev = (struct sysfs *)vfio->space;
	int fd = dev->config;

	if (index != VFIO_PCI_CONFIG_REGION_INDEX) {
		if (index < 0 || index >= BARS || offset > dev->bars[index].size ||
		    size > dev->bars[index].size - offset)
			return -EIO;
		/* One access, as the device wants it. */
		if (!size || size & (size - 1) || size > (dev->bars[index].ports ? 4 : 8) ||
		    offset % size)
			return -EINVAL;
		fd = dev->bars[index].fd;
		if (!dev->bars[index].ports)
			return dev->bars[index].mapped
				       ? access_memory(dev->bars[index].mapped + offset, data, size,
						       write)
				       : -EIO;
	}
	ssize_t done = write ? pwrite(fd, data, size, offset) : pread(fd, data, size, offset);
	return done == (ssize_t)size ? 0 : -EIO;
}

static int sysfs_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	struct sysfs *dev = (struct sysfs *)space;

	if (add)
		return watcher_keep(&dev->watcher, map->fd);
	watcher_forget(&dev->watcher, map->fd);
	return 0;
}

const struct vfio_backend vfio_sysfs = {
	.open = sysfs_device_open,
	.close = sysfs_device_close,
	.call = sysfs_call,
	.access = sysfs_access,
	.dma = sysfs_dma,
};
