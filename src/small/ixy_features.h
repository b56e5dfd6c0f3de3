/* SPDX-License-Identifier: BSD-2-Clause */
/* In place of src/full/ixy_features.h: nothing to configure, one card, one NUMA node, and one thread; the
 * end of the program frees the pools. */
#define ixy_configure(vfio, card, config, given) ((config)->promiscuous = (given)->promiscuous, 0)
#define ixy_find_card(vfio, id, card)                                                              \
	((id)[0] == 0x8086 && (id)[1] == 0x10fb ? 0 : ixy_fail(ENOTSUP, "not an 82599ES"))
#define ixy_driver_open(card, dev, vfio, config) ixgbe_open(dev, vfio, config, card)
#define mempool_need(pool, n)
#define mempool_given_by_other(pool, bufs, n) false
#define mempool_destroy(pool)
