/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of backends: the one file that knows them all. */
#include "internal.h"

#define MAX_BACKENDS (3 + 8)

static struct {
	const char *prefix;
	const struct vfio_backend *backend;
} backends[MAX_BACKENDS] = { { "vfio-user:", &vfio_user },
			     { "vhost-user:", &vfio_vhost_user },
			     { "sysfs:", &vfio_sysfs } };

int vfio_backend_add(const char *prefix, const struct vfio_backend *backend)
{
	uint32_t i = 0;
	int err = -ENOSPC;

	if (!*prefix)
		return ixy_fail(EINVAL, "a backend without prefix would take every address");
	pthread_mutex_lock(&vfio_lock);
	while (i < MAX_BACKENDS && backends[i].prefix)
		i++;
	if (i < MAX_BACKENDS) {
		backends[i].prefix = prefix;
		backends[i].backend = backend;
		err = 0;
	}
	pthread_mutex_unlock(&vfio_lock);
	return err;
}

const struct vfio_backend *vfio_backend_for(const char **name)
{
	for (uint32_t i = 0; i < MAX_BACKENDS && backends[i].prefix; i++) {
		const size_t length = strlen(backends[i].prefix);
		if (!strncmp(*name, backends[i].prefix, length)) {
			*name += length;
			return backends[i].backend;
		}
	}
	*name = vfio_pci_name(*name);
	return &vfio_kernel;
}
