/* SPDX-License-Identifier: BSD-2-Clause */
/* A virtio-net function on PCI; see pci_device.h. */
#include "pci_device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <linux/virtio_pci.h>
#include <linux/virtio_ring.h>

#include <ixy/vfio_backend.h>

#define NO_VECTOR 0xFFFF
#define FIELD(f)  offsetof(struct virtio_pci_common_cfg, f)

struct pci_device pci;

static struct vfio_space space;

static void fail(const char *what)
{
	fprintf(stderr, "pci_device.c: %s\n", what);
	abort();
}

/* ---- Queues ---- */

static uint16_t common16(uint32_t at)
{
	uint16_t value;

	memcpy(&value, pci.common + at, 2);
	return value;
}

static uint64_t common64(uint32_t at)
{
	uint64_t value;

	memcpy(&value, pci.common + at, 8);
	return value;
}

static void stop_queues(void)
{
	for (uint32_t i = 0; i < RINGS; i++)
		pci.back.rings[i] = (struct back_end_ring){ .kick = -1, .call = -1, .err = -1 };
}

static bool is_control(uint16_t index)
{
	const uint16_t pairs =
		pci.features & 1ull << VIRTIO_NET_F_MQ ? pci.net.max_virtqueue_pairs : 1;

	return pci.back.agreed & 1ull << VIRTIO_NET_F_CTRL_VQ && index == 2 * pairs;
}

static void start_queue(uint16_t index, uint16_t size, const uint64_t at[3])
{
	if (index >= RINGS)
		return;
	struct back_end_ring *ring = &pci.back.rings[index];

	*ring = (struct back_end_ring){ .num = size, .kick = -1, .call = -1, .err = -1 };
	if (pci.back.agreed & 1ull << VIRTIO_F_RING_PACKED)
		ring->base = 0x80008000;
	ring->addr.desc_user_addr = at[0];
	ring->addr.avail_user_addr = at[1];
	ring->addr.used_user_addr = at[2];
	ring->started = ring->enabled = true;
	const uint16_t vector = common16(FIELD(queue_msix_vector));
	if (vector < 16 && !pci.legacy)
		ring->call = pci.irqs[vector];
	if (is_control(index))
		device_queue_init(&pci.control_queue, &pci.back, index);
}

static uint8_t obey(const struct chain *chain)
{
	const struct virtio_net_ctrl_hdr *header = (void *)chain->segments[0].data;
	const uint8_t *data = chain->segments[1].data;

	switch (header->class << 8 | header->cmd) {
	case VIRTIO_NET_CTRL_RX << 8 | VIRTIO_NET_CTRL_RX_PROMISC:
		pci.promiscuous = *data;
		return VIRTIO_NET_OK;
	case VIRTIO_NET_CTRL_MAC << 8 | VIRTIO_NET_CTRL_MAC_ADDR_SET:
		memcpy(pci.mac, data, 6);
		return VIRTIO_NET_OK;
	case VIRTIO_NET_CTRL_MQ << 8 | VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET:
		memcpy(&pci.pairs, data, 2);
		return VIRTIO_NET_OK;
	default:
		return VIRTIO_NET_ERR;
	}
}

static void serve_control(void)
{
	struct device_queue *q = &pci.control_queue;
	struct chain chain;
	size_t size;

	while (pci.control != IGNORE && pci.control != NOTHING_BUT_NOISE && device_pop(q, &chain)) {
		if (chain.count != 3 || chain.segments[0].write || chain.segments[1].write ||
		    !chain.segments[2].write)
			fail("not a command");
		pci.commands++;
		*chain.segments[2].data = pci.control == DISOBEY ? VIRTIO_NET_ERR : obey(&chain);
		if (pci.control == WRONG_ID)
			chain.id += 1000;
		if (pci.control == WRONG_INDEX) {
			q->used += 0x4000;
			device_part(q, 0, &size);
			if (q->packed) /* a place in the ring, else a number that may be anything */
				q->used = (q->used + 1) % (size / sizeof(struct vring_packed_desc));
		}
		device_push(q, &chain, &(uint32_t){ UINT32_MAX }, 1);
		device_want_kicks(q, q->event_idx ? 0 : ALWAYS);
	}
	for (int part = 0; pci.control == NOTHING_BUT_NOISE && part < 3; part++) {
		uint8_t *noise = device_part(q, part, &size);
		for (size_t i = 0; i < size; i++)
			noise[i] = random();
	}
}

static void notified(uint16_t index)
{
	if (is_control(index) && pci.back.rings[index % RINGS].started)
		serve_control();
}

/* ---- Registers ---- */

static void write_status(uint8_t value)
{
	pci.status = (value | pci.stuck) & ~pci.refuses;
	if (value)
		return;
	pci.resets++;
	pci.back.agreed = 0;
	stop_queues();
}

static void write_common(uint32_t offset, const void *data, size_t size)
{
	const uint16_t queue = common16(FIELD(queue_select));
	uint32_t word;

	if (offset + size > sizeof(pci.common))
		return;
	memcpy(pci.common + offset, data, size);
	if (offset == FIELD(device_status))
		write_status(*(const uint8_t *)data);
	if (offset == FIELD(guest_feature)) {
		const uint32_t shift = pci.common[FIELD(guest_feature_select)] ? 32 : 0;
		memcpy(&word, data, 4);
		pci.back.agreed &= ~(0xFFFFFFFFull << shift);
		pci.back.agreed |= (uint64_t)word << shift;
	}
	if (offset == FIELD(queue_enable))
		start_queue(queue, common16(FIELD(queue_size)),
			    (uint64_t[]){ common64(FIELD(queue_desc_lo)),
					  common64(FIELD(queue_avail_lo)),
					  common64(FIELD(queue_used_lo)) });
}

static void read_common(uint32_t offset, void *data, size_t size)
{
	const uint32_t word = pci.features >> (pci.common[FIELD(device_feature_select)] ? 32 : 0);

	if (offset + size > sizeof(pci.common))
		return;
	if (offset == FIELD(device_feature))
		memcpy(data, &word, 4);
	else if (offset == FIELD(device_status))
		memcpy(data, &pci.status, 1);
	else if (offset == FIELD(num_queues))
		memcpy(data, &pci.queues, 2);
	else if (offset == FIELD(queue_size))
		memcpy(data, &pci.queue_size, 2);
	else if (offset == FIELD(queue_notify_off))
		memcpy(data, &pci.notify_off, 2);
	else
		memcpy(data, pci.common + offset, size);
}

static void access_modern(uint32_t offset, void *data, size_t size, bool write)
{
	uint16_t index = 0;

	if (offset < PCI_NOTIFY && write) {
		write_common(offset, data, size);
	} else if (offset < PCI_NOTIFY) {
		read_common(offset, data, size);
	} else if (offset < PCI_DEVICE && write) {
		memcpy(&index, data, size < 2 ? size : 2);
		notified(index);
	} else if (offset >= PCI_DEVICE && !write &&
		   offset + size <= PCI_DEVICE + sizeof(pci.net)) {
		memcpy(data, (uint8_t *)&pci.net + offset - PCI_DEVICE, size);
	}
}

static void start_legacy_queue(uint64_t page)
{
	const uint64_t iova = page << 12, size = pci.queue_size;

	start_queue(common16(FIELD(queue_select)), size,
		    (uint64_t[]){ iova, iova + 16 * size,
				  (iova + 16 * size + 6 + 2 * size + 4095) & -4096ull });
}

static void access_legacy(uint32_t offset, void *data, size_t size, bool write)
{
	uint32_t value = 0;

	if (write)
		memcpy(&value, data, size < 4 ? size : 4);
	switch (offset | write << 16) {
	case VIRTIO_PCI_HOST_FEATURES:
		value = pci.features;
		break;
	case VIRTIO_PCI_GUEST_FEATURES | 1 << 16:
		space.physical = false;
		pci.back.agreed = value;
		break;
	case VIRTIO_PCI_STATUS | 1 << 16:
		write_status(value);
		/* Such devices know of no IOMMU. There is one, which is seen when memory is wanted. */
		space.physical |= !value;
		break;
	case VIRTIO_PCI_STATUS:
		value = pci.status;
		break;
	case VIRTIO_PCI_QUEUE_SEL | 1 << 16:
		memcpy(pci.common + FIELD(queue_select), &value, 2);
		break;
	case VIRTIO_PCI_QUEUE_NUM:
		value = common16(FIELD(queue_select)) < pci.queues ? pci.queue_size : 0;
		break;
	case VIRTIO_PCI_QUEUE_PFN | 1 << 16:
		start_legacy_queue(value);
		break;
	case VIRTIO_PCI_QUEUE_NOTIFY | 1 << 16:
		notified(value);
		break;
	default:
		if (offset >= 20 && offset + size <= 20 + sizeof(pci.net) && !write)
			memcpy(&value, (uint8_t *)&pci.net + offset - 20, size < 4 ? size : 4);
	}
	if (!write)
		memcpy(data, &value, size < 4 ? size : 4);
}

/* ---- The backend ---- */

static const struct vfio_backend backend;

static int pci_open(struct vfio_device *dev, const char *name)
{
	(void)name;
	space = (struct vfio_space){ .backend = &backend, .range_count = 1 };
	space.ranges[0].end = (1ull << 39) - 1;
	dev->space = &space;
	return 0;
}

static void pci_close(struct vfio_device *dev)
{
	(void)dev;
	pci.back.memory_count = 0;
}

static uint64_t region_size(uint32_t index)
{
	return index == VFIO_PCI_CONFIG_REGION_INDEX ? 256 : index ? 0 : PCI_BAR;
}

static int pci_access(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		      bool write)
{
	(void)dev;
	if (offset > region_size(index) || size > region_size(index) - offset)
		return -EINVAL;
	if (index == VFIO_PCI_CONFIG_REGION_INDEX && pci.fails_at && offset + size > pci.fails_at)
		return -EIO;
	if (!write)
		memset(data, 0, size);
	if (index == VFIO_PCI_CONFIG_REGION_INDEX && write)
		memcpy(pci.config + offset, data, size);
	else if (index == VFIO_PCI_CONFIG_REGION_INDEX)
		memcpy(data, pci.config + offset, size);
	else if (pci.legacy)
		access_legacy(offset, data, size, write);
	else
		access_modern(offset, data, size, write);
	if (!write && pci.reading)
		pci.reading(index, offset, data, size);
	return 0;
}

static int pci_dma(struct vfio_space *unused, const struct dma_map *map, bool add)
{
	struct back_end *back = &pci.back;

	(void)unused;
	if (add && back->memory_count == MAX_MEMORY)
		return -ENOSPC;
	if (add) {
		back->memory[back->memory_count++] = (struct back_end_memory){
			.iova = map->mem.iova,
			.user = map->mem.iova,
			.size = map->mem.size,
			.virt = map->mem.virt,
		};
		return 0;
	}
	for (uint32_t i = 0; i < back->memory_count; i++)
		if (back->memory[i].iova == map->mem.iova) {
			back->memory[i] = back->memory[--back->memory_count];
			return 0;
		}
	return -ENOENT;
}

static void set_irqs(const struct vfio_irq_set *set)
{
	const bool on = set->flags & VFIO_IRQ_SET_DATA_EVENTFD;

	for (uint32_t i = 0; set->index == VFIO_PCI_MSIX_IRQ_INDEX && i < (on ? set->count : 16);
	     i++)
		memcpy(&pci.irqs[i + set->start], on ? set->data + 4 * i : (uint8_t *)&(int){ -1 },
		       4);
}

static int pci_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct vfio_region_info *region = argument;
	struct vfio_irq_info *irq = argument;

	(void)dev;
	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		region->argsz = sizeof(*region);
		region->flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		region->size = region_size(region->index);
		return 0;
	case VFIO_DEVICE_GET_IRQ_INFO:
		irq->flags = VFIO_IRQ_INFO_EVENTFD;
		irq->count = irq->index == VFIO_PCI_MSIX_IRQ_INDEX ? 16 : 0;
		return 0;
	case VFIO_DEVICE_SET_IRQS:
		if (pci.no_irqs)
			return -ENOMEM;
		set_irqs(argument);
		return 0;
	default:
		return -ENOTTY;
	}
}

static const struct vfio_backend backend = {
	.open = pci_open,
	.close = pci_close,
	.call = pci_call,
	.access = pci_access,
	.dma = pci_dma,
};

/* ---- For the tests ---- */

void pci_forget_capabilities(void)
{
	pci.caps = 0x40;
	pci.config[PCI_CAPABILITY_LIST] = 0;
}

void pci_add_capability(uint8_t type, uint8_t bar, uint32_t offset, uint32_t length)
{
	const struct virtio_pci_notify_cap cap = {
		.cap = { .cap_vndr = PCI_CAP_ID_VNDR,
			 .cap_next = pci.config[PCI_CAPABILITY_LIST],
			 .cap_len = sizeof(cap),
			 .cfg_type = type,
			 .bar = bar,
			 .offset = offset,
			 .length = length },
		.notify_off_multiplier = 4,
	};

	memcpy(pci.config + pci.caps, &cap, sizeof(cap));
	pci.config[PCI_CAPABILITY_LIST] = pci.caps;
	pci.caps += sizeof(cap);
}

void pci_power_on(void)
{
	static bool added;
	pthread_mutexattr_t recursive;

	if (!added && vfio_backend_add("virtio-pci:", &backend))
		fail("vfio_backend_add");
	added = true;
	memset(&pci, 0, sizeof(pci));
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&pci.back.lock, &recursive);
	stop_queues();
	memset(pci.irqs, -1, sizeof(pci.irqs));
	memcpy(pci.config, (uint16_t[]){ 0x1af4, 0x1041 }, 4);
	pci.config[PCI_STATUS] = PCI_STATUS_CAP_LIST;
	pci_forget_capabilities();
	pci_add_capability(VIRTIO_PCI_CAP_DEVICE_CFG, 0, PCI_DEVICE, sizeof(pci.net));
	pci_add_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, 0, PCI_NOTIFY, PCI_DEVICE - PCI_NOTIFY);
	pci_add_capability(VIRTIO_PCI_CAP_COMMON_CFG, 0, PCI_COMMON, PCI_NOTIFY);
	pci.features = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_ACCESS_PLATFORM |
		       1ull << VIRTIO_NET_F_MAC | 1ull << VIRTIO_NET_F_STATUS |
		       1ull << VIRTIO_NET_F_MTU | 1ull << VIRTIO_NET_F_MQ |
		       1ull << VIRTIO_NET_F_CTRL_VQ | 1ull << VIRTIO_NET_F_CTRL_RX |
		       1ull << VIRTIO_NET_F_CTRL_MAC_ADDR;
	pci.queues = 9;
	pci.queue_size = 256;
	pci.net = (struct virtio_net_config){ .mac = { 2, 3, 4, 5, 6, 7 },
					      .status = VIRTIO_NET_S_LINK_UP,
					      .max_virtqueue_pairs = 4,
					      .mtu = 1500 };
}

void pci_power_off(void)
{
	pthread_mutex_destroy(&pci.back.lock);
}
