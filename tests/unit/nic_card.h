/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A card with a made-up machine around it, for tests of the data path: three windows of plain
 * memory, a recorder on the wire, and the register accesses of a driver. Include this first: it
 * brings cmocka.
 */
#ifndef NIC_CARD_H
#define NIC_CARD_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "emu/card/datapath.h"
#include "emu/card/nic.h"
#include "regs/82599.h"

/* The first two windows are neighbours for the card, and far from each other in our memory. */
#define WINDOW_SIZE 0x400000ull
#define WINDOW_A    0x100000000ull
#define WINDOW_B    (WINDOW_A + WINDOW_SIZE)
#define READ_ONLY   0x300000000ull
#define UNMAPPED    0x700000000ull
#define SENT_MAX    8192
#define BUFFER_SIZE 2048
#define LOTS	    1000000	   /* a budget that is never used up */
#define ADVANCED    (1u << 25 | 2) /* SRRCTL: one buffer of 2 KB */
#define MAC_LOW	    0x33221102u
#define MAC_HIGH    0x5544u

struct sent {
	size_t length;
	uint8_t *bytes;
};

struct ring {
	uint32_t queue, size, tail;
	uint64_t iova;
	struct nic_desc *desc;
};

struct card {
	struct nic *nic;
	uint8_t *doorbells; /* as a driver maps them; NULL where pages are too large for that */
	uint64_t now;
	uint8_t *windows[3];
	uint64_t used; /* of window A */
	uint32_t sent_count;
	struct sent sent[SENT_MAX];
	uint32_t interrupts[NIC_MSIX_COUNT];
};

/* The card of the running test: link up, receiver and transmitter on, broadcasts accepted. */
extern struct card card;
extern const uint8_t card_mac[6];

int card_set_up(void **state);
int card_tear_down(void **state);

#define card_test(f) cmocka_unit_test_setup_teardown(f, card_set_up, card_tear_down)

/* Register accesses that the card sees, and those in mapped pages that it has to find out about. */
uint32_t reg_read(uint32_t offset);
void reg_write(uint32_t offset, uint32_t value);
void reg_poke(uint32_t offset, uint32_t value);
uint32_t reg_peek(uint32_t offset);
void reg_set(uint32_t offset, uint32_t bits);
void reg_clear(uint32_t offset, uint32_t bits);

/** card_poll() - some time goes by. */
uint32_t card_poll(uint32_t budget);

void bus_master(bool on);

/** memory() - what the card reaches at @iova. */
uint8_t *memory(uint64_t iova);
/** take() - memory of window A that is used for nothing else. */
uint64_t take(uint64_t size);

/** rx_ring() - set up and enable a queue; no descriptor is posted. */
struct ring rx_ring(uint32_t queue, uint32_t size, uint32_t srrctl);
struct ring tx_ring(uint32_t queue, uint32_t size);

/** rx_post() - give the card @count buffers of BUFFER_SIZE each. */
void rx_post(struct ring *ring, uint32_t count);
/** rx_post_at() - one buffer, anywhere. */
void rx_post_at(struct ring *ring, uint64_t iova);
/** rx_buffer() - of the @i-th descriptor. */
uint64_t rx_buffer(const struct ring *ring, uint32_t i);

uint32_t rx_status(const struct ring *ring, uint32_t i);
uint32_t rx_length(const struct ring *ring, uint32_t i);
uint32_t rx_vlan(const struct ring *ring, uint32_t i);

/** tx_put() - a descriptor, without ringing the doorbell. */
void tx_put(struct ring *ring, uint64_t lo, uint64_t hi);
void tx_ring_doorbell(const struct ring *ring);
bool tx_done(const struct ring *ring, uint32_t i);

/* Second words: a whole frame; one of several pieces. */
#define TX_DATA(length)                                                                            \
	(TXD_DTYP_DATA | TXD_DEXT | TXD_IFCS | (uint64_t)(length) << 46 | (uint64_t)(length))
#define TX_PART(part, whole)                                                                       \
	(TXD_DTYP_DATA | TXD_DEXT | TXD_IFCS | (uint64_t)(whole) << 46 | (uint64_t)(part))

/** tx_send() - a frame in memory of its own, with these bits beside those of TX_DATA, and poll. */
void tx_send(struct ring *ring, const uint8_t *frame, size_t length, uint64_t bits);

/** frame_to() - a frame of @length bytes, each of which depends on @number. */
void frame_to(uint8_t *frame, const uint8_t destination[6], size_t length, uint32_t number);
/** arrive() - such a frame to our own address arrives. */
enum nic_verdict arrive(size_t length, uint32_t number);
/** check_memory() - is frame @number, or a part of it from @offset on, at @iova? */
void check_memory(uint64_t iova, size_t offset, size_t size, size_t length, uint32_t number);

/* Independent of the card's own arithmetic: slow, and after the RFCs. */
uint16_t slow_sum(const uint8_t *data, size_t size, uint32_t sum);
uint32_t slow_crc(uint32_t polynomial, const uint8_t *data, size_t size);
/** l4_good() - is the layer 4 checksum of an IP packet right? IPv4 header's, too. */
bool l4_good(const uint8_t *ip, size_t size);

/** ip_frame() - Ethernet, IP and layer 4 headers, @payload bytes, right sums. Return: length. */
size_t ip_frame(uint8_t *frame, int version, uint8_t protocol, size_t payload);
/** ip_seal() - make the checksums of an IP packet right. */
void ip_seal(uint8_t *ip, size_t size);

#endif
