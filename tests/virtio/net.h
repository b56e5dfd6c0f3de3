/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of the virtio-net driver have in common: a back end in the same process emulates the
 * device, the driver is its front end, and both take turns in one thread. Include this first: it
 * brings cmocka.
 */
#ifndef NET_H
#define NET_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>

#include <cmocka.h>

#include <ixy/control.h>
#include <ixy/event.h>
#include <ixy/interrupt.h>
#include <ixy/log.h>
#include <ixy/pkt_buf.h>
#include <ixy/vfio.h>

#include "device.h"

#define bit(n) (1ull << (n))

#define PAIRS	  4
#define FRAME_MAX 9728

/* Kinds of rings, that each test is run with. */
struct kind {
	const char *name;
	uint64_t features;
};
extern const struct kind kinds[];
extern const struct kind *kind;

extern struct back_end back;
extern char address[128];
extern struct ixy_device *dev;
extern struct device_queue rx[PAIRS], tx[PAIRS]; /* as the driver calls them */
extern char log_lines[4096];

/* The back end listens, and offers the features of @kind; tests may change its mind. */
int net_set_up(void **state);
int net_tear_down(void **state);
#define net_test(f) cmocka_unit_test_setup_teardown(f, net_set_up, net_tear_down)

/* Open the device, which must work; NULL: rings of 64, 512 buffers. */
void net_open(const struct ixy_config *config);

/* The device begins to serve the rings that the driver has started. */
void net_serve(void);

/* A frame whose bytes depend on @number and @size; is it that? */
void net_make(uint8_t *frame, size_t size, uint32_t number);
void net_check(const uint8_t *frame, size_t size, size_t expected, uint32_t number);

/* A packet of this content from @pool. */
struct pkt_buf *net_packet(struct mempool *pool, size_t size, uint32_t number);

/* Frames from the device to the application, and from there to the device, which must get them. */
void net_receive(uint16_t queue, size_t size, uint32_t number);
void net_send(struct mempool *pool, uint16_t queue, size_t size, uint32_t number);

/* Run the tests with each kind of ring. */
int net_run(const struct CMUnitTest *tests, size_t count);

#endif
