/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Has a program a file of a device open: of VFIO (a virtual machine, DPDK, ...), of UIO, of RDMA? Every
 * process is looked at, and the device's number compared: a container may have another path to it.
 */
#include <ctype.h>

#include <sys/stat.h>

#include "../internal.h"
#include "sysfs.h"

/* Does process @pid have @file open? Of others' processes, only root can tell. */
static bool has_open(const char *pid, const struct stat *file)
{
	char path[64];
	struct stat opened;
	struct dirent *entry;
	bool found = false;

	snprintf(path, sizeof(path), "/proc/%.32s/fd", pid);
	DIR *dir = opendir(path);
	while (dir && !found && (entry = readdir(dir)) != NULL)
		found = isdigit((unsigned char)*entry->d_name) &&
			!fstatat(dirfd(dir), entry->d_name, &opened, 0) &&
			S_ISCHR(opened.st_mode) && opened.st_rdev == file->st_rdev;
	if (dir)
		closedir(dir);
	return found;
}

static bool is_open(const char *path, char *why, size_t size)
{
	char comm[64] = "";
	struct stat file;
	struct dirent *entry;
	bool found = false;
	DIR *dir = stat(path, &file) || !S_ISCHR(file.st_mode) ? NULL : opendir("/proc");

	while (dir && !found && (entry = readdir(dir)) != NULL) {
		if (!isdigit((unsigned char)*entry->d_name) || !has_open(entry->d_name, &file))
			continue;
		found = true;
		snprintf(comm, sizeof(comm), "/proc/%.32s/comm", entry->d_name);
		int fd = open(comm, O_RDONLY | O_CLOEXEC);
		ssize_t length = fd < 0 ? -1 : read(fd, comm, sizeof(comm) - 1);
		if (fd >= 0)
			close(fd);
		comm[length < 0 ? 0 : length] = '\0';
		comm[strcspn(comm, "\n")] = '\0';
		snprintf(why, size, "process %.32s (%s) has %s open", entry->d_name, comm, path);
	}
	if (dir)
		closedir(dir);
	return found;
}

bool sysfs_is_open(const char *pci, char *why, size_t size)
{
	static const char *const places[][2] = { { "vfio-dev", "/dev/vfio/devices" },
						 { "uio", "/dev" },
						 { "infiniband_verbs", "/dev/infiniband" } };
	char group[SYSFS_NAME], path[128];
	const char *name;
	bool used = false;

	if (sysfs_link(group, SYSFS_DEVICE "/iommu_group", pci)) {
		snprintf(path, sizeof(path), "/dev/vfio/%s", group);
		used = is_open(path, why, size);
	}
	for (int i = 0; i < 3; i++) {
		DIR *dir = sysfs_list(SYSFS_DEVICE "/%s", pci, places[i][0]);
		while ((name = sysfs_next(dir)) != NULL) {
			snprintf(path, sizeof(path), "%s/%.64s", places[i][1], name);
			used = used || is_open(path, why, size);
		}
	}
	return used;
}
