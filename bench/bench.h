/* SPDX-License-Identifier: BSD-2-Clause */
/* The interface of a driver under test to bench.c. One program per driver file. */
#pragma once
#include "card.h"

#define BATCH_MAX 256
#define IDLE_MAX  64 /* polls without a packet before a driver has failed */

/**
 * struct bench_setting - fixed while a driver is open
 * @ring:   descriptors of the receive and of the send queue
 * @pool:   packet buffers
 * @length: of frames, without CRC
 * @cpu:    of the driver
 */
struct bench_setting {
	const char *driver;
	uint32_t ring, pool, length;
	int cpu;
};

/*
 * The measured functions, which handle @n packets, @batch at a time. Return: the number of packets.
 * POLL is the cost of an empty queue: @n calls to receive and to send with nothing to do.
 */
enum bench_task { FORWARD, RECEIVE, SEND, POLL, TASKS };
typedef uint32_t bench_function(uint32_t n, uint32_t batch);

/**
 * struct bench_driver - a driver and how to use it
 * @names:    of its variants, up to a NULL
 * @open:     initialize it with one queue per direction. Return: 0, or another value after a
 *            message.
 * @min_batch: the smallest batch that it supports; valid after open()
 * @bar0:     its mapping of the registers; valid after open()
 */
struct bench_driver {
	const char *names[5];
	int (*open)(struct card *card, const struct bench_setting *setting);
	void (*close)(void);
	bench_function *task[TASKS];
	uint32_t min_batch;
	uint8_t *bar0;
};

extern struct bench_driver bench_driver;
