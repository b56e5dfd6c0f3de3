/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's front end, virtio_user, as Debian ships it, in its best configuration: huge pages if there
 * are any, a mempool with a cache, no offloads. For each ring format there are the generic path,
 * the in-order path, and the vector path.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "../huge_pages.h"
#include "front.h"

#define PORT 0

static struct rte_mempool *pool;
static uint32_t length;

static const struct {
	const char *name, *options;
} paths[] = {
	{ "dpdk-split", "mrg_rxbuf=0,in_order=0" },
	{ "dpdk-split-in-order", "mrg_rxbuf=0,in_order=1" },
	{ "dpdk-split-vector", "mrg_rxbuf=0,in_order=0,vectorized=1" },
	{ "dpdk-packed", "packed_vq=1,mrg_rxbuf=0,in_order=0" },
	{ "dpdk-packed-vector", "packed_vq=1,mrg_rxbuf=0,in_order=1,vectorized=1" },
};

static int init(const struct front_setting *s)
{
	char cpu[16], device[512];
	char *args[20] = { "bench-vhost-dpdk",
			   "--no-pci",
			   "--no-telemetry",
			   "--no-shconf",
			   "--log-level=4",
			   "--iova-mode=va",
			   "--force-max-simd-bitwidth=512", /* the vector path of packed rings */
			   "-l",
			   cpu,
			   "--vdev",
			   device };
	const char *options = "";
	int count = 11;

	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++)
		if (!strcmp(paths[i].name, s->driver))
			options = paths[i].options;
	snprintf(cpu, sizeof(cpu), "%d", s->cpu);
	snprintf(device, sizeof(device), "net_virtio_user0,path=%s,queue_size=%u,%s", s->path,
		 s->ring, options);
	/* The back end accepts 8 memory regions, so memory must be in few files. */
	args[count++] = "-m";
	args[count++] = "64";
	if (free_huge_pages() >= 32) {
		args[count++] = "--in-memory";
		args[count++] = "--single-file-segments";
	} else {
		args[count++] = "--no-huge";
	}
	return rte_eal_init(count, args) < 0;
}

static int start(const struct front_setting *s)
{
	const struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;

	return rte_eth_dev_info_get(PORT, &info) ?:
	       rte_eth_dev_configure(PORT, 1, 1, &conf) ?:
	       rte_eth_rx_queue_setup(PORT, 0, (uint16_t)s->ring, SOCKET_ID_ANY,
				      &info.default_rxconf, pool) ?:
	       rte_eth_tx_queue_setup(PORT, 0, (uint16_t)s->ring, SOCKET_ID_ANY,
				      &info.default_txconf) ?:
	       rte_eth_dev_start(PORT);
}

static int open_dpdk(const struct front_setting *s)
{
	length = s->length;
	if (init(s))
		return 1;
	pool = rte_pktmbuf_pool_create("front", 4096, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (pool && !start(s))
		return 0;
	fprintf(stderr, "%s: cannot start\n", s->driver);
	return 1;
}

static void close_dpdk(void)
{
	rte_eth_dev_stop(PORT);
	rte_eth_dev_close(PORT);
}

static uint32_t send_some(uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];

	if (rte_pktmbuf_alloc_bulk(pool, bufs, batch))
		return 0;
	for (uint32_t i = 0; i < batch; i++)
		bufs[i]->data_len = bufs[i]->pkt_len = (uint16_t)length;
	uint16_t sent = rte_eth_tx_burst(PORT, 0, bufs, (uint16_t)batch);
	rte_pktmbuf_free_bulk(bufs + sent, batch - sent);
	return sent;
}

static uint32_t receive_some(uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint16_t count = rte_eth_rx_burst(PORT, 0, bufs, (uint16_t)batch);

	rte_pktmbuf_free_bulk(bufs, count);
	return count;
}

static uint32_t forward_some(uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint16_t count = rte_eth_rx_burst(PORT, 0, bufs, (uint16_t)batch);

	for (uint16_t i = 0; i < count; i++)
		rte_pktmbuf_mtod(bufs[i], uint8_t *)[1]++;
	uint16_t sent = rte_eth_tx_burst(PORT, 0, bufs, count);
	if (sent < count)
		rte_pktmbuf_free_bulk(bufs + sent, count - sent);
	return sent;
}

const struct front front = {
	.names = { "dpdk-split", "dpdk-split-in-order", "dpdk-split-vector", "dpdk-packed",
		   "dpdk-packed-vector" },
	.open = open_dpdk,
	.close = close_dpdk,
	.send = send_some,
	.receive = receive_some,
	.forward = forward_some,
};
