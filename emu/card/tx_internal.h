/* SPDX-License-Identifier: BSD-2-Clause */
/* Inside the send side: from tx.c on top by tx_packet.c and tso.c down to tx_ring.c. */
#ifndef TX_INTERNAL_H
#define TX_INTERNAL_H

#include "ring.h"

/* A visit to a queue: some of its descriptors are looked at, in order. */
struct nic_visit {
	struct nic_tx_queue *q;
	uint32_t queue, tail;
	struct nic_desc *line; /* the cache line with the head */
	uint32_t report;       /* its descriptors that wait for their write-back */
	bool reported;	       /* one was done that asked for a report */
	bool head_only;	       /* the report is the head (TDWBAL.Head_WB_En), not DD */
	uint32_t frames;
	uint64_t bytes;
};

/* A packet as its descriptors describe it. */
struct nic_tx_packet {
	uint32_t count;	 /* descriptors */
	uint64_t report; /* which of them have RS set */
	struct nic_desc first, last;
	uint32_t length;
	bool bad;
	struct nic_desc desc[NIC_CHAIN];
};

static inline uint32_t nic_tx_available(const struct nic_visit *v)
{
	return nic_ring_distance(&v->q->ring, v->tail);
}

/* ---- tx_ring.c ---- */

/** nic_tx_look() - notice what became of ENABLE. */
void nic_tx_look(struct nic *nic, uint32_t queue);
/** nic_tx_halt() - the ring is out of reach (see dma.c), or the tail outside of it. */
void nic_tx_halt(struct nic *nic, uint32_t queue);
/** nic_tx_enter() - make v->line the line of the head. Return: false after a fault. */
bool nic_tx_enter(struct nic *nic, struct nic_visit *v);
/** nic_tx_use_many() - the next @count descriptors are done; bit i of @report: it has RS set. */
bool nic_tx_use_many(struct nic *nic, struct nic_visit *v, uint32_t count, uint64_t report);
/** nic_tx_finish() - send nic->sender.frame: pad it, or (not @crc) check the driver's CRC. */
void nic_tx_finish(struct nic *nic, struct nic_visit *v, uint32_t length, bool crc);

/* The cache line of the ring that holds descriptor @at; NULL after a fault: the queue is off. */
static inline struct nic_desc *nic_tx_line(struct nic *nic, const struct nic_visit *v, uint32_t at)
{
	struct nic_desc *line;

	at -= at % NIC_LINE;
	line = nic_dma(nic, v->q->ring.base + at * sizeof(*line), NIC_LINE * sizeof(*line), true);
	if (unlikely(!line))
		nic_tx_halt(nic, v->queue);
	return line;
}

static inline void nic_tx_write_back(struct nic_visit *v)
{
	while (v->report) {
		uint32_t *words = (uint32_t *)&v->line[__builtin_ctz(v->report)];

		/* Only the word with DD changes; buffer and frame were used before. */
		__atomic_store_n(&words[3], TXD_DD >> 32, __ATOMIC_RELEASE);
		v->report &= v->report - 1;
	}
}

/* The descriptor at the head is done. */
static inline void nic_tx_use(struct nic_visit *v, bool report)
{
	struct nic_tx_queue *q = v->q;

	v->reported |= report;
	if (likely(!v->head_only))
		v->report |= (uint32_t)report << q->ring.head % NIC_LINE;
	if (nic_ring_advance(&q->ring)) {
		nic_tx_write_back(v);
		v->line = NULL;
	}
}

static inline void nic_tx_put(struct nic *nic, struct nic_visit *v, const uint8_t *frame,
			      uint32_t length)
{
	struct nic_sender *tx = &nic->sender;

	nic_traffic_add(&tx->good, load64(frame) & 0xFFFFFFFFFFFF, length);
	v->frames++;
	v->bytes += length;
	if (unlikely(tx->loopback))
		nic_rx_frame(nic, frame, length, NIC_LOOPBACK);
	else
		nic->host.transmit(nic->host.ctx, frame, length);
}

/* ---- tx_packet.c ---- */

/** nic_tx_packet() - anything at the head. Return: false if nothing more can be done now. */
bool nic_tx_packet(struct nic *nic, struct nic_visit *v, struct nic_desc desc, uint32_t budget);

/* ---- tso.c ---- */

/** nic_tso_start() - sets nic->sender.tso.active if the packet makes sense. */
void nic_tso_start(struct nic *nic, const struct nic_visit *v, const struct nic_tx_packet *packet);
/** nic_tso_run() - send until v->frames is @budget; ends by using the packet's descriptors. */
void nic_tso_run(struct nic *nic, struct nic_visit *v, uint32_t budget);

#endif
