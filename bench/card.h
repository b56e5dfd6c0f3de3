/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The card of the benchmark: the core of ixy-emu in the driver's process. Packets
 * arrive and leave when the benchmark calls for it, and sent packets are verified.
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
 * struct iotlb - the card's cache of translations: fully associative, LRU replacement
 * @entries: 0 disables it
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
	struct nic_window maps[CARD_MAPS]; /* the DMA memory of the driver under test */
	uint32_t map_count;
	struct iotlb iotlb;
	uint32_t length;   /* of each frame, without CRC */
	uint32_t queues;   /* that receive packets, a burst each in turn; 0 means 1 */
	uint32_t arrived;  /* packets so far; each carries its number */
	uint32_t sent;	   /* packets so far */
	uint32_t next;	   /* expected number of the next one */
	uint32_t queue;	   /* of the current burst */
	const char *error; /* what was wrong with a packet; NULL: nothing */
	uint8_t frame[NIC_FRAME_MAX];
	uint8_t *buffers[CARD_BURST]; /* of the packets, for CLDEMOTE */
};

/** card_create() - as after power-on. Return: 0 or a negative errno. */
int card_create(struct card *card, uint32_t length);

/** card_map() - map DMA memory; for drivers that use virtual addresses, all memory. */
void card_map(struct card *card, uint64_t iova, void *virt, uint64_t size);
#define card_map_all(card) card_map(card, 4096, (void *)4096, (1ull << 47) - 4096)
void card_unmap(struct card *card, uint64_t iova);

/** card_set_iotlb() - count misses of an IOTLB from now on; @page: bytes that an entry covers. */
void card_set_iotlb(struct card *card, uint32_t entries, uint64_t page);

/** card_work() - poll the card. Return: nic_poll()'s. */
uint32_t card_work(struct card *card);

/** card_wait_link() - wait until the link is up and the receiver on, for a second at most. */
bool card_wait_link(struct card *card);

/**
 * card_receive() - @n packets arrive
 * @demote: then move the card's writes since the last call to the last-level cache,
 *          and nothing else (CLDEMOTE)
 *
 * Return: true if there was a descriptor for each.
 */
bool card_receive(struct card *card, uint32_t n, bool demote);

/**
 * card_send() - transmit the ring, which must hold @n packets of the right length
 * @forwarded: they must be those that arrived, in order, with one byte changed
 *
 * Return: true if all is right; otherwise see @error.
 */
bool card_send(struct card *card, uint32_t n, bool forwarded);
