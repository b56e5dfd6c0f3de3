/* SPDX-License-Identifier: BSD-2-Clause */
/* See clock.h. */
#include "clock.h"

#define REPEAT "64"
#define LOOPS  8

/* Latency in cycles on all x86-64 cores since 2008. */
#define IMUL_LATENCY 3

/* The loop overhead executes in parallel to the chain. */
static uint64_t dependent(void)
{
	uint64_t start = clock_ticks(), x = 3;

	for (int i = 0; i < LOOPS; i++)
		__asm__ volatile(".rept " REPEAT "\n imul %0, %0\n .endr" : "+r"(x));
	return clock_ticks() - start;
}

static uint64_t independent(void)
{
	uint64_t start = clock_ticks(), a = 1, b = 1, c = 1, d = 1;

	for (int i = 0; i < LOOPS; i++)
		__asm__ volatile(".rept " REPEAT "\n"
				 "add $1, %0\n add $1, %1\n add $1, %2\n add $1, %3\n .endr"
				 : "+r"(a), "+r"(b), "+r"(c), "+r"(d));
	return clock_ticks() - start;
}

struct clock_probe clock_probe(void)
{
	const double known = 64.0 * LOOPS * IMUL_LATENCY;
	double speed = known / (double)dependent();

	return (struct clock_probe){ speed, (double)independent() * speed };
}

bool clock_disturbed(const struct clock_probe *a, const struct clock_probe *b)
{
	static double best;
	double share = a->share > b->share ? a->share : b->share;
	double change = a->speed / b->speed;

	if (!best || share < best)
		best = share;
	return change < 0.97 || change > 1.03 || share > best * 1.2;
}
