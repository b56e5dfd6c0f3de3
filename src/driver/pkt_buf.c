/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet buffers one by one: head room, size, single allocation. */
#include <ixy/pkt_buf.h>

#include "driver.h"

struct pkt_buf *pkt_buf_alloc(struct mempool *pool)
{
	struct pkt_buf *buf;

	return pkt_buf_alloc_batch(pool, &buf, 1) ? buf : NULL;
}

void pkt_buf_free(struct pkt_buf *buf)
{
	pkt_buf_free_batch(&buf, 1);
}

void pkt_buf_reset(struct pkt_buf *buf)
{
	buf->data = (uint8_t *)(buf + 1) + PKT_BUF_HEADROOM;
	buf->size = 0;
}

uint8_t *pkt_buf_push(struct pkt_buf *buf, uint32_t bytes)
{
	if (bytes > (size_t)(buf->data - (uint8_t *)(buf + 1)))
		return NULL;
	buf->size += bytes;
	return buf->data -= bytes;
}

uint8_t *pkt_buf_pull(struct pkt_buf *buf, uint32_t bytes)
{
	if (bytes > buf->size)
		return NULL;
	buf->size -= bytes;
	return buf->data += bytes;
}

uint32_t pkt_buf_room(const struct pkt_buf *buf)
{
	const uint8_t *end = (const uint8_t *)(buf + 1) + PKT_BUF_HEADROOM;

	return end + mempool_data_size(buf->pool) - buf->data;
}

uint32_t mempool_free_count(const struct mempool *pool)
{
	uint32_t count = pool->free;

	for (const struct pkt_buf *buf = __atomic_load_n(&pool->returned, __ATOMIC_ACQUIRE); buf;
	     buf = (const struct pkt_buf *)buf->data)
		count++;
	return count;
}

uint32_t mempool_data_size(const struct mempool *pool)
{
	return pool->data_size;
}
