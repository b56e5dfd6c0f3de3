/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
#include <stdlib.h>

static int compare_doubles(const void *a, const void *b)
{
	const double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static inline void sort_doubles(double *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare_doubles);
}
