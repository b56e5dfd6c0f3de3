/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Send: from the driver's rings onto the wire (7.2).
 *
 * Active queues take turns. A frame in one buffer without offloads goes to the wire straight from
 * the driver's memory (send_plain()); everything else is tx_packet.c's business.
 */
#include "tx_internal.h"

#define TURN 32 /* frames of a queue before the next one is served */

/* ---- Frames ---- */

/* Most descriptors: a whole frame, advanced format, nothing to insert but the CRC. */
#define PLAIN_MASK                                                                                 \
	(TXD_DTYP | TXD_EOP | TXD_IFCS | TXD_DEXT | TXD_VLE | TXD_TSE | TXD_POPTS | TXD_1588)
#define PLAIN (TXD_DTYP_DATA | TXD_EOP | TXD_IFCS | TXD_DEXT)

/* Return: false if the frame is not that simple. */
static inline bool send_plain(struct nic *nic, struct nic_visit *v, struct nic_desc desc)
{
	uint32_t length = TXD_LENGTH(desc.hi);
	const uint8_t *frame;

	if ((desc.hi & PLAIN_MASK) != PLAIN || length < ETH_FRAME_MIN || length > NIC_FRAME_MAX ||
	    TXD_PAYLEN(desc.hi) != length)
		return false;
	frame = nic_peek(nic, desc.lo, length, false);
	if (unlikely(!frame))
		return false;
	nic_tx_put(nic, v, frame, length);
	nic_tx_use(v, desc.hi & TXD_RS);
	return true;
}

/* ---- A visit to a queue ---- */

/* TDWBAL holds address bits 31:2, but real cards ignore 3:2, too: the address is one of 16 bytes. */
static void report_head(struct nic *nic, const struct nic_visit *v)
{
	uint64_t address = (uint64_t)nic_get(nic, TDWBAH(v->queue)) << 32 |
			   (nic_get(nic, TDWBAL(v->queue)) & ~15u);
	uint32_t *head = nic_dma(nic, address, sizeof(*head), true);

	if (unlikely(!head))
		nic_tx_halt(nic, v->queue);
	else
		__atomic_store_n(head, v->q->ring.head, __ATOMIC_RELEASE);
}

static void end_visit(struct nic *nic, struct nic_visit *v)
{
	struct nic_tx_queue *q = v->q;
	uint32_t set = nic_get(nic, TQSM(v->queue / 4)) >> v->queue % 4 * 8 & 15;

	nic_tx_write_back(v);
	if (v->reported && v->head_only)
		report_head(nic, v);
	nic_ring_publish(nic, TDBAL(v->queue), &q->ring);
	if (v->frames) {
		nic_count(nic, QPTC(set), v->frames);
		nic_count64(nic, QBTCL(set), v->bytes);
	}
	if (v->reported)
		nic_irq_tx(nic, v->queue);
}

/* Return: work done, in frames, or in descriptors that did not become one. */
static uint32_t visit(struct nic *nic, uint32_t queue, uint32_t budget)
{
	struct nic_tso *tso = &nic->sender.tso;
	struct nic_visit v = { .q = &nic->tx[queue], .queue = queue };
	uint32_t steps = 0;

	v.tail = nic_get_tail(nic, TDT(queue));
	if (v.tail == v.q->ring.head && !tso->active)
		return 0;
	nic_tx_look(nic, queue); /* off, perhaps, since the last poll */
	if (!v.q->ring.usable)
		return 0;
	if (v.tail >= v.q->ring.size) {
		nic_tx_halt(nic, queue);
		nic->account.tx_bad++;
		return 0;
	}
	v.head_only = nic_get(nic, TDWBAL(queue)) & TDWBAL_HEAD_WB_EN;
	if (unlikely(tso->active))
		nic_tso_run(nic, &v, budget);
	while (v.frames < budget && steps < budget && v.q->ring.head != v.tail && !tso->active) {
		uint32_t head = v.q->ring.head;
		struct nic_desc desc;

		if (!v.line && !nic_tx_enter(nic, &v))
			break;
		steps++;
		desc = nic_load_desc(v.line + head % NIC_LINE);
		if (likely(!v.q->skip) && likely(nic->sender.crc) && send_plain(nic, &v, desc))
			continue;
		if (!nic_tx_packet(nic, &v, desc, budget)) {
			steps -= v.q->ring.head == head; /* half a packet is nothing to do */
			break;
		}
	}
	end_visit(nic, &v);
	nic->sender.sent += v.frames;
	return v.frames > steps ? v.frames : steps;
}

/* ---- The port ---- */

void nic_tx_configure(struct nic *nic)
{
	struct nic_sender *tx = &nic->sender;
	uint32_t hlreg0 = nic_get(nic, HLREG0);
	uint32_t dmatxctl = nic_get(nic, DMATXCTL);

	tx->loopback = hlreg0 & HLREG0_LPBK;
	tx->pad = hlreg0 & HLREG0_TXPADEN;
	tx->crc = hlreg0 & HLREG0_TXCRCEN;
	tx->vlan_type = DMATXCTL_VT(dmatxctl);
	/* Without a link or bus mastering frames wait in the rings. */
	tx->on = dmatxctl & DMATXCTL_TE && !(nic_get(nic, SECTXCTRL) & SECTXCTRL_TX_DIS) &&
		 (tx->loopback || nic_link_up(nic)) && nic->pci.master;
	for (uint32_t i = 0; i < NIC_QUEUES; i++)
		nic_tx_look(nic, i);
}

void nic_tx_reset(struct nic *nic)
{
	memset(nic->tx, 0, sizeof(nic->tx));
	memset(&nic->sender, 0, sizeof(nic->sender));
	nic->rescan = true;
}

static void tx_count_port(struct nic *nic, struct nic_sender *tx)
{
	const struct nic_traffic *good = &tx->good;
	static const uint32_t sizes[6] = { PTC64, PTC127, PTC255, PTC511, PTC1023, PTC1522 };
	uint64_t octets = good->bytes + (uint64_t)ETH_CRC * good->frames;

	nic_count(nic, GPTC, good->frames);
	nic_count(nic, TPT, good->frames);
	nic_count(nic, TXDGPC, good->frames);
	nic_count64(nic, GOTCL, octets);
	nic_count64(nic, TXDGBCL, good->bytes);
	nic_count(nic, MPTC, good->multicast);
	nic_count(nic, BPTC, good->broadcast);
	for (uint32_t i = 0; i < 6; i++)
		nic_count(nic, sizes[i], good->sizes[i]);
	nic->account.tx_frames += good->frames;
	nic->account.tx_bytes += good->bytes;
	memset(&tx->good, 0, sizeof(tx->good));
}

uint32_t nic_tx_poll(struct nic *nic, uint32_t budget)
{
	struct nic_sender *tx = &nic->sender;
	uint32_t work = 0, idle = 0;

	tx->sent = 0;

	for (uint32_t i = 0; i < NIC_SCAN; i++)
		nic_tx_look(nic, tx->scan++ % NIC_QUEUES);
	if (!tx->on || nic->now < nic->pause.until)
		return 0;

	/* Each queue has its turn, until the budget is used up or all have nothing. */
	while (work < budget && idle < tx->active_count) {
		uint32_t turn = budget - work < TURN ? budget - work : TURN;
		uint32_t done;

		if (tx->next >= tx->active_count)
			tx->next = 0;
		/* A packet that is being segmented comes first: the card has one place for it. */
		done = visit(nic, tx->tso.active ? tx->tso.queue : tx->active[tx->next], turn);
		work += done;
		idle = done ? 0 : idle + 1;
		if (!tx->tso.active)
			tx->next++;
	}
	if (tx->good.frames)
		tx_count_port(nic, tx);
	/* Descriptors without a frame are work, too: the caller must not take the card for idle. */
	return tx->sent ? tx->sent : work != 0;
}
