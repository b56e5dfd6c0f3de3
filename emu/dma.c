/* SPDX-License-Identifier: BSD-2-Clause */
/* How the card reaches memory: through windows that the host grants, and never beside them. */
#include <string.h>

#include "nic_internal.h"

static void *fault(struct nic *nic, uint64_t iova)
{
	nic->account.dma_faults++;
	nic->account.last_fault = iova;
	return NULL;
}

void *nic_dma_slow(struct nic *nic, uint64_t iova, size_t size, bool write)
{
	struct nic_window window = { 0 };

	if (!nic->pci.master || !nic->host.window(nic->host.ctx, iova, &window))
		return fault(nic, iova);

	/* The answer must be about what was asked, and all of it: one access never spans windows. */
	uint64_t offset = iova - window.iova;

	if (!window.host || offset >= window.size || size > window.size - offset)
		return fault(nic, iova);
	if (write && !window.writable)
		return fault(nic, iova);

	nic->windows[nic->next_window] = window;
	nic->next_window = (nic->next_window + 1) % NIC_WINDOWS;
	return window.host + offset;
}

void nic_dma_changed(struct nic *nic)
{
	memset(nic->windows, 0, sizeof(nic->windows));
}
