/* SPDX-License-Identifier: BSD-2-Clause */
/* What the programs share: options, opening the cards, statistics once a second, a clean end. */
#pragma once
#include <stdio.h>

#include <ixy/device.h>

#define APP_BATCH_MAX	512
#define APP_DEVICES_MAX 2

struct app {
	const char *usage, *about;	/* for --help: the arguments, and a sentence or two */
	const struct app_option *extra; /* options of this program alone (options.h), or NULL */
	FILE *out;			/* for statistics; NULL is stdout */

	/* Filled in by app_open(). */
	char **args; /* what came after the options */
	uint32_t batch;
	struct ixy_device *devices[APP_DEVICES_MAX];

	/* Inside app.c and options.c; times in seconds. */
	struct ixy_config config;
	double duration, start, last_time;
	struct ixy_stats last[APP_DEVICES_MAX];
	uint32_t device_count, calls;
	bool json, quiet;
	int status;
};

/**
 * app_open() - parse the options, open the cards, wait for their link
 * @devices: how many cards; they come first among the arguments
 * @args:    how many arguments in all
 *
 * Return: true, or false if the program is to end with app->status (0 after --help): everything
 * has been explained and closed.
 */
bool app_open(struct app *app, int argc, char **argv, uint32_t devices, uint32_t args);

/**
 * app_running() - to be called in each round of the main loop: prints what is due
 *
 * Return: false when it is time to end (signal, --duration, a card that has gone, app->status set).
 */
bool app_running(struct app *app);

/** app_close() - print the totals and close the cards. Return: the exit status of the program. */
int app_close(struct app *app);

/** app_now() - seconds of a clock that never goes back. */
double app_now(void);

/* options.c; the smallest build leaves it out: arguments only, no JSON. */
#ifdef IXY_SMALL
#define app_parse(app, argc, argv, count) ((app)->args = (argv) + 1, (argc) == 1 + (int)(count))
#define app_wait_for_link(app)
#define app_print(app, i, final, now, s)                                                           \
	printf("%s%s: received %lu, sent %lu\n", final ? "total " : "", (app)->args[i],            \
	       (s)->rx_packets, (s)->tx_packets)
#else
/* Return: false to end with app->status. */
bool app_parse(struct app *app, int argc, char **argv, uint32_t count);
/* Says so if there is none after ten seconds. */
void app_wait_for_link(const struct app *app);
/* Device @i at the time @now: what it has counted, at which rate since the last time or, at the end, the start. */
void app_print(const struct app *app, uint32_t i, bool final, double now,
	       const struct ixy_stats *stats);
#endif
