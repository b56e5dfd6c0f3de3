/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy, as shipped, on the card of the benchmark, connected by a backend of libixy-vfio. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <linux/vfio.h>

#include <ixy/device.h>
#include <ixy/pkt_buf.h>
#include <ixy/vfio_backend.h>

#include "bench.h"

static struct card *card;
static struct vfio_space space;
static struct ixy_device *dev;
static struct mempool *send_pool; /* for packets that were not received */
static uint32_t length;
static uint16_t queues; /* receive queues; all are polled in turn, one has packets */

/* ---- The backend ---- */

static int emu_open(struct vfio_device *device, const char *name)
{
	(void)name;
	device->space = &space;
	return 0;
}

static void emu_close(struct vfio_device *device)
{
	(void)device;
}

static int emu_access(struct vfio_device *device, int index, uint64_t offset, void *data,
		      size_t size, bool write)
{
	uint64_t value = 0;

	(void)device;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		return write ? nic_config_write(card->nic, (uint32_t)offset, data, size)
			     : nic_config_read(card->nic, (uint32_t)offset, data, size);
	if (write) {
		memcpy(&value, data, size);
		nic_write(card->nic, (uint32_t)index, (uint32_t)offset, (uint32_t)size, value);
	} else {
		value = nic_read(card->nic, (uint32_t)index, (uint32_t)offset, (uint32_t)size);
		memcpy(data, &value, size);
	}
	card_work(card);
	return 0;
}

/* The pages with the queue registers can be mapped, as with ixy-emu. */
static int emu_call(struct vfio_device *device, unsigned long request, void *argument)
{
	struct vfio_region_info *info = argument;
	struct vfio_region_info_cap_sparse_mmap *sparse = (void *)(info + 1);

	(void)device;
	if (request != VFIO_DEVICE_GET_REGION_INFO)
		return -ENOTTY;
	info->size = info->index == VFIO_PCI_BAR0_REGION_INDEX ? NIC_BAR0_SIZE : 0;
	info->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE |
		      VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
	info->cap_offset = sizeof(*info);
	info->argsz = sizeof(*info) + sizeof(*sparse) + NIC_DOORBELLS * sizeof(*sparse->areas);
	sparse->header = (struct vfio_info_cap_header){ VFIO_REGION_INFO_CAP_SPARSE_MMAP, 1, 0 };
	sparse->nr_areas = NIC_DOORBELLS;
	for (size_t i = 0; i < NIC_DOORBELLS; i++) {
		sparse->areas[i].offset = nic_doorbells[i].offset;
		sparse->areas[i].size = nic_doorbells[i].size;
	}
	return nic_doorbell_fd(card->nic);
}

static int emu_dma(struct vfio_space *s, const struct dma_map *map, bool add)
{
	(void)s;
	if (add)
		card_map(card, map->mem.iova, map->mem.virt, map->mem.size);
	else
		card_unmap(card, map->mem.iova);
	return 0;
}

static const struct vfio_backend emu = { emu_open, emu_close, emu_call, emu_access, emu_dma };

/* ---- The driver under test ---- */

static int open_ixy(struct card *c, const struct bench_setting *s)
{
	sscanf(s->driver, "ixy-%hu", &queues);
	struct ixy_config config = { .rx_queues = queues,
				     .rx_ring = s->ring,
				     .tx_ring = s->ring,
				     .buffers = s->pool,
				     .promiscuous = true };
	const struct vfio_bar *bar;

	card = c;
	card->queues = queues;
	length = s->length;
	space = (struct vfio_space){ .backend = &emu,
				     .range_count = 1,
				     .ranges = { { 0, (1ull << 39) - 1 } } };
	int err = vfio_backend_add("bench:", &emu) ?: ixy_open(&dev, "bench:", &config);
	if (!err)
		err = vfio_bar(dev->vfio, VFIO_PCI_BAR0_REGION_INDEX, &bar)
			      ?: mempool_create(&send_pool, s->pool, 2048);
	if (!err)
		bench_driver.bar0 = bar->base;
	return err;
}

static void close_ixy(void)
{
	ixy_close(dev);
	mempool_destroy(send_pool);
}

static inline __attribute__((always_inline)) uint32_t forward(uint16_t queue, uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t rx = ixy_rx_batch(dev, queue, bufs, batch);

	for (uint32_t i = 0; i < rx; i++)
		bufs[i]->data[1]++;
	uint32_t tx = ixy_tx_batch(dev, 0, bufs, rx);
	pkt_buf_free_batch(bufs + tx, rx - tx);
	return tx;
}

static uint32_t receive(uint16_t queue, uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t rx = ixy_rx_batch(dev, queue, bufs, batch);

	pkt_buf_free_batch(bufs, rx);
	return rx;
}

static inline __attribute__((always_inline)) uint32_t
serve_queues(uint32_t n, uint32_t batch, uint32_t (*serve)(uint16_t queue, uint32_t batch))
{
	uint32_t done = 0, idle = 0;

	while (done < n && idle < IDLE_MAX) {
		uint32_t before = done;
		for (uint16_t queue = 0; queue < dev->config.rx_queues; queue++)
			done += serve(queue, batch);
		idle = done > before ? 0 : idle + 1;
	}
	return done;
}

static uint32_t run_forward(uint32_t n, uint32_t batch)
{
	return serve_queues(n, batch, forward);
}

static uint32_t run_receive(uint32_t n, uint32_t batch)
{
	return serve_queues(n, batch, receive);
}

static uint32_t run_send(uint32_t n, uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t done = 0, idle = 0;

	while (done < n && idle < IDLE_MAX) {
		uint32_t count = pkt_buf_alloc_batch(send_pool, bufs, batch);
		for (uint32_t i = 0; i < count; i++)
			bufs[i]->size = length;
		uint32_t tx = ixy_tx_batch(dev, 0, bufs, count);
		pkt_buf_free_batch(bufs + tx, count - tx);
		done += tx;
		idle = tx ? 0 : idle + 1;
	}
	return done;
}

static uint32_t run_poll(uint32_t n, uint32_t batch)
{
	struct pkt_buf *bufs[BATCH_MAX];
	uint32_t found = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t rx = ixy_rx_batch(dev, 0, bufs, batch);
		found += rx + ixy_tx_batch(dev, 0, bufs, rx);
	}
	return found ? 0 : n;
}

struct bench_driver bench_driver = {
	.names = { "ixy", "ixy-4-queues", "ixy-16-queues", "ixy-64-queues" },
	.open = open_ixy,
	.close = close_ixy,
	.task = { run_forward, run_receive, run_send, run_poll },
	.min_batch = 1,
};
