/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet buffers one by one: allocation, head room, size. Pools beyond the basics. */
#pragma once
#include <ixy/mempool.h>

/** pkt_buf_alloc() - take one buffer. Return: NULL if the pool is empty. */
IXY_API struct pkt_buf *pkt_buf_alloc(struct mempool *pool);

/** pkt_buf_reset() - an empty frame behind the head room, as after allocation. */
IXY_API void pkt_buf_reset(struct pkt_buf *buf);

/** pkt_buf_push() - make room for @bytes in front of the frame. Return: the new first byte, or NULL
 * if there is no room. */
IXY_API uint8_t *pkt_buf_push(struct pkt_buf *buf, uint32_t bytes);

/** pkt_buf_pull() - remove @bytes from the front of the frame. Return: the new first byte, or NULL
 * if it is shorter. */
IXY_API uint8_t *pkt_buf_pull(struct pkt_buf *buf, uint32_t bytes);

/** pkt_buf_room() - how many bytes a frame that starts at @buf->data may have. */
IXY_API uint32_t pkt_buf_room(const struct pkt_buf *buf);

/** mempool_free_count() - buffers in the pool now; for the thread that takes them out, or while none
 * does. mempool_data_size() - bytes for the frame in each. */
IXY_API uint32_t mempool_free_count(const struct mempool *pool);
IXY_API uint32_t mempool_data_size(const struct mempool *pool);

/**
 * mempool_disown() - stop taking buffers out, so that another thread can begin to
 * @pool: of a queue: that of any packet from it
 *
 * Called by the thread that has taken buffers out so far, before another one begins. It may be left
 * out if the first one has ended, or no longer gives its buffers back. Otherwise both
 * would use the pool's stack at the same time, and buffers be lost or given out twice.
 */
IXY_API void mempool_disown(struct mempool *pool);
