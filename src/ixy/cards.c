/* SPDX-License-Identifier: BSD-2-Clause */
/* The cards that there is a driver for: the one file that knows all drivers. */
#include "../driver/driver.h"

#define INTEL  0x8086
#define REDHAT 0x1af4 /* virtio 1.2, 4.1.2 */

int ixgbe_check(const char *address, const struct ixy_config *config);
int virtio_open(struct ixy_device **dev, struct vfio_device *vfio, const struct ixy_config *config,
		bool unused);

/* Device ids as in the families' specification updates; virtio: with and without a legacy part. */
static const struct ixy_card cards[] = {
	{ "82599/X520",
	  ixgbe_open,
	  ixgbe_check,
	  false,
	  INTEL,
	  { 0x10fb, 0x10f7, 0x10f8, 0x10f9, 0x10fc, 0x1507, 0x1514, 0x1517, 0x1529, 0x152a, 0x154a,
	    0x154d, 0x154f, 0x1557, 0x1558 } },
	{ "82599 10GBASE-T", ixgbe_open, ixgbe_check, true, INTEL, { 0x151c } },
	{ "X540", ixgbe_open, ixgbe_check, true, INTEL, { 0x1528, 0x1560 } },
	{ "X550", ixgbe_open, ixgbe_check, true, INTEL, { 0x1563, 0x15d1 } },
	{ "virtio-net", virtio_open, NULL, false, REDHAT, { 0x1041, 0x1000 } },
	{ 0 },
};

static const struct ixy_card *find_card(const uint16_t id[2])
{
	for (const struct ixy_card *c = cards; c->name; c++)
		for (const uint16_t *i = c->ids; *i; i++)
			if (id[0] == c->vendor && id[1] == *i)
				return c;
	return NULL;
}

int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2],
		  const struct ixy_card **card)
{
	char list[512] = "";

	if (id[0] == UINT16_MAX)
		return ixy_fail(ENODEV, "%s: the card does not answer: it is off, or gone",
				vfio_address(vfio));
	*card = find_card(id);
	if (*card)
		return 0;
	for (const struct ixy_card *c = cards; c->name; c++) {
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", c->name);
		for (const uint16_t *i = c->ids; *i; i++)
			snprintf(list + strlen(list), sizeof(list) - strlen(list), " %04x:%04x",
				 c->vendor, *i);
	}
	return ixy_fail(ENOTSUP, "%s: no driver for %04x:%04x; there is for%s", vfio_address(vfio),
			id[0], id[1], list);
}

const char *ixy_card_name(uint16_t vendor, uint16_t device)
{
	const struct ixy_card *card = find_card((uint16_t[]){ vendor, device });

	return card ? card->name : NULL;
}
