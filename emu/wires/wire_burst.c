/* SPDX-License-Identifier: BSD-2-Clause */
/* Bursts; see wire_burst.h. */
#include "wire_burst.h"

#define US    1000ull
#define NEVER UINT64_MAX
#define AWAKE (200 * US)

bool burst_option(struct wire *wire, struct burst *burst, const char *key, const char *value,
		  int *err)
{
	if (!strcmp(key, "burst"))
		*err = wire_number(wire, key, value, 1, 1000000, &burst->frames);
	else if (!strcmp(key, "gap"))
		*err = wire_number(wire, key, value, 0, 1000000, &burst->gap_us);
	else if (!strcmp(key, "deadline"))
		*err = wire_number(wire, key, value, 1, 60000, &burst->deadline_ms);
	else
		return false;
	return true;
}

void burst_start(struct burst *burst, uint32_t port)
{
	burst->gap_us = burst->gap_us ? burst->gap_us : 50;
	burst->deadline_ms = burst->deadline_ms ? burst->deadline_ms : 100;
	burst->random = port + 1;
}

void burst_new_life(struct burst *burst, uint64_t now)
{
	burst->state = BURST_PAUSE;
	burst->next = now;
	burst->deadline = 0;
}

static void sample(struct burst *burst, uint64_t ns)
{
	uint32_t octave =
		ns < BURST_STEPS ? 0 : 63 - (uint32_t)__builtin_clzll(ns) - BURST_SHIFT + 1;
	uint32_t step = octave ? ns >> (octave - 1) & (BURST_STEPS - 1) : ns;

	burst->times[octave * BURST_STEPS + step]++;
	burst->samples++;
	if (ns > burst->longest)
		burst->longest = ns;
}

/* Upper end of the step that holds the @part smallest of all samples. */
uint64_t burst_percentile(const struct burst *burst, double part)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < BURST_TIMES; i++) {
		sum += burst->times[i];
		if (sum && sum >= part * burst->samples) {
			uint32_t octave = i / BURST_STEPS;
			uint64_t step = i % BURST_STEPS + 1;
			uint64_t end = octave ? (BURST_STEPS + step) << (octave - 1) : step;

			return end < burst->longest ? end : burst->longest;
		}
	}
	return 0;
}

/* xorshift64 (Marsaglia): the same pauses in each run. */
static uint64_t random_below(struct burst *burst, uint64_t limit)
{
	burst->random ^= burst->random << 13;
	burst->random ^= burst->random >> 7;
	burst->random ^= burst->random << 17;
	return burst->random % limit;
}

uint64_t burst_due(struct burst *burst, struct wire_account *account, uint64_t returned,
		   uint64_t now)
{
	if (burst->state == BURST_AWAITED) {
		if (returned < burst->target && now < burst->deadline)
			return 0;
		account->bursts++;
		if (returned < burst->target)
			account->overdue += burst->target - returned;
		else if (burst->deadline != NEVER)
			sample(burst, now - burst->began);
		burst->state = BURST_PAUSE;
		burst->next = now + random_below(burst, 2 * burst->gap_us * US + 1);
	}
	if (burst->state == BURST_PAUSE && now >= burst->next) {
		burst->state = BURST_SENT;
		burst->left = burst->frames;
		burst->target = returned + burst->frames;
		burst->began = now;
		/* The first one finds a driver that may still be starting. */
		burst->deadline = burst->deadline ? now + burst->deadline_ms * 1000 * US : NEVER;
	}
	return burst->state == BURST_SENT ? burst->left : 0;
}

void burst_spend(struct burst *burst, uint32_t frames)
{
	burst->left -= frames;
	if (burst->state == BURST_SENT && !burst->left)
		burst->state = BURST_AWAITED;
}

/*
 * While a burst is in flight, keep polling for a while, as its return is timed. Not for long: the driver
 * may share our CPU.
 */
uint64_t burst_wake(const struct burst *burst, uint64_t now)
{
	if (burst->state == BURST_PAUSE)
		return burst->next;
	return now - burst->began < AWAKE ? now : burst->deadline;
}
