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
	{ "skipped", "wire: records not replayed", WIRE_COUNTER(skipped), false },
	{ "touched", "verified: one byte changed", WIRE_COUNTER(touched), false },
	{ "unchanged", "verified: no byte changed", WIRE_COUNTER(unchanged), false },
	{ "corrupted", "verified: corrupted", WIRE_COUNTER(corrupted), false },
	{ "stale", "verified: of an earlier life", WIRE_COUNTER(stale), false },
	{ "lost", "verified: lost", WIRE_COUNTER(lost), false },
	{ "duplicates", "verified: came twice", WIRE_COUNTER(duplicates), false },
	{ "reordered", "verified: out of order", WIRE_COUNTER(reordered), false },
	{ "late", "verified: far out of order", WIRE_COUNTER(late), false },
	{ "foreign", "not made by a generator here", WIRE_COUNTER(foreign), false },
	{ "bursts", "bursts", WIRE_COUNTER(bursts), false },
	{ "overdue", "  frames not back in time", WIRE_COUNTER(overdue), false },
};

#define COUNTERS (sizeof(counters) / sizeof(counters[0]))

static uint64_t value(const struct port *port, const struct counter *counter)
{
	const char *account = counter->side == CARD ? (const char *)nic_account(port->nic)
						    : (const char *)&port->wire->account;
	uint64_t number;

	memcpy(&number, account + counter->offset, sizeof(number));
	return number;
}

/* On a verifying wire "corrupted 0" is what one wants to read. */
static bool shown(const struct emulator *emu, const struct counter *counter)
{
	bool verdict = !strcmp(counter->name, "corrupted") || !strcmp(counter->name, "lost") ||
		       !strcmp(counter->name, "touched");

	if (counter->always)
		return true;
	for (uint32_t i = 0; i < emu->count; i++)
		if (value(&emu->ports[i], counter) || (verdict && emu->ports[i].wire->touch))
			return true;
	return false;
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

/* Megabits per second on the wire: with CRC (4), preamble (8) and gap (12). */
static double mbits(uint64_t frames, uint64_t bytes, double seconds)
{
	return (bytes + frames * 24) * 8 / seconds / 1e6;
}

/* ---- JSON ---- */

/* Bytes that are no ASCII (file names) go out as they are; whoever has UTF-8 names gets UTF-8. */
static void json_string(FILE *file, const char *prefix, const char *text)
{
	fprintf(file, "\"%s", prefix);
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 0x20)
			fprintf(file, "\\u%04x", *text);
		else
			fputc(*text, file);
	}
	fputc('"', file);
}

static void json_ports(const struct emulator *emu)
{
	FILE *file = emu->json_file;

	fprintf(file, "{\"type\":\"ports\",\"ports\":[");
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct port *port = &emu->ports[i];
		const uint8_t *mac = port->wire->mac;

		fprintf(file, "%s{\"port\":%u,\"address\":", i ? "," : "", i);
		json_string(file, "vfio-user:", port->path);
		fprintf(file, ",\"mac\":\"%02x:%02x:%02x:%02x:%02x:%02x\",\"wire\":", mac[0],
			mac[1], mac[2], mac[3], mac[4], mac[5]);
		json_string(file, "", port->wire->text);
		fputc('}', file);
	}
	fprintf(file, "]}\n");
	fflush(file);
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
		json_string(file, "", port->wire->text);
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
	fflush(file);
}

/* ---- Tables ---- */

/* 1234567 as "1,234,567" */
static const char *grouped(uint64_t number, char text[32])
{
	char *c = text + 31;
	int digits = 0;

	*c = '\0';
	do {
		if (digits && digits % 3 == 0)
			*--c = ',';
		*--c = '0' + number % 10;
		digits++;
	} while (number /= 10);
	return c;
}

static void table_final(const struct emulator *emu, double seconds)
{
	FILE *file = stderr;
	char text[64];

	fprintf(file, "\n");
	snprintf(text, sizeof(text), "cards' account, %.1f s", seconds);
	fprintf(file, "%-34s", text);
	for (uint32_t i = 0; i < emu->count; i++) {
		const struct wire_ops *ops = emu->ports[i].wire->ops;

		snprintf(text, sizeof(text), "port %u (%s)", i, ops->kind);
		fprintf(file, " %17s", text);
	}
	fprintf(file, "\n");
	for (uint32_t c = 0; c < COUNTERS; c++) {
		if (!shown(emu, &counters[c]))
			continue;
		fprintf(file, "%-34s", counters[c].label);
		for (uint32_t i = 0; i < emu->count; i++)
			fprintf(file, " %17s", grouped(value(&emu->ports[i], &counters[c]), text));
		fprintf(file, "\n");
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
				"port %u: bursts came back in %.1f us (half of them), %.1f us (99 "
				"%%), "
				"%.1f us (99.9 %%), %.1f us (all)\n",
				i, times->p50 / 1e3, times->p99 / 1e3, times->p999 / 1e3,
				times->max / 1e3);
		if (!wire_ok(emu->ports[i].wire))
			fprintf(file,
				"port %u: NOT OK: packets arrived that should not have, see "
				"above\n",
				i);
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
	for (uint32_t i = 0; i < emu->count; i++)
		printf("port %u  vfio-user:%s  %s\n", i, emu->ports[i].path,
		       emu->ports[i].wire->text);
	fflush(stdout);
}

void account_interval(struct emulator *emu, uint64_t now, uint64_t passed)
{
	double seconds = (double)passed / NS_PER_SECOND;
	FILE *json = emu->json_file;

	if (emu->json)
		fprintf(json, "{\"type\":\"interval\",\"time\":%.3f,\"seconds\":%.3f,\"ports\":[",
			(double)(now - emu->started) / NS_PER_SECOND, seconds);
	for (uint32_t i = 0; i < emu->count; i++) {
		struct port *port = &emu->ports[i];
		const struct nic_account *new = nic_account(port->nic), *old = &port->before;
		uint64_t rx = new->rx_frames - old->rx_frames, tx = new->tx_frames - old->tx_frames;
		double rx_mbits = mbits(rx, new->rx_bytes - old->rx_bytes, seconds);
		double tx_mbits = mbits(tx, new->tx_bytes - old->tx_bytes, seconds);
		const char *state = !vfu_connected(port->server) ? "free"
				    : nic_link_up(port->nic)	 ? "up"
								 : "down";

		if (emu->json)
			fprintf(json,
				"%s{\"port\":%u,\"state\":\"%s\",\"rx_mpps\":%.4f,\"rx_mbits\":%."
				"2f,"
				"\"tx_mpps\":%.4f,\"tx_mbits\":%.2f,\"rx_missed\":%" PRIu64
				",\"corrupted\":%" PRIu64 ",\"rx_frames\":%" PRIu64
				",\"tx_frames\":%" PRIu64 ",\"rx_down\":%" PRIu64
				",\"dma_faults\":%" PRIu64 "}",
				i ? "," : "", i, state, rx / seconds / 1e6, rx_mbits,
				tx / seconds / 1e6, tx_mbits, new->rx_missed - old->rx_missed,
				port->wire->account.corrupted, new->rx_frames, new->tx_frames,
				new->rx_down, new->dma_faults);
		else
			fprintf(stderr,
				"%4.0f s  port %-2u %-5s %-4s  rx %7.3f Mpps %7.0f Mbit/s  tx "
				"%7.3f Mpps %7.0f Mbit/s"
				"  missed %" PRIu64 "\n",
				(double)(now - emu->started) / NS_PER_SECOND, i,
				port->wire->ops->kind, state, rx / seconds / 1e6, rx_mbits,
				tx / seconds / 1e6, tx_mbits, new->rx_missed - old->rx_missed);
		port->before = *new;
	}
	if (emu->json) {
		fprintf(json, "]}\n");
		fflush(json);
	}
}

void account_final(const struct emulator *emu, uint64_t now)
{
	double seconds = (double)(now - emu->started) / NS_PER_SECOND;

	for (uint32_t i = 0; i < emu->count; i++)
		if (emu->ports[i].wire->ops->account)
			emu->ports[i].wire->ops->account(emu->ports[i].wire);
	if (emu->json)
		json_final(emu, seconds);
	else if (!emu->quiet && emu->count)
		table_final(emu, seconds);
}
