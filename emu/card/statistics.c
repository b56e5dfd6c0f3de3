/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Statistics registers (8.2.3.23). They clear when they are read and stick at their highest value
 * instead of wrapping.
 *
 * Byte counts have 36 bits in a pair of registers. The low half has to be read first; reading the
 * high half clears both. What arrives between the two reads must not be lost, so the high half
 * clears what the low half has reported, and no more.
 */
#include "nic_internal.h"

#define PAIR_MAX 0xFFFFFFFFFull

/* A counter in a doorbell page while a driver has that mapped: see nic_set_mapped(). */
static bool rests(const struct nic *nic, uint32_t offset)
{
	return nic->mapped && nic_is_doorbell(offset);
}

void nic_count(struct nic *nic, uint32_t offset, uint32_t n)
{
	uint32_t sum;

	if (rests(nic, offset))
		return;
	if (__builtin_add_overflow(nic_get(nic, offset), n, &sum))
		sum = UINT32_MAX;
	nic_set(nic, offset, sum);
}

static void set_pair(struct nic *nic, uint32_t low_offset, uint64_t value)
{
	nic_set(nic, low_offset, (uint32_t)value);
	nic_set(nic, low_offset + 4, (uint32_t)(value >> 32));
}

void nic_count64(struct nic *nic, uint32_t low_offset, uint64_t n)
{
	uint64_t sum;

	if (rests(nic, low_offset))
		return;
	if (__builtin_add_overflow(nic_get64(nic, low_offset), n, &sum) || sum > PAIR_MAX)
		sum = PAIR_MAX;
	set_pair(nic, low_offset, sum);
}

uint32_t nic_stats_read_low(struct nic *nic, uint32_t low_offset)
{
	nic->latch.low_offset = low_offset;
	nic->latch.value = nic_get64(nic, low_offset);
	return (uint32_t)nic->latch.value;
}

uint32_t nic_stats_read_high(struct nic *nic, uint32_t low_offset)
{
	uint64_t value = nic_get64(nic, low_offset);
	uint64_t reported = value;

	/* A pair in a doorbell page may have shrunk since: it is the driver's memory, too. */
	if (nic->latch.low_offset == low_offset && nic->latch.value <= value)
		reported = nic->latch.value;
	nic->latch = (struct nic_latch){ 0 };
	set_pair(nic, low_offset, value - reported);
	return (uint32_t)(reported >> 32);
}
