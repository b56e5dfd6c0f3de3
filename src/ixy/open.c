/* SPDX-License-Identifier: BSD-2-Clause */
/* Opening a card: which driver is for it, and what its configuration defaults to. */
#include "../driver/driver.h"

int ixy_open(struct ixy_device **dev, const char *address, const struct ixy_config *config)
{
	struct ixy_config c = { 1, 1, 512, 1024, 4096, .mtu = 1500 };
	const struct ixy_card *card = NULL;
	struct vfio_device *vfio = NULL;
	uint16_t id[2] = { 0 }; /* vendor, device */

	int err = vfio_open(&vfio, address) ?:
	      vfio_region_read(vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_VENDOR_ID, id, sizeof(id)) ?:
	      ixy_find_card(vfio, id, &card) ?:
	      ixy_configure(vfio, card, &c, config) ?:
	      ixy_driver_open(card, dev, vfio, &c);
	if (err)
		vfio_close(vfio);
	return err;
}
