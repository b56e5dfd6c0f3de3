/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kinds of wire, and their command line "KIND[:key=value[,key=value...]]".
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

/* Words like "gen, sink, loop" for messages. */
static const char *kind_names(char *names, size_t size)
{
	size_t n = 0;

	for (uint32_t i = 0; i < KINDS && n < size; i++)
		n += snprintf(names + n, size - n, "%s%s", i ? ", " : "", kinds[i]->kind);
	return names;
}

static int parse_wire_options(struct wire *wire, char *text)
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

	int err = text[length] ? parse_wire_options(wire, copy + length + 1) : 0;
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
