/* SPDX-License-Identifier: BSD-2-Clause */
/* What programs print: rates, names of cards, JSON strings, lines of words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app/options.h"

static void rates_have_four_digits_and_the_same_width(void **state)
{
	static const struct {
		double value;
		const char *text;
	} cases[] = {
		{ 0, "    0  pps" },	    { 0.25, "0.250  pps" },   { 1, "1.000  pps" },
		{ 42, "42.00  pps" },	    { 999.9, "999.9  pps" },  { 999.96, "1.000 kpps" },
		{ 1000, "1.000 kpps" },	    { 9999.6, "10.00 kpps" }, { 12345, "12.35 kpps" },
		{ 99996, "100.0 kpps" },    { 999949, "999.9 kpps" }, { 999951, "1.000 Mpps" },
		{ 14880952, "14.88 Mpps" }, { 1.5e9, "1.500 Gpps" },  { 1e12, "1.000 Tpps" },
	};
	char text[APP_RATE_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		assert_string_equal(app_scaled(text, cases[i].value, "pps"), cases[i].text);
	assert_string_equal(app_scaled(text, 1e10, "bit/s"), "10.00 Gbit/s");
}

static void counts_are_grouped(void **state)
{
	char text[32];

	(void)state;
	assert_string_equal(app_grouped(text, 0), "0");
	assert_string_equal(app_grouped(text, 999), "999");
	assert_string_equal(app_grouped(text, 1000), "1,000");
	assert_string_equal(app_grouped(text, UINT64_MAX), "18,446,744,073,709,551,615");
}

static void the_wire_carries_24_bytes_more_than_each_frame(void **state)
{
	(void)state;
	/* 64 bytes with CRC at line rate */
	assert_int_equal(app_wire_bits(14880952, 14880952 * 60ull), 9999999744);
}

static void names_are_short(void **state)
{
	static const struct {
		const char *address, *name;
	} cases[] = {
		{ "0000:03:00.0", "0000:03:00.0" },
		{ "10000:e1:00.0", "10000:e1:00.0" },
		{ "03:00.0", "03:00.0" },
		{ "sysfs:0000:03:00.0", "0000:03:00.0" },
		{ "sysfs:0000:03:00.0,force", "0000:03:00.0" },
		{ "0000:03:00.0,option=1", "0000:03:00.0" },
		{ "vfio-user:/tmp/cards/nic0.sock", "nic0" },
		{ "vfio-user:nic0.sock", "nic0.sock" },
		{ "vfio-user:./nic0.sock", "nic0" },
		{ "vhost-user:/var/run/vhost.1.sock,split", "vhost.1" },
		{ "vhost-user:/var/run/.hidden", ".hidden" },
		{ "enp3s0f0", "enp3s0f0" },
		{ "vfio-user:/tmp/a-very-long-name-of-a-socket-7.sock", "..-of-a-socket-7" },
		{ "vfio-user:/tmp/two lines\n\xc3\xa9.sock", "two?lines???" },
		{ "vfio-user:/tmp/", "/tmp/" },
		{ "vfio-user:", "" },
		{ "", "" },
	};
	char name[APP_NAME_SIZE];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		app_short_name(name, cases[i].address);
		assert_string_equal(name, cases[i].name);
	}
}

static void names_differ(void **state)
{
	static const struct {
		char *args[2];
		const char *names[2];
	} cases[] = {
		{ { "vfio-user:/a/nic0.sock", "vfio-user:/a/nic1.sock" }, { "nic0", "nic1" } },
		{ { "vfio-user:/a/nic0.sock", "vfio-user:/b/nic0.sock" }, { "A:nic0", "B:nic0" } },
		{ { "vfio-user:/a/0123456789abcdef.sock", "vfio-user:/b/0123456789abcdef.sock" },
		  { "A:23456789abcdef", "B:23456789abcdef" } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct app app = { .args = (char **)cases[i].args, .device_count = 2 };
		app_name_cards(&app);
		assert_string_equal(app_card_name(0), cases[i].names[0]);
		assert_string_equal(app_card_name(1), cases[i].names[1]);
	}
}

/* Return: what @print has printed of @text; to be freed. */
static char *printed(void (*print)(FILE *out, const char *text), const char *text)
{
	char *all = NULL;
	size_t size;
	FILE *out = open_memstream(&all, &size);

	assert_non_null(out);
	print(out, text);
	assert_int_equal(fclose(out), 0);
	return all;
}

static void json_strings_are_valid_utf8(void **state)
{
	static const struct {
		const char *text, *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a\"b\\c", "\"a\\\"b\\\\c\"" },
		{ "\x01\n\x7f", "\"\\u0001\\u000a\x7f\"" },
		{ "\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80",
		  "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"" },
		{ "\xff", "\"\\ufffd\"" },
		{ "\xc3", "\"\\ufffd\"" },			 /* cut */
		{ "\xe2\x82", "\"\\ufffd\\ufffd\"" },		 /* cut */
		{ "\xc0\xaf", "\"\\ufffd\\ufffd\"" },		 /* longer than it need be */
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" }, /* a surrogate */
		{ "\xf4\x90\x80\x80", "\"\\ufffd\\ufffd\\ufffd\\ufffd\"" }, /* above U+10FFFF */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		char *json = printed(app_print_string, cases[i].text);
		assert_string_equal(json, cases[i].json);
		free(json);
	}
}

static void print_indented(FILE *out, const char *text)
{
	app_print_words(out, fprintf(out, "%70s", ""), 4, text);
}

static void words_go_on_in_the_next_line(void **state)
{
	char expected[256];

	(void)state;
	snprintf(expected, sizeof(expected), "%70s01234 6789\n    new line\n", "");
	char *text = printed(print_indented, "01234 6789 new\nline");
	assert_string_equal(text, expected);
	free(text);
	/* One that is too long for any line stays whole. */
	snprintf(expected, sizeof(expected), "%70s\n    %090d\n    end\n", "", 0);
	char word[100];
	snprintf(word, sizeof(word), "%090d end", 0);
	text = printed(print_indented, word);
	assert_string_equal(text, expected);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates_have_four_digits_and_the_same_width),
		cmocka_unit_test(counts_are_grouped),
		cmocka_unit_test(the_wire_carries_24_bytes_more_than_each_frame),
		cmocka_unit_test(names_are_short),
		cmocka_unit_test(names_differ),
		cmocka_unit_test(json_strings_are_valid_utf8),
		cmocka_unit_test(words_go_on_in_the_next_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
