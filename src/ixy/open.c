/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a card: which driver is for it, and what its configuration defaults to. */
#include "driver.h"

#include <stdio.h>

#include <linux/pci_regs.h>

#define PCI_VENDOR_ID_INTEL 0x8086

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

static int open_card(struct ixy_device **dev, struct vfio_device *vfio,
		     const struct ixy_config *config)
{
	char list[512] = "";
	uint16_t id[2]; /* vendor, device */
	int err =
		vfio_region_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, id, sizeof(id));

	for (const struct card *c = cards; !err && c->name; c++) {
		snprintf(list + strlen(list), sizeof(list) - strlen(list), " %s", c->name);
		for (const uint16_t *i = c->ids; *i; i++) {
			if (id[0] == PCI_VENDOR_ID_INTEL && id[1] == *i)
				return ixgbe_open(dev, vfio, config, c->copper);
			snprintf(list + strlen(list), sizeof(list) - strlen(list), " 8086:%04x",
				 *i);
		}
	}
	return err
		       ?: ixy_fail(ENOTSUP, "%s: no driver for %04x:%04x; there is for%s",
				   vfio_address(vfio), id[0], id[1], list);
}

int ixy_open(struct ixy_device **dev, const char *address, const struct ixy_config *config)
{
	struct ixy_config c = config ? *config : (struct ixy_config){ 0 };
	struct vfio_device *vfio;

	c.rx_queues = c.rx_queues ?: 1;
	c.tx_queues = c.tx_queues ?: 1;
	c.rx_ring = c.rx_ring ?: 512;
	c.tx_ring = c.tx_ring ?: 512;
	c.mtu = c.mtu ?: 1500;
	/* Enough for these rings and for another card's that sends what we receive. */
	c.buffers = c.buffers ?: c.rx_ring + c.tx_ring > 2048 ? 2 * (c.rx_ring + c.tx_ring) : 4096;

	int err = ixy_check_config(address, &c) ?: vfio_open(&vfio, address);
	if (err)
		return err;
	err = open_card(dev, vfio, &c);
	if (err)
		vfio_close(vfio);
	return err;
}
