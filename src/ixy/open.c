/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a card: which driver is for it, and what its configuration defaults to. */
#include "driver.h"

#include <linux/pci_regs.h>

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
	uint16_t id[2] = { 0 }; /* vendor, device */
	bool copper = false;
	err = vfio_region_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, id, sizeof(id)) ?:
	      ixy_find_card(vfio, id, &copper) ?:
	      ixgbe_open(dev, vfio, &c, copper);
	if (err)
		vfio_close(vfio);
	return err;
}
