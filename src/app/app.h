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
	bool touch;			/* the program changes packets; --no-touch clears it */

	/* Filled in by app_open(). */
	char **args; /* what came after the options */
	uint32_t batch;
	struct ixy_device *devices[APP_DEVICES_MAX];
	_Atomic int status; /* of the program when it ends */

	/* Inside app.c and the files of app_features.h; times are app_now()'s. */
	struct ixy_config config;
	struct ixy_stats stats[APP_DEVICES_MAX];
	/* @threads: 0: main() does all. A program that can have no others sets 1 before app_open(). */
	uint32_t device_count, threads;
	double start, due; /* due: the next statistics */
};

/**
 * app_open() - parse the options, open the cards
 * @devices: how many cards; they come first among the arguments
 * @args:    how many arguments in all
 *
 * Return: true, or false if the program is to end (with status 0 after --help); everything has been
 * explained. app_close() in both cases.
 */
bool app_open(struct app *app, int argc, char **argv, uint32_t devices, uint32_t args);

/**
 * app_running() - to be called in each round of a thread's main loop: prints what is due
 *
 * Return: false when it is time to end (signal, --duration, a card that is gone, app->status set).
 */
bool app_running(struct app *app);

/** app_close() - print the totals and close the cards. Return: the exit status of the program. */
int app_close(struct app *app);

#include <app_features.h>
