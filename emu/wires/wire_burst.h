/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bursts of a generator: some frames at once; then it waits until all of them have come back, on
 * whatever wire, and then for a while of random length. Nothing that follows pushes a frame that got
 * stuck in a driver: it is overdue. And how long they took is known.
 */
#ifndef WIRE_BURST_H
#define WIRE_BURST_H

#include <string.h>

#include "wire.h"

#define BURST_SHIFT 5
#define BURST_STEPS (1 << BURST_SHIFT)
#define BURST_TIMES (60 * BURST_STEPS)

/**
 * struct burst
 * @frames, @gap_us, @deadline_ms: options; no bursts if @frames is 0. The pauses last from 0 to
 *          twice the gap.
 * @target: how many frames will have come back when the burst has
 * @began, @next, @deadline: of the burst, times; the first one of a life has no deadline, and is not
 *          in the histogram
 * @times:  a histogram of ns from the start of a burst to the return of its last frame; 32 steps for
 *          each power of two
 */
struct burst {
	uint64_t frames, gap_us, deadline_ms;
	enum { BURST_PAUSE, BURST_SENT, BURST_AWAITED } state;
	uint64_t left, target, began, next, deadline, random;
	uint64_t samples, longest;
	uint64_t times[BURST_TIMES];
};

/** burst_option() - Return: false if the option is not one of bursts; else @err is set. */
bool burst_option(struct wire *wire, struct burst *burst, const char *key, const char *value,
		  int *err);

/** burst_start() - all options are known. burst_new_life() - nothing is under way. */
void burst_start(struct burst *burst, uint32_t port);
void burst_new_life(struct burst *burst, uint64_t now);

/** burst_due() - frames that may be sent now; burst_spend() tells how many were. */
uint64_t burst_due(struct burst *burst, struct wire_account *account, uint64_t returned,
		   uint64_t now);
void burst_spend(struct burst *burst, uint32_t frames);

/** burst_wake() - when it wants to be asked again */
uint64_t burst_wake(const struct burst *burst, uint64_t now);

/** burst_percentile() - ns in which @part of the bursts have come back; 0 if there are none. */
uint64_t burst_percentile(const struct burst *burst, double part);

#endif
