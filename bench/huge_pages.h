/* SPDX-License-Identifier: BSD-2-Clause */
#pragma once
#include <stdio.h>

/* Free pages of 2 MiB. */
static inline int free_huge_pages(void)
{
	FILE *file = fopen("/sys/kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "r");
	int pages = 0;

	if (file) {
		if (fscanf(file, "%d", &pages) != 1)
			pages = 0;
		fclose(file);
	}
	return pages;
}
