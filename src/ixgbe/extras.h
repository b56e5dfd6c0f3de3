/* SPDX-License-Identifier: BSD-2-Clause */
/* What the 82599 driver keeps for transmit offloads, clock and flow rules, if the configuration asks for them. */
#pragma once
#include <ixy/flow.h>
#include <ixy/offload.h>

#include "ixgbe.h"

/* tx_offload.c: the context descriptor (7.2.3.2.3) that a send queue's packets go by. */
struct ixgbe_context {
	uint64_t addr, info;
};

/**
 * struct ixgbe_extras
 * @contexts:   of each send queue
 * @clock:      ns that were read last, by any thread
 * @increment:  TIMINCA
 * @rules:      config.flow_rules of them: FDIRHASH; 0: none, as the index, which begins at 1, is part of it
 * @used:       how many are in the card, which compares @match
 * @rule_stats: FDIRMATCH and FDIRMISS, added up
 */
struct ixgbe_extras {
	uint64_t clock;
	uint32_t increment, used;
	uint8_t match;
	struct ixy_rule_stats rule_stats;
	uint32_t *rules;
	struct ixgbe_context contexts[];
};

/* phy.c; ixgbe_wake_phy(): if it is one for copper that sleeps */
bool ixgbe_is_x540(struct ixgbe_device *dev);
bool ixgbe_is_x550(struct ixgbe_device *dev);
void ixgbe_wake_phy(struct ixgbe_device *dev);

/* extras.c: get ready what the configuration asks for; the receiver is off. */
void ixgbe_init_extras(struct ixgbe_device *dev);

/* clock.c; ixgbe_keep_clock() notices another speed of the link, and that the counter was full */
void ixgbe_init_clock(struct ixgbe_device *dev);
void ixgbe_keep_clock(struct ixgbe_device *dev);
void ixgbe_note_times(struct ixgbe_device *dev, struct pkt_buf **bufs, uint32_t n);
int ixgbe_read_clock(struct ixy_device *ixy, uint64_t *ns);
int ixgbe_tx_time(struct ixy_device *ixy, uint64_t *ns);

/* rules.c */
void ixgbe_init_rules(struct ixgbe_device *dev);
int ixgbe_add_rule(struct ixy_device *ixy, const struct ixy_flow *flow);
int ixgbe_remove_rule(struct ixy_device *ixy, int rule);
int ixgbe_read_rule_stats(struct ixy_device *ixy, struct ixy_rule_stats *stats);

/* tx_offload.c: ixgbe_tx_plain() in place of ixgbe_tx_batch(), whose rings look different */
uint32_t ixgbe_tx_plain(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs, uint32_t n);
uint32_t ixgbe_tx_offload(struct ixy_device *ixy, uint16_t queue, struct pkt_buf **bufs,
			  const struct ixy_tx_offload *offloads, uint32_t n);
