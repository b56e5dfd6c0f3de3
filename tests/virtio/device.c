/* SPDX-License-Identifier: BSD-2-Clause */
/* The device's side of virtqueues; see device.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sys/eventfd.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include "device.h"

/* Locks may be held, so there is no way back to the test. */
#define must(condition)                                                                            \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			fprintf(stderr, "device.c:%d: the driver breaks: %s\n", __LINE__,          \
				#condition);                                                       \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

#define AVAIL (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1 << VRING_PACKED_DESC_F_USED)

static const struct back_end_ring *ring(const struct device_queue *q)
{
	return &q->back->rings[q->index];
}

static void *memory(const struct device_queue *q, uint64_t iova, uint64_t size)
{
	void *virt = back_end_memory(q->back, iova, size);

	must(virt); /* else the driver names what it has not shared */
	return virt;
}

void device_queue_init(struct device_queue *q, struct back_end *back, uint32_t index)
{
	pthread_mutex_lock(&back->lock);
	*q = (struct device_queue){
		.back = back,
		.index = index,
		.packed = back->agreed & 1ull << VIRTIO_F_RING_PACKED,
		.event_idx = back->agreed & 1ull << VIRTIO_RING_F_EVENT_IDX,
		.in_order = back->agreed & 1ull << VIRTIO_F_IN_ORDER,
		.wrap = true,
		.used_wrap = true,
	};
	must(ring(q)->started && ring(q)->enabled && ring(q)->num);
	must(back->lenient || ring(q)->base == (q->packed ? 0x80008000 : 0));
	pthread_mutex_unlock(&back->lock);
}

/* ---- Split rings ---- */

static struct vring_desc *descriptors(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.desc_user_addr, 16ull * ring(q)->num);
}

static struct vring_avail *available(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.avail_user_addr, 6ull + 2 * ring(q)->num);
}

static struct vring_used *used(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.used_user_addr, 6ull + 8 * ring(q)->num);
}

static uint16_t *used_event(const struct device_queue *q)
{
	return &available(q)->ring[ring(q)->num];
}

static uint16_t *avail_event(const struct device_queue *q)
{
	return (uint16_t *)&used(q)->ring[ring(q)->num];
}

static void add_segment(struct device_queue *q, struct chain *chain, uint64_t iova, uint32_t length,
			uint16_t flags)
{
	must(chain->count < SEGMENTS_MAX);
	chain->segments[chain->count].iova = iova;
	chain->segments[chain->count].data = memory(q, iova, length);
	chain->segments[chain->count].length = length;
	chain->segments[chain->count++].write = flags & VRING_DESC_F_WRITE;
}

static bool pop_split(struct device_queue *q, struct chain *chain)
{
	const uint32_t mask = ring(q)->num - 1;
	const uint16_t available_to = __atomic_load_n(&available(q)->idx, __ATOMIC_ACQUIRE);

	must((uint16_t)(available_to - q->next) <= ring(q)->num);
	if (available_to == q->next)
		return false;
	chain->id = available(q)->ring[q->next++ & mask];
	for (uint16_t i = chain->id;; i = descriptors(q)[i].next) {
		must(i <= mask);
		const struct vring_desc *desc = &descriptors(q)[i];
		add_segment(q, chain, desc->addr, desc->len, desc->flags);
		if (!(desc->flags & VRING_DESC_F_NEXT))
			return true;
	}
}

static void push_split(struct device_queue *q, const struct chain *chain, uint32_t length)
{
	const uint32_t mask = ring(q)->num - 1;

	used(q)->ring[q->used++ & mask] = (struct vring_used_elem){ chain->id, length };
	__atomic_store_n(&used(q)->idx, q->used, __ATOMIC_RELEASE);
}

static bool call_wanted_split(struct device_queue *q, uint16_t before)
{
	if (q->event_idx) {
		must(!available(q)->flags); /* 2.7.7.1 */
		return vring_need_event(*used_event(q), q->used, before);
	}
	return !(available(q)->flags & VRING_AVAIL_F_NO_INTERRUPT);
}

/* ---- Packed rings ---- */

static struct vring_packed_desc *packed(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.desc_user_addr, 16ull * ring(q)->num);
}

static struct vring_packed_desc_event *driver_event(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.avail_user_addr, 4);
}

static struct vring_packed_desc_event *device_event(const struct device_queue *q)
{
	return memory(q, ring(q)->addr.used_user_addr, 4);
}

static void go_on(const struct device_queue *q, uint16_t *at, bool *wrap, uint16_t count)
{
	*at += count;
	if (*at >= ring(q)->num) {
		*at -= ring(q)->num;
		*wrap = !*wrap;
	}
}

static bool pop_packed(struct device_queue *q, struct chain *chain)
{
	uint16_t flags = __atomic_load_n(&packed(q)[q->next].flags, __ATOMIC_ACQUIRE);

	if ((flags & (AVAIL | USED)) != (q->wrap ? AVAIL : USED))
		return false;
	for (;;) {
		const struct vring_packed_desc *desc = &packed(q)[q->next];
		flags = desc->flags;
		must((flags & (AVAIL | USED)) == (q->wrap ? AVAIL : USED));
		add_segment(q, chain, desc->addr, desc->len, flags);
		chain->id = desc->id;
		go_on(q, &q->next, &q->wrap, 1);
		if (!(flags & VRING_DESC_F_NEXT))
			return true;
	}
}

static void push_packed(struct device_queue *q, const struct chain *chain, uint32_t length)
{
	struct vring_packed_desc *desc = &packed(q)[q->used];

	desc->id = chain->id;
	desc->len = length;
	__atomic_store_n(&desc->flags, q->used_wrap ? AVAIL | USED : 0, __ATOMIC_RELEASE);
	go_on(q, &q->used, &q->used_wrap, chain->count);
}

/* 2.8.8: one descriptor for all, in the place of the first and with the id of the last. */
static void push_in_order(struct device_queue *q, const struct chain *chains, uint32_t count,
			  uint32_t length)
{
	struct chain all = { .id = chains[count - 1].id };

	for (uint32_t i = 0; i < count; i++)
		all.count += chains[i].count;
	push_packed(q, &all, length);
}

static bool call_wanted_packed(struct device_queue *q, uint16_t before)
{
	const uint16_t flags = driver_event(q)->flags, event = driver_event(q)->off_wrap;
	uint16_t place = event & 0x7FFF;

	if (flags != VRING_PACKED_EVENT_FLAG_DESC)
		return flags == VRING_PACKED_EVENT_FLAG_ENABLE;
	must(q->event_idx);
	if (event >> 15 != q->used_wrap)
		place -= ring(q)->num;
	if (before > q->used) /* it has wrapped since */
		before -= ring(q)->num;
	return vring_need_event(place, q->used, before);
}

/* ---- Both ---- */

bool device_pop(struct device_queue *q, struct chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	pthread_mutex_lock(&q->back->lock);
	bool found = q->packed ? pop_packed(q, chain) : pop_split(q, chain);
	pthread_mutex_unlock(&q->back->lock);
	return found;
}

void device_push(struct device_queue *q, const struct chain *chains, const uint32_t *lengths,
		 uint32_t count)
{
	const uint16_t before = q->used;

	pthread_mutex_lock(&q->back->lock);
	if (q->packed && q->in_order && count && q->index % 2) {
		push_in_order(q, chains, count, lengths[count - 1]);
		count = 0;
	}
	for (uint32_t i = 0; i < count; i++) {
		if (q->packed)
			push_packed(q, &chains[i], lengths[i]);
		else
			push_split(q, &chains[i], lengths[i]);
	}
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (q->packed ? call_wanted_packed(q, before) : call_wanted_split(q, before)) {
		q->calls++;
		if (ring(q)->call >= 0)
			eventfd_write(ring(q)->call, 1);
	}
	pthread_mutex_unlock(&q->back->lock);
}

void device_want_kicks(struct device_queue *q, int ahead)
{
	pthread_mutex_lock(&q->back->lock);
	if (q->packed) {
		uint16_t place = q->next;
		bool wrap = q->wrap;
		if (ahead >= 0)
			go_on(q, &place, &wrap, ahead);
		device_event(q)->off_wrap = place | wrap << 15;
		device_event(q)->flags = ahead == NEVER	   ? VRING_PACKED_EVENT_FLAG_DISABLE
					 : ahead == ALWAYS ? VRING_PACKED_EVENT_FLAG_ENABLE
							   : VRING_PACKED_EVENT_FLAG_DESC;
	} else if (q->event_idx) { /* nothing less than half the numbers away is never */
		must(ahead != ALWAYS);
		*avail_event(q) = q->next + (ahead == NEVER ? 0x7FFF : ahead);
	} else {
		must(ahead < 0);
		used(q)->flags = ahead == NEVER ? VRING_USED_F_NO_NOTIFY : 0;
	}
	pthread_mutex_unlock(&q->back->lock);
}

uint64_t device_kicks(struct device_queue *q)
{
	eventfd_t kicks = 0;

	pthread_mutex_lock(&q->back->lock);
	if (eventfd_read(ring(q)->kick, &kicks)) /* it does not block: the driver has made it so */
		kicks = 0;
	pthread_mutex_unlock(&q->back->lock);
	return kicks;
}

void *device_part(const struct device_queue *q, int part, size_t *size)
{
	const struct vhost_vring_addr *addr = &ring(q)->addr;
	const uint64_t at[] = { addr->desc_user_addr, addr->avail_user_addr, addr->used_user_addr };
	const size_t split[] = { 16, 2, 8 };

	*size = part && q->packed ? 4 : split[part] * ring(q)->num + (part ? 6 : 0);
	pthread_mutex_lock(&q->back->lock);
	void *virt = memory(q, at[part], *size);
	pthread_mutex_unlock(&q->back->lock);
	return virt;
}

/* ---- Network devices ---- */

size_t device_header(struct back_end *back)
{
	const uint64_t twelve = 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MRG_RXBUF;

	return back->agreed & twelve ? 12 : 10;
}

/* Copy to the chain. Return: bytes that fit. */
static size_t write_to(const struct chain *chain, const uint8_t *data, size_t size)
{
	size_t done = 0;

	for (uint16_t s = 0; s < chain->count && done < size; s++) {
		size_t length = chain->segments[s].length < size - done ? chain->segments[s].length
									: size - done;
		must(chain->segments[s].write);
		memcpy(chain->segments[s].data, data + done, length);
		done += length;
	}
	return done;
}

bool device_deliver(struct device_queue *q, const void *frame, size_t size)
{
	const size_t header = device_header(q->back);
	struct chain chains[64];
	uint32_t lengths[64], count = 0;
	uint8_t whole[70000];
	size_t done = 0;

	memset(whole, 0, header);
	memcpy(whole + header, frame, size);
	size += header;
	while (done < size) {
		must(count < 64);
		if (!device_pop(q, &chains[count])) {
			must(!count); /* tests see to it that there is room */
			return false;
		}
		lengths[count] = write_to(&chains[count], whole + done, size - done);
		done += lengths[count++];
	}
	must(count == 1 || q->back->agreed & 1ull << VIRTIO_NET_F_MRG_RXBUF);
	if (header == 12)
		memcpy(chains[0].segments[0].data + 10, &(uint16_t){ count }, 2);
	device_push(q, chains, lengths, count);
	return true;
}

size_t device_take_only(struct device_queue *q, void *frame, size_t room, struct chain *chain)
{
	const size_t header = device_header(q->back);
	static const uint8_t empty[12];
	uint8_t whole[70000];
	size_t size = 0;

	if (!device_pop(q, chain))
		return 0;
	for (uint16_t s = 0; s < chain->count; s++) {
		must(!chain->segments[s].write);
		must(size + chain->segments[s].length <= sizeof(whole));
		memcpy(whole + size, chain->segments[s].data, chain->segments[s].length);
		size += chain->segments[s].length;
	}
	/* 2.6.4: without VIRTIO_F_ANY_LAYOUT and VERSION_1 the header is a descriptor of its own. */
	if (!(q->back->agreed & (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_ANY_LAYOUT))) {
		must(chain->count == 2);
		must(chain->segments[0].length == header);
	}
	must(size > header && size - header <= room);
	must(q->back->lenient || !memcmp(whole, empty, header));
	memcpy(frame, whole + header, size - header);
	return size - header;
}

size_t device_take(struct device_queue *q, void *frame, size_t room)
{
	struct chain chain;
	size_t size = device_take_only(q, frame, room, &chain);

	if (size)
		device_push(q, &chain, &(uint32_t){ 0 }, 1);
	return size;
}
