/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sent packets that are not one plain buffer: chains of descriptors, contexts, legacy descriptors,
 * offloads (7.2.3). They are put together in the card first. A packet is taken when its last
 * descriptor has been posted; until then its descriptors stay in the ring.
 */
#include "tx_internal.h"

enum chain {
	CHAIN_COMPLETE,
	CHAIN_OPEN, /* the rest has not been posted yet */
	CHAIN_FAULT,
};

/* Read the descriptors of the packet at the head. */
static enum chain read_chain(struct nic *nic, struct nic_visit *v, struct nic_tx_packet *packet)
{
	struct nic_tx_queue *q = v->q;
	uint32_t left = nic_tx_available(v);
	uint32_t at = q->ring.head;

	packet->count = packet->length = 0;
	packet->report = 0;
	packet->bad = false;
	while (packet->count < left && packet->count < NIC_CHAIN) {
		const struct nic_desc *line = nic_tx_line(nic, v, at);
		struct nic_desc desc;

		if (!line)
			return CHAIN_FAULT;
		desc = nic_load_desc(line + at % NIC_LINE);
		if (++at == q->ring.size)
			at = 0;

		/* A packet is legacy or advanced throughout, and has no context descriptor inside. */
		if (!packet->count)
			packet->first = desc;
		else if ((desc.hi ^ packet->first.hi) & TXD_DEXT)
			packet->bad = true;
		if (desc.hi & TXD_DEXT && (desc.hi & TXD_DTYP) != TXD_DTYP_DATA)
			packet->bad = true;
		packet->report |= (uint64_t) !!(desc.hi & TXD_RS) << packet->count;
		packet->length += TXD_LENGTH(desc.hi);
		packet->desc[packet->count++] = desc;
		if (desc.hi & TXD_EOP) {
			packet->last = desc;
			return CHAIN_COMPLETE;
		}
	}
	/* It can not become complete: too many descriptors, or no room for more in the ring. */
	if (packet->count == NIC_CHAIN || packet->count == q->ring.size - 1) {
		packet->bad = true;
		q->skip = true;
		return CHAIN_COMPLETE;
	}
	return CHAIN_OPEN;
}

/* Gather a packet's buffers. */
static bool gather(struct nic *nic, const struct nic_tx_packet *packet, uint8_t *to)
{
	for (uint32_t i = 0; i < packet->count; i++) {
		uint32_t length = TXD_LENGTH(packet->desc[i].hi);

		if (!nic_copy_in(nic, to, packet->desc[i].lo, length))
			return false;
		to += length;
	}
	return true;
}

/* 7.2.3.2.4: the offloads of advanced descriptors are those of the packet's first one. */
static bool offload(struct nic *nic, const struct nic_visit *v, const struct nic_tx_packet *packet,
		    uint32_t *length)
{
	struct nic_sender *tx = &nic->sender;
	uint64_t hi = packet->first.hi;
	const struct nic_desc *context = &v->q->context[TXD_IDX(hi) & 1];

	if (!(hi & TXD_DEXT)) {
		/* 7.2.3.2.2: legacy; the tag is that of the last descriptor. */
		if (hi & TXD_IC && !nic_insert_sum(tx->frame, *length, TXD_CSS(hi), TXD_CSO(hi)))
			return false;
		if (packet->last.hi & TXD_VLE)
			*length = nic_insert_vlan(tx->frame, *length, tx->vlan_type,
						  TXD_VLAN(packet->last.hi));
		return true;
	}
	if (hi & (TXD_IXSM | TXD_TXSM) && !nic_insert_sums(tx->frame, *length, context, hi))
		return false;
	if (hi & TXD_VLE)
		*length = nic_insert_vlan(tx->frame, *length, tx->vlan_type, TXC_VLAN(context->lo));
	return true;
}

static void send_packet(struct nic *nic, struct nic_visit *v, const struct nic_tx_packet *packet)
{
	uint32_t length = packet->length;
	uint64_t hi = packet->first.hi;

	if (length < ETH_HEADER || length > NIC_FRAME_MAX ||
	    (hi & TXD_DEXT && TXD_PAYLEN(hi) != length)) {
		nic->account.tx_bad++;
		return;
	}
	if (!gather(nic, packet, nic->sender.frame))
		return; /* a fault, counted */
	if (!offload(nic, v, packet, &length)) {
		nic->account.tx_bad++;
		return;
	}
	if (hi & TXD_DEXT && hi & TXD_1588)
		nic_stamp_tx(nic);
	nic_tx_finish(nic, v, length, packet->last.hi & TXD_IFCS && nic->sender.crc);
}

bool nic_tx_packet(struct nic *nic, struct nic_visit *v, struct nic_desc desc, uint32_t budget)
{
	struct nic_tx_queue *q = v->q;
	struct nic_tx_packet packet;

	if (unlikely(q->skip)) { /* the tail of a chain that was too long */
		q->skip = !(desc.hi & TXD_EOP);
		nic_tx_use(v, desc.hi & TXD_RS);
		return true;
	}
	if ((desc.hi & (TXD_DEXT | TXD_DTYP)) == (TXD_DEXT | TXD_DTYP_CTXT)) {
		q->context[TXD_IDX(desc.hi) & 1] = desc;
		nic_tx_use(v, desc.hi & TXD_RS);
		return true;
	}
	switch (read_chain(nic, v, &packet)) {
	case CHAIN_COMPLETE:
		break;
	case CHAIN_OPEN:
	case CHAIN_FAULT:
		return false;
	}
	if (packet.bad) {
		nic->account.tx_bad++;
	} else if (packet.first.hi & TXD_DEXT && packet.first.hi & TXD_TSE) {
		nic_tso_start(nic, v, &packet);
		if (nic->sender.tso.active) {
			nic_tso_run(nic, v, budget);
			return !nic->sender.tso.active;
		}
	} else {
		send_packet(nic, v, &packet);
	}
	return nic_tx_use_many(nic, v, packet.count, packet.report);
}
