/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Core cycles. The TSC runs at a constant rate, the core does not: its speed relative to the TSC
 * is measured by a known number of cycles.
 */
#pragma once
#include <stdbool.h>
#include <stdint.h>

#include <x86intrin.h>

/* Neither earlier nor later instructions overlap. */
static inline uint64_t clock_ticks(void)
{
	_mm_lfence();
	uint64_t now = __rdtsc();
	_mm_lfence();
	return now;
}

/* The state of the core just before or after a measurement. */
struct clock_probe {
	double speed; /* core cycles per tick */
	double share; /* cycles for independent instructions; more if a sibling thread is busy */
};

struct clock_probe clock_probe(void);

/** clock_disturbed() - whether the speed changed from @a to @b, or a sibling thread was busy. */
bool clock_disturbed(const struct clock_probe *a, const struct clock_probe *b);
