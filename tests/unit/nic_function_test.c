/* SPDX-License-Identifier: BSD-2-Clause */
/* The card as a PCI function: interrupts, the link, configuration space. */
#include <errno.h>

#include "bare_card.h"

/* ---- Interrupts ---- */

static void no_interrupt(void)
{
	for (uint32_t i = 0; i < NIC_MSIX_COUNT; i++)
		assert_int_equal(interrupts[i], 0);
}

/* Exactly @count, and only of @vector, since the last time. */
static void only_interrupt(uint32_t vector, uint32_t count)
{
	assert_int_equal(interrupts[vector], count);
	interrupts[vector] = 0;
	no_interrupt();
}

static int set_up_msix(void **state)
{
	set_up(state);
	bus_master();
	set(GPIE, GPIE_MSIX | GPIE_PBA_SUPPORT | GPIE_OCD);
	return 0;
}

static void route(uint32_t queue, uint32_t direction, uint32_t vector)
{
	uint32_t shift = 16 * (queue % 2) + 8 * direction;

	set(IVAR(queue / 2), (get(IVAR(queue / 2)) & ~(0xFFu << shift)) | (IVAR_VALID | vector)
										  << shift);
}

static void queues_interrupt_by_their_ivar_vector(void **state)
{
	(void)state;
	route(0, 0, 3);
	route(1, 0, 9);
	route(1, 1, 15);
	route(127, 1, 63);
	set(EIMS_EX(0), 0xFFFFFFFF);
	set(EIMS_EX(1), 0xFFFFFFFF);
	nic_irq_rx(nic, 0);
	only_interrupt(3, 1);
	nic_irq_rx(nic, 1);
	only_interrupt(9, 1);
	nic_irq_tx(nic, 1);
	only_interrupt(15, 1);
	nic_irq_tx(nic, 127);
	only_interrupt(63, 1);
	nic_irq_tx(nic, 0); /* not valid in IVAR */
	no_interrupt();
	assert_int_equal(nic_account(nic)->interrupts, 4);
}

static void a_masked_vector_interrupts_when_it_is_unmasked(void **state)
{
	(void)state;
	route(0, 0, 2);
	route(4, 0, 40);
	nic_irq_rx(nic, 0);
	nic_irq_rx(nic, 4);
	wait(MS);
	no_interrupt();
	assert_int_equal(get(EICS), 1 << 2);
	set(EIMS, 1 << 2);
	only_interrupt(2, 1);
	set(EIMS_EX(1), 1 << 8);
	only_interrupt(40, 1);
	assert_int_equal(get(EIMS), 1 << 2);
	assert_int_equal(get(EIMS_EX(0)), 1 << 2);
	assert_int_equal(get(EIMS_EX(1)), 1 << 8);
	set(EIMC_EX(1), 1 << 8);
	nic_irq_rx(nic, 4);
	no_interrupt();
}

static void without_auto_clear_the_cause_stays_and_interrupts_once(void **state)
{
	(void)state;
	route(0, 0, 1);
	set(EIMS, 2);
	nic_irq_rx(nic, 0);
	nic_irq_rx(nic, 0);
	only_interrupt(1, 1);
	assert_int_equal(get(EICR), 2); /* OCD: reading does not clear it */
	assert_int_equal(get(EICR), 2);
	set(EICR, 2);
	assert_int_equal(get(EICR), 0);
	nic_irq_rx(nic, 0);
	only_interrupt(1, 1);
}

static void auto_clear_clears_the_cause_with_its_message(void **state)
{
	(void)state;
	route(0, 0, 1);
	set(EIAC, 2);
	set(EIMS, 2);
	nic_irq_rx(nic, 0);
	nic_irq_rx(nic, 0);
	only_interrupt(1, 2);
	assert_int_equal(get(EICR), 0);
}

static void auto_mask_masks_with_the_message(void **state)
{
	(void)state;
	set(GPIE, GPIE_MSIX | GPIE_EIAME);
	route(0, 0, 1);
	route(2, 0, 33);
	set(EIAC, 0xFFFF);
	set(EIAM_EX(0), 0xFFFFFFFF);
	set(EIAM_EX(1), 0xFFFFFFFF);
	set(EIMS_EX(0), 0xFFFFFFFF);
	set(EIMS_EX(1), 0xFFFFFFFF);
	nic_irq_rx(nic, 0);
	nic_irq_rx(nic, 0);
	nic_irq_rx(nic, 2);
	nic_irq_rx(nic, 2);
	assert_int_equal(interrupts[33], 1);
	interrupts[33] = 0;
	only_interrupt(1, 1);
	assert_int_equal(get(EIMS_EX(0)), ~2u);
	assert_int_equal(get(EIMS_EX(1)), ~2u);
	/* The second event waits for the driver. */
	set(EIMS_EX(0), 2);
	only_interrupt(1, 1);
	/* Reading EICR masks nothing in this mode. */
	set(EIMS_EX(0), 2);
	get(EICR);
	assert_int_equal(get(EIMS_EX(0)), ~0u);
	/* EICS unmasks what is masked automatically. */
	set(EIMC_EX(1), 2);
	set(EICS_EX(1), 2);
	only_interrupt(33, 1);
}

static void eitr_holds_the_second_interrupt_back(void **state)
{
	(void)state;
	route(0, 0, 5);
	route(0, 1, 30);
	set(EIAC, 0xFFFF);
	set(EIMS_EX(0), 0xFFFFFFFF);
	set(EITR(5), 100 << 3); /* 204.8 us */
	set(EITR(30), 100 << 3);
	nic_irq_rx(nic, 0);
	nic_irq_tx(nic, 0);
	assert_int_equal(interrupts[30], 1);
	interrupts[30] = 0;
	only_interrupt(5, 1);
	nic_irq_rx(nic, 0);
	nic_irq_tx(nic, 0);
	wait(204799);
	no_interrupt();
	wait(1);
	assert_int_equal(interrupts[30], 1);
	interrupts[30] = 0;
	only_interrupt(5, 1);

	/* Writing EITR lets it go at once, with CNT_WDIS it does not. */
	nic_irq_rx(nic, 0);
	set(EITR(5), 100 << 3 | EITR_CNT_WDIS);
	wait(1);
	no_interrupt();
	assert_int_equal(get(EITR(5)), 100 << 3);
	set(EITR(5), 100 << 3);
	wait(1);
	only_interrupt(5, 1);
}

static void disarmed_interrupts_are_not_sent(void **state)
{
	(void)state;
	route(0, 0, 5);
	set(EIMS, 1 << 5);
	set(EITR(5), 100 << 3);
	nic_irq_rx(nic, 0);
	only_interrupt(5, 1);
	set(EICR, 1 << 5);
	nic_irq_rx(nic, 0); /* throttled ... */
	set(EIMC, 1 << 5);  /* ... and masked meanwhile */
	wait(MS);
	no_interrupt();
	set(EIMS, 1 << 5);
	only_interrupt(5, 1);
}

static void other_causes_share_a_vector(void **state)
{
	(void)state;
	set(IVAR_MISC, (IVAR_VALID | 20) << 8 | (IVAR_VALID | 21));
	set(EIMS, EICR_LSC | EICR_RX_MISS | EICR_TCP_TIMER);
	nic_irq_cause(nic, EICR_LSC);
	only_interrupt(20, 1);
	nic_irq_cause(nic, EICR_LSC); /* still there: no news */
	nic_irq_cause(nic, EICR_MNG); /* masked */
	no_interrupt();
	nic_irq_cause(nic, EICR_RX_MISS);
	only_interrupt(20, 1);
	nic_irq_cause(nic, EICR_TCP_TIMER);
	only_interrupt(21, 1);
	assert_int_equal(get(EICS), EICR_LSC | EICR_MNG | EICR_RX_MISS | EICR_TCP_TIMER);
	assert_int_equal(get(EICR), EICR_LSC | EICR_MNG | EICR_RX_MISS | EICR_TCP_TIMER);
	assert_int_equal(get(EICR), EICR_TCP_TIMER); /* OCD: only 29:16 clear */
}

static void refused_dma_is_a_pci_exception(void **state)
{
	(void)state;
	set(IVAR_MISC, (IVAR_VALID | 20) << 8);
	set(EIMS, EICR_PCI);
	assert_non_null(nic_dma(nic, MEMORY, 1, true));
	no_interrupt();
	assert_int_equal(config(0x06, 2) & 0x2000, 0);

	assert_null(nic_dma(nic, 0, 1, false));
	only_interrupt(20, 1);
	assert_null(nic_dma(nic, 0, 1, true)); /* still there: no news */
	no_interrupt();
	assert_int_equal(config(0x06, 2) & 0x2000, 0x2000); /* Received Master Abort */
	assert_int_equal(get(EICR), EICR_PCI);
	assert_null(nic_dma(nic, 0, 1, false));
	only_interrupt(20, 1);
	assert_int_equal(nic_account(nic)->dma_faults, 3);

	/* Without bus mastering nothing is asked, so nothing is refused. */
	set(EICR, EICR_PCI);
	set_config(0x04, 4, 0x20000000); /* clears the abort, too */
	assert_null(nic_dma(nic, MEMORY, 1, false));
	assert_int_equal(get(EICR), 0);
	assert_int_equal(config(0x06, 2) & 0x2000, 0);
	assert_int_equal(nic_account(nic)->dma_faults, 3);
}

static void without_msix_everything_is_one_interrupt(void **state)
{
	(void)state;
	set(GPIE, 0);
	route(0, 0, 0);
	route(0, 1, 7);
	set(EIMS, 0x81 | EICR_LSC);
	nic_irq_rx(nic, 0);
	only_interrupt(0, 1);
	nic_irq_tx(nic, 0);
	only_interrupt(0, 1);
	nic_irq_cause(nic, EICR_LSC);
	only_interrupt(0, 1);
	assert_int_equal(get(EICR), 0x81 | EICR_LSC);
	assert_int_equal(get(EICR), 0);

	/* Reading EICR masks what EIAM says. */
	set(EIAM, 0xFFFF);
	get(EICR);
	assert_int_equal(get(EIMS), EICR_LSC);
	nic_irq_rx(nic, 0);
	no_interrupt();
	set(EIMS, 0xFFFF);
	only_interrupt(0, 1);
}

/* What `ethtool -t` does with MSI. */
static void forced_causes_interrupt_only_if_enabled(void **state)
{
	(void)state;
	set(GPIE, 0);
	set(EIMC, 0x7FFFFFFF);
	for (uint32_t bit = 0; bit < 10; bit++) {
		set(EIMC, ~(1u << bit) & 0x7FFF);
		set(EICS, ~(1u << bit) & 0x7FFF);
		no_interrupt();
		set(EIMS, 1u << bit);
		set(EICS, 1u << bit);
		only_interrupt(0, 1);
		assert_true(get(EICR) & 1u << bit);
	}
}

static void messages_wait_for_bus_mastering(void **state)
{
	(void)state;
	route(0, 0, 1);
	set(EIMS, 2);
	set_config(0x04, 2, 0);
	nic_irq_rx(nic, 0);
	wait(MS);
	no_interrupt();
	bus_master();
	wait(1);
	only_interrupt(1, 1);
}

static void reset_forgets_interrupts(void **state)
{
	(void)state;
	route(0, 0, 1);
	nic_irq_rx(nic, 0);
	nic_irq_cause(nic, EICR_LSC);
	set(EIMS, EICR_MNG);
	set(CTRL, CTRL_RST);
	assert_int_equal(get(EICR), 0);
	assert_int_equal(get(EIMS), 0);
	assert_int_equal(get(IVAR(0)), 0);
	wait(MS);
	no_interrupt();
}

static void reserved_bit_of_the_mask_does_not_exist(void **state)
{
	(void)state;
	set(EIMS, 0xFFFFFFFF);
	assert_int_equal(get(EIMS), 0x7FFFFFFF);
	set(EIMC, 0x7FFFFFFF);
	assert_int_equal(get(EIMS), 0);
	/* A write of some bytes sets bits in these bytes only. */
	nic_write(nic, 0, EIMS + 2, 2, EICR_LSC >> 16);
	assert_int_equal(get(EIMS), EICR_LSC);
}

/* ---- Link ---- */

static void link_comes_up_by_itself(void **state)
{
	(void)state;
	wait(1000 * MS);
	assert_false(nic_link_up(nic)); /* no cable */
	nic_set_wire(nic, true);
	assert_false(get(LINKS) & LINKS_UP);
	wait(2 * MS);
	assert_int_equal(get(LINKS) & (LINKS_UP | 3u << 28), LINKS_UP | LINKS_SPEED_10G);
	nic_function_reset(nic);
	assert_false(get(LINKS) & LINKS_UP);
	wait(2 * MS);
	assert_true(get(LINKS) & LINKS_UP);
}

static void link_restarts_when_the_driver_asks_and_says_so(void **state)
{
	(void)state;
	set(IVAR_MISC, (IVAR_VALID | 1) << 8);
	set(EIMS, EICR_LSC);
	nic_set_wire(nic, true);
	set(AUTOC, get(AUTOC) | AUTOC_RESTART_AN);
	assert_false(get(AUTOC) & AUTOC_RESTART_AN);
	assert_false(get(LINKS) & LINKS_UP);
	assert_true(get(ANLP1) & 0xF0000);
	wait(1000);
	assert_false(get(LINKS) & LINKS_UP); /* not at once */
	wait(2 * MS);
	assert_true(nic_link_up(nic));
	assert_int_equal(get(LINKS) & (LINKS_UP | 3u << 28), LINKS_UP | LINKS_SPEED_10G);
	assert_true(get(STATUS) & STATUS_LINKUP);
	only_interrupt(1, 1);
	assert_true(get(EICR) & EICR_LSC);

	nic_set_wire(nic, false);
	assert_false(nic_link_up(nic));
	assert_false(get(LINKS) & LINKS_UP);
	only_interrupt(1, 1);
	assert_true(get(EICR) & EICR_LSC);
	nic_set_wire(nic, true);
	wait(2 * MS);
	assert_true(nic_link_up(nic));
}

static void link_needs_a_mode_that_the_module_can_do(void **state)
{
	uint32_t autoc = get(AUTOC) & ~(7u << 13);

	(void)state;
	nic_set_wire(nic, true);
	for (uint32_t lms = 0; lms < 8; lms++) {
		bool fits = lms == AUTOC_LMS_10G_SERIAL || lms == AUTOC_LMS_1G ||
			    lms == AUTOC_LMS_1G_AN;

		set(AUTOC, autoc | lms << 13 | AUTOC_RESTART_AN);
		wait(10 * MS);
		assert_int_equal(nic_link_up(nic), fits);
	}
	set(AUTOC, autoc | AUTOC_LMS_1G << 13 | AUTOC_RESTART_AN);
	wait(10 * MS);
	assert_int_equal(get(LINKS) & 3u << 28, LINKS_SPEED_1G);

	set(AUTOC2, get(AUTOC2) | 1u << 30);
	wait(10 * MS);
	assert_false(nic_link_up(nic));
	set(AUTOC2, get(AUTOC2) & ~AUTOC2_LINK_DISABLE);
	wait(10 * MS);
	assert_true(nic_link_up(nic));
}

static void software_reset_keeps_the_link_and_link_reset_restarts_it(void **state)
{
	(void)state;
	nic_set_wire(nic, true);
	set(AUTOC, get(AUTOC) | AUTOC_RESTART_AN);
	wait(2 * MS);
	set(CTRL, CTRL_RST);
	assert_true(nic_link_up(nic));
	set(CTRL, CTRL_LRST);
	assert_false(nic_link_up(nic));
	wait(2 * MS);
	assert_true(nic_link_up(nic));
}

/* ---- Configuration space ---- */

static void capabilities_are_where_drivers_look(void **state)
{
	static const uint8_t order[] = { 0x01, 0x05, 0x11, 0x10 };
	uint32_t at = config(0x34, 1);

	(void)state;
	assert_int_equal(config(0x00, 4), 0x10FB8086);
	assert_int_equal(config(0x08, 4) >> 8, 0x020000);
	assert_true(config(0x06, 2) & 0x10);
	for (size_t i = 0; i < sizeof(order); i++) {
		assert_int_equal(config(at, 1), order[i]);
		at = config(at + 1, 1);
	}
	assert_int_equal(at, 0);
	assert_int_equal(config(0x72, 2) & 0x7FF, NIC_MSIX_COUNT - 1);
	assert_int_equal(config(0x74, 4), 4);
	assert_int_equal(config(0x78, 4), 0x2004);
	assert_true(config(0xA4, 4) & 1u << 28); /* function level reset */
	assert_int_equal(config(0xB2, 2) & 0x3FF, 0x82);
	assert_int_equal(config(0xAA, 2) & 0x20, 0); /* nothing pending */

	static const uint16_t extended[][2] = { { 0x100, 0x0001 },
						{ 0x140, 0x0003 },
						{ 0x150, 0x000E } };

	at = 0x100;
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(at, extended[i][0]);
		assert_int_equal(config(at, 2), extended[i][1]);
		at = config(at, 4) >> 20;
	}
	assert_int_equal(at, 0);
	assert_int_equal(config(0x148, 4), 0x021122FF);
	assert_int_equal(config(0x144, 4), 0xFF334455);
}

static void msix_can_be_left_out(void **state)
{
	static const uint8_t order[] = { 0x01, 0x05, 0x10 };

	(void)state;
	assert_int_equal(nic_msix_count(nic), NIC_MSIX_COUNT);
	nic_remove_msix(nic);
	assert_int_equal(nic_msix_count(nic), 0);
	for (int resets = 0; resets < 2; resets++) {
		uint32_t at = config(0x34, 1);

		for (size_t i = 0; i < sizeof(order); i++) {
			assert_int_equal(config(at, 1), order[i]);
			at = config(at + 1, 1);
		}
		assert_int_equal(at, 0);
		assert_int_equal(config(0x70, 4), 0);
		set_config(0x70, 4, 0xFFFFFFFF);
		assert_int_equal(config(0x70, 4), 0);
		nic_function_reset(nic);
	}
}

static void bars_tell_their_size(void **state)
{
	static const uint32_t bars[][3] = { { 0x10, NIC_BAR0_SIZE, 0xC },
					    { 0x18, NIC_BAR2_SIZE, 0x1 },
					    { 0x20, NIC_BAR4_SIZE, 0xC } };

	(void)state;
	for (int i = 0; i < 3; i++) {
		set_config(bars[i][0], 4, 0xFFFFFFFF);
		assert_int_equal(config(bars[i][0], 4), ~(bars[i][1] - 1) | bars[i][2]);
		set_config(bars[i][0], 4, 0xE0000000);
		assert_int_equal(config(bars[i][0], 4), 0xE0000000 | bars[i][2]);
	}
	set_config(0x1C, 4, 0xFFFFFFFF);
	assert_int_equal(config(0x1C, 4), 0);
}

static void config_space_has_an_end_and_read_only_parts(void **state)
{
	uint8_t all[NIC_CONFIG_SIZE];

	(void)state;
	assert_int_equal(nic_config_read(nic, 0, all, sizeof(all)), 0);
	assert_int_equal(nic_config_read(nic, 1, all, sizeof(all)), -EINVAL);
	assert_int_equal(nic_config_read(nic, UINT32_MAX, all, 2), -EINVAL);
	assert_int_equal(nic_config_write(nic, 4, all, SIZE_MAX), -EINVAL);
	assert_int_equal(nic_config_write(nic, NIC_CONFIG_SIZE, all, 0), 0);
	set_config(0x00, 4, 0);
	set_config(0xFF, 1, 0x55);
	assert_int_equal(config(0x00, 4), 0x10FB8086);
	assert_int_equal(config(0xFF, 1), 0);
	set_config(0x05, 1, 0x04); /* interrupt disable, one byte */
	assert_int_equal(config(0x04, 2), 0x0400);
}

static void function_level_reset_resets_everything(void **state)
{
	(void)state;
	bus_master();
	nic_set_wire(nic, true);
	set(AUTOC, get(AUTOC) | AUTOC_RESTART_AN);
	wait(2 * MS);
	set(MTA(0), 1);
	set(SW_FW_SYNC, 1);
	get(SWSM);
	nic_write(nic, 4, 0, 4, 1);
	set_config(0x10, 4, 0xE0000000);
	uint64_t interrupts_before = nic_account(nic)->interrupts;

	set_config(0xA8, 2, config(0xA8, 2) | 0x8000);
	assert_int_equal(config(0x04, 2), 0);
	assert_int_equal(config(0x10, 4), 0xC);
	assert_int_equal(config(0xA8, 2), 0x2810);
	assert_int_equal(get(MTA(0)), 0);
	assert_int_equal(get(SW_FW_SYNC), 0);
	assert_int_equal(get(SWSM), 0);
	assert_int_equal(nic_read(nic, 4, 0, 4), 0);
	assert_false(nic_link_up(nic));
	assert_int_equal(nic_account(nic)->interrupts, interrupts_before);
}

static void a_sleeping_card_does_not_answer_and_wakes_up_reset(void **state)
{
	(void)state;
	bus_master();
	set(MTA(0), 1);
	set_config(0x44, 2, 3);
	assert_int_equal(get(MTA(0)), 0xFFFFFFFF);
	assert_int_equal(nic_read(nic, 0, STATUS, 1), 0xFF);
	assert_null(nic_dma(nic, MEMORY, 1, false));
	set(MTA(0), 5);
	set_config(0x44, 2, 0);
	assert_int_equal(get(MTA(0)), 0);
}

#define msix_test(f) cmocka_unit_test_setup_teardown(f, set_up_msix, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		msix_test(queues_interrupt_by_their_ivar_vector),
		msix_test(a_masked_vector_interrupts_when_it_is_unmasked),
		msix_test(without_auto_clear_the_cause_stays_and_interrupts_once),
		msix_test(auto_clear_clears_the_cause_with_its_message),
		msix_test(auto_mask_masks_with_the_message),
		msix_test(eitr_holds_the_second_interrupt_back),
		msix_test(disarmed_interrupts_are_not_sent),
		msix_test(other_causes_share_a_vector),
		msix_test(refused_dma_is_a_pci_exception),
		msix_test(without_msix_everything_is_one_interrupt),
		msix_test(forced_causes_interrupt_only_if_enabled),
		msix_test(messages_wait_for_bus_mastering),
		msix_test(reset_forgets_interrupts),
		msix_test(reserved_bit_of_the_mask_does_not_exist),
		test(link_comes_up_by_itself),
		msix_test(link_restarts_when_the_driver_asks_and_says_so),
		test(link_needs_a_mode_that_the_module_can_do),
		test(software_reset_keeps_the_link_and_link_reset_restarts_it),
		test(capabilities_are_where_drivers_look),
		test(msix_can_be_left_out),
		test(bars_tell_their_size),
		test(config_space_has_an_end_and_read_only_parts),
		test(function_level_reset_resets_everything),
		test(a_sleeping_card_does_not_answer_and_wakes_up_reset),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
