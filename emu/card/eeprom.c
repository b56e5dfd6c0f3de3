/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The EEPROM (6.1 to 6.4): an image as on an adapter with SFP+ cages, as far as drivers look at it.
 * It is read through EERD; bit-banging its SPI bus through EEC gets no answer.
 *
 * A word's address is in units of 16 bits. Words 0x03 to 0x0E point to sections; the first word of
 * a section is its length. The checksum covers words 0 to 0x3F and these sections (6.4.5.1).
 */
#include <string.h>

#include "nic_internal.h"

#define WORD_EEPROM_CONTROL 0x00
#define WORD_FIRST_SECTION  0x03
#define WORD_PCIE_GENERAL   0x06
#define WORD_CORE_0	    0x09
#define WORD_MAC_0	    0x0B
#define WORD_FIRMWARE	    0x0F
#define WORD_PBA_GUARD	    0x15
#define WORD_PBA_POINTER    0x16
#define WORD_SAN_MAC	    0x28
#define WORD_SFP_LIST	    0x2B
#define WORD_DEVICE_CAPS    0x2C
#define WORD_VERSION	    0x2D
#define WORD_FREE	    0x3E
#define WORD_CHECKSUM	    0x3F

#define CHECKSUM 0xBABA

/* Where the sections are. */
#define PCIE_GENERAL 0x80
#define CORE_0	     0xC0
#define MAC_0	     0xE0
#define FIRMWARE     0x100
#define PATCH	     0x120
#define PBA	     0x140
#define SFP_LIST     0x160
#define SFP_SEQUENCE 0x180
#define END	     0x200

#define PBA_TEXT "E00000-000"

static uint16_t eeprom_checksum(const uint16_t *word)
{
	uint16_t sum = 0;

	for (uint32_t i = 0; i < WORD_CHECKSUM; i++)
		sum = (uint16_t)(sum + word[i]);
	for (uint32_t i = WORD_FIRST_SECTION; i < WORD_FIRMWARE; i++) {
		uint32_t section = word[i];

		if (section == 0 || section == 0xFFFF)
			continue;
		for (uint32_t j = 1; j <= word[section]; j++)
			sum = (uint16_t)(sum + word[section + j]);
	}
	return (uint16_t)(CHECKSUM - sum);
}

void nic_eeprom_create(struct nic *nic, const uint8_t mac[6])
{
	uint16_t *word = nic->eeprom.word;

	memcpy(nic->eeprom.mac, mac, 6);
	memset(word, 0xFF, sizeof(nic->eeprom.word));
	memset(word, 0, WORD_CHECKSUM * sizeof(*word));
	for (uint32_t i = WORD_FIRST_SECTION; i < WORD_FIRMWARE; i++)
		word[i] = 0xFFFF;

	word[WORD_EEPROM_CONTROL] = 0x4000; /* signature: valid */

	/* 64 MSI-X vectors, as in the PCI capability. */
	word[WORD_PCIE_GENERAL] = PCIE_GENERAL;
	word[PCIE_GENERAL] = 1;
	word[PCIE_GENERAL + 1] = NIC_MSIX_COUNT - 1;

	/* 6.3.5.2: the core section begins with the Ethernet address, first byte lowest. */
	word[WORD_CORE_0] = CORE_0;
	word[CORE_0] = 3;
	for (uint32_t i = 0; i < 3; i++)
		word[CORE_0 + 1 + i] = (uint16_t)(mac[2 * i] | mac[2 * i + 1] << 8);

	/* 6.3.6: the MAC section holds what reset loads into AUTOC and AUTOC2. */
	word[WORD_MAC_0] = MAC_0;
	word[MAC_0] = 4;
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t reset = i == 0 ? NIC_AUTOC_RESET : NIC_AUTOC2_RESET;

		word[MAC_0 + 1 + 2 * i] = (uint16_t)(reset >> 16);
		word[MAC_0 + 2 + 2 * i] = (uint16_t)reset;
	}

	/*
	 * Datasheet gap: Intel's drivers want firmware version 6 or newer for SFP+, at word 7 of the
	 * block that the firmware section's word 4 points to. They warn otherwise.
	 */
	word[WORD_FIRMWARE] = FIRMWARE;
	word[FIRMWARE + 2] = 0xFFFF; /* no link establishment state machine */
	word[FIRMWARE + 4] = PATCH;
	word[PATCH + 7] = 6;

	/* The printed board assembly number: a guard word, then a pointer to a text. */
	word[WORD_PBA_GUARD] = 0xFAFA;
	word[WORD_PBA_POINTER] = PBA;
	word[PBA] = 1 + sizeof(PBA_TEXT) / 2;
	for (uint32_t i = 0; i < sizeof(PBA_TEXT) / 2; i++)
		word[PBA + 1 + i] = (uint16_t)(PBA_TEXT[2 * i] << 8 | PBA_TEXT[2 * i + 1]);

	/*
	 * For each kind of module that drivers know for ports 0 and 1 (direct attach: 3, 4; optical:
	 * 5, 6) the place of a list of words for CORECTL; 0xFFFF ends both lists.
	 */
	word[WORD_SFP_LIST] = SFP_LIST;
	word[SFP_LIST] = 9;
	for (uint32_t i = 0; i < 4; i++) {
		word[SFP_LIST + 1 + 2 * i] = (uint16_t)(3 + i);
		word[SFP_LIST + 2 + 2 * i] = SFP_SEQUENCE;
	}
	word[SFP_LIST + 9] = 0xFFFF;
	word[SFP_SEQUENCE] = 1;
	word[SFP_SEQUENCE + 1] = 0xFFFF;

	word[WORD_SAN_MAC] = 0xFFFF;
	/* Any SFP+ module will do; no Fibre Channel over Ethernet, no wake-up; no work-around for crosstalk from an
	 * empty cage is needed. */
	word[WORD_DEVICE_CAPS] = 0x1 | 0x2 | 0x80;
	word[WORD_VERSION] = 0x0001;
	word[WORD_VERSION + 1] = 0x8000;
	word[WORD_FREE] = END;
	word[WORD_CHECKSUM] = eeprom_checksum(word);
}

uint32_t nic_eec_read(struct nic *nic, uint32_t i)
{
	uint32_t value = nic_get(nic, EEC);

	(void)i;
	_Static_assert(NIC_EEPROM_WORDS == 1 << (6 + 6), "EEC.EE_SIZE");
	value |= EEC_PRES | EEC_AUTO_RD | EEC_SIZE(6) | EEC_ADDR_SIZE;
	if (value & EEC_REQ)
		value |= EEC_GNT;
	return value;
}

/* 8.2.3.2.2: the word is ready at once. Addresses beyond the last word read as ones. */
void nic_eerd_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	uint32_t address = EERD_ADDR(value);

	(void)i;
	(void)old;
	if (!(value & EERD_START))
		return;
	nic_set(nic, EERD,
		EERD_DATA(address < NIC_EEPROM_WORDS ? nic->eeprom.word[address] : 0xFFFF) |
			(value & 0xFFFC) | EERD_DONE);
}
