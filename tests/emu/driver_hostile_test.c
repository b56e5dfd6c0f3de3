/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver against a card that is broken, hostile, or gone: it may cost packets, never memory or time. */
#include "driver.h"

#define DD     (1ull << 0)
#define EOP    (1ull << 1)
#define RE     (1ull << 29) /* 7.1.6.2, extended error: received with a MAC error */
#define LENGTH 32	    /* shift */

/* What a card may write into the second half of a receive descriptor; the third says whether a packet must not come out. */
static const struct {
	uint64_t status, length;
	bool bad;
} write_backs[] = {
	{ DD | EOP, 0, true },	      { DD | EOP, 65535, true }, { DD | EOP, 2049, true },
	{ DD | EOP | RE, 60, true },  { DD | EOP, 32768, true }, { DD | EOP | RE, 65535, true },
	{ 0xFFFFFFFF, 0xFFFF, true }, { 0xFFFFFFFF, 60, true },	 { DD | EOP, 1, false },
	{ DD | EOP, 13, false },      { DD | EOP, 2048, false }, { DD, 60, true },
	{ DD, 65535, true },	      { DD, 0, true },
};

static void impossible_write_backs_cost_packets_only(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[64];
	uint32_t at = 0;

	(void)state;
	for (uint32_t lap = 0; lap < 30; lap++) {
		for (size_t i = 0; i < sizeof(write_backs) / sizeof(*write_backs); i++) {
			assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
			rx_descriptor(0, 0, at)[1] = write_backs[i].status | write_backs[i].length
										     << LENGTH;
			at = (at + 1) % 64;
			uint32_t n = ixy_rx_batch(dev, 0, bufs, 64);
			assert_true(n <= 1);
			if (write_backs[i].bad)
				assert_int_equal(n, 0);
			for (uint32_t k = 0; k < n; k++)
				assert_true(bufs[k]->size <= pkt_buf_room(bufs[k]));
			pkt_buf_free_batch(bufs, n);

			/* A frame that seems to go on in the next descriptor takes that with it: end it. */
			if (!(write_backs[i].status & EOP)) {
				assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
				at = (at + 1) % 64;
				n = ixy_rx_batch(dev, 0, bufs, 64);
				pkt_buf_free_batch(bufs, n);
			}
			assert_int_equal(wire_to(0, 60, 2), NIC_TAKEN);
			at = (at + 1) % 64;
			receive_one(dev, 0, 60, 0, 2);
		}
	}
	struct ixy_stats stats;
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_true(stats.rx_errors >= 30 * 8);
	ixy_close(dev);
}

static void a_frame_without_end_never_reaches_the_application(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[64];
	uint32_t at = 0;

	(void)state;
	for (uint32_t i = 0; i < 1000; i++) { /* many laps: no state grows */
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		rx_descriptor(0, 0, at)[1] &= ~EOP;
		at = (at + 1) % 64;
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 64), 0);
	}
	assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN); /* its last part */
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 64), 0);
	assert_int_equal(wire_to(0, 60, 2), NIC_TAKEN);
	receive_one(dev, 0, 60, 0, 2);
	ixy_close(dev);
}

static void a_receive_ring_full_of_ones_ends_with_each_call(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[256];

	(void)state;
	for (uint32_t lap = 0; lap < 100; lap++) {
		for (uint32_t i = 0; i < 64; i++) {
			rx_descriptor(0, 0, i)[0] = UINT64_MAX;
			rx_descriptor(0, 0, i)[1] = UINT64_MAX;
		}
		uint32_t n = ixy_rx_batch(dev, 0, bufs, 256);
		assert_true(n <= 256);
		for (uint32_t i = 0; i < n; i++)
			assert_true(bufs[i]->size <= pkt_buf_room(bufs[i]));
		pkt_buf_free_batch(bufs, n);
	}
	ixy_close(dev);
}

static void done_bits_on_everything_sent_free_each_packet_once(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = open_card(0, &config);
	struct emu_card *card = &emu_cards[0];
	struct mempool *pool;
	struct pkt_buf *bufs[32];
	uint32_t seed = 1;

	(void)state;
	assert_int_equal(mempool_create(&pool, 256, 2048), 0);
	uint64_t iova = emu_register(card, TDBAL(0)) | (uint64_t)emu_register(card, TDBAH(0)) << 32;
	uint8_t *ring = emu_memory(card, iova, 64 * 16);
	assert_non_null(ring);
	card->stalled = true;
	for (uint32_t lap = 0; lap < 1000; lap++) {
		uint32_t n = lap % 32 + 1;
		for (uint32_t i = 0; i < n; i++)
			bufs[i] = packet(pool, 60, 0, i);
		uint32_t taken = ixy_tx_batch(dev, 0, bufs, n);
		pkt_buf_free_batch(bufs + taken, n - taken);
		for (uint32_t i = 0; i < 64 * 16; i++) { /* sometimes all ones, sometimes noise */
			seed = seed * 1664525 + 1013904223;
			ring[i] = lap % 3 ? 0xFF : (uint8_t)(seed >> 24);
		}
		assert_true(mempool_free_count(pool) <= 256);
	}
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 256);
	mempool_destroy(pool);
}

static void a_card_that_reads_as_all_ones_is_not_opened(void **state)
{
	struct ixy_device *dev;

	(void)state;
	emu_cards[0].accesses_left = 0;
	assert_int_equal(ixy_open(&dev, "emu:0", NULL), -ENODEV);
	assert_true(driver_log_lines >= 1);
	emu_cards[0].accesses_left = EMU_NEVER;
	ixy_close(open_card(0, NULL));
}

/* It works, and is pulled out at every single access of its initialisation. */
static void a_card_that_vanishes_while_it_is_opened_is_an_error(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };
	struct ixy_device *dev = open_card(0, &config);
	uint64_t total = emu_cards[0].access_count;

	(void)state;
	ixy_close(dev);
	for (uint64_t left = 1; left < total; left += left < 60 || left > total - 60 ? 1 : 23) {
		emu_forget(&emu_cards[0]);
		emu_cards[0].accesses_left = left;
		driver_log[0] = 0;
		int err = ixy_open(&dev, "emu:0", &config);
		if (!err) { /* it can go unnoticed between the last steps, but not for long */
			struct ixy_stats stats;
			emu_cards[0].accesses_left = 0;
			assert_int_equal(ixy_read_stats(dev, &stats), -ENODEV);
			ixy_close(dev);
		}
		emu_cards[0].accesses_left = EMU_NEVER;
	}
	ixy_close(open_card(0, &config));
}

static void a_card_that_vanishes_in_use_is_reported_and_can_be_closed(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	static const uint8_t mac[6] = { 2 };
	struct mempool *pool;
	struct ixy_stats stats;
	struct pkt_buf *bufs[8];

	(void)state;
	assert_int_equal(mempool_create(&pool, 2048, 2048), 0);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	emu_cards[0].accesses_left = 0;
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 8), 5); /* what is in memory is in memory */
	pkt_buf_free_batch(bufs, 5);
	for (uint32_t i = 0; i < 1000; i++) {
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 8), 0);
		struct pkt_buf *buf = packet(pool, 60, 0, i);
		if (!ixy_tx_batch(dev, 0, &buf, 1))
			pkt_buf_free(buf);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), -ENODEV);
	assert_int_equal(ixy_link_speed(dev), -ENODEV);
	assert_true(ixy_set_promiscuous(dev, true) < 0);
	ixy_set_mac(dev, mac);
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 2048);
	mempool_destroy(pool);
}

static void a_card_that_vanishes_while_it_is_closed_is_closed(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };

	(void)state;
	for (uint64_t left = 1; left < 120; left++) {
		struct ixy_device *dev = open_card(0, &config);
		emu_cards[0].accesses_left = left;
		ixy_close(dev);
		emu_cards[0].accesses_left = EMU_NEVER;
		emu_forget(&emu_cards[0]);
	}
	ixy_close(open_card(0, &config));
}

/* Its registers can be read and written, and nothing ever happens. */
static void a_card_that_does_nothing_fails_by_deadline_and_register_name(void **state)
{
	struct ixy_device *dev = NULL;

	(void)state;
	emu_cards[0].dead = true;
	assert_int_equal(ixy_open(&dev, "emu:0", NULL), -ETIMEDOUT);
	if (!strstr(driver_log, "EEC") && !strstr(driver_log, "DMAIDONE"))
		fail_msg("no register is named: %s", driver_log);
	emu_cards[0].dead = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(impossible_write_backs_cost_packets_only),
		driver_test(a_frame_without_end_never_reaches_the_application),
		driver_test(a_receive_ring_full_of_ones_ends_with_each_call),
		driver_test(done_bits_on_everything_sent_free_each_packet_once),
		driver_test(a_card_that_reads_as_all_ones_is_not_opened),
		driver_test(a_card_that_vanishes_while_it_is_opened_is_an_error),
		driver_test(a_card_that_vanishes_in_use_is_reported_and_can_be_closed),
		driver_test(a_card_that_vanishes_while_it_is_closed_is_closed),
		driver_test(a_card_that_does_nothing_fails_by_deadline_and_register_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
