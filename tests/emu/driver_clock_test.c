/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: the card's clock, and when packets came and went. */
#include "driver.h"

#include <ixy/offload.h>

#include "ip_packet.h"

static struct emu_card *const wire = &emu_cards[0];

static struct ixy_device *open_timed(void)
{
	struct ixy_config config = { .rx_ring = 64,
				     .tx_ring = 64,
				     .buffers = 128,
				     .promiscuous = true,
				     .timestamps = true,
				     .tx_offload = true };

	return open_card(0, &config);
}

static uint64_t read_clock(struct ixy_device *dev)
{
	uint64_t ns;

	assert_int_equal(ixy_read_clock(dev, &ns), 0);
	return ns;
}

static void the_clock_counts_nanoseconds(void **state)
{
	struct ixy_device *dev = open_timed();
	uint64_t start = read_clock(dev);

	(void)state;
	assert_true(start < 5000000000); /* since the card was opened: it waited for its link */
	for (uint64_t i = 1; i <= 100; i++) {
		emu_sleep(10000);
		uint64_t passed = read_clock(dev) - start;
		assert_true(passed >= i * 10000000 && passed < i * 10000000 + i * 10000);
	}
	ixy_close(dev);
}

/* SYSTIM is full after 39 hours, and begins at 0. */
static void the_clock_goes_on_when_its_counter_is_full(void **state)
{
	struct ixy_device *dev = open_timed();
	const uint64_t hours_39 = 1ull << 47;
	uint64_t last = read_clock(dev);

	(void)state;
	for (uint64_t i = 1; i < 20; i++) {
		nic_write(wire->nic, 0, SYSTIML, 4, 0);
		nic_write(wire->nic, 0, SYSTIMH, 4, (uint32_t)i << 30); /* a quarter */
		uint64_t ns = read_clock(dev);
		assert_true(ns > last);
		assert_true(ns / (hours_39 / 4) == i);
		last = ns;
	}
	ixy_close(dev);
}

/* A Sync message of PTP version 2. */
static size_t sync_message(uint8_t frame[IP_PACKET_MAX], uint32_t number)
{
	make_frame(frame, 60, 0, number);
	memcpy(frame + 12, "\x88\xF7\x00\x02", 4);
	return 60;
}

static void messages_of_ptp_have_the_time_of_their_arrival(void **state)
{
	struct ixy_device *dev = open_timed();
	struct pkt_buf *bufs[4];
	uint8_t frame[IP_PACKET_MAX];
	uint64_t ns;

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		uint64_t before = read_clock(dev);
		assert_int_equal(emu_receive(wire, frame, sync_message(frame, i)), NIC_TAKEN);
		uint64_t after = read_clock(dev);
		emu_sleep(500);
		wire_to(0, 60, i); /* this one is not such a message */
		assert_int_equal(receive_all(dev, bufs, 4), 2);
		assert_true(ixy_rx_time(bufs[0], &ns));
		assert_true(ns >= before && ns <= after);
		assert_false(ixy_rx_time(bufs[1], &ns));
		pkt_buf_free_batch(bufs, 2);
	}
	ixy_close(dev);
}

/* The card has one stamp at a time: the second of two has none, and the next has its own. */
static void the_second_of_two_has_no_time(void **state)
{
	struct ixy_device *dev = open_timed();
	struct pkt_buf *bufs[4];
	uint8_t frame[IP_PACKET_MAX];
	uint64_t first, second;

	(void)state;
	for (uint32_t i = 0; i < 3; i++) {
		emu_receive(wire, frame, sync_message(frame, i));
		emu_receive(wire, frame, sync_message(frame, i));
		assert_int_equal(receive_all(dev, bufs, 4), 2);
		assert_true(ixy_rx_time(bufs[0], &first));
		assert_false(ixy_rx_time(bufs[1], &second));
		pkt_buf_free_batch(bufs, 2);
	}
	ixy_close(dev);
}

/* The message stays in the ring while the pool is empty; so does its time. */
static void an_empty_pool_loses_no_time(void **state)
{
	struct ixy_device *dev = open_timed();
	struct pkt_buf *kept[128], *bufs[2];
	uint8_t frame[IP_PACKET_MAX];
	uint64_t ns;

	(void)state;
	wire_to(0, 60, 1);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 1), 1);
	uint32_t have = pkt_buf_alloc_batch(bufs[0]->pool, kept, 128);
	emu_receive(wire, frame, sync_message(frame, 1));
	assert_int_equal(ixy_rx_batch(dev, 0, bufs + 1, 1), 0);
	pkt_buf_free_batch(kept, have);
	assert_int_equal(receive_all(dev, bufs + 1, 1), 1);
	assert_true(ixy_rx_time(bufs[1], &ns));
	pkt_buf_free_batch(bufs, 2);
	ixy_close(dev);
}

static void the_time_of_departure_is_told_once(void **state)
{
	static const struct ixy_tx_offload timed = { .flags = IXY_TX_TIME }, plain;
	struct ixy_device *dev = open_timed();
	struct mempool *pool;
	uint64_t ns;

	(void)state;
	assert_int_equal(mempool_create(&pool, 64, 2048), 0);
	for (uint32_t i = 0; i < 100; i++) {
		struct pkt_buf *bufs[] = { packet(pool, 60, 0, i), packet(pool, 60, 0, i) };
		const struct ixy_tx_offload offloads[] = { plain, timed };
		assert_int_equal(ixy_tx_time(dev, &ns), -EAGAIN);
		uint64_t before = read_clock(dev);
		assert_int_equal(ixy_tx_offload_batch(dev, 0, bufs, offloads, 1 + i % 2),
				 1 + i % 2);
		if (!(i % 2))
			pkt_buf_free(bufs[1]);
		emu_run(wire);
		uint64_t after = read_clock(dev);
		assert_int_equal(ixy_tx_time(dev, &ns), i % 2 ? 0 : -EAGAIN);
		if (i % 2)
			assert_true(ns >= before && ns <= after);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void without_timestamps_there_is_no_clock(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	uint64_t ns;

	(void)state;
	assert_int_equal(ixy_read_clock(dev, &ns), -ENOTSUP);
	assert_int_equal(ixy_tx_time(dev, &ns), -ENOTSUP);
	assert_non_null(strstr(driver_log, "config.timestamps was not set"));
	ixy_close(dev);
}

static void tags_are_taken_out(void **state)
{
	struct ixy_config config = { .promiscuous = true, .vlan_strip = true, .rx_queues = 2 };
	struct ixy_device *dev = open_card(0, &config);
	struct ip_packet p = ip_flow(1, 4, IPPROTO_TCP);
	uint8_t frame[IP_PACKET_MAX], tagged[IP_PACKET_MAX + 4];
	size_t length = ip_packet(frame, &p);
	uint16_t plain = ip_queue(dev, &p, NULL);
	struct pkt_buf *buf;

	(void)state;
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\xB1\x23", 4);
	memcpy(tagged + 16, frame + 12, length - 12);
	assert_int_equal(emu_receive(wire, tagged, length + 4), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, plain, &buf, 1), 1);
	assert_true(ixy_rx_vlan(buf));
	assert_int_equal(ixy_rx_vlan_tag(buf), 0xB123);
	assert_int_equal(buf->size, length);
	assert_memory_equal(buf->data, frame, length);
	pkt_buf_free(buf);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(the_clock_counts_nanoseconds),
		driver_test(the_clock_goes_on_when_its_counter_is_full),
		driver_test(messages_of_ptp_have_the_time_of_their_arrival),
		driver_test(the_second_of_two_has_no_time),
		driver_test(an_empty_pool_loses_no_time),
		driver_test(the_time_of_departure_is_told_once),
		driver_test(without_timestamps_there_is_no_clock),
		driver_test(tags_are_taken_out),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
