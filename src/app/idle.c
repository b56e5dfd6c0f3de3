/* SPDX-License-Identifier: BSD-2-Clause */
/* What to do while nothing arrives: yield, or sleep until an interrupt (--interrupts). */
#include "options.h"

#include <ixy/interrupt.h>

#include <sched.h>

/*
 * To go on polling for so long after the last packet. To sleep and to be woken up costs some
 * microseconds, and packets of the same burst come sooner.
 */
#define POLL_ON 50e-6
#define LONGEST 0.5 /* seconds of sleep */

static struct ixy_interrupts interrupts[APP_DEVICES_MAX];
static _Thread_local struct ixy_wait waits[IXY_WAIT_MAX];
static _Thread_local uint32_t wait_count;

void app_watch(struct app *app)
{
	struct ixy_interrupt_config config = { .throttle_us = app_throttle };

	for (uint32_t i = 0; i < app->device_count; i++) {
		app_events(app, i); /* how things are: from now on, changes */
		if (!app_interrupts || app->status)
			continue;
		if (ixy_interrupts_on(&interrupts[i], app->devices[i], &config))
			app->status = 1;
	}
}

void app_wait_for(struct app *app, uint16_t first, uint16_t end)
{
	const uint32_t count = app->device_count * (end - first);

	if (!app_interrupts || app->status)
		return;
	if (count > IXY_WAIT_MAX) {
		app_say("one thread can wait for %d queues, not %u; try more --threads",
			IXY_WAIT_MAX, count);
		app->status = 1;
		return;
	}
	for (uint32_t i = 0; i < app->device_count; i++) {
		if (!interrupts[i].msix && end - first < app->devices[i]->config.rx_queues) {
			app_say("%s: the card has MSI only, which wakes up one thread for all "
				"queues; leave out --threads or --interrupts",
				app_card_name(i));
			app->status = 1;
			return;
		}
		for (uint16_t q = first; q < end; q++)
			waits[wait_count++] = (struct ixy_wait){ &interrupts[i], q, q,
								 !app->threads && q == first };
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
	const double idle = wait_count ? app_now() : 0;
	double now, due;

	do {
		sched_yield(); /* the peer may share our CPU */
		if (!wait_count || anything())
			return;
		now = app_now();
	} while (now - idle < POLL_ON);

	/* The signal that ends the program may have come just before, or to another thread. */
	due = app->due - now < LONGEST ? app->due - now : LONGEST;
	int woken = ixy_wait(waits, wait_count, due < 0 ? 0 : due * 1e3 + 1);
	for (uint32_t i = 0; woken > 0 && woken & IXY_EVENT && i < app->device_count; i++)
		app_events(app, i);
}
