/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Segmentation (7.2.4): one packet with a long payload becomes many frames. The card works on one
 * such packet at a time; if it takes more frames than a poll may send, the rest waits for the next.
 */
#include "tx_internal.h"

/* The next @size bytes of the packet's payload. */
static bool tso_read(struct nic *nic, struct nic_tso *tso, uint8_t *to, uint32_t size)
{
	while (size) {
		uint32_t part;

		if (tso->segment == tso->count)
			return false;
		part = tso->segments[tso->segment].length - tso->offset;
		if (part > size)
			part = size;
		if (!nic_copy_in(nic, to, tso->segments[tso->segment].iova + tso->offset, part))
			return false;
		to += part;
		size -= part;
		tso->offset += part;
		if (tso->offset == tso->segments[tso->segment].length) {
			tso->segment++;
			tso->offset = 0;
		}
	}
	return true;
}

void nic_tso_start(struct nic *nic, const struct nic_visit *v, const struct nic_tx_packet *packet)
{
	struct nic_tso *tso = &nic->sender.tso;
	uint64_t hi = packet->first.hi;

	tso->queue = v->queue;
	tso->count = packet->count;
	tso->report = packet->report;
	tso->context = v->q->context[TXD_IDX(hi) & 1];
	tso->options = hi & (TXD_IXSM | TXD_TXSM);
	tso->vlan = hi & TXD_VLE;
	tso->mss = (uint16_t)TXC_MSS(tso->context.hi);
	tso->header = (uint16_t)(TXC_MACLEN(tso->context.lo) + TXC_IPLEN(tso->context.lo) +
				 TXC_L4LEN(tso->context.hi));
	tso->sent = tso->number = tso->segment = tso->offset = 0;
	for (uint32_t i = 0; i < packet->count; i++) {
		tso->segments[i].iova = packet->desc[i].lo;
		tso->segments[i].length = TXD_LENGTH(packet->desc[i].hi);
	}
	tso->left = TXD_PAYLEN(hi);
	/* IFCS is a must with TSE (7.2.3.2.4). */
	tso->active = hi & TXD_IFCS && nic_tso_valid(tso) && tso->left &&
		      packet->length == tso->header + tso->left;
	if (!tso->active)
		nic->account.tx_bad++;
	else if (!tso_read(nic, tso, tso->headers, tso->header))
		tso->active = false;
}

/* 7.2.4.7.3: which of the TCP flags go into this segment. */
static uint16_t tso_flags(const struct nic *nic, bool first, bool last)
{
	/* Datasheet gap: a packet of one segment is first and last; its flags are left alone. */
	if (first && last)
		return 0xFFF;
	if (last)
		return DTXTCPFLGH_LAST(nic_get(nic, DTXTCPFLGH));
	if (first)
		return DTXTCPFLGL_FIRST(nic_get(nic, DTXTCPFLGL));
	return DTXTCPFLGL_MID(nic_get(nic, DTXTCPFLGL));
}

/* Send one segment. Return: false after a fault. */
static bool tso_segment(struct nic *nic, struct nic_visit *v)
{
	struct nic_sender *tx = &nic->sender;
	struct nic_tso *tso = &tx->tso;
	uint32_t payload = tso->left < tso->mss ? tso->left : tso->mss;
	uint32_t length = tso->header + payload;

	memcpy(tx->frame, tso->headers, tso->header);
	if (!tso_read(nic, tso, tx->frame + tso->header, payload))
		return false;
	nic_tso_headers(tso, tx->frame, payload,
			tso_flags(nic, !tso->number, tso->left == payload));
	nic_insert_sums(tx->frame, length, &tso->context, tso->options);
	if (tso->vlan)
		length = nic_insert_vlan(tx->frame, length, tx->vlan_type,
					 TXC_VLAN(tso->context.lo));
	nic_tx_finish(nic, v, length, true);
	tso->left -= payload;
	tso->sent += payload;
	tso->number++;
	return true;
}

void nic_tso_run(struct nic *nic, struct nic_visit *v, uint32_t budget)
{
	struct nic_tso *tso = &nic->sender.tso;

	while (tso->left && v->frames < budget) {
		if (!tso_segment(nic, v))
			break; /* a fault: the rest is lost */
	}
	if (tso->left && v->frames == budget)
		return;
	tso->active = false;
	nic_tx_use_many(nic, v, tso->count, tso->report);
}
