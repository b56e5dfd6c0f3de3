/* SPDX-License-Identifier: BSD-2-Clause */
/* The cards at the ends of the wires; see wire_bench.h. */
#include <stdlib.h>
#include <string.h>

#include "wire_bench.h"

enum nic_verdict nic_receive(struct nic *nic, const void *frame, size_t length, unsigned int flags)
{
	assert_in_range(length, 14, NIC_FRAME_MAX);
	if (!nic->up)
		return NIC_DOWN;
	if (!nic->room) {
		nic->missed += !(flags & NIC_TRY);
		return flags & NIC_TRY ? NIC_BUSY : NIC_MISSED;
	}
	assert_true(nic->count < KEPT);
	nic->frames[nic->count] = malloc(length); /* its exact size, for the address sanitizer */
	memcpy(nic->frames[nic->count], frame, length);
	nic->lengths[nic->count++] = length;
	nic->room--;
	return NIC_TAKEN;
}

bool nic_receiving(const struct nic *nic)
{
	return nic->up;
}

void nic_set_backlog(struct nic *nic, bool high)
{
	nic->backlog = high;
}

void nic_set_wire(struct nic *nic, bool plugged)
{
	nic->light = plugged;
}

bool nic_link_up(const struct nic *nic)
{
	return nic->up;
}

void bench_forget(struct nic *nic)
{
	for (uint32_t i = 0; i < nic->count; i++)
		free(nic->frames[i]);
	nic->count = 0;
}

struct bench bench;

int bench_plug(const char *text)
{
	int err = wires_add(&bench.wires, text);

	if (!err) {
		uint32_t i = bench.wires.count - 1;
		struct wire *wire = bench.wires.wire[i];

		wire->nic = &bench.nics[i];
		memcpy(wire->mac, (uint8_t[]){ 2, 0, 0, 0, 0, i }, 6);
		bench.nics[i].up = true;
		bench.nics[i].room = KEPT;
	}
	return err;
}

int bench_unplug(void **state)
{
	(void)state;
	wires_free(&bench.wires);
	for (int i = 0; i < 3; i++)
		bench_forget(&bench.nics[i]);
	memset(&bench, 0, sizeof(bench));
	return 0;
}

void bench_start(const char *first, const char *second)
{
	assert_int_equal(bench_plug(first), 0);
	if (second)
		assert_int_equal(bench_plug(second), 0);
	assert_int_equal(wires_start(&bench.wires), 0);
}

struct wire_account *bench_account(uint32_t port)
{
	return &bench.wires.wire[port]->account;
}

uint32_t bench_poll(uint32_t port, uint64_t now)
{
	bench.wires.now = now;
	return wire_poll(bench.wires.wire[port], now);
}

void bench_forward(uint32_t port, uint32_t i, int touch)
{
	struct nic *nic = &bench.nics[0];

	assert_true(i < nic->count);
	uint8_t *frame = nic->frames[i];

	if (touch >= 0)
		frame[touch]++;
	wire_transmit(bench.wires.wire[port], frame, nic->lengths[i]);
	if (touch >= 0)
		frame[touch]--;
}
