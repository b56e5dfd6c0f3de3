/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's send side: rings, reports, chains, padding, loopback, statistics, bad descriptors. */
#include "tests/unit/nic_card.h"

#define LEGACY(length) (TXD_IFCS | (uint64_t)(length))

static const struct sent *last_sent(void)
{
	assert_true(card.sent_count > 0);
	return &card.sent[(card.sent_count - 1) % SENT_MAX];
}

static void check_sent(const struct sent *sent, const uint8_t *frame, size_t length)
{
	assert_int_equal(sent->length, length);
	assert_memory_equal(sent->bytes, frame, length);
}

static void tx_ring_wraps_without_losing_a_packet(void **state)
{
	struct ring ring = tx_ring(0, 8);
	uint8_t frame[300];

	(void)state;
	for (uint32_t i = 0; i < 200; i++) {
		size_t length = 60 + i;

		frame_to(frame, card_mac, length, i);
		tx_send(&ring, frame, length, TXD_RS);
		assert_int_equal(card.sent_count, i + 1);
		check_sent(last_sent(), frame, length);
		assert_true(tx_done(&ring, i % 8));
		assert_int_equal(reg_peek(TDH(0)), (i + 1) % 8);
	}
	assert_int_equal(reg_read(GPTC), 200);
}

static void only_descriptors_that_asked_are_reported(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint64_t iova = take(64);

	(void)state;
	for (uint32_t i = 0; i < 15; i++)
		tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | (i % 5 == 3 ? TXD_RS : 0));
	tx_ring_doorbell(&ring);
	assert_int_equal(card_poll(LOTS), 15);
	for (uint32_t i = 0; i < 15; i++)
		assert_int_equal(tx_done(&ring, i), i % 5 == 3);
}

static void head_write_back_replaces_dd(void **state)
{
	struct ring ring = tx_ring(3, 16);
	uint64_t iova = take(64), head = take(64);

	(void)state;
	reg_write(TDWBAH(3), (uint32_t)(head >> 32));
	reg_write(TDWBAL(3), (uint32_t)head | TDWBAL_HEAD_WB_EN);
	memset(memory(head), 0xEE, 8);
	for (uint32_t i = 0; i < 5; i++)
		tx_put(&ring, iova, TX_DATA(60) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(memory(head)[0], 0xEE); /* not requested */
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | TXD_RS);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_memory_equal(memory(head), "\x06\x00\x00\x00\xEE", 5);
	assert_false(tx_done(&ring, 5));

	/* An unmapped address: the driver would never learn what the queue has sent. */
	reg_write(TDWBAH(3), (uint32_t)(UNMAPPED >> 32));
	for (uint32_t i = 0; i < 3; i++) {
		tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | TXD_RS);
		tx_ring_doorbell(&ring);
		card_poll(LOTS);
	}
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);
	assert_int_equal(card.sent_count, 7);
	assert_true(reg_read(EICR) & EICR_PCI);
}

/* A queue whose ring is elsewhere than tx_ring() has put it. */
static void move_ring(uint32_t queue, uint64_t iova, uint32_t size)
{
	reg_write(TXDCTL(queue), 0);
	card_poll(LOTS);
	reg_write(TDBAL(queue), (uint32_t)iova);
	reg_write(TDBAH(queue), (uint32_t)(iova >> 32));
	reg_write(TDLEN(queue), size * (uint32_t)sizeof(struct nic_desc));
	reg_write(TDH(queue), 0);
	reg_write(TDT(queue), 0);
	reg_write(TXDCTL(queue), TXDCTL_ENABLE);
}

static void ring_out_of_reach_stops_the_queue(void **state)
{
	static const uint64_t bad[] = { UNMAPPED, READ_ONLY };
	struct ring ring = tx_ring(0, 16), other = tx_ring(1, 16);
	uint8_t frame[60];

	(void)state;
	frame_to(frame, card_mac, 60, 1);
	for (uint32_t i = 0; i < 2; i++) {
		move_ring(0, bad[i], 16);
		reg_poke(TDT(0), 4);
		for (uint32_t j = 0; j < 5; j++)
			tx_send(&other, frame, 60, TXD_RS); /* others go on */
		assert_int_equal(card.sent_count, 5 * (i + 1));
		assert_int_equal(nic_account(card.nic)->dma_faults, i + 1);
		assert_int_equal(nic_account(card.nic)->last_fault, bad[i]);
		assert_true(reg_read(EICR) & EICR_PCI);
	}
	move_ring(0, ring.iova, 16);
	tx_send(&ring, frame, 60, TXD_RS);
	assert_true(tx_done(&ring, 0));
	assert_int_equal(nic_account(card.nic)->tx_bad, 0);
}

/* What comes before the descriptors that are out of reach is sent. */
static void packet_half_out_of_reach_stops_the_queue(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint64_t iova = take(60);

	(void)state;
	ring.iova = WINDOW_B + WINDOW_SIZE - 8 * sizeof(struct nic_desc);
	ring.desc = (struct nic_desc *)memory(ring.iova);
	move_ring(0, ring.iova, 16);
	for (uint32_t i = 0; i < 6; i++)
		tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | TXD_RS);
	tx_put(&ring, iova, TX_PART(30, 120));
	tx_put(&ring, iova, TX_PART(30, 120));
	reg_poke(TDT(0), 10);
	for (uint32_t i = 0; i < 5; i++)
		card_poll(LOTS);
	assert_int_equal(card.sent_count, 6);
	assert_true(tx_done(&ring, 5));
	assert_int_equal(reg_peek(TDH(0)), 6);
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);
	assert_int_equal(nic_account(card.nic)->last_fault, WINDOW_B + WINDOW_SIZE);
}

static void without_bus_mastering_the_queue_waits(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint8_t frame[60];

	(void)state;
	frame_to(frame, card_mac, 60, 1);
	bus_master(false);
	for (uint32_t i = 0; i < 3; i++)
		tx_send(&ring, frame, 60, TXD_RS);
	assert_int_equal(card.sent_count, 0);
	bus_master(true);
	card_poll(LOTS);
	assert_int_equal(card.sent_count, 3);
	assert_true(tx_done(&ring, 2));
	assert_int_equal(nic_account(card.nic)->dma_faults, 0);
	assert_false(reg_read(EICR) & EICR_PCI);
}

static void budget_limits_a_poll_and_queues_take_turns(void **state)
{
	struct ring a = tx_ring(5, 256), b = tx_ring(90, 256);
	uint64_t iova = take(128);
	uint32_t of_a = 0;

	(void)state;
	memory(iova)[14] = 'a';
	memory(iova + 64)[14] = 'b';
	for (uint32_t i = 0; i < 200; i++) {
		tx_put(&a, iova, TX_DATA(60) | TXD_EOP);
		tx_put(&b, iova + 64, TX_DATA(60) | TXD_EOP);
	}
	tx_ring_doorbell(&a);
	tx_ring_doorbell(&b);
	assert_int_equal(card_poll(10), 10);
	assert_int_equal(card.sent_count, 10);
	assert_int_equal(card_poll(190), 190);
	assert_int_equal(card.sent_count, 200);
	for (uint32_t i = 0; i < 200; i++)
		of_a += card.sent[i].bytes[14] == 'a';
	assert_in_range(of_a, 60, 140);
	assert_int_equal(card_poll(LOTS), 200);
	assert_int_equal(card_poll(LOTS), 0);
}

static void short_frames_are_padded_with_zeros(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint8_t frame[60] = { 0 };

	(void)state;
	/* Something long before: its bytes must not leak. */
	memset(frame, 0xAA, 60);
	tx_send(&ring, frame, 60, TXD_VLE);
	memset(frame, 0, 60);
	frame_to(frame, card_mac, 17, 1);
	tx_send(&ring, frame, 17, 0);
	check_sent(last_sent(), frame, 60);
	reg_clear(HLREG0, HLREG0_TXPADEN);
	tx_send(&ring, frame, 17, 0);
	check_sent(last_sent(), frame, 17);
	tx_send(&ring, frame, 13, 0);
	assert_int_equal(card.sent_count, 3);
	assert_int_equal(nic_account(card.nic)->tx_bad, 1);
}

static void chains_become_one_frame(void **state)
{
	struct ring ring = tx_ring(0, 64);
	uint64_t iova = take(16384);
	uint8_t frame[9000];
	uint32_t at = 0;

	(void)state;
	frame_to(frame, card_mac, sizeof(frame), 3);
	memcpy(memory(iova), frame, sizeof(frame));
	for (uint32_t round = 0; round < 20; round++) {
		uint32_t parts = round * 2 % 39 + 1;
		uint32_t size = sizeof(frame) / parts, first = ring.tail;

		at = 0;
		for (uint32_t i = 0; i < parts; i++) {
			uint32_t part = i + 1 < parts ? size : (uint32_t)sizeof(frame) - at;

			tx_put(&ring, iova + at,
			       TX_PART(part, sizeof(frame)) |
				       (i + 1 < parts ? 0 : TXD_EOP | TXD_RS));
			at += part;
		}
		tx_ring_doorbell(&ring);
		assert_int_equal(card_poll(LOTS), 1);
		check_sent(last_sent(), frame, sizeof(frame));
		for (uint32_t i = 0; i < parts; i++)
			assert_int_equal(tx_done(&ring, (first + i) % 64), i + 1 == parts);
	}
	assert_int_equal(nic_account(card.nic)->tx_bad, 0);
}

static void chain_waits_for_its_end(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint64_t iova = take(128);

	(void)state;
	tx_put(&ring, iova, TX_PART(50, 100));
	tx_ring_doorbell(&ring);
	assert_int_equal(card_poll(LOTS), 0);
	assert_int_equal(reg_peek(TDH(0)), 0);
	tx_put(&ring, iova + 50, TX_PART(50, 100) | TXD_EOP);
	tx_ring_doorbell(&ring);
	assert_int_equal(card_poll(LOTS), 1);
	assert_int_equal(last_sent()->length, 100);
}

static void buffer_may_cross_windows(void **state)
{
	struct ring ring = tx_ring(0, 8);
	uint8_t frame[1000];

	(void)state;
	frame_to(frame, card_mac, 1000, 1);
	memcpy(memory(WINDOW_B - 100), frame, 100);
	memcpy(memory(WINDOW_B), frame + 100, 900);
	tx_put(&ring, WINDOW_B - 100, TX_DATA(1000) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	check_sent(last_sent(), frame, 1000);
	assert_int_equal(nic_account(card.nic)->dma_faults, 0);
	/* Sending from memory that the card must not write to is fine. */
	memcpy(memory(READ_ONLY + 64), frame, 100);
	tx_put(&ring, READ_ONLY + 64, TX_DATA(100) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	check_sent(last_sent(), frame, 100);
}

static void drivers_own_crc_is_taken_off_and_checked(void **state)
{
	struct ring ring = tx_ring(0, 8);
	uint8_t frame[104];
	uint32_t crc;
	uint64_t iova = take(128);

	(void)state;
	frame_to(frame, card_mac, 100, 1);
	crc = slow_crc(0xEDB88320, frame, 100);
	memcpy(frame + 100, &crc, 4);
	memcpy(memory(iova), frame, 104);
	tx_put(&ring, iova, (TX_DATA(104) & ~TXD_IFCS) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	check_sent(last_sent(), frame, 100);
	memory(iova)[50]++;
	tx_put(&ring, iova, (TX_DATA(104) & ~TXD_IFCS) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(card.sent_count, 1);
	assert_int_equal(nic_account(card.nic)->tx_bad, 1);
}

static void legacy_descriptors_work(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint64_t iova = take(256);
	uint8_t frame[100];

	(void)state;
	frame_to(frame, card_mac, 100, 1);
	memcpy(memory(iova), frame, 100);
	tx_put(&ring, iova, LEGACY(40));
	tx_put(&ring, iova + 40, LEGACY(60) | TXD_EOP | TXD_RS);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	check_sent(last_sent(), frame, 100);
	assert_true(tx_done(&ring, 1));

	/* A tag: 7.2.5.2. */
	tx_put(&ring, iova, LEGACY(100) | TXD_EOP | TXD_VLE | 0x6123ull << 48);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(last_sent()->length, 104);
	assert_memory_equal(last_sent()->bytes, frame, 12);
	assert_memory_equal(last_sent()->bytes + 12, "\x81\x00\x61\x23", 4);
	assert_memory_equal(last_sent()->bytes + 16, frame + 12, 88);

	/* A checksum over bytes 34 to the end, at 50. */
	memory(iova)[50] = memory(iova)[51] = 0;
	tx_put(&ring, iova, LEGACY(100) | TXD_EOP | TXD_IC | 50 << 16 | 34ull << 40);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(slow_sum(last_sent()->bytes + 34, 66, 0), 0xFFFF);
	tx_put(&ring, iova, LEGACY(100) | TXD_EOP | TXD_IC | 99 << 16 | 34ull << 40);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(nic_account(card.nic)->tx_bad, 1);
}

static void all_queues_send(void **state)
{
	static struct ring rings[NIC_QUEUES];
	uint64_t iova = take(NIC_QUEUES * 64);

	(void)state;
	for (uint32_t i = 0; i < NIC_QUEUES; i++) {
		rings[i] = tx_ring(i, 8);
		memory(iova + i * 64)[20] = (uint8_t)i;
		reg_write(TQSM(i / 4), 0x01010101u * (i / 4 % 16));
	}
	for (uint32_t round = 0; round < 20; round++) {
		uint8_t seen[NIC_QUEUES] = { 0 };

		for (uint32_t i = 0; i < NIC_QUEUES; i++) {
			tx_put(&rings[i], iova + i * 64, TX_DATA(60) | TXD_EOP | TXD_RS);
			tx_ring_doorbell(&rings[i]);
		}
		assert_int_equal(card_poll(LOTS), NIC_QUEUES);
		for (uint32_t i = 0; i < NIC_QUEUES; i++) {
			seen[card.sent[round * NIC_QUEUES + i].bytes[20]]++;
			assert_true(tx_done(&rings[i], round % 8));
		}
		for (uint32_t i = 0; i < NIC_QUEUES; i++)
			assert_int_equal(seen[i], 1);
	}
	for (uint32_t i = 0; i < 16; i++)
		assert_int_equal(reg_read(QPTC(i)), 8 * 20);
}

static void loopback_brings_frames_back(void **state)
{
	struct ring tx = tx_ring(0, 64), rx = rx_ring(0, 64, ADVANCED);
	uint8_t frame[1514];

	(void)state;
	rx_post(&rx, 63);
	reg_set(HLREG0, HLREG0_LPBK);
	for (uint32_t i = 0; i < 40; i++) {
		frame_to(frame, card_mac, 60 + i * 30, i);
		tx_send(&tx, frame, 60 + i * 30, 0);
		card_poll(LOTS);
		assert_int_equal(rx_length(&rx, i), 60 + i * 30);
		check_memory(rx_buffer(&rx, i), 0, 60 + i * 30, 60 + i * 30, i);
	}
	assert_int_equal(card.sent_count, 0);
	assert_int_equal(arrive(60, 0), NIC_DOWN);
	/* From a buffer onto itself. */
	memory(rx_buffer(&rx, 40))[6]++;
	tx_put(&tx, rx_buffer(&rx, 40) + 1, TX_DATA(1000) | TXD_EOP);
	memcpy(memory(rx_buffer(&rx, 40)) + 1, card_mac, 6);
	tx_ring_doorbell(&tx);
	card_poll(LOTS);
	card_poll(LOTS);
	assert_int_equal(rx_length(&rx, 40), 1000);
	assert_memory_equal(memory(rx_buffer(&rx, 40)), card_mac, 6);
}

static void statistics_add_up(void **state)
{
	static const size_t lengths[] = { 60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514 };
	static const uint32_t registers[] = { PTC64, PTC127, PTC255, PTC511, PTC1023, PTC1522 };
	static const uint32_t expected[] = { 1, 2, 2, 2, 2, 2 };
	struct ring ring = tx_ring(0, 32);
	uint8_t frame[1514];
	uint64_t bytes = 0;

	(void)state;
	for (uint32_t i = 0; i < 11; i++) {
		frame_to(frame, card_mac, lengths[i], i);
		tx_send(&ring, frame, lengths[i], 0);
		bytes += lengths[i];
	}
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(reg_read(registers[i]), expected[i]);
	assert_int_equal(reg_read(GPTC), 11);
	assert_int_equal(reg_read(TPT), 11);
	assert_int_equal(reg_read(GOTCL), bytes + 11 * 4);
	assert_int_equal(reg_read(QPTC(0)), 11);
	assert_int_equal(reg_read(QBTCL(0)), bytes);
	assert_int_equal(nic_account(card.nic)->tx_bytes, bytes);
	memset(frame, 0xFF, 6);
	tx_send(&ring, frame, 60, 0);
	frame[1] = 0;
	tx_send(&ring, frame, 60, 0);
	tx_send(&ring, frame, 60, 0);
	assert_int_equal(reg_read(BPTC), 1);
	assert_int_equal(reg_read(MPTC), 2);
	assert_int_equal(nic_account(card.nic)->tx_frames, 14);
}

static void bad_descriptors_are_counted_and_harmless(void **state)
{
	struct ring ring = tx_ring(0, 64);
	uint64_t iova = take(16384);
	const struct nic_account *account = nic_account(card.nic);
	static const struct {
		uint64_t hi;
		bool fault;
	} bad[] = {
		{ TX_DATA(0) | TXD_EOP, false },
		{ TX_DATA(13) | TXD_EOP, false },
		{ TX_DATA(NIC_FRAME_MAX + 1) | TXD_EOP, false },
		{ TX_DATA(0xFFFF) | TXD_EOP, false },
		{ TX_PART(60, 61) | TXD_EOP, false }, /* PAYLEN is wrong */
		{ (TX_DATA(60) & ~TXD_DTYP) | TXD_EOP, false },
		{ TX_DATA(60) | TXD_DTYP | TXD_EOP, false },
		{ TX_DATA(60) | TXD_EOP | TXD_TSE, false }, /* without a context that makes sense */
		{ TX_DATA(60) | TXD_EOP | TXD_IXSM | TXD_TXSM | 1ull << 36, false },
		{ TX_DATA(60) | TXD_EOP, true },
		{ TX_DATA(100) | TXD_EOP | TXD_VLE, true },
	};
	uint64_t expected_bad = 0, expected_faults = 0;

	(void)state;
	tx_put(&ring, 14 << 9 | 20, TXD_DEXT | TXD_DTYP_CTXT);
	tx_put(&ring, 127ull << 9 | 511, TXD_DEXT | TXD_DTYP_CTXT | 1 << 10 | 1ull << 36);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		tx_put(&ring, bad[i].fault ? UNMAPPED : iova, bad[i].hi | TXD_RS);
		tx_ring_doorbell(&ring);
		card_poll(LOTS);
		assert_int_equal(card.sent_count, 0);
		assert_true(tx_done(&ring, ring.tail - 1));
		expected_bad += !bad[i].fault;
		expected_faults += bad[i].fault;
		assert_int_equal(account->tx_bad, expected_bad);
		assert_int_equal(account->dma_faults, expected_faults);
	}
	assert_int_equal(account->last_fault, UNMAPPED);
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP);
	tx_ring_doorbell(&ring);
	assert_int_equal(card_poll(LOTS), 1);
}

static void endless_chains_are_dropped(void **state)
{
	struct ring ring = tx_ring(0, 128), small = tx_ring(1, 8);
	uint64_t iova = take(64);

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		tx_put(&ring, iova, TX_PART(60, 6000));
	tx_put(&ring, iova, TX_PART(60, 6000) | TXD_EOP);
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP);
	tx_ring_doorbell(&ring);
	for (uint32_t i = 0; i < 20; i++)
		card_poll(LOTS);
	assert_int_equal(card.sent_count, 1);
	assert_int_equal(nic_account(card.nic)->tx_bad, 1);

	/* A ring that is full of one beginning. */
	for (uint32_t i = 0; i < 7; i++)
		tx_put(&small, iova, TX_PART(60, 6000));
	tx_ring_doorbell(&small);
	card_poll(LOTS);
	assert_int_equal(nic_account(card.nic)->tx_bad, 2);
	assert_int_equal(reg_peek(TDH(1)), 7);
}

static void tail_outside_the_ring_stops_the_queue(void **state)
{
	struct ring ring = tx_ring(0, 8);
	uint64_t iova = take(64);

	(void)state;
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP);
	reg_poke(TDT(0), 8);
	assert_int_equal(card_poll(LOTS), 0);
	reg_poke(TDT(0), UINT32_MAX);
	assert_int_equal(card_poll(LOTS), 0);
	reg_poke(TDT(0), 1);
	assert_int_equal(card_poll(LOTS), 0);
	assert_int_equal(nic_account(card.nic)->tx_bad, 1);
	reg_write(TXDCTL(0), 0);
	card_poll(LOTS);
	reg_write(TXDCTL(0), TXDCTL_ENABLE);
	assert_int_equal(card_poll(LOTS), 1);
}

static void disabled_queue_is_left_alone(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint64_t iova = take(64);

	(void)state;
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | TXD_RS);
	tx_ring_doorbell(&ring);
	reg_poke(TXDCTL(0), 0);
	assert_int_equal(card_poll(LOTS), 0);
	assert_false(tx_done(&ring, 0));
	/* Nor without a transmitter, nor without a link: the frame waits. */
	reg_clear(DMATXCTL, DMATXCTL_TE);
	reg_poke(TXDCTL(0), TXDCTL_ENABLE);
	assert_int_equal(card_poll(LOTS), 0);
	reg_set(DMATXCTL, DMATXCTL_TE);
	assert_int_equal(card_poll(LOTS), 1);
	assert_true(tx_done(&ring, 0));
}

static void enable_in_a_mapped_page_is_noticed(void **state)
{
	struct ring ring = tx_ring(77, 16);
	uint64_t iova = take(64);

	(void)state;
	reg_write(TXDCTL(77), 0);
	card_poll(LOTS);
	reg_poke(TXDCTL(77), TXDCTL_ENABLE);
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP | TXD_RS);
	tx_ring_doorbell(&ring);
	for (uint32_t i = 0; i < 10; i++)
		card_poll(LOTS);
	assert_int_equal(card.sent_count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(tx_ring_wraps_without_losing_a_packet),
		card_test(only_descriptors_that_asked_are_reported),
		card_test(head_write_back_replaces_dd),
		card_test(budget_limits_a_poll_and_queues_take_turns),
		card_test(short_frames_are_padded_with_zeros),
		card_test(chains_become_one_frame),
		card_test(chain_waits_for_its_end),
		card_test(buffer_may_cross_windows),
		card_test(drivers_own_crc_is_taken_off_and_checked),
		card_test(legacy_descriptors_work),
		card_test(all_queues_send),
		card_test(loopback_brings_frames_back),
		card_test(statistics_add_up),
		card_test(bad_descriptors_are_counted_and_harmless),
		card_test(endless_chains_are_dropped),
		card_test(tail_outside_the_ring_stops_the_queue),
		card_test(ring_out_of_reach_stops_the_queue),
		card_test(packet_half_out_of_reach_stops_the_queue),
		card_test(without_bus_mastering_the_queue_waits),
		card_test(disabled_queue_is_left_alone),
		card_test(enable_in_a_mapped_page_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
