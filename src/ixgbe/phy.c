/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is it an X540 or X550? These have a PHY for copper behind MDIO (3.7.3; IEEE 802.3 clause 45), which negotiates the link by itself,
 * unless it sleeps: Linux's driver leaves it so when its interface goes down (ixgbe_phy.c,
 * ixgbe_set_copper_phy_power()).
 */
#include "extras.h"

enum { X540 = 0x1528, X540_1_PORT = 0x1560, X550 = 0x1563, X550_1_PORT = 0x15d1 };

#define PHYS		 32
#define PMA		 1
#define PMA_STATUS_2	 8 /* bits 15:14 are 10 if there is one */
#define VENDOR_1	 30
#define VENDOR_1_CONTROL 0
#define LOW_POWER	 BIT(11)

static uint16_t device_id(struct ixgbe_device *dev)
{
	uint16_t id = 0;

	vfio_region_read(dev->ixy.vfio, VFIO_PCI_CONFIG_REGION_INDEX, PCI_DEVICE_ID, &id,
			 sizeof(id));
	return id;
}

bool ixgbe_is_x540(struct ixgbe_device *dev)
{
	const uint16_t id = device_id(dev);

	return id == X540 || id == X540_1_PORT;
}

bool ixgbe_is_x550(struct ixgbe_device *dev)
{
	const uint16_t id = device_id(dev);

	return id == X550 || id == X550_1_PORT;
}

static uint16_t mdio(struct ixgbe_device *dev, uint32_t op, uint32_t where, uint16_t reg)
{
	ixgbe_write(dev, MSCA, MSCA_MDICMD | MSCA_OP_ADDRESS << 26 | where | reg);
	ixgbe_wait_clear(dev, MSCA, MSCA_MDICMD);
	ixgbe_write(dev, MSCA, MSCA_MDICMD | op << 26 | where | reg);
	ixgbe_wait_clear(dev, MSCA, MSCA_MDICMD);
	return (uint16_t)(ixgbe_read(dev, MSRWD) >> 16);
}

static void wake(struct ixgbe_device *dev)
{
	uint32_t phy = 0;

	while (phy < PHYS &&
	       mdio(dev, MSCA_OP_READ, phy << 21 | PMA << 16, PMA_STATUS_2) >> 14 != 2)
		phy++;
	if (phy == PHYS)
		return; /* none: there will be no link */
	const uint32_t where = phy << 21 | VENDOR_1 << 16;
	const uint16_t control = mdio(dev, MSCA_OP_READ, where, VENDOR_1_CONTROL);
	if (!(control & LOW_POWER))
		return;
	ixgbe_write(dev, MSRWD, control & ~LOW_POWER);
	mdio(dev, MSCA_OP_WRITE, where, VENDOR_1_CONTROL);
}

/* 8.2.3.4.9, 8.2.3.4.11: the PHY is shared with firmware and the other port. A read that finds a semaphore free takes it. */
void ixgbe_wake_phy(struct ixgbe_device *dev)
{
	const uint32_t software = SW_FW_SYNC_PHY0 << (ixgbe_read(dev, STATUS) / STATUS_LAN_ID & 1);

	if (!ixgbe_is_x540(dev) && !ixgbe_is_x550(dev))
		return;
	ixgbe_wait_clear(dev, SWSM, SWSM_SMBI);
	ixgbe_wait_clear(dev, SW_FW_SYNC, SW_FW_SYNC_REGSMP);
	ixgbe_wait_clear(dev, SW_FW_SYNC, software | software << SW_FW_SYNC_FIRMWARE);
	ixgbe_set(dev, SW_FW_SYNC, software);
	if (!dev->error)
		wake(dev);
	ixgbe_clear(dev, SW_FW_SYNC, software | SW_FW_SYNC_REGSMP);
	ixgbe_clear(dev, SWSM, SWSM_SMBI);
}
