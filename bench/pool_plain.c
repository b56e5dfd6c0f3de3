/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The single-threaded pool of the smallest build under other names, as the baseline for the cost
 * of thread support. Compiled with the headers of src/small.
 */
#define mempool_create	    plain_create
#define mempool_give	    plain_give
#define pkt_buf_alloc_batch plain_alloc_batch
#define pkt_buf_free_batch  plain_free_batch
#include "src/driver/mempool.c"
