/* SPDX-License-Identifier: BSD-2-Clause */
/* Why a device behind the kernel's VFIO cannot be used, and what to do about it: one line for each. */
#include <sys/resource.h>
#include <sys/stat.h>

#include "../internal.h"
#include "../host/sysfs.h"

/*
 * Every function of a group must be driven by VFIO or by nothing, or do no DMA by itself. ixy-bind
 * takes network cards, and the drivers from bridges, without further questions.
 */
static int explain_group(const char *pci, const char *group)
{
	char driver[SYSFS_NAME], found[160] = "", names[160] = "";
	DIR *dir = sysfs_list("kernel/iommu_groups/%s/devices", group);
	bool foreign = false;
	const char *member;

	while ((member = sysfs_next(dir)) != NULL) {
		sysfs_link(driver, SYSFS_DEVICE "/driver", member);
		if (sysfs_leaves_group_viable(driver))
			continue;
		size_t length = strlen(found);
		snprintf(found + length, sizeof(found) - length, "%s%.16s (%.63s)",
			 length ? ", " : "", member, driver);
		length = strlen(names);
		snprintf(names + length, sizeof(names) - length, " %.16s", member);
		foreign |= !sysfs_is_network(member) && !sysfs_is_bridge(member);
	}
	if (!*found)
		return ixy_fail(EBUSY, "%s: another driver uses a member of its IOMMU group %s",
				pci, group);
	return ixy_fail(EBUSY,
			"%s: its IOMMU group %s has members that other drivers use: %s; %s, too: "
			"sudo ixy-bind %svfio-pci%s",
			pci, group, found,
			foreign ? "if the system can do without them, bind them" : "bind them",
			foreign ? "--force " : "", names);
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
	char found[SYSFS_PCI];

	if (!sysfs_find(found, pci) || strchr(pci, ','))
		return ixy_fail(EINVAL,
				"%s: not an address; they look like 0000:03:00.0, 03:00.0, "
				"0000:03:10.0,token=UUID (of a VF), or vfio-user:PATH; ixy-bind "
				"lists network cards",
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

/* Files of VFIO that are not there, or not for us. */
static int explain_file(const char *pci, const char *group, const char *path, int err)
{
	if (err == ENOENT && sysfs_exists("module/vfio"))
		return ixy_fail(ENODEV,
				"%s: no %s here, although VFIO is loaded: a container has to be "
				"given it (docker: --device /dev/vfio/vfio --device /dev/vfio/%s)",
				pci, path, group);
	if (err == ENOENT)
		return ixy_fail(ENODEV, "%s: no %s: sudo modprobe vfio-pci", pci, path);
	if (err == EBUSY)
		return ixy_fail(EBUSY, "%s: in use: another program has %s open", pci, path);
	if (err != EACCES && err != EPERM)
		return ixy_fail(err, "%s: %s: %s", pci, path, strerror(err));
	if (!strcmp(path, "/dev/vfio/vfio"))
		return ixy_fail(EACCES,
				"%s: %s: permission denied; it is harmless, and for all where udev "
				"runs: sudo chmod 666 %s",
				pci, path, path);
	return ixy_fail(EACCES,
			"%s: %s: permission denied; make it yours: sudo ixy-bind --user $USER "
			"vfio-pci %s",
			pci, path, pci);
}

/* Does a file have @words in it? */
static bool has_words(int fd, const char *words)
{
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");
	char line[1024];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file))
		found = strstr(line, words);
	if (file)
		fclose(file);
	return found;
}

/* The kernel does not put the group into an address space of ours. */
static int explain_iommu(const char *pci, const char *group, int err)
{
	char unsafe[SYSFS_NAME];

	/* Linux: Documentation/ABI/testing/sysfs-kernel-iommu_groups; others are "direct-relaxable". */
	if (has_words(sysfs_open(O_RDONLY, "kernel/iommu_groups/%s/reserved_regions", group),
		      " direct\n"))
		return ixy_fail(
			err,
			"%s: the firmware has memory of its own for IOMMU group %s (RMRR: its "
			"reserved_regions say \"direct\"), and then the kernel gives it to no "
			"program: a setting of the firmware or another slot may help; to do "
			"without IOMMU: boot with iommu=off, sudo ixy-bind none %s, and as root "
			"sysfs:%s",
			pci, group, pci, pci);
	if (!sysfs_exists("module/vfio_iommu_type1"))
		return ixy_fail(err,
				"%s: the kernel offers no IOMMU for it (%s): sudo modprobe "
				"vfio_iommu_type1",
				pci, strerror(err));
	/* Interrupts that the IOMMU remaps have controllers with names such as IR-PCI-MSI. */
	sysfs_read(unsafe, "module/vfio_iommu_type1/parameters/allow_unsafe_interrupts");
	if (err == EPERM && *unsafe == 'N' &&
	    !has_words(open("/proc/interrupts", O_RDONLY | O_CLOEXEC), " IR-"))
		return ixy_fail(
			EPERM,
			"%s: its IOMMU does not remap interrupts, so the kernel refuses: switch "
			"interrupt remapping on (x2APIC, intremap) in the firmware; or, if its "
			"programs are trusted like root: echo 1 | sudo tee "
			"/sys/module/vfio_iommu_type1/parameters/allow_unsafe_interrupts",
			pci);
	return ixy_fail(err,
			"%s: the kernel does not give IOMMU group %s to programs: %s; dmesg "
			"may tell why",
			pci, group, strerror(err));
}

/* A PF and its VFs, all with vfio-pci, can harm each other: the token shows that the user may have both. */
static int explain_token(const char *pci, int err)
{
	char pf[SYSFS_NAME];

	if (err == EACCES && sysfs_link(pf, SYSFS_DEVICE "/physfn", pci))
		return ixy_fail(EACCES,
				"%s: a VF of %s, which is bound to vfio-pci, too: the kernel wants "
				"the token that a program has set by opening %s,token=UUID; give "
				"the same here: %s,token=UUID",
				pci, pf, pf, pci);
	if (err == EACCES)
		return ixy_fail(EACCES,
				"%s: programs use its VFs, and with a token: give the same here: "
				"%s,token=UUID",
				pci, pci);
	if (err == EINVAL && sysfs_link(pf, SYSFS_DEVICE "/physfn", pci))
		return ixy_fail(EINVAL,
				"%s: its PF %s is not bound to vfio-pci, so it takes no token: "
				"leave it out",
				pci, pf);
	return ixy_fail(err, "%s: the kernel does not open it: %s; dmesg may tell why", pci,
			strerror(err));
}

int vfio_explain(const char *pci, const char *what, int err)
{
	char driver[SYSFS_NAME], group[SYSFS_NAME], noiommu[128];
	struct stat file;

	if (!strcmp(what, "MAP_DMA"))
		return explain_memlock(err);
	if (!strcmp(what, "UNMAP_DMA"))
		return ixy_fail(err, "cannot unmap DMA memory: %s", strerror(err));
	if (strchr(pci, ',') || strchr(pci, '/') ||
	    !sysfs_link(group, SYSFS_DEVICE "/iommu_group", pci))
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
	if (!sysfs_is_vfio(driver))
		return ixy_fail(ENODEV,
				"%s: driven by %s; give it to vfio-pci: sudo ixy-bind vfio-pci %s",
				pci, driver, pci);
	/* Opened before all others, and only looked at when it is needed. */
	int fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (fd < 0)
		return explain_file(pci, group, "/dev/vfio/vfio", errno);
	close(fd);
	if (!strcmp(what, "VFIO_GROUP_FLAGS_VIABLE"))
		return explain_group(pci, group);
	if (!strcmp(what, "VFIO_SET_IOMMU") || !strcmp(what, "/dev/vfio/vfio"))
		return explain_iommu(pci, group, err);
	if (!strcmp(what, "VFIO_GROUP_GET_DEVICE_FD"))
		return explain_token(pci, err);
	return explain_file(pci, group, what, err);
}
