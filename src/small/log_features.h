/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/full/log_features.h: errors go to stderr. */
#include <err.h>

#define ixy_fail(err, ...) (warnx(__VA_ARGS__), -(err))
