/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the kernel shows of PCI functions and network interfaces in sysfs, for the files of
 * libixy-vfio and for ixy-bind. Linux: Documentation/ABI/testing/sysfs-bus-pci, sysfs-class-net.
 */
#pragma once
#include <dirent.h>
#include <stdbool.h>
#include <stddef.h>

/*
 * sysfs_pci.c. Paths are formats and begin below /sys; IXY_SYSFS in the environment names another
 * place, so that tests can build a system of their own.
 */
#define SYSFS_NAME	64
#define SYSFS_DEVICE	"bus/pci/devices/%s"
#define SYSFS_NO_DRIVER "none" /* as driver_override: no driver has this name */
#define SYSFS_FORMAT(n) __attribute__((format(printf, n, n + 1)))

SYSFS_FORMAT(2) int sysfs_open(int flags, const char *format, ...); /* a file, or -errno */
SYSFS_FORMAT(1) bool sysfs_exists(const char *format, ...);

/* The names in a folder: while ((name = sysfs_next(dir)) != NULL). The last call closes it. */
SYSFS_FORMAT(1) DIR *sysfs_list(const char *format, ...);
const char *sysfs_next(DIR *dir);

/* The last part of what a symbolic link points to; the first line of a file. "" and false if there
 * is none. */
SYSFS_FORMAT(2) bool sysfs_link(char name[SYSFS_NAME], const char *format, ...);
SYSFS_FORMAT(2) bool sysfs_read(char name[SYSFS_NAME], const char *format, ...);

SYSFS_FORMAT(2) int sysfs_write(const char *text, const char *format, ...); /* 0 or -errno */

/*
 * Exclusive use of a device that no driver has: a lock on a file that only root can open, or any user
 * could keep us out. Return: the file, which is to be closed in the end, -EBUSY, -EACCES or another
 * error.
 */
int sysfs_lock(const char *pci);

/* Is @driver vfio-pci or, for some makes of card, a variant of it: mlx5_vfio_pci? */
bool sysfs_is_vfio(const char *driver);

/* By its class: a network card; a PCI bridge, which no driver needs, and vfio-pci does not take. */
bool sysfs_is_network(const char *pci);
bool sysfs_is_bridge(const char *pci);

/*
 * May a member of an IOMMU group have @driver ("": none) while VFIO has another? Linux lets those
 * that do no DMA of their own: driver_managed_dma.
 */
bool sysfs_leaves_group_viable(const char *driver);

/*
 * address.c: which PCI function do people call @name (up to a comma, if it has one)? "0000:03:00.0",
 * "03:00.0", "10000:E1:00.0"; "enp3s0", its network interface. @pci is as the kernel writes it: part
 * of paths, and of what people are told to type. Return: false if @name is nothing of the kind; that
 * there is such a function is seen for interfaces only.
 */
#define SYSFS_PCI sizeof("ffffffff:ff:1f.7")
bool sysfs_find(char pci[SYSFS_PCI], const char *name);

/* What to do when there are too few huge pages. */
#define MORE_HUGE_PAGES                                                                            \
	"to reserve some: echo 64 | sudo tee /proc/sys/vm/nr_hugepages; best soon after the start"

/*
 * netif.c. netif_list(): the network interfaces of PCI function @pci, or the first of them. Return:
 * how many, or -1 if it has some in another network namespace alone. netif_belongs(): is @name one?
 */
#define NETIF_MAX 8
int netif_list(const char *pci, char names[NETIF_MAX][SYSFS_NAME]);
bool netif_belongs(const char *pci, const char *name);

/*
 * Would taking @pci from its driver cost the system a network, or a program or a virtual machine its
 * device, or can that not be ruled out? Why, in words: "eth0 is up and has the address 10.0.0.1", "cannot
 * tell whether ...".
 */
bool netif_in_use(const char *pci, char *why, size_t size);

/* opened.c, for netif_in_use(): has a program a file of VFIO, UIO or RDMA open that belongs to @pci? */
bool sysfs_is_open(const char *pci, char *why, size_t size);
