/* SPDX-License-Identifier: BSD-2-Clause */
/* What ixgbe.c finds in stats.c and control.c, which the smallest build leaves out. */
#pragma once

int ixgbe_read_stats(struct ixy_device *ixy, struct ixy_stats *stats);

extern const struct ixy_control_ops ixgbe_control_ops;
#define IXGBE_CONTROL &ixgbe_control_ops
