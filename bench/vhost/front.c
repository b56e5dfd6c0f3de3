/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets per second of a vhost-user front end, and the time spent in the driver:
 *
 *	front --driver NAME --path SOCKET --task send|receive|forward --cpu N [--size BYTES] [--ring N]
 *	      [--batch N] [--windows N]
 *
 * Prints "ready" when it is connected, waits for packets to flow, and measures windows of 50 ms.
 * Then prints a line: driver, task, size, ring, batch, Mpps of the median window, TSC cycles per
 * packet in calls that moved any, share of calls that moved none.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <x86intrin.h>

#include "../sort.h"
#include "front.h"

#define WINDOW_NS   50000000ull
#define WINDOWS_MAX 1000
#define WARM_UP	    100000 /* packets before the measurement */
#define PATIENCE_NS 5000000000ull
#define CALLS	    64 /* between two readings of the clock */

static struct {
	uint64_t packets, calls, idle, cycles;
} count;

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

static void work(uint32_t (*task)(uint32_t batch), uint32_t batch)
{
	for (int i = 0; i < CALLS; i++) {
		uint64_t before = __rdtsc();
		uint32_t n = task(batch);
		count.packets += n;
		count.calls++;
		count.idle += !n;
		count.cycles += n ? __rdtsc() - before : 0;
	}
}

static int measure(const char *name, uint32_t (*task)(uint32_t batch), uint32_t batch,
		   uint32_t windows, const struct front_setting *s)
{
	double mpps[WINDOWS_MAX];
	const uint64_t deadline = now_ns() + PATIENCE_NS;

	while (count.packets < WARM_UP) {
		work(task, batch);
		if (now_ns() > deadline) {
			fprintf(stderr, "%s, %s: only %llu packets\n", s->driver, name,
				(unsigned long long)count.packets);
			return 1;
		}
	}
	memset(&count, 0, sizeof(count));
	uint64_t begin = now_ns();
	for (uint32_t w = 0; w < windows; w++) {
		const uint64_t before = count.packets;
		uint64_t end;
		do {
			work(task, batch);
			end = now_ns();
		} while (end - begin < WINDOW_NS);
		mpps[w] = (count.packets - before) * 1e3 / (end - begin);
		begin = end;
	}
	sort_doubles(mpps, windows);
	printf("%s,%s,%u,%u,%u,%.3f,%.1f,%.3f\n", s->driver, name, s->length + 4, s->ring, batch,
	       mpps[windows / 2], count.packets ? (double)count.cycles / count.packets : 0,
	       (double)count.idle / count.calls);
	return 0;
}

static bool known(const char *driver)
{
	for (const char *const *name = front.names; *name; name++)
		if (driver && !strcmp(*name, driver))
			return true;
	return false;
}

static uint32_t (*find_task(const char *name))(uint32_t batch)
{
	if (!strcmp(name, "send"))
		return front.send;
	if (!strcmp(name, "receive"))
		return front.receive;
	return strcmp(name, "forward") ? NULL : front.forward;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "driver", 1, NULL, 'd' }, { "path", 1, NULL, 'p' },	 { "task", 1, NULL, 't' },
		{ "cpu", 1, NULL, 'c' },    { "size", 1, NULL, 's' },	 { "ring", 1, NULL, 'r' },
		{ "batch", 1, NULL, 'b' },  { "windows", 1, NULL, 'w' }, { 0 },
	};
	struct front_setting s = { .ring = 512, .length = 60, .path = "" };
	uint32_t batch = 32, windows = 10;
	const char *task = "";
	cpu_set_t cpus;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			s.driver = optarg;
			break;
		case 'p':
			s.path = optarg;
			break;
		case 't':
			task = optarg;
			break;
		case 'c':
			s.cpu = atoi(optarg);
			break;
		case 's':
			s.length = atoi(optarg) - 4;
			break;
		case 'r':
			s.ring = atoi(optarg);
			break;
		case 'b':
			batch = atoi(optarg);
			break;
		case 'w':
			windows = atoi(optarg);
			break;
		default:
			return 2;
		}
	}
	if (!known(s.driver) || !find_task(task) || !batch || batch > BATCH_MAX || !windows ||
	    windows > WINDOWS_MAX) {
		fprintf(stderr, "%s: see the head of bench/vhost/front.c\n", argv[0]);
		return 2;
	}
	CPU_ZERO(&cpus);
	CPU_SET(s.cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus)) {
		perror("sched_setaffinity");
		return 1;
	}
	if (front.open(&s))
		return 1;
	puts("ready");
	fflush(stdout);
	int err = measure(task, find_task(task), batch, windows, &s);
	fflush(stdout);
	front.close();
	return err;
}
