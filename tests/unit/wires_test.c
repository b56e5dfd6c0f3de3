/* SPDX-License-Identifier: BSD-2-Clause */
/* cable and loop, and the wires of a command line. */
#include <errno.h>
#include <string.h>

#include "wire_bench.h"

/* ---- cable, loop ---- */

static void cable_carries_both_ways_and_waits_without_loss(void **state)
{
	uint8_t frame[60] = { 0 };

	(void)state;
	bench_start("cable:x", "cable:x");
	bench.nics[1].room = 3;
	uint32_t sent = 0;
	while (wire_room(bench.wires.wire[0]) && sent < 1000) {
		frame[20] = sent;
		frame[21] = sent++ >> 8;
		wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	}
	assert_in_range(sent, 100, 999);
	assert_int_equal(bench.nics[1].count, 3);

	while (bench.nics[1].count < sent) {
		bench.nics[1].room = 5;
		assert_in_range(bench_poll(1, 1), 1, 5);
	}
	for (uint32_t i = 0; i < sent; i++)
		assert_int_equal(bench.nics[1].frames[i][20] | bench.nics[1].frames[i][21] << 8, i);
	assert_int_equal(bench_account(0)->dropped, 0);
	assert_true(wire_room(bench.wires.wire[0]) > 0);

	wire_transmit(bench.wires.wire[1], frame, sizeof(frame));
	assert_int_equal(bench.nics[0].count, 1);
}

static void cable_is_dark_until_the_other_end_receives(void **state)
{
	(void)state;
	bench_start("cable", "cable");
	bench.nics[0].up = bench.nics[1].up = false;
	bench_poll(0, 1000000000);
	assert_false(bench.nics[0].light);
	bench.nics[1].up = true;
	bench_poll(0, 1000000001);
	assert_true(bench.nics[0].light);
	bench.nics[1].up = false; /* for a moment */
	bench_poll(0, 1050000000);
	assert_true(bench.nics[0].light);
	bench_poll(0, 1200000000);
	assert_false(bench.nics[0].light);
}

/* Frames that wait are what a card asks the other one to pause for; what is for the MAC does not wait. */
static void cable_tells_of_a_backlog(void **state)
{
	uint8_t frame[60] = { 0 };
	uint32_t sent = 0;

	(void)state;
	bench_start("cable", "cable");
	bench.nics[1].room = 0;
	for (; sent < 127; sent++)
		wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	bench_poll(1, 1);
	assert_false(bench.nics[1].backlog);
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	bench_poll(1, 2);
	assert_true(bench.nics[1].backlog);
	memcpy(frame + 12, "\x88\x08", 2);
	bench.nics[1].room = 1;
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	assert_int_equal(bench.nics[1].count, 1);
	assert_memory_equal(bench.nics[1].frames[0], frame, sizeof(frame));
	bench.nics[1].room = 95;
	while (bench.nics[1].room)
		bench_poll(1, 3);
	bench_poll(1, 4);
	assert_true(bench.nics[1].backlog);
	bench.nics[1].room = 1;
	bench_poll(1, 5);
	bench_poll(1, 6);
	assert_false(bench.nics[1].backlog);
	assert_false(bench.nics[0].backlog);
}

static void cable_survives_more_than_it_has_room_for(void **state)
{
	static uint8_t frame[NIC_FRAME_MAX + 1];

	(void)state;
	bench_start("cable", "cable");
	bench.nics[1].room = 0;
	for (int i = 0; i < 2000; i++)
		wire_transmit(bench.wires.wire[0], frame, NIC_FRAME_MAX - i % 100);
	assert_true(bench_account(0)->dropped > 0);
	wire_transmit(bench.wires.wire[1], frame, 13); /* not even an Ethernet header */
	wire_transmit(bench.wires.wire[1], frame, sizeof(frame));
	assert_int_equal(bench_account(1)->dropped, 2);
	assert_int_equal(bench.nics[0].count, 0);
}

static void cable_needs_two_ends(void **state)
{
	assert_int_equal(bench_plug("cable:a"), 0);
	assert_int_equal(bench_plug("cable:b"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
	bench_unplug(state);

	for (int i = 0; i < 3; i++)
		assert_int_equal(bench_plug("cable"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
}

static void loop_returns_frames_when_polled(void **state)
{
	uint8_t frame[100] = { 1, 2, 3 };

	(void)state;
	bench_start("loop", NULL);
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	assert_int_equal(bench.nics[0].count, 0); /* not from within the card's own call */
	assert_int_equal(bench_poll(0, 1), 1);
	assert_int_equal(bench.nics[0].lengths[0], sizeof(frame));
	assert_memory_equal(bench.nics[0].frames[0], frame, sizeof(frame));
}

/* ---- The command line ---- */

static void wrong_wires_are_refused_in_one_line(void **state)
{
	static const char *const wrong[] = {
		"",
		"nothing",
		"gen,",
		"genx",
		":",
		"gen:",
		"gen:64",
		"gen:size",
		"gen:size=",
		"gen:size=63",
		"gen:size=15873",
		"gen:size=-64",
		"gen:size= 64",
		"gen:size=64x",
		"gen:size=64kk",
		"gen:size=0x40",
		"gen:size=64,",
		"gen:size=64,,flows=2",
		"gen:rate=99999999999999999999",
		"gen:rate=18446744073709551615k",
		"gen:rate=2G",
		"gen:flows=0",
		"gen:flows=32769",
		"gen:count=0",
		"gen:dst=01:00:00:00:00:00",
		"gen:dst=0:1:2:3:4:5",
		"gen:dst=02:00:00:00:00:00:00",
		"gen:touch=some",
		"gen:what=1",
		"sink:size=64",
		"sink:x",
		"loop:x",
		"cable:a=b",
		"cable:a,b",
		"cable:0123456789012345678901234567890123456789",
		"pcap:file",
		"pcap:out=-",
		"pcap:loop=x,in=f",
		"tap:a/b",
		"tap:0123456789abcdef",
		"tap:t,mtu=67",
	};

	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		if (bench_plug(wrong[i]) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(strlen(bench.wires.error) > 10);
		assert_null(strchr(bench.wires.error, '\n'));
		bench_unplug(state);
	}
}

static void missing_names_are_refused_at_the_start(void **state)
{
	static const char *const wrong[] = { "tap", "pcap", "tap:mtu=1500", "pcap:rate=5" };

	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(bench_plug(wrong[i]), 0);
		assert_int_equal(wires_start(&bench.wires), -EINVAL);
		bench_unplug(state);
	}
}

static void too_many_wires_are_refused(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < WIRES_MAX; i++)
		assert_int_equal(wires_add(&bench.wires, "sink"), 0);
	assert_int_equal(wires_add(&bench.wires, "sink"), -EINVAL);
}

static void numbers_may_have_suffixes(void **state)
{
	uint64_t number;

	(void)state;
	assert_int_equal(bench_plug("sink"), 0);
	struct wire *wire = bench.wires.wire[0];
	assert_int_equal(wire_number(wire, "n", "14k", 0, 20000, &number), 0);
	assert_int_equal(number, 14000);
	assert_int_equal(wire_number(wire, "n", "3M", 0, UINT64_MAX, &number), 0);
	assert_int_equal(number, 3000000);
	assert_int_equal(wire_number(wire, "n", "18446744073709551615", 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(cable_carries_both_ways_and_waits_without_loss),
		TEST(cable_is_dark_until_the_other_end_receives),
		TEST(cable_tells_of_a_backlog),
		TEST(cable_survives_more_than_it_has_room_for),
		TEST(cable_needs_two_ends),
		TEST(loop_returns_frames_when_polled),
		TEST(wrong_wires_are_refused_in_one_line),
		TEST(missing_names_are_refused_at_the_start),
		TEST(too_many_wires_are_refused),
		TEST(numbers_may_have_suffixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
