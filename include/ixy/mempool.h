/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet buffers and the pools that they come from; ixy/pkt_buf.h has more to do with a single one. */
#pragma once
#include <ixy/vfio.h>

/* Bytes in front of a received frame, for headers that an application prepends. */
#define PKT_BUF_HEADROOM 128

/**
 * struct pkt_buf - one packet, in memory that every open device can reach
 * @iova: I/O virtual address of this structure; pkt_buf_iova() gives that of the frame
 * @pool: where it is given back to
 * @data: first byte of the frame; may be moved within the buffer by pkt_buf_push() and
 *        pkt_buf_pull()
 * @size: bytes of the frame from the destination address on, without the CRC
 * @status, @hash, @vlan, @time: what the card said of a received packet, for the functions of
 *        ixy/offload.h
 *
 * This structure is followed by PKT_BUF_HEADROOM bytes and then by the pool's data size.
 */
struct pkt_buf {
	uint64_t iova, time;
	struct mempool *pool;
	uint8_t *data;
	uint32_t size, status, hash, vlan;
} __attribute__((aligned(64)));

static inline uint64_t pkt_buf_iova(const struct pkt_buf *buf)
{
	return buf->iova + (uint64_t)(buf->data - (const uint8_t *)buf);
}

/**
 * mempool_create() - make a pool
 * @count:     buffers
 * @data_size: bytes for the frame in each, rounded up to a multiple of 64
 *
 * Buffers are taken out by one thread at a time: pkt_buf_alloc_batch(), or ixy_rx_batch() for the
 * pool of its queue. Any thread may send them or give them back, at any time; that is cheapest for
 * the one that takes them out. To have another thread take them out, see mempool_disown() in
 * ixy/pkt_buf.h.
 *
 * Return: 0, -EINVAL (a size of 0, or more than 4 GiB in all), -ENOMEM, or another error of
 * vfio_dma_alloc().
 */
IXY_API int mempool_create(struct mempool **pool, uint32_t count, uint32_t data_size);

/**
 * mempool_destroy() - give up a pool (NULL is allowed)
 *
 * Its memory is returned when the last buffer has been freed, by whatever thread: packets that
 * another device is still sending stay valid. Not while another thread takes buffers out; if it has
 * ended or called mempool_disown(), it no longer does.
 */
IXY_API void mempool_destroy(struct mempool *pool);

/** pkt_buf_alloc_batch() - take up to @count buffers. Return: how many there were. Their frames are
 * empty. */
IXY_API uint32_t pkt_buf_alloc_batch(struct mempool *pool, struct pkt_buf **bufs, uint32_t count);

/** pkt_buf_free_batch() - give buffers back, each to the pool it came from. */
IXY_API void pkt_buf_free_batch(struct pkt_buf **bufs, uint32_t count);

/** pkt_buf_free() - give one buffer back. */
IXY_API void pkt_buf_free(struct pkt_buf *buf);
