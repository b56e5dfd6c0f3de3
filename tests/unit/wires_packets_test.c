/* SPDX-License-Identifier: BSD-2-Clause */
/* gen and sink: the packets that ixy-emu makes, and what it finds wrong with those that come back. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen_packet.h"
#include "wire_bench.h"

/* ---- gen ---- */

/* RFC 1071, in the plainest way. */
static uint16_t checksum(uint32_t sum, const uint8_t *data, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		sum += i % 2 ? data[i] : data[i] * 256u;
		if (sum > 0xFFFF)
			sum -= 0xFFFF;
	}
	return ~sum;
}

static uint32_t get16(const uint8_t *p)
{
	return p[0] * 256u + p[1];
}

static void check_frame(const uint8_t *frame, size_t length)
{
	uint8_t pseudo[12] = { 0 };

	assert_int_equal(get16(frame + 12), 0x0800);
	assert_int_equal(frame[14], 0x45);
	assert_int_equal(get16(frame + 16), length - 14);
	assert_int_equal(checksum(0, frame + 14, 20), 0);
	assert_int_equal(get16(frame + 38), length - 34);

	memcpy(pseudo, frame + 26, 8);
	pseudo[9] = 17;
	memcpy(pseudo + 10, frame + 38, 2);
	assert_int_not_equal(get16(frame + 40), 0);
	assert_int_equal(checksum((uint16_t)~checksum(0, pseudo, 12), frame + 34, length - 34), 0);
}

static void gen_frames_have_right_checksums(void **state)
{
	static const char *const wires[] = { "gen",	      "gen:size=65,flows=7",
					     "gen:size=131",  "gen:size=524",
					     "gen:size=523",  "gen:size=1518,flows=32768",
					     "gen:size=9018", "gen:size=15872" };

	for (uint32_t i = 0; i < sizeof(wires) / sizeof(wires[0]); i++) {
		bench_start(wires[i], NULL);
		while (bench.nics[0].count < 200)
			assert_true(bench_poll(0, 1) > 0);
		for (uint32_t f = 0; f < bench.nics[0].count; f++)
			check_frame(bench.nics[0].frames[f], bench.nics[0].lengths[f]);
		bench_unplug(state);
	}
}

static void gen_checksum_is_never_zero(void **state)
{
	struct gen_stream *stream = malloc(sizeof(*stream));
	uint8_t frame[60];
	uint64_t all_ones = 0;

	(void)state;
	gen_stream_init(stream, 0, 60, 1, (uint8_t[6]){ 2 }, (uint8_t[6]){ 2 });
	gen_packet_fill(stream, frame);
	for (uint64_t sequence = 0; sequence < 70000; sequence++) {
		gen_packet_number(stream, frame, 0, sequence);
		check_frame(frame, 60);
		all_ones += get16(frame + 40) == 0xFFFF;
	}
	assert_true(all_ones > 0); /* it was tried */
	free(stream);
}

static uint64_t sequence_of(uint32_t port, uint32_t i)
{
	struct gen_packet packet;

	assert_true(
		gen_packet_read(bench.nics[port].frames[i], bench.nics[port].lengths[i], &packet));
	return packet.sequence;
}

static void gen_waits_for_link_and_descriptors_and_loses_nothing(void **state)
{
	(void)state;
	bench_start("gen:count=100", NULL);
	bench.nics[0].up = false;
	assert_int_equal(bench_poll(0, 1), 0);

	bench.nics[0].up = true;
	for (uint64_t now = 2; bench.nics[0].count < 100; now++) {
		bench.nics[0].room = now % 3 ? 7 : 0;
		bench_poll(0, now);
	}
	bench.nics[0].room = 10;
	assert_int_equal(bench_poll(0, 1000), 0); /* count= */
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(sequence_of(0, i), i);
	assert_int_equal(bench_account(0)->sent, 100);
}

static void gen_at_a_rate_keeps_it_and_does_not_wait(void **state)
{
	(void)state;
	bench_start("gen:rate=10k", NULL);
	bench.nics[0].room = 600;
	for (uint64_t now = 0; now <= 100 * 1000000; now += 20000) /* a tenth of a second */
		bench_poll(0, now);
	assert_int_equal(bench_account(0)->sent, 1000);
	assert_int_equal(bench.nics[0].missed, 400);

	/* Asleep for a second: the frames of that second do not come at once. */
	bench_poll(0, 1100 * 1000000);
	bench_poll(0, 1100 * 1000000 + 1);
	assert_int_equal(bench_account(0)->sent, 1000 + WIRE_BURST);
	assert_in_range(wire_wake(bench.wires.wire[0]), 1100 * 1000000 + 1,
			1100 * 1000000 + 100000);
}

/* ---- sink ---- */

/* The next burst comes when the one before is back, and a pause is over. */
static void gen_sends_bursts_and_waits_for_them(void **state)
{
	uint64_t now = 1000000;
	struct wire_account *gen;

	(void)state;
	bench_start("gen:burst=3,gap=10", "sink");
	gen = bench_account(0);
	for (uint32_t burst = 0; burst < 100; burst++) {
		uint32_t sent = 0;

		for (uint64_t end = now + 20001; !sent && now <= end; now += 10)
			sent = bench_poll(0, now);
		assert_int_equal(sent, 3);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(bench_poll(0, now += 90000000 / 3), 0); /* still in time */
			bench_forward(1, 3 * burst + i, 1);
		}
	}
	bench_poll(0, now);
	assert_int_equal(gen->bursts, 100);
	assert_int_equal(gen->overdue, 0);
	gen->times.max = 0;
	bench.wires.wire[0]->ops->account(bench.wires.wire[0]);
	/* 90 ms, in steps of 3 %, and a bit, as time goes on while the burst starts */
	assert_in_range(gen->times.p50, 90000000, 93000000);
	assert_in_range(gen->times.p999, gen->times.p50, 93000000);
	assert_in_range(gen->times.max, 90000000, 90001000);
}

static void gen_does_not_wait_for_ever(void **state)
{
	uint64_t now = 1000000;

	(void)state;
	bench_start("gen:burst=5,gap=1,deadline=7", "sink");
	assert_int_equal(bench_poll(0, now), 5);
	assert_int_equal(bench_poll(0, now += 1000000000), 0); /* the first has time */
	assert_int_equal(bench_account(0)->overdue, 0);
	for (uint32_t i = 0; i < 5; i++)
		bench_forward(1, i, 1);
	bench_poll(0, ++now);
	assert_int_equal(bench_account(0)->bursts, 1);
	assert_int_equal(bench_poll(0, now += 2001), 5);
	bench_forward(1, 5, 1);
	bench_forward(1, 8, 1);
	assert_int_equal(bench_poll(0, now += 6999999), 0);
	assert_int_equal(bench_account(0)->overdue, 0);
	bench_poll(0, ++now);
	assert_int_equal(bench_account(0)->overdue, 3);
	assert_int_equal(bench_account(0)->bursts, 2);
	assert_int_equal(bench_poll(0, now += 2001), 5);
	for (uint32_t i = 10; i < 15; i++)
		bench_forward(1, i, 1);
	bench_poll(0, ++now);
	assert_int_equal(bench_account(0)->overdue, 3);
	assert_int_equal(bench_account(0)->bursts, 3);
}

static void sink_tells_touched_from_unchanged_and_corrupted(void **state)
{
	static const char *const gens[] = { "gen", "gen:size=67", "gen:size=1518,flows=3",
					    "gen:size=9018" };

	for (uint32_t i = 0; i < sizeof(gens) / sizeof(gens[0]); i++) {
		bench_start(gens[i], "sink");
		bench_poll(0, 1);
		struct nic *nic = &bench.nics[0];

		bench_forward(1, 0, 1);
		assert_int_equal(bench_account(1)->touched, 1);
		assert_true(wire_ok(bench.wires.wire[1]));

		bench_forward(1, 1, -1);
		assert_int_equal(bench_account(1)->unchanged, 1);
		assert_false(wire_ok(bench.wires.wire[1]));

		nic->frames[2][0]++;
		bench_forward(1, 2, 1);
		assert_int_equal(bench_account(1)->corrupted, 1);

		wire_transmit(bench.wires.wire[1], nic->frames[3], 59); /* shorter than any */
		assert_int_equal(bench_account(1)->foreign, 1);
		bench_unplug(state);
	}
}

static void sink_notices_a_change_of_any_byte(void **state)
{
	static const char *const gens[] = { "gen", "gen:size=77,flows=4", "gen:size=1200" };

	for (uint32_t g = 0; g < sizeof(gens) / sizeof(gens[0]); g++) {
		bench_start(gens[g], "sink");
		bench_poll(0, 1);
		for (uint32_t i = 0; i < bench.nics[0].lengths[0]; i++) {
			struct wire_account before = *bench_account(1);

			bench_forward(1, 0, i);
			assert_int_equal(bench_account(1)->unchanged, 0);
			assert_int_equal(
				bench_account(1)->touched + bench_account(1)->corrupted +
					bench_account(1)->foreign + bench_account(1)->stale +
					bench_account(1)->duplicates,
				before.touched + before.corrupted + before.foreign + before.stale +
					before.duplicates + 1 +
					(bench_account(1)->duplicates > before.duplicates));
		}
		bench_unplug(state);
	}
}

static void sink_notices_a_frame_made_of_two(void **state)
{
	(void)state;
	bench_start("gen:size=9018", "sink");
	bench_poll(0, 1);
	/* The second buffer of 2 KiB is another packet's. */
	memcpy(bench.nics[0].frames[0] + 2048, bench.nics[0].frames[1] + 2048, 2048);
	bench_forward(1, 0, -1);
	assert_int_equal(bench_account(1)->corrupted, 1);
}

static void sink_counts_lost_duplicated_reordered_and_late(void **state)
{
	(void)state;
	bench_start("gen:flows=2", "sink");
	while (bench.nics[0].count < 400)
		bench_poll(0, 1);

	bench_forward(1, 0, 1);
	bench_forward(1, 1, 1); /* the other flow */
	bench_forward(1, 8, 1); /* 2, 4 and 6 are missing */
	assert_int_equal(bench_account(1)->lost, 3);

	bench_forward(1, 4, 1);
	assert_int_equal(bench_account(1)->lost, 2);
	assert_int_equal(bench_account(1)->reordered, 1);

	bench_forward(1, 4, 1);
	bench_forward(1, 8, 1);
	assert_int_equal(bench_account(1)->duplicates, 2);
	assert_false(wire_ok(bench.wires.wire[1]));

	bench_forward(1, 3, 1); /* in order in its flow */
	assert_int_equal(bench_account(1)->lost, 2);
	assert_int_equal(bench_account(1)->reordered, 1);

	bench_forward(1, 8 + 2 * 64, 1); /* 63 between */
	assert_int_equal(bench_account(1)->lost, 2 + 63);
	bench_forward(1, 10, 1); /* 63 behind: known not to have come */
	assert_int_equal(bench_account(1)->reordered, 2);
	bench_forward(1, 6, 1); /* too far behind */
	assert_int_equal(bench_account(1)->late, 1);
	assert_int_equal(bench_account(1)->lost, 2 + 62);
	assert_int_equal(bench_account(1)->corrupted, 0);
}

static void sink_believes_no_sequence_number_that_was_never_used(void **state)
{
	struct gen_stream *stream = malloc(sizeof(*stream));
	uint8_t frame[60];

	(void)state;
	bench_start("gen", "sink");
	bench_poll(0, 1);
	*stream = *bench.wires.streams[0];
	gen_packet_fill(stream, frame);
	gen_packet_number(stream, frame, 0, UINT64_MAX);
	wire_transmit(bench.wires.wire[1], frame, 60);
	assert_int_equal(bench_account(1)->corrupted, 1);
	assert_int_equal(bench_account(1)->lost, 0);
	free(stream);
}

static void packets_of_an_earlier_session_are_stale(void **state)
{
	(void)state;
	bench_start("gen", "sink");
	bench_poll(0, 1);
	bench_forward(1, 0, 1);

	bench.nics[0].up = false; /* the driver is gone */
	bench_poll(0, 2);
	bench.nics[0].up = true;
	uint32_t next = bench.nics[0].count;
	bench_poll(0, 3);

	bench_forward(1, 1, 1);
	assert_int_equal(bench_account(1)->stale, 1);
	assert_false(wire_ok(bench.wires.wire[1]));
	assert_int_equal(sequence_of(0, next), 0);
	bench_forward(1, next, 1);
	assert_int_equal(bench_account(1)->touched, 2);
	assert_int_equal(bench_account(1)->duplicates, 0);
	assert_int_equal(bench_account(1)->lost, 0);
}

static void gen_verifies_like_sink(void **state)
{
	(void)state;
	bench_start("gen", "gen:touch=none");
	bench_poll(0, 1);
	bench_forward(1, 0, -1);
	assert_true(wire_ok(bench.wires.wire[1]));
	bench_forward(1, 1, 1);
	assert_int_equal(bench_account(1)->touched, 1);
	assert_false(wire_ok(bench.wires.wire[1]));
}

static void frames_of_others_are_foreign(void **state)
{
	uint8_t frame[1500] = { 0 };

	(void)state;
	bench_start("sink", NULL);
	for (size_t length = 14; length <= sizeof(frame); length += 7)
		wire_transmit(bench.wires.wire[0], frame, length);
	assert_int_equal(bench_account(0)->foreign, (sizeof(frame) - 14) / 7 + 1);
	assert_true(wire_ok(bench.wires.wire[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(gen_frames_have_right_checksums),
		TEST(gen_checksum_is_never_zero),
		TEST(gen_waits_for_link_and_descriptors_and_loses_nothing),
		TEST(gen_at_a_rate_keeps_it_and_does_not_wait),
		TEST(gen_sends_bursts_and_waits_for_them),
		TEST(gen_does_not_wait_for_ever),
		TEST(sink_tells_touched_from_unchanged_and_corrupted),
		TEST(sink_notices_a_change_of_any_byte),
		TEST(sink_notices_a_frame_made_of_two),
		TEST(sink_counts_lost_duplicated_reordered_and_late),
		TEST(sink_believes_no_sequence_number_that_was_never_used),
		TEST(packets_of_an_earlier_session_are_stale),
		TEST(gen_verifies_like_sink),
		TEST(frames_of_others_are_foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
