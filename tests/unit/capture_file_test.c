/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files: what is read, what is skipped, what is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "capture.h"

#define MICRO	 0xA1B2C3D4u
#define ETHERNET 1
#define FCS_4	 0x24000000u /* the FCS has 2 times 16 bits */
#define LONGEST	 1518

static char folder[] = "/tmp/capture-test.XXXXXX", path[64];
static FILE *file;
static bool swapped;
static struct capture_reader reader;

static int make_folder(void **state)
{
	(void)state;
	if (!mkdtemp(folder))
		return -1;
	snprintf(path, sizeof(path), "%s/file", folder);
	return 0;
}

static int remove_folder(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(folder);
}

static int end(void **state)
{
	(void)state;
	capture_close(&reader);
	return 0;
}

static void word(uint32_t value)
{
	value = swapped ? __builtin_bswap32(value) : value;
	fwrite(&value, 4, 1, file);
}

static void begin(uint32_t link)
{
	file = fopen(path, "wb");
	word(MICRO);
	word(swapped ? 4 | 2 << 16 : 2 | 4 << 16);
	word(0);
	word(0);
	word(65535);
	word(link);
}

/* Bytes 0, 1, 2, ... */
static void record(uint32_t captured, uint32_t length)
{
	word(1);
	word(2);
	word(captured);
	word(length);
	for (uint32_t i = 0; i < captured; i++)
		fputc(i, file);
}

static void open_reader(int result)
{
	if (file)
		fclose(file);
	file = NULL;
	capture_close(&reader);
	reader.longest = LONGEST;
	assert_int_equal(capture_open(&reader, path), result);
}

/* The next frame has @length bytes, 0, 1, 2, ... */
static void next(int length)
{
	uint8_t *frame;

	assert_int_equal(capture_next(&reader, &frame), length);
	for (int i = 0; i < length; i++)
		assert_int_equal(frame[i], (uint8_t)i);
}

static void fcs_is_taken_off_as_the_link_type_says(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		swapped = i;
		begin(ETHERNET | FCS_4);
		record(64, 64);
		record(LONGEST + 4, LONGEST + 4); /* the limit is for what is left */
		record(LONGEST + 5, LONGEST + 5);
		record(60, 64); /* the snap length has cut off the FCS alone */
		record(59, 64);
		record(18, 18);
		record(17, 17);
		open_reader(0);
		next(60);
		next(LONGEST);
		next(60);
		next(14);
		next(0);
		assert_int_equal(reader.too_long, 1);
		assert_int_equal(reader.cut, 1);
		assert_int_equal(reader.too_short, 1);

		begin(ETHERNET | 2u << 28); /* a length that is not known to be right */
		record(64, 64);
		open_reader(0);
		next(64);
	}
	swapped = false;
}

/* With its FCS the longest record is longer than any frame. */
static void longest_records_fit(void **state)
{
	(void)state;
	begin(ETHERNET | 0xF4000000u);
	record(CAPTURE_FRAME_MAX, CAPTURE_FRAME_MAX);
	record(60, 60);
	record(CAPTURE_FRAME_MAX + 1, CAPTURE_FRAME_MAX + 1);
	open_reader(0);
	next(30);
	assert_int_equal(reader.too_long_max, CAPTURE_FRAME_MAX - 30);
	next(-EINVAL);
	assert_non_null(strstr(reader.message, "damaged at byte"));
}

static void skipped_frames_are_counted_and_told(void **state)
{
	(void)state;
	begin(ETHERNET);
	record(60, 60);
	open_reader(0);
	next(60);
	next(0);
	assert_null(capture_skipped(&reader));

	begin(ETHERNET);
	record(96, 1400);     /* cut */
	record(14000, 14000); /* from a card that segments */
	record(65549, 65549); /* from the loopback interface */
	record(0, 0);
	record(60, 60);
	record(60, 0); /* nonsense, but the bytes are there */
	open_reader(0);
	next(60);
	next(60);
	next(0);
	assert_int_equal(reader.records, 6);
	assert_int_equal(reader.cut, 1);
	assert_int_equal(reader.too_long, 2);
	assert_int_equal(reader.too_short, 1);
	assert_int_equal(reader.too_long_max, 65549);
	const char *text = capture_skipped(&reader);
	assert_non_null(strstr(text, "4 of 6 packets skipped"));
	assert_non_null(strstr(text, "1 cut by"));
	assert_non_null(strstr(text, "2 too long"));
	assert_non_null(strstr(text, "65549"));
	assert_null(strchr(text, '\n'));
}

/* A file that ends too early says so, wherever it ends, also in a record that would be skipped. */
static void cut_files_are_damaged(void **state)
{
	(void)state;
	for (long size = 24; size <= 24 + 16 + 60 + 16 + 2000; size++) {
		begin(ETHERNET);
		record(60, 60);
		record(2000, 2000);
		fclose(file);
		file = NULL;
		assert_int_equal(truncate(path, size), 0);
		open_reader(0);
		if (size >= 24 + 16 + 60)
			next(60);
		next(size == 24 || size == 24 + 16 + 60 || size == 24 + 16 + 60 + 16 + 2000
			     ? 0
			     : -EINVAL);
		next(0);
	}
}

static void other_files_are_refused_with_advice(void **state)
{
	static const struct {
		uint8_t bytes[4];
		const char *advice;
	} cases[] = {
		{ { 0x0A, 0x0D, 0x0D, 0x0A }, "tcpdump -r '%s' -w converted.pcap" },
		{ { 0x1F, 0x8B, 8, 0 }, "gunzip <'%s' >unpacked.pcap" },
		{ { 1, 2, 3, 4 }, "%s is no pcap file" },
	};
	char advice[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t size = 4; size <= 100; size += 96) {
			file = fopen(path, "wb");
			fwrite(cases[i].bytes, 1, 4, file);
			for (size_t n = 4; n < size; n++)
				fputc(0, file);
			open_reader(-EINVAL);
			snprintf(advice, sizeof(advice), cases[i].advice, path);
			assert_non_null(strstr(reader.message, advice));
		}

	begin(105); /* IEEE 802.11 */
	open_reader(-EINVAL);
	assert_non_null(strstr(reader.message, "105"));

	capture_close(&reader);
	assert_int_equal(capture_open(&reader, folder), -EISDIR);
	capture_close(&reader);
	assert_int_equal(capture_open(&reader, "/nonexistent/file"), -ENOENT);
}

static void pipes_can_be_read_twice(void **state)
{
	char bytes[24 + 2 * 76];
	int ends[2];

	(void)state;
	begin(ETHERNET);
	record(60, 60);
	record(60, 61);
	fclose(file);
	file = fopen(path, "rb");
	assert_int_equal(fread(bytes, 1, sizeof(bytes), file), sizeof(bytes));
	fclose(file);
	file = NULL;

	assert_int_equal(pipe(ends), 0);
	assert_int_equal(write(ends[1], bytes, sizeof(bytes)), sizeof(bytes));
	close(ends[1]);
	char name[32];
	snprintf(name, sizeof(name), "/dev/fd/%d", ends[0]);
	capture_close(&reader);
	reader.longest = LONGEST;
	assert_int_equal(capture_open(&reader, name), 0);
	close(ends[0]);
	for (int i = 0; i < 2; i++) {
		next(60);
		next(0);
		assert_int_equal(capture_rewind(&reader), 0);
	}
	assert_int_equal(reader.records, 4);
	assert_int_equal(reader.cut, 2);
}

/* ---- Writing ---- */

static uint64_t frames_in_file(void)
{
	uint64_t frames = 0;
	uint8_t *frame;
	int length;

	open_reader(0);
	while ((length = capture_next(&reader, &frame)) > 0)
		frames++;
	assert_int_equal(length, 0); /* whole to the end */
	return frames;
}

static void what_is_written_can_be_read(void **state)
{
	struct capture_writer writer;
	uint8_t frame[1000];

	(void)state;
	for (size_t i = 0; i < sizeof(frame); i++)
		frame[i] = i;
	assert_int_equal(capture_create(&writer, path, 1000), 0);
	for (uint32_t i = 14; i <= 1000; i++)
		assert_int_equal(capture_write(&writer, i * 1000000001ull, frame, i, i), 0);
	assert_int_equal(capture_write(&writer, 0, frame, 96, 1000), 0); /* a snap length */
	assert_int_equal(capture_finish(&writer), 0);
	assert_int_equal(writer.packets, 988);
	assert_int_equal(writer.pending, 0);
	assert_int_equal(capture_finish(&writer), 0);

	open_reader(0);
	for (int i = 14; i <= 1000; i++)
		next(i);
	next(0);
	assert_int_equal(reader.cut, 1);
}

/* The disk is full after any number of bytes: no half packet is left, and each is either in the file or counted as lost. */
static void full_disk_leaves_whole_packets(void **state)
{
	const struct rlimit none = { RLIM_INFINITY, RLIM_INFINITY };
	struct capture_writer writer;
	uint8_t frame[1000] = { 0 };

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	for (rlim_t size = 24; size < 24 + 3 * 1016; size += 100) {
		struct rlimit limit = { size, RLIM_INFINITY };
		uint64_t sent = 0;
		int err = 0;

		setrlimit(RLIMIT_FSIZE, &limit);
		assert_int_equal(capture_create(&writer, path, 65535), 0);
		for (; !err && sent < 10; sent++)
			err = capture_write(&writer, 0, frame, 1000, 1000)
				      ?: capture_flush(&writer);
		assert_int_equal(err, -EFBIG);
		assert_non_null(strstr(writer.message, path));
		capture_finish(&writer);
		setrlimit(RLIMIT_FSIZE, &none);
		assert_int_equal(writer.packets, (size - 24) / 1016);
		assert_int_equal(writer.packets + writer.pending, sent);
		assert_int_equal(frames_in_file(), writer.packets);
	}

	/* Not before the buffer is written does anybody notice; then it is the last call that tells. */
	struct rlimit limit = { 2000, RLIM_INFINITY };
	setrlimit(RLIMIT_FSIZE, &limit);
	assert_int_equal(capture_create(&writer, path, 65535), 0);
	for (int i = 0; i < 5; i++)
		assert_int_equal(capture_write(&writer, 0, frame, 1000, 1000), 0);
	assert_int_equal(capture_finish(&writer), -EFBIG);
	setrlimit(RLIMIT_FSIZE, &none);
	assert_int_equal(writer.packets, 1);
	assert_int_equal(writer.pending, 4);
	assert_int_equal(frames_in_file(), 1);

	assert_int_equal(capture_create(&writer, "/dev/full", 65535), -ENOSPC);
	capture_finish(&writer);
}

/* More than the buffer holds goes out by itself. */
static void buffer_is_written_when_it_is_full(void **state)
{
	static uint8_t frame[CAPTURE_FRAME_MAX];
	struct capture_writer writer;
	struct stat st;

	(void)state;
	assert_int_equal(capture_create(&writer, path, CAPTURE_FRAME_MAX), 0);
	for (int i = 0; i < 100; i++)
		assert_int_equal(capture_write(&writer, 0, frame, sizeof(frame), sizeof(frame)), 0);
	assert_true(writer.packets > 90);
	assert_int_equal(writer.packets + writer.pending, 100);
	assert_int_equal(capture_finish(&writer), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_size, 24 + 100 * (16 + sizeof(frame)));
}

#define TEST(name) cmocka_unit_test_teardown(name, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(fcs_is_taken_off_as_the_link_type_says),
		TEST(longest_records_fit),
		TEST(skipped_frames_are_counted_and_told),
		TEST(cut_files_are_damaged),
		TEST(other_files_are_refused_with_advice),
		TEST(pipes_can_be_read_twice),
		TEST(what_is_written_can_be_read),
		TEST(full_disk_leaves_whole_packets),
		TEST(buffer_is_written_when_it_is_full),
	};

	return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
