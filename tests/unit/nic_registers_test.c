/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's registers as a driver sees them: table, storage, statistics, resets, DMA. */
#include "bare_card.h"

/* ---- The table ---- */

static void table_has_no_overlaps_and_consistent_rows(void **state)
{
	static const char *owner[NIC_BAR0_SIZE / 4];

	(void)state;
	memset(owner, 0, sizeof(owner));
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		assert_non_null(reg->name);
		assert_non_null(reg->section);
		assert_true(reg->count > 0 && reg->stride >= 4 && reg->stride % 4 == 0);
		assert_int_equal(reg->writable & reg->self_clearing, 0);
		assert_int_equal(reg->reset & reg->self_clearing, 0);
		if (reg->access == NIC_RO || reg->access == NIC_RC || reg->access == NIC_RC_LOW ||
		    reg->access == NIC_RC_HIGH)
			assert_int_equal(reg->writable, 0);
		if (reg->access == NIC_RC || reg->access == NIC_RC_LOW ||
		    reg->access == NIC_RC_HIGH || reg->access == NIC_W1C)
			assert_int_equal(reg->reset, 0);
		for (uint32_t i = 0; i < reg->count; i++) {
			uint32_t offset = reg->offset + i * reg->stride;

			assert_true(offset % 4 == 0 && offset < NIC_BAR0_SIZE);
			if (owner[offset / 4])
				fail_msg("%s[%u] and %s are both at 0x%05X", reg->name, i,
					 owner[offset / 4], offset);
			owner[offset / 4] = reg->name;
		}
	}
}

static void lookup_finds_each_register_and_its_aliases(void **state)
{
	(void)state;
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		for (uint32_t i = 0; i < reg->count; i++) {
			uint32_t offset = reg->offset + i * reg->stride, found_i;
			const struct nic_reg *found = nic_reg_find(&offset, &found_i);

			assert_non_null(found);
			assert_int_equal(found_i, i);
			assert_int_equal(offset, found->offset + i * found->stride);
			if (reg->access == NIC_ALIAS)
				assert_int_equal(found->offset, reg->alias);
			else
				assert_ptr_equal(found, reg);
		}
	}
}

static void low_and_high_halves_of_statistics_are_neighbours(void **state)
{
	(void)state;
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *low = &nic_regs[row];

		if (low->access != NIC_RC_LOW)
			continue;
		for (uint32_t i = 0; i < low->count; i++) {
			uint32_t offset = low->offset + i * low->stride + 4, j;
			const struct nic_reg *high = nic_reg_find(&offset, &j);

			assert_non_null(high);
			assert_int_equal(high->access, NIC_RC_HIGH);
		}
	}
}

static void stored_registers_reset_to_the_table_and_obey_its_masks(void **state)
{
	static const uint32_t patterns[] = { 0x5A5A5A5A, 0xA5A5A5A5, 0, 0xFFFFFFFF };

	(void)state;
	for (uint32_t row = 0; row < nic_reg_count; row++) {
		const struct nic_reg *reg = &nic_regs[row];

		if ((reg->access != NIC_RW && reg->access != NIC_RO) || reg->read || reg->written)
			continue;
		for (uint32_t i = 0; i < reg->count; i++) {
			uint32_t offset = reg->offset + i * reg->stride;

			/* The Ethernet address is in the first entry. */
			if (offset != RAL(0) && offset != RAH(0))
				assert_int_equal(get(offset), reg->reset);
			for (int p = 0; p < 4 && reg->access == NIC_RW; p++) {
				uint32_t kept = get(offset) & ~reg->writable;

				set(offset, patterns[p]);
				assert_int_equal(get(offset), kept | (patterns[p] & reg->writable));
			}
		}
	}
	assert_int_equal(nic_account(nic)->bad_accesses, 0);
}

/* What `ethtool -t` does with a driver of Linux: what is written, which bits are then expected. */
static void answers_the_pattern_test_of_linux(void **state)
{
	static const uint32_t patterns[] = { 0x5A5A5A5A, 0xA5A5A5A5, 0, 0xFFFFFFFF };
	static const struct {
		uint32_t offset, count, stride, expected, written;
	} tests[] = {
		{ FCRTL(0), 1, 0, 0x8007FFF0, 0x8007FFF0 },
		{ FCRTH(0), 1, 0, 0x8007FFF0, 0x8007FFF0 },
		{ PFCTOP, 1, 0, 0xFFFFFFFF, 0xFFFFFFFF },
		{ VLNCTRL, 1, 0, 0, 0 },
		{ RDBAL(0), 4, 0x40, 0xFFFFFF80, 0xFFFFFF80 },
		{ RDBAH(0), 4, 0x40, 0xFFFFFFFF, 0xFFFFFFFF },
		{ RDLEN(0), 4, 0x40, 0x000FFF80, 0x000FFFFF },
		{ RDT(0), 4, 0x40, 0x0000FFFF, 0x0000FFFF },
		{ FCTTV(0), 1, 0, 0xFFFFFFFF, 0xFFFFFFFF },
		{ TDBAL(0), 4, 0x40, 0xFFFFFF80, 0xFFFFFFFF },
		{ TDBAH(0), 4, 0x40, 0xFFFFFFFF, 0xFFFFFFFF },
		{ TDLEN(0), 4, 0x40, 0x000FFF80, 0x000FFF80 },
		{ 0x5400, 16, 8, 0xFFFFFFFF, 0xFFFFFFFF },
		{ 0x5404, 16, 8, 0x8001FFFF, 0x800CFFFF },
		{ MTA(0), 128, 4, 0xFFFFFFFF, 0xFFFFFFFF },
	};

	(void)state;
	for (size_t t = 0; t < sizeof(tests) / sizeof(tests[0]); t++) {
		for (uint32_t i = 0; i < tests[t].count; i++) {
			uint32_t offset = tests[t].offset + i * tests[t].stride;

			for (int p = 0; p < 4; p++) {
				uint32_t before = get(offset),
					 value = patterns[p] & tests[t].written;

				set(offset, value);
				assert_int_equal(get(offset), value & tests[t].expected);
				set(offset, before);
				assert_int_equal(get(offset), before);
			}
		}
	}

	uint32_t before = get(STATUS) & 0x7FFFF30F;

	set(STATUS, 0x7FFFF30F);
	assert_int_equal(get(STATUS) & 0x7FFFF30F, before);
}

static void aliases_are_the_same_register(void **state)
{
	(void)state;
	set(0x02100 + 4 * 5, 0x02000002);
	assert_int_equal(get(SRRCTL(5)), 0x02000002);
	set(DCA_RXCTRL(15), 0x00002000);
	assert_int_equal(get(0x02200 + 4 * 15), 0x00002000 | (0xA200 & ~0xFF00A2E0u));
	set(0x05C00, 0x03020100);
	assert_int_equal(get(RETA(0)), 0x03020100);
	assert_int_equal(get(0x05400), get(RAL(0)));
	set(0x00004, CTRL_GIO_DIS);
	assert_int_equal(get(CTRL), CTRL_GIO_DIS);
}

/* ---- Accesses ---- */

static void narrow_and_wide_accesses_reach_the_right_bytes(void **state)
{
	(void)state;
	set(MTA(0), 0x44332211);
	set(MTA(1), 0x88776655);
	assert_int_equal(nic_read(nic, 0, MTA(0) + 1, 1), 0x22);
	assert_int_equal(nic_read(nic, 0, MTA(0) + 2, 2), 0x4433);
	assert_true(nic_read(nic, 0, MTA(0), 8) == 0x8877665544332211);
	nic_write(nic, 0, MTA(0) + 3, 1, 0xAA);
	nic_write(nic, 0, MTA(0), 2, 0xBBCC);
	assert_int_equal(get(MTA(0)), 0xAA33BBCC);
	nic_write(nic, 0, MTA(0), 8, 0x1122334455667788);
	assert_int_equal(get(MTA(0)), 0x55667788);
	assert_int_equal(get(MTA(1)), 0x11223344);
	assert_int_equal(nic_account(nic)->bad_accesses, 0);
}

static void accesses_beside_registers_read_zero_and_are_counted(void **state)
{
	static const struct {
		uint32_t bar, offset, size;
	} bad[] = { { 0, 1, 4 },
		    { 0, 0, 3 },
		    { 0, 4, 8 },
		    { 0, NIC_BAR0_SIZE, 4 },
		    { 0, 0xFFFFFFFC, 4 },
		    { 1, 0, 4 },
		    { 3, 0, 4 },
		    { 9, 0, 4 },
		    { 0xFFFFFFFF, 0, 4 },
		    { 0, 0, 0 },
		    { 0, 0, 16 },
		    { 2, NIC_BAR2_SIZE, 4 },
		    { 4, NIC_BAR4_SIZE, 4 },
		    { 2, 8, 4 },
		    { 0, 0xC, 4 },
		    { 0, 0x1FFF8, 4 } };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t count = nic_account(nic)->bad_accesses;

		assert_true(nic_read(nic, bad[i].bar, bad[i].offset, bad[i].size) == 0);
		nic_write(nic, bad[i].bar, bad[i].offset, bad[i].size, UINT64_MAX);
		assert_int_equal(nic_account(nic)->bad_accesses, count + 2);
	}
}

static uint32_t random_state = 1;

static uint32_t random32(void)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 17;
	return random_state ^= random_state << 5;
}

static void no_access_of_any_width_breaks_the_card(void **state)
{
	(void)state;
	bus_master();
	nic_set_wire(nic, true);
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t offset = 0; offset < NIC_BAR0_SIZE; offset++) {
			uint64_t value = round == 0 ? 0 : round == 1 ? UINT64_MAX : random32();
			uint32_t size = 1u << random32() % 4;

			nic_write(nic, 0, offset & ~(size - 1), size, value);
			nic_read(nic, 0, offset & ~(size - 1), size);
			nic_write(nic, random32() % 6, offset, random32() % 10, value);
			nic_read(nic, random32() % 6, offset, random32() % 10);
			if (offset % 64 == 0)
				wait(random32() % MS);
		}
		for (uint32_t offset = 0; offset < NIC_CONFIG_SIZE; offset++) {
			uint32_t value = random32();

			nic_config_write(nic, offset, &value, 1 + random32() % 4);
			wait(1);
		}
	}
	/* It is still a card. */
	nic_function_reset(nic);
	assert_int_equal(get(RAL(0)), 0x33221102);
	assert_int_equal(config(0, 4), 0x10FB8086);
}

static void io_space_reaches_the_registers(void **state)
{
	(void)state;
	nic_write(nic, 2, 0, 4, MTA(7));
	nic_write(nic, 2, 4, 4, 0xCAFE);
	assert_int_equal(get(MTA(7)), 0xCAFE);
	assert_int_equal(nic_read(nic, 2, 4, 4), 0xCAFE);
	nic_write(nic, 2, 0, 4, 0xFFFFFFF0);
	assert_int_equal(nic_read(nic, 2, 4, 4), 0);
}

static void msix_table_is_memory_and_masked_after_reset(void **state)
{
	(void)state;
	assert_int_equal(nic_read(nic, 4, 63 * 16 + 12, 4), 1);
	nic_write(nic, 4, 16, 8, 0x1122334455667788);
	assert_true(nic_read(nic, 4, 16, 8) == 0x1122334455667788);
	assert_int_equal(nic_read(nic, 4, 0x2000, 8), 0);
	assert_int_equal(nic_account(nic)->bad_accesses, 0);
}

static void doorbell_pages_are_shared_with_clients(void **state)
{
	(void)state;
	if (nic_doorbell_fd(nic) < 0)
		skip();
	/* The card sees it without an access; the reads of the driver see the card's. */
	nic_set(nic, RDH(64), 17);
	assert_int_equal(get(RDH(64)), 17);
}

/* ---- Statistics ---- */

static void statistics_clear_when_they_are_read(void **state)
{
	(void)state;
	nic_count(nic, GPRC, 5);
	nic_count(nic, GPRC, 2);
	assert_int_equal(get(GPRC), 7);
	assert_int_equal(get(GPRC), 0);
	set(GPRC, 99);
	assert_int_equal(get(GPRC), 0);
}

static void statistics_stick_at_their_highest_value(void **state)
{
	(void)state;
	nic_count(nic, GPRC, 0xFFFFFFFE);
	nic_count(nic, GPRC, 3);
	assert_int_equal(get(GPRC), 0xFFFFFFFF);
	nic_count64(nic, GORCL, 0xFFFFFFFFFull - 1);
	nic_count64(nic, GORCL, 5);
	nic_count64(nic, GORCL, UINT64_MAX);
	assert_int_equal(get(GORCL), 0xFFFFFFFF);
	assert_int_equal(get(GORCH), 0xF);
}

static void reading_the_high_half_clears_a_byte_count(void **state)
{
	(void)state;
	nic_count64(nic, TORL, 0x312345678ull);
	assert_int_equal(get(TORL), 0x12345678);
	assert_int_equal(get(TORL), 0x12345678); /* the low half alone clears nothing */
	assert_int_equal(get(TORH), 3);
	assert_int_equal(get(TORL), 0);
	assert_int_equal(get(TORH), 0);

	nic_count64(nic, TORL, 0x100000001ull);
	assert_int_equal(get(TORH), 1); /* in the wrong order: the low half is lost */
	assert_int_equal(get(TORL), 0);
}

static void bytes_that_arrive_between_the_two_reads_are_not_lost(void **state)
{
	(void)state;
	nic_count64(nic, QBRCL(3), 0xFFFFFFFF);
	assert_int_equal(get(QBRCL(3)), 0xFFFFFFFF);
	nic_count64(nic, QBRCL(3), 2);
	assert_int_equal(get(QBRCH(3)), 0);
	assert_int_equal(get(QBRCL(3)), 2);
	assert_int_equal(get(QBRCH(3)), 0);
	assert_int_equal(get(QBRCL(3)), 0);
}

/* ---- Semaphores, resets and other behaviour ---- */

static void reading_smbi_takes_the_semaphore(void **state)
{
	(void)state;
	assert_int_equal(get(SWSM), 0);
	assert_int_equal(get(SWSM), SWSM_SMBI);
	set(SWSM, SWSM_SMBI | SWSM_SWESMBI);
	assert_int_equal(get(SWSM), SWSM_SMBI | SWSM_SWESMBI);
	set(SW_FW_SYNC, 0x2);
	assert_int_equal(get(SW_FW_SYNC), 0x2);
	set(SWSM, 0);
	assert_int_equal(get(SWSM), 0);
}

static void software_reset_restores_registers_but_not_the_function(void **state)
{
	(void)state;
	bus_master();
	set(MTA(5), 77);
	set(RDT(100), 5);
	set(RAL(0), 0);
	set(HLREG0, 0);
	set(SW_FW_SYNC, 1);
	nic_count(nic, GPRC, 1);
	set(CTRL, CTRL_RST);
	assert_int_equal(get(CTRL), 0);
	assert_int_equal(get(MTA(5)), 0);
	assert_int_equal(get(RDT(100)), 0);
	assert_int_equal(get(RAL(0)), 0x33221102);
	assert_int_equal(get(HLREG0), 0x08012C0B);
	assert_int_equal(get(GPRC), 0);
	assert_int_equal(get(SW_FW_SYNC), 1);
	assert_int_equal(config(0x04, 2) & 4, 4);
}

static void pcie_master_disable_is_acknowledged_and_stops_dma(void **state)
{
	(void)state;
	bus_master();
	assert_true(get(STATUS) & STATUS_GIO);
	assert_non_null(nic_dma(nic, MEMORY, 16, true));
	set(CTRL, CTRL_GIO_DIS);
	assert_true(get(CTRL) & CTRL_GIO_DIS);
	assert_false(get(STATUS) & STATUS_GIO);
	assert_null(nic_dma(nic, MEMORY, 16, true));
	set(CTRL, CTRL_RST);
	assert_true(get(STATUS) & STATUS_GIO);
	assert_non_null(nic_dma(nic, MEMORY, 16, true));
}

static void write_one_to_clear_clears_only_ones(void **state)
{
	(void)state;
	nic_set(nic, 0x00710, 0xF0F0);
	set(0x00710, 0x00FF);
	assert_int_equal(get(0x00710), 0xF000);
}

static void drivers_find_done_what_they_wait_for(void **state)
{
	(void)state;
	assert_true(get(RDRXCTL) & RDRXCTL_DMAIDONE);
	set(SECRXCTRL, SECRXCTRL_RX_DIS);
	assert_true(get(SECRXSTAT) & SECRXSTAT_SECRX_OFF_DIS);
	assert_true(get(SECTXSTAT) & SECTXSTAT_SECTX_OFF_DIS);
	assert_true(get(SECRXSTAT) & SECRXSTAT_SECRX_RDY);
	set(SECRXCTRL, 0);
	assert_false(get(SECRXSTAT) & SECRXSTAT_SECRX_RDY);
	set(FDIRCTRL, 1);
	assert_true(get(FDIRCTRL) & FDIRCTRL_INIT_DONE);
	set(FDIRCMD, FDIRCMD_CMD_ADD | FDIRCMD_CLEARHT);
	assert_int_equal(FDIRCMD_CMD(get(FDIRCMD)), 0);
	set(MSCA, MSCA_MDICMD | MSCA_OP_READ << 26);
	assert_false(get(MSCA) & MSCA_MDICMD);
	assert_int_equal(get(MSRWD) >> 16, 0xFFFF);
}

static void time_goes_by_with_the_polls(void **state)
{
	uint32_t timer = get(FRTIMER);

	(void)state;
	set(TIMINCA, 1u << 24 | 64);
	set(SYSTIML, 0xFFFFFFF0);
	set(SYSTIMH, 1);
	wait(64000);
	assert_int_equal(get(FRTIMER) - timer, 64);
	/* 10 000 cycles of 6.4 ns, 64 each */
	assert_int_equal(get(SYSTIML), 0xFFFFFFF0 + 640000u);
	assert_int_equal(get(SYSTIMH), 2);
}

/* ---- DMA ---- */

static void dma_stays_inside_of_one_window(void **state)
{
	static const struct {
		uint64_t iova;
		size_t size;
	} bad[] = { { MEMORY - 1, 2 },
		    { MEMORY + 0xFFFF, 2 },
		    { MEMORY, 0x10001 },
		    { UINT64_MAX, 2 },
		    { 0, 1 },
		    { MEMORY + 0x10000, 1 },
		    { MEMORY + 8, SIZE_MAX },
		    { UINT64_MAX - 15, 0x20 } };

	(void)state;
	assert_null(nic_dma(nic, MEMORY, 1, false)); /* no bus master yet */
	bus_master();
	for (int cached = 0; cached < 2; cached++) {
		for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
			uint64_t faults = nic_account(nic)->dma_faults;

			assert_null(nic_dma(nic, bad[i].iova, bad[i].size, true));
			assert_int_equal(nic_account(nic)->dma_faults, faults + 1);
			assert_true(nic_account(nic)->last_fault == bad[i].iova);
		}
		assert_ptr_equal(nic_dma(nic, MEMORY + 0xFFFF, 1, true), memory + 0xFFFF);
		assert_ptr_equal(nic_dma(nic, MEMORY, 0x10000, false), memory);
	}
	set_config(0x04, 2, 0);
	assert_null(nic_dma(nic, MEMORY, 1, false));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		test(table_has_no_overlaps_and_consistent_rows),
		test(lookup_finds_each_register_and_its_aliases),
		test(low_and_high_halves_of_statistics_are_neighbours),
		test(stored_registers_reset_to_the_table_and_obey_its_masks),
		test(answers_the_pattern_test_of_linux),
		test(aliases_are_the_same_register),
		test(narrow_and_wide_accesses_reach_the_right_bytes),
		test(accesses_beside_registers_read_zero_and_are_counted),
		test(no_access_of_any_width_breaks_the_card),
		test(io_space_reaches_the_registers),
		test(msix_table_is_memory_and_masked_after_reset),
		test(doorbell_pages_are_shared_with_clients),
		test(statistics_clear_when_they_are_read),
		test(statistics_stick_at_their_highest_value),
		test(reading_the_high_half_clears_a_byte_count),
		test(bytes_that_arrive_between_the_two_reads_are_not_lost),
		test(reading_smbi_takes_the_semaphore),
		test(software_reset_restores_registers_but_not_the_function),
		test(pcie_master_disable_is_acknowledged_and_stops_dma),
		test(write_one_to_clear_clears_only_ones),
		test(drivers_find_done_what_they_wait_for),
		test(time_goes_by_with_the_polls),
		test(dma_stays_inside_of_one_window),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
