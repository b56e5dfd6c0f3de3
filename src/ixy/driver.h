/* SPDX-License-Identifier: BSD-2-Clause */
/* The drivers as open.c sees them. */
#ifndef IXY_DRIVER_H
#define IXY_DRIVER_H

#include <ixy/device.h>
#include <ixy/vfio.h>

/* Take over @vfio, which the driver closes with the device; on error it stays with the caller.
 * @config has no zeros left. */
int ixgbe_open(struct ixy_device **dev, struct vfio_device *vfio, const struct ixy_config *config,
	       bool copper);

#endif
