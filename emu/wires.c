/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of wire, their command line "KIND[:key=value[,key=value...]]", and what several kinds
 * need.
 */
#include "wire.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct wire_ops *const kinds[] = {
	&wire_gen_ops,	 &wire_sink_ops, &wire_loop_ops,
	&wire_cable_ops, &wire_pcap_ops, &wire_tap_ops,
};

#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

const struct wire_ops *wires_list(uint32_t i)
{
	return i < KINDS ? kinds[i] : NULL;
}

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

/* Words like "gen, sink, loop" for messages. */
static const char *kind_names(char *names, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < KINDS && n < size; i++)
		n += snprintf(names + n, size - n, "%s%s", i ? ", " : "", kinds[i]->kind);
	return names;
}

int wire_unknown_option(struct wire *wire, const char *key)
{
	if (!key)
		return wire_fail(wire, EINVAL, "an option is KEY=VALUE; %s takes %s",
				 wire->ops->kind, wire->ops->options);
	return wire_fail(wire, EINVAL, "%s has no option \"%s\"; it takes %s", wire->ops->kind, key,
			 wire->ops->options);
}

static int parse_options(struct wire *wire, char *text)
{
	char *rest = text, *word;

	while ((word = strsep(&rest, ","))) {
		char *value = strchr(word, '=');
		bool first = word == text;

		if (value)
			*value++ = '\0';
		if (!wire->ops->option)
			return wire_fail(wire, EINVAL, "%s takes no options", wire->ops->kind);
		if (value && !*value)
			return wire_fail(wire, EINVAL, "%s= is empty", word);
		if (!value && (!first || !*word))
			return wire_fail(wire, EINVAL, "\"%s\" is no KEY=VALUE", word);

		int err = wire->ops->option(wire, value ? word : NULL, value ? value : word);
		if (err)
			return err;
	}
	return 0;
}

int wires_add(struct wires *wires, const char *text)
{
	size_t length = strcspn(text, ":");
	const struct wire_ops *ops = NULL;
	char names[128];

	for (uint32_t i = 0; i < KINDS; i++)
		if (strlen(kinds[i]->kind) == length && !strncmp(kinds[i]->kind, text, length))
			ops = kinds[i];
	if (!ops) {
		snprintf(wires->error, sizeof(wires->error),
			 "%s: there is no such wire; there are %s", text,
			 kind_names(names, sizeof(names)));
		return -EINVAL;
	}
	if (wires->count == WIRES_MAX) {
		snprintf(wires->error, sizeof(wires->error),
			 "%s: one wire too many; %d are the limit", text, WIRES_MAX);
		return -EINVAL;
	}

	struct wire *wire = calloc(1, ops->size);
	char *copy = strdup(text);

	if (!wire || !copy) {
		free(wire);
		free(copy);
		snprintf(wires->error, sizeof(wires->error), "%s: out of memory", text);
		return -ENOMEM;
	}
	wire->ops = ops;
	wire->all = wires;
	wire->port = wires->count;
	wire->text = text;
	wire->fd = -1;
	wires->wire[wires->count++] = wire;

	int err = text[length] ? parse_options(wire, copy + length + 1) : 0;
	free(copy);
	return err;
}

int wires_start(struct wires *wires)
{
	for (uint32_t i = 0; i < wires->count; i++) {
		struct wire *wire = wires->wire[i];
		int err = wire->ops->start ? wire->ops->start(wire) : 0;

		if (err)
			return err;
	}
	return 0;
}

void wires_free(struct wires *wires)
{
	for (uint32_t i = 0; i < wires->count; i++) {
		struct wire *wire = wires->wire[i];

		if (wire->ops->stop)
			wire->ops->stop(wire);
		free(wire);
	}
	wires->count = 0;
}

bool wire_ok(const struct wire *wire)
{
	const struct wire_account *account = &wire->account;

	if (account->broken)
		return false;
	if (wire->touch == TOUCH_REQUIRED && account->unchanged)
		return false;
	if (wire->touch == TOUCH_NONE && account->touched)
		return false;
	return !account->corrupted && !account->stale && !account->duplicates;
}

/* ---- Values of options ---- */

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

/* ---- Rates ---- */

void wire_rate_start(struct wire_rate *rate, uint64_t now)
{
	rate->last = now;
	rate->credit = 0;
}

uint32_t wire_rate_due(struct wire_rate *rate, uint64_t now)
{
	if (!rate->per_second)
		return WIRE_BURST;

	uint64_t passed = now - rate->last;
	uint64_t limit = rate->per_second * 20000; /* what is due in 20 us */

	if (passed > NS_PER_SECOND)
		passed = NS_PER_SECOND;
	if (limit < WIRE_BURST * NS_PER_SECOND)
		limit = WIRE_BURST * NS_PER_SECOND;
	rate->last = now;
	rate->credit += passed * rate->per_second;
	if (rate->credit > limit)
		rate->credit = limit;

	uint64_t due = rate->credit / NS_PER_SECOND;
	return due < WIRE_BURST ? due : WIRE_BURST;
}

void wire_rate_spend(struct wire_rate *rate, uint32_t frames)
{
	if (rate->per_second)
		rate->credit -= frames * NS_PER_SECOND;
}

uint64_t wire_rate_wake(const struct wire_rate *rate)
{
	if (!rate->per_second)
		return UINT64_MAX;
	if (rate->credit >= NS_PER_SECOND)
		return rate->last;
	return rate->last +
	       (NS_PER_SECOND - rate->credit + rate->per_second - 1) / rate->per_second;
}
