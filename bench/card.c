/* SPDX-License-Identifier: BSD-2-Clause */
/* See card.h. */
#include "card.h"

#include <string.h>
#include <time.h>

#include "../src/ixgbe/ixgbe_regs.h"

#define NUMBER 14 /* where a packet carries it: behind the Ethernet header */

static bool window(void *ctx, uint64_t iova, struct nic_window *window)
{
	const struct card *card = ctx;

	for (uint32_t i = 0; i < card->map_count; i++) {
		*window = card->maps[i];
		if (iova - window->iova < window->size)
			return true;
	}
	return false;
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
	card->left++;
	if (length != card->length)
		card->complaint = "a packet of another length was sent";
	else if (number != card->next)
		card->complaint = "another packet was sent than the next one";
	else if (frame[1] != (uint8_t)(card->mac[1] + 1))
		card->complaint = "a packet was sent that had not been touched";
	card->next++;
}

int card_create(struct card *card, uint32_t length)
{
	struct nic_host host = { card, window, interrupt, transmit };

	*card = (struct card){ .mac = { 0x02, 0, 0, 0, 0, 1 }, .length = length };
	memcpy(card->frame, card->mac, 6);
	card->frame[6] = 0x02;
	card->frame[12] = 0x88; /* 0x88B5: for local experiments */
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

bool card_receive(struct card *card, uint32_t n)
{
	bool taken = true;

	for (uint32_t i = 0; i < n; i++, card->arrived++) {
		memcpy(card->frame + NUMBER, &card->arrived, sizeof(card->arrived));
		taken &= nic_receive(card->nic, card->frame, card->length, 0) == NIC_TAKEN;
	}
	card_work(card);
	return taken;
}

bool card_send(struct card *card, uint32_t n, bool forwarded)
{
	uint32_t left = card->left;

	card->next = card->arrived - n;
	while (card_work(card))
		;
	if (!forwarded)
		card->complaint = NULL; /* the driver's own packets */
	if (card->left - left != n)
		card->complaint = "not all packets were sent";
	return !card->complaint;
}

void *card_ring(struct card *card, uint32_t base, uint32_t *size)
{
	uint64_t iova = nic_read(card->nic, 0, base + Q_BAL, 4) |
			nic_read(card->nic, 0, base + Q_BAH, 4) << 32;
	struct nic_window w;

	*size = (uint32_t)nic_read(card->nic, 0, base + Q_LEN, 4) / sizeof(struct ixgbe_desc);
	return *size && window(card, iova, &w) ? w.host + (iova - w.iova) : NULL;
}
