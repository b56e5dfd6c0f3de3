/* SPDX-License-Identifier: BSD-2-Clause */
/* What all programs print; see output.h. */
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const char *app_program = "ixy";

static bool json;	 /* messages are */
static int write_failed; /* errno of the first output that could not be written */

bool app_flush(FILE *out)
{
	if (!fflush(out) && !ferror(out))
		return true;
	write_failed = write_failed ?: errno ?: EIO;
	return false;
}

bool app_finish(FILE *out, const char *name)
{
	bool good = app_flush(out);

	if (fclose(out) && errno != EBADF) { /* some file systems tell only now */
		write_failed = write_failed ?: errno;
		good = false;
	}
	if (good || write_failed == EPIPE) /* a reader that has seen enough is no error */
		return true;
	app_say("cannot write %s: %s", name, strerror(write_failed));
	return false;
}

static void finish(void)
{
	if (!app_finish(stdout, "standard output"))
		_exit(1);
}

void app_start(char **argv)
{
	const char *slash = strrchr(argv[0], '/');
	int fd;

	app_program = slash ? slash + 1 : argv[0];
	do /* the lowest free one; reading from 1 or writing to 0 fails, as if it were still closed */
		fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
	atexit(finish);
}

void app_say_json(void)
{
	json = true;
}

void app_say(const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	flockfile(stderr);
	if (json) {
		fputs("{\"type\":\"message\",\"text\":", stderr);
		app_print_string(stderr, text);
		fputs("}\n", stderr);
	} else {
		fprintf(stderr, "%s: %s\n", app_program, text);
	}
	funlockfile(stderr);
}

void app_print_words(FILE *out, int column, int indent, const char *text)
{
	for (bool first = true; *text; first = false) {
		int length = strcspn(text, " \n");

		if (column > indent && column + !first + length > APP_COLUMNS) {
			fprintf(out, "\n%*s", indent, "");
			column = indent;
		} else if (!first) {
			putc(' ', out);
			column++;
		}
		fprintf(out, "%.*s", length, text);
		column += length;
		text += length;
		text += strspn(text, " \n");
	}
	putc('\n', out);
}

/* Return: the length of the UTF-8 character at @text, 0 if it is none (RFC 3629, section 4). */
static int utf8_length(const unsigned char *text)
{
	/* The first byte, and the limits of the second; the others are 80 to BF. */
	static const struct {
		unsigned char first, last, low, high, length;
	} forms[] = {
		{ 0x01, 0x7F, 0x00, 0xFF, 1 }, { 0xC2, 0xDF, 0x80, 0xBF, 2 },
		{ 0xE0, 0xE0, 0xA0, 0xBF, 3 }, { 0xE1, 0xEC, 0x80, 0xBF, 3 },
		{ 0xED, 0xED, 0x80, 0x9F, 3 }, { 0xEE, 0xEF, 0x80, 0xBF, 3 },
		{ 0xF0, 0xF0, 0x90, 0xBF, 4 }, { 0xF1, 0xF3, 0x80, 0xBF, 4 },
		{ 0xF4, 0xF4, 0x80, 0x8F, 4 },
	};

	for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		if (*text < forms[i].first || *text > forms[i].last)
			continue;
		if (text[1] < forms[i].low || text[1] > forms[i].high)
			return 0;
		for (int more = 2; more < forms[i].length; more++)
			if (text[more] < 0x80 || text[more] > 0xBF)
				return 0;
		return forms[i].length;
	}
	return 0;
}

void app_print_string(FILE *out, const char *text)
{
	putc('"', out);
	while (*text) {
		int length = utf8_length((const unsigned char *)text);

		if (!length)
			fputs("\\ufffd", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else if (length == 1 && *text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			fwrite(text, length, 1, out);
		text += length ?: 1;
	}
	putc('"', out);
}

const char *app_scaled(char text[APP_RATE_SIZE], double value, const char *unit)
{
	const char *prefix = " kMGTPE"; /* powers of 1000 */

	for (; value >= 999.95 && prefix[1]; prefix++)
		value /= 1000;
	const int decimals = value == 0 ? 0 : value < 9.9995 ? 3 : value < 99.995 ? 2 : 1;
	snprintf(text, APP_RATE_SIZE, "%5.*f %c%s", decimals, value, *prefix, unit);
	return text;
}

const char *app_grouped(char text[32], uint64_t number)
{
	char *c = text + 31;
	int digits = 0;

	*c = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--c = ',';
		*--c = '0' + number % 10;
		digits++;
	} while (number /= 10);
	return c;
}

uint64_t app_wire_bits(uint64_t frames, uint64_t bytes)
{
	return (bytes + frames * 24) * 8;
}

void app_print_rate(FILE *out, uint64_t frames, uint64_t bytes, double seconds)
{
	char pps[APP_RATE_SIZE], bits[APP_RATE_SIZE];

	fprintf(out, "%s %s", app_scaled(pps, frames / seconds, "pps"),
		app_scaled(bits, app_wire_bits(frames, bytes) / seconds, "bit/s"));
}
