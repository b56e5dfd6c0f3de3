/* SPDX-License-Identifier: BSD-2-Clause */
/* From when the cards are open: links, --duration, and the main loop, with --threads in several. */
#define _GNU_SOURCE /* processors of a thread */
#include "options.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <ixy/control.h>
#include <ixy/vfio_pci.h>

/* ---- When the cards are ready ---- */

static void wait_for_link(const struct app *app)
{
	double deadline = app_now() + 10;

	for (uint32_t i = 0; i < app->device_count; i++) {
		while (!ixy_link_speed(app->devices[i]) && app_now() < deadline)
			if (usleep(1000))
				return; /* a signal: the main loop ends the program */
		if (!ixy_link_speed(app->devices[i]))
			app_say("%s: no link; is the cable plugged in?", app_card_name(i));
	}
}

/* Send this program SIGTERM after @seconds. */
static void end_after(double seconds)
{
	struct sigevent event = { .sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGTERM };
	struct itimerspec when = { .it_value = { (time_t)seconds,
						 (seconds - (time_t)seconds) * 1e9 } };
	timer_t timer;

	if (!timer_create(CLOCK_MONOTONIC, &event, &timer) && !timer_settime(timer, 0, &when, NULL))
		return;
	app_say("--duration: no timer: %s", strerror(errno));
	raise(SIGTERM);
}

void app_ready(struct app *app)
{
	if (app_json && app->out == stderr)
		app_say_json();
	app_name_cards(app);
	wait_for_link(app);
	app_watch(app);
	app->start = app_now();
	app->due = app->start + 1;
	if (app_duration > 0)
		end_after(app_duration);
}

/* ---- Threads ---- */

struct worker {
	pthread_t thread;
	struct app *app;
	void (*serve)(struct app *app, uint16_t first, uint16_t end);
	uint16_t first, end;
	_Atomic uint32_t *running; /* of all; this one no more when it has ended */
};

/* Processors of a NUMA node, as Linux lists them: 0-3,8-11. Return: can they be told? */
static bool read_node(int node, cpu_set_t *set)
{
	char path[64];
	unsigned int from, to;
	int next = ',';

	snprintf(path, sizeof(path), "/sys/devices/system/node/node%d/cpulist", node);
	FILE *file = node < 0 ? NULL : fopen(path, "r");
	if (!file)
		return false;
	CPU_ZERO(set);
	while (next == ',' && fscanf(file, "%u", &from) == 1) {
		to = from;
		next = getc(file);
		if (next == '-' && fscanf(file, "%u", &to) == 1)
			next = getc(file);
		for (; from <= to && from < CPU_SETSIZE; from++)
			CPU_SET(from, set);
	}
	fclose(file);
	return true;
}

/* Those that we may use; of them, those near the first card, if there are any. */
static void find_processors(const struct app *app, cpu_set_t *set)
{
	cpu_set_t near;

	if (sched_getaffinity(0, sizeof(*set), set))
		CPU_ZERO(set);
	if (!read_node(vfio_numa_node(app->devices[0]->vfio), &near))
		return;
	CPU_AND(&near, &near, set);
	if (CPU_COUNT(&near))
		*set = near;
}

/* Have the thread run on the @i-th of them; they are used again when they do not suffice. */
static void pin(pthread_attr_t *attributes, const cpu_set_t *set, uint32_t i)
{
	cpu_set_t one;
	int cpu = -1, count = CPU_COUNT(set);

	if (!count)
		return; /* more than fit into a set: let the kernel choose */
	for (i %= count; cpu < 0 || i--;)
		do
			cpu++;
		while (!CPU_ISSET(cpu, set));
	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	pthread_attr_setaffinity_np(attributes, sizeof(one), &one);
}

static void *work(void *argument)
{
	struct worker *w = argument;

	app_wait_for(w->app, w->first, w->end);
	w->serve(w->app, w->first, w->end);
	--*w->running;
	return NULL;
}

/* Statistics are for one thread at a time: for this one. */
static void supervise(struct app *app, const _Atomic uint32_t *running)
{
	double due = app->start + 1;

	for (; *running && app_running(app); usleep(10000)) {
		if (app_now() < due)
			continue;
		app_report(app, false);
		due = app_now() + 1;
	}
}

static void start(struct worker *w, const cpu_set_t *processors, uint32_t i)
{
	pthread_attr_t attributes;
	int err = pthread_attr_init(&attributes);

	if (!err) {
		pin(&attributes, processors, i);
		err = pthread_create(&w->thread, &attributes, work, w);
		pthread_attr_destroy(&attributes);
	}
	if (!err)
		return;
	app_say("cannot start thread %u: %s", i, strerror(err));
	w->app->status = 1;
	w->app = NULL;
}

static void serve_in_threads(struct app *app,
			     void (*serve)(struct app *app, uint16_t first, uint16_t end))
{
	const uint32_t n = app->threads, queues = app->config.tx_queues;
	struct worker workers[APP_THREADS_MAX];
	_Atomic uint32_t running = n;
	cpu_set_t processors;

	app->due = INFINITY; /* workers print nothing */
	find_processors(app, &processors);
	for (uint32_t i = 0; i < n; i++) {
		workers[i] = (struct worker){ .app = app,
					      .serve = serve,
					      .first = i * queues / n,
					      .end = (i + 1) * queues / n,
					      .running = &running };
		start(&workers[i], &processors, i);
	}
	supervise(app, &running);
	for (uint32_t i = 0; i < n; i++)
		if (workers[i].app)
			pthread_join(workers[i].thread, NULL);
}

void app_run(struct app *app, void (*serve)(struct app *app, uint16_t first, uint16_t end))
{
	const uint16_t queues = app->config.tx_queues;

	app_ready(app);
	if (app->threads) {
		serve_in_threads(app, serve);
	} else {
		app_wait_for(app, 0, queues);
		serve(app, 0, queues);
	}
}
