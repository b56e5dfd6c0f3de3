/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of the cards: printed as they come; some end the program. */
#include "options.h"

#include <ixy/event.h>

static struct ixy_watch watches[APP_DEVICES_MAX];

/* The library says why, when a card has failed or is wanted back. */
static void print_event(const struct app *app, uint32_t i, const struct ixy_event *event)
{
	if (app_json) {
		fprintf(app->out,
			"{\"type\":\"event\",\"time\":%.3f,\"event\":", app_now() - app->start);
		app_print_string(app->out, event->text);
		fputs(",\"device\":", app->out);
		app_print_string(app->out, app->args[i]);
		fputs(",\"name\":", app->out);
		app_print_string(app->out, app_card_name(i));
		fputs("}\n", app->out);
		app_flush(app->out);
	}
	if (event->kind == IXY_GONE)
		app_say("%s: the card no longer answers", app_card_name(i));
	else if (!app_json && event->kind != IXY_FAILED && event->kind != IXY_WANTED)
		app_say("%s: %s", app_card_name(i), event->text);
}

void app_events(struct app *app, uint32_t i)
{
	struct ixy_event event;

	while (ixy_next_event(app->devices[i], &watches[i], &event)) {
		print_event(app, i, &event);
		if (watches[i].ended)
			app->status = 1;
	}
}
