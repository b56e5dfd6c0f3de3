/* SPDX-License-Identifier: BSD-2-Clause */
/* Moving the start of a frame within its buffer. */
#include <ixy/pkt_buf.h>

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
