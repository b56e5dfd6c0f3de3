/* SPDX-License-Identifier: BSD-2-Clause */
/* The cards that there is a driver for. */
#include "driver.h"

#define INTEL 0x8086

/* Device ids as in the families' specification updates; all of Intel. */
static const struct card {
	const char *name;
	bool copper;
	uint16_t ids[16];
} cards[] = {
	{ "82599/X520",
	  false,
	  { 0x10fb, 0x10f7, 0x10f8, 0x10f9, 0x10fc, 0x1507, 0x1514, 0x1517, 0x1529, 0x152a, 0x154a,
	    0x154d, 0x154f, 0x1557, 0x1558 } },
	{ "82599 10GBASE-T", true, { 0x151c } },
	{ "X540", true, { 0x1528, 0x1560 } },
	{ "X550", true, { 0x1563, 0x15d1 } },
	{ 0 },
};

int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2], bool *copper)
{
	char list[512] = "";

	if (id[0] == UINT16_MAX)
		return ixy_fail(ENODEV, "%s: the card does not answer: it is off, or gone",
				vfio_address(vfio));
	for (const struct card *c = cards; c->name; c++) {
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", c->name);
		for (const uint16_t *i = c->ids; *i; i++) {
			*copper = c->copper;
			if (id[0] == INTEL && id[1] == *i)
				return 0;
			snprintf(list + strlen(list), sizeof(list) - strlen(list), " %04x:%04x",
				 INTEL, *i);
		}
	}
	return ixy_fail(ENOTSUP, "%s: no driver for %04x:%04x; there is for%s", vfio_address(vfio),
			id[0], id[1], list);
}
