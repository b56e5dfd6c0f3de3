/* SPDX-License-Identifier: BSD-2-Clause */
/* Counts mappings, for targets that are linked with --wrap: what an input leaves behind is a finding. */
#pragma once
#include <sys/mman.h>

static long mappings;

void *__real_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset);
int __real_munmap(void *at, size_t size);

void *__wrap_mmap(void *at, size_t size, int protection, int flags, int fd, off_t offset)
{
	void *mapped = __real_mmap(at, size, protection, flags, fd, offset);

	mappings += mapped != MAP_FAILED && !(flags & MAP_FIXED);
	return mapped;
}

int __wrap_munmap(void *at, size_t size)
{
	int err = __real_munmap(at, size);

	mappings -= !err;
	return err;
}
