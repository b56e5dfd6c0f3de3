/* SPDX-License-Identifier: BSD-2-Clause */
/* Sleeping while nothing arrives (--interrupts), and what happens to cards. */
#include "options.h"

#include <ixy/event.h>
#include <ixy/interrupt.h>

#include <sched.h>

/*
 * To go on polling for so long after the last packet. To sleep and to be woken up costs some
 * microseconds, and packets of the same burst come sooner.
 */
#define POLL_ON 50e-6

static struct ixy_interrupts interrupts[APP_DEVICES_MAX];
static struct ixy_watch watches[APP_DEVICES_MAX];
static struct ixy_wait waits[IXY_WAIT_MAX];
static uint32_t wait_count;

static void watch_queues(struct app *app, uint32_t i)
{
	for (uint16_t q = 0; q < app->devices[i]->config.rx_queues; q++) {
		if (wait_count == IXY_WAIT_MAX) {
			fprintf(stderr,
				"%s: one thread can wait for %d queues; try less --queues\n",
				app->args[i], IXY_WAIT_MAX);
			app->status = 1;
			return;
		}
		waits[wait_count++] = (struct ixy_wait){ &interrupts[i], q, q, q == 0 };
	}
}

void app_watch(struct app *app)
{
	struct ixy_interrupt_config config = { .throttle_us = app_throttle };

	for (uint32_t i = 0; i < app->device_count; i++) {
		app_events(app, i); /* how things are: from now on, changes */
		if (!app_interrupts || app->status)
			continue;
		if (ixy_interrupts_on(&interrupts[i], app->devices[i], &config))
			app->status = 1;
		else
			watch_queues(app, i);
	}
}

static bool anything(void)
{
	for (uint32_t w = 0; w < wait_count; w++)
		if (ixy_rx_waiting(waits[w].interrupts->dev, waits[w].rx_queue))
			return true;
	return false;
}

void app_rest(struct app *app)
{
	sched_yield(); /* who feeds us may have to share our processor */
	if (!wait_count)
		return;

	const double idle = app_now();
	while (!anything()) {
		double now = app_now(), due = app->reported + 1, end = app_end(app);

		if (now - idle < POLL_ON)
			continue;
		due = (due < end ? due : end) - now;
		int woken = ixy_wait(waits, wait_count, due < 0 ? 0 : due * 1e3 + 1);
		for (uint32_t i = 0; woken > 0 && woken & IXY_EVENT && i < app->device_count; i++)
			app_events(app, i);
		return;
	}
}

/* The library says why, when a card has failed or is wanted back. */
static void print_event(const struct app *app, uint32_t i, const struct ixy_event *event)
{
	if (app_json) {
		fputs("{\"event\":", app->out);
		app_print_string(app->out, event->text);
		fputs(",\"device\":", app->out);
		app_print_string(app->out, app->args[i]);
		fputs("}\n", app->out);
	}
	if (event->kind == IXY_GONE)
		fprintf(stderr, "%s: the card does not answer any more\n", app->args[i]);
	else if (!app_json && event->kind != IXY_FAILED && event->kind != IXY_WANTED)
		fprintf(stderr, "%s: %s\n", app->args[i], event->text);
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
