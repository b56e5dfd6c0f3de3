/* SPDX-License-Identifier: BSD-2-Clause */
/* The card's receive side: rings, write-backs, statistics, bad rings. */
#include "tests/unit/nic_card.h"

#define LEGACY 2 /* SRRCTL: legacy descriptors, 2 KB */

static void rx_ring_wraps_without_losing_a_packet(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	rx_post(&ring, 7);
	for (uint32_t i = 0; i < 100; i++) {
		uint32_t at = i % 8;

		assert_int_equal(arrive(60 + i, i), NIC_TAKEN);
		card_poll(LOTS);
		assert_int_equal(rx_status(&ring, at) & 0x3, RXD_DD | RXD_EOP);
		assert_int_equal(rx_length(&ring, at), 60 + i);
		check_memory(rx_buffer(&ring, at), 0, 60 + i, 60 + i, i);
		assert_int_equal(reg_peek(RDH(0)), (i + 1) % 8);
		rx_post(&ring, 1);
	}
	assert_int_equal(reg_read(GPRC), 100);
	assert_int_equal(nic_account(card.nic)->rx_frames, 100);
}

static void write_back_comes_with_the_line_or_the_poll(void **state)
{
	struct ring ring = rx_ring(0, 16, ADVANCED);

	(void)state;
	rx_post(&ring, 15);
	for (uint32_t i = 0; i < 6; i++)
		arrive(60, i);
	for (uint32_t i = 0; i < 4; i++)
		assert_true(rx_status(&ring, i) & RXD_DD);
	assert_int_equal(rx_status(&ring, 4), 0);
	assert_int_equal(card_poll(LOTS), 6);
	assert_true(rx_status(&ring, 5) & RXD_DD);
	assert_int_equal(rx_status(&ring, 6), 0);
	assert_int_equal(card_poll(LOTS), 0);
}

static void frame_longer_than_a_buffer_fills_several(void **state)
{
	struct ring ring = rx_ring(0, 16, 1u << 25 | 1); /* buffers of 1 KB */

	(void)state;
	reg_set(HLREG0, HLREG0_JUMBOEN);
	reg_write(MAXFRS, 9728u << 16);
	for (uint32_t round = 0; round < 5; round++) {
		uint32_t first = round * 10 % 16;

		rx_post(&ring, round ? 10 : 15);
		assert_int_equal(arrive(9724, round), NIC_TAKEN);
		card_poll(LOTS);
		for (uint32_t i = 0; i < 10; i++) {
			uint32_t at = (first + i) % 16;
			uint32_t size = i < 9 ? 1024 : 9724 - 9 * 1024;

			assert_int_equal(rx_length(&ring, at), size);
			assert_int_equal(rx_status(&ring, at) & 3,
					 i < 9 ? RXD_DD : RXD_DD | RXD_EOP);
			check_memory(rx_buffer(&ring, at), i * 1024, size, 9724, round);
		}
	}
	/* Half a packet is not begun. */
	assert_int_equal(arrive(9724, 9), NIC_MISSED);
	assert_int_equal(arrive(60, 10), NIC_TAKEN);
}

static void buffer_may_cross_windows(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	rx_post_at(&ring, WINDOW_B - 100);
	assert_int_equal(arrive(1000, 5), NIC_TAKEN);
	card_poll(LOTS);
	check_memory(WINDOW_B - 100, 0, 100, 1000, 5);
	check_memory(WINDOW_B, 100, 900, 1000, 5);
	assert_int_equal(nic_account(card.nic)->dma_faults, 0);
}

static void crc_is_kept_when_stripping_is_off(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);
	uint8_t frame[64];
	uint32_t crc;

	(void)state;
	rx_post(&ring, 7);
	arrive(60, 1);
	reg_clear(HLREG0, HLREG0_RXCRCSTRP);
	arrive(60, 1);
	card_poll(LOTS);
	assert_int_equal(rx_length(&ring, 0), 60);
	assert_int_equal(rx_length(&ring, 1), 64);
	frame_to(frame, card_mac, 60, 1);
	crc = slow_crc(0xEDB88320, frame, 60);
	memcpy(frame + 60, &crc, 4);
	assert_memory_equal(memory(rx_buffer(&ring, 1)), frame, 64);
}

static void without_a_descriptor_frames_are_missed(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	rx_post(&ring, 2);
	assert_int_equal(arrive(60, 1), NIC_TAKEN);
	assert_int_equal(arrive(60, 2), NIC_TAKEN);
	assert_int_equal(arrive(60, 3), NIC_MISSED);
	/* What there is becomes visible at once: the driver is needed. */
	assert_true(rx_status(&ring, 1) & RXD_DD);
	card_poll(LOTS);
	assert_int_equal(reg_read(MPC(0)), 2);
	assert_int_equal(nic_account(card.nic)->rx_missed, 2);
	assert_int_equal(nic_account(card.nic)->rx_frames, 2);

	/* A tail that moves during a burst counts. */
	rx_post(&ring, 1);
	assert_int_equal(arrive(60, 4), NIC_TAKEN);
}

static void dropping_queue_counts_by_itself(void **state)
{
	(void)state;
	rx_ring(0, 8, ADVANCED | SRRCTL_DROP_EN);
	reg_write(RQSMR(0), 5);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	card_poll(LOTS);
	assert_int_equal(reg_read(MPC(0)), 0);
	assert_int_equal(reg_peek(QPRDC(5)), 1);
}

static void try_says_busy_and_counts_nothing(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);
	uint8_t frame[9000];

	(void)state;
	frame_to(frame, card_mac, sizeof(frame), 0);
	assert_int_equal(nic_receive(card.nic, frame, 60, NIC_TRY), NIC_BUSY);
	card_poll(LOTS);
	assert_int_equal(reg_read(TPR), 0);
	assert_int_equal(reg_read(MPC(0)), 0);
	assert_int_equal(nic_account(card.nic)->rx_missed, 0);
	rx_post(&ring, 1);
	assert_int_equal(nic_receive(card.nic, frame, 60, NIC_TRY), NIC_TAKEN);

	/* Nothing to wait for: a ring that could never hold the frame, a queue that is off. */
	reg_write(RXDCTL(0), 0);
	ring = rx_ring(0, 8, 1u << 25 | 1);
	reg_set(HLREG0, HLREG0_JUMBOEN);
	reg_write(MAXFRS, 9728u << 16);
	rx_post(&ring, 7);
	assert_int_equal(nic_receive(card.nic, frame, 9000, NIC_TRY), NIC_MISSED);
	reg_write(RXDCTL(0), 0);
	assert_int_equal(nic_receive(card.nic, frame, 60, NIC_TRY), NIC_MISSED);
}

static void statistics_add_up(void **state)
{
	static const size_t lengths[] = { 60, 61, 123, 124, 251, 252, 507, 508, 1019, 1020, 1514 };
	static const uint32_t registers[] = { PRC64, PRC127, PRC255, PRC511, PRC1023, PRC1522 };
	static const uint32_t expected[] = { 1, 2, 2, 2, 2, 2 };
	struct ring ring = rx_ring(0, 16, ADVANCED);
	uint8_t group[60];
	uint64_t bytes = 0;

	(void)state;
	rx_post(&ring, 15);
	reg_write(RQSMR(0), 3);
	for (uint32_t i = 0; i < 11; i++) {
		arrive(lengths[i], i);
		bytes += lengths[i];
	}
	card_poll(LOTS);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(reg_read(registers[i]), expected[i]);
	assert_int_equal(reg_read(GPRC), 11);
	assert_int_equal(reg_read(TPR), 11);
	assert_int_equal(reg_read(GORCL), bytes + 11 * 4);
	assert_int_equal(reg_read(GORCH), 0);
	assert_int_equal(reg_read(TORL), bytes + 11 * 4);
	assert_int_equal(reg_read(GPRC), 0);
	assert_int_equal(reg_peek(QPRC(3)), 11);
	assert_int_equal(reg_peek(QBRCL(3)), bytes);
	assert_int_equal(nic_account(card.nic)->rx_bytes, bytes);

	reg_set(FCTRL, FCTRL_MPE);
	frame_to(group, (const uint8_t *)"\xFF\xFF\xFF\xFF\xFF\xFF", 60, 0);
	nic_receive(card.nic, group, 60, 0);
	group[1] = 0;
	nic_receive(card.nic, group, 60, 0);
	nic_receive(card.nic, group, 60, 0);
	card_poll(LOTS);
	assert_int_equal(reg_read(BPRC), 1);
	assert_int_equal(reg_read(MPRC), 2);
}

static void legacy_descriptors_work(void **state)
{
	struct ring ring = rx_ring(0, 8, LEGACY);
	uint8_t frame[100];
	uint64_t hi;

	(void)state;
	rx_post(&ring, 7);
	reg_write(RXDCTL(0), RXDCTL_ENABLE | RXDCTL_VME);
	frame_to(frame, card_mac, sizeof(frame), 7);
	memcpy(frame + 12, "\x81\x00\x61\x23", 4);
	nic_receive(card.nic, frame, 100, 0);
	card_poll(LOTS);
	hi = ring.desc[0].hi;
	assert_int_equal(ring.desc[0].lo, rx_buffer(&ring, 0));
	assert_int_equal(hi & 0xFFFF, 96);
	assert_int_equal(hi >> 32 & 0xFF, RXD_DD | RXD_EOP | RXD_VP);
	assert_int_equal(hi >> 40 & 0xFF, 0);
	assert_int_equal(hi >> 48, 0x6123);
	assert_memory_equal(memory(rx_buffer(&ring, 0)) + 12, frame + 16, 84);

	reg_set(HLREG0, HLREG0_JUMBOEN);
	reg_write(MAXFRS, 9728u << 16);
	arrive(3000, 1);
	card_poll(LOTS);
	assert_int_equal(ring.desc[1].hi, 2048 | (uint64_t)RXD_DD << 32);
	assert_int_equal(ring.desc[2].hi, (3000 - 2048) | (uint64_t)(RXD_DD | RXD_EOP) << 32);
}

static void disabled_queue_is_left_alone(void **state)
{
	struct ring ring = rx_ring(0, 16, ADVANCED);

	(void)state;
	rx_post(&ring, 15);
	arrive(60, 0);
	arrive(60, 1);
	/* Two wait for their write-back. The driver takes the queue back; a read makes sure. */
	reg_poke(RXDCTL(0), 0);
	reg_read(STATUS);
	memset(memory(rx_buffer(&ring, 0)), 0xEE, 16 * BUFFER_SIZE);
	assert_int_equal(arrive(60, 2), NIC_MISSED);
	card_poll(LOTS);
	for (uint32_t i = 0; i < 16; i++) {
		assert_int_equal(rx_status(&ring, i), 0);
		assert_int_equal(memory(rx_buffer(&ring, i))[0], 0xEE);
	}
	assert_int_equal(nic_account(card.nic)->rx_missed, 3);
	assert_int_equal(nic_account(card.nic)->rx_frames, 0);
}

static void enable_in_a_mapped_page_is_noticed(void **state)
{
	struct ring ring = rx_ring(100, 16, ADVANCED);

	(void)state;
	reg_write(ETQF(0), 0x1234 | ETQF_FILTER_EN);
	reg_write(ETQS(0), 100u << 16 | ETQS_QUEUE_EN);
	for (uint32_t i = 0; i < 10; i++)
		card_poll(LOTS);
	rx_post(&ring, 15);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	card_poll(LOTS);
	/* Off and on again at another place before the card looks: it starts there. */
	reg_poke(RXDCTL(100), 0);
	reg_poke(RDH(100), 0);
	reg_poke(RDT(100), 0);
	memset(ring.desc, 0, 16 * sizeof(*ring.desc));
	ring.tail = 0;
	reg_poke(RXDCTL(100), RXDCTL_ENABLE);
	rx_post(&ring, 15);
	assert_int_equal(arrive(60, 1), NIC_TAKEN);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 0) & RXD_DD);
	assert_false(rx_status(&ring, 1) & RXD_DD);
}

static void bad_rings_and_buffers_are_harmless(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	/* A buffer out of reach: the frame is lost, the driver gets its buffer back. */
	rx_post_at(&ring, UNMAPPED);
	rx_post_at(&ring, READ_ONLY);
	rx_post(&ring, 1);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(nic_account(card.nic)->dma_faults, 2);
	assert_true(rx_status(&ring, 0) & RXD_DD);
	assert_true(rx_status(&ring, 0) & RXD_RXE);
	assert_false(rx_status(&ring, 2) & RXD_RXE);
	assert_int_equal(nic_account(card.nic)->rx_frames, 1);
	assert_int_equal(nic_account(card.nic)->rx_missed, 2);

	/* A tail outside the ring. */
	reg_poke(RDT(0), 8);
	card_poll(LOTS);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	reg_poke(RDT(0), 7);
	card_poll(LOTS);
	assert_int_equal(arrive(60, 0), NIC_MISSED);

	/* A ring that is nowhere, and one of no size. */
	reg_write(RXDCTL(0), 0);
	reg_write(RDBAH(0), (uint32_t)(UNMAPPED >> 32));
	reg_write(RDH(0), 0);
	reg_write(RDT(0), 4);
	reg_write(RXDCTL(0), RXDCTL_ENABLE);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	reg_write(RXDCTL(0), 0);
	reg_write(RDLEN(0), 0);
	reg_write(RXDCTL(0), RXDCTL_ENABLE);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(nic_account(card.nic)->dma_faults, 3);

	/* Buffers of no size, and a head outside the ring. */
	reg_write(RXDCTL(0), 0);
	ring = rx_ring(0, 8, 1u << 25);
	rx_post(&ring, 7);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	reg_write(RXDCTL(0), 0);
	ring = rx_ring(0, 8, ADVANCED);
	reg_write(RXDCTL(0), 0);
	reg_write(RDH(0), 8);
	reg_write(RXDCTL(0), RXDCTL_ENABLE);
	rx_post(&ring, 7);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(nic_account(card.nic)->dma_faults, 3);
}

static void write_back_interrupts_and_send_does(void **state)
{
	struct ring rx = rx_ring(0, 8, ADVANCED), tx = tx_ring(0, 8);
	uint8_t frame[60];

	(void)state;
	rx_post(&rx, 7);
	reg_write(GPIE, GPIE_MSIX | GPIE_PBA_SUPPORT);
	reg_write(IVAR(0), (IVAR_VALID | 5) | (IVAR_VALID | 6) << 8);
	reg_write(EIMS, 1 << 5 | 1 << 6);
	arrive(60, 0);
	card_poll(LOTS);
	assert_int_equal(card.interrupts[5], 1);
	assert_int_equal(card.interrupts[6], 0);
	frame_to(frame, card_mac, 60, 0);
	tx_send(&tx, frame, 60, 0); /* no report is asked for: nothing to tell */
	assert_int_equal(card.interrupts[6], 0);
	tx_send(&tx, frame, 60, TXD_RS);
	assert_int_equal(card.interrupts[6], 1);
	assert_int_equal(card.interrupts[5], 1);
}

/* A queue whose ring is elsewhere than rx_ring() has put it. */
static void move_ring(uint64_t iova, uint32_t size, uint32_t tail)
{
	reg_write(RXDCTL(0), 0);
	card_poll(LOTS);
	reg_write(RDBAL(0), (uint32_t)iova);
	reg_write(RDBAH(0), (uint32_t)(iova >> 32));
	reg_write(RDLEN(0), size * (uint32_t)sizeof(struct nic_desc));
	reg_write(RDH(0), 0);
	reg_write(RDT(0), tail);
	reg_write(RXDCTL(0), RXDCTL_ENABLE);
}

static void ring_out_of_reach_stops_the_queue(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	move_ring(UNMAPPED, 8, 4);
	for (uint32_t i = 0; i < 5; i++) {
		assert_int_equal(arrive(60, i), NIC_MISSED);
		card_poll(LOTS);
	}
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);
	assert_int_equal(nic_account(card.nic)->rx_missed, 5);
	assert_true(reg_read(EICR) & EICR_PCI);

	/* Off and on: the next attempt, which fails, too. */
	move_ring(UNMAPPED, 8, 4);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(arrive(60, 0), NIC_MISSED);
	assert_int_equal(nic_account(card.nic)->dma_faults, 2);
	assert_true(reg_read(EICR) & EICR_PCI);

	/* And with a ring that is there. */
	move_ring(ring.iova, 8, 0);
	rx_post(&ring, 4);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 0) & RXD_DD);
	assert_false(reg_read(EICR) & EICR_PCI);
}

static void ring_that_cannot_be_written_stops_the_queue(void **state)
{
	(void)state;
	rx_ring(0, 8, ADVANCED);
	for (uint32_t i = 0; i < 8; i++)
		((struct nic_desc *)memory(READ_ONLY))[i].lo = WINDOW_B + i * BUFFER_SIZE;
	move_ring(READ_ONLY, 8, 7);
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(arrive(60, i), NIC_TAKEN);
	for (uint32_t i = 0; i < 5; i++) {
		card_poll(LOTS);
		assert_int_equal(arrive(60, i), NIC_MISSED);
	}
	card_poll(LOTS);
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);
	assert_int_equal(nic_account(card.nic)->rx_frames, 0);
	assert_int_equal(nic_account(card.nic)->rx_missed, 3 + 5);
	assert_true(reg_read(EICR) & EICR_PCI);
}

/* What came before the descriptors that are out of reach is not lost. */
static void ring_half_out_of_reach_stops_the_queue_there(void **state)
{
	uint64_t iova = WINDOW_B + WINDOW_SIZE - 8 * sizeof(struct nic_desc);
	struct nic_desc *desc = (struct nic_desc *)memory(iova);

	(void)state;
	rx_ring(0, 8, ADVANCED);
	for (uint32_t i = 0; i < 8; i++)
		desc[i].lo = WINDOW_B + i * BUFFER_SIZE;
	move_ring(iova, 16, 6);
	for (uint32_t i = 0; i < 6; i++)
		assert_int_equal(arrive(60, i), NIC_TAKEN);
	reg_poke(RDT(0), 12);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(arrive(60, i), NIC_MISSED);
		card_poll(LOTS);
	}
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);
	assert_int_equal(nic_account(card.nic)->last_fault, WINDOW_B + WINDOW_SIZE);
	assert_int_equal(nic_account(card.nic)->rx_frames, 6);
	for (uint32_t i = 0; i < 8; i++)
		assert_int_equal(desc[i].hi & RXD_DD, i < 6);
	assert_int_equal(reg_peek(RDH(0)), 6);
}

static void without_bus_mastering_the_queue_waits(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);
	uint8_t frame[60];

	(void)state;
	frame_to(frame, card_mac, 60, 1);
	rx_post(&ring, 7);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	bus_master(false);
	memset(memory(rx_buffer(&ring, 1)), 0xEE, 60);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(nic_receive(card.nic, frame, 60, NIC_TRY), NIC_BUSY);
		assert_int_equal(arrive(60, 1), NIC_MISSED);
		card_poll(LOTS);
	}
	assert_int_equal(memory(rx_buffer(&ring, 1))[0], 0xEE);
	assert_false(rx_status(&ring, 0) & RXD_DD);

	bus_master(true);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 0) & RXD_DD);
	assert_int_equal(arrive(60, 1), NIC_TAKEN);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 1) & RXD_DD);
	check_memory(rx_buffer(&ring, 1), 0, 60, 60, 1);
	assert_int_equal(nic_account(card.nic)->rx_frames, 2);
	assert_int_equal(nic_account(card.nic)->dma_faults, 0);
	assert_false(reg_read(EICR) & EICR_PCI);
}

static void receiver_off_takes_nothing(void **state)
{
	struct ring ring = rx_ring(0, 8, ADVANCED);

	(void)state;
	rx_post(&ring, 7);
	reg_clear(RXCTRL, RXCTRL_RXEN);
	assert_int_equal(arrive(60, 0), NIC_DOWN);
	reg_set(RXCTRL, RXCTRL_RXEN);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	assert_int_equal(nic_account(card.nic)->rx_down, 1);
	nic_function_reset(card.nic);
	assert_int_equal(arrive(60, 0), NIC_DOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(rx_ring_wraps_without_losing_a_packet),
		card_test(write_back_comes_with_the_line_or_the_poll),
		card_test(frame_longer_than_a_buffer_fills_several),
		card_test(buffer_may_cross_windows),
		card_test(crc_is_kept_when_stripping_is_off),
		card_test(without_a_descriptor_frames_are_missed),
		card_test(dropping_queue_counts_by_itself),
		card_test(try_says_busy_and_counts_nothing),
		card_test(statistics_add_up),
		card_test(legacy_descriptors_work),
		card_test(disabled_queue_is_left_alone),
		card_test(enable_in_a_mapped_page_is_noticed),
		card_test(bad_rings_and_buffers_are_harmless),
		card_test(write_back_interrupts_and_send_does),
		card_test(ring_out_of_reach_stops_the_queue),
		card_test(ring_that_cannot_be_written_stops_the_queue),
		card_test(ring_half_out_of_reach_stops_the_queue_there),
		card_test(without_bus_mastering_the_queue_waits),
		card_test(receiver_off_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
