/* SPDX-License-Identifier: BSD-2-Clause */
/* What several kinds of wire need for their options, and to say what is wrong. */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int wire_fail(struct wire *wire, int err, const char *format, ...)
{
	char *error = wire->all->error;
	size_t size = sizeof(wire->all->error);
	va_list args;

	int n = snprintf(error, size, "%s: ", wire->text);
	if (n >= 0 && (size_t)n < size) {
		va_start(args, format);
		vsnprintf(error + n, size - n, format, args);
		va_end(args);
	}
	return -err;
}

void wire_say(const struct wire *wire, const char *format, ...)
{
	va_list args;

	fprintf(stderr, "ixy-emu: port %u: ", wire->port);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	putc('\n', stderr);
}

int wire_unknown_option(struct wire *wire, const char *key)
{
	if (!key)
		return wire_fail(wire, EINVAL, "an option is KEY=VALUE; %s takes %s",
				 wire->ops->kind, wire->ops->options);
	return wire_fail(wire, EINVAL, "%s has no option \"%s\"; it takes %s", wire->ops->kind, key,
			 wire->ops->options);
}

int wire_number(struct wire *wire, const char *key, const char *value, uint64_t min, uint64_t max,
		uint64_t *number)
{
	static const struct {
		char suffix;
		uint64_t factor;
	} suffixes[] = { { 'k', 1000 }, { 'M', 1000000 }, { 'G', 1000000000 } };
	uint64_t factor = 1;
	char *end;

	errno = 0;
	*number = strtoull(value, &end, 10);
	for (uint32_t i = 0; i < sizeof(suffixes) / sizeof(suffixes[0]); i++)
		if (*end == suffixes[i].suffix && !end[1]) {
			factor = suffixes[i].factor;
			end++;
		}

	/* strtoull takes signs and white space, too. */
	if (*value < '0' || *value > '9' || *end)
		return wire_fail(wire, EINVAL, "%s=%s is no number", key, value);
	if (errno || *number > UINT64_MAX / factor || *number * factor < min ||
	    *number * factor > max)
		return wire_fail(wire, EINVAL, "%s=%s is out of range; it goes from %llu to %llu",
				 key, value, (unsigned long long)min, (unsigned long long)max);
	*number *= factor;
	return 0;
}

bool wire_mac_parse(const char *text, uint8_t mac[6])
{
	for (int i = 0; i < 6; i++) {
		unsigned int byte;
		int n = 0;

		if (sscanf(text, "%2x%n", &byte, &n) != 1 || n != 2 || text[0] == '+' ||
		    text[0] == '-')
			return false;
		mac[i] = byte;
		text += 2;
		if (*text != (i < 5 ? ':' : '\0'))
			return false;
		text += i < 5;
	}
	return !(mac[0] & 1); /* that bit says multicast */
}
