/* SPDX-License-Identifier: BSD-2-Clause */
/* What drivers read serially before they touch anything else: the EEPROM and the SFP+ module. */
#include "bare_card.h"

/* ---- EEPROM ---- */

static uint16_t eeprom(uint32_t address)
{
	set(EERD, address << 2 | EERD_START);

	uint32_t value = get(EERD);

	assert_true(value & EERD_DONE);
	assert_false(value & EERD_START);
	return (uint16_t)(value >> 16);
}

static void eeprom_checksum_is_valid(void **state)
{
	uint16_t sum = 0;

	(void)state;
	for (uint32_t i = 0; i <= 0x3F; i++)
		sum = (uint16_t)(sum + eeprom(i));
	for (uint32_t i = 3; i < 0xF; i++) {
		uint32_t section = eeprom(i);

		if (section == 0 || section == 0xFFFF)
			continue;
		for (uint32_t length = eeprom(section), j = 1; j <= length; j++)
			sum = (uint16_t)(sum + eeprom(section + j));
	}
	assert_int_equal(sum, 0xBABA);
	assert_int_equal(eeprom(0x3FFF), 0xFFFF);
}

static void eeprom_says_it_is_there_and_loaded(void **state)
{
	uint32_t eec = get(EEC);

	(void)state;
	assert_true(eec & EEC_PRES);
	assert_true(eec & EEC_AUTO_RD);
	assert_int_equal(1 << ((eec >> 11 & 0xF) + 6), NIC_EEPROM_WORDS);
	set(EEC, EEC_REQ);
	assert_true(get(EEC) & EEC_GNT);
	set(EEC, 0);
	assert_false(get(EEC) & EEC_GNT);
}

static void ethernet_address_is_in_eeprom_and_filter(void **state)
{
	uint32_t section = eeprom(0x09);

	(void)state;
	assert_int_equal(eeprom(section + 1), 0x1102);
	assert_int_equal(eeprom(section + 3), 0x5544);
	assert_int_equal(get(RAL(0)), 0x33221102);
	assert_int_equal(get(RAH(0)), RAH_AV | 0x5544);
	assert_int_equal(get(RAH(1)), 0);
}

static void eeprom_lists_the_module_for_sfi(void **state)
{
	uint32_t list = eeprom(0x2B) + 1;

	(void)state;
	while (eeprom(list) != 5) {
		assert_int_not_equal(eeprom(list), 0xFFFF);
		list += 2;
	}
	uint32_t sequence = eeprom(list + 1);

	assert_true(sequence != 0 && sequence != 0xFFFF);
	assert_int_equal(eeprom(sequence + eeprom(sequence)), 0xFFFF);
}

/* ---- SFP+ ---- */

static void lines(bool clock, bool data)
{
	set(I2CCTL, (clock ? I2CCTL_CLK_OUT : 0) | (data ? I2CCTL_DATA_OUT : 0));
}

static void i2c_start(void)
{
	lines(false, true);
	lines(true, true);
	lines(true, false);
	lines(false, false);
}

static void i2c_stop(void)
{
	lines(false, false);
	lines(true, false);
	lines(true, true);
}

/* Return: what the line was while the clock was high. */
static bool i2c_bit(bool data)
{
	lines(false, data);
	lines(true, data);
	assert_true(get(I2CCTL) & I2CCTL_CLK_IN);

	bool seen = get(I2CCTL) & I2CCTL_DATA_IN;

	lines(false, data);
	return seen;
}

/* Return: acknowledged. */
static bool i2c_send(uint8_t byte)
{
	for (int bit = 7; bit >= 0; bit--)
		i2c_bit(byte >> bit & 1);
	return !i2c_bit(true);
}

static uint8_t i2c_receive(bool more)
{
	uint8_t byte = 0;

	for (int bit = 0; bit < 8; bit++)
		byte = (uint8_t)(byte << 1 | i2c_bit(true));
	i2c_bit(!more);
	return byte;
}

static uint8_t sfp_byte(uint8_t offset)
{
	i2c_start();
	assert_true(i2c_send(0xA0));
	assert_true(i2c_send(offset));
	i2c_start();
	assert_true(i2c_send(0xA1));

	uint8_t byte = i2c_receive(false);

	i2c_stop();
	return byte;
}

static void sfp_module_identifies_itself(void **state)
{
	(void)state;
	assert_true(get(ESDP) & ESDP_SDP2);
	assert_int_equal(sfp_byte(0), 0x03);
	assert_int_equal(sfp_byte(3) & 0x10, 0x10);
	assert_int_equal(sfp_byte(37), 0x00);
	assert_int_equal(sfp_byte(38), 0x1B);
	assert_int_equal(sfp_byte(39), 0x21);
	assert_int_equal(sfp_byte(200), 0);
}

static void sfp_page_reads_in_one_go_and_its_checksums_are_right(void **state)
{
	uint8_t page[128], base = 0, extended = 0;

	(void)state;
	i2c_start();
	assert_true(i2c_send(0xA0));
	assert_true(i2c_send(0));
	i2c_start();
	assert_true(i2c_send(0xA1));
	for (int i = 0; i < 128; i++)
		page[i] = i2c_receive(i < 127);
	i2c_stop();
	for (int i = 0; i < 63; i++)
		base = (uint8_t)(base + page[i]);
	for (int i = 64; i < 95; i++)
		extended = (uint8_t)(extended + page[i]);
	assert_int_equal(page[63], base);
	assert_int_equal(page[95], extended);
	assert_memory_equal(page + 40, "10GBASE-SR      ", 16);
}

static void other_addresses_are_not_acknowledged(void **state)
{
	(void)state;
	i2c_start();
	assert_false(i2c_send(0xA2));
	i2c_stop();
	i2c_start();
	assert_false(i2c_send(0x50));
	i2c_stop();
	assert_int_equal(sfp_byte(0), 0x03);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(eeprom_checksum_is_valid),
		test(eeprom_says_it_is_there_and_loaded),
		test(ethernet_address_is_in_eeprom_and_filter),
		test(eeprom_lists_the_module_for_sfi),
		test(sfp_module_identifies_itself),
		test(sfp_page_reads_in_one_go_and_its_checksums_are_right),
		test(other_addresses_are_not_acknowledged),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
