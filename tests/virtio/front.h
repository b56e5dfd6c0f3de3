/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the tests of vhost-user have in common: libixy-vfio is the front end of a back end in the same
 * process. Include this first: it brings cmocka.
 */
#ifndef FRONT_H
#define FRONT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <linux/pci_regs.h>
#include <linux/vhost.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio_backend.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "back_end.h"

#define VIRTIO_FEATURES (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED)
#define ALL_PROTOCOL	(F_MQ | F_REPLY_ACK | F_CONFIG | F_MEM_SLOTS | F_STATUS)

extern struct back_end back;
extern char address[128];
extern struct vfio_device *dev;
extern char last_message[512]; /* of @messages that the library had to tell */
extern uint32_t messages;

/* Set-up of all tests together: from now on messages are kept. */
int front_keep_messages(void **state);

/* A back end with protocol features @protocol; none at all if that is 0. And a device of it. */
void front_start(uint64_t protocol);
void front_open(uint64_t protocol);
int front_stop(void **state);

int front_call(unsigned long request, void *argument);

/* Messages without reply have been understood when one with a reply has. */
void front_settle(void);

/* What the back end knows: messages of a kind; a ring; what is at an I/O address, 0 if it cannot reach
 * that. */
uint32_t front_seen(int message);
struct back_end_ring front_ring(uint32_t index);
uint32_t front_word_at(uint64_t iova);

/* All that starting a ring takes. */
int front_start_ring(uint32_t index, int kick, int notify);

#endif
