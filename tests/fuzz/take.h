/* SPDX-License-Identifier: BSD-2-Clause */
/* For fuzzers that take all they do out of one input. */
#pragma once
#include <stdio.h>

#include <ixy/log.h>

#include "input.h"

static struct input input;

#define take_bytes(to, size) input_bytes(&input, to, size)
#define take8()		     ((uint8_t)input_number(&input, 1))
#define take16()	     ((uint16_t)input_number(&input, 2))
#define take32()	     ((uint32_t)input_number(&input, 4))
#define take64()	     input_number(&input, 8)

static inline void drop_line(enum ixy_log_level level, const char *line, void *context)
{
	(void)level, (void)line, (void)context;
}

/* What must be; libFuzzer keeps the input that breaks it. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);            \
			__builtin_trap();                                                          \
		}                                                                                  \
	} while (0)
