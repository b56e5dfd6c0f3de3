/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a network card in use? To be asked before it is taken from its driver: its network may carry the
 * user's session. If in doubt, it is in use.
 *
 * Not every use can be seen: interfaces above this one (macvlan, ipvlan, VLAN) in a container, captures,
 * AF_XDP, filters that send packets here, FCoE. But they all need an interface that is up, so that
 * alone counts as use. What can be seen makes a better message.
 */
#include <ifaddrs.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/stat.h>

#include "../internal.h"
#include "sysfs.h"

#define STACK_MAX 8 /* of interfaces on each other: VLAN on bond on card */

/* Every interface that is up has a link-local address of IPv6; it says nothing. */
static bool is_address(const struct sockaddr *address)
{
	if (!address)
		return false;
	if (address->sa_family == AF_INET6)
		return !IN6_IS_ADDR_LINKLOCAL(&((const struct sockaddr_in6 *)address)->sin6_addr);
	return address->sa_family == AF_INET;
}

/* Addresses of IPv4 may have a label, which getifaddrs() gives instead: eth0:1 is eth0, too. */
static bool is_of(const struct ifaddrs *address, const char *name)
{
	const size_t length = strcspn(address->ifa_name, ":");

	return length == strlen(name) && !strncmp(address->ifa_name, name, length);
}

static bool has_address(const char *name, char *why, size_t size)
{
	struct ifaddrs *list, *i;
	char text[INET6_ADDRSTRLEN] = "?";

	if (getifaddrs(&list)) {
		snprintf(why, size, "cannot tell whether %s has an address: %s", name,
			 strerror(errno));
		return true;
	}
	for (i = list; i; i = i->ifa_next)
		if (is_of(i, name) && i->ifa_flags & IFF_UP && is_address(i->ifa_addr))
			break;
	if (i) {
		if (i->ifa_addr->sa_family == AF_INET)
			inet_ntop(AF_INET, &((struct sockaddr_in *)i->ifa_addr)->sin_addr, text,
				  sizeof(text));
		else
			inet_ntop(AF_INET6, &((struct sockaddr_in6 *)i->ifa_addr)->sin6_addr, text,
				  sizeof(text));
		snprintf(why, size, "%s is up and has the address %s", name, text);
	}
	freeifaddrs(list);
	return i;
}

/* Split @line at white space. Return: how many words. */
static int split(char *line, char *words[], int max)
{
	int count = 0;

	for (char *word, *save = line; count < max && (word = strsep(&save, " \t\n")) != NULL;)
		if (*word)
			words[count++] = word;
	return count;
}

/*
 * The tables of /proc/net have a route in each line: for IPv4 interface, destination, gateway,
 * flags, three counters, mask; for IPv6 destination, length of its prefix, ..., interface.
 */
static bool has_route(const char *name, char *why, size_t size)
{
	static const struct {
		const char *path;
		int words, interface, destination, mask;
	} tables[] = { { "/proc/net/route", 8, 0, 1, 7 }, { "/proc/net/ipv6_route", 10, 9, 0, 1 } };
	char line[256], *words[10];
	bool found = false;

	for (int t = 0; t < 2 && !found; t++) {
		FILE *file = fopen(tables[t].path, "re");
		int err = file ? 0 : errno;

		while (file && !found && fgets(line, sizeof(line), file)) {
			if (split(line, words, tables[t].words) < tables[t].words ||
			    strcmp(words[tables[t].interface], name))
				continue;
			const char *to = words[tables[t].destination];
			const char *mask = words[tables[t].mask];
			/* Every interface that is up has these of IPv6: link-local, multicast. */
			if (t && (!strncmp(to, "fe8", 3) || !strncmp(to, "ff", 2)))
				continue;
			found = true;
			bool everywhere = !to[strspn(to, "0")] && !mask[strspn(mask, "0")];
			snprintf(why, size, "%s has %s", name,
				 everywhere ? "the default route" : "a route");
		}
		if (file && ferror(file))
			err = errno;
		if (file)
			fclose(file);
		/* The second table is not there in a kernel without IPv6. */
		if (err && !found && !(t && err == ENOENT)) {
			found = true;
			snprintf(why, size, "cannot tell whether %s has a route: %s: %s", name,
				 tables[t].path, strerror(err));
		}
	}
	return found;
}

/* Say why an interface counts that shows no other use, if it does. */
static void check_up(const char *name, char *why, size_t size)
{
	char flags[SYSFS_NAME];

	if (!sysfs_read(flags, "class/net/%s/flags", name))
		snprintf(why, size, "cannot tell whether %s is up", name);
	else if (strtoul(flags, NULL, 16) & IFF_UP)
		snprintf(why, size,
			 "%s is up, and may carry something that cannot be seen from here (a "
			 "container's macvlan, a capture); if not: sudo ip link set %s down",
			 name, name);
}

static bool interface_in_use(const char *name, int depth, char *why, size_t size)
{
	char master[SYSFS_NAME], upper[SYSFS_NAME] = "";
	const char *file;
	bool used = has_address(name, why, size) || has_route(name, why, size);

	if (!used && sysfs_link(master, "class/net/%s/master", name)) {
		snprintf(why, size, "%s is a member of %s", name, master);
		return true;
	}
	/* VLANs and the like, which the kernel links as upper_NAME. */
	DIR *dir = used ? NULL : sysfs_list("class/net/%s", name);
	while ((file = sysfs_next(dir)) != NULL) {
		if (used || depth == STACK_MAX || strncmp(file, "upper_", 6))
			continue;
		snprintf(upper, sizeof(upper), "%.63s", file + 6);
		used = interface_in_use(upper, depth + 1, why, size);
	}
	if (!used && *upper)
		snprintf(why, size, "%s carries %s", name, upper);
	return used || *upper;
}

/* The names of its interfaces; NULL if it has none. */
static DIR *list_interfaces(const char *pci)
{
	char virtio[SYSFS_NAME] = "";
	const char *name;

	/* A virtio card's interfaces are a level further down, below virtio0 or so. */
	DIR *dir = sysfs_list(SYSFS_DEVICE, pci);
	while ((name = sysfs_next(dir)) != NULL)
		if (!strncmp(name, "virtio", 6))
			snprintf(virtio, sizeof(virtio), "%.32s/", name);
	return sysfs_list(SYSFS_DEVICE "/%snet", pci, virtio);
}

int netif_list(const char *pci, char names[NETIF_MAX][SYSFS_NAME])
{
	DIR *dir = list_interfaces(pci);
	const char *name;
	int count = 0;

	if (!dir)
		return 0;
	while ((name = sysfs_next(dir)) != NULL)
		if (count < NETIF_MAX)
			snprintf(names[count++], SYSFS_NAME, "%.63s", name);
	/* The folder is there for interfaces of all network namespaces, the names in it for ours. */
	return count ?: -1;
}

bool netif_belongs(const char *pci, const char *name)
{
	DIR *dir = list_interfaces(pci);
	const char *interface;
	bool found = false;

	while ((interface = sysfs_next(dir)) != NULL)
		found |= !strcmp(interface, name);
	return found;
}

bool netif_in_use(const char *pci, char *why, size_t size)
{
	DIR *dir = list_interfaces(pci);
	char vfs[SYSFS_NAME], up[256] = "";
	struct stat folder = { 0 };
	nlink_t count = 0;
	bool used = false;
	const char *name;

	/* The folder counts interfaces of all network namespaces, and shows those of ours. */
	const bool any = dir && !fstat(dirfd(dir), &folder);
	while ((name = sysfs_next(dir)) != NULL) {
		count++;
		used = used || interface_in_use(name, 0, why, size);
		if (!*up)
			check_up(name, up, sizeof(up));
	}
	if (!used && any && (!count || folder.st_nlink > count + 2)) {
		snprintf(why, size,
			 "its interface is in another network namespace (a container's?)");
		used = true;
	}
	if (!used && sysfs_read(vfs, SYSFS_DEVICE "/sriov_numvfs", pci) && atoi(vfs) > 0) {
		snprintf(why, size, "it has %d VFs, which go with it", atoi(vfs));
		used = true;
	}
	if (used || sysfs_is_open(pci, why, size))
		return true;
	snprintf(why, size, "%s", up);
	return *up;
}
