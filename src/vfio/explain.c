/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a device behind the kernel's VFIO cannot be used, and what to do about it: one line for each. */
#include <ctype.h>
#include <dirent.h>
#include <limits.h>
#include <stdarg.h>

#include <sys/resource.h>
#include <sys/stat.h>

#include "internal.h"

#define DEVICES "/sys/bus/pci/devices"

/* What to type so that vfio-pci drives a device; Linux: Documentation/ABI/testing/sysfs-bus-pci. */
#define UNBIND "echo %s | sudo tee " DEVICES "/%s/driver/unbind"
#define BIND                                                                                       \
	"sudo modprobe vfio-pci; echo vfio-pci | sudo tee " DEVICES "/%s/driver_override; "        \
	"echo %s | sudo tee /sys/bus/pci/drivers_probe"

__attribute__((format(printf, 1, 2))) static bool exists(const char *format, ...)
{
	char path[PATH_MAX];
	struct stat file;
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return !stat(path, &file);
}

/* The last part of what a symbolic link of the device points to: its driver, its group. */
static bool link_name(char name[64], const char *pci, const char *which)
{
	char path[PATH_MAX], target[PATH_MAX];

	snprintf(path, sizeof(path), DEVICES "/%s/%s", pci, which);
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, 64, "%.63s", slash ? slash + 1 : target);
	return true;
}

/* "0000:03:00.0": it is part of paths and of what we tell people to type. */
static bool is_address(const char *pci)
{
	static const char pattern[] = "xxxx:xx:xx.x";

	for (size_t i = 0; i < sizeof(pattern); i++) {
		if (pattern[i] == 'x' ? !isxdigit((unsigned char)pci[i]) : pci[i] != pattern[i])
			return false;
	}
	return true;
}

/*
 * Every function of a group must be driven by VFIO or by nothing, or by a driver that lets its
 * device do no DMA of its own: in Linux, those with driver_managed_dma.
 */
static int explain_group(const char *pci, const char *group)
{
	char path[PATH_MAX], driver[64], found[256] = "", first[16] = "";
	struct dirent *entry;

	snprintf(path, sizeof(path), "/sys/kernel/iommu_groups/%s/devices", group);
	DIR *dir = opendir(path);
	while (dir && (entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.' || !link_name(driver, entry->d_name, "driver") ||
		    !strcmp(driver, "vfio-pci") || !strcmp(driver, "pcieport") ||
		    !strcmp(driver, "pci-stub"))
			continue;
		size_t length = strlen(found);
		snprintf(found + length, sizeof(found) - length, "%s%.15s (%.63s)",
			 length ? ", " : "", entry->d_name, driver);
		if (!*first)
			snprintf(first, sizeof(first), "%.15s", entry->d_name);
	}
	if (dir)
		closedir(dir);
	if (!*found)
		return ixy_fail(EBUSY, "%s: another driver uses a member of its IOMMU group %s",
				pci, group);
	return ixy_fail(EBUSY,
			"%s: its IOMMU group %s has members that other drivers use: %s; unbind "
			"each of them, or bind it to vfio-pci, too: " UNBIND,
			pci, group, found, first, first);
}

static int explain_memlock(int err)
{
	unsigned long long needed = 0;
	struct rlimit limit = { 0 };
	struct dma_map *map;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	LIST_FOREACH (map, &dma_maps, next)
		needed += map->mem.size;
	if (err != ENOMEM || limit.rlim_cur >= needed)
		return ixy_fail(err, "cannot map DMA memory: %s", strerror(err));
	return ixy_fail(err,
			"DMA needs at least %llu bytes of locked memory, the limit is %llu: raise "
			"it with ulimit "
			"-l %llu (as root, or in /etc/security/limits.conf)",
			needed, (unsigned long long)limit.rlim_cur, (needed + 1023) / 1024);
}

/* Up to the point where we have the group's number. */
static int explain_device(const char *pci)
{
	if (!is_address(pci))
		return ixy_fail(EINVAL,
				"%s: not an address; they look like 0000:03:00.0 or vfio-user:PATH",
				pci);
	if (!exists(DEVICES "/%s", pci))
		return ixy_fail(ENODEV, "%s: no such device; lspci -D lists what there is", pci);
	return ixy_fail(
		ENODEV,
		"%s: not behind an IOMMU: switch it on in the firmware (VT-d, AMD-Vi) and boot "
		"with intel_iommu=on (Intel; on AMD it is on by default)",
		pci);
}

int vfio_explain(const char *pci, const char *what, int err)
{
	char driver[64] = "", group[64] = "";

	if (!strcmp(what, "MAP_DMA"))
		return explain_memlock(err);
	if (!strcmp(what, "UNMAP_DMA"))
		return ixy_fail(err, "cannot unmap DMA memory: %s", strerror(err));
	if (!is_address(pci) || !link_name(group, pci, "iommu_group"))
		return explain_device(pci);

	if (exists("/dev/vfio/noiommu-%s", group))
		return ixy_fail(
			ENODEV,
			"%s: in no-IOMMU mode (/dev/vfio/noiommu-%s), which protects no memory "
			"and is not supported: switch the IOMMU on",
			pci, group);
	if (!link_name(driver, pci, "driver"))
		return ixy_fail(ENODEV, "%s: no driver; give it to vfio-pci: " BIND, pci, pci, pci);
	if (strcmp(driver, "vfio-pci"))
		return ixy_fail(ENODEV, "%s: driven by %s; give it to vfio-pci: " UNBIND "; " BIND,
				pci, driver, pci, pci, pci, pci);
	if (!exists("/dev/vfio/vfio"))
		return ixy_fail(ENODEV, "%s: no /dev/vfio/vfio: sudo modprobe vfio-pci", pci);
	if (!strcmp(what, "VFIO_GROUP_FLAGS_VIABLE"))
		return explain_group(pci, group);
	if (!strcmp(what, "VFIO_SET_IOMMU") && err == EPERM)
		return ixy_fail(EPERM,
				"%s: its IOMMU does not remap interrupts, so the kernel refuses: "
				"switch interrupt remapping on (x2APIC, intremap) in the firmware",
				pci);
	if (!strcmp(what, "VFIO_SET_IOMMU"))
		return ixy_fail(err,
				"%s: the kernel offers no IOMMU for it (%s): sudo modprobe "
				"vfio_iommu_type1",
				pci, strerror(err));
	if (err == EACCES || err == EPERM)
		return ixy_fail(
			EACCES,
			"%s: /dev/vfio/%s: permission denied; make it yours: sudo chown $USER "
			"/dev/vfio/%s",
			pci, group, group);
	if (err == EBUSY)
		return ixy_fail(EBUSY, "%s: in use: another program has /dev/vfio/%s open", pci,
				group);
	return ixy_fail(err, "%s: %s: %s", pci, what, strerror(err));
}
