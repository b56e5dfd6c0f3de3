/* SPDX-License-Identifier: BSD-2-Clause */
/* Command line options as a table, from which --help is printed. */
#pragma once
#include "app.h"

/* One option; a row without a name ends the table. */
struct app_option {
	const char *name, *argument, *help;
	enum { APP_FLAG, APP_TEXT, APP_DOUBLE, APP_U16, APP_U32, APP_U64 } kind;
	void *value;	 /* bool, const char *, or a number of that kind */
	double min, max; /* of a number, which may end in k or M */
};

/* Set by the program before app_open() if it does not wait for packets: no --interrupts. */
extern bool app_never_waits;

/* --json, --interrupts, --throttle */
extern bool app_json, app_interrupts;
extern uint32_t app_throttle;

/* Print @text as a JSON string. */
void app_print_string(FILE *out, const char *text);

/* The cards are open: wait for their links, say so if one has none after ten seconds. The time of
 * --duration begins. */
void app_ready(struct app *app);

/* rest.c: arm the interrupts, and watch for events. */
void app_watch(struct app *app);

/* rest.c: this thread serves queues from @first on and before @end: those wake it from app_rest(). */
void app_wait_for(struct app *app, uint16_t first, uint16_t end);

/* Print what has happened to card @i. Ends the program, with a word, when it has failed or gone, or
 * the system wants it back. */
void app_events(struct app *app, uint32_t i);
