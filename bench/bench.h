/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver under test provides; bench.c measures it. One program per file of drivers. */
#pragma once
#include "card.h"

#define BATCH_MAX 256
#define IDLE_MAX  64 /* polls without a packet, after which a driver has failed */

/**
 * struct bench_setting - what stays the same while a driver is open
 * @ring:   descriptors of the receive and of the send queue
 * @pool:   packet buffers
 * @length: of frames, without CRC
 * @cpu:    on which the driver runs
 */
struct bench_setting {
	const char *driver;
	uint32_t ring, pool, length;
	int cpu;
};

/*
 * What is measured: functions that handle @n packets, @batch at a time. Return: how many they did.
 * POLL is what a queue costs that has none: @n calls for receiving and sending, nothing to do.
 */
enum bench_task { FORWARD, RECEIVE, SEND, POLL, TASKS };
typedef uint32_t bench_function(uint32_t n, uint32_t batch);

/**
 * struct bench_driver - a driver and how to use it
 * @names:    of its variants, up to a NULL
 * @open:     set it up with one queue per direction. Return: 0, or after an explanation anything
 *            else.
 * @min_batch: smaller ones it cannot do; valid after open()
 * @bar0:     where it has the registers; valid after open()
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
