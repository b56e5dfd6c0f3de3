/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: what it counts, for the device and for each queue. */
#include "driver.h"

#include <ixy/event.h>

static void statistics_count_what_passed(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;
	struct ixy_stats stats;

	(void)state;
	assert_int_equal(mempool_create(&pool, 64, 2048), 0);
	for (uint32_t i = 0; i < 10; i++) {
		assert_int_equal(wire_to(0, 100 + i, i), NIC_TAKEN);
		receive_one(dev, 0, 100 + i, 0, i);
		if (i % 2)
			send_one(dev, pool, 0, 0, 200 + i, i);
		if (i % 3)
			assert_int_equal(ixy_read_stats(dev, &stats),
					 0); /* reading clears the card's counters only */
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_packets, 10);
	assert_int_equal(stats.rx_bytes, 10 * 100 + 45);
	assert_int_equal(stats.tx_packets, 5);
	assert_int_equal(stats.tx_bytes, 5 * 200 + 25);
	assert_int_equal(stats.rx_missed + stats.rx_no_buffer + stats.rx_errors, 0);
	ixy_close(dev);

	dev = open_card(0, NULL);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_packets + stats.rx_bytes + stats.tx_packets + stats.tx_bytes, 0);
	ixy_close(dev);
	mempool_destroy(pool);
}

static void packets_without_a_free_descriptor_are_counted_as_missed(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[128];
	struct ixy_stats stats;
	uint32_t missed = 0;

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		missed += wire_to(0, 60, i) == NIC_MISSED;
	assert_int_equal(missed, 100 - 63);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 128), 63);
	for (uint32_t i = 0; i < 63; i++)
		check_frame(bufs[i]->data, bufs[i]->size, 60, 0, i);
	pkt_buf_free_batch(bufs, 63);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_missed, missed);
	assert_int_equal(stats.rx_packets, 63);
	assert_int_equal(wire_to(0, 60, 7), NIC_TAKEN);
	receive_one(dev, 0, 60, 0, 7);
	ixy_close(dev);
}

/* More packets are missed just after the driver has read how many were. */
static void miss_packets(struct emu_card *card, const struct emu_access *access)
{
	if (access->write || access->region != VFIO_PCI_BAR0_REGION_INDEX ||
	    access->offset != MPC(0))
		return;
	card->accessed = NULL;
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_MISSED);
}

static void statistics_stay_right_when_packets_are_missed_while_they_are_read(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);
	struct ixy_stats stats;

	(void)state;
	for (uint32_t i = 0; i < 63; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	emu_cards[0].accessed = miss_packets;
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_true(stats.rx_packets <= 63 + 5);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_packets, 63);
	assert_int_equal(stats.rx_missed, 5);
	assert_int_equal(stats.rx_bytes, (63 + 5) * 60); /* the card counts what was missed, too */
	ixy_close(dev);
}

/* ---- Each queue ---- */

static struct ixy_device *open_queues(uint16_t rx, uint16_t tx, bool info)
{
	struct ixy_config config = { .rx_queues = rx,
				     .tx_queues = tx,
				     .rx_ring = 64,
				     .tx_ring = 64,
				     .buffers = 128,
				     .rx_info = info };

	return open_card(0, &config);
}

static struct ixy_queue_stats counts_of(struct ixy_device *dev, uint16_t queue)
{
	struct ixy_queue_stats stats;

	memset(&stats, 0xAA, sizeof(stats));
	assert_int_equal(ixy_read_queue_stats(dev, queue, &stats), 0);
	return stats;
}

static void receive(struct ixy_device *dev, uint16_t queue, uint32_t n)
{
	steer(queue);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	for (uint32_t i = 0; i < n;) {
		struct pkt_buf *bufs[64];
		uint32_t more = ixy_rx_batch(dev, queue, bufs, 64);
		assert_true(more > 0);
		pkt_buf_free_batch(bufs, more);
		i += more;
	}
}

static void send(struct ixy_device *dev, struct mempool *pool, uint16_t queue, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		send_one(dev, pool, queue, 0, 60, i);
}

/* One direction has fewer queues than the other: there is nothing to count for those that it lacks. */
static void counted_by_queue(uint16_t rx, uint16_t tx, bool info)
{
	const uint16_t queues = rx > tx ? rx : tx;
	struct ixy_device *dev = open_queues(rx, tx, info);
	uint64_t received = 0, sent = 0;
	struct ixy_stats stats;
	struct mempool *pool;

	assert_int_equal(mempool_create(&pool, 128, 2048), 0);
	for (uint32_t lap = 1; lap <= 3; lap++) {
		for (uint16_t q = 0; q < rx; q++)
			receive(dev, q, 1 + q * 3 % 29);
		for (uint16_t q = 0; q < tx; q++)
			send(dev, pool, q, 1 + q * 5 % 31);
		received = sent = 0;
		for (uint16_t q = 0; q < queues; q++) {
			struct ixy_queue_stats queue = counts_of(dev, q);
			assert_int_equal(queue.rx_packets, q < rx ? lap * (1 + q * 3 % 29) : 0);
			assert_int_equal(queue.tx_packets, q < tx ? lap * (1 + q * 5 % 31) : 0);
			assert_int_equal(queue.rx_no_buffer + queue.rx_errors, 0);
			received += queue.rx_packets;
			sent += queue.tx_packets;
		}
		assert_int_equal(ixy_read_stats(dev, &stats), 0);
		assert_int_equal(stats.rx_packets, received);
		assert_int_equal(stats.tx_packets, sent);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void each_queue_counts_its_packets(void **state)
{
	(void)state;
	counted_by_queue(4, 4, false);
	counted_by_queue(4, 4, true);
	counted_by_queue(20, 3, false);
	counted_by_queue(3, 20, false);
	counted_by_queue(128, 64, false);
}

static void a_new_session_counts_from_zero(void **state)
{
	struct ixy_device *dev = open_queues(2, 2, false);

	(void)state;
	receive(dev, 1, 5);
	assert_int_equal(counts_of(dev, 1).rx_packets, 5);
	ixy_close(dev);
	dev = open_queues(2, 2, false);
	assert_int_equal(counts_of(dev, 1).rx_packets, 0);
	ixy_close(dev);
}

static void trouble_is_counted_where_it_is(void **state)
{
	struct ixy_device *dev = open_queues(4, 1, false);
	struct pkt_buf *kept[64], *buf;
	struct ixy_stats stats;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		steer(1);
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		rx_descriptor(0, 1, i)[1] |= 1 << 29; /* 7.1.6.2: RXE */
		assert_int_equal(ixy_rx_batch(dev, 1, &buf, 1), 0);
	}
	steer(2);
	for (uint32_t i = 0; i < 64; i++) { /* the ring keeps the other 64 */
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		assert_int_equal(ixy_rx_batch(dev, 2, kept + i, 1), 1);
	}
	assert_int_equal(wire_to(0, 60, 64), NIC_TAKEN);
	for (uint32_t i = 0; i < 5; i++)
		assert_int_equal(ixy_rx_batch(dev, 2, &buf, 1), 0);
	for (uint16_t q = 0; q < 4; q++) {
		struct ixy_queue_stats queue = counts_of(dev, q);
		assert_int_equal(queue.rx_packets, q == 2 ? 64 : 0);
		assert_int_equal(queue.rx_errors, q == 1 ? 3 : 0);
		assert_int_equal(queue.rx_no_buffer, q == 2 ? 5 : 0);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_errors, 3);
	assert_int_equal(stats.rx_no_buffer, 5);
	pkt_buf_free_batch(kept, 64);
	ixy_close(dev);
}

/* Taken from the caller, but not given to the card. */
static void what_cannot_be_sent_is_not_counted_as_sent(void **state)
{
	struct ixy_device *dev = open_queues(2, 2, false);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 4, 2048), 0);
	struct pkt_buf *bufs[] = { packet(pool, 60, 0, 1), packet(pool, 60, 0, 2),
				   packet(pool, 60, 0, 3) };
	bufs[1]->size = 16;
	assert_int_equal(ixy_tx_batch(dev, 1, bufs, 3), 3);
	assert_int_equal(counts_of(dev, 0).tx_packets, 0);
	assert_int_equal(counts_of(dev, 1).tx_packets, 2);
	ixy_close(dev);
	mempool_destroy(pool);
}

static void no_such_queue(struct ixy_device *dev, uint16_t queue)
{
	static const struct ixy_queue_stats none;
	const unsigned int lines = driver_log_lines;
	struct ixy_queue_stats stats;

	memset(&stats, 0xAA, sizeof(stats));
	assert_int_equal(ixy_read_queue_stats(dev, queue, &stats), -EINVAL);
	assert_memory_equal(&stats, &none, sizeof(none));
	assert_int_equal(driver_log_lines, lines + 1);
}

/* GORC and GOTC of 36 bits are full after 55 s: asking for the link reads them. */
static void counters_are_read_before_they_are_full(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct emu_card *card = &emu_cards[0];
	struct ixy_watch watch = { 0 };
	struct ixy_stats stats;
	struct ixy_event event;

	(void)state;
	for (uint32_t round = 0; round < 20; round++) {
		assert_int_equal(wire_to(0, 100, round), NIC_TAKEN);
		receive_one(dev, 0, 100, 0, round);
		emu_sleep(5000000);
		emu_sleep(5000000);
		emu_sleep(5000000);
		emu_sleep(5000000);
		emu_sleep(1000000);
		for (int again = 0; again < 10; again++) {
			emu_forget(card);
			if (round % 2)
				ixy_link_speed(dev);
			else
				ixy_next_event(dev, &watch, &event);
			assert_int_equal(emu_count(card, false, GORCH), !again);
			assert_int_equal(emu_count(card, false, GOTCH), !again);
			assert_int_equal(emu_count(card, false, GPRC), !again);
		}
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_packets, 20);
	assert_int_equal(stats.rx_bytes, 20 * 100);
	ixy_close(dev);
}

static void a_queue_that_does_not_exist_is_refused(void **state)
{
	struct ixy_device *dev = open_queues(5, 2, false);

	(void)state;
	counts_of(dev, 4);
	assert_string_equal(driver_log, "");
	no_such_queue(dev, 5);
	assert_non_null(strstr(driver_log, "no queue 5: there are 5 to receive and 2 to send"));
	no_such_queue(dev, 128);
	no_such_queue(dev, UINT16_MAX);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(statistics_count_what_passed),
		driver_test(packets_without_a_free_descriptor_are_counted_as_missed),
		driver_test(statistics_stay_right_when_packets_are_missed_while_they_are_read),
		driver_test(each_queue_counts_its_packets),
		driver_test(a_new_session_counts_from_zero),
		driver_test(trouble_is_counted_where_it_is),
		driver_test(what_cannot_be_sent_is_not_counted_as_sent),
		driver_test(counters_are_read_before_they_are_full),
		driver_test(a_queue_that_does_not_exist_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
