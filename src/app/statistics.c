/* SPDX-License-Identifier: BSD-2-Clause */
/* What the cards have counted: as text, or with --json. */
#include "options.h"

#include <ixy/control.h>

#include <inttypes.h>
#include <signal.h>
#include <string.h>

#define HEADING_EVERY 20 /* lines */

/* Counts of one card: since the start, or between two times. */
struct count {
	struct ixy_stats card;
	uint64_t tx_dropped; /* ixy-fwd: received on the other card, and not sent here */
};

/* What is to be printed: of a time that ends @now and was so many @seconds long. */
struct report {
	double now, seconds;
	bool final;
	struct count all[APP_DEVICES_MAX], in_time[APP_DEVICES_MAX];
};

/* ---- Counting ---- */

static void add_queues(const struct ixy_device *dev, uint64_t *rx, uint64_t *tx)
{
	const struct ixy_config *c = &dev->config;
	struct ixy_queue_stats s;

	for (uint16_t q = 0; q < c->rx_queues || q < c->tx_queues; q++) {
		if (ixy_read_queue_stats((struct ixy_device *)dev, q, &s))
			return;
		*rx += s.rx_packets;
		*tx += s.tx_packets;
	}
}

/*
 * Of two cards each sends what the other receives. While threads work, what is sent is read a little
 * later than what was received: too few seem dropped, until the next time.
 */
static uint64_t read_dropped(const struct app *app, uint32_t i)
{
	uint64_t received = 0, sent = 0, other = 0;

	if (app->device_count != 2)
		return 0;
	add_queues(app->devices[1 - i], &received, &other);
	add_queues(app->devices[i], &other, &sent);
	return received > sent ? received - sent : 0;
}

static void read_counters(struct app *app, uint32_t i, struct count *count)
{
	uint64_t dropped = read_dropped(app, i);

	if (ixy_read_stats(app->devices[i], &app->stats[i]))
		app->status = 1;
	app_events(app, i);
	count->card = app->stats[i];
	count->tx_dropped = dropped > count->tx_dropped ? dropped : count->tx_dropped;
}

static struct count difference(const struct count *new, const struct count *old)
{
	const struct ixy_stats *a = &new->card, *b = &old->card;

	return (struct count){
		.card.rx_packets = a->rx_packets - b->rx_packets,
		.card.rx_bytes = a->rx_bytes - b->rx_bytes,
		.card.rx_missed = a->rx_missed - b->rx_missed,
		.card.rx_errors = a->rx_errors - b->rx_errors,
		.card.tx_packets = a->tx_packets - b->tx_packets,
		.card.tx_bytes = a->tx_bytes - b->tx_bytes,
		.tx_dropped = new->tx_dropped - old->tx_dropped,
	};
}

/* The card counts the bytes of missed packets, too: the share of those that were not. */
static uint64_t rx_bytes(const struct ixy_stats *s)
{
	uint64_t arrived = s->rx_packets + s->rx_missed;

	return arrived ? (double)s->rx_bytes * s->rx_packets / arrived : 0;
}

/* ---- Text: a line for each card, and a table in the end ---- */

static int name_width(const struct app *app)
{
	size_t width = 4;

	for (uint32_t i = 0; i < app->device_count; i++)
		if (strlen(app_card_name(i)) > width)
			width = strlen(app_card_name(i));
	return width;
}

static void print_lines(const struct app *app, const struct report *r)
{
	const int width = name_width(app);
	char dropped[APP_RATE_SIZE];
	static uint32_t lines;

	if (lines++ % HEADING_EVERY == 0)
		fprintf(app->out, "%-*s  %-23s  %-23s  %s\n", width, "card", "received", "sent",
			"dropped");
	for (uint32_t i = 0; i < app->device_count; i++) {
		const struct count *c = &r->in_time[i];
		fprintf(app->out, "%-*s  ", width, app_card_name(i));
		app_print_rate(app->out, c->card.rx_packets, rx_bytes(&c->card), r->seconds);
		fputs("  ", app->out);
		app_print_rate(app->out, c->card.tx_packets, c->card.tx_bytes, r->seconds);
		fprintf(app->out, "  %s\n",
			app_scaled(dropped,
				   (c->card.rx_missed + c->card.rx_errors + c->tx_dropped) /
					   r->seconds,
				   "pps"));
	}
}

static void print_row(const struct app *app, const char *label, const uint64_t *values)
{
	char text[32];

	fprintf(app->out, "%-17s", label);
	for (uint32_t i = 0; i < app->device_count; i++)
		fprintf(app->out, " %26s", app_grouped(text, values[i]));
	putc('\n', app->out);
}

static void print_rates(const struct app *app, const uint64_t *packets, const uint64_t *bytes,
			double seconds)
{
	fprintf(app->out, "%-17s", "          rate");
	for (uint32_t i = 0; i < app->device_count; i++) {
		fputs("    ", app->out);
		app_print_rate(app->out, packets[i], bytes[i], seconds);
	}
	putc('\n', app->out);
}

static void print_table(const struct app *app, const struct report *r)
{
	enum { RX, RX_BYTES, RX_DROPPED, TX, TX_BYTES, TX_DROPPED, ROWS };
	uint64_t rows[ROWS][APP_DEVICES_MAX];
	uint64_t packets = 0, bytes = 0;
	char text[32];

	for (uint32_t i = 0; i < app->device_count; i++) {
		const struct count *c = &r->all[i];
		rows[RX][i] = c->card.rx_packets;
		rows[RX_BYTES][i] = rx_bytes(&c->card);
		rows[RX_DROPPED][i] = c->card.rx_missed + c->card.rx_errors;
		packets += rows[TX][i] = c->card.tx_packets;
		bytes += rows[TX_BYTES][i] = c->card.tx_bytes;
		rows[TX_DROPPED][i] = c->tx_dropped;
	}
	snprintf(text, sizeof(text), "total in %.1f s", r->seconds);
	fprintf(app->out, "%-17s", text);
	for (uint32_t i = 0; i < app->device_count; i++)
		fprintf(app->out, " %26s", app_card_name(i));
	putc('\n', app->out);
	print_row(app, "received  packets", rows[RX]);
	print_row(app, "          bytes", rows[RX_BYTES]);
	print_row(app, "          dropped", rows[RX_DROPPED]);
	print_rates(app, rows[RX], rows[RX_BYTES], r->seconds);
	print_row(app, "sent      packets", rows[TX]);
	print_row(app, "          bytes", rows[TX_BYTES]);
	if (app->device_count == 2)
		print_row(app, "          dropped", rows[TX_DROPPED]);
	print_rates(app, rows[TX], rows[TX_BYTES], r->seconds);
	if (app->device_count == 2) {
		fprintf(app->out, "%-17s    ", "in all    sent");
		app_print_rate(app->out, packets, bytes, r->seconds);
		putc('\n', app->out);
	}
}

/* ---- JSON ---- */

static void print_queues(const struct app *app, uint32_t i)
{
	const struct ixy_config *config = &app->devices[i]->config;
	const uint16_t rx = config->rx_queues, tx = config->tx_queues;
	struct ixy_queue_stats s;

	fputs(",\"queues\":[", app->out);
	for (uint16_t q = 0; (q < rx || q < tx) && !ixy_read_queue_stats(app->devices[i], q, &s);
	     q++)
		fprintf(app->out, "%s{\"rx_packets\":%" PRIu64 ",\"tx_packets\":%" PRIu64 "}",
			q ? "," : "", s.rx_packets, s.tx_packets);
	putc(']', app->out);
}

static void print_card(const struct app *app, const struct report *r, uint32_t i)
{
	const struct count *count = &r->all[i];
	const struct ixy_stats *in_time = &r->in_time[i].card;
	const double unit = r->seconds * 1e6;
	const struct {
		const char *name;
		uint64_t value;
	} counters[] = {
		{ "rx_packets", count->card.rx_packets },
		{ "rx_bytes", count->card.rx_bytes },
		{ "tx_packets", count->card.tx_packets },
		{ "tx_bytes", count->card.tx_bytes },
		{ "rx_missed", count->card.rx_missed },
		{ "rx_no_buffer", count->card.rx_no_buffer },
		{ "rx_errors", count->card.rx_errors },
		{ "tx_dropped", count->tx_dropped },
	};

	fputs(i ? ",{\"device\":" : "{\"device\":", app->out);
	app_print_string(app->out, app->args[i]);
	fputs(",\"name\":", app->out);
	app_print_string(app->out, app_card_name(i));
	fprintf(app->out, ",\"rx_mpps\":%.6f,\"rx_mbits\":%.3f,\"tx_mpps\":%.6f,\"tx_mbits\":%.3f",
		in_time->rx_packets / unit,
		app_wire_bits(in_time->rx_packets, rx_bytes(in_time)) / unit,
		in_time->tx_packets / unit,
		app_wire_bits(in_time->tx_packets, in_time->tx_bytes) / unit);
	for (size_t c = 0; c < sizeof(counters) / sizeof(*counters); c++)
		fprintf(app->out, ",\"%s\":%" PRIu64, counters[c].name, counters[c].value);
	print_queues(app, i);
	putc('}', app->out);
}

static void print_json(const struct app *app, const struct report *r)
{
	fprintf(app->out,
		"{\"type\":\"%s\",\"time\":%.3f,\"seconds\":%.3f,\"final\":%s,\"devices\":[",
		r->final ? "total" : "interval", r->now - app->start, r->seconds,
		r->final ? "true" : "false");
	for (uint32_t i = 0; i < app->device_count; i++)
		print_card(app, r, i);
	fputs("]}\n", app->out);
}

/* ---- What the main loop calls ---- */

void app_report(struct app *app, bool final)
{
	static struct count last[APP_DEVICES_MAX];
	static const struct count none;
	static double reported;
	const double now = app_now(), since = final || !reported ? app->start : reported;
	struct report r = { .now = now, .seconds = now - since + 1e-9, .final = final };

	for (uint32_t i = 0; i < app->device_count; i++) {
		const struct count before = last[i];
		read_counters(app, i, &last[i]);
		r.all[i] = last[i];
		r.in_time[i] = difference(&last[i], final ? &none : &before);
	}
	reported = now;
	if (app_quiet)
		return;
	if (app_json)
		print_json(app, &r);
	else if (final)
		print_table(app, &r);
	else
		print_lines(app, &r);
	if (!app_flush(app->out)) /* the reader has closed its end, or the disk is full */
		raise(SIGTERM);
}
