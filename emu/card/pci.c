/* SPDX-License-Identifier: BSD-2-Clause */
/* PCI Express configuration space (9.3 to 9.5). */
#include <errno.h>
#include <string.h>

#include "nic_internal.h"

#define COMMAND		0x04
#define COMMAND_MASTER	0x04
#define COMMAND_NO_INTX 0x400
#define STATUS_INTX	0x08 /* of the byte at 6 */
#define CAPABILITY_MSI	0x50
#define CAPABILITY_MSIX 0x70
#define MSIX_SIZE	12
#define CAPABILITY_PCIE 0xA0
#define PMCSR		0x44
#define PMCSR_D3HOT	3
#define DEVICE_CONTROL	0xA8
#define INITIATE_FLR	BIT(15)
#define SERIAL_NUMBER	0x144

/* A BAR of this size: its address bits are writable, so that software can find out the size. */
#define BAR_BITS(size) (~((size)-1u))
#define BAR_IO	       0x1
#define BAR_MEM64      0xC /* prefetchable */

/* Words of 32 bits: reset value; bits that a write changes; bits that a 1 written clears. */
static const struct config_word {
	uint32_t offset, reset, writable, clear;
} words[] = {
	{ 0x00, 0x10FB8086, 0, 0 },
	{ COMMAND, 0x00100000, 0x0547, 0xF9000000 },
	{ 0x08, 0x02000001, 0, 0 }, /* Ethernet, revision 1 */
	{ 0x0C, 0x00000000, 0xFF, 0 },
	{ 0x10, BAR_MEM64, BAR_BITS(NIC_BAR0_SIZE), 0 },
	{ 0x14, 0, 0xFFFFFFFF, 0 },
	{ 0x18, BAR_IO, BAR_BITS(NIC_BAR2_SIZE), 0 },
	{ 0x20, BAR_MEM64, BAR_BITS(NIC_BAR4_SIZE), 0 },
	{ 0x24, 0, 0xFFFFFFFF, 0 },
	{ 0x2C, 0x00038086, 0, 0 }, /* subsystem: adapter with SFP+ cages */
	{ 0x34, 0x40, 0, 0 },
	{ 0x3C, 0x00000100, 0xFF, 0 }, /* INTA */

	/* 9.3.7.1: power management: D0 and D3hot. Leaving D3hot is a reset. */
	{ 0x40, 0x48235001, 0, 0 },
	{ PMCSR, 0, 0x0103, 0x8000 },
	/* 9.3.8: MSI: one message, 64-bit address, maskable */
	{ CAPABILITY_MSI, 0x01807005, 0x00010000, 0 },
	{ 0x54, 0, 0xFFFFFFFC, 0 },
	{ 0x58, 0, 0xFFFFFFFF, 0 },
	{ 0x5C, 0, 0xFFFF, 0 },
	{ 0x60, 0, 1, 0 },
	/* 9.3.9: MSI-X: 64 vectors, table at 0 of BAR 4, pending bits at 0x2000 */
	{ CAPABILITY_MSIX, (NIC_MSIX_COUNT - 1u) << 16 | 0xA011, 0xC0000000, 0 },
	{ 0x74, 0x00000004, 0, 0 },
	{ 0x78, 0x00002004, 0, 0 },
	/* 9.3.10: PCI Express: function level reset; 5 GT/s, 8 lanes */
	{ CAPABILITY_PCIE, 0x00020010, 0, 0 },
	{ 0xA4, 0x10008CC2, 0, 0 },
	{ DEVICE_CONTROL, 0x00002810, 0x7FFF, 0x000F0000 },
	{ 0xAC, 0x00000482, 0, 0 },
	{ 0xB0, 0x10820000, 0x00C3, 0 },
	{ 0xC4, 0x0000001F, 0, 0 },
	{ 0xC8, 0, 0x1F, 0 },
	{ 0xD0, 0x00000002, 0x1F, 0 },

	/* 9.4.2: advanced error reporting; no error ever happens */
	{ 0x100, 0x14010001, 0, 0 },
	{ 0x104, 0, 0, 0x001FF030 },
	{ 0x108, 0, 0x001FF030, 0 },
	{ 0x10C, 0x00062030, 0x001FF030, 0 },
	{ 0x110, 0, 0, 0x31C1 },
	{ 0x114, 0x00002000, 0x31C1, 0 },
	{ 0x118, 0, 0x01E0, 0 },
	/* 9.4.3: serial number, made of the Ethernet address */
	{ 0x140, 0x15010003, 0, 0 },
	/* 9.4.4: alternative routing-ID interpretation: no next function */
	{ 0x150, 0x0001000E, 0, 0 },
};

static uint32_t config_get(const struct nic *nic, uint32_t offset)
{
	uint32_t value;

	memcpy(&value, nic->pci.config + offset, sizeof(value));
	return value;
}

/* The list of capabilities goes past it. */
static void hide_msix(struct nic *nic)
{
	nic->pci.config[CAPABILITY_MSI + 1] = CAPABILITY_PCIE;
	memset(nic->pci.config + CAPABILITY_MSIX, 0, MSIX_SIZE);
}

void nic_remove_msix(struct nic *nic)
{
	nic->no_msix = true;
	hide_msix(nic);
}

uint32_t nic_msix_count(const struct nic *nic)
{
	return nic->no_msix ? 0 : NIC_MSIX_COUNT;
}

void nic_pci_reset(struct nic *nic)
{
	const uint8_t *mac = nic->eeprom.mac;
	const uint8_t serial[8] = { mac[5], mac[4], mac[3], 0xFF, 0xFF, mac[2], mac[1], mac[0] };

	memset(&nic->pci, 0, sizeof(nic->pci));
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		memcpy(nic->pci.config + words[i].offset, &words[i].reset, 4);
	if (nic->no_msix)
		hide_msix(nic);
	memcpy(nic->pci.config + SERIAL_NUMBER, serial, sizeof(serial));
	for (uint32_t vector = 0; vector < NIC_MSIX_COUNT; vector++)
		nic->pci.msix[4 * vector + 3] = 1; /* masked */
	nic_pci_update_master(nic);
}

void nic_pci_update_master(struct nic *nic)
{
	bool master = (config_get(nic, COMMAND) & COMMAND_MASTER) && !nic->pci.asleep &&
		      !(nic_get(nic, CTRL) & CTRL_GIO_DIS);

	if (master == nic->pci.master)
		return;
	nic->pci.master = master;
	nic->rescan = true;
	nic_dma_changed(nic);
}

int nic_config_read(struct nic *nic, uint32_t offset, void *data, size_t size)
{
	if (offset > NIC_CONFIG_SIZE || size > NIC_CONFIG_SIZE - offset)
		return -EINVAL;
	uint8_t *status = &nic->pci.config[COMMAND + 2];
	*status = (uint8_t)((*status & ~STATUS_INTX) | (nic_intx_pending(nic) ? STATUS_INTX : 0));
	memcpy(data, nic->pci.config + offset, size);
	return 0;
}

bool nic_intx_enabled(const struct nic *nic)
{
	return !(config_get(nic, COMMAND) & COMMAND_NO_INTX);
}

static void write_byte(struct nic *nic, uint32_t offset, uint8_t value)
{
	if (nic->no_msix && offset - CAPABILITY_MSIX < MSIX_SIZE)
		return;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (words[i].offset != (offset & ~3u))
			continue;

		uint32_t shift = 8 * (offset & 3);
		uint8_t writable = (uint8_t)(words[i].writable >> shift);
		uint8_t clear = (uint8_t)(words[i].clear >> shift);
		uint8_t *byte = &nic->pci.config[offset];

		*byte = (uint8_t)((*byte & ~writable) | (value & writable));
		*byte = (uint8_t)(*byte & ~(value & clear));
		return;
	}
}

bool nic_pci_write(struct nic *nic, uint32_t offset, const uint8_t *bytes, size_t size)
{
	const bool intx = nic_intx_enabled(nic);
	bool flr = false;

	for (uint32_t i = 0; i < size; i++) {
		uint8_t byte = bytes[i]; /* once: it may be memory that changes */

		write_byte(nic, offset + i, byte);
		if (offset + i == DEVICE_CONTROL + 1 && (byte & INITIATE_FLR >> 8))
			flr = true;
	}

	bool asleep = (config_get(nic, PMCSR) & 3) == PMCSR_D3HOT;
	bool woken = nic->pci.asleep && !asleep;

	nic->pci.asleep = asleep;
	nic_pci_update_master(nic);
	if (nic_intx_enabled(nic) && !intx)
		nic_intx_unmasked(nic);
	return flr || woken;
}
