/* SPDX-License-Identifier: BSD-2-Clause */
/* Copying from and to driver memory that may lie in several windows. */
#include "datapath.h"

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
