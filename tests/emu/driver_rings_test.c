/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: packets through the rings, in all sizes and batches. */
#include "driver.h"

#define BATCH_MAX 256

static void receives_a_packet(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);

	(void)state;
	assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
	receive_one(dev, 0, 60, 0, 1);
	ixy_close(dev);
}

static void sends_a_packet(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 16, 2048), 0);
	send_one(dev, pool, 0, 0, 60, 1);
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 16);
	mempool_destroy(pool);
}

/* Receive @packets packets in batches of @batch; the card is @batch packets ahead. */
static void receive_many(struct ixy_device *dev, uint32_t packets, uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t put = 0, got = 0;

	while (got < packets) {
		for (uint32_t i = 0; i < batch && put < packets; i++, put++)
			assert_int_equal(wire_to(0, 60 + put % 1000, put), NIC_TAKEN);
		uint32_t n = receive_all(dev, bufs, batch);
		assert_int_equal(n, put - got);
		for (uint32_t i = 0; i < n; i++, got++)
			check_frame(bufs[i]->data, bufs[i]->size, 60 + got % 1000, 0, got);
		pkt_buf_free_batch(bufs, n);
	}
}

/* Send @packets packets in batches of @batch, checking each on the wire. */
static void send_many(struct ixy_device *dev, struct mempool *pool, uint32_t packets,
		      uint32_t batch)
{
	struct emu_card *card = &emu_cards[0];
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t sent = 0;

	for (uint32_t n; sent < packets; sent += n) {
		n = packets - sent < batch ? packets - sent : batch;
		for (uint32_t i = 0; i < n; i++)
			bufs[i] = packet(pool, 60 + (sent + i) % 1000, 0, sent + i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, n), n);
		emu_run(card);
		assert_int_equal(card->sent_count, n);
		for (uint32_t i = 0; i < n; i++)
			check_frame(card->sent[i].data, card->sent[i].length,
				    60 + (sent + i) % 1000, 0, sent + i);
		emu_drop_sent(card);
	}
}

static void rx_ring_wraps_without_losing_a_packet(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);

	(void)state;
	receive_many(dev, 64 * 20, 7);
	ixy_close(dev);
}

static void tx_ring_wraps_without_losing_a_packet(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 128, 2048), 0);
	send_many(dev, pool, 64 * 20, 7);
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 128);
	mempool_destroy(pool);
}

static void every_batch_size_works(void **state)
{
	static const uint32_t batches[] = { 1, 2, 3, 7, 8, 16, 31, 32, 63, 64, 100, 128, 255, 256 };
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 1024, 2048), 0);
	for (size_t i = 0; i < sizeof(batches) / sizeof(*batches); i++) {
		receive_many(dev, 600, batches[i]);
		send_many(dev, pool, 600, batches[i]);
	}
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 1024);
	mempool_destroy(pool);
}

static void batches_of_nothing_do_nothing(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct pkt_buf *buf;

	(void)state;
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 0), 0);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
	assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 0), 0);
	receive_one(dev, 0, 60, 0, 1);
	ixy_close(dev);
}

static void the_largest_rings_work(void **state)
{
	struct ixy_config config = { .rx_ring = 4096, .tx_ring = 4096 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[BATCH_MAX];
	struct mempool *pool;
	uint32_t got = 0, sent = 0;

	(void)state;
	assert_int_equal(mempool_create(&pool, 8192, 2048), 0);
	for (uint32_t lap = 0; lap < 3; lap++) {
		for (uint32_t i = 0; i < 4095; i++)
			assert_int_equal(wire_to(0, 60, lap * 4095 + i), NIC_TAKEN);
		assert_int_equal(wire_to(0, 60, 0), NIC_MISSED);
		for (uint32_t n; (n = ixy_rx_batch(dev, 0, bufs, BATCH_MAX));) {
			for (uint32_t i = 0; i < n; i++)
				check_frame(bufs[i]->data, bufs[i]->size, 60, 0, got++);
			pkt_buf_free_batch(bufs, n);
		}
		assert_int_equal(got, (lap + 1) * 4095);

		emu_cards[0].stalled = true;
		for (uint32_t i = 0; i < 4095; i++) {
			struct pkt_buf *buf = packet(pool, 60, 0, sent++);
			assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		}
		struct pkt_buf *buf = packet(pool, 60, 0, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 0);
		pkt_buf_free(buf);
		emu_cards[0].stalled = false;
		emu_run(&emu_cards[0]);
		assert_int_equal(emu_cards[0].sent_count, 4095);
		for (uint32_t i = 0; i < 4095; i++)
			check_frame(emu_cards[0].sent[i].data, emu_cards[0].sent[i].length, 60, 0,
				    lap * 4095 + i);
		emu_drop_sent(&emu_cards[0]);
	}
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 8192);
	mempool_destroy(pool);
}

static void a_full_tx_ring_takes_what_fits(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[200];
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 256, 2048), 0);
	for (uint32_t lap = 0; lap < 10; lap++) { /* the ring is full at another place each time */
		for (uint32_t i = 0; i < 200; i++)
			bufs[i] = packet(pool, 60, 0, i);
		emu_cards[0].stalled = true;
		uint32_t taken = ixy_tx_batch(dev, 0, bufs, 30);
		taken += ixy_tx_batch(dev, 0, bufs + 30, 170);
		assert_int_equal(taken, 63);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs + taken, 200 - taken), 0);
		pkt_buf_free_batch(bufs + taken, 200 - taken);
		emu_cards[0].stalled = false;
		emu_run(&emu_cards[0]);
		assert_int_equal(emu_cards[0].sent_count, 63);
		for (uint32_t i = 0; i < 63; i++)
			check_frame(emu_cards[0].sent[i].data, emu_cards[0].sent[i].length, 60, 0,
				    i);
		emu_drop_sent(&emu_cards[0]);
		assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
		assert_int_equal(mempool_free_count(pool), 256);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

/* Within a batch, and where the run of one call would grow by the next. */
static void each_pool_of_a_batch_gets_its_own_buffers_back(void **state)
{
	static const uint32_t calls[] = { 1, 5, 3, 12, 2 };
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64 };
	struct ixy_device *dev = open_card(0, &config);
	struct emu_card *card = &emu_cards[0];
	struct mempool *pools[2];
	struct pkt_buf *bufs[12];

	(void)state;
	assert_int_equal(mempool_create(&pools[0], 32, 2048), 0);
	assert_int_equal(mempool_create(&pools[1], 48, 2048), 0);
	for (uint32_t lap = 0; lap < 30; lap++) { /* at another place of the ring each time */
		uint32_t count = 0;
		card->stalled = true;
		for (uint32_t call = 0; call < 5; call++) {
			for (uint32_t i = 0; i < calls[call]; i++, count++)
				bufs[i] = packet(pools[lap % 2 ? count / 3 % 2 : call % 2], 60, 0,
						 count);
			assert_int_equal(ixy_tx_batch(dev, 0, bufs, calls[call]), calls[call]);
		}
		card->stalled = false;
		emu_run(card);
		assert_int_equal(card->sent_count, count);
		for (uint32_t i = 0; i < count; i++)
			check_frame(card->sent[i].data, card->sent[i].length, 60, 0, i);
		emu_drop_sent(card);
		ixy_tx_batch(dev, 0, NULL, 0);
		assert_int_equal(mempool_free_count(pools[0]), 32);
		assert_int_equal(mempool_free_count(pools[1]), 48);
	}
	ixy_close(dev);
	mempool_destroy(pools[0]);
	mempool_destroy(pools[1]);
}

static void jumbo_frames_pass_both_ways(void **state)
{
	struct ixy_config config = { .mtu = 9500 };
	struct ixy_device *dev = open_card(0, &config);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 64, 10240), 0);
	for (uint32_t length = 60; length <= 9500 + 14; length += length < 9400 ? 513 : 1) {
		assert_int_equal(wire_to(0, length, length), NIC_TAKEN);
		receive_one(dev, 0, length, 0, length);
		send_one(dev, pool, 0, 0, length, length);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void every_mtu_receives_its_longest_frame(void **state)
{
	static const uint32_t mtus[] = { 68,   100,  1000, 1500, 2034, 2035, 2048,
					 3054, 4000, 4096, 8000, 9000, 9500 };

	(void)state;
	for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
		struct ixy_config config = {
			.mtu = mtus[i], .rx_ring = 64, .tx_ring = 64, .buffers = 128
		};
		struct ixy_device *dev = open_card(0, &config);
		struct mempool *pool;
		assert_int_equal(mempool_create(&pool, 16, 10240), 0);
		assert_int_equal(wire_to(0, mtus[i] + 14, 1), NIC_TAKEN);
		receive_one(dev, 0, mtus[i] + 14, 0, 1);
		send_one(dev, pool, 0, 0, mtus[i] + 14, 2);
		ixy_close(dev);
		mempool_destroy(pool);
	}
}

static void a_frame_above_the_mtu_is_dropped_and_counted(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct ixy_stats stats;
	struct pkt_buf *buf;

	(void)state;
	assert_int_equal(wire_to(0, 9000, 1), NIC_FILTERED);
	assert_int_equal(wire_to(0, 2000, 1), NIC_FILTERED);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
	assert_int_equal(wire_to(0, 1514, 2), NIC_TAKEN);
	receive_one(dev, 0, 1514, 0, 2);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_errors, 2);
	assert_int_equal(stats.rx_packets, 1);
	ixy_close(dev);
}

static void short_frames_are_padded(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct emu_card *card = &emu_cards[0];
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 16, 2048), 0);
	for (uint32_t length = 17; length < 60; length++) {
		struct pkt_buf *buf = packet(pool, length, 0, length);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		emu_run(card);
		assert_int_equal(card->sent_count, 1);
		assert_int_equal(card->sent[0].length, 60);
		check_frame(card->sent[0].data, length, length, 0, length);
		for (uint32_t i = length; i < 60; i++)
			assert_int_equal(card->sent[0].data[i], 0);
		emu_drop_sent(card);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void frames_that_cannot_be_sent_are_dropped(void **state)
{
	static const uint32_t sizes[] = { 0, 1, 13, 16, 1519, 2048, UINT32_MAX };
	struct ixy_device *dev = open_card(0, NULL);
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 16, 2048), 0);
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		/* Alone, in front, in the middle, at the end of a batch. */
		for (uint32_t place = 0; place < 4; place++) {
			struct pkt_buf *bufs[3];
			for (uint32_t j = 0; j < 3; j++)
				bufs[j] = packet(pool, 60, 0, j);
			bufs[place % 3]->size = sizes[i];
			if (place == 3) {
				pkt_buf_free_batch(bufs + 1, 2);
				assert_int_equal(ixy_tx_batch(dev, 0, bufs, 1), 1);
			} else {
				assert_int_equal(ixy_tx_batch(dev, 0, bufs, 3), 3);
			}
			emu_run(&emu_cards[0]);
			assert_int_equal(emu_cards[0].sent_count, place == 3 ? 0 : 2);
			emu_drop_sent(&emu_cards[0]);
			ixy_tx_batch(dev, 0, NULL, 0);
			assert_int_equal(mempool_free_count(pool), 16);
		}
	}
	assert_int_equal(nic_account(emu_cards[0].nic)->tx_bad, 0);
	ixy_close(dev);
	mempool_destroy(pool);
}

static void a_packet_moved_within_its_buffer_is_sent_from_there(void **state)
{
	struct ixy_device *dev = open_card(0, NULL);
	struct emu_card *card = &emu_cards[0];
	struct mempool *pool;
	uint8_t expected[100];

	(void)state;
	assert_int_equal(mempool_create(&pool, 4, 2048), 0);
	struct pkt_buf *buf = packet(pool, 100, 0, 5);
	make_frame(expected, 100, 0, 5);
	assert_non_null(pkt_buf_pull(buf, 20));
	memset(pkt_buf_push(buf, 50), 0xAA, 50);
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	emu_run(card);
	assert_int_equal(card->sent[0].length, 130);
	assert_int_equal(card->sent[0].data[49], 0xAA);
	assert_memory_equal(card->sent[0].data + 50, expected + 20, 80);
	ixy_close(dev);
	mempool_destroy(pool);
}

static void while_the_pool_is_empty_frames_wait_in_the_ring(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *kept[128], *buf;
	struct ixy_stats stats;

	(void)state;
	for (uint32_t i = 0; i < 64; i++) { /* the ring keeps the other 64 */
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		assert_int_equal(ixy_rx_batch(dev, 0, kept + i, 1), 1);
		check_frame(kept[i]->data, kept[i]->size, 60, 0, i);
	}
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
	for (uint32_t i = 0; i < 20; i++) {
		assert_int_equal(wire_to(0, 60, 64 + i), NIC_TAKEN);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_no_buffer, 20);
	pkt_buf_free_batch(kept, 64);
	assert_int_equal(receive_all(dev, kept, 64), 20);
	for (uint32_t i = 0; i < 20; i++)
		check_frame(kept[i]->data, kept[i]->size, 60, 0, 64 + i);
	pkt_buf_free_batch(kept, 20);
	receive_many(dev, 300, 32);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_no_buffer, 20);
	assert_int_equal(stats.rx_errors + stats.rx_missed, 0);
	ixy_close(dev);
}

static void a_pool_that_runs_out_within_a_batch_gives_what_it_has(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *kept[256];
	uint32_t have = 0;

	(void)state;
	for (uint32_t i = 0; i < 50; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	assert_int_equal(receive_all(dev, kept, 64), 50);
	for (uint32_t i = 50; i < 100; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	have = 50 + receive_all(dev, kept + 50, 64);
	assert_int_equal(have, 64);
	for (uint32_t i = 0; i < have; i++)
		check_frame(kept[i]->data, kept[i]->size, 60, 0, i);
	pkt_buf_free_batch(kept, have);
	assert_int_equal(receive_all(dev, kept, 64), 100 - have);
	for (uint32_t i = have; i < 100; i++)
		check_frame(kept[i - have]->data, kept[i - have]->size, 60, 0, i);
	pkt_buf_free_batch(kept, 100 - have);
	receive_many(dev, 300, 32);
	ixy_close(dev);
}

/* Whatever the ring's end does to batches. */
static void a_call_that_returns_nothing_has_met_nothing(void **state)
{
	struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 256 };
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[64];

	(void)state;
	for (uint32_t i = 0, n; i < 1000; i += n) {
		for (n = 0; n < 1 + i % 31; n++)
			assert_int_equal(wire_to(0, 60, i + n), NIC_TAKEN);
		for (uint32_t got = 0, more; got < n; got += more) {
			more = ixy_rx_batch(dev, 0, bufs, 64);
			assert_true(more > 0);
			for (uint32_t k = 0; k < more; k++)
				check_frame(bufs[k]->data, bufs[k]->size, 60, 0, i + got + k);
			pkt_buf_free_batch(bufs, more);
		}
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 64), 0);
	}
	ixy_close(dev);
}

static void receive_queues_are_independent(void **state)
{
	struct ixy_config config = {
		.rx_queues = 70, .tx_queues = 1, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	struct ixy_device *dev = open_card(0, &config);
	struct pkt_buf *bufs[64];

	(void)state;
	for (uint32_t q = 0; q < 70; q++) {
		steer(q);
		for (uint32_t i = 0; i <= q % 50; i++)
			assert_int_equal(wire_to(0, 60, q * 100 + i), NIC_TAKEN);
	}
	for (uint16_t q = 70; q-- > 0;) {
		uint32_t n = ixy_rx_batch(dev, q, bufs, 64);
		assert_int_equal(n, q % 50u + 1);
		for (uint32_t i = 0; i < n; i++)
			check_frame(bufs[i]->data, bufs[i]->size, 60, 0, q * 100 + i);
		pkt_buf_free_batch(bufs, n);
	}
	/* A queue that is not served does not hold up the others. */
	steer(3);
	for (uint32_t i = 0; i < 100; i++)
		wire_to(0, 60, i);
	steer(5);
	for (uint32_t i = 0; i < 200; i++) {
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		receive_one(dev, 5, 60, 0, i);
	}
	ixy_close(dev);
}

static void send_queues_are_independent(void **state)
{
	struct ixy_config config = {
		.tx_queues = 64, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	struct ixy_device *dev = open_card(0, &config);
	struct emu_card *card = &emu_cards[0];
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 64 * 64, 2048), 0);
	for (uint32_t lap = 0; lap < 3; lap++) {
		card->stalled = true;
		for (uint16_t q = 0; q < 64; q++) {
			for (uint32_t i = 0; i < 50; i++) {
				struct pkt_buf *buf = packet(pool, 60, 0, q * 100u + i);
				assert_int_equal(ixy_tx_batch(dev, q, &buf, 1), 1);
			}
		}
		card->stalled = false;
		emu_run(card);
		assert_int_equal(card->sent_count, 64 * 50);
		uint32_t next[64] = { 0 };
		for (size_t i = 0; i < card->sent_count; i++) {
			uint32_t number;
			memcpy(&number, card->sent[i].data + 14, 4);
			assert_true(number / 100 < 64);
			assert_int_equal(number % 100,
					 next[number / 100]++); /* in order within a queue */
			check_frame(card->sent[i].data, card->sent[i].length, 60, 0, number);
		}
		emu_drop_sent(card);
		for (uint16_t q = 0; q < 64; q++)
			ixy_tx_batch(dev, q, NULL, 0);
		assert_int_equal(mempool_free_count(pool), 64 * 64);
	}
	ixy_close(dev);
	mempool_destroy(pool);
}

static void forwards_between_two_cards_without_a_copy(void **state)
{
	struct ixy_device *a = open_card(0, NULL), *b = open_card(1, NULL);
	struct pkt_buf *bufs[32];
	uint32_t seen = 0;

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		assert_int_equal(wire_to(0, 60 + i % 1400, i), NIC_TAKEN);
		if (i % 8 != 7)
			continue;
		uint32_t n = ixy_rx_batch(a, 0, bufs, 32);
		assert_int_equal(n, 8);
		assert_int_equal(ixy_tx_batch(b, 0, bufs, n), n);
		emu_run(&emu_cards[1]);
		for (size_t k = 0; k < emu_cards[1].sent_count; k++, seen++)
			check_frame(emu_cards[1].sent[k].data, emu_cards[1].sent[k].length,
				    60 + seen % 1400, 0, seen);
		emu_drop_sent(&emu_cards[1]);
	}
	assert_int_equal(seen, 5000);
	ixy_close(a);
	ixy_close(b);
}

static void mapped_doorbells_work_as_trapped_ones(void **state)
{
	struct mempool *pool;

	(void)state;
	emu_cards[0].map_doorbells = true;
	struct ixy_device *dev = open_card(0, NULL);
	assert_int_equal(mempool_create(&pool, 1024, 2048), 0);
	emu_forget(&emu_cards[0]);
	receive_many(dev, 3000, 32);
	send_many(dev, pool, 3000, 32);
	assert_int_equal(emu_cards[0].access_count, 0); /* the hot path has no other register */
	ixy_close(dev);
	mempool_destroy(pool);
}

/* An even distance in cache lines would leave some sets of a cache to others. */
static void buffers_are_an_odd_number_of_cache_lines_apart(void **state)
{
	(void)state;
	for (uint32_t size = 64; size <= 4096; size += 64) {
		struct mempool *pool;
		struct pkt_buf *bufs[2];
		assert_int_equal(mempool_create(&pool, 2, size), 0);
		assert_int_equal(pkt_buf_alloc_batch(pool, bufs, 2), 2);
		const ptrdiff_t apart = labs((uint8_t *)bufs[0] - (uint8_t *)bufs[1]);
		assert_int_equal(apart % 128, 64);
		assert_in_range(apart, 64 + PKT_BUF_HEADROOM + size,
				64 + PKT_BUF_HEADROOM + size + 64);
		pkt_buf_free_batch(bufs, 2);
		mempool_destroy(pool);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(buffers_are_an_odd_number_of_cache_lines_apart),
		driver_test(receives_a_packet),
		driver_test(sends_a_packet),
		driver_test(rx_ring_wraps_without_losing_a_packet),
		driver_test(tx_ring_wraps_without_losing_a_packet),
		driver_test(every_batch_size_works),
		driver_test(batches_of_nothing_do_nothing),
		driver_test(the_largest_rings_work),
		driver_test(a_full_tx_ring_takes_what_fits),
		driver_test(each_pool_of_a_batch_gets_its_own_buffers_back),
		driver_test(jumbo_frames_pass_both_ways),
		driver_test(every_mtu_receives_its_longest_frame),
		driver_test(a_frame_above_the_mtu_is_dropped_and_counted),
		driver_test(short_frames_are_padded),
		driver_test(frames_that_cannot_be_sent_are_dropped),
		driver_test(a_packet_moved_within_its_buffer_is_sent_from_there),
		driver_test(while_the_pool_is_empty_frames_wait_in_the_ring),
		driver_test(a_pool_that_runs_out_within_a_batch_gives_what_it_has),
		driver_test(a_call_that_returns_nothing_has_met_nothing),
		driver_test(receive_queues_are_independent),
		driver_test(send_queues_are_independent),
		driver_test(forwards_between_two_cards_without_a_copy),
		driver_test(mapped_doorbells_work_as_trapped_ones),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
