/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card of the bench: the core of ixy-emu in the driver's process. Nobody waits for it: packets
 * arrive and leave when the bench says so, and what left is checked.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic.h"

#define CARD_MAPS  80
#define IOTLB_MAX  1024
#define CARD_BURST 256 /* packets that can arrive at once */

/*
 * struct iotlb - the card's cache of translations, fully associative, least recently used goes
 * @entries: 0 switches it off
 * @pages:   most recently used first
 */
struct iotlb {
	uint32_t entries, used;
	uint64_t page, misses;
	uint64_t pages[IOTLB_MAX];
};

struct card {
	struct nic *nic;
	uint8_t mac[6];
	struct nic_window maps[CARD_MAPS]; /* what the driver under test allows it to reach */
	uint32_t map_count;
	struct iotlb iotlb;
	uint32_t length;       /* of each frame, without CRC */
	uint32_t queues;       /* that packets go to, a burst to each in turn; 0 means 1 */
	uint32_t arrived;      /* packets so far; each carries its number */
	uint32_t left;	       /* packets that were sent so far */
	uint32_t next;	       /* number that the next one must carry */
	uint32_t queue;	       /* of the present burst */
	const char *complaint; /* what was wrong with the first packet that was not right */
	uint8_t frame[NIC_FRAME_MAX];
	uint8_t *buffers[CARD_BURST]; /* where the packets went, for CLDEMOTE */
};

/** card_create() - switch it on. Return: 0 or a negative errno. */
int card_create(struct card *card, uint32_t length);

/** card_map() - let it reach memory; drivers that use virtual addresses let it reach all. */
void card_map(struct card *card, uint64_t iova, void *virt, uint64_t size);
#define card_map_all(card) card_map(card, 4096, (void *)4096, (1ull << 47) - 4096)
void card_unmap(struct card *card, uint64_t iova);

/** card_set_iotlb() - count misses of an IOTLB from now on; @page: bytes that an entry covers. */
void card_set_iotlb(struct card *card, uint32_t entries, uint64_t page);

/** card_work() - what a card does by itself all the time. Return: nic_poll()'s. */
uint32_t card_work(struct card *card);

/** card_wait_link() - until the link is up and packets are taken; a second at most. */
bool card_wait_link(struct card *card);

/**
 * card_receive() - @n packets arrive
 * @demote: then push all that the card has written since the last time into the last-level cache,
 *          and nothing else (CLDEMOTE)
 *
 * Return: have all found a descriptor?
 */
bool card_receive(struct card *card, uint32_t n, bool demote);

/**
 * card_send() - send what is in the ring; it must be @n packets of the right length
 * @forwarded: they must be those that arrived, in order, with one byte changed
 */
bool card_send(struct card *card, uint32_t n, bool forwarded);
