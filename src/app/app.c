/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs share; see app.h. */
#include "app.h"

#include <signal.h>
#include <time.h>

static volatile sig_atomic_t stopped;

static void stop(int signal)
{
	stopped = signal;
}

double app_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

bool app_open(struct app *app, int argc, char **argv, uint32_t devices, uint32_t args)
{
	app->batch = 32;
	app->out = app->out ?: stdout;
	app->config.promiscuous = true;
	int first = app_parse(app, argc, argv);
	if (!first)
		return false;
	app->args = argv + first;
	if ((uint32_t)(argc - first) != args) {
		fprintf(stderr, "usage: %s [OPTION]... %s\n", argv[0], app->usage);
		app->status = 2;
		return false;
	}

	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGPIPE, SIG_IGN); /* it would end the program without stopping the cards */
	setvbuf(app->out, NULL, _IOLBF, 0);
	for (; app->device_count < devices; app->device_count++) {
		if (ixy_open(&app->devices[app->device_count], app->args[app->device_count],
			    &app->config)) {
			app->status = 1;
			app_close(app);
			return false;
		}
	}
	for (uint32_t i = 0; i < devices; i++)
		app_wait_for_link(app, app->devices[i]);
	app->start = app->last_time = app_now();
	return true;
}

/* Counts, and rates since the last time; the last line of all is about the whole run. */
static void report(struct app *app, bool final)
{
	static const struct ixy_stats zero;
	double now = app_now(), seconds = now - (final ? app->start : app->last_time) + 1e-9;
	struct ixy_stats stats[APP_DEVICES_MAX];

	for (uint32_t i = 0; i < app->device_count; i++) {
		stats[i] = app->last[i];
		if (ixy_read_stats(app->devices[i], &stats[i]) && !app->status) {
			fprintf(stderr, "%s: the card does not answer any more\n", app->args[i]);
			app->status = 1;
		}
	}
	bool done = app_print_json(app, final, seconds, stats) || app->quiet;
	for (uint32_t i = 0; i < app->device_count; i++) {
		const struct ixy_stats *s = &stats[i], *old = final ? &zero : &app->last[i];
		uint64_t rx = s->rx_packets - old->rx_packets, tx = s->tx_packets - old->tx_packets;
		if (!done)
			fprintf(app->out,
				"%s%s  RX %6.2f Mpps %6.0f Mbit/s  TX %6.2f Mpps %6.0f Mbit/s  "
				"dropped %lu\n",
				final ? "total  " : "", app->args[i], rx / seconds / 1e6,
				APP_MBITS(rx, s->rx_bytes - old->rx_bytes, seconds),
				tx / seconds / 1e6,
				APP_MBITS(tx, s->tx_bytes - old->tx_bytes, seconds),
				s->rx_missed + s->rx_no_buffer + s->rx_errors);
		app->last[i] = stats[i];
	}
	app->last_time = now;
}

bool app_running(struct app *app)
{
	if (++app->calls % 256 == 0) { /* the clock costs as much as a packet */
		double now = app_now();
		if (now - app->last_time >= 1)
			report(app, false);
		if (app->duration > 0 && now - app->start >= app->duration)
			return false;
	}
	return !stopped && !app->status;
}

int app_close(struct app *app)
{
	if (app->start > 0)
		report(app, true);
	while (app->device_count)
		ixy_close(app->devices[--app->device_count]);
	return app->status;
}
