/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the driver on the emulator have in common. Include this first: it brings cmocka. */
#ifndef DRIVER_H
#define DRIVER_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <ixy/control.h>
#include <ixy/log.h>
#include <ixy/pkt_buf.h>
#include <ixy/vfio.h>

#include "tests/emu/emu_backend.h"

#define driver_test(f) cmocka_unit_test_setup_teardown(f, driver_set_up, driver_tear_down)

#define FRAME_MAX 16384

/* All cards on, log caught; and in the end: all off, all memory given back. */
int driver_set_up(void **state);
int driver_tear_down(void **state);

/* The errors and warnings that the libraries logged since the test began. */
extern char driver_log[8192];
extern unsigned int driver_log_lines;

/** open_card() - open "emu:N", which must work, and wait until the link is up. */
struct ixy_device *open_card(int card, const struct ixy_config *config);

/** open_fails() - opening card 0 must fail with -@err and say one line which holds @word. */
void open_fails(const struct ixy_config *config, int err, const char *word);

/** make_frame() - a frame for card @card with @number in its bytes; each byte depends on both. */
void make_frame(uint8_t *frame, size_t length, int card, uint32_t number);

/** check_frame() - is it that frame? */
void check_frame(const uint8_t *data, size_t size, size_t length, int card, uint32_t number);

/** wire_to() - a frame made by make_frame() arrives at a card. */
enum nic_verdict wire_to(int card, size_t length, uint32_t number);

/** steer() - such frames go to that queue of card 0, by its EtherType filter (7.1.2.3). */
void steer(uint16_t queue);

/** packet() - a packet of that content from a pool. */
struct pkt_buf *packet(struct mempool *pool, size_t length, int card, uint32_t number);

/** receive_all() - up to @n packets, in as many calls as it takes */
uint32_t receive_all(struct ixy_device *dev, struct pkt_buf **bufs, uint32_t n);

/** receive_one() - there must be exactly one packet, with that content; it is freed. */
void receive_one(struct ixy_device *dev, uint16_t queue, size_t length, int card, uint32_t number);

/** send_one() - send a frame, which must arrive on the card's wire. */
void send_one(struct ixy_device *dev, struct mempool *pool, uint16_t queue, int card, size_t length,
	      uint32_t number);

/** rx_descriptor() - descriptor @i of a receive ring, as two words. */
volatile uint64_t *rx_descriptor(int card, uint32_t queue, uint32_t i);

#endif
