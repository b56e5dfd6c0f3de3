/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a device behind the kernel's VFIO cannot be used, and what to do about it: one line for each. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "internal.h"
#include "sysfs.h"

/* Every function of a group must be driven by VFIO or by nothing, or do no DMA by itself. */
static int explain_group(const char *pci, const char *group)
{
	char driver[SYSFS_NAME], found[160] = "", names[160] = "";
	DIR *dir = sysfs_list("kernel/iommu_groups/%s/devices", group);
	const char *member;

	while ((member = sysfs_next(dir)) != NULL) {
		sysfs_link(driver, SYSFS_DEVICE "/driver", member);
		if (sysfs_leaves_group_viable(driver))
			continue;
		size_t length = strlen(found);
		snprintf(found + length, sizeof(found) - length, "%s%.15s (%.63s)",
			 length ? ", " : "", member, driver);
		length = strlen(names);
		snprintf(names + length, sizeof(names) - length, " %.15s", member);
	}
	if (!*found)
		return ixy_fail(EBUSY, "%s: another driver uses a member of its IOMMU group %s",
				pci, group);
	return ixy_fail(EBUSY,
			"%s: its IOMMU group %s has members that other drivers use: %s; bind them, "
			"too: sudo ixy-bind vfio-pci%s",
			pci, group, found, names);
}

static int explain_memlock(int err)
{
	unsigned long long needed = 0;
	struct rlimit limit = { 0 };
	struct dma_map *map;

	getrlimit(RLIMIT_MEMLOCK, &limit);
	for (map = dma_maps; map; map = map->next)
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
	if (!sysfs_is_address(pci))
		return ixy_fail(EINVAL,
				"%s: not an address; they look like 0000:03:00.0 or vfio-user:PATH",
				pci);
	if (!sysfs_exists(SYSFS_DEVICE, pci))
		return ixy_fail(ENODEV, "%s: no such device; ixy-bind lists network cards", pci);
	return ixy_fail(
		ENODEV,
		"%s: not behind an IOMMU: switch it on in the firmware (VT-d, AMD-Vi) and "
		"boot with intel_iommu=on (Intel; on AMD it is on by default); to do without "
		"one, as root: sysfs:%s",
		pci, pci);
}

int vfio_explain(const char *pci, const char *what, int err)
{
	char driver[SYSFS_NAME], group[SYSFS_NAME], noiommu[128];
	struct stat file;

	if (!strcmp(what, "MAP_DMA"))
		return explain_memlock(err);
	if (!strcmp(what, "UNMAP_DMA"))
		return ixy_fail(err, "cannot unmap DMA memory: %s", strerror(err));
	if (!sysfs_is_address(pci) || !sysfs_link(group, SYSFS_DEVICE "/iommu_group", pci))
		return explain_device(pci);

	snprintf(noiommu, sizeof(noiommu), "/dev/vfio/noiommu-%s", group);
	if (!stat(noiommu, &file))
		return ixy_fail(
			ENODEV,
			"%s: in no-IOMMU mode (/dev/vfio/noiommu-%s), which protects no memory "
			"and is not supported: switch the IOMMU on, or do without vfio-pci: sudo "
			"ixy-bind none %s, and as root sysfs:%s",
			pci, group, pci, pci);
	if (!sysfs_link(driver, SYSFS_DEVICE "/driver", pci))
		return ixy_fail(ENODEV,
				"%s: no driver; give it to vfio-pci: sudo ixy-bind vfio-pci %s",
				pci, pci);
	if (strcmp(driver, "vfio-pci"))
		return ixy_fail(ENODEV,
				"%s: driven by %s; give it to vfio-pci: sudo ixy-bind vfio-pci %s",
				pci, driver, pci);
	if (stat("/dev/vfio/vfio", &file))
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
		return ixy_fail(EACCES,
				"%s: /dev/vfio/%s: permission denied; make it yours: sudo ixy-bind "
				"--user $USER vfio-pci %s",
				pci, group, pci);
	if (err == EBUSY)
		return ixy_fail(EBUSY, "%s: in use: another program has /dev/vfio/%s open", pci,
				group);
	return ixy_fail(err, "%s: %s: %s", pci, what, strerror(err));
}
