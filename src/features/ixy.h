/* SPDX-License-Identifier: BSD-2-Clause */
/* What open.c finds in the files that the smallest build leaves out. */
#pragma once
#include <ixy/control.h>

/* config.c: put what is @given into @config, which holds the defaults. Can the card do this? */
int ixy_configure(const char *address, struct ixy_config *config, const struct ixy_config *given);

/* cards.c: is there a driver, @id being vendor and device? */
int ixy_find_card(const struct vfio_device *vfio, const uint16_t id[2], bool *copper);
