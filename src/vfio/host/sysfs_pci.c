/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading and writing what the kernel shows of PCI functions; see sysfs.h. */
#define _GNU_SOURCE /* secure_getenv() */
#include <limits.h>
#include <stdarg.h>

#include <sys/file.h>
#include <sys/stat.h>

#include "../internal.h"
#include "sysfs.h"

static const char *root(void)
{
	return secure_getenv("IXY_SYSFS") ?: "/sys";
}

/* @path: PATH_MAX bytes */
static void make_path(char *path, const char *format, va_list args)
{
	int length = snprintf(path, PATH_MAX, "%s/", root());

	if (length > 0 && length < PATH_MAX)
		vsnprintf(path + length, PATH_MAX - length, format, args);
}

#define EXPAND(path, format)                                                                       \
	do {                                                                                       \
		va_list args;                                                                      \
		va_start(args, format);                                                            \
		make_path(path, format, args);                                                     \
		va_end(args);                                                                      \
	} while (0)

int sysfs_open(int flags, const char *format, ...)
{
	char path[PATH_MAX];

	EXPAND(path, format);
	int fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

bool sysfs_exists(const char *format, ...)
{
	char path[PATH_MAX];
	struct stat file;

	EXPAND(path, format);
	return !stat(path, &file);
}

DIR *sysfs_list(const char *format, ...)
{
	char path[PATH_MAX];

	EXPAND(path, format);
	return opendir(path);
}

const char *sysfs_next(DIR *dir)
{
	struct dirent *entry;

	while (dir && (entry = readdir(dir)) != NULL)
		if (entry->d_name[0] != '.')
			return entry->d_name;
	if (dir)
		closedir(dir);
	return NULL;
}

bool sysfs_link(char name[SYSFS_NAME], const char *format, ...)
{
	char path[PATH_MAX], target[PATH_MAX];

	EXPAND(path, format);
	*name = '\0';
	ssize_t length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return false;
	target[length] = '\0';
	const char *slash = strrchr(target, '/');
	snprintf(name, SYSFS_NAME, "%.*s", SYSFS_NAME - 1, slash ? slash + 1 : target);
	return true;
}

bool sysfs_read(char name[SYSFS_NAME], const char *format, ...)
{
	char path[PATH_MAX];

	EXPAND(path, format);
	*name = '\0';
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t length = fd < 0 ? -1 : read(fd, name, SYSFS_NAME - 1);
	if (fd >= 0)
		close(fd);
	if (length < 0)
		return false;
	name[length] = '\0';
	name[strcspn(name, "\n")] = '\0';
	return true;
}

int sysfs_write(const char *text, const char *format, ...)
{
	char path[PATH_MAX];

	EXPAND(path, format);
	int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	int err = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return err;
}

int sysfs_lock(const char *pci)
{
	int fd = -ENOENT;

	for (int i = 0; i < 6 && fd == -ENOENT; i++)
		fd = sysfs_open(O_RDWR, SYSFS_DEVICE "/resource%d", pci, i);
	if (fd == -ENOENT)
		fd = sysfs_open(O_RDWR, SYSFS_DEVICE "/config", pci);
	if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB)) {
		close(fd);
		return -EBUSY;
	}
	return fd;
}

bool sysfs_is_vfio(const char *driver)
{
	return !strcmp(driver, "vfio-pci") || strstr(driver, "_vfio_pci");
}

bool sysfs_leaves_group_viable(const char *driver)
{
	return !*driver || sysfs_is_vfio(driver) || !strcmp(driver, "pcieport") ||
	       !strcmp(driver, "pci-stub");
}

/* Base class and subclass; PCI Code and ID Assignment Specification. */
static unsigned long class_of(const char *pci)
{
	char text[SYSFS_NAME];

	return sysfs_read(text, SYSFS_DEVICE "/class", pci) ? strtoul(text, NULL, 16) >> 8 : 0;
}

bool sysfs_is_network(const char *pci)
{
	return class_of(pci) >> 8 == 0x02;
}

bool sysfs_is_bridge(const char *pci)
{
	return class_of(pci) == 0x0604 || class_of(pci) == 0x0609; /* transparent, or half so */
}
