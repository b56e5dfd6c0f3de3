/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: closing, with packets in all the places where packets can be. */
#include "driver.h"

static void close_frees_what_is_in_the_rings(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;
	struct pkt_buf *bufs[100];

	(void)state;
	assert_int_equal(mempool_create(&pool, 100, 2048), 0);
	emu_cards[0].stalled = true;
	for (uint32_t i = 0; i < 100; i++)
		bufs[i] = packet(pool, 60, 0, i);
	assert_int_equal(ixy_tx_batch(dev, 0, bufs, 60), 60);
	assert_int_equal(ixy_tx_batch(dev, 0, bufs + 60, 40), 40);
	assert_int_equal(mempool_free_count(pool), 0);
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 100);
	mempool_destroy(pool);
}

static void close_lets_the_card_send_what_it_has(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 100, 2048), 0);
	emu_cards[0].map_doorbells =
		true; /* writes do not let the card work: it has not seen the packets yet */
	ixy_close(dev);
	dev = open_card(0, NULL);
	for (uint32_t i = 0; i < 50; i++) {
		struct pkt_buf *buf = packet(pool, 60, 0, i);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	}
	ixy_close(dev);
	assert_int_equal(emu_cards[0].sent_count, 50);
	assert_int_equal(mempool_free_count(pool), 100);
	mempool_destroy(pool);
}

static void packets_that_the_application_keeps_outlive_the_device(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct pkt_buf *bufs[32];

	(void)state;
	for (uint32_t i = 0; i < 32; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 32), 32);
	ixy_close(dev);
	for (uint32_t i = 0; i < 32; i++) {
		check_frame(bufs[i]->data, bufs[i]->size, 60, 0, i);
		pkt_buf_free(bufs[i]);
	}
}

/* Received on one card, waiting to be sent on the other: close both, in either order. */
static void close_two(bool receiver_first)
{
	struct ixy_device *a = open_card(0, NULL), *b = open_card(1, NULL);
	struct pkt_buf *bufs[64];

	for (uint32_t i = 0; i < 64; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(a, 0, bufs, 64), 64);
	emu_cards[1].stalled = true;
	assert_int_equal(ixy_tx_batch(b, 0, bufs, 64), 64);
	if (receiver_first) {
		ixy_close(a);
		emu_cards[1].stalled = false;
		emu_run(&emu_cards
				[1]); /* the packets are still valid: their memory is still mapped */
		assert_int_equal(emu_cards[1].sent_count, 64);
		for (uint32_t i = 0; i < 64; i++)
			check_frame(emu_cards[1].sent[i].data, emu_cards[1].sent[i].length, 60, 0,
				    i);
		ixy_close(b);
	} else {
		ixy_close(b);
		emu_cards[1].stalled = false;
		emu_run(&emu_cards[1]);
		assert_int_equal(emu_cards[1].sent_count, 0);
		assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
		receive_one(a, 0, 60, 0, 1);
		ixy_close(a);
	}
}

static void closing_the_receiver_first_leaves_packets_to_the_sender(void **state)
{
	(void)state;
	close_two(true);
}

static void closing_the_sender_first_gives_packets_back_to_the_receiver(void **state)
{
	(void)state;
	close_two(false);
}

static void closing_with_both_stalled_frees_everything(void **state)
{
	(void)state;
	for (int order = 0; order < 2; order++) {
		struct ixy_device *dev[2] = { open_card(0, NULL), open_card(1, NULL) };
		struct pkt_buf *bufs[64];
		for (int i = 0; i < 2; i++) {
			for (uint32_t n = 0; n < 64; n++)
				assert_int_equal(wire_to(i, 60, n), NIC_TAKEN);
		}
		emu_cards[0].stalled = emu_cards[1].stalled = true;
		for (int i = 0; i < 2; i++) { /* in flight crosswise */
			assert_int_equal(ixy_rx_batch(dev[i], 0, bufs, 64), 64);
			assert_int_equal(ixy_tx_batch(dev[!i], 0, bufs, 64), 64);
		}
		ixy_close(dev[order]);
		ixy_close(dev[!order]);
		emu_cards[0].stalled = emu_cards[1].stalled = false;
	}
}

static void a_device_opened_later_sends_packets_received_before(void **state)
{
	struct ixy_device *a = open_card(0, NULL);
	struct pkt_buf *buf;

	(void)state;
	assert_int_equal(wire_to(0, 60, 9), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(a, 0, &buf, 1), 1);
	struct ixy_device *b = open_card(1, NULL);
	assert_int_equal(ixy_tx_batch(b, 0, &buf, 1), 1);
	emu_run(&emu_cards[1]);
	assert_int_equal(emu_cards[1].sent_count, 1);
	check_frame(emu_cards[1].sent[0].data, emu_cards[1].sent[0].length, 60, 0, 9);
	ixy_close(a);
	ixy_close(b);
}

static void a_failed_open_gives_everything_back(void **state)
{
	struct ixy_device *a = open_card(0, NULL), *b;
	size_t maps = emu_cards[0].map_count;

	(void)state;
	for (uint64_t left = 100; left < 1500; left += 100) {
		emu_cards[1].accesses_left = left;
		if (!ixy_open(&b, "emu:1", NULL))
			ixy_close(b);
		emu_cards[1].accesses_left = EMU_NEVER;
		assert_int_equal(emu_cards[0].map_count, maps);
		assert_null(emu_cards[1].owner);
	}
	ixy_close(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(close_frees_what_is_in_the_rings),
		driver_test(close_lets_the_card_send_what_it_has),
		driver_test(packets_that_the_application_keeps_outlive_the_device),
		driver_test(closing_the_receiver_first_leaves_packets_to_the_sender),
		driver_test(closing_the_sender_first_gives_packets_back_to_the_receiver),
		driver_test(closing_with_both_stalled_frees_everything),
		driver_test(a_device_opened_later_sends_packets_received_before),
		driver_test(a_failed_open_gives_everything_back),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
