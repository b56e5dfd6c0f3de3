/* SPDX-License-Identifier: BSD-2-Clause */
/* A front end of vhost-user under test; front.c measures it. One program per file of drivers. */
#pragma once
#include <stdint.h>

#define BATCH_MAX 256

/**
 * struct front_setting - what stays the same
 * @driver: one of @names
 * @path:   the back end's socket
 * @ring:   descriptors of each ring
 * @length: of frames, without CRC
 * @cpu:    on which it runs
 */
struct front_setting {
	const char *driver, *path;
	uint32_t ring, length;
	int cpu;
};

/**
 * struct front - a driver and how to use it, with one queue pair
 * @names: of its variants, up to a NULL
 * @open:  Return: 0, or after an explanation anything else
 * @send, @receive, @forward: once, up to @batch packets: take them from a pool; give them back;
 *         change a byte and send it back. Return: how many
 */
struct front {
	const char *names[6];
	int (*open)(const struct front_setting *setting);
	void (*close)(void);
	uint32_t (*send)(uint32_t batch);
	uint32_t (*receive)(uint32_t batch);
	uint32_t (*forward)(uint32_t batch);
};

extern const struct front front;
