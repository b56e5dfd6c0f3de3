/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs share; see app.h. */
#include "app.h"

#include <signal.h>

static _Atomic int stopped; /* all threads look at it */

static void stop(int signal)
{
	stopped = signal;
}

bool app_open(struct app *app, int argc, char **argv, uint32_t devices, uint32_t args)
{
	app->status = 1; /* until all is open */
	app->batch = 32;
	app->config.promiscuous = true;
	if (!app_parse(app, argc, argv, args))
		return false;

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGHUP, stop);
	for (uint32_t i = 0; i < devices; i++, app->device_count++)
		if (ixy_open(&app->devices[i], app->args[i], &app->config))
			return false;
	app->status = 0;
	return true;
}

bool app_running(struct app *app)
{
	static _Thread_local uint32_t calls;

	if (++calls % 256 == 0) { /* not each time: the clock costs as much as a packet */
		app_rest(app);
		if (app_now() >= app->due) {
			app_report(app, false);
			app->due = app_now() + 1;
		}
	}
	return !stopped && !app->status;
}

int app_close(struct app *app)
{
	if (app->due)
		app_report(app, true);
	while (app->device_count)
		ixy_close(app->devices[--app->device_count]);
	return app->status;
}
