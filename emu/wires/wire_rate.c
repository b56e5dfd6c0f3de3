/* SPDX-License-Identifier: BSD-2-Clause */
/* How many frames are due, for wires that send at a rate. */
#include "wire.h"

void wire_rate_start(struct wire_rate *rate, uint64_t now)
{
	rate->last = now;
	rate->credit = 0;
}

uint32_t wire_rate_due(struct wire_rate *rate, uint64_t now)
{
	if (!rate->per_second)
		return WIRE_BURST;

	uint64_t passed = now - rate->last;
	uint64_t limit = rate->per_second * 20000; /* what is due in 20 us */

	if (passed > NS_PER_SECOND)
		passed = NS_PER_SECOND;
	if (limit < WIRE_BURST * NS_PER_SECOND)
		limit = WIRE_BURST * NS_PER_SECOND;
	rate->last = now;
	rate->credit += passed * rate->per_second;
	if (rate->credit > limit)
		rate->credit = limit;

	uint64_t due = rate->credit / NS_PER_SECOND;
	return due < WIRE_BURST ? due : WIRE_BURST;
}

void wire_rate_spend(struct wire_rate *rate, uint32_t frames)
{
	if (rate->per_second)
		rate->credit -= frames * NS_PER_SECOND;
}

uint64_t wire_rate_wake(const struct wire_rate *rate)
{
	if (!rate->per_second)
		return UINT64_MAX;
	if (rate->credit >= NS_PER_SECOND)
		return rate->last;
	return rate->last +
	       (NS_PER_SECOND - rate->credit + rate->per_second - 1) / rate->per_second;
}
