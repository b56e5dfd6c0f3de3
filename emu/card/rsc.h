/* SPDX-License-Identifier: BSD-2-Clause */
/* Receive side coalescing (7.11): what rx.c does with the large receive of a queue. */
#ifndef RSC_H
#define RSC_H

#include "rx_ring.h"

/**
 * nic_rsc_append() - add a packet to the queue's large receive, which is open
 *
 * Return: true with @verdict; false if the packet cannot be part of it: then close it first.
 */
bool nic_rsc_append(struct nic *nic, uint32_t queue, const uint8_t *frame, uint32_t length,
		    const struct nic_packet *packet, enum nic_verdict *verdict);

/**
 * nic_rsc_open() - a packet is in the buffer at the head: should more follow?
 * @last: its descriptor
 *
 * Return: true if a large receive has begun, which will use the descriptor.
 */
bool nic_rsc_open(struct nic *nic, struct nic_rx_queue *q, const uint8_t *frame, uint32_t length,
		  const struct nic_packet *packet, struct nic_desc last);

/** nic_rsc_close() - the driver gets what there is, if it is open. */
void nic_rsc_close(struct nic *nic, struct nic_rx_queue *q);

#endif
