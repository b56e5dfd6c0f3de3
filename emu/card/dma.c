/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How the card reaches memory: through windows that the host grants, and never outside them.
 *
 * Datasheet gap: 8.2.3.5.1 names the events behind EICR.PCI, but a request of the card that an
 * IOMMU refuses is not among them, and the datasheet is silent on what the card does then. On hardware a refused
 * read comes back as an unsupported request, which sets Received Master Abort (where Linux looks
 * when VFs hang the card), and the queue that waits for it hangs until it is reset; of a refused
 * write the card learns nothing. Here reads and writes behave alike: the driver gets Received Master
 * Abort and EICR.PCI. A queue whose ring is refused stops (rx.c, tx.c); a packet buffer costs its
 * packet only.
 */
#include "datapath.h"

#define PCI_STATUS	 0x06
#define PCI_MASTER_ABORT BIT(13) /* Received Master Abort */

static void *fault(struct nic *nic, uint64_t iova)
{
	nic->account.dma_faults++;
	nic->account.last_fault = iova;
	nic->pci.config[PCI_STATUS + 1] |= PCI_MASTER_ABORT >> 8;
	nic_irq_cause(nic, EICR_PCI);
	return NULL;
}

void *nic_dma_slow(struct nic *nic, uint64_t iova, size_t size, bool write)
{
	struct nic_window window = { 0 };

	if (!nic->pci.master)
		return NULL; /* nothing was asked, so nothing was refused */
	if (!nic->host.window(nic->host.ctx, iova, &window))
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

/* ---- Copying from and to memory that may lie in several windows ---- */

/* How much of a range is in the window where it begins: 0 after a fault. */
static size_t reach_part(struct nic *nic, uint64_t iova, size_t size, bool write, uint8_t **p)
{
	*p = nic_dma(nic, iova, 1, write);
	if (!*p)
		return 0;
	for (uint32_t i = 0; i < NIC_WINDOWS; i++) {
		const struct nic_window *window = &nic->windows[i];
		uint64_t offset = iova - window->iova;

		if (offset < window->size && (window->writable || !write))
			return size < window->size - offset ? size
							    : (size_t)(window->size - offset);
	}
	return 1;
}

bool nic_copy_in(struct nic *nic, void *to, uint64_t iova, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		uint8_t *from;

		part = reach_part(nic, iova + done, size - done, false, &from);
		if (!part)
			return false;
		memmove((uint8_t *)to + done, from, part);
	}
	return true;
}

bool nic_copy_out(struct nic *nic, uint64_t iova, const void *from, size_t size)
{
	for (size_t done = 0, part; done < size; done += part) {
		uint8_t *to;

		part = reach_part(nic, iova + done, size - done, true, &to);
		if (!part)
			return false;
		memmove(to, (const uint8_t *)from + done, part);
	}
	return true;
}
