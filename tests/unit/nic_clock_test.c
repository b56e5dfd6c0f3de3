/* SPDX-License-Identifier: BSD-2-Clause */
/* IEEE 1588 (7.9): the clock, and the stamps of packets that arrive and leave. */
#include "tests/unit/nic_card.h"

#define L2_MESSAGE  14
#define UDP_MESSAGE (14 + 20 + 8)
#define ETHERTYPE   0x88F7
#define RUNNING	    (1u << 24 | 64) /* TIMINCA: 64 every cycle of 6.4 ns: 10 for a nanosecond */

enum { SYNC, DELAY_REQ, FOLLOW_UP = 8 };

static void set_time(uint64_t time)
{
	reg_write(TIMINCA, RUNNING);
	reg_write(SYSTIML, (uint32_t)time);
	reg_write(SYSTIMH, (uint32_t)(time >> 32));
}

static uint64_t get_time(void)
{
	const uint32_t low = reg_read(SYSTIML);

	return (uint64_t)reg_read(SYSTIMH) << 32 | low;
}

/* A message of PTP in a frame of its own EtherType. Return: the frame's length. */
static size_t l2_frame(uint8_t *frame, uint8_t version, uint8_t type)
{
	frame_to(frame, card_mac, 80, 0);
	frame[12] = ETHERTYPE >> 8;
	frame[13] = ETHERTYPE & 0xFF;
	frame[L2_MESSAGE] = type;
	frame[L2_MESSAGE + 1] = version;
	return 80;
}

/* The same in UDP. Version 1 has the type in its control field. */
static size_t udp_frame(uint8_t *frame, uint16_t port, uint8_t version, uint8_t type)
{
	const size_t length = ip_frame(frame, 4, 17, 60);

	memcpy(frame, card_mac, 6);
	frame[36] = port >> 8;
	frame[37] = (uint8_t)port;
	frame[UDP_MESSAGE] = version == 2 ? type : 0;
	frame[UDP_MESSAGE + 1] = version;
	frame[UDP_MESSAGE + 32] = type;
	return length;
}

static struct ring ring;
static uint32_t at; /* of the next packet */

static bool stamped(const uint8_t *frame, size_t length)
{
	rx_post(&ring, 1);
	nic_receive(card.nic, frame, length, 0);
	card_poll(LOTS);
	const bool has = rx_status(&ring, at++ % 64) & RXD_TS;
	assert_int_equal(reg_read(TSYNCRXCTL) & TSYNCRXCTL_RXTT, has);
	reg_read(RXSTMPH);
	assert_false(reg_read(TSYNCRXCTL) & TSYNCRXCTL_RXTT);
	return has;
}

static void receive(uint32_t type)
{
	ring = rx_ring(0, 64, ADVANCED);
	at = 0;
	set_time(0);
	reg_write(TSYNCRXCTL, TSYNCRXCTL_EN | type << 1);
}

static void the_clock_is_set_and_adjusted(void **state)
{
	(void)state;
	set_time(0x1FFFFFFFF);
	assert_int_equal(get_time(), 0x1FFFFFFFF);
	reg_write(TIMADJL, 2);
	reg_write(TIMADJH, 0);
	assert_int_equal(get_time(), 0x200000001);
	reg_write(TIMADJL, 1);
	reg_write(TIMADJH, TIMADJH_SIGN | 1);
	assert_int_equal(get_time(), 0x100000000);

	const uint64_t before = card.now;
	card_poll(LOTS);
	const uint64_t passed = (card.now - before) / 32 * 32;
	assert_true(passed > 0);
	assert_in_range(get_time() - 0x100000000, passed * 10, passed * 10 + 320);
}

static void at_1_gbit_s_its_cycles_are_longer(void **state)
{
	(void)state;
	reg_write(AUTOC, (reg_read(AUTOC) & ~(7u << 13)) | AUTOC_LMS_1G << 13 | AUTOC_RESTART_AN);
	for (int i = 0; i < 10000 && !nic_link_up(card.nic); i++)
		card_poll(LOTS);
	assert_true(nic_link_up(card.nic));
	set_time(0);
	const uint64_t before = card.now;
	for (int i = 0; i < 100; i++)
		card_poll(LOTS);
	assert_in_range(get_time(), (card.now - before) - 64, card.now - before);
}

static void a_sent_packet_is_stamped_if_it_asks(void **state)
{
	struct ring tx = tx_ring(0, 16);
	uint8_t frame[80];
	const size_t length = l2_frame(frame, 2, SYNC);

	(void)state;
	set_time(5ull << 32);
	tx_send(&tx, frame, length, TXD_1588);
	assert_false(reg_read(TSYNCTXCTL) & TSYNCTXCTL_TXTT);
	reg_write(TSYNCTXCTL, TSYNCTXCTL_EN);
	tx_send(&tx, frame, length, 0);
	assert_false(reg_read(TSYNCTXCTL) & TSYNCTXCTL_TXTT);

	tx_send(&tx, frame, length, TXD_1588);
	assert_true(reg_read(TSYNCTXCTL) & TSYNCTXCTL_TXTT);
	const uint32_t low = reg_read(TXSTMPL);
	tx_send(&tx, frame, length, TXD_1588); /* the stamp stays until it was read */
	assert_int_equal(reg_read(TXSTMPL), low);
	assert_int_equal(reg_read(TXSTMPH), 5);
	assert_false(reg_read(TSYNCTXCTL) & TSYNCTXCTL_TXTT);
	tx_send(&tx, frame, length, TXD_1588);
	assert_true(reg_read(TXSTMPL) > low);
	assert_int_equal(card.sent_count, 5);
}

static void event_messages_are_stamped(void **state)
{
	uint8_t frame[200];

	(void)state;
	receive(TSYNCRXCTL_TYPE_EVENT_V2);
	assert_true(stamped(frame, udp_frame(frame, 319, 2, SYNC)));
	assert_true(stamped(frame, udp_frame(frame, 319, 2, DELAY_REQ)));
	assert_false(stamped(frame, udp_frame(frame, 319, 2, FOLLOW_UP)));
	assert_false(stamped(frame, udp_frame(frame, 320, 2, SYNC)));
	assert_false(stamped(frame, udp_frame(frame, 319, 1, 0)));
	/* By EtherType only where a filter says so. */
	assert_false(stamped(frame, l2_frame(frame, 2, SYNC)));
	reg_write(ETQF(3), ETQF_FILTER_EN | ETQF_1588 | ETHERTYPE);
	assert_true(stamped(frame, l2_frame(frame, 2, SYNC)));
	assert_false(stamped(frame, l2_frame(frame, 2, FOLLOW_UP)));
	reg_write(TSYNCRXCTL, TSYNCRXCTL_TYPE_EVENT_V2 << 1);
	assert_false(stamped(frame, l2_frame(frame, 2, SYNC)));
}

static void one_message_is_stamped(void **state)
{
	uint8_t frame[200];

	(void)state;
	receive(TSYNCRXCTL_TYPE_L4_V1);
	reg_write(RXMTRL, 319 << 16 | DELAY_REQ << 8 | 1);
	assert_true(stamped(frame, udp_frame(frame, 319, 1, 1)));
	assert_false(stamped(frame, udp_frame(frame, 319, 1, 0)));
	assert_false(stamped(frame, udp_frame(frame, 319, 2, DELAY_REQ)));

	reg_write(TSYNCRXCTL, TSYNCRXCTL_EN | TSYNCRXCTL_TYPE_L2_L4_V2 << 1);
	reg_write(ETQF(0), ETQF_FILTER_EN | ETQF_1588 | ETHERTYPE);
	assert_true(stamped(frame, udp_frame(frame, 319, 2, DELAY_REQ)));
	assert_false(stamped(frame, udp_frame(frame, 319, 2, SYNC)));
	assert_true(stamped(frame, l2_frame(frame, 2, DELAY_REQ)));

	reg_write(TSYNCRXCTL, TSYNCRXCTL_EN | TSYNCRXCTL_TYPE_L2_V2 << 1);
	assert_true(stamped(frame, l2_frame(frame, 2, DELAY_REQ)));
	assert_false(stamped(frame, udp_frame(frame, 319, 2, DELAY_REQ)));
	reg_write(RXMTRL, 400u << 16);
	reg_write(TSYNCRXCTL, TSYNCRXCTL_EN | TSYNCRXCTL_TYPE_L2_L4_V2 << 1);
	assert_true(stamped(frame, udp_frame(frame, 400, 2, SYNC)));
}

static void an_unread_stamp_stays(void **state)
{
	uint8_t frame[200];
	size_t length;

	(void)state;
	receive(TSYNCRXCTL_TYPE_EVENT_V2);
	rx_post(&ring, 3);
	length = udp_frame(frame, 319, 2, SYNC);
	memcpy(frame + UDP_MESSAGE + 22, "\1\2\3\4\5\6", 6);
	memcpy(frame + UDP_MESSAGE + 30, "\x12\x34", 2);
	nic_receive(card.nic, frame, length, 0);
	card_poll(LOTS);
	const uint32_t low = reg_read(RXSTMPL);
	nic_receive(card.nic, frame, length, 0);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 0) & RXD_TS);
	assert_false(rx_status(&ring, 1) & RXD_TS);
	assert_int_equal(reg_read(RXSTMPL), low);
	assert_int_equal(reg_read(RXSATRL), 0x04030201);
	assert_int_equal(reg_read(RXSATRH), 0x34120605);
	reg_read(RXSTMPH);
	nic_receive(card.nic, frame, length, 0);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 2) & RXD_TS);
	assert_true(reg_read(RXSTMPL) > low);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(the_clock_is_set_and_adjusted),
		card_test(at_1_gbit_s_its_cycles_are_longer),
		card_test(a_sent_packet_is_stamped_if_it_asks),
		card_test(event_messages_are_stamped),
		card_test(one_message_is_stamped),
		card_test(an_unread_stamp_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
