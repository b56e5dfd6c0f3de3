/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy's front end, as shipped. */
#include <stdio.h>
#include <string.h>

#include <ixy/device.h>
#include <ixy/pkt_buf.h>

#include "front.h"

static struct ixy_device *dev;
static struct mempool *pool; /* for packets that were not received */
static uint32_t length;

static int open_ixy(const struct front_setting *s)
{
	const struct ixy_config config = {
		.rx_ring = s->ring, .tx_ring = s->ring, .buffers = 4096, .promiscuous = true
	};
	char address[256];

	snprintf(address, sizeof(address), "vhost-user:%s%s", s->path,
		 strcmp(s->driver, "ixy-split") ? "" : ",split");
	length = s->length;
	return ixy_open(&dev, address, &config) ?: mempool_create(&pool, 4096, 2048);
}

static void close_ixy(void)
{
	ixy_close(dev);
	mempool_destroy(pool);
}

static uint32_t send_some(uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t count = pkt_buf_alloc_batch(pool, bufs, batch);

	for (uint32_t i = 0; i < count; i++)
		bufs[i]->size = length;
	uint32_t sent = ixy_tx_batch(dev, 0, bufs, count);
	pkt_buf_free_batch(bufs + sent, count - sent);
	return sent;
}

static uint32_t receive_some(uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t count = ixy_rx_batch(dev, 0, bufs, batch);

	pkt_buf_free_batch(bufs, count);
	return count;
}

static uint32_t forward_some(uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t count = ixy_rx_batch(dev, 0, bufs, batch);

	for (uint32_t i = 0; i < count; i++)
		bufs[i]->data[1]++;
	uint32_t sent = ixy_tx_batch(dev, 0, bufs, count);
	pkt_buf_free_batch(bufs + sent, count - sent);
	return sent;
}

const struct front front = {
	.names = { "ixy-packed", "ixy-split" },
	.open = open_ixy,
	.close = close_ixy,
	.send = send_some,
	.receive = receive_some,
	.forward = forward_some,
};
