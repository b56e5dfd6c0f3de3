/* SPDX-License-Identifier: BSD-2-Clause */
/* Can a configuration be had? See card.h. */
#include "driver.h"

/* All pools together: vfio_dma_alloc() sees one at a time, and too many of them wake the OOM killer. */
int ixy_check_memory(const char *address, const struct ixy_config *c)
{
	const uint64_t machine = (uint64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	const uint64_t pools = (uint64_t)c->rx_queues * c->buffers * c->mtu;

	if (pools <= machine)
		return 0;
	return ixy_fail(ENOMEM,
			"%s: %u receive queues, each with %u buffers, need %lu MB, more than the "
			"%lu MB of this machine",
			address, c->rx_queues, c->buffers, pools >> 20, machine >> 20);
}

int ixy_check_limits(const char *address, const struct ixy_limit *limits, size_t count)
{
	for (const struct ixy_limit *l = limits; l < limits + count; l++)
		if (l->value < l->min || l->value > l->max || l->value % l->multiple)
			return ixy_fail(EINVAL, "%s: %u %s are not possible; %u to %u%s are: %s",
					address, l->value, l->name, l->min, l->max,
					l->multiple > 1 ? " in steps of 8" : "", l->why);
	return 0;
}
