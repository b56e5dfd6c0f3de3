/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory near the card: rings and buffers of a device come from its NUMA node as long as that has
 * memory. The system calls are used as they are, set_mempolicy(2): the policy of the thread decides
 * where pages come from that it is the first to touch, as vfio_dma_alloc() does.
 */
#include <sys/syscall.h>

#include <linux/mempolicy.h>

#include <ixy/vfio_pci.h>

#include "../driver/driver.h"

#define NODES_MAX 1024 /* what kernels are built for */
#define LONG_BITS (8 * sizeof(long))

int ixy_driver_open(const struct ixy_card *card, struct ixy_device **dev, struct vfio_device *vfio,
		    const struct ixy_config *config)
{
	unsigned long near[NODES_MAX / LONG_BITS] = { 0 }, before[NODES_MAX / LONG_BITS];
	int node = vfio_numa_node(vfio), mode;

	if (node < 0 || node >= NODES_MAX - 1 ||
	    syscall(SYS_get_mempolicy, &mode, before, (long)NODES_MAX, NULL, 0L))
		return card->open(dev, vfio, config, card->copper);
	near[node / LONG_BITS] = 1ul << node % LONG_BITS;
	/* Bits are counted with one more than are there: set_mempolicy() leaves out the last. */
	syscall(SYS_set_mempolicy, MPOL_PREFERRED, near, (long)NODES_MAX);
	int err = card->open(dev, vfio, config, card->copper);
	syscall(SYS_set_mempolicy, mode, before, (long)NODES_MAX);
	return err;
}
