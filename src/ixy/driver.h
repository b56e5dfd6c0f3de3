/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers as open.c sees them, and what all of these files include. */
#pragma once
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ixy/device.h>
#include <ixy/log.h>
#include <ixy/vfio.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
	       "descriptors are read and written as they are");

struct mempool {
	struct dma_memory mem;
	uint32_t count, free, data_size;
	bool closing; /* mempool_destroy() was called; the last buffer to come back frees all */
	struct pkt_buf *stack[];
};

/* Take over @vfio, which is closed with the device; on error it stays with the caller. @config has
 * its defaults filled in. */
int ixgbe_open(struct ixy_device **dev, struct vfio_device *vfio, const struct ixy_config *config,
	       bool copper);

#define IXY_INTEL 0x8086

/* The smallest build has nothing to configure and knows one card. */
#ifdef IXY_SMALL
#define ixy_check_config(address, config) 0
#define ixy_find_card(vfio, id, copper)                                                            \
	((id)[0] == IXY_INTEL && (id)[1] == 0x10fb ? 0 : ixy_fail(ENOTSUP, "not an 82599ES"))
#else
/* config.c: can the card do this? */
int ixy_check_config(const char *address, const struct ixy_config *config);
/* cards.c: is there a driver, @id being vendor and device? */
int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2], bool *copper);
#endif
