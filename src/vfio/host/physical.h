/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside physical.c, and for its test. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define HUGE_PAGE ((size_t)2 << 20)

/* A page of a file, and where it is in physical memory. */
struct huge_page {
	uint64_t physical;
	size_t index;
};

/*
 * Sort @pages by physical address and look for @wanted that follow each other without a gap.
 * Return: the first of them, or NULL.
 */
struct huge_page *find_run(struct huge_page *pages, size_t count, size_t wanted);
