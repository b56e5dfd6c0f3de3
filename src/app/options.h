/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the programs have beyond app.h: options of their own, and how the files behind app_features.h
 * work together. Those call each other downwards only:
 *
 *	app.c
 *	threads.c	 when the cards are ready; the main loop in several threads
 *	statistics.c	 what the cards have counted
 *	idle.c		 yielding and sleeping
 *	events.c	 what happens to cards
 *	clock.c		 the time
 *	names.c		 what cards are called
 *	options.c	 what was asked for
 *	command_line.c, output.c
 */
#pragma once
#include "app.h"
#include "command_line.h"
#include "output.h"

#include <ixy/log.h>

#define APP_NAME_SIZE	17
#define APP_THREADS_MAX 64

/* Set by the program before app_open() if it does not wait for packets: no --interrupts. */
extern bool app_never_waits;

/* --json, --quiet, --interrupts, --throttle, --duration */
extern bool app_json, app_quiet, app_interrupts;
extern uint32_t app_throttle;
extern double app_duration;

/* A log hook: messages of the library as the program's own. */
void app_log(enum ixy_log_level level, const char *line, void *ctx);

/* threads.c: the cards are open: wait for their links, say so if one has none after ten seconds. The
 * time of --duration begins. */
void app_ready(struct app *app);

/*
 * names.c: a short name for card @i, which no other has: nic0 of vfio-user:/tmp/cards/nic0.sock. Not
 * before app_name_cards().
 */
const char *app_card_name(uint32_t i);
void app_name_cards(const struct app *app);

/* names.c: such a name for any address; two may have the same one. */
void app_short_name(char name[APP_NAME_SIZE], const char *address);

/* idle.c: arm the interrupts, and watch for events. */
void app_watch(struct app *app);

/* idle.c: this thread serves queues from @first on and before @end: those wake it from app_rest(). */
void app_wait_for(struct app *app, uint16_t first, uint16_t end);

/* events.c: print what has happened to card @i. Ends the program, with a message, when it has failed or
 * is gone, or its release is requested. */
void app_events(struct app *app, uint32_t i);
