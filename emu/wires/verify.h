/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Check what a card sends: is it what a generator of this program made, whole, once, and of its
 * present life?
 */
#ifndef VERIFY_H
#define VERIFY_H

#include "wire.h"

/**
 * struct verify_flow - sequence numbers of one flow
 * @next: the one that follows the highest that has been seen
 * @seen: the last 64 before @next; bit 0 is the highest
 */
struct verify_flow {
	uint64_t next;
	uint64_t seen;
};

#define VERIFY_WINDOW 64

/* What one wire knows of each stream. */
struct verify {
	struct verify_stream {
		uint32_t life;
		struct verify_flow *flows; /* NULL until the first packet comes */
	} streams[WIRES_MAX];
};

/**
 * verify_frame() - count a frame in @wire->account
 *
 * Each flow has its own sequence, so that a card or a driver that spreads flows over queues may
 * change their order. A gap is counted as lost; packets of it that come after all, up to
 * VERIFY_WINDOW behind the highest, are taken back and counted as reordered, so that "lost" is
 * right at any moment except for what is still under way. Corrupted packets are lost, too: their
 * numbers cannot be trusted.
 */
void verify_frame(struct verify *verify, struct wire *wire, const uint8_t *frame, size_t length);

/** verify_free() - free what @verify has allocated. */
void verify_free(struct verify *verify);

/**
 * verify_option() - the option touch=required, allowed, none. Return: 0 or what wire_fail()
 * returned.
 */
int verify_option(struct wire *wire, const char *value);

#endif
