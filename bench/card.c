/* SPDX-License-Identifier: BSD-2-Clause */
/* See card.h. */
#include "card.h"

#include <string.h>
#include <time.h>

#include "../regs/82599_core.h"

#define Q_HEAD 0x10 /* RDH, TDH: distance from RDBAL, TDBAL */
#define ETQF   0x05128
#define ETQS   0x0EC00
#define NUMBER 14 /* offset of a packet's number: after the Ethernet header */

static bool find(const struct card *card, uint64_t iova, struct nic_window *window)
{
	for (uint32_t i = 0; i < card->map_count; i++) {
		*window = card->maps[i];
		if (iova - window->iova < window->size)
			return true;
	}
	return false;
}

static void translate(struct iotlb *tlb, uint64_t page)
{
	uint32_t i = 0;

	while (i < tlb->used && tlb->pages[i] != page)
		i++;
	if (i == tlb->used) {
		tlb->misses++;
		if (tlb->used < tlb->entries)
			tlb->used++;
		else
			i--;
	}
	memmove(tlb->pages + 1, tlb->pages, i * sizeof(*tlb->pages));
	tlb->pages[0] = page;
}

/*
 * With an IOTLB the card is given one page at a time, so that it looks up each. It caches the last
 * four windows (NIC_WINDOWS), which would be hits.
 */
static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	struct card *card = ctx;
	uint64_t page = card->iotlb.page;

	if (!find(card, iova, window))
		return false;
	if (card->iotlb.entries) {
		translate(&card->iotlb, iova / page);
		uint64_t first = iova / page * page, end = first + page;
		if (first > window->iova) {
			window->host += first - window->iova;
			window->size -= first - window->iova;
			window->iova = first;
		}
		if (window->size > end - window->iova)
			window->size = end - window->iova;
	}
	return true;
}

void card_set_iotlb(struct card *card, uint32_t entries, uint64_t page)
{
	card->iotlb = (struct iotlb){ .entries = entries, .page = page };
	nic_dma_changed(card->nic);
}

static void interrupt(void *ctx, uint32_t vector)
{
	(void)ctx;
	(void)vector;
}

static void transmit(void *ctx, const uint8_t *frame, size_t length)
{
	struct card *card = ctx;
	uint32_t number;

	memcpy(&number, frame + NUMBER, sizeof(number));
	card->sent++;
	if (length != card->length)
		card->error = "a packet of the wrong length was sent";
	else if (number != card->next)
		card->error = "a packet was sent out of order";
	else if (frame[1] != (uint8_t)(card->mac[1] + 1))
		card->error = "a packet was sent that the driver did not touch";
	card->next++;
}

int card_create(struct card *card, uint32_t length)
{
	struct nic_host host = { card, window, interrupt, transmit };

	*card = (struct card){ .mac = { 0x02, 0, 0, 0, 0, 1 }, .length = length };
	memcpy(card->frame, card->mac, 6);
	card->frame[6] = 0x02;
	card->frame[12] = 0x88; /* 0x88B5: IEEE 802 local experimental EtherType */
	card->frame[13] = 0xB5;
	int err = nic_create(&card->nic, &host, card->mac);
	if (err)
		return err;
	nic_set_wire(card->nic, true);
	nic_set_mapped(card->nic, true);
	return 0;
}

void card_map(struct card *card, uint64_t iova, void *virt, uint64_t size)
{
	if (card->map_count < CARD_MAPS)
		card->maps[card->map_count++] = (struct nic_window){ iova, size, virt, true };
}

void card_unmap(struct card *card, uint64_t iova)
{
	for (uint32_t i = 0; i < card->map_count; i++)
		if (card->maps[i].iova == iova)
			card->maps[i] = card->maps[--card->map_count];
	nic_dma_changed(card->nic);
}

uint32_t card_work(struct card *card)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return nic_poll(card->nic, (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec, 256);
}

bool card_wait_link(struct card *card)
{
	for (int i = 0; i < 10000; i++) {
		card_work(card);
		if (nic_link_up(card->nic) && nic_receiving(card->nic))
			return true;
		nanosleep(&(struct timespec){ 0, 100000 }, NULL);
	}
	return false;
}

/* ---- CLDEMOTE ---- */

static uint8_t *memory(const struct card *card, uint64_t iova)
{
	struct nic_window w;

	return find(card, iova, &w) ? w.host + (iova - w.iova) : NULL;
}

struct ring {
	struct ixgbe_desc *desc;
	uint32_t size, head;
};

static struct ring find_ring(struct card *card, uint32_t base)
{
	uint64_t iova = nic_read(card->nic, 0, base + Q_BAL, 4) |
			nic_read(card->nic, 0, base + Q_BAH, 4) << 32;

	return (struct ring){ (void *)memory(card, iova),
			      (uint32_t)nic_read(card->nic, 0, base + Q_LEN, 4) / 16,
			      (uint32_t)nic_read(card->nic, 0, base + Q_HEAD, 4) };
}

/* A hint: a no-op on processors without it. */
static void demote(const void *start, size_t size)
{
	for (size_t i = 0; i < size; i += 64)
		__asm__ volatile("cldemote %0" ::"m"(((const char *)start)[i]));
}

/* The write-backs of the @n descriptors before the head. */
static void demote_ring(struct card *card, uint32_t base, uint32_t n)
{
	struct ring r = find_ring(card, base);

	for (uint32_t i = 1; i <= n && r.desc; i++)
		demote((void *)&r.desc[(r.head + r.size - i) % r.size], sizeof(*r.desc));
}

/* The write-back overwrites the buffer's address, so it is looked up before. */
static void note_buffers(struct card *card, uint32_t n)
{
	struct ring r = find_ring(card, RDBAL(card->queue));

	for (uint32_t i = 0; i < n && r.desc; i++)
		card->buffers[i] = memory(card, r.desc[(r.head + i) % r.size].addr);
}

/* ---- Packets ---- */

/* 7.1.2.3: packets of our EtherType go to one queue, whatever their flow. */
static void steer(struct card *card)
{
	card->queue = (card->queue + 1) % card->queues;
	nic_write(card->nic, 0, ETQF, 4, 1u << 31 | 0x88B5);
	nic_write(card->nic, 0, ETQS, 4, 1u << 31 | card->queue << 16);
}

bool card_receive(struct card *card, uint32_t n, bool demote_all)
{
	bool taken = n <= CARD_BURST;

	if (card->queues > 1)
		steer(card);
	if (demote_all && taken)
		note_buffers(card, n);
	for (uint32_t i = 0; i < n; i++, card->arrived++) {
		memcpy(card->frame + NUMBER, &card->arrived, sizeof(card->arrived));
		taken &= nic_receive(card->nic, card->frame, card->length, 0) == NIC_TAKEN;
	}
	card_work(card);
	if (demote_all && taken) {
		for (uint32_t i = 0; i < n; i++)
			demote(card->buffers[i], card->length);
		demote_ring(card, RDBAL(card->queue), n);
		demote_ring(card, TDBAL(0), n);
	}
	return taken;
}

bool card_send(struct card *card, uint32_t n, bool forwarded)
{
	uint32_t before = card->sent;

	card->next = card->arrived - n;
	while (card_work(card))
		;
	if (!forwarded)
		card->error = NULL; /* the driver's own packets */
	if (card->sent - before != n)
		card->error = "not all packets were sent";
	return !card->error;
}
