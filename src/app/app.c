/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs share; see app.h. */
#include "app.h"

#include <signal.h>

static volatile sig_atomic_t stopped;

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
	app_ready(app);
	return true;
}

static void report(struct app *app, bool final)
{
	for (uint32_t i = 0; i < app->device_count; i++) {
		app_check(app, i);
		app_print(app, i, final);
	}
	app->reported = app_now();
}

bool app_running(struct app *app)
{
	if (++app->calls % 256 == 0) { /* not each time: the clock costs as much as a packet */
		app_rest(app);
		if (app_now() - app->reported >= 1)
			report(app, false);
	}
	return !stopped && !app->status && !app_time_is_up(app);
}

int app_close(struct app *app)
{
	if (app->calls)
		report(app, true);
	while (app->device_count)
		ixy_close(app->devices[--app->device_count]);
	return app->status;
}
