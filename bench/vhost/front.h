/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface of a vhost-user front end under test to front.c. One program per driver file. */
#pragma once
#include <stdint.h>

#define BATCH_MAX 256

/**
 * struct front_setting - fixed during a run
 * @driver: one of @names
 * @path:   the back end's socket
 * @ring:   descriptors of each ring
 * @length: of frames, without CRC
 * @cpu:    of the front end
 */
struct front_setting {
	const char *driver, *path;
	uint32_t ring, length;
	int cpu;
};

/**
 * struct front - a driver and how to use it, with one queue pair
 * @names: of its variants, up to a NULL
 * @open:  Return: 0, or another value after a message
 * @send:  allocate up to @batch packets and send them. Return: how many were sent
 * @receive: receive up to @batch packets and free them. Return: how many
 * @forward: receive up to @batch packets, change a byte and send them back. Return: how many were sent
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
