/* SPDX-License-Identifier: BSD-2-Clause */
/* The options that the programs share; see options.h. */
#include "options.h"

#include <ixy/log.h>

#include <getopt.h>
#include <signal.h>
#include <string.h>

#define OPTIONS_MAX 24

bool app_never_waits, app_json, app_quiet, app_interrupts;
uint32_t app_throttle;
double app_duration;

static void print_addresses(void)
{
	printf("\nA card is named by its PCI address (0000:03:00.0; without an IOMMU\n"
	       "sysfs:0000:03:00.0), by vfio-user:PATH or by vhost-user:PATH.\n"
	       "Numbers may end in k, M or G. Rates in bit/s are those on the wire, preamble and\n"
	       "gap included: 64-byte frames at 10 Gbit/s are 14.88 Mpps.\n");
}

void app_log(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level <= IXY_INFO)
		app_say("%s", line);
}

static size_t add_options(struct app_option *all, size_t count, const struct app_option *more)
{
	for (; more && more->name && count < OPTIONS_MAX - 1; more++)
		all[count++] = *more;
	return count;
}

/* What each option may be on its own is checked before. Return: the exit status, 1 while all is well. */
static int check_options(const struct app *app, uint32_t args, uint32_t wanted, uint32_t threads)
{
	if (args != wanted)
		app_wrong_use("wrong number of arguments; usage: %s [OPTION]... %s", app_program,
			      app->usage);
	else if (threads > app->config.rx_queues)
		app_wrong_use("--threads %u needs as many --queues", threads);
	else if (app_throttle && !app_interrupts)
		app_wrong_use("--throttle is for --interrupts");
	else
		return 1; /* until the cards are open */
	return 2;
}

bool app_parse(struct app *app, int argc, char **argv, uint32_t args)
{
	struct ixy_config *c = &app->config;
	uint32_t threads = 0;
	uint16_t queues = 0;
	bool no_touch = false;
	/* Limits here keep numbers in their types; what a card can do is checked by its driver. */
	const struct app_option common[] = {
		{ "duration", "SECONDS", "end after this time (until Ctrl-C)", APP_DOUBLE,
		  &app_duration, 0.001, 1e9 },
		{ "queues", "N", "queues per direction (one for each thread)", APP_U16, &queues, 1,
		  65535 },
		{ "rss-symmetric", NULL, "both directions of a flow to one queue", APP_FLAG,
		  &c->rss_symmetric, 0, 0 },
		{ "rx-ring", "N", "descriptors per receive queue (512)", APP_U16, &c->rx_ring, 1,
		  65535 },
		{ "tx-ring", "N", "descriptors per send queue (1024)", APP_U16, &c->tx_ring, 1,
		  65535 },
		{ "buffers", "N", "buffers per receive queue (4096)", APP_U32, &c->buffers, 1,
		  1e9 },
		{ "mtu", "BYTES", "largest packet (1500)", APP_U32, &c->mtu, 1, 1e6 },
		{ "batch", "N", "packets per driver call (32)", APP_U32, &app->batch, 1,
		  APP_BATCH_MAX },
		{ "json", NULL, "print one JSON object per second", APP_FLAG, &app_json, 0, 0 },
		{ "q,quiet", NULL, "print no statistics", APP_FLAG, &app_quiet, 0, 0 },
		{ 0 },
	};
	const struct app_option with_threads[] = {
		{ "threads", "N", "threads, each with queues and a processor of its own", APP_U32,
		  &threads, 1, APP_THREADS_MAX },
		{ 0 },
	};
	const struct app_option waiting[] = {
		{ "interrupts", NULL, "sleep while nothing arrives", APP_FLAG, &app_interrupts, 0,
		  0 },
		{ "throttle", "US", "between two interrupts of a queue (adaptive)", APP_U32,
		  &app_throttle, 2, 1022 },
		{ 0 },
	};
	const struct app_option touching[] = {
		{ "no-touch", NULL, "send packets as they came (else a byte grows)", APP_FLAG,
		  &no_touch, 0, 0 },
		{ 0 },
	};
	struct app_option all[OPTIONS_MAX] = { 0 };
	int status;

	size_t count = add_options(all, 0, app->extra);
	count = add_options(all, count, app->touch ? touching : NULL);
	count = add_options(all, count, common);
	count = add_options(all, count, app->threads ? NULL : with_threads);
	add_options(all, count, app_never_waits ? NULL : waiting);

	app_start(argv);
	argv[0] = (char *)app_program;
	ixy_log_to(app_log, NULL);
	const struct app_command command = { app->usage, app->about, all, print_addresses };
	if (!app_parse_options(&command, argc, argv, &status)) {
		app->status = status;
		return false;
	}

	c->rx_queues = c->tx_queues = queues ?: threads ?: 1;
	app->status = check_options(app, argc - optind, args, threads);
	app->threads = threads ?: app->threads;
	app->touch &= !no_touch;
	app->args = argv + optind;
	app->out = app->out ?: stdout;
	signal(SIGPIPE, SIG_IGN); /* they would end the program without stopping the cards */
	signal(SIGXFSZ, SIG_IGN);
	return app->status == 1;
}
