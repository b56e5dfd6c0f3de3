/* SPDX-License-Identifier: BSD-2-Clause */
/* Short names of cards, for people: an address may be a hundred characters long. */
#include "options.h"

#include <ctype.h>
#include <string.h>

static char names[APP_DEVICES_MAX][APP_NAME_SIZE];

/* "0000:03:00.0" of "sysfs:0000:03:00.0,force", "nic0" of "vfio-user:/tmp/cards/nic0.sock". */
void app_short_name(char name[APP_NAME_SIZE], const char *address)
{
	static const char hex[] = "0123456789abcdefABCDEF";
	const char *begin = address, *slash = strrchr(address, '/');
	char text[256];

	/* What begins a PCI address, up to the colon, is hexadecimal; the name of a backend is not. */
	if (begin[strspn(begin, hex)] != ':')
		begin += begin[strcspn(begin, ":")] ? strcspn(begin, ":") + 1 : 0;
	if (slash && slash[1])
		begin = slash + 1;
	snprintf(text, sizeof(text), "%s", begin);
	text[strcspn(text, ",")] = '\0';
	char *dot = strrchr(text, '.');
	if (slash && dot > text)
		*dot = '\0';

	for (char *c = text; *c; c++)
		if (!isascii(*c) || !isgraph(*c))
			*c = '?'; /* of any width, or none */
	/* The end tells more than the beginning. */
	const size_t length = strlen(text), room = APP_NAME_SIZE - 1;
	if (length <= room)
		strcpy(name, text);
	else
		snprintf(name, APP_NAME_SIZE, "..%s", text + length - (room - 2));
}

void app_name_cards(const struct app *app)
{
	bool same = false;

	for (uint32_t i = 0; i < app->device_count; i++) {
		app_short_name(names[i], app->args[i]);
		for (uint32_t j = 0; j < i; j++)
			same |= !strcmp(names[i], names[j]);
	}
	for (uint32_t i = 0; same && i < app->device_count; i++) {
		char *name = names[i];
		if (strlen(name) > APP_NAME_SIZE - 3)
			name += 2;
		memmove(names[i] + 2, name, strlen(name) + 1);
		names[i][0] = 'A' + i; /* as --help calls them */
		names[i][1] = ':';
	}
}

const char *app_card_name(uint32_t i)
{
	return names[i];
}
