/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pool as the smallest build has it, for one thread only, under other names: what a pool costs
 * that several threads may use is measured beside it. Compiled with the hooks of src/small.
 */
#define mempool_create	    plain_create
#define mempool_give	    plain_give
#define pkt_buf_alloc_batch plain_alloc_batch
#define pkt_buf_free_batch  plain_free_batch
#include "src/driver/mempool.c"
