/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ixy-emu says: where the ports are, rates, and in the end what happened to each frame. For
 * people in tables, for scripts one JSON object per line; docs/ixy-emu.md describes them.
 */
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "port.h"

#include "output.h"

/* One counter of the account. */
struct counter {
	const char *name;  /* in JSON */
	const char *label; /* in the table */
	enum { CARD, WIRE } side;
	size_t offset;
	bool always; /* in the table, even when it is 0 on all ports */
};

#define CARD_COUNTER(field) CARD, offsetof(struct nic_account, field)
#define WIRE_COUNTER(field) WIRE, offsetof(struct wire_account, field)

static const struct counter counters[] = {
	{ "rx_frames", "received by the driver", CARD_COUNTER(rx_frames), true },
	{ "rx_bytes", "  bytes", CARD_COUNTER(rx_bytes), false },
	{ "tx_frames", "sent by the driver", CARD_COUNTER(tx_frames), true },
	{ "tx_bytes", "  bytes", CARD_COUNTER(tx_bytes), false },
	{ "rx_missed", "dropped: no receive descriptor", CARD_COUNTER(rx_missed), true },
	{ "rx_filtered", "dropped: not for this card", CARD_COUNTER(rx_filtered), false },
	{ "rx_oversize", "dropped: too long", CARD_COUNTER(rx_oversize), false },
	{ "rx_down", "dropped: receiver or link off", CARD_COUNTER(rx_down), false },
	{ "tx_bad", "bad send descriptors", CARD_COUNTER(tx_bad), false },
	{ "dma_faults", "DMA outside of mapped memory", CARD_COUNTER(dma_faults), true },
	{ "bad_accesses", "accesses to no register", CARD_COUNTER(bad_accesses), false },
	{ "interrupts", "interrupts", CARD_COUNTER(interrupts), false },
	{ "sent", "wire: frames for the card", WIRE_COUNTER(sent), false },
	{ "dropped", "wire: frames it could not carry", WIRE_COUNTER(dropped), false },
	{ "skipped", "wire: not whole, or too long", WIRE_COUNTER(skipped), false },
	{ "broken", "wire: ended early", WIRE_COUNTER(broken), false },
	{ "touched", "verified: one byte changed", WIRE_COUNTER(touched), false },
	{ "unchanged", "verified: no byte changed", WIRE_COUNTER(unchanged), false },
	{ "corrupted", "verified: corrupted", WIRE_COUNTER(corrupted), false },
	{ "stale", "verified: of an earlier life", WIRE_COUNTER(stale), false },
	{ "lost", "verified: lost", WIRE_COUNTER(lost), false },
	{ "duplicates", "verified: came twice", WIRE_COUNTER(duplicates), false },
	{ "reordered", "verified: out of order", WIRE_COUNTER(reordered), false },
	{ "late", "verified: far out of order", WIRE_COUNTER(late), false },
	{ "foreign", "not verified: of no generator here", WIRE_COUNTER(foreign), false },
	{ "bursts", "bursts", WIRE_COUNTER(bursts), false },
	{ "overdue", "  frames not back in time", WIRE_COUNTER(overdue), false },
};

#define HEADING_EVERY 20 /* intervals */

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static uint64_t value(const struct port *port, const struct counter *counter)
{
	const char *account = counter->side == CARD ? (const char *)nic_account(port->nic)
						    : (const char *)&port->wire->account;
	uint64_t number;

	memcpy(&number, account + counter->offset, sizeof(number));
	return number;
}

/*
 * Where there are generators, "corrupted 0" is what one wants to read. Without any there is nothing
 * to verify, and nothing to say of packets that come from elsewhere.
 */
static bool shown(const struct emulator *emu, const struct counter *counter)
{
	const bool verdict = !strcmp(counter->name, "corrupted") ||
			     !strcmp(counter->name, "lost") || !strcmp(counter->name, "touched");
	bool generators = false, counted = false;

	for (uint32_t i = 0; i < emu->count; i++) {
		generators |= emu->wires.streams[i] != NULL;
		counted |= value(&emu->ports[i], counter) != 0;
	}
	if (!strcmp(counter->name, "foreign"))
		return counted && generators;
	return counter->always || counted || (verdict && generators);
}

static bool all_ok(const struct emulator *emu)
{
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct nic_account *account = nic_account(emu->ports[i].nic);

		if (account->dma_faults || account->tx_bad || !wire_ok(emu->ports[i].wire))
			return false;
	}
	return true;
}

/* ---- JSON ---- */

static void json_ports(const struct emulator *emu)
{
	FILE *file = emu->json_file;

	fprintf(file, "{\"type\":\"ports\",\"ports\":[");
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct port *port = &emu->ports[i];
		const uint8_t *mac = port->wire->mac;
		char address[PORT_PATH_MAX + 16];

		fprintf(file, "%s{\"port\":%u,\"address\":", i ? "," : "", i);
		snprintf(address, sizeof(address), "vfio-user:%s", port->path);
		app_print_string(file, address);
		fprintf(file, ",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"wire\":", mac[0],
			mac[1], mac[2], mac[3], mac[4], mac[5]);
		app_print_string(file, port->wire->text);
		fputc('}', file);
	}
	fprintf(file, "]}\n");
	app_flush(file);
}

static void json_final(const struct emulator *emu, double seconds)
{
	FILE *file = emu->json_file;
	uint64_t totals[COUNTERS] = { 0 };

	fprintf(file, "{\"type\":\"account\",\"seconds\":%.3f,\"ok\":%s,\"ports\":[", seconds,
		all_ok(emu) ? "true" : "false");
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct port *port = &emu->ports[i];

		fprintf(file, "%s{\"port\":%u,\"wire\":", i ? "," : "", i);
		app_print_string(file, port->wire->text);
		for (uint32_t c = 0; c < COUNTERS; c++) {
			totals[c] += value(port, &counters[c]);
			fprintf(file, ",\"%s\":%" PRIu64, counters[c].name,
				value(port, &counters[c]));
		}
		if (nic_account(port->nic)->dma_faults)
			fprintf(file, ",\"last_fault\":\"0x%" PRIx64 "\"",
				nic_account(port->nic)->last_fault);
		const struct wire_times *times = &port->wire->account.times;
		if (times->max)
			fprintf(file,
				",\"burst_us\":{\"p50\":%.1f,\"p99\":%.1f,\"p99.9\":%.1f,\"max\":%."
				"1f}",
				times->p50 / 1e3, times->p99 / 1e3, times->p999 / 1e3,
				times->max / 1e3);
		fputc('}', file);
	}
	fprintf(file, "],\"total\":{");
	for (uint32_t c = 0; c < COUNTERS; c++)
		fprintf(file, "%s\"%s\":%" PRIu64, c ? "," : "", counters[c].name, totals[c]);
	fprintf(file, "}}\n");
	app_flush(file);
}

/* ---- Tables ---- */

#define LABEL 34 /* of a counter */
#define CELL  14 /* of a value, or wider */

/* Columns that all values of a port take, and a space. */
static int width_of(const struct port *port)
{
	int width = CELL;
	char text[32];

	for (uint32_t c = 0; c < COUNTERS; c++) {
		int length = strlen(app_grouped(text, value(port, &counters[c])));
		if (length > width)
			width = length;
	}
	return width + 1;
}

/* Ports from @first on and before @end, which fit beside each other. */
static void table_of_ports(const struct emulator *emu, double seconds, uint32_t first, uint32_t end)
{
	FILE *file = stderr;
	char text[64];

	snprintf(text, sizeof(text), "cards' account, %.1f s", seconds);
	fprintf(file, "\n%-*s", LABEL, text);
	for (uint32_t i = first; i < end; i++) {
		snprintf(text, sizeof(text), "port %u %s", i, emu->ports[i].wire->ops->kind);
		fprintf(file, " %*s", width_of(&emu->ports[i]) - 1, text);
	}
	fprintf(file, "\n");
	for (uint32_t c = 0; c < COUNTERS; c++) {
		if (!shown(emu, &counters[c]))
			continue;
		fprintf(file, "%-*s", LABEL, counters[c].label);
		for (uint32_t i = first; i < end; i++)
			fprintf(file, " %*s", width_of(&emu->ports[i]) - 1,
				app_grouped(text, value(&emu->ports[i], &counters[c])));
		fprintf(file, "\n");
	}
}

static void table_final(const struct emulator *emu, double seconds)
{
	FILE *file = stderr;

	for (uint32_t first = 0, end; first < emu->count; first = end) {
		int columns = LABEL + width_of(&emu->ports[first]);
		for (end = first + 1; end < emu->count; end++) {
			columns += width_of(&emu->ports[end]);
			if (columns > APP_COLUMNS)
				break;
		}
		table_of_ports(emu, seconds, first, end);
	}
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct nic_account *account = nic_account(emu->ports[i].nic);

		if (account->dma_faults)
			fprintf(file,
				"port %u: the latest DMA outside of mapped memory was at 0x%" PRIx64
				"\n",
				i, account->last_fault);
		const struct wire_times *times = &emu->ports[i].wire->account.times;
		if (times->max)
			fprintf(file,
				"port %u: bursts came back in %.1f us (half of them), %.1f us "
				"(99 %%),\n"
				"         %.1f us (99.9 %%), %.1f us (all)\n",
				i, times->p50 / 1e3, times->p99 / 1e3, times->p999 / 1e3,
				times->max / 1e3);
		if (!wire_ok(emu->ports[i].wire))
			fprintf(file, "port %u: NOT OK: %s, see above\n", i,
				emu->ports[i].wire->account.broken
					? "the wire ended early"
					: "packets arrived that should not have");
	}
}

/* ---- What the program calls ---- */

void account_ports(const struct emulator *emu)
{
	if (emu->json) {
		json_ports(emu);
		return;
	}
	if (emu->command)
		return;
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct port *port = &emu->ports[i];
		int column = printf("port %u  vfio-user:%s", i, port->path);

		/* Addresses are whole, whatever their length. */
		if (column + 2 + (int)strlen(port->wire->text) > APP_COLUMNS)
			printf("\n      ");
		printf("  %s\n", port->wire->text);
	}
	app_flush(stdout);
}

/* What has happened to one port since the interval before. */
struct change {
	const char *state;
	double seconds;
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, rx_missed;
};

static void json_change(const struct port *port, uint32_t i, const struct change *change,
			FILE *file)
{
	const struct nic_account *sum = nic_account(port->nic);
	const double unit = change->seconds * 1e6;

	fprintf(file,
		"%s{\"port\":%u,\"state\":\"%s\",\"rx_mpps\":%.6f,\"rx_mbits\":%.3f,"
		"\"tx_mpps\":%.6f,\"tx_mbits\":%.3f",
		i ? "," : "", i, change->state, change->rx_frames / unit,
		app_wire_bits(change->rx_frames, change->rx_bytes) / unit, change->tx_frames / unit,
		app_wire_bits(change->tx_frames, change->tx_bytes) / unit);
	fprintf(file,
		",\"rx_missed\":%" PRIu64 ",\"corrupted\":%" PRIu64 ",\"rx_frames\":%" PRIu64
		",\"tx_frames\":%" PRIu64 ",\"rx_down\":%" PRIu64 ",\"dma_faults\":%" PRIu64 "}",
		sum->rx_missed, port->wire->account.corrupted, sum->rx_frames, sum->tx_frames,
		sum->rx_down, sum->dma_faults);
}

/* @decimals: of the time, as many as tell one interval from the next */
static void line_of_change(const struct port *port, uint32_t i, const struct change *change,
			   double time, int decimals)
{
	char missed[APP_RATE_SIZE];

	fprintf(stderr, "%7.*f %2u %-5s %-4s ", decimals, time, i, port->wire->ops->kind,
		change->state);
	app_print_rate(stderr, change->rx_frames, change->rx_bytes, change->seconds);
	fputc(' ', stderr);
	app_print_rate(stderr, change->tx_frames, change->tx_bytes, change->seconds);
	fprintf(stderr, " %s\n", app_scaled(missed, change->rx_missed / change->seconds, "pps"));
}

void account_interval(struct emulator *emu, uint64_t now, uint64_t passed)
{
	const double time = (double)(now - emu->started) / NS_PER_SECOND;
	const double seconds = (double)passed / NS_PER_SECOND;
	int decimals = 0;

	for (uint64_t unit = NS_PER_SECOND; emu->interval % unit && decimals < 3; unit /= 10)
		decimals++;
	if (emu->json)
		fprintf(emu->json_file,
			"{\"type\":\"interval\",\"time\":%.3f,\"seconds\":%.3f,\"ports\":[", time,
			seconds);
	else if (emu->headings++ % HEADING_EVERY == 0)
		fprintf(stderr, "%7s %-8s %-4s %-23s %-23s %s\n", "seconds", "port", "link",
			"received by the driver", "sent by the driver", "missed");
	for (uint32_t i = 0; i < emu->count; i++) {
		struct port *port = &emu->ports[i];
		const struct nic_account *new = nic_account(port->nic), *old = &port->before;
		const struct change change = {
			.state = !vfu_connected(port->server) ? "free"
				 : nic_link_up(port->nic)     ? "up"
							      : "down",
			.seconds = seconds,
			.rx_frames = new->rx_frames - old->rx_frames,
			.rx_bytes = new->rx_bytes - old->rx_bytes,
			.tx_frames = new->tx_frames - old->tx_frames,
			.tx_bytes = new->tx_bytes - old->tx_bytes,
			.rx_missed = new->rx_missed - old->rx_missed,
		};

		if (emu->json)
			json_change(port, i, &change, emu->json_file);
		else
			line_of_change(port, i, &change, time, decimals);
		port->before = *new;
	}
	if (emu->json) {
		fprintf(emu->json_file, "]}\n");
		app_flush(emu->json_file);
	}
}

bool account_final(const struct emulator *emu, uint64_t now)
{
	double seconds = (double)(now - emu->started) / NS_PER_SECOND;
	bool good = true;

	for (uint32_t i = 0; i < emu->count; i++) {
		struct wire *wire = emu->ports[i].wire;

		if (wire->ops->account)
			wire->ops->account(wire);
		good &= !wire->account.broken;
	}
	if (emu->json)
		json_final(emu, seconds);
	else if (!emu->quiet && emu->count)
		table_final(emu, seconds);
	return good;
}
