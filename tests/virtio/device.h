/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The device's side of virtqueues (virtio 1.2, 2.7 and 2.8), in memory that a front end shared with a
 * back end. It is honest, unless the test is not, and strict: invalid entries in a ring end the
 * program.
 */
#ifndef DEVICE_H
#define DEVICE_H

#include "back_end.h"

#define SEGMENTS_MAX 4

/* A buffer of the driver: a chain of descriptors. A device that changes the id before it returns the chain lies. */
struct chain {
	uint32_t id;
	uint16_t count;
	struct {
		uint64_t iova;
		uint8_t *data;
		uint32_t length;
		bool write; /* by the device */
	} segments[SEGMENTS_MAX];
};

/**
 * struct device_queue - the device's view of ring @index
 * @packed, @event_idx, @in_order: as negotiated; in order, one descriptor is for all that was sent
 * @next, @wrap:        where the driver makes its next buffer available
 * @used, @used_wrap:   where the device returns the next one
 * @calls:              that the driver wanted
 */
struct device_queue {
	struct back_end *back;
	uint32_t index;
	bool packed, event_idx, in_order;
	uint16_t next, used;
	bool wrap, used_wrap;
	uint32_t calls;
};

/* The ring must have been started. */
void device_queue_init(struct device_queue *q, struct back_end *back, uint32_t index);

/* The next buffer that the driver made available. Return: is there one? */
bool device_pop(struct device_queue *q, struct chain *chain);

/* Return buffers, of which so many bytes were written, and signal if the driver wants that. */
void device_push(struct device_queue *q, const struct chain *chains, const uint32_t *lengths,
		 uint32_t count);

/* Ask the driver for kicks (2.7.10, 2.8.10): never, for each buffer, or when it makes available the one
 * which is @ahead of the next. How many kicks there were since the last call. */
enum { NEVER = -1, ALWAYS = -2 };
void device_want_kicks(struct device_queue *q, int ahead);
uint64_t device_kicks(struct device_queue *q);

/* The memory of a ring, in parts: 0: descriptors, 1: what the driver and 2: what the device writes beside
 * them. */
void *device_part(const struct device_queue *q, int part, size_t *size);

/* ---- Network devices ---- */

/* Bytes of the header in front of each frame, as negotiated (5.1.6.1). */
size_t device_header(struct back_end *back);

/* Let a frame arrive, in as many buffers as it takes. Return: was there room? */
bool device_deliver(struct device_queue *q, const void *frame, size_t size);

/* Take a frame that the driver sends. Return: its size; 0: there is none. */
size_t device_take(struct device_queue *q, void *frame, size_t room);

/* The same, but without giving the buffer back: that is for device_push(), with a length of 0. */
size_t device_take_only(struct device_queue *q, void *frame, size_t room, struct chain *chain);

#endif
