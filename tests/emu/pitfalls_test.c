/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Mistakes of well-known drivers, one test each: datasheet violations that were copied from driver to
 * driver, misuse of VFIO, and packets in unexpected places. Most tests look at the
 * record of what the driver read and wrote.
 */
#include "driver.h"

#include <stdio.h>
#include <unistd.h>

#include <linux/pci_regs.h>

/* Everything that a driver does in its life, for the record. */
static void live(int card)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x55 };
	struct ixy_config config = { .rx_queues = 4, .tx_queues = 4, .buffers = 2048 };
	struct ixy_device *dev = open_card(card, &config);
	struct ixy_stats stats;
	struct mempool *pool;

	assert_int_equal(mempool_create(&pool, 256, 2048), 0);
	assert_int_equal(wire_to(card, 60, 1), NIC_TAKEN);
	receive_one(dev, 0, 60, card, 1);
	for (uint16_t q = 0; q < 4; q++)
		send_one(dev, pool, q, card, 60, q);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(ixy_set_promiscuous(dev, true), 0);
	assert_int_equal(ixy_set_promiscuous(dev, false), 0);
	assert_int_equal(ixy_set_mac(dev, mac), 0);
	assert_int_equal(ixy_link_speed(dev), 10000);
	ixy_close(dev);
	mempool_destroy(pool);
}

#define for_each_access(a, card)                                                                   \
	for (const struct emu_access *a = (card)->accesses;                                        \
	     a < (card)->accesses + (card)->access_count; a++)

static bool is_write(const struct emu_access *a, uint32_t offset)
{
	return a->write && a->region == VFIO_PCI_BAR0_REGION_INDEX && a->offset == offset;
}

static bool is_read(const struct emu_access *a, uint32_t offset)
{
	return !a->write && a->region == VFIO_PCI_BAR0_REGION_INDEX && a->offset == offset;
}

/* ---- Datasheet ---- */

static void pitfall_datasheet_1_eimc_reserved_bit_is_not_written(void **state)
{
	uint32_t all = 0;

	(void)state;
	live(0);
	for_each_access(a, &emu_cards[0])
	{
		if (is_write(a, EIMC)) {
			assert_int_equal(a->value & 1u << 31, 0);
			all += a->value == 0x7FFFFFFF;
		}
	}
	assert_true(all >= 2); /* before and after the reset, 4.6.3.1 */
}

static void pitfall_datasheet_2_dtxmxszrq_reserved_bits_are_not_written(void **state)
{
	uint32_t writes = 0;

	(void)state;
	live(0);
	for_each_access(a, &emu_cards[0])
	{
		if (is_write(a, DTXMXSZRQ)) {
			assert_int_equal(a->value & ~0xFFFull, 0);
			writes++;
		}
	}
	assert_true(writes > 0);
	/* and 8.2.3.9.1: only while the arbiter is off */
	size_t write = emu_find(&emu_cards[0], 0, true, DTXMXSZRQ), last = SIZE_MAX;
	for (size_t i = 0; (i = emu_find(&emu_cards[0], i, true, RTTDCS)) < write; i++)
		last = i;
	assert_true(last != SIZE_MAX);
	assert_true(emu_cards[0].accesses[last].value & RTTDCS_ARBDIS);
}

static void pitfall_datasheet_3_rdrxctl_rscackc_and_fcoe_wrfix_are_set(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	uint32_t value = emu_register(&emu_cards[0], RDRXCTL);

	(void)state;
	assert_true(value & RDRXCTL_RSCACKC);
	assert_true(value & RDRXCTL_FCOE_WRFIX);
	assert_true(value & RDRXCTL_CRCSTRIP);
	assert_int_equal(value & RDRXCTL_RSCFRSTSIZE, 0);
	ixy_close(dev);
}

static void pitfall_datasheet_4_fctrl_is_written_only_while_the_receiver_is_off(void **state)
{
	bool on = false;
	uint32_t writes = 0;

	(void)state;
	live(0);
	for_each_access(a, &emu_cards[0])
	{
		if (is_write(a, RXCTRL))
			on = a->value & RXCTRL_RXEN;
		if (is_write(a, CTRL) && a->value & (CTRL_RST | CTRL_LRST))
			on = false;
		if (is_write(a, FCTRL)) {
			assert_false(on);
			writes++;
		}
	}
	assert_true(writes >= 3); /* initialisation and twice promiscuous mode */
}

static void pitfall_datasheet_5_byte_counters_are_read_low_half_first(void **state)
{
	static const uint32_t pairs[][2] = { { GORCL, GORCH }, { GOTCL, GOTCH } };

	(void)state;
	live(0);
	for (size_t p = 0; p < 2; p++) {
		bool low = false;
		uint32_t reads = 0;
		for_each_access(a, &emu_cards[0])
		{
			if (is_read(a, pairs[p][0])) {
				assert_false(low);
				low = true;
			} else if (is_read(a, pairs[p][1])) {
				assert_true(low);
				low = false;
				reads++;
			}
		}
		assert_false(low);
		assert_true(reads > 0);
	}
}

static void pitfall_datasheet_5_a_mac_address_stays_valid(void **state)
{
	static const uint8_t mac[6] = { 2, 1, 2, 3, 4, 5 };
	struct ixy_device *dev = open_card(0, NULL);
	struct emu_card *card = &emu_cards[0];

	(void)state;
	assert_true(emu_register(card, RAH(0)) & RAH_AV);
	assert_int_equal(ixy_set_mac(dev, mac), 0);
	assert_int_equal(emu_register(card, RAL(0)), 0x03020102);
	assert_int_equal(emu_register(card, RAH(0)), RAH_AV | 0x0504);
	ixy_close(dev);
}

static void pitfall_datasheet_5_autoc_keeps_what_the_eeprom_set(void **state)
{
	uint64_t known = 0;
	bool have = false;

	(void)state;
	live(0);
	for_each_access(a, &emu_cards[0])
	{
		if (is_read(a, AUTOC)) {
			known = a->value;
			have = true;
		}
		if (is_write(a, AUTOC)) {
			assert_true(have);
			assert_int_equal((a->value ^ known) & ~(uint64_t)AUTOC_RESTART_AN, 0);
		}
	}
}

static void pitfall_datasheet_6_sent_descriptors_are_not_found_by_tdh(void **state)
{
	(void)state;
	live(0);
	for (uint32_t q = 0; q < 4; q++) {
		assert_int_equal(emu_count(&emu_cards[0], false, TDH(q)), 0);
		assert_int_equal(emu_count(&emu_cards[0], false, RDH(q)), 0);
	}
}

static void pitfall_datasheet_7_rs_is_not_on_every_descriptor(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct emu_card *card = &emu_cards[0];
	struct pkt_buf *bufs[32];
	struct mempool *pool;
	uint32_t rs = 0;

	(void)state;
	assert_int_equal(mempool_create(&pool, 320, 2048), 0);
	card->stalled = true;
	for (uint32_t batch = 0; batch < 10; batch++) {
		for (uint32_t i = 0; i < 32; i++)
			bufs[i] = packet(pool, 60, 0, i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 32), 32);
	}
	uint64_t iova = emu_register(card, TDBAL(0)) | (uint64_t)emu_register(card, TDBAH(0)) << 32;
	const uint64_t *ring = emu_memory(card, iova, 320 * 16);
	assert_non_null(ring);
	for (uint32_t i = 0; i < 320; i++)
		rs += ring[2 * i + 1] >> 27 & 1; /* 7.2.3.2.4 */
	assert_int_equal(rs, 10);
	card->stalled = false;
	emu_run(card);
	ixy_close(dev);
	mempool_destroy(pool);
}

static void pitfall_datasheet_8_other_cards_are_refused_untouched(void **state)
{
	static const uint32_t ids[] = {
		0x100E8086, /* e1000 */
		0x10D38086, /* e1000e */
		0x15728086, /* X710 */
		0x10ED8086, /* 82599 virtual function */
		0x10FB1AF4, /* another vendor's */
		0x10021AF4, /* virtio, and no network card */
		0xFFFFFFFE,
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		emu_forget(&emu_cards[0]);
		emu_cards[0].id = ids[i];
		driver_log[0] = 0;
		open_fails(NULL, ENOTSUP, "10fb"); /* with a list of what is supported */
		for_each_access(a, &emu_cards[0])
		{
			if (a->region == VFIO_PCI_BAR0_REGION_INDEX)
				fail_msg("register 0x%05x was touched", a->offset);
			/* vfio_close() switches bus mastering off; nothing else is written */
			if (a->write)
				assert_int_equal(a->value & 4, 0);
		}
	}
}

/* ---- VFIO ---- */

static void pitfall_vfio_2_what_was_mapped_is_unmapped_for_every_device(void **state)
{
	struct ixy_device *a = open_card(0, NULL), *b;
	size_t maps = emu_cards[0].map_count;

	(void)state;
	for (int i = 0; i < 20; i++) {
		b = open_card(1, NULL);
		assert_true(emu_cards[0].map_count > maps);
		assert_int_equal(emu_cards[0].map_count, emu_cards[1].map_count);
		ixy_close(b);
		assert_int_equal(emu_cards[0].map_count, maps);
	}
	ixy_close(a); /* the tear-down checks what the backend was told */
}

static void pitfall_vfio_4_io_virtual_addresses_fit_the_iommu(void **state)
{
	static const uint64_t lasts[] = { UINT32_MAX, (1ull << 39) - 1, UINT64_MAX >> 16 };

	(void)state;
	for (size_t i = 0; i < sizeof(lasts) / sizeof(*lasts); i++) {
		emu_cards[0].last_iova = lasts[i];
		struct ixy_device *dev = open_card(0, NULL);
		assert_true(emu_cards[0].map_count > 0);
		for (size_t m = 0; m < emu_cards[0].map_count; m++) {
			const struct dma_memory *mem = &emu_cards[0].maps[m]->mem;
			assert_true(mem->iova + mem->size - 1 <= lasts[i]);
		}
		assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
		struct pkt_buf *buf;
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
		/* the buffer knows its address: it is where the card put the packet */
		check_frame(emu_memory(&emu_cards[0], pkt_buf_iova(buf), 60), 60, 60, 0, 1);
		pkt_buf_free(buf);
		ixy_close(dev);
	}
}

static void pitfall_vfio_5_big_maps_instead_of_one_per_page(void **state)
{
	struct ixy_config config = {
		.rx_queues = 64, .tx_queues = 64, .rx_ring = 512, .tx_ring = 512, .buffers = 2048
	};
	struct ixy_device *dev = open_card(0, &config);

	(void)state;
	assert_true(emu_cards[0].map_count <=
		    64 + 64 + 2); /* of the 65535 that a container may have */
	ixy_close(dev);
}

static void pitfall_vfio_7_dma_memory_leaves_no_file_behind(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);

	(void)state;
	for (size_t i = 0; i < emu_cards[0].map_count; i++) {
		char path[64], name[256] = "";
		assert_true(emu_cards[0].maps[i]->fd >= 0);
		snprintf(path, sizeof(path), "/proc/self/fd/%d", emu_cards[0].maps[i]->fd);
		assert_true(readlink(path, name, sizeof(name) - 1) > 0);
		if (strncmp(name, "/memfd:", 7) != 0)
			fail_msg("DMA memory is in %s", name);
	}
	ixy_close(dev);
}

/* ---- Elsewhere ---- */

static void pitfall_elsewhere_1_each_queue_has_a_ring_of_its_own(void **state)
{
	struct ixy_config config = {
		.rx_queues = 128, .tx_queues = 64, .rx_ring = 64, .tx_ring = 128, .buffers = 192
	};
	struct ixy_device *dev = open_card(0, &config);
	struct emu_card *card = &emu_cards[0];
	uint64_t start[192], end[192];

	(void)state;
	for (uint32_t i = 0; i < 192; i++) {
		bool rx = i < 128;
		uint32_t q = rx ? i : i - 128;
		uint32_t low = rx ? RDBAL(q) : TDBAL(q), high = rx ? RDBAH(q) : TDBAH(q),
			 len = rx ? RDLEN(q) : TDLEN(q);
		start[i] = emu_register(card, low) | (uint64_t)emu_register(card, high) << 32;
		assert_int_equal(emu_register(card, len), rx ? 64 * 16 : 128 * 16);
		end[i] = start[i] + emu_register(card, len);
		assert_int_equal(start[i] % 128, 0); /* 8.2.3.8.1 */
		assert_non_null(emu_memory(card, start[i], end[i] - start[i]));
		for (uint32_t k = 0; k < i; k++)
			assert_true(end[k] <= start[i] || end[i] <= start[k]);
	}
	ixy_close(dev);
}

static void pitfall_elsewhere_2_a_single_sent_packet_is_reclaimed(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 8, 2048), 0);
	for (uint32_t i = 0; i < 2000; i++) {
		send_one(dev, pool, 0, 0, 60, i);
		assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
		assert_int_equal(mempool_free_count(pool), 8);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void pitfall_elsewhere_2_a_single_packet_is_received_at_once(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);

	(void)state;
	for (uint32_t i = 0; i < 2000; i++) {
		struct pkt_buf *bufs[256];
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 256), 1);
		pkt_buf_free(bufs[0]);
	}
	ixy_close(dev);
}

static void pitfall_elsewhere_3_an_empty_pool_and_jumbo_frames_end_nothing(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128, .mtu = 9000 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *kept[128];
	uint32_t have = 0;

	(void)state;
	for (uint32_t i = 0; i < 300; i++) {
		wire_to(0, 9000, i);
		have += ixy_rx_batch(dev, 0, kept + have, 1);
	}
	assert_int_equal(have, 64);
	pkt_buf_free_batch(kept, have);
	while ((have = receive_all(dev, kept, 64)))
		pkt_buf_free_batch(kept, have);
	assert_int_equal(wire_to(0, 9014, 1), NIC_TAKEN);
	receive_one(dev, 0, 9014, 0, 1);
	ixy_close(dev);
}

static void pitfall_elsewhere_5_a_closed_card_is_silent(void **state)
{
	struct ixy_config config = { .rx_queues = 4, .tx_queues = 4, .buffers = 2048 };
	struct emu_card *card = &emu_cards[0];
	struct ixy_device *dev = open_card(0, &config);
	struct dma_memory watched;

	(void)state;
	assert_true(emu_bus_master(card));
	assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
	emu_forget(card);
	ixy_close(dev);

	assert_false(emu_bus_master(card));
	assert_int_equal(emu_register(card, RXCTRL) & RXCTRL_RXEN, 0);
	for (uint32_t q = 0; q < NIC_QUEUES; q++) {
		assert_int_equal(emu_register(card, RXDCTL(q)) & RXDCTL_ENABLE, 0);
		assert_int_equal(emu_register(card, TXDCTL(q)) & TXDCTL_ENABLE, 0);
	}
	assert_int_equal(vfio_dma_alloc(&watched, 1 << 20), 0);
	for (uint32_t i = 0; i < 100; i++)
		assert_true(wire_to(0, 60, i) != NIC_TAKEN);
	emu_sleep(1000000);
	for (size_t i = 0; i < watched.size; i++)
		assert_int_equal(((uint8_t *)watched.virt)[i], 0);
	vfio_dma_free(&watched);

	/* And in the datasheet's order: receiver, queues, then everything else. */
	size_t receiver = SIZE_MAX, first_reset = SIZE_MAX, queue[8];
	bool master_off = false;
	for (size_t i = 0; i < card->access_count; i++) {
		const struct emu_access *a = &card->accesses[i];
		if (is_write(a, RXCTRL) && !(a->value & RXCTRL_RXEN) && receiver == SIZE_MAX)
			receiver = i;
		if (is_write(a, CTRL) && a->value & CTRL_RST && first_reset == SIZE_MAX)
			first_reset = i;
		if (a->write && a->region == VFIO_PCI_CONFIG_REGION_INDEX &&
		    a->offset == PCI_COMMAND)
			master_off = !(a->value & PCI_COMMAND_MASTER);
	}
	assert_true(master_off); /* by command, not only as a consequence of the reset */
	for (uint32_t q = 0; q < 4; q++) {
		queue[q] = emu_find(card, 0, true, RXDCTL(q));
		queue[4 + q] = emu_find(card, 0, true, TXDCTL(q));
	}
	assert_true(receiver != SIZE_MAX && first_reset != SIZE_MAX);
	for (uint32_t i = 0; i < 8; i++) {
		assert_true(queue[i] > receiver && queue[i] < first_reset);
		assert_int_equal(card->accesses[queue[i]].value & RXDCTL_ENABLE, 0);
	}
}

static void pitfall_elsewhere_5_a_failed_open_leaves_a_silent_card(void **state)
{
	struct ixy_config config = { .rx_ring = 100 };

	(void)state;
	open_fails(&config, EINVAL, "ring");
	assert_false(emu_bus_master(&emu_cards[0]));
	assert_int_equal(wire_to(0, 60, 1), NIC_DOWN);
}

/* ---- In the field ---- */

/* 4.6.3.2. The last read that says that the reset is over, and then nothing for 10 ms. */
static void check_quiet_after_resets(struct emu_card *card, uint32_t expected)
{
	bool resetting = false;
	uint64_t quiet_until = 0;
	uint32_t resets = 0;

	for_each_access(a, card)
	{
		assert_true(a->time >= quiet_until);
		if (is_write(a, CTRL) && a->value & CTRL_RST) {
			assert_true(a->value & CTRL_LRST);
			resetting = true;
		} else if (is_read(a, CTRL) && resetting && !(a->value & (CTRL_RST | CTRL_LRST))) {
			resetting = false;
			resets++;
			quiet_until = a->time + 10000000;
		}
	}
	assert_int_equal(resets, expected);
}

static void pitfall_field_10_the_card_is_left_alone_for_10_ms_after_reset(void **state)
{
	(void)state;
	live(0);
	check_quiet_after_resets(&emu_cards[0], 2);
}

static void pitfall_field_10_signals_shorten_no_wait(void **state)
{
	(void)state;
	emu_signals = true;
	live(0);
	check_quiet_after_resets(&emu_cards[0], 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(pitfall_datasheet_1_eimc_reserved_bit_is_not_written),
		driver_test(pitfall_datasheet_2_dtxmxszrq_reserved_bits_are_not_written),
		driver_test(pitfall_datasheet_3_rdrxctl_rscackc_and_fcoe_wrfix_are_set),
		driver_test(pitfall_datasheet_4_fctrl_is_written_only_while_the_receiver_is_off),
		driver_test(pitfall_datasheet_5_byte_counters_are_read_low_half_first),
		driver_test(pitfall_datasheet_5_a_mac_address_stays_valid),
		driver_test(pitfall_datasheet_5_autoc_keeps_what_the_eeprom_set),
		driver_test(pitfall_datasheet_6_sent_descriptors_are_not_found_by_tdh),
		driver_test(pitfall_datasheet_7_rs_is_not_on_every_descriptor),
		driver_test(pitfall_datasheet_8_other_cards_are_refused_untouched),
		driver_test(pitfall_vfio_2_what_was_mapped_is_unmapped_for_every_device),
		driver_test(pitfall_vfio_4_io_virtual_addresses_fit_the_iommu),
		driver_test(pitfall_vfio_5_big_maps_instead_of_one_per_page),
		driver_test(pitfall_vfio_7_dma_memory_leaves_no_file_behind),
		driver_test(pitfall_elsewhere_1_each_queue_has_a_ring_of_its_own),
		driver_test(pitfall_elsewhere_2_a_single_sent_packet_is_reclaimed),
		driver_test(pitfall_elsewhere_2_a_single_packet_is_received_at_once),
		driver_test(pitfall_elsewhere_3_an_empty_pool_and_jumbo_frames_end_nothing),
		driver_test(pitfall_elsewhere_5_a_closed_card_is_silent),
		driver_test(pitfall_elsewhere_5_a_failed_open_leaves_a_silent_card),
		driver_test(pitfall_field_10_the_card_is_left_alone_for_10_ms_after_reset),
		driver_test(pitfall_field_10_signals_shorten_no_wait),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
