/* SPDX-License-Identifier: BSD-2-Clause */
/* pcap: captures replayed and recorded. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/resource.h>

#include "wire_bench.h"

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
	int err = bench_plug(text);
	if (!err)
		err = wires_start(&bench.wires);
	for (int i = 0; !err && i < 50; i++)
		bench_poll(0, 1 + i * WIRE_DOWN_PAUSE);
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
		assert_int_equal(bench_account(0)->sent, 3);
		bench_unplug(state);
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
	bench_poll(0, 1000 * WIRE_DOWN_PAUSE);
	bench.nics[0].up = true;
	assert_int_equal(bench_poll(0, 2000 * WIRE_DOWN_PAUSE), 10);
	bench_unplug(state);

	assert_int_equal(replay(",loop=0,rate=1k"), 0);
	for (uint64_t i = 0; i < 10; i++)
		bench_poll(0, NS_PER_SECOND * (i + 1));
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
		bench_poll(0, NS_PER_SECOND + i);
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
		assert_int_equal(bench_account(0)->skipped, passes * cases[i].skipped);
		assert_int_equal(bench_account(0)->broken, cases[i].ends);
		assert_int_equal(wire_ok(bench.wires.wire[0]), !cases[i].ends);
		assert_int_equal(bench.nics[0].count,
				 cases[i].ends ? 1 : 2 * (2 + cases[i].delivered));
		bench_unplug(state);
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
	assert_int_equal(bench_account(0)->skipped, 1);
	assert_int_equal(bench.nics[0].count, 2);
	assert_int_equal(bench.nics[0].lengths[0], 60);
	assert_int_equal(bench.nics[0].lengths[1], NIC_FRAME_MAX);
}

static void pcap_refuses_what_is_no_capture(void **state)
{
	capture_begin(0x0A0D0D0A, 1, false);
	assert_int_equal(replay(""), -EINVAL);
	assert_non_null(strstr(bench.wires.error, "pcapng"));
	bench_unplug(state);

	capture_begin(0x12345678, 1, false);
	assert_int_equal(replay(""), -EINVAL);
	bench_unplug(state);

	capture_begin(0xA1B2C3D4, 105, true); /* IEEE 802.11 */
	assert_int_equal(replay(""), -EINVAL);
	assert_non_null(strstr(bench.wires.error, "105"));
	bench_unplug(state);

	capture = fopen(file_in, "wb"); /* empty */
	assert_int_equal(replay(""), -EINVAL);
	bench_unplug(state);

	/* Nothing in it, for ever: no endless loop. */
	capture_begin(0xA1B2C3D4, 1, false);
	assert_int_equal(replay(",loop=0"), 0);
	assert_int_equal(bench.nics[0].count, 0);
	bench_unplug(state);

	assert_int_equal(bench_plug("pcap:in=/nonexistent/file"), 0);
	assert_int_equal(wires_start(&bench.wires), -ENOENT);
	bench_unplug(state);

	assert_int_equal(bench_plug("pcap:in=/dev/null"), 0);
	assert_int_equal(wires_start(&bench.wires), -EINVAL);
}

static void pcap_replays_what_it_recorded(void **state)
{
	uint8_t frame[NIC_FRAME_MAX];
	char text[128];

	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = i * 7;
	snprintf(text, sizeof(text), "pcap:out=%s", file_out);
	bench_start(text, NULL);
	for (uint32_t i = 60; i <= NIC_FRAME_MAX; i += 997)
		wire_transmit(bench.wires.wire[0], frame, i);
	bench_unplug(state); /* flushes */

	snprintf(text, sizeof(text), "pcap:in=%s", file_out);
	bench_start(text, NULL);
	bench_poll(0, 1);
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
	bench_start(text, NULL);
	wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
	assert_true(wire_wake(bench.wires.wire[0]) != UINT64_MAX);
	bench_poll(0, wire_wake(bench.wires.wire[0]));

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
		bench_start(text, NULL);
		setrlimit(RLIMIT_FSIZE, &full);
		for (int i = 0; i < 10; i++) {
			wire_transmit(bench.wires.wire[0], frame, sizeof(frame));
			if (written) /* each by itself, as in a quiet net */
				bench_poll(0, (i + 1) * 2 * NS_PER_SECOND);
		}
		bench.wires.wire[0]->ops->account(bench.wires.wire[0]);
		setrlimit(RLIMIT_FSIZE, &none);
		assert_int_equal(bench_account(0)->dropped, 5);
		assert_int_equal(bench_account(0)->broken, 1);
		assert_false(wire_ok(bench.wires.wire[0]));
		bench_unplug(state);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(pcap_replays_all_byte_orders_and_clocks),
		TEST(pcap_replays_again_as_often_as_told),
		TEST(pcap_waits_for_descriptors_and_loses_nothing),
		TEST(pcap_survives_damaged_records),
		TEST(pcap_takes_off_the_fcs),
		TEST(pcap_refuses_what_is_no_capture),
		TEST(pcap_replays_what_it_recorded),
		TEST(pcap_recording_can_be_read_while_it_grows),
		TEST(pcap_counts_what_a_full_disk_does_not_take),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
