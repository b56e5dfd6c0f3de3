/* SPDX-License-Identifier: BSD-2-Clause */
/* Header splitting (7.1.10): after which header, into which buffer, and what the descriptor says. */
#include "tests/unit/nic_card.h"

#define SPLIT	    (2u << 25 | 2) /* SRRCTL: header buffers of 128 bytes, packet buffers of 2 KB */
#define ALWAYS	    (5u << 25 | 2)
#define HEADERS(n)  ((n) / 64u << 8)
#define HDR_LEN(lo) ((lo) >> 21 & 0x3FF)
#define HEADER_AREA (WINDOW_B + 0x100000)

static struct ring ring;
static uint8_t frame[4000];

static void split(uint32_t srrctl, uint32_t psrtype)
{
	reg_write(PSRTYPE(0), psrtype);
	ring = rx_ring(0, 64, srrctl);
	for (uint32_t i = 0; i < 16; i++) {
		rx_post(&ring, 1);
		ring.desc[i].hi = HEADER_AREA + i * 1024;
	}
}

/* Packet @i is in the @i-th buffers, split at @headers; @sph: it was split, not cut. */
static void check_split(uint32_t i, size_t length, size_t headers, bool sph)
{
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(rx_status(&ring, i) & (RXD_DD | RXD_EOP), RXD_DD | RXD_EOP);
	assert_int_equal(rx_length(&ring, i), length - headers);
	assert_int_equal(HDR_LEN(ring.desc[i].lo), headers);
	assert_int_equal(!!(ring.desc[i].lo & RXD_SPH), sph);
	assert_memory_equal(memory(HEADER_AREA + i * 1024), frame, headers);
	assert_memory_equal(memory(rx_buffer(&ring, i)), frame + headers, length - headers);
}

static void packets_are_split_after_the_last_header_that_is_asked_for(void **state)
{
	const struct {
		uint32_t psrtype;
		int version;
		uint8_t protocol;
		size_t headers;
	} cases[] = {
		{ PSRTYPE_TCP | PSRTYPE_IPV4 | PSRTYPE_L2, 4, 6, 54 },
		{ PSRTYPE_TCP | PSRTYPE_IPV6 | PSRTYPE_L2, 6, 6, 74 },
		{ PSRTYPE_UDP, 4, 17, 42 },
		{ PSRTYPE_TCP | PSRTYPE_IPV4, 4, 17, 34 },
		{ PSRTYPE_IPV6, 6, 17, 54 },
		{ PSRTYPE_TCP | PSRTYPE_L2, 4, 17, 14 },
	};

	(void)state;
	split(SPLIT | HEADERS(128), 0);
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reg_write(PSRTYPE(0), cases[i].psrtype);
		size_t length = ip_frame(frame, cases[i].version, cases[i].protocol, 300);
		check_split(i, length, cases[i].headers, true);
	}
}

static void others_are_not_split(void **state)
{
	(void)state;
	split(SPLIT | HEADERS(128), PSRTYPE_TCP);
	check_split(0, ip_frame(frame, 4, 17, 300), 0, false);
}

static void or_are_cut_where_the_header_buffer_ends(void **state)
{
	(void)state;
	split(ALWAYS | HEADERS(128), PSRTYPE_TCP);
	check_split(0, ip_frame(frame, 4, 17, 300), 128, false);
	check_split(1, ip_frame(frame, 4, 17, 60), 102, false); /* all of it */
	check_split(2, ip_frame(frame, 4, 6, 300), 54, true);
}

static void headers_that_are_too_long_are_told(void **state)
{
	(void)state;
	split(SPLIT | HEADERS(64), PSRTYPE_TCP);
	check_split(0, ip_frame(frame, 6, 6, 300), 0, false);
	assert_true(rx_status(&ring, 0) & RXD_HBO);
}

/* The header buffer is that of the first descriptor. */
static void the_payload_may_take_several_buffers(void **state)
{
	(void)state;
	reg_set(HLREG0, HLREG0_JUMBOEN);
	reg_write(MAXFRS, 9000u << 16);
	split(SPLIT | HEADERS(128), PSRTYPE_TCP);
	size_t length = ip_frame(frame, 4, 6, 3000);
	for (uint32_t i = 54; i < length; i++)
		frame[i] = (uint8_t)(i * 7);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(HDR_LEN(ring.desc[0].lo), 54);
	assert_int_equal(rx_length(&ring, 0), 2048);
	assert_false(rx_status(&ring, 0) & RXD_EOP);
	assert_int_equal(HDR_LEN(ring.desc[1].lo), 0);
	assert_int_equal(rx_length(&ring, 1), 3000 - 2048);
	assert_memory_equal(memory(HEADER_AREA), frame, 54);
	assert_memory_equal(memory(rx_buffer(&ring, 1)), frame + 54 + 2048, 3000 - 2048);
}

/* The tag is not in memory: headers are shorter. */
static void a_stripped_tag_is_not_in_the_header(void **state)
{
	static const uint8_t tag[4] = { 0x81, 0x00, 0x01, 0x23 };

	(void)state;
	split(SPLIT | HEADERS(128), PSRTYPE_TCP);
	reg_set(RXDCTL(0), RXDCTL_VME);
	size_t length = ip_frame(frame, 4, 6, 300);
	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, tag, 4);
	assert_int_equal(nic_receive(card.nic, frame, length + 4, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(HDR_LEN(ring.desc[0].lo), 54);
	assert_int_equal(rx_length(&ring, 0), 300);
	assert_int_equal(rx_vlan(&ring, 0), 0x0123);
	assert_memory_equal(memory(HEADER_AREA), frame, 12);
	assert_memory_equal(memory(HEADER_AREA) + 12, frame + 16, 42);
}

static void a_header_buffer_out_of_reach_is_a_damaged_packet(void **state)
{
	(void)state;
	split(SPLIT | HEADERS(128), PSRTYPE_TCP);
	ring.desc[0].hi = UNMAPPED;
	size_t length = ip_frame(frame, 4, 6, 300);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_MISSED);
	card_poll(LOTS);
	assert_true(rx_status(&ring, 0) & RXD_RXE);
	check_split(1, length, 54, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(packets_are_split_after_the_last_header_that_is_asked_for),
		card_test(others_are_not_split),
		card_test(or_are_cut_where_the_header_buffer_ends),
		card_test(headers_that_are_too_long_are_told),
		card_test(the_payload_may_take_several_buffers),
		card_test(a_stripped_tag_is_not_in_the_header),
		card_test(a_header_buffer_out_of_reach_is_a_damaged_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
