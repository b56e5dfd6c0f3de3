/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A clock for targets that are linked with --wrap: it moves by being read, and sleeping takes no time. So
 * deadlines pass after the same number of steps in each run.
 */
#pragma once
#include <stdint.h>
#include <time.h>

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}

int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	static uint64_t ms;

	(void)clock;
	ms += 100;
	*time = (struct timespec){ (time_t)(ms / 1000), (long)(ms % 1000 * 1000000) };
	return 0;
}
