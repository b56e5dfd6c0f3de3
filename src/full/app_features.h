/* SPDX-License-Identifier: BSD-2-Clause */
/* What app.c and the programs find in files that the smallest build leaves out. */
#pragma once

/* clock.c: seconds of a clock that never goes back. */
double app_now(void);

/* options.c: fill in @app->args, batch and config. Return: false to end with @app->status. */
bool app_parse(struct app *app, int argc, char **argv, uint32_t count);

/* statistics.c: print what the cards have counted, at which rate since the last time or, at the end,
 * since the start. Ends the program when a card has failed or is gone, or is being unbound. */
void app_report(struct app *app, bool final);

/* idle.c: let others run; with --interrupts, sleep if nothing arrives. */
void app_rest(struct app *app);

/*
 * threads.c: wait for the cards' links, then call @serve until it is time to end; with --threads in
 * so many threads at once, while this one prints what is due. Each queue belongs to one of them:
 * those from @first on and before @end.
 */
void app_run(struct app *app, void (*serve)(struct app *app, uint16_t first, uint16_t end));
