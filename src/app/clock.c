/* SPDX-License-Identifier: BSD-2-Clause */
/* The programs' clock. */
#include "app.h"

#include <time.h>

double app_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}
