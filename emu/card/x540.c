/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What an X540 has otherwise than an 82599, as far as drivers look at it: ids, a smaller packet buffer, one
 * more semaphore, and, instead of a module in a cage, a PHY for copper (10GBASE-T, 1000BASE-T, 100BASE-TX)
 * behind MDIO, which negotiates the link by itself.
 *
 * The facts are those of Linux's and DPDK's drivers (ixgbe_x540.c, ixgbe_phy.c) and, of the PHY, of
 * IEEE 802.3 clause 45. Datasheet gap: none has been at hand for the X540; sections are the 82599's.
 */
#include <string.h>

#include "nic_internal.h"

#define DEVICE_ID	    0x1528
#define SUBSYSTEM_ID	    0x0001
#define RX_BUFFER	    (384 << 10)
#define SW_FW_SYNC_WRITABLE (SW_FW_SYNC_REGSMP | 0x3FF)

/* MMDs, the parts of a PHY (clause 45) */
enum { PMA = 1, PCS = 3, PHY_XS = 4, AN = 7, VENDOR_1 = 30 };

/* Registers of several of them */
#define CONTROL_1	 0
#define CONTROL_1_RESET	 BIT(15)
#define STATUS_1	 1
#define STATUS_1_LINK	 BIT(2)
#define ID_1		 2
#define ID_2		 3
#define DEVICES_1	 5
#define DEVICES_2	 6
#define STATUS_2	 8
#define STATUS_2_PRESENT 0x8000 /* bits 15:14 are 10 */
/* Of the PMA */
#define PMA_SPEEDS    4
#define PMA_ABILITIES 11
/* Of auto-negotiation (AN) */
#define AN_CONTROL_RESTART BIT(9)
#define AN_STATUS_DONE	   BIT(5)
#define AN_ADVERTISED	   16
#define AN_PARTNER	   19
#define AN_10G_CONTROL	   32
#define AN_10G_STATUS	   33
#define AN_VENDOR_1	   0xC400 /* Datasheet gap: 1000BASE-T is advertised here, says Linux */
#define ADVERTISE_10G	   BIT(12)
#define ADVERTISE_1G	   BIT(15)
#define ADVERTISE_100M	   BIT(8)
#define ADVERTISE_PAUSE	   0x0C00 /* symmetric and asymmetric */

/* As after power-on, which is the only reset that the PHY has in common with the rest. */
void nic_phy_create(struct nic *nic)
{
	nic->phy = (struct nic_phy){ .advertised = ADVERTISE_100M | 1,
				     .advertised_10g = ADVERTISE_10G,
				     .vendor_1 = ADVERTISE_1G };
}

void nic_x540_reset(struct nic *nic, bool function)
{
	const uint16_t device = DEVICE_ID, subsystem = SUBSYSTEM_ID;

	if (!nic->x540)
		return;
	nic_set(nic, RXPBSIZE(0), RX_BUFFER);
	if (!function)
		return;
	memcpy(nic->pci.config + 2, &device, 2);
	memcpy(nic->pci.config + 0x2E, &subsystem, 2);
}

/* ---- MDIO (3.7.3) ---- */

/* The partner can do all that the cable is good for, and pause frames. */
static uint16_t read_an(const struct nic *nic, uint16_t reg)
{
	switch (reg) {
	case CONTROL_1:
		return BIT(12); /* it is on */
	case STATUS_1:
		return BIT(3) | BIT(0) | (nic->link.up ? STATUS_1_LINK | AN_STATUS_DONE : 0);
	case AN_ADVERTISED:
		return nic->phy.advertised;
	case AN_PARTNER:
		return nic->link.plugged ? ADVERTISE_100M | ADVERTISE_PAUSE | 1 : 0;
	case AN_10G_CONTROL:
		return nic->phy.advertised_10g;
	case AN_10G_STATUS:
		return nic->link.plugged ? BIT(11) : 0; /* the partner can do 10GBASE-T */
	case AN_VENDOR_1:
		return nic->phy.vendor_1;
	default:
		return 0;
	}
}

static uint16_t read_phy(const struct nic *nic, uint32_t mmd, uint16_t reg)
{
	if (mmd != PMA && mmd != PCS && mmd != PHY_XS && mmd != AN && mmd != VENDOR_1)
		return 0xFFFF;
	switch (reg) {
	case ID_1:
		return 0x0154;
	case ID_2:
		return 0x0200;
	case DEVICES_1:
		return BIT(PMA) | BIT(PCS) | BIT(PHY_XS) | BIT(AN);
	case DEVICES_2:
		return BIT(VENDOR_1 - 16);
	case STATUS_2:
		return STATUS_2_PRESENT;
	}
	if (mmd == AN)
		return read_an(nic, reg);
	if (mmd == VENDOR_1)
		return reg == CONTROL_1 ? nic->phy.power : 0;
	if (reg == STATUS_1)
		return nic->link.up ? STATUS_1_LINK : 0;
	if (mmd == PMA && reg == PMA_SPEEDS)
		return BIT(0) | BIT(4) | BIT(5); /* 10 Gbit/s, 1 Gbit/s, 100 Mbit/s */
	if (mmd == PMA && reg == PMA_ABILITIES)
		return BIT(2) | BIT(5) | BIT(7); /* 10GBASE-T, 1000BASE-T, 100BASE-TX */
	return 0;
}

/* Return: the link is negotiated anew. */
static bool write_phy(struct nic_phy *phy, uint32_t mmd, uint16_t reg, uint16_t value)
{
	if (mmd == VENDOR_1 && reg == CONTROL_1) {
		phy->power = value;
		return true;
	}
	if (reg == CONTROL_1)
		return value & CONTROL_1_RESET || (mmd == AN && value & AN_CONTROL_RESTART);
	if (mmd == AN && reg == AN_ADVERTISED)
		phy->advertised = value;
	else if (mmd == AN && reg == AN_10G_CONTROL)
		phy->advertised_10g = value;
	else if (mmd == AN && reg == AN_VENDOR_1)
		phy->vendor_1 = value;
	return false;
}

/* Clause 45: a command gives the address of a register, which others then read or write. They finish at once. */
bool nic_mdio(struct nic *nic, uint32_t command)
{
	const uint32_t mmd = MSCA_DEV(command);
	struct nic_phy *phy = &nic->phy;
	uint16_t value = 0xFFFF;

	if (MSCA_OP(command) == MSCA_OP_ADDRESS) {
		phy->address = (uint16_t)MSCA_ADDR(command);
		return false;
	}
	const bool here = MSCA_PHY(command) == 0;
	if (MSCA_OP(command) == MSCA_OP_WRITE)
		return here && write_phy(phy, mmd, phy->address, (uint16_t)nic_get(nic, MSRWD));
	if (here)
		value = read_phy(nic, mmd, phy->address);
	nic_set(nic, MSRWD, (nic_get(nic, MSRWD) & 0xFFFF) | (uint32_t)value << 16);
	phy->address += MSCA_OP(command) == MSCA_OP_READ_INC;
	return false;
}

/* The fastest of what the driver lets the PHY offer; 0: none. */
uint32_t nic_phy_speed(const struct nic *nic)
{
	const struct nic_phy *phy = &nic->phy;

	if (phy->power & BIT(11)) /* Linux: low power */
		return 0;
	return phy->advertised_10g & ADVERTISE_10G ? LINKS_SPEED_10G
	       : phy->vendor_1 & ADVERTISE_1G	   ? LINKS_SPEED_1G
	       : phy->advertised & ADVERTISE_100M  ? LINKS_SPEED_100M
						   : 0;
}

/* ---- Semaphores: REGSMP is like SWSM.SMBI, a read that returns 0 takes it ---- */

uint32_t nic_sw_fw_sync_read(struct nic *nic, uint32_t i)
{
	const uint32_t value = nic_get(nic, SW_FW_SYNC);

	(void)i;
	if (nic->x540)
		nic_set(nic, SW_FW_SYNC, value | SW_FW_SYNC_REGSMP);
	return value;
}

void nic_sw_fw_sync_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	if (nic->x540)
		nic_set(nic, SW_FW_SYNC, value & SW_FW_SYNC_WRITABLE);
}
