/* SPDX-License-Identifier: BSD-2-Clause */
/* Check what a card sends. */
#include "verify.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "gen_packet.h"

int verify_option(struct wire *wire, const char *value)
{
	if (!strcmp(value, "required"))
		wire->touch = TOUCH_REQUIRED;
	else if (!strcmp(value, "allowed"))
		wire->touch = TOUCH_ALLOWED;
	else if (!strcmp(value, "none"))
		wire->touch = TOUCH_NONE;
	else
		return wire_fail(wire, EINVAL, "touch=%s: it is required, allowed or none", value);
	return 0;
}

void verify_free(struct verify *verify)
{
	for (uint32_t i = 0; i < WIRES_MAX; i++)
		free(verify->streams[i].flows);
	*verify = (struct verify){ 0 };
}

/* The state of a flow in the stream's present life. NULL: no memory. */
static struct verify_flow *find_flow(struct verify *verify, const struct gen_stream *stream,
				     uint32_t flow)
{
	struct verify_stream *state = &verify->streams[stream->id];

	if (!state->flows || state->life != stream->life) {
		if (!state->flows)
			state->flows = calloc(stream->flows, sizeof(*state->flows));
		if (!state->flows)
			return NULL;
		state->life = stream->life;
		for (uint32_t i = 0; i < stream->flows; i++)
			state->flows[i] = (struct verify_flow){ .next = i };
	}
	return &state->flows[flow];
}

/* The packet came ahead of the expected one, or behind. Numbers of one flow are @flows apart. */
static void out_of_sequence(struct verify_flow *flow, struct wire_account *account,
			    uint64_t sequence, uint32_t flows)
{
	if (sequence > flow->next) {
		uint64_t gap = (sequence - flow->next) / flows;

		account->lost += gap;
		flow->seen = gap + 1 < VERIFY_WINDOW ? flow->seen << (gap + 1) | 1 : 1;
		flow->next = sequence + flows;
		return;
	}

	uint64_t behind = (flow->next - sequence) / flows - 1;
	uint64_t bit = 1ull << (behind % VERIFY_WINDOW);

	if (behind >= VERIFY_WINDOW) {
		account->late++;
	} else if (flow->seen & bit) {
		account->duplicates++;
	} else {
		flow->seen |= bit;
		account->reordered++;
		account->lost--;
	}
}

void verify_frame(struct verify *verify, struct wire *wire, const uint8_t *frame, size_t length)
{
	struct wire_account *account = &wire->account;
	struct gen_stream *stream = NULL;
	struct gen_packet packet;

	if (gen_packet_read(frame, length, &packet) && packet.stream < wire->all->count)
		stream = wire->all->streams[packet.stream];
	if (!stream) {
		account->foreign++;
		return;
	}
	if (packet.life != stream->life) {
		account->stale++;
		return;
	}
	if (length != stream->length || packet.flow >= stream->flows ||
	    packet.sequence >= stream->issued) {
		account->corrupted++;
		return;
	}

	uint32_t differences = gen_packet_differences(stream, frame, packet.flow, packet.sequence);
	if (differences > 1) {
		account->corrupted++;
		return;
	}

	struct verify_flow *flow = find_flow(verify, stream, packet.flow);
	if (!flow) {
		account->foreign++; /* no memory to judge it by */
		return;
	}
	if (packet.sequence == flow->next) {
		flow->next += stream->flows;
		flow->seen = flow->seen << 1 | 1;
	} else if (packet.sequence % stream->flows == packet.flow) {
		out_of_sequence(flow, account, packet.sequence, stream->flows);
	} else {
		account->corrupted++;
		return;
	}

	stream->returned++;
	if (differences)
		account->touched++;
	else
		account->unchanged++;
}
