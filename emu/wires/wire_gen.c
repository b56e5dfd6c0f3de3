/* SPDX-License-Identifier: BSD-2-Clause */
/* gen: generates packets for the card and verifies what the card sends. sink: verifies only. */
#include "wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sys/random.h>

#include "gen_packet.h"
#include "verify.h"
#include "wire_burst.h"

#define CRC_LENGTH   4
#define SIZE_DEFAULT 64
#define SLOTS_BYTES  65536 /* about as much as should be under way between generator and card */

/**
 * struct gen_wire - a generator
 * @slots:    buffers in which packets wait to be taken by the card; @slot is the next one to be
 *            taken. They are made in bursts: a card that copies a packet right after it was made
 *            would have to wait for the processor's stores.
 * @window:   how many packets may be under way, 0: any number. One that gets lost stays under way.
 * @sequence: of the packet that is made next, @flow is its flow
 * @taken:    packets of this life that the card has taken
 * @left:     packets of this life that have not been taken yet, made or not
 */
struct gen_wire {
	struct wire wire;
	struct verify verify;
	struct gen_stream stream;
	struct wire_rate rate;
	struct burst burst;
	uint64_t size, flow_count, count, window;
	uint8_t dst[6];
	bool dst_given;

	bool up;
	uint64_t paused_until;
	uint8_t *buffers;
	uint32_t stride, slots, slot;
	uint64_t sequence, taken, left;
	uint32_t flow;
};

struct sink_wire {
	struct wire wire;
	struct verify verify;
};

static int gen_option(struct wire *wire, const char *key, const char *value)
{
	struct gen_wire *gen = (struct gen_wire *)wire;
	int err;

	if (!key)
		return wire_unknown_option(wire, key);
	if (!strcmp(key, "size"))
		return wire_number(wire, key, value, GEN_LENGTH_MIN + CRC_LENGTH,
				   GEN_LENGTH_MAX + CRC_LENGTH, &gen->size);
	if (!strcmp(key, "rate"))
		return wire_number(wire, key, value, 0, NS_PER_SECOND, &gen->rate.per_second);
	if (!strcmp(key, "flows"))
		return wire_number(wire, key, value, 1, GEN_FLOWS_MAX, &gen->flow_count);
	if (!strcmp(key, "count"))
		return wire_number(wire, key, value, 1, UINT64_MAX, &gen->count);
	if (!strcmp(key, "window"))
		return wire_number(wire, key, value, 1, UINT32_MAX, &gen->window);
	if (!strcmp(key, "touch"))
		return verify_option(wire, value);
	if (!strcmp(key, "dst")) {
		gen->dst_given = wire_mac_parse(value, gen->dst);
		return gen->dst_given
			       ? 0
			       : wire_fail(wire, EINVAL, "dst=%s is no unicast MAC address", value);
	}
	if (burst_option(wire, &gen->burst, key, value, &err))
		return err;
	return wire_unknown_option(wire, key);
}

static uint8_t *gen_buffer(const struct gen_wire *gen, uint32_t slot)
{
	return gen->buffers + (size_t)slot * gen->stride;
}

static int gen_start(struct wire *wire)
{
	uint8_t src[6] = { 0x02, 0x69, 0x78, 0x79, 0, wire->port }; /* locally administered */
	struct gen_wire *gen = (struct gen_wire *)wire;
	uint32_t life;

	if (!gen->size)
		gen->size = SIZE_DEFAULT;
	if (!gen->flow_count)
		gen->flow_count = 1;
	if (!wire->touch)
		wire->touch = TOUCH_REQUIRED;
	burst_start(&gen->burst, wire->port);

	uint32_t length = gen->size - CRC_LENGTH;
	gen_stream_init(&gen->stream, wire->port, length, gen->flow_count,
			gen->dst_given ? gen->dst : wire->mac, src);
	if (getrandom(&life, sizeof(life), 0) != sizeof(life))
		return wire_fail(wire, errno, "no random number: %s", strerror(errno));
	gen->stream.life = life;

	/*
	 * An odd number of cache lines, so that not all headers compete for the same few places in
	 * the cache.
	 */
	gen->stride = ((length + 63) / 64 | 1) * 64;
	gen->slots = SLOTS_BYTES / gen->stride;
	if (gen->slots > WIRE_BURST)
		gen->slots = WIRE_BURST;
	gen->buffers = aligned_alloc(64, (size_t)gen->slots * gen->stride);
	if (!gen->buffers)
		return wire_fail(wire, ENOMEM, "out of memory");
	wire->all->streams[wire->port] = &gen->stream;
	return 0;
}

static void gen_stop(struct wire *wire)
{
	struct gen_wire *gen = (struct gen_wire *)wire;

	wire->all->streams[wire->port] = NULL;
	verify_free(&gen->verify);
	free(gen->buffers);
	gen->buffers = NULL;
}

/*
 * A driver has brought the link up: packets that another one may have left somewhere must not pass
 * for new ones.
 */
static void gen_new_life(struct gen_wire *gen, uint64_t now)
{
	gen_stream_new_life(&gen->stream,
			    gen->stream.life + 0x9E3779B9); /* odd: all lives come by */
	for (uint32_t i = 0; i < gen->slots; i++)
		gen_packet_fill(&gen->stream, gen_buffer(gen, i));
	gen->slot = gen->slots;
	gen->sequence = 0;
	gen->flow = 0;
	gen->taken = 0;
	gen->left = gen->count ? gen->count : UINT64_MAX;
	gen->paused_until = 0;
	gen->stream.returned = 0;
	burst_new_life(&gen->burst, now);
	wire_rate_start(&gen->rate, now);
}

static void gen_make_burst(struct gen_wire *gen)
{
	for (uint32_t i = 0; i < gen->slots; i++) {
		gen_packet_number(&gen->stream, gen_buffer(gen, i), gen->flow, gen->sequence++);
		if (++gen->flow == gen->stream.flows)
			gen->flow = 0;
	}
	gen->stream.issued = gen->sequence;
	gen->slot = 0;
}

/* Packets that have not come back, up to a full window. */
static uint64_t under_way(const struct gen_wire *gen)
{
	uint64_t returned = gen->stream.returned;
	uint64_t out =
		gen->taken > returned ? gen->taken - returned : 0; /* some may come back twice */

	return out < gen->window ? out : gen->window;
}

static uint32_t gen_poll(struct wire *wire, uint64_t now)
{
	struct gen_wire *gen = (struct gen_wire *)wire;
	/*
	 * On a wire without a speed of its own the generator waits for the card; else what the card
	 * misses is lost.
	 */
	unsigned int flags = NIC_AGAIN | (gen->rate.per_second ? 0 : NIC_TRY);
	bool up = nic_link_up(wire->nic);

	if (up && !gen->up)
		gen_new_life(gen, now);
	gen->up = up;
	if (!up || now < gen->paused_until)
		return 0;

	uint32_t due = wire_rate_due(&gen->rate, now), sent = 0;
	if (gen->burst.frames) {
		uint64_t left = burst_due(&gen->burst, &wire->account, gen->stream.returned, now);
		if (due > left)
			due = left;
	}
	if (gen->window && due > gen->window - under_way(gen))
		due = gen->window - under_way(gen);
	if (due > gen->left)
		due = gen->left;
	while (sent < due) {
		if (gen->slot == gen->slots)
			gen_make_burst(gen);

		enum nic_verdict verdict = nic_receive(wire->nic, gen_buffer(gen, gen->slot),
						       gen->stream.length, flags);
		if (verdict == NIC_DOWN)
			gen->paused_until = now + WIRE_DOWN_PAUSE;
		if (verdict == NIC_BUSY || verdict == NIC_DOWN)
			break; /* the same packet again next time */
		gen->slot++;
		sent++;
	}
	gen->taken += sent;
	gen->left -= sent;
	wire->account.sent += sent;
	wire_rate_spend(&gen->rate, sent);
	if (gen->burst.frames)
		burst_spend(&gen->burst, sent);
	return sent;
}

static uint64_t gen_wake(const struct wire *wire)
{
	const struct gen_wire *gen = (const struct gen_wire *)wire;

	if (!gen->up)
		return UINT64_MAX;
	if (gen->burst.frames && (gen->left || gen->burst.state == BURST_AWAITED))
		return burst_wake(&gen->burst, wire->all->now);
	return gen->left ? wire_rate_wake(&gen->rate) : UINT64_MAX;
}

static void gen_account(struct wire *wire)
{
	const struct burst *burst = &((struct gen_wire *)wire)->burst;

	wire->account.times = (struct wire_times){
		.p50 = burst_percentile(burst, 0.5),
		.p99 = burst_percentile(burst, 0.99),
		.p999 = burst_percentile(burst, 0.999),
		.max = burst->longest,
	};
}

static void gen_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	verify_frame(&((struct gen_wire *)wire)->verify, wire, frame, length);
}

const struct wire_ops wire_gen_ops = {
	.kind = "gen",
	.options = "size=, rate=, flows=, count=, window=, burst=, gap=, deadline=, dst=, touch=",
	.help = "generates UDP packets for the card and verifies what the card sends, like sink",
	.size = sizeof(struct gen_wire),
	.option = gen_option,
	.start = gen_start,
	.poll = gen_poll,
	.transmit = gen_transmit,
	.wake = gen_wake,
	.account = gen_account,
	.stop = gen_stop,
};

/* ---- sink ---- */

static int sink_option(struct wire *wire, const char *key, const char *value)
{
	if (key && !strcmp(key, "touch"))
		return verify_option(wire, value);
	return wire_unknown_option(wire, key);
}

static int sink_start(struct wire *wire)
{
	if (!wire->touch)
		wire->touch = TOUCH_REQUIRED;
	return 0;
}

static void sink_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	verify_frame(&((struct sink_wire *)wire)->verify, wire, frame, length);
}

static void sink_stop(struct wire *wire)
{
	verify_free(&((struct sink_wire *)wire)->verify);
}

const struct wire_ops wire_sink_ops = {
	.kind = "sink",
	.options = "touch=",
	.help = "verifies that the card sends what generators of this program made, one byte "
		"changed",
	.size = sizeof(struct sink_wire),
	.option = sink_option,
	.start = sink_start,
	.transmit = sink_transmit,
	.stop = sink_stop,
};
