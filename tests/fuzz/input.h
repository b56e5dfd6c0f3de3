/* SPDX-License-Identifier: BSD-2-Clause */
/* What fuzzers have in common: numbers out of an input, which has zeros behind its end. */
#pragma once
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct input {
	const uint8_t *at;
	size_t left;
};

static inline void input_bytes(struct input *in, void *to, size_t size)
{
	size_t have = size < in->left ? size : in->left;

	memset(to, 0, size);
	memcpy(to, in->at, have);
	in->at += have;
	in->left -= have;
}

static inline uint64_t input_number(struct input *in, size_t size)
{
	uint64_t value = 0;

	input_bytes(in, &value, size);
	return value;
}

/* Open file descriptors, those above 255 left out. */
static inline int open_descriptors(void)
{
	int count = 0;

	for (int fd = 0; fd < 256; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}
