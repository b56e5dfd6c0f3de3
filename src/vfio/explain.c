/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>
#include "internal.h"
int vfio_explain(const char *pci, const char *file, int err)
{
	return ixy_fail(err, "%s: %s: %s", pci, file, strerror(err));
}
