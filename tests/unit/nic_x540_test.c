/* SPDX-License-Identifier: BSD-2-Clause */
/* The card as an X540: what drivers find otherwise than in an 82599. */
#include "tests/unit/bare_card.h"

#define COMMAND(op, mmd) ((op) << 26 | (uint32_t)(mmd) << 16 | MSCA_MDICMD)

static int set_up_x540(void **state)
{
	set_up(state);
	nic_make_x540(nic);
	nic_set_wire(nic, true);
	return 0;
}

static uint16_t phy_read(uint32_t port, uint32_t mmd, uint16_t reg)
{
	set(MSCA, COMMAND(MSCA_OP_ADDRESS, mmd) | port << 21 | reg);
	assert_false(get(MSCA) & MSCA_MDICMD);
	set(MSCA, COMMAND(MSCA_OP_READ, mmd) | port << 21);
	assert_false(get(MSCA) & MSCA_MDICMD);
	return (uint16_t)(get(MSRWD) >> 16);
}

static void phy_write(uint32_t mmd, uint16_t reg, uint16_t value)
{
	set(MSRWD, value);
	set(MSCA, COMMAND(MSCA_OP_ADDRESS, mmd) | reg);
	set(MSCA, COMMAND(MSCA_OP_WRITE, mmd));
}

static void it_has_ids_and_a_buffer_of_its_own(void **state)
{
	(void)state;
	phy_write(7, 32, 0); /* the PHY is a part of its own */
	for (int i = 0; i < 3; i++) {
		assert_int_equal(phy_read(0, 7, 32), 0);
		assert_int_equal(config(0, 4), 0x15288086);
		assert_int_equal(config(0x2C, 4), 0x00018086);
		assert_int_equal(get(RXPBSIZE(0)), 384 << 10);
		if (i == 0)
			set(CTRL, CTRL_RST);
		else
			nic_function_reset(nic);
	}
}

/* As a driver looks for a PHY: at each address, each part says that it is there. */
static void there_is_one_phy(void **state)
{
	(void)state;
	for (uint32_t port = 0; port < 32; port++)
		assert_int_equal(phy_read(port, 1, 8) >> 14, port ? 3 : 2);
	assert_int_equal(phy_read(0, 1, 2), 0x0154);
	assert_int_equal(phy_read(0, 1, 3) & 0xFFF0, 0x0200);
	assert_int_equal(phy_read(0, 1, 4), 0x31);
	assert_int_equal(phy_read(0, 2, 8), 0xFFFF); /* no such part */
	const uint32_t parts = phy_read(0, 1, 5) | (uint32_t)phy_read(0, 1, 6) << 16;
	for (uint32_t mmd = 1; mmd < 32; mmd++)
		assert_int_equal(phy_read(0, mmd, 8) == 0x8000, parts >> mmd & 1);
	set(MSCA, COMMAND(MSCA_OP_ADDRESS, 1) | 2); /* one after the other */
	set(MSCA, COMMAND(MSCA_OP_READ_INC, 1));
	assert_int_equal(get(MSRWD) >> 16, 0x0154);
	set(MSCA, COMMAND(MSCA_OP_READ, 1));
	assert_int_equal(get(MSRWD) >> 16, 0x0200);
}

/* The driver says what the PHY may offer, and has it negotiate. */
static void the_link_has_the_fastest_speed_on_offer(void **state)
{
	static const struct {
		uint16_t ten, one, hundred;
		uint32_t links;
	} offers[] = {
		{ 1 << 12, 1 << 15, 1 << 8, 3 },
		{ 0, 1 << 15, 1 << 8, 2 },
		{ 0, 0, 1 << 8, 1 },
		{ 1 << 12, 0, 0, 3 },
		{ 0, 1 << 15, 0, 2 },
	};

	(void)state;
	wait(2 * MS);
	assert_true(get(LINKS) & LINKS_UP); /* by itself after power-on */
	for (size_t i = 0; i < sizeof(offers) / sizeof(*offers); i++) {
		const uint32_t before = get(LINKS);
		phy_write(7, 32, offers[i].ten);
		phy_write(7, 0xC400, offers[i].one);
		phy_write(7, 16, offers[i].hundred);
		wait(2 * MS);
		assert_int_equal(get(LINKS), before);
		assert_int_equal(phy_read(0, 7, 32), offers[i].ten);
		phy_write(7, 0, 1 << 12 | 1 << 9);
		assert_false(get(LINKS) & LINKS_UP);
		assert_false(phy_read(0, 7, 1) & 1 << 5);
		wait(2 * MS);
		assert_int_equal(get(LINKS) & (LINKS_UP | 3u << 28),
				 LINKS_UP | offers[i].links << 28);
		assert_true(phy_read(0, 7, 1) & 1 << 5);
		assert_true(phy_read(0, 1, 1) & 1 << 2);
	}
	phy_write(7, 0xC400, 0);
	phy_write(7, 0, 1 << 9);
	wait(2 * MS);
	assert_int_equal(get(LINKS), 0); /* nothing is on offer */
}

/* AUTOC is the 82599's. */
static void the_mac_does_not_decide_on_the_link(void **state)
{
	(void)state;
	wait(2 * MS);
	set(AUTOC, AUTOC_RESTART_AN);
	assert_true(get(LINKS) & LINKS_UP);
	phy_write(30, 0, 1 << 11); /* low power */
	wait(2 * MS);
	assert_false(get(LINKS) & LINKS_UP);
	phy_write(30, 0, 0);
	wait(2 * MS);
	assert_true(get(LINKS) & LINKS_UP);
	set(CTRL, CTRL_LRST);
	assert_false(get(LINKS) & LINKS_UP);
	wait(2 * MS);
	assert_true(get(LINKS) & LINKS_UP);
}

/* REGSMP goes to who reads 0 of it, and comes back when it is written so. */
static void reading_takes_the_semaphore_of_semaphores(void **state)
{
	const uint32_t regsmp = 1u << 31;

	(void)state;
	assert_false(get(SW_FW_SYNC) & regsmp);
	assert_true(get(SW_FW_SYNC) & regsmp);
	set(SW_FW_SYNC, regsmp | 2);
	assert_int_equal(get(SW_FW_SYNC), regsmp | 2);
	set(SW_FW_SYNC, 2);
	assert_int_equal(get(SW_FW_SYNC), 2);
	assert_int_equal(get(SW_FW_SYNC), regsmp | 2);
}

static void an_82599_has_none_of_it(void **state)
{
	(void)state;
	assert_int_equal(config(0, 4), 0x10FB8086);
	assert_int_equal(phy_read(0, 1, 2), 0xFFFF);
	assert_int_equal(get(SW_FW_SYNC), 0);
	assert_int_equal(get(SW_FW_SYNC), 0);
	set(SW_FW_SYNC, 1u << 31);
	assert_int_equal(get(SW_FW_SYNC), 0);
	const uint64_t bad = nic_account(nic)->bad_accesses;
	get(0x2F90); /* B2OGPRC */
	assert_int_equal(nic_account(nic)->bad_accesses, bad + 1);
	nic_make_x540(nic);
	get(0x2F90);
	assert_int_equal(nic_account(nic)->bad_accesses, bad + 1);
}

#define x540_test(f) cmocka_unit_test_setup_teardown(f, set_up_x540, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		x540_test(it_has_ids_and_a_buffer_of_its_own),
		x540_test(there_is_one_phy),
		x540_test(the_link_has_the_fastest_speed_on_offer),
		x540_test(the_mac_does_not_decide_on_the_link),
		x540_test(reading_takes_the_semaphore_of_semaphores),
		test(an_82599_has_none_of_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
