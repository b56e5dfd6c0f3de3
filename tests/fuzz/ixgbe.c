/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The 82599 driver and a card that is odd, broken or hostile: registers that read as anything, and anything
 * in rings. Packets may be lost; no memory is used that is not the driver's, each buffer comes back to its
 * pool, and nothing is left open.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include <ixy/control.h>
#include <ixy/event.h>
#include <ixy/flow.h>
#include <ixy/interrupt.h>
#include <ixy/offload.h>
#include <ixy/pkt_buf.h>
#include <ixy/rss.h>
#include <ixy/vfio_backend.h>

#include "src/ixgbe/ixgbe.h"

#include "clock.h"
#include "take.h"

#define BAR_SIZE  0x20000
#define CALLS_MAX 300
#define POOL	  64

static uint32_t registers[BAR_SIZE / 4];
static bool answering; /* all it has been asked for, so that opening it succeeds at times */
static struct vfio_space space;
static int maps;

static int card_open(struct vfio_device *dev, const char *name);

static void card_close(struct vfio_device *dev)
{
	(void)dev;
	maps = 0;
}

static uint32_t read_register(uint32_t at)
{
	uint32_t value = registers[at / 4];

	switch (at) {
	case CTRL:
		value &= ~CTRL_RST;
		break;
	case STATUS:
		value &= ~STATUS_GIO;
		break;
	case EEC:
		value |= EEC_AUTO_RD;
		break;
	case EEMNGCTL:
		value |= EEMNGCTL_CFG_DONE0 * 3;
		break;
	case RDRXCTL:
		value |= RDRXCTL_DMAIDONE;
		break;
	case SECRXSTAT:
		value |= SECRXSTAT_SECRX_RDY;
		break;
	case LINKS:
		value = 7u << 28;
		break;
	case FDIRCTRL:
		value |= FDIRCTRL_INIT_DONE;
		break;
	case FDIRCMD:
		value &= ~(uint32_t)FDIRCMD_CMD_MASK;
		break;
	}
	if (answering)
		return value;
	/* A byte of the input decides, mostly for what is right. */
	const uint8_t how = take8();
	if (how < 0xC0)
		return value;
	return how < 0xD0   ? take32()
	       : how < 0xE0 ? UINT32_MAX
	       : how < 0xF0 ? 0
			    : value ^ 1u << (how & 31);
}

static int card_access(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		       bool write)
{
	static const uint16_t ids[] = { 0x8086, 0x10FB };
	uint32_t value = 0;

	(void)dev;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX) {
		if (!write && offset == 0)
			memcpy(data, ids, size < 4 ? size : 4);
		else if (!write)
			memset(data, 0, size);
		return 0;
	}
	must(index == VFIO_PCI_BAR0_REGION_INDEX && offset <= BAR_SIZE - 4 && size == 4 &&
	     offset % 4 == 0);
	if (write) {
		memcpy(&registers[offset / 4], data, 4);
		return 0;
	}
	value = read_register((uint32_t)offset);
	memcpy(data, &value, 4);
	return 0;
}

static int card_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct vfio_region_info *region = argument;
	struct vfio_irq_info *irq = argument;

	(void)dev;
	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		*region = (struct vfio_region_info){ .argsz = sizeof(*region),
						     .index = region->index,
						     .flags = 3,
						     .size = region->index ? 0 : BAR_SIZE };
		return 0;
	case VFIO_DEVICE_GET_IRQ_INFO:
		irq->flags = VFIO_IRQ_INFO_EVENTFD;
		irq->count = irq->index == VFIO_PCI_MSIX_IRQ_INDEX ? take8() % 80 : 1;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		return take8() > 0xF0 ? -EINVAL : 0;
	case VFIO_DEVICE_RESET:
		return 0;
	}
	return -ENOTTY;
}

static int card_dma(struct vfio_space *unused, const struct dma_map *map, bool add)
{
	(void)unused, (void)map;
	maps += add ? 1 : -1;
	return 0;
}

static const struct vfio_backend backend = { card_open, card_close, card_call, card_access,
					     card_dma };

static int card_open(struct vfio_device *dev, const char *name)
{
	(void)name;
	space = (struct vfio_space){ .backend = &backend };
	dev->space = &space;
	return 0;
}

/* As the card does it: write descriptors of any queue. */
static void write_back(struct ixgbe_device *dev)
{
	const size_t queues = (size_t)(dev->end - dev->rx);
	struct ixgbe_queue *q = &dev->rx[take8() % queues];
	const uint8_t how = take8();
	uint32_t at = how & 1 ? q->next : take8();

	for (uint32_t n = 1 + (how >> 1) % 64; n--; at++) {
		struct ixgbe_desc *desc = &q->ring[at % q->size];
		if (how & 128)
			desc->addr = take64();
		if (q->pool)
			desc->info = how < 0x60 ? RXD_DD | RXD_EOP | (uint64_t)(60 + how) << 32
						: take64();
		else
			desc->info |= how < 0x60 ? TXD_DD : take64();
	}
}

static void receive(struct ixy_device *dev, struct mempool *pool)
{
	const uint16_t queue = take8() % dev->config.rx_queues;
	struct pkt_buf *bufs[64];
	const uint32_t n = ixy_rx_batch(dev, queue, bufs, take8() % 65);

	(void)pool;
	for (uint32_t i = 0; i < n; i++) {
		must(bufs[i]->size > 0 && bufs[i]->size <= pkt_buf_room(bufs[i]));
		memset(bufs[i]->data, 0xEE, bufs[i]->size);
	}
	if (take8() % 2)
		for (uint32_t i = 0; i < n; i++) {
			if (!ixy_tx_batch(dev, queue % dev->config.tx_queues, &bufs[i], 1))
				pkt_buf_free(bufs[i]);
		}
	else
		pkt_buf_free_batch(bufs, n);
}

static void send(struct ixy_device *dev, struct mempool *pool)
{
	const uint16_t queue = take8() % dev->config.tx_queues;
	struct pkt_buf *bufs[64];
	const uint32_t n = pkt_buf_alloc_batch(pool, bufs, take8() % 65);

	for (uint32_t i = 0; i < n; i++)
		bufs[i]->size = i % 4 ? 60 : take16() % 2048;
	const uint32_t sent = ixy_tx_batch(dev, queue, bufs, n);
	must(sent <= n);
	pkt_buf_free_batch(bufs + sent, n - sent);
}

/* Packets with any headers and any wishes; their checksums are written to where those say. */
static void send_offloaded(struct ixy_device *dev, struct mempool *pool)
{
	const uint16_t queue = take8() % dev->config.tx_queues;
	struct ixy_tx_offload offloads[8];
	struct pkt_buf *bufs[8];
	const uint32_t n = pkt_buf_alloc_batch(pool, bufs, take8() % 9);

	for (uint32_t i = 0; i < n; i++) {
		take_bytes(&offloads[i], sizeof(offloads[i]));
		bufs[i]->size = take8() % 2 ? 90 : take16() % 2049;
		take_bytes(bufs[i]->data, 90);
		if (take8() % 4)
			bufs[i]->data[14] = take8() % 2 ? 0x45 : 0x60;
	}
	const uint32_t sent = ixy_tx_offload_batch(dev, queue, bufs, offloads, n);
	must(sent <= n);
	pkt_buf_free_batch(bufs + sent, n - sent);
}

static void use(struct ixy_device *dev, struct mempool *pool)
{
	struct ixy_interrupts in;
	struct ixy_watch watch = { 0 };
	struct ixy_queue_stats queue_stats;
	struct ixy_stats stats;
	struct ixy_event event;
	struct ixy_flow flow;
	struct ixy_rule_stats rule_stats;
	uint64_t ns;
	uint8_t key[IXY_RSS_KEY_SIZE];
	bool on = false;

	for (int call = 0; input.left && call < CALLS_MAX; call++) {
		switch (take8() % 16) {
		case 0 ... 3:
			write_back((struct ixgbe_device *)dev);
			break;
		case 4 ... 6:
			receive(dev, pool);
			break;
		case 7 ... 8:
			if (dev->config.tx_offload && take8() % 2)
				send_offloaded(dev, pool);
			else
				send(dev, pool);
			break;
		case 9:
			while (ixy_next_event(dev, &watch, &event) && input.left)
				must(strlen(event.text) < sizeof(event.text));
			break;
		case 10:
			ixy_read_stats(dev, &stats);
			ixy_read_queue_stats(dev, take8(), &queue_stats);
			ixy_link_speed(dev);
			ixy_read_clock(dev, &ns);
			ixy_tx_time(dev, &ns);
			ixy_read_rule_stats(dev, &rule_stats);
			break;
		case 11:
			ixy_set_promiscuous(dev, take8() & 1);
			take_bytes(key, sizeof(key));
			ixy_set_mac(dev, key);
			ixy_set_rss_key(dev, key);
			ixy_set_rss_types(dev, take8());
			break;
		case 12:
			take_bytes(&flow, sizeof(flow));
			ixy_remove_flow(dev, ixy_add_flow(dev, &flow));
			ixy_add_rule(dev, &flow);
			ixy_remove_rule(dev, take8());
			break;
		case 13:
			if (!on)
				on = !ixy_interrupts_on(&in, dev, NULL);
			break;
		case 14:
			if (on)
				ixy_wait(&(struct ixy_wait){ &in, 0, 0, true }, 1, 0);
			break;
		case 15:
			if (on)
				ixy_interrupts_off(&in);
			on = false;
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static bool added;
	struct ixy_device *dev;
	struct mempool *pool;

	ixy_log_to(drop_line, NULL);
	must(added || !vfio_backend_add("card:", &backend));
	added = true;
	memset(registers, 0, sizeof(registers));
	input = (struct input){ data, size };
	const int files = open_descriptors();
	const uint8_t how = take8();
	const struct ixy_config config = { .rx_queues = 1 + how % 4,
					   .tx_queues = 1 + how / 4 % 4,
					   .rx_ring = 64,
					   .tx_ring = 64,
					   .buffers = 128,
					   .rx_info = how & 64,
					   .flow_rules = how & 32 ? 5 : 0,
					   .vlan_strip = how & 16,
					   .timestamps = how & 16,
					   .tx_offload = how & 16 };

	answering = how & 128;
	must(!mempool_create(&pool, POOL, 2048));
	if (!ixy_open(&dev, "card:0", &config)) {
		answering = false;
		use(dev, pool);
		ixy_close(dev);
	}
	must(mempool_free_count(pool) == POOL);
	mempool_destroy(pool);
	must(maps == 0 && open_descriptors() == files);
	return 0;
}
