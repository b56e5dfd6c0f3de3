/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: opening, configuring, asking, closing. */
#include "driver.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include <ixy/event.h>

static const uint8_t broadcast[6] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };

static void opens_with_defaults(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct ixy_device *dev = open_card(1, NULL);

	(void)state;
	assert_int_equal(dev->config.rx_queues, 1);
	assert_int_equal(dev->config.tx_queues, 1);
	assert_int_equal(dev->config.rx_ring, 512);
	assert_int_equal(dev->config.tx_ring, 1024);
	assert_int_equal(dev->config.mtu, 1500);
	assert_true(dev->config.buffers >= 4096);
	assert_false(dev->config.promiscuous);
	assert_memory_equal(dev->mac, mac, 6);
	ixy_close(dev);
	assert_string_equal(driver_log, "");
}

static void closing_nothing_is_allowed(void **state)
{
	(void)state;
	ixy_close(NULL);
}

static void refuses_an_address_that_does_not_exist(void **state)
{
	struct ixy_device *dev;

	(void)state;
	assert_int_equal(ixy_open(&dev, "emu:7", NULL), -ENODEV);
	assert_true(ixy_open(&dev, "nonsense", NULL) < 0);
	assert_true(ixy_open(&dev, "", NULL) < 0);
}

static void refuses_a_card_that_is_open(void **state)
{
	struct ixy_device *dev = open_card(0, NULL), *twice;

	(void)state;
	assert_int_equal(ixy_open(&twice, "emu:0", NULL), -EBUSY);
	assert_int_equal(wire_to(0, 64, 1), NIC_TAKEN);
	receive_one(dev, 0, 64, 0, 1);
	ixy_close(dev);
}

static void drives_the_whole_family(void **state)
{
	static const uint16_t ids[] = { 0x10f7, 0x10f8, 0x10f9, 0x10fb, 0x10fc,
					0x1514, 0x1517, 0x151c, 0x1528, 0x154d,
					0x1557, 0x1558, 0x1560, 0x1563, 0x15d1 };

	(void)state;
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		struct ixy_device *dev;
		emu_cards[0].id = 0x8086u | (uint32_t)ids[i] << 16;
		if (ixy_open(&dev, "emu:0", NULL))
			fail_msg("8086:%04x: %s", ids[i], driver_log);
		ixy_close(dev);
	}
}

static void refuses_impossible_configurations(void **state)
{
	static const struct {
		struct ixy_config config;
		const char *word;
	} wrong[] = {
		{ { .rx_queues = 129 }, "queues" },
		{ { .tx_queues = 129 }, "queues" },
		{ { .rx_queues = 65535 }, "queues" },
		{ { .rx_ring = 100 },
		  "in a receive ring are not possible; 64 to 4096 in steps of 8 are" },
		{ { .tx_ring = 100 },
		  "in a send ring are not possible; 64 to 4096 in steps of 8 are" },
		{ { .rx_ring = 8 }, "ring" },
		{ { .rx_ring = 4104 }, "ring" },
		{ { .tx_ring = 65528 }, "ring" },
		{ { .buffers = 100 }, "buffers" },
		{ { .buffers = 1023 }, "buffers" },
		{ { .buffers = UINT32_MAX }, "buffers" },
		{ { .mtu = 67 }, "MTU" },
		{ { .mtu = 9711 }, "MTU" },
		{ { .mtu = 20000 }, "MTU" },
		{ { .mtu = UINT32_MAX }, "MTU" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		driver_log[0] = 0;
		open_fails(&wrong[i].config, EINVAL, wrong[i].word);
	}
	/* Each pool alone would be possible; few machines have so much memory. */
	static const struct ixy_config large = { .rx_queues = 128,
						 .mtu = 3000,
						 .buffers = 1 << 20 };
	if ((uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE) < 300ull << 30)
		open_fails(&large, ENOMEM, "more than the");
	ixy_close(open_card(0, NULL));
}

static void accepts_the_limits(void **state)
{
	static const struct ixy_config configs[] = {
		{ .rx_ring = 64, .tx_ring = 64, .buffers = 128 },
		{ .rx_ring = 4096, .tx_ring = 4096 },
		{ .rx_ring = 72, .tx_ring = 4088 },
		{ .rx_queues = 128, .tx_queues = 64, .rx_ring = 64, .tx_ring = 64, .buffers = 128 },
		{ .mtu = 68 },
		{ .mtu = 9500 },
		{ .mtu = 9710 },
		{ .promiscuous = true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(configs) / sizeof(*configs); i++)
		ixy_close(open_card(0, &configs[i]));
	assert_string_equal(driver_log, "");
}

static size_t open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	size_t count = 0;

	assert_non_null(dir);
	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static size_t mappings(void)
{
	FILE *file = fopen("/proc/self/maps", "r");
	size_t count = 0;

	assert_non_null(file);
	for (int c; (c = getc(file)) != EOF;)
		count += c == '\n';
	fclose(file);
	return count;
}

static void opens_and_closes_200_times_without_a_leak(void **state)
{
	struct ixy_config small = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };
	size_t files = 0, maps = 0;

	(void)state;
	for (int i = 0; i < 200; i++) {
		struct ixy_device *dev = open_card(0, &small);
		assert_int_equal(wire_to(0, 60, (uint32_t)i), NIC_TAKEN);
		receive_one(dev, 0, 60, 0, (uint32_t)i);
		ixy_close(dev);
		emu_forget(&emu_cards[0]);
		if (i == 50) {
			files = open_files();
			maps = mappings();
		}
	}
	assert_int_equal(open_files(), files);
	assert_true(mappings() <= maps + 8); /* the sanitizers' allocators make some of their own */
	assert_string_equal(driver_log, "");
}

static void nothing_of_an_earlier_session_arrives(void **state)
{
	(void)state;
	for (uint32_t life = 1; life <= 20; life++) {
		struct ixy_device *dev = open_card(0, NULL);
		struct pkt_buf *bufs[8];
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 8), 0);
		assert_int_equal(wire_to(0, 60, life), NIC_TAKEN);
		receive_one(dev, 0, 60, 0, life);
		for (uint32_t i = 0; i < life; i++) /* these are never fetched */
			assert_int_equal(wire_to(0, 60, 1000 + i), NIC_TAKEN);
		ixy_close(dev);
		assert_int_equal(wire_to(0, 60, 2000), NIC_DOWN);
	}
}

static void promiscuous_mode_takes_what_is_for_others(void **state)
{
	struct ixy_config config = { .promiscuous = true };
	struct ixy_device *dev = open_card(0, NULL);
	uint8_t other[60], multicast[60];

	(void)state;
	make_frame(other, 60, 2, 5);
	make_frame(multicast, 60, 2, 6);
	multicast[0] = 0x33;
	assert_int_equal(emu_receive(&emu_cards[0], other, 60), NIC_FILTERED);
	assert_int_equal(emu_receive(&emu_cards[0], multicast, 60), NIC_FILTERED);
	assert_int_equal(ixy_set_promiscuous(dev, true), 0);
	assert_int_equal(emu_receive(&emu_cards[0], other, 60), NIC_TAKEN);
	receive_one(dev, 0, 60, 2, 5);
	assert_int_equal(emu_receive(&emu_cards[0], multicast, 60), NIC_TAKEN);
	struct pkt_buf *buf;
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	pkt_buf_free(buf);
	assert_int_equal(ixy_set_promiscuous(dev, false), 0);
	assert_int_equal(emu_receive(&emu_cards[0], other, 60), NIC_FILTERED);
	assert_int_equal(wire_to(0, 60, 8), NIC_TAKEN);
	receive_one(dev, 0, 60, 0, 8);
	ixy_close(dev);

	dev = open_card(0, &config);
	assert_int_equal(emu_receive(&emu_cards[0], other, 60), NIC_TAKEN);
	receive_one(dev, 0, 60, 2, 5);
	ixy_close(dev);
}

static void broadcast_is_for_everybody(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct pkt_buf *buf;
	uint8_t frame[60];

	(void)state;
	make_frame(frame, 60, 0, 1);
	memcpy(frame, broadcast, 6);
	assert_int_equal(emu_receive(&emu_cards[0], frame, 60), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	pkt_buf_free(buf);
	ixy_close(dev);
}

static void takes_another_mac_address(void **state)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 0x77 }, own[6] = { 2, 0, 0, 0, 0, 0 };
	static const uint8_t multicast[6] = { 3, 0, 0, 0, 0, 0x77 };
	struct ixy_device *dev = open_card(0, NULL);
	uint8_t frame[60];

	(void)state;
	assert_int_equal(ixy_set_mac(dev, multicast), -EINVAL);
	assert_int_equal(ixy_set_mac(dev, broadcast), -EINVAL);
	assert_memory_equal(dev->mac, own, 6);
	assert_int_equal(ixy_set_mac(dev, mac), 0);
	assert_memory_equal(dev->mac, mac, 6);
	make_frame(frame, 60, 0x77, 1);
	assert_int_equal(emu_receive(&emu_cards[0], frame, 60), NIC_TAKEN);
	receive_one(dev, 0, 60, 0x77, 1);
	assert_int_equal(wire_to(0, 60, 2), NIC_FILTERED);
	ixy_close(dev);

	dev = open_card(0, NULL); /* the one of the EEPROM is back */
	assert_memory_equal(dev->mac, own, 6);
	assert_int_equal(wire_to(0, 60, 2), NIC_TAKEN);
	ixy_close(dev);
}

static void link_speed_follows_the_cable(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);

	(void)state;
	nic_set_wire(emu_cards[0].nic, false);
	emu_sleep(10000);
	assert_int_equal(ixy_link_speed(dev), 0);
	nic_set_wire(emu_cards[0].nic, true);
	emu_sleep(5000000);
	assert_int_equal(ixy_link_speed(dev), 10000);
	ixy_close(dev);
}

/* Of the others bit 27 is a link mode. */
/* On copper the PHY finds the speed, which the driver leaves as it is. */
static void an_x540_is_driven_like_an_82599(void **state)
{
	static const int speeds[] = { 10000, 1000, 100 };
	const struct ixy_config config = { .flow_rules = 100, .promiscuous = true };
	struct nic *nic = emu_cards[0].nic;
	struct mempool *pool;

	(void)state;
	nic_make_x540(nic);
	assert_int_equal(mempool_create(&pool, 64, 2048), 0);
	for (size_t i = 0; i < sizeof(speeds) / sizeof(*speeds); i++) {
		struct ixy_device *dev;
		assert_int_equal(ixy_open(&dev, "emu:0", &config), 0);
		emu_sleep(2000);
		assert_int_equal(ixy_link_speed(dev), speeds[i]);
		assert_int_equal(emu_register(&emu_cards[0], RXPBSIZE(0)) >> 10, 384 - 64);
		for (uint32_t k = 0; k < 10; k++) {
			send_one(dev, pool, 0, 0, 61, k);
			assert_int_equal(wire_to(0, 60, k), NIC_TAKEN);
			receive_one(dev, 0, 60, 0, k);
		}
		ixy_close(dev);
		/* No longer what is fastest: clause 45 registers 32 and 0xC400 of auto-negotiation. */
		nic_write(nic, 0, MSRWD, 4, 0);
		nic_write(nic, 0, MSCA, 4, MSCA_MDICMD | 7 << 16 | (i ? 0xC400 : 32));
		nic_write(nic, 0, MSCA, 4, MSCA_MDICMD | MSCA_OP_WRITE << 26 | 7 << 16);
	}
	mempool_destroy(pool);
	assert_string_equal(driver_log, "");
}

/* As Linux leaves it: asleep. */
static void a_sleeping_phy_is_woken(void **state)
{
	struct nic *nic = emu_cards[0].nic;

	(void)state;
	nic_make_x540(nic);
	for (int i = 0; i < 2; i++) {
		nic_write(nic, 0, MSRWD, 4, 1 << 11);
		nic_write(nic, 0, MSCA, 4, MSCA_MDICMD | 30 << 16);
		nic_write(nic, 0, MSCA, 4, MSCA_MDICMD | MSCA_OP_WRITE << 26 | 30 << 16);
		ixy_close(open_card(0, NULL)); /* waits for the link */
		assert_int_equal(emu_register(&emu_cards[0], SW_FW_SYNC), 0);
		nic_write(nic, 0, SW_FW_SYNC, 4, 0); /* that has taken it */
	}
	assert_string_equal(driver_log, "");
}

static void the_clock_of_an_x550_is_another_one(void **state)
{
	const struct ixy_config config = { .timestamps = true };

	(void)state;
	emu_cards[0].id = 0x15638086;
	open_fails(&config, ENOTSUP, "not with the clock of an X550");
}

static uint64_t links;

static uint64_t read_links(uint32_t offset, uint64_t value)
{
	return offset == LINKS ? links : value;
}

static void link_speeds_are_those_of_the_card(void **state)
{
	static const struct {
		uint16_t id;
		uint64_t links;
		int mbits;
	} cards[] = {
		{ 0x10FB, 1u << 30 | 1 << 28, 100 },   { 0x10FB, 1u << 30 | 2 << 28, 1000 },
		{ 0x10FB, 1u << 30 | 3 << 28, 10000 }, { 0x10FB, 1u << 30 | 7 << 27, 10000 },
		{ 0x1528, 1u << 30 | 7 << 27, 10000 }, { 0x1528, 1u << 30 | 3 << 27, 100 },
		{ 0x1563, 1u << 30 | 3 << 28, 10000 }, { 0x1563, 1u << 30 | 7 << 27, 2500 },
		{ 0x1563, 1u << 30 | 3 << 27, 5000 },  { 0x1563, 1u << 30 | 1 << 28, 100 },
		{ 0x1563, 1u << 30 | 2 << 28, 1000 },  { 0x15D1, 1u << 30 | 7 << 27, 2500 },
		{ 0x15D1, 1u << 30 | 3 << 27, 5000 },  { 0x1563, 7 << 27, 0 },
		{ 0x10FB, 3u << 28 & ~(1u << 30), 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cards) / sizeof(*cards); i++) {
		struct ixy_device *dev;
		struct ixy_watch watch = { .started = true };
		struct ixy_event event;
		emu_cards[0].id = 0x8086u | (uint32_t)cards[i].id << 16;
		assert_int_equal(ixy_open(&dev, "emu:0", NULL), 0);
		links = cards[i].links;
		emu_cards[0].reading = read_links;
		assert_int_equal(ixy_link_speed(dev), cards[i].mbits);
		assert_int_equal(ixy_next_event(dev, &watch, &event), cards[i].mbits != 0);
		assert_int_equal(event.mbits, cards[i].mbits);
		emu_cards[0].reading = NULL;
		ixy_close(dev);
	}
}

static uint64_t read_nameless_bit(uint32_t offset, uint64_t value)
{
	for (uint32_t q = 0; q < 128; q++)
		if (offset == DCA_RXCTRL(q))
			return value | 1 << 12;
	return value;
}

/* 82599: 8.2.3.11.1 and the last sentence of 4.6.7; 7.2.3.4.1. */
static void queues_are_set_as_the_datasheet_asks(void **state)
{
	struct ixy_device *dev;
	const struct ixy_config queues = {
		.rx_queues = 70, .tx_queues = 3, .rx_ring = 64, .tx_ring = 64, .buffers = 128
	};

	(void)state;
	emu_cards[0].reading = read_nameless_bit;
	dev = open_card(0, &queues);
	for (uint32_t q = 0; q < 70; q++) {
		size_t written = emu_find(&emu_cards[0], 0, true, DCA_RXCTRL(q));
		assert_int_not_equal(written, SIZE_MAX);
		assert_false(emu_cards[0].accesses[written].value & 1 << 12);
	}
	for (uint32_t q = 0; q < 3; q++) {
		const uint32_t txdctl = emu_register(&emu_cards[0], TXDCTL(q));
		assert_int_equal(TXDCTL_PTHRESH(txdctl), 36);
		assert_int_equal(TXDCTL_HTHRESH(txdctl), 8);
		assert_int_equal(TXDCTL_WTHRESH(txdctl), 0);
	}
	ixy_close(dev);
}

/* Tables that no reset clears: first register, and how many. */
static void nothing_of_an_earlier_driver_is_left_in_the_filters(void **state)
{
	static const struct {
		uint32_t first, count;
	} tables[] = { { 0x0F400, 128 }, { 0x0A000, 128 }, { 0x0F100, 64 },  { 0x0F200, 128 },
		       { 0x05200, 128 }, { 0x0A600, 256 }, { 0x0A208, 254 }, { 0x0E600, 128 } };
	struct emu_card *card = &emu_cards[0];

	(void)state;
	struct ixy_device *dev = open_card(0, NULL);
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (uint32_t i = 0; i < tables[t].count; i++) {
			/* This card's reset clears them: so the driver has to be seen to. */
			const uint32_t offset = tables[t].first + i * 4;
			assert_int_not_equal(emu_find(card, 0, true, offset), SIZE_MAX);
			assert_int_equal(emu_register(card, offset), offset == MPSAR(0));
		}
	ixy_close(dev);
}

static void opens_without_a_cable(void **state)
{
	struct ixy_device *dev;

	(void)state;
	nic_set_wire(emu_cards[0].nic, false);
	assert_int_equal(ixy_open(&dev, "emu:0", NULL), 0);
	assert_int_equal(ixy_link_speed(dev), 0);
	ixy_close(dev);
	assert_string_equal(driver_log, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(opens_with_defaults),
		driver_test(closing_nothing_is_allowed),
		driver_test(refuses_an_address_that_does_not_exist),
		driver_test(refuses_a_card_that_is_open),
		driver_test(drives_the_whole_family),
		driver_test(refuses_impossible_configurations),
		driver_test(accepts_the_limits),
		driver_test(opens_and_closes_200_times_without_a_leak),
		driver_test(nothing_of_an_earlier_session_arrives),
		driver_test(promiscuous_mode_takes_what_is_for_others),
		driver_test(broadcast_is_for_everybody),
		driver_test(takes_another_mac_address),
		driver_test(link_speed_follows_the_cable),
		driver_test(an_x540_is_driven_like_an_82599),
		driver_test(a_sleeping_phy_is_woken),
		driver_test(the_clock_of_an_x550_is_another_one),
		driver_test(link_speeds_are_those_of_the_card),
		driver_test(queues_are_set_as_the_datasheet_asks),
		driver_test(nothing_of_an_earlier_driver_is_left_in_the_filters),
		driver_test(opens_without_a_cable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
