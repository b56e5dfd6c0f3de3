/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core cycles. The TSC counts at a constant rate, the core does not: its speed relative to the TSC
 * is measured by work whose cycles are known.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <x86intrin.h>

/* All before is done, nothing after has begun. */
static inline uint64_t clock_ticks(void)
{
	_mm_lfence();
	uint64_t now = __rdtsc();
	_mm_lfence();
	return now;
}

/* How the core was just before or after something was measured. */
struct clock_probe {
	double speed; /* core cycles per tick */
	double share; /* cycles that independent work took; more if a sibling thread is busy */
};

struct clock_probe clock_probe(void);

/** clock_disturbed() - has the core's speed changed from @a to @b, or was its sibling busy? */
bool clock_disturbed(const struct clock_probe *a, const struct clock_probe *b);
