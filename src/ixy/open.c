/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a card: which driver is for it, and what its configuration defaults to. */
#include "driver.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/pci_regs.h>

#include <ixy/log.h>

#define INTEL 0x8086

/* Device ids as in the families' specification updates. */
static const struct card {
	const char *name;
	bool copper;
	uint16_t vendor, ids[17];
} cards[] = {
	{ "82599/X520",
	  false,
	  INTEL,
	  { 0x10fb, 0x10f7, 0x10f8, 0x10f9, 0x10fc, 0x1507, 0x1514, 0x1517, 0x1529, 0x152a, 0x154a,
	    0x154d, 0x154f, 0x1557, 0x1558 } },
	{ "82599 10GBASE-T", true, INTEL, { 0x151c } },
	{ "X540", true, INTEL, { 0x1528, 0x1560 } },
	{ "X550", true, INTEL, { 0x1563, 0x15d1 } },
};
#define CARDS (sizeof(cards) / sizeof(*cards))

static const struct card *find_card(uint16_t vendor, uint16_t id)
{
	for (const struct card *c = cards; c < cards + CARDS; c++)
		for (const uint16_t *i = c->ids; *i; i++)
			if (c->vendor == vendor && *i == id)
				return c;
	return NULL;
}

static int not_supported(const char *address, uint16_t vendor, uint16_t id)
{
	char list[512] = "";

	for (size_t c = 0, n = 0; c < CARDS; c++) {
		n += snprintf(list + n, sizeof(list) - n, "%s %s", c ? ";" : "", cards[c].name);
		for (const uint16_t *i = cards[c].ids; *i; i++)
			n += snprintf(list + n, sizeof(list) - n, " %04x:%04x", cards[c].vendor,
				      *i);
	}
	return ixy_fail(ENOTSUP, "%s: no driver for %04x:%04x; supported are%s", address, vendor,
			id, list);
}

int ixy_open(struct ixy_device **dev, const char *address, const struct ixy_config *config)
{
	struct ixy_config c = config ? *config : (struct ixy_config){ 0 };
	struct vfio_device *vfio;
	uint16_t ids[2]; /* vendor, device */

	c.rx_queues = c.rx_queues ?: 1;
	c.tx_queues = c.tx_queues ?: 1;
	c.rx_ring = c.rx_ring ?: 512;
	c.tx_ring = c.tx_ring ?: 512;
	c.mtu = c.mtu ?: 1500;
	if (!c.buffers) /* enough for these rings and for another card's that sends what we receive */
		c.buffers = c.rx_ring + c.tx_ring > 2048 ? 2 * (c.rx_ring + c.tx_ring) : 4096;

	int err = vfio_open(&vfio, address);
	if (err)
		return err;
	err = vfio_region_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, ids, sizeof(ids));
	if (!err) {
		const struct card *card = find_card(ids[0], ids[1]);
		err = card ? ixgbe_open(dev, vfio, &c, card->copper)
			   : not_supported(address, ids[0], ids[1]);
	}
	if (err)
		vfio_close(vfio);
	return err;
}

void ixy_close(struct ixy_device *dev)
{
	if (dev)
		dev->ops->close(dev);
}

int ixy_read_stats(struct ixy_device *dev, struct ixy_stats *stats)
{
	return dev->ops->read_stats(dev, stats);
}

int ixy_set_promiscuous(struct ixy_device *dev, bool on)
{
	return dev->ops->set_promiscuous(dev, on);
}

int ixy_set_mac(struct ixy_device *dev, const uint8_t mac[6])
{
	return mac[0] & 1 ? -EINVAL : dev->ops->set_mac(dev, mac);
}

int ixy_link_speed(struct ixy_device *dev)
{
	return dev->ops->link_speed(dev);
}
