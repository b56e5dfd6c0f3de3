/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The wires without a card: this file plays the card. It keeps what the wire
 * delivers, and passes what it sends to the wire.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "gen_packet.h"
#include "wire.h"

/* ---- The card ---- */

#define KEPT 1024

struct nic {
	bool up;
	bool light;    /* on the cable */
	uint32_t room; /* free descriptors */
	uint32_t count, missed;
	uint32_t lengths[KEPT];
	uint8_t *frames[KEPT];
};

enum nic_verdict nic_receive(struct nic *nic, const void *frame, size_t length, unsigned int flags)
{
	assert_in_range(length, 14, NIC_FRAME_MAX);
	if (!nic->up)
		return NIC_DOWN;
	if (!nic->room) {
		nic->missed += !(flags & NIC_TRY);
		return flags & NIC_TRY ? NIC_BUSY : NIC_MISSED;
	}
	assert_true(nic->count < KEPT);
	nic->frames[nic->count] = malloc(length); /* its exact size, for the address sanitizer */
	memcpy(nic->frames[nic->count], frame, length);
	nic->lengths[nic->count++] = length;
	nic->room--;
	return NIC_TAKEN;
}

bool nic_receiving(const struct nic *nic)
{
	return nic->up;
}

void nic_set_wire(struct nic *nic, bool plugged)
{
	nic->light = plugged;
}

bool nic_link_up(const struct nic *nic)
{
	return nic->up;
}

static void forget(struct nic *nic)
{
	for (uint32_t i = 0; i < nic->count; i++)
		free(nic->frames[i]);
	nic->count = 0;
}

/* ---- The bench: up to three wires, each with a card ---- */

static struct bench {
	struct wires wires;
	struct nic nics[3];
} bench;

static int plug(const char *text)
{
	int err = wires_add(&bench.wires, text);

	if (!err) {
		uint32_t i = bench.wires.count - 1;
		struct wire *wire = bench.wires.wire[i];

		wire->nic = &bench.nics[i];
		memcpy(wire->mac, (uint8_t[]){ 2, 0, 0, 0, 0, i }, 6);
		bench.nics[i].up = true;
		bench.nics[i].room = KEPT;
	}
	return err;
}

static int unplug(void **state)
{
	(void)state;
	wires_free(&bench.wires);
	for (int i = 0; i < 3; i++)
		forget(&bench.nics[i]);
	memset(&bench, 0, sizeof(bench));
	return 0;
}

static void start(const char *first, const char *second)
{
	assert_int_equal(plug(first), 0);
	if (second)
		assert_int_equal(plug(second), 0);
	assert_int_equal(wires_start(&bench.wires), 0);
}

static struct wire_account *account(uint32_t port)
{
	return &bench.wires.wire[port]->account;
}

static uint32_t poll(uint32_t port, uint64_t now)
{
	bench.wires.now = now;
	return wire_poll(bench.wires.wire[port], now);
}

/*
 * The card of @port sends what the card of port 0 was given as its frame @i, byte @touch changed.
 */
static void forward(uint32_t port, uint32_t i, int touch)
{
	struct nic *nic = &bench.nics[0];

	assert_true(i < nic->count);
	uint8_t *frame = nic->frames[i];

	if (touch >= 0)
		frame[touch]++;
	wire_transmit(bench.wires.wire[port], frame, nic->lengths[i]);
	if (touch >= 0)
		frame[touch]--;
}

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
		start(wires[i], NULL);
		while (bench.nics[0].count < 200)
			assert_true(poll(0, 1) > 0);
		for (uint32_t f = 0; f < bench.nics[0].count; f++)
			check_frame(bench.nics[0].frames[f], bench.nics[0].lengths[f]);
		unplug(state);
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
	start("gen:count=100", NULL);
	bench.nics[0].up = false;
	assert_int_equal(poll(0, 1), 0);

	bench.nics[0].up = true;
	for (uint64_t now = 2; bench.nics[0].count < 100; now++) {
		bench.nics[0].room = now % 3 ? 7 : 0;
		poll(0, now);
	}
	bench.nics[0].room = 10;
	assert_int_equal(poll(0, 1000), 0); /* count= */
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(sequence_of(0, i), i);
	assert_int_equal(account(0)->sent, 100);
}

static void gen_at_a_rate_keeps_it_and_does_not_wait(void **state)
{
	(void)state;
	start("gen:rate=10k", NULL);
	bench.nics[0].room = 600;
	for (uint64_t now = 0; now <= 100 * 1000000; now += 20000) /* a tenth of a second */
		poll(0, now);
	assert_int_equal(account(0)->sent, 1000);
	assert_int_equal(bench.nics[0].missed, 400);

	/* Asleep for a second: the frames of that second do not come at once. */
	poll(0, 1100 * 1000000);
	poll(0, 1100 * 1000000 + 1);
	assert_int_equal(account(0)->sent, 1000 + WIRE_BURST);
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
	start("gen:burst=3,gap=10", "sink");
	gen = account(0);
	for (uint32_t burst = 0; burst < 100; burst++) {
		uint32_t sent = 0;

		for (uint64_t end = now + 20001; !sent && now <= end; now += 10)
			sent = poll(0, now);
		assert_int_equal(sent, 3);
		for (uint32_t i = 0; i < 3; i++) {
			assert_int_equal(poll(0, now += 90000000 / 3), 0); /* still in time */
			forward(1, 3 * burst + i, 1);
		}
	}
	poll(0, now);
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
	start("gen:burst=5,gap=1,deadline=7", "sink");
	assert_int_equal(poll(0, now), 5);
	assert_int_equal(poll(0, now += 1000000000), 0); /* the first has time */
	assert_int_equal(account(0)->overdue, 0);
	for (uint32_t i = 0; i < 5; i++)
		forward(1, i, 1);
	poll(0, ++now);
	assert_int_equal(account(0)->bursts, 1);
	assert_int_equal(poll(0, now += 2001), 5);
	forward(1, 5, 1);
	forward(1, 8, 1);
	assert_int_equal(poll(0, now += 6999999), 0);
	assert_int_equal(account(0)->overdue, 0);
	poll(0, ++now);
	assert_int_equal(account(0)->overdue, 3);
	assert_int_equal(account(0)->bursts, 2);
	assert_int_equal(poll(0, now += 2001), 5);
	for (uint32_t i = 10; i < 15; i++)
		forward(1, i, 1);
	poll(0, ++now);
	assert_int_equal(account(0)->overdue, 3);
	assert_int_equal(account(0)->bursts, 3);
}

static void sink_tells_touched_from_unchanged_and_corrupted(void **state)
{
	static const char *const gens[] = { "gen", "gen:size=67", "gen:size=1518,flows=3",
					    "gen:size=9018" };

	for (uint32_t i = 0; i < sizeof(gens) / sizeof(gens[0]); i++) {
		start(gens[i], "sink");
		poll(0, 1);
		struct nic *nic = &bench.nics[0];

		forward(1, 0, 1);
		assert_int_equal(account(1)->touched, 1);
		assert_true(wire_ok(bench.wires.wire[1]));

		forward(1, 1, -1);
		assert_int_equal(account(1)->unchanged, 1);
		assert_false(wire_ok(bench.wires.wire[1]));

		nic->frames[2][0]++;
		forward(1, 2, 1);
		assert_int_equal(account(1)->corrupted, 1);

		wire_transmit(bench.wires.wire[1], nic->frames[3], 59); /* shorter than any */
		assert_int_equal(account(1)->foreign, 1);
		unplug(state);
	}
}

static void sink_notices_a_change_of_any_byte(void **state)
{
	static const char *const gens[] = { "gen", "gen:size=77,flows=4", "gen:size=1200" };

	for (uint32_t g = 0; g < sizeof(gens) / sizeof(gens[0]); g++) {
		start(gens[g], "sink");
		poll(0, 1);
		for (uint32_t i = 0; i < bench.nics[0].lengths[0]; i++) {
			struct wire_account before = *account(1);

			forward(1, 0, i);
			assert_int_equal(account(1)->unchanged, 0);
			assert_int_equal(account(1)->touched + account(1)->corrupted +
						 account(1)->foreign + account(1)->stale +
						 account(1)->duplicates,
					 before.touched + before.corrupted + before.foreign +
						 before.stale + before.duplicates + 1 +
						 (account(1)->duplicates > before.duplicates));
		}
		unplug(state);
	}
}

static void sink_notices_a_frame_made_of_two(void **state)
{
	(void)state;
	start("gen:size=9018", "sink");
	poll(0, 1);
	/* The second buffer of 2 KiB is another packet's. */
	memcpy(bench.nics[0].frames[0] + 2048, bench.nics[0].frames[1] + 2048, 2048);
	forward(1, 0, -1);
	assert_int_equal(account(1)->corrupted, 1);
}

static void sink_counts_lost_duplicated_reordered_and_late(void **state)
{
	(void)state;
	start("gen:flows=2", "sink");
	while (bench.nics[0].count < 400)
		poll(0, 1);

	forward(1, 0, 1);
	forward(1, 1, 1); /* the other flow */
	forward(1, 8, 1); /* 2, 4 and 6 are missing */
	assert_int_equal(account(1)->lost, 3);

	forward(1, 4, 1);
	assert_int_equal(account(1)->lost, 2);
	assert_int_equal(account(1)->reordered, 1);

	forward(1, 4, 1);
	forward(1, 8, 1);
	assert_int_equal(account(1)->duplicates, 2);
	assert_false(wire_ok(bench.wires.wire[1]));

	forward(1, 3, 1); /* in order in its flow */
	assert_int_equal(account(1)->lost, 2);
	assert_int_equal(account(1)->reordered, 1);

	forward(1, 8 + 2 * 64, 1); /* 63 between */
	assert_int_equal(account(1)->lost, 2 + 63);
	forward(1, 10, 1); /* 63 behind: known not to have come */
	assert_int_equal(account(1)->reordered, 2);
	forward(1, 6, 1); /* too far behind */
	assert_int_equal(account(1)->late, 1);
	assert_int_equal(account(1)->lost, 2 + 62);
	assert_int_equal(account(1)->corrupted, 0);
}

static void sink_believes_no_sequence_number_that_was_never_used(void **state)
{
	struct gen_stream *stream = malloc(sizeof(*stream));
	uint8_t frame[60];

	(void)state;
	start("gen", "sink");
	poll(0, 1);
	*stream = *bench.wires.streams[0];
	gen_packet_fill(stream, frame);
	gen_packet_number(stream, frame, 0, UINT64_MAX);
	wire_transmit(bench.wires.wire[1], frame, 60);
	assert_int_equal(account(1)->corrupted, 1);
	assert_int_equal(account(1)->lost, 0);
	free(stream);
}

static void packets_of_an_earlier_session_are_stale(void **state)
{
	(void)state;
	start("gen", "sink");
	poll(0, 1);
	forward(1, 0, 1);

	bench.nics[0].up = false; /* the driver is gone */
	poll(0, 2);
	bench.nics[0].up = true;
	uint32_t next = bench.nics[0].count;
	poll(0, 3);

	forward(1, 1, 1);
	assert_int_equal(account(1)->stale, 1);
	assert_false(wire_ok(bench.wires.wire[1]));
	assert_int_equal(sequence_of(0, next), 0);
	forward(1, next, 1);
	assert_int_equal(account(1)->touched, 2);
	assert_int_equal(account(1)->duplicates, 0);
	assert_int_equal(account(1)->lost, 0);
}

static void gen_verifies_like_sink(void **state)
{
	(void)state;
	start("gen", "gen:touch=none");
	poll(0, 1);
	forward(1, 0, -1);
	assert_true(wire_ok(bench.wires.wire[1]));
	forward(1, 1, 1);
	assert_int_equal(account(1)->touched, 1);
	assert_false(wire_ok(bench.wires.wire[1]));
}

static void frames_of_others_are_foreign(void **state)
{
	uint8_t frame[1500] = { 0 };

	(void)state;
	start("sink", NULL);
	for (size_t length = 14; length <= sizeof(frame); length += 7)
		wire_transmit(bench.wires.wire[0], frame, length);
	assert_int_equal(account(0)->foreign, (sizeof(frame) - 14) / 7 + 1);
	assert_true(wire_ok(bench.wires.wire[0]));
}

/* ---- cable, loop ---- */

static void cable_carries_both_ways_and_waits_without_loss(void **state)
{
	uint8_t frame[60] = { 0 };

	(void)state;
	start("cable:x", "cable:x");
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
		assert_in_range(poll(1, 1), 1, 5);
	}
	for (uint32_t i = 0; i < sent; i++)
		assert_int_equal(bench.nics[1].frames[i][20] | bench.nics[1].frames[i][21] << 8, i);
	assert_int_equal(account(0)->dropped, 0);
	assert_true(wire_room(bench.wires.wire[0]) > 0);

	wire_transmit(bench.wires.wire[1], frame, sizeof(frame));
	assert_int_equal(bench.nics[0].count, 1);
}

static void cable_is_dark_until_the_other_end_receives(void **state)
{
	(void)state;
	start("cable", "cable");
	bench.nics[0].up = bench.nics[1].up = false;
	poll(0, 1000000000);
	assert_false(bench.nics[0].light);
	bench.nics[1].up = true;
	poll(0, 1000000001);
	assert_true(bench.nics[0].light);
	bench.nics[1].up = false; /* for a moment */
	poll(0, 1050000000);
	assert_true(bench.nics[0].light);
	poll(0, 1200000000);
	assert_false(bench.nics[0].light);
}

static void cable_survives_more_than_it_has_room_for(void **state)
{
	static uint8_t frame[NIC_FRAME_MAX + 1];

	(void)state;
	start("cable", "cable");
	bench.nics[1].room = 0;
	for (int i = 0; i < 2000; i++)
		wire_transmit(bench.wires.wire[0], frame, NIC_FRAME_MAX - i % 100);
	assert_true(account(0)->dropped > 0);
	wire_transmit(bench.wires.wire[1], frame, 13); /* not even an Ethernet header */
	wire_transmit(bench.wires.wire[1], frame, sizeof(frame));
	assert_int_equal(account(1)->dropped, 2);
	assert_int_equal(bench.nics[0].count, 0);
}

static void cable_needs_two_ends(void **state)
{
	assert_int_equal(plug("cable:a"), 0);
	assert_int_equal(plug("cable:b"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
	unplug(state);

	for (int i = 0; i < 3; i++)
		assert_int_equal(plug("cable"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
}

static void loop_returns_frames_when_polled(void **state)
{
	uint8_t frame[100] = { 1, 2, 3 };

	(void)state;
	start("loop", NULL);
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	assert_int_equal(bench.nics[0].count, 0); /* not from within the card's own call */
	assert_int_equal(poll(0, 1), 1);
	assert_int_equal(bench.nics[0].lengths[0], sizeof(frame));
	assert_memory_equal(bench.nics[0].frames[0], frame, sizeof(frame));
}

/* ---- pcap ---- */

static char folder[] = "/tmp/wires-test.XXXXXX";
static char file_in[64], file_out[64];

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(file_in, sizeof(file_in), "%s/in.pcap", folder);
	snprintf(file_out, sizeof(file_out), "%s/out.pcap", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(file_in);
	unlink(file_out);
	return rmdir(folder);
}

/* Write a capture: words in this machine's order or swapped, then raw bytes. */
static FILE *capture;
static bool capture_swapped;

static void word(uint32_t value)
{
	value = capture_swapped ? __builtin_bswap32(value) : value;
	fwrite(&value, 4, 1, capture);
}

static void capture_begin(uint32_t magic, uint32_t link, bool swapped)
{
	capture = fopen(file_in, "wb");
	capture_swapped = swapped;
	word(magic);
	word(swapped ? 4 | 2 << 16 : 2 | 4 << 16);
	word(0);
	word(0);
	word(65535);
	word(link);
}

static void capture_record(uint32_t captured, uint32_t length, uint32_t bytes)
{
	word(1);
	word(2);
	word(captured);
	word(length);
	for (uint32_t i = 0; i < bytes; i++)
		fputc(i, capture);
}

static int replay(const char *options)
{
	static char text[128];

	if (capture)
		fclose(capture);
	capture = NULL;
	snprintf(text, sizeof(text), "pcap:in=%s%s", file_in, options);
	int err = plug(text);
	if (!err)
		err = wires_start(&bench.wires);
	for (int i = 0; !err && i < 50; i++)
		poll(0, 1 + i * WIRE_DOWN_PAUSE);
	return err;
}

static void pcap_replays_all_byte_orders_and_clocks(void **state)
{
	for (int i = 0; i < 4; i++) {
		capture_begin(i & 1 ? 0xA1B2C3D4 : 0xA1B23C4D, 1, i & 2);
		capture_record(60, 60, 60);
		capture_record(1514, 1514, 1514);
		capture_record(42, 42,
			       42); /* a sender's capture of an ARP request; the wire pads */
		assert_int_equal(replay(""), 0);
		assert_int_equal(bench.nics[0].count, 3);
		assert_int_equal(bench.nics[0].lengths[1], 1514);
		assert_int_equal(bench.nics[0].lengths[2], 60);
		assert_int_equal(bench.nics[0].frames[2][41], 41);
		assert_int_equal(bench.nics[0].frames[2][42], 0);
		assert_int_equal(account(0)->sent, 3);
		unplug(state);
	}
}

static void pcap_replays_again_as_often_as_told(void **state)
{
	capture_begin(0xA1B2C3D4, 1, false);
	capture_record(60, 60, 60);
	capture_record(61, 61, 61);
	assert_int_equal(replay(",loop=5"), 0);
	assert_int_equal(bench.nics[0].count, 10);

	/* And from the beginning for the next driver. */
	bench.nics[0].up = false;
	poll(0, 1000 * WIRE_DOWN_PAUSE);
	bench.nics[0].up = true;
	assert_int_equal(poll(0, 2000 * WIRE_DOWN_PAUSE), 10);
	unplug(state);

	assert_int_equal(replay(",loop=0,rate=1k"), 0);
	for (uint64_t i = 0; i < 10; i++)
		poll(0, NS_PER_SECOND * (i + 1));
	assert_in_range(bench.nics[0].count, 10 * WIRE_BURST, 10 * WIRE_BURST + 5);
}

static void pcap_waits_for_descriptors_and_loses_nothing(void **state)
{
	(void)state;
	capture_begin(0xA1B2C3D4, 1, false);
	for (int i = 0; i < 100; i++)
		capture_record(60 + i, 60 + i, 60 + i);
	bench.nics[0].room = 0;
	assert_int_equal(replay(""), 0);
	for (int i = 0; i < 100; i++) {
		bench.nics[0].room = 3;
		poll(0, NS_PER_SECOND + i);
	}
	assert_int_equal(bench.nics[0].count, 100);
	for (uint32_t i = 0; i < 100; i++)
		assert_int_equal(bench.nics[0].lengths[i], 60 + i);
}

static void pcap_survives_damaged_records(void **state)
{
	static const struct {
		uint32_t captured, length, bytes;
		uint32_t skipped, delivered; /* of this record */
		bool ends;		     /* the replay */
	} cases[] = {
		{ 0xFFFFFFFF, 60, 60, 0, 0, true }, /* absurd length */
		{ 262145, 262145, 60, 0, 0, true }, /* just too long */
		{ 1000, 1000, 60, 0, 0, true },	    /* the file is cut */
		{ 0, 0, 0, 1, 0, false },	    /* empty frame */
		{ 13, 13, 13, 1, 0, false },	    /* no Ethernet header */
		{ 60, 1500, 60, 1, 0, false },	    /* cut by the snap length */
		{ 60, 0, 60, 0, 1, false },	    /* nonsense, but the bytes are there */
		{ NIC_FRAME_MAX, NIC_FRAME_MAX, NIC_FRAME_MAX, 0, 1, false },
		{ NIC_FRAME_MAX + 1, NIC_FRAME_MAX + 1, NIC_FRAME_MAX + 1, 1, 0, false },
	};

	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		capture_begin(0xA1B2C3D4, 1, i & 1);
		capture_record(60, 60, 60);
		capture_record(cases[i].captured, cases[i].length, cases[i].bytes);
		if (!cases[i].ends)
			capture_record(60, 60, 60);
		assert_int_equal(replay(",loop=2"), 0);
		uint32_t passes = cases[i].ends ? 1 : 2;
		assert_int_equal(account(0)->skipped, passes * cases[i].skipped);
		assert_int_equal(account(0)->broken, cases[i].ends);
		assert_int_equal(wire_ok(bench.wires.wire[0]), !cases[i].ends);
		assert_int_equal(bench.nics[0].count,
				 cases[i].ends ? 1 : 2 * (2 + cases[i].delivered));
		unplug(state);
	}
}

/* With its FCS the longest frame is longer than any frame. */
static void pcap_takes_off_the_fcs(void **state)
{
	(void)state;
	capture_begin(0xA1B2C3D4, 0x24000001, false);
	capture_record(64, 64, 64);
	capture_record(NIC_FRAME_MAX + 4, NIC_FRAME_MAX + 4, NIC_FRAME_MAX + 4);
	capture_record(NIC_FRAME_MAX + 5, NIC_FRAME_MAX + 5, NIC_FRAME_MAX + 5);
	assert_int_equal(replay(""), 0);
	assert_int_equal(account(0)->skipped, 1);
	assert_int_equal(bench.nics[0].count, 2);
	assert_int_equal(bench.nics[0].lengths[0], 60);
	assert_int_equal(bench.nics[0].lengths[1], NIC_FRAME_MAX);
}

static void pcap_refuses_what_is_no_capture(void **state)
{
	capture_begin(0x0A0D0D0A, 1, false);
	assert_int_equal(replay(""), -EINVAL);
	assert_non_null(strstr(bench.wires.error, "pcapng"));
	unplug(state);

	capture_begin(0x12345678, 1, false);
	assert_int_equal(replay(""), -EINVAL);
	unplug(state);

	capture_begin(0xA1B2C3D4, 105, true); /* IEEE 802.11 */
	assert_int_equal(replay(""), -EINVAL);
	assert_non_null(strstr(bench.wires.error, "105"));
	unplug(state);

	capture = fopen(file_in, "wb"); /* empty */
	assert_int_equal(replay(""), -EINVAL);
	unplug(state);

	/* Nothing in it, for ever: no endless loop. */
	capture_begin(0xA1B2C3D4, 1, false);
	assert_int_equal(replay(",loop=0"), 0);
	assert_int_equal(bench.nics[0].count, 0);
	unplug(state);

	assert_int_equal(plug("pcap:in=/nonexistent/file"), 0);
	assert_int_equal(wires_start(&bench.wires), -ENOENT);
	unplug(state);

	assert_int_equal(plug("pcap:in=/dev/null"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
}

static void pcap_replays_what_it_recorded(void **state)
{
	uint8_t frame[NIC_FRAME_MAX];
	char text[128];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = i * 7;
	snprintf(text, sizeof(text), "pcap:out=%s", file_out);
	start(text, NULL);
	for (uint32_t i = 60; i <= NIC_FRAME_MAX; i += 997)
		wire_transmit(bench.wires.wire[0], frame, i);
	unplug(state); /* flushes */

	snprintf(text, sizeof(text), "pcap:in=%s", file_out);
	start(text, NULL);
	poll(0, 1);
	uint32_t n = 0;
	for (uint32_t i = 60; i <= NIC_FRAME_MAX; i += 997, n++) {
		assert_int_equal(bench.nics[0].lengths[n], i);
		assert_memory_equal(bench.nics[0].frames[n], frame, i);
	}
	assert_int_equal(bench.nics[0].count, n);
}

static void pcap_recording_can_be_read_while_it_grows(void **state)
{
	uint8_t frame[60] = { 0 };
	char text[128];

	(void)state;
	snprintf(text, sizeof(text), "pcap:out=%s", file_out);
	start(text, NULL);
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	assert_true(wire_wake(bench.wires.wire[0]) != UINT64_MAX);
	poll(0, wire_wake(bench.wires.wire[0]));

	FILE *file = fopen(file_out, "rb");
	fseek(file, 0, SEEK_END);
	assert_int_equal(ftell(file), 24 + 16 + 60);
	fclose(file);
}

/* What did not get into the file is known at the end at the latest, and the wire is not ok. */
static void pcap_counts_what_a_full_disk_does_not_take(void **state)
{
	const struct rlimit full = { 24 + 5 * (16 + 60) + 30, RLIM_INFINITY };
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	uint8_t frame[60] = { 0 };
	char text[128];

	signal(SIGXFSZ, SIG_IGN);
	snprintf(text, sizeof(text), "pcap:out=%s", file_out);
	for (int written = 0; written < 2; written++) {
		start(text, NULL);
		setrlimit(RLIMIT_FSIZE, &full);
		for (int i = 0; i < 10; i++) {
			wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
			if (written) /* each by itself, as in a quiet net */
				poll(0, (i + 1) * 2 * NS_PER_SECOND);
		}
		bench.wires.wire[0]->ops->account(bench.wires.wire[0]);
		setrlimit(RLIMIT_FSIZE, &none);
		assert_int_equal(account(0)->dropped, 5);
		assert_int_equal(account(0)->broken, 1);
		assert_false(wire_ok(bench.wires.wire[0]));
		unplug(state);
	}
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
		if (plug(wrong[i]) != -EINVAL)
			fail_msg("accepted: %s", wrong[i]);
		assert_true(strlen(bench.wires.error) > 10);
		assert_null(strchr(bench.wires.error, '\n'));
		unplug(state);
	}
}

static void missing_names_are_refused_at_the_start(void **state)
{
	static const char *const wrong[] = { "tap", "pcap", "tap:mtu=1500", "pcap:rate=5" };

	for (uint32_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(plug(wrong[i]), 0);
		assert_int_equal(wires_start(&bench.wires), -EINVAL);
		unplug(state);
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
	assert_int_equal(plug("sink"), 0);
	struct wire *wire = bench.wires.wire[0];
	assert_int_equal(wire_number(wire, "n", "14k", 0, 20000, &number), 0);
	assert_int_equal(number, 14000);
	assert_int_equal(wire_number(wire, "n", "3M", 0, UINT64_MAX, &number), 0);
	assert_int_equal(number, 3000000);
	assert_int_equal(wire_number(wire, "n", "18446744073709551615", 0, UINT64_MAX, &number), 0);
	assert_true(number == UINT64_MAX);
}

#define TEST(name) cmocka_unit_test_teardown(name, unplug)

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
		TEST(cable_carries_both_ways_and_waits_without_loss),
		TEST(cable_is_dark_until_the_other_end_receives),
		TEST(cable_survives_more_than_it_has_room_for),
		TEST(cable_needs_two_ends),
		TEST(loop_returns_frames_when_polled),
		TEST(pcap_replays_all_byte_orders_and_clocks),
		TEST(pcap_replays_again_as_often_as_told),
		TEST(pcap_waits_for_descriptors_and_loses_nothing),
		TEST(pcap_survives_damaged_records),
		TEST(pcap_takes_off_the_fcs),
		TEST(pcap_refuses_what_is_no_capture),
		TEST(pcap_replays_what_it_recorded),
		TEST(pcap_recording_can_be_read_while_it_grows),
		TEST(pcap_counts_what_a_full_disk_does_not_take),
		TEST(wrong_wires_are_refused_in_one_line),
		TEST(missing_names_are_refused_at_the_start),
		TEST(too_many_wires_are_refused),
		TEST(numbers_may_have_suffixes),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
