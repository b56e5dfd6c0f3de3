/* SPDX-License-Identifier: BSD-2-Clause */
/* The list of backends: the one file that knows them all. */
#include "internal.h"

static const struct vfio_backend *backends[1 + 8] = { &vfio_user };

int vfio_backend_add(const struct vfio_backend *backend)
{
	int err = -ENOSPC;

	if (!backend->prefix)
		return ixy_fail(EINVAL, "a backend without prefix would take everything");
	pthread_mutex_lock(&vfio_lock);
	for (size_t i = 0; err && i < sizeof(backends) / sizeof(*backends); i++) {
		if (!backends[i]) {
			backends[i] = backend;
			err = 0;
		}
	}
	pthread_mutex_unlock(&vfio_lock);
	return err;
}

const struct vfio_backend *vfio_backend_for(const char **name)
{
	for (size_t i = 0; i < sizeof(backends) / sizeof(*backends) && backends[i]; i++) {
		size_t length = strlen(backends[i]->prefix);
		if (!strncmp(*name, backends[i]->prefix, length)) {
			*name += length;
			return backends[i];
		}
	}
	return &vfio_kernel;
}
