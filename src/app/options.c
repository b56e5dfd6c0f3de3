/* SPDX-License-Identifier: BSD-2-Clause */
/* Options and --json of all programs; see app.h and options.h. */
#include "options.h"

#include <ixy/control.h>

#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define OPTIONS_MAX 24

bool app_never_waits, app_json, app_interrupts;
uint32_t app_throttle;

static bool quiet;
static double duration;

/* Return: 0, or -1 after an error message. */
static int set_option(const char *program, const struct app_option *o, const char *text)
{
	if (o->kind == APP_FLAG) {
		*(bool *)o->value = true;
		return 0;
	}
	if (o->kind == APP_TEXT) {
		*(const char **)o->value = text;
		return 0;
	}

	char *end;
	double number = strtod(text, &end);
	if (end != text && (*end == 'k' || *end == 'M'))
		number *= *end++ == 'k' ? 1e3 : 1e6;
	bool whole = o->kind == APP_DOUBLE || number == (double)(int64_t)number;
	if (end == text || *end || !(number >= o->min && number <= o->max) || !whole) {
		fprintf(stderr, "%s: --%s %s: must be a %snumber from %.0f to %.0f\n", program,
			o->name, text, o->kind == APP_DOUBLE ? "" : "whole ", o->min, o->max);
		return -1;
	}
	if (o->kind == APP_DOUBLE)
		*(double *)o->value = number;
	else if (o->kind == APP_U16)
		*(uint16_t *)o->value = number;
	else if (o->kind == APP_U32)
		*(uint32_t *)o->value = number;
	else
		*(uint64_t *)o->value = number;
	return 0;
}

static void print_help(const struct app *app, const char *program, const struct app_option *options)
{
	printf("usage: %s [OPTION]... %s\n\n%s\n\n", program, app->usage, app->about);
	for (const struct app_option *o = options; o->name; o++) {
		int width = printf("  --%s %s", o->name, o->argument ?: "");
		printf("%*s%s\n", width < 22 ? 22 - width : 1, "", o->help);
	}
	printf("\nA card is named by its PCI address (0000:03:00.0; without an IOMMU "
	       "sysfs:0000:03:00.0),\nby vfio-user:PATH or by vhost-user:PATH.\n"
	       "Mbit/s counts what is on the wire: 64-byte frames at 10 Gbit/s are 14.88 Mpps.\n");
}

bool app_parse(struct app *app, int argc, char **argv, uint32_t args)
{
	struct ixy_config *c = &app->config;
	uint16_t queues = 0;
	uint32_t threads = 0;
	bool help = false, version = false, untouched = false;
	/* Limits here keep numbers in their types; what a card can do is checked by its driver. */
	struct app_option all[OPTIONS_MAX] = {
		{ "duration", "SECONDS", "end after this time", APP_DOUBLE, &duration, 0, 1e9 },
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
		{ "quiet", NULL, "print no statistics", APP_FLAG, &quiet, 0, 0 },
		{ "help", NULL, "print this", APP_FLAG, &help, 0, 0 },
		{ "version", NULL, "print the version", APP_FLAG, &version, 0, 0 },
		{ app->threads ? NULL : "threads", "N",
		  "threads, each with queues and a processor of its own", APP_U32, &threads, 1,
		  64 },
	};
	struct option names[OPTIONS_MAX] = { 0 };
	size_t count = 0;
	int found, i;

	const struct app_option no_touch = {
		"no-touch", NULL,	"send packets as they came (else their second byte grows)",
		APP_FLAG,   &untouched, 0,
		0
	};
	static const struct app_option waiting[] = {
		{ "interrupts", NULL, "sleep while nothing arrives", APP_FLAG, &app_interrupts, 0,
		  0 },
		{ "throttle", "US", "between two interrupts of a queue (adaptive)", APP_U32,
		  &app_throttle, 2, 1022 },
		{ 0 },
	};
	while (all[count].name)
		count++;
	if (app->touch)
		all[count++] = no_touch;
	for (const struct app_option *o = waiting; o->name && !app_never_waits; o++)
		all[count++] = *o;
	for (const struct app_option *o = app->extra; o && o->name && count < OPTIONS_MAX - 1; o++)
		all[count++] = *o;
	for (size_t o = 0; o < count; o++)
		names[o] = (struct option){ all[o].name, all[o].kind != APP_FLAG, NULL, 1 };

	const char *slash = strrchr(argv[0], '/'), *program = slash ? slash + 1 : argv[0];
	argv[0] = (char *)program;
	opterr = 0;
	while ((found = getopt_long(argc, argv, ":", names, &i)) != -1) {
		if (found != 1) {
			fprintf(stderr, "%s: %s: %s; try --help\n", program, argv[optind - 1],
				found == ':' ? "needs a value" : "no such option");
			app->status = 2;
			return false;
		}
		if (set_option(program, &all[i], optarg)) {
			app->status = 2;
			return false;
		}
	}
	c->rx_queues = c->tx_queues = queues ?: threads ?: 1;
	if (help || version) {
		app->status = 0;
		if (help)
			print_help(app, program, all);
		else
			printf("%s %s\n", program, IXY_VERSION);
		return false;
	}
	if ((uint32_t)(argc - optind) != args) {
		fprintf(stderr, "usage: %s [OPTION]... %s; try --help\n", program, app->usage);
		app->status = 2;
		return false;
	}
	if (threads > c->rx_queues) {
		fprintf(stderr, "%s: --threads %u needs as many --queues\n", program, threads);
		app->status = 2;
		return false;
	}
	if (app_throttle && !app_interrupts) {
		fprintf(stderr, "%s: --throttle is for --interrupts\n", program);
		app->status = 2;
		return false;
	}
	app->threads = threads ?: app->threads;
	app->touch &= !untouched;
	app->args = argv + optind;
	app->out = app->out ?: stdout;
	setvbuf(app->out, NULL, _IOLBF, 0);
	signal(SIGPIPE, SIG_IGN); /* it would end the program without stopping the cards */
	return true;
}

double app_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static void wait_for_link(const struct app *app)
{
	double deadline = app_now() + 10;

	for (uint32_t i = 0; i < app->device_count; i++) {
		while (!ixy_link_speed(app->devices[i]) && app_now() < deadline)
			if (usleep(1000))
				return; /* a signal: the main loop ends the program */
		if (!ixy_link_speed(app->devices[i]))
			fprintf(stderr, "%s: no link; is the cable plugged in?\n", app->args[i]);
	}
}

/* After @seconds this program gets a signal, as if somebody had ended it. */
static void end_after(double seconds)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value = { (time_t)seconds,
						 (seconds - (time_t)seconds) * 1e9 } };
	timer_t timer;

	if (timer_create(CLOCK_MONOTONIC, &event, &timer) || timer_settime(timer, 0, &when, NULL))
		raise(SIGTERM);
}

void app_ready(struct app *app)
{
	wait_for_link(app);
	app_watch(app);
	app->start = app_now();
	app->due = app->start + 1;
	if (duration > 0)
		end_after(duration);
}

static void check(struct app *app, uint32_t i)
{
	if (ixy_read_stats(app->devices[i], &app->stats[i]))
		app->status = 1;
	app_events(app, i);
}

/* Mbit/s on the wire: with each frame go 24 bytes that drivers do not see (CRC, preamble, gap). */
static double mbits(uint64_t packets, uint64_t bytes, double seconds)
{
	return (bytes + packets * 24) * 8 / seconds / 1e6;
}

void app_print_string(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		if ((unsigned char)*text < ' ')
			fprintf(out, "\\u%04x", *text);
		else
			fprintf(out, "%s%c", *text == '"' || *text == '\\' ? "\\" : "", *text);
	}
	putc('"', out);
}

static void print_queues(struct app *app, uint32_t i)
{
	const struct ixy_config *config = &app->devices[i]->config;
	const uint16_t rx = config->rx_queues, tx = config->tx_queues;
	struct ixy_queue_stats s;

	fputs(",\"queues\":[", app->out);
	for (uint16_t q = 0; (q < rx || q < tx) && !ixy_read_queue_stats(app->devices[i], q, &s);
	     q++)
		fprintf(app->out, "%s{\"rx_packets\":%lu,\"tx_packets\":%lu}", q ? "," : "",
			s.rx_packets, s.tx_packets);
	putc(']', app->out);
}

static void print(struct app *app, uint32_t i, bool final)
{
	static struct ixy_stats last[APP_DEVICES_MAX];
	static double now, reported, sent;
	const struct ixy_stats *s = &app->stats[i], none = { 0 }, old = final ? none : last[i];

	if (i == 0) {
		reported = now ?: app->start;
		now = app_now(); /* the same for all cards */
	}
	last[i] = *s;
	double seconds = now - (final ? app->start : reported) + 1e-9;
	uint64_t rx = s->rx_packets - old.rx_packets, tx = s->tx_packets - old.tx_packets;
	/* The card counts the bytes of missed packets, too: take the share of those that were not. */
	uint64_t arrived = rx + s->rx_missed - old.rx_missed;
	uint64_t rx_bytes = arrived ? (double)(s->rx_bytes - old.rx_bytes) * rx / arrived : 0;
	double rx_mbits = mbits(rx, rx_bytes, seconds);
	double tx_mbits = mbits(tx, s->tx_bytes - old.tx_bytes, seconds);

	if (!app_json) {
		fprintf(app->out,
			"%s%s  RX %6.2f Mpps %6.0f Mbit/s  TX %6.2f Mpps %6.0f Mbit/s  dropped "
			"%lu\n",
			final ? "total  " : "", app->args[i], rx / seconds / 1e6, rx_mbits,
			tx / seconds / 1e6, tx_mbits, s->rx_missed + s->rx_errors);
		sent += final ? tx / seconds / 1e6 : 0;
		if (final && i && i + 1 == app->device_count)
			fprintf(app->out, "total  all cards together sent %.2f Mpps\n", sent);
		return;
	}
	if (i == 0)
		fprintf(app->out, "{\"seconds\":%.3f,\"final\":%s,\"devices\":[", now - app->start,
			final ? "true" : "false");
	fputs(i ? ",{\"device\":" : "{\"device\":", app->out);
	app_print_string(app->out, app->args[i]);
	fprintf(app->out,
		",\"rx_mpps\":%.3f,\"rx_mbits\":%.1f,\"tx_mpps\":%.3f,\"tx_mbits\":%.1f,"
		"\"rx_packets\":%lu,\"rx_bytes\":%lu,\"tx_packets\":%lu,\"tx_bytes\":%lu,"
		"\"rx_missed\":%lu,\"rx_no_buffer\":%lu,\"rx_errors\":%lu",
		rx / seconds / 1e6, rx_mbits, tx / seconds / 1e6, tx_mbits, s->rx_packets,
		s->rx_bytes, s->tx_packets, s->tx_bytes, s->rx_missed, s->rx_no_buffer,
		s->rx_errors);
	print_queues(app, i);
	fputs(i + 1 == app->device_count ? "}]}\n" : "}", app->out);
}

void app_report(struct app *app, uint32_t i, bool final)
{
	check(app, i);
	if (!quiet)
		print(app, i, final);
	if (app->out && ferror(app->out)) /* nobody reads the statistics any more */
		raise(SIGTERM);
}
