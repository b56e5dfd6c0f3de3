/* SPDX-License-Identifier: BSD-2-Clause */
/* What people call a PCI function; see sysfs.h. */
#include <ctype.h>

#include "../internal.h"
#include "sysfs.h"

#define HEX "0123456789abcdefABCDEF"

/* [DOMAIN:]BUS:SLOT.FUNCTION, as lspci and the kernel write it: 4 to 8 digits of domain, or none. */
static bool parse_address(char pci[SYSFS_PCI], const char *text)
{
	unsigned int domain = 0, bus, slot, function;
	int end = 0;

	if (text[strspn(text, HEX ":.")]) /* sscanf() takes spaces, signs and 0x, too */
		return false;
	if (strcspn(text, ":") > 2) {
		if (sscanf(text, "%8x:%2x:%2x.%1x%n", &domain, &bus, &slot, &function, &end) != 4)
			return false;
	} else if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &end) != 3) {
		return false;
	}
	if (text[end] || slot > 0x1f || function > 7)
		return false;
	snprintf(pci, SYSFS_PCI, "%04x:%02x:%02x.%x", domain, bus & 0xff, slot, function);
	return true;
}

static bool find_interface(char pci[SYSFS_PCI], const char *name)
{
	DIR *dir = sysfs_list("bus/pci/devices");
	const char *device;
	bool found = false;

	while ((device = sysfs_next(dir)) != NULL) {
		if (!netif_belongs(device, name))
			continue;
		snprintf(pci, SYSFS_PCI, "%s", device);
		found = true;
	}
	return found;
}

bool sysfs_find(char pci[SYSFS_PCI], const char *name)
{
	char text[SYSFS_NAME];
	const size_t length = strcspn(name, ",");

	if (length >= sizeof(text))
		return false;
	snprintf(text, sizeof(text), "%.*s", (int)length, name);
	return parse_address(pci, text) || find_interface(pci, text);
}

/* A token as uuid_parse() of the kernel wants it: 8-4-4-4-12 digits. */
static bool is_uuid(const char *text)
{
	static const char pattern[] = "xxxxxxxx-xxxx-xxxx-xxxx-xxxxxxxxxxxx";

	for (size_t i = 0; i < sizeof(pattern); i++)
		if (pattern[i] == 'x' ? !isxdigit((unsigned char)text[i]) : text[i] != pattern[i])
			return false;
	return true;
}

static const char *token_of(const char *address)
{
	const char *option = strchr(address, ',');

	return option && !strncmp(option, ",token=", 7) && is_uuid(option + 7) ? option + 7 : NULL;
}

const char *vfio_pci_name(const char *address)
{
	static char pci[SYSFS_PCI];

	if ((strchr(address, ',') && !token_of(address)) || !sysfs_find(pci, address))
		return address;
	return pci;
}

const char *vfio_kernel_name(const struct vfio_device *dev, const char *pci)
{
	static char name[128];
	const char *token = token_of(dev->address);

	if (!token)
		return pci;
	snprintf(name, sizeof(name), "%s vf_token=%s", pci, token);
	return name;
}
