/* SPDX-License-Identifier: BSD-2-Clause */
/* What app.c finds in options.c and rest.c, which the smallest build leaves out. */
#pragma once

/* Seconds of a clock that never goes back. */
double app_now(void);

/* Fill in @app->args, batch and config. Return: false to end with @app->status. */
bool app_parse(struct app *app, int argc, char **argv, uint32_t count);

/* The cards are open: wait for their links, say so if one has none after ten seconds. */
void app_ready(struct app *app);

/* Let others run; with --interrupts, sleep if nothing arrives. */
void app_rest(struct app *app);

/* Has --duration passed since then? */
bool app_time_is_up(const struct app *app);

/* Read the counters of card @i. Ends the program, with a word, when the card has failed or gone, or
 * the system wants it back. */
void app_check(struct app *app, uint32_t i);

/* What device @i has counted, at which rate since the last time or, at the end, since the start. */
void app_print(struct app *app, uint32_t i, bool final);
