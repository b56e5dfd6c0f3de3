/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cable: connects two ports. loop: a port's own frames come back.
 *
 * Nothing is lost on the way as long as the receiving card works: when it has no free descriptor,
 * frames wait in a queue, and while they do the sending card is not asked for more (wire_room).
 * So a driver need not use flow control; if it does, the cards send each other pause frames, which do not wait.
 *
 * The link is up only while a driver at the other end receives: a driver that waits for the link before
 * it sends loses nothing. A short break (a filter is changed, the card reset) does not show.
 */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define QUEUE_FRAMES 512
#define DARK_AFTER   100000000 /* nanoseconds without a receiver */
/* So many wait: the card may ask the other one to pause, and to go on. */
#define BACKLOG_HIGH 128
#define BACKLOG_LOW  32
/*
 * One packet with TCP segmentation makes many frames, and cannot be stopped in the middle: this
 * much stays free for it.
 */
#define QUEUE_SLACK 256
/*
 * An odd number of cache lines, so that not all headers compete for the same few places in the
 * cache.
 */
#define QUEUE_STRIDE (NIC_FRAME_MAX + 64)
#define FRAME_MIN    14 /* an Ethernet header; nic_receive() takes nothing shorter */

/**
 * struct cable_wire - one end
 * @name: of the cable
 * @peer: the other end; of a loop, this end
 * @queue: frames that wait for the card at this end; pages that are never used cost nothing
 * @head, @tail: count frames; the first one waiting, and the end
 * @lit: when a driver was last seen to receive at the other end; 0: never
 */
struct cable_wire {
	struct wire wire;
	char name[32];
	struct cable_wire *peer;
	uint8_t *queue;
	uint16_t lengths[QUEUE_FRAMES];
	uint32_t head, tail;
	uint64_t lit;
};

static uint8_t *cable_buffer(const struct cable_wire *cable, uint32_t i)
{
	return cable->queue + (size_t)(i % QUEUE_FRAMES) * QUEUE_STRIDE;
}

static void enqueue(struct cable_wire *cable, const uint8_t *frame, size_t length)
{
	if (cable->tail - cable->head == QUEUE_FRAMES || length > NIC_FRAME_MAX ||
	    length < FRAME_MIN) {
		cable->peer->wire.account.dropped++;
		return;
	}
	memcpy(cable_buffer(cable, cable->tail), frame, length);
	cable->lengths[cable->tail % QUEUE_FRAMES] = length;
	cable->tail++;
}

/* Return: false if the card has no room at the moment. */
static bool deliver_queued(struct cable_wire *cable, const uint8_t *frame, size_t length)
{
	if (nic_receive(cable->wire.nic, frame, length, NIC_TRY) == NIC_BUSY)
		return false;
	cable->wire.account.sent++;
	return true;
}

static uint32_t drain(struct cable_wire *cable)
{
	uint32_t n = 0;

	for (; n < WIRE_BURST && cable->head != cable->tail; n++) {
		if (!deliver_queued(cable, cable_buffer(cable, cable->head),
				    cable->lengths[cable->head % QUEUE_FRAMES]))
			break;
		cable->head++;
	}
	return n;
}

static uint32_t cable_poll(struct wire *wire, uint64_t now)
{
	struct cable_wire *cable = (struct cable_wire *)wire;

	if (nic_receiving(cable->peer->wire.nic))
		cable->lit = now;
	nic_set_wire(wire->nic, cable->lit && now - cable->lit < DARK_AFTER);
	const uint32_t waiting = cable->tail - cable->head;
	if (waiting >= BACKLOG_HIGH)
		nic_set_backlog(wire->nic, true);
	else if (waiting <= BACKLOG_LOW)
		nic_set_backlog(wire->nic, false);
	return drain(cable);
}

static uint32_t cable_room(struct wire *wire)
{
	const struct cable_wire *peer = ((struct cable_wire *)wire)->peer;
	uint32_t waiting = peer->tail - peer->head;

	return waiting < QUEUE_FRAMES - QUEUE_SLACK ? QUEUE_FRAMES - QUEUE_SLACK - waiting : 0;
}

static bool is_mac_control(const uint8_t *frame, size_t length)
{
	return length >= FRAME_MIN && frame[12] == 0x88 && frame[13] == 0x08;
}

static void cable_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	struct cable_wire *peer = ((struct cable_wire *)wire)->peer;

	/* Without a copy in between, where nothing waits, and what the other card's MAC takes itself. */
	if ((peer->head == peer->tail || is_mac_control(frame, length)) && length >= FRAME_MIN &&
	    length <= NIC_FRAME_MAX && deliver_queued(peer, frame, length))
		return;
	enqueue(peer, frame, length);
}

static int allocate_queue(struct cable_wire *cable)
{
	cable->queue = malloc((size_t)QUEUE_FRAMES * QUEUE_STRIDE);
	return cable->queue ? 0 : wire_fail(&cable->wire, ENOMEM, "out of memory");
}

static int cable_option(struct wire *wire, const char *key, const char *value)
{
	struct cable_wire *cable = (struct cable_wire *)wire;

	if (key)
		return wire_fail(wire, EINVAL, "cable takes no options but a name, as in cable:a");
	if (strlen(value) >= sizeof(cable->name))
		return wire_fail(wire, EINVAL, "the cable's name is longer than %zu characters",
				 sizeof(cable->name) - 1);
	strcpy(cable->name, value);
	return 0;
}

static int cable_start(struct wire *wire)
{
	struct cable_wire *cable = (struct cable_wire *)wire;
	uint32_t others = 0;

	for (uint32_t i = 0; i < wire->all->count; i++) {
		struct cable_wire *other = (struct cable_wire *)wire->all->wire[i];

		if (other->wire.ops == &wire_cable_ops && other != cable &&
		    !strcmp(other->name, cable->name)) {
			cable->peer = other;
			others++;
		}
	}
	if (others != 1)
		return wire_fail(wire, EINVAL,
				 "a cable has two ends, and %s; give two ports the same cable:NAME",
				 others ? "this one would have more" : "the other one is missing");
	return allocate_queue(cable);
}

static void cable_stop(struct wire *wire)
{
	struct cable_wire *cable = (struct cable_wire *)wire;

	free(cable->queue);
	cable->queue = NULL;
}

const struct wire_ops wire_cable_ops = {
	.kind = "cable",
	.options = "a name",
	.help = "connects the two ports that have the same cable:NAME",
	.size = sizeof(struct cable_wire),
	.option = cable_option,
	.start = cable_start,
	.poll = cable_poll,
	.transmit = cable_transmit,
	.room = cable_room,
	.stop = cable_stop,
};

/* ---- loop: always through the queue, for a card that is sending is not called from within ---- */

static uint32_t loop_poll(struct wire *wire, uint64_t now)
{
	(void)now;
	return drain((struct cable_wire *)wire);
}

static void loop_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	enqueue((struct cable_wire *)wire, frame, length);
}

static int loop_start(struct wire *wire)
{
	struct cable_wire *cable = (struct cable_wire *)wire;

	cable->peer = cable;
	return allocate_queue(cable);
}

const struct wire_ops wire_loop_ops = {
	.kind = "loop",
	.options = "nothing",
	.help = "what the card sends comes back to it",
	.size = sizeof(struct cable_wire),
	.start = loop_start,
	.poll = loop_poll,
	.transmit = loop_transmit,
	.room = cable_room,
	.stop = cable_stop,
};
