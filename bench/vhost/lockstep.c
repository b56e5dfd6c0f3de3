/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The cost of a vhost-user front end alone: the tests' back end emulates the device in the same
 * thread, alternating with the driver, and only the driver's turn is timed. Rings and packets are in
 * the processor's caches.
 *
 *	lockstep --driver NAME --cpu N [--size BYTES] [--ring N] [--batch N] [--rounds N]
 *
 * Prints lines: driver, task, size, ring, batch, TSC cycles per packet in the median round.
 */
#define _GNU_SOURCE
#include <getopt.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <x86intrin.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "../sort.h"
#include "front.h"
#include "tests/virtio/device.h"

#define PACKETS	 128 /* in a round */
#define IDLE_MAX 64  /* calls without a packet before the driver has failed */

enum { SEND, RECEIVE, FORWARD, POLL, TASKS };
static const char *const names[TASKS] = { "send", "receive", "forward", "poll" };

static struct back_end back;
static struct device_queue rx, tx; /* as the driver calls them */
static uint8_t frame[2048];

static void deliver(uint32_t length)
{
	for (int i = 0; i < PACKETS; i++) {
		memset(frame, i, 14);
		if (!device_deliver(&rx, frame, length)) {
			fputs("the driver did not provide enough buffers\n", stderr);
			exit(1);
		}
	}
}

static void take(void)
{
	static struct chain chains[PACKETS];
	static const uint32_t nothing[PACKETS];

	for (int i = 0; i < PACKETS; i++)
		if (!device_take_only(&tx, frame, sizeof(frame), &chains[i])) {
			fprintf(stderr, "the driver has sent %d packets, not %d\n", i, PACKETS);
			exit(1);
		}
	device_push(&tx, chains, nothing, PACKETS);
}

static void work(uint32_t (*task)(uint32_t batch), uint32_t batch)
{
	uint32_t idle = 0;

	for (uint32_t done = 0, n; done < PACKETS && idle < IDLE_MAX; done += n) {
		n = task(batch);
		idle = n ? 0 : idle + 1;
	}
}

static double round_of(int task, uint32_t batch, uint32_t length)
{
	uint32_t (*const functions[])(uint32_t) = { front.send, front.receive, front.forward };

	if (task == RECEIVE || task == FORWARD)
		deliver(length);
	const uint64_t begin = __rdtsc();
	if (task == POLL)
		for (int i = 0; i < PACKETS; i++)
			front.forward(batch);
	else
		work(functions[task], batch);
	const uint64_t end = __rdtsc();
	if (task == SEND || task == FORWARD)
		take();
	return (double)(end - begin) / PACKETS;
}

static int open_front(const struct front_setting *s)
{
	const bool packed = strstr(s->driver, "packed");

	back.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_IN_ORDER |
			1ull << VIRTIO_RING_F_EVENT_IDX | 1ull << 30 |
			(packed ? 1ull << VIRTIO_F_RING_PACKED : 0);
	back.protocol = F_MQ | F_REPLY_ACK;
	back.pairs = 1;
	back.lenient = true;
	back_end_start(&back);
	struct front_setting here = *s;
	here.path = back.path;
	if (front.open(&here))
		return 1;
	/* Requests without a reply may still be in flight. */
	pthread_mutex_lock(&back.lock);
	while (!back.rings[0].enabled || !back.rings[1].enabled || !back.rings[0].started ||
	       !back.rings[1].started)
		pthread_cond_wait(&back.changed, &back.lock);
	pthread_mutex_unlock(&back.lock);
	device_queue_init(&rx, &back, 0);
	device_queue_init(&tx, &back, 1);
	device_want_kicks(&rx, NEVER);
	device_want_kicks(&tx, NEVER);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "driver", 1, NULL, 'd' },
		{ "cpu", 1, NULL, 'c' },
		{ "size", 1, NULL, 's' },
		{ "ring", 1, NULL, 'r' },
		{ "batch", 1, NULL, 'b' },
		{ "rounds", 1, NULL, 'n' },
		{ 0 },
	};
	struct front_setting s = { .driver = "", .ring = 512, .length = 60 };
	uint32_t batch = 32, rounds = 2000;
	cpu_set_t cpus;
	int option;

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'd')
			s.driver = optarg;
		else if (option == 'c')
			s.cpu = atoi(optarg);
		else if (option == 's')
			s.length = atoi(optarg) - 4;
		else if (option == 'r')
			s.ring = atoi(optarg);
		else if (option == 'b')
			batch = atoi(optarg);
		else if (option == 'n')
			rounds = atoi(optarg);
		else
			return 2;
	}
	double *cycles = calloc(rounds + 1, sizeof(*cycles));
	if (!cycles || !batch || batch > BATCH_MAX || s.length > sizeof(frame) || !rounds)
		return 2;
	if (open_front(&s))
		return 1;
	CPU_ZERO(&cpus);
	CPU_SET(s.cpu, &cpus);
	sched_setaffinity(0, sizeof(cpus), &cpus);
	for (int task = 0; task < TASKS; task++) {
		for (uint32_t i = 0; i < rounds; i++)
			cycles[i] = round_of(task, batch, s.length);
		sort_doubles(cycles, rounds);
		printf("%s,%s,%u,%u,%u,%.1f\n", s.driver, names[task], s.length + 4, s.ring, batch,
		       cycles[rounds / 2]);
	}
	fflush(stdout);
	front.close();
	back_end_stop(&back);
	free(cycles);
	return 0;
}
