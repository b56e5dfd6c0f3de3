/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * IEEE 1588 (7.9): a clock, and the times at which its packets arrive and leave. There is one stamp for
 * each direction; it stays until the driver has read its high half.
 *
 * The clock's auxiliary parts (8.2.3.14: TSAUXC, target times, auxiliary stamps) drive and sample
 * pins, which this board does not connect: their registers only store.
 */
#include "datapath.h"

#define PTP_V1_CONTROL	32 /* offsets in a message */
#define PTP_SOURCE	22
#define PTP_SEQUENCE	30
#define PTP_SHORTEST	34
#define EVENT_MESSAGES	8 /* Sync, Delay_Req, Pdelay_Req, Pdelay_Resp and reserved ones */
#define UDP_DESTINATION 2

/* 7.9.3.1: SYSTIM grows by IncValue every IncPeriod cycles of 6.4 ns, or of 64 ns at 1 Gbit/s, and so on. */
static uint64_t systim(const struct nic *nic)
{
	const uint32_t timinca = nic_get(nic, TIMINCA);
	const uint32_t increment = timinca & 0xFFFFFF, period = timinca >> 24;

	if (!increment || !period)
		return nic->clock.base;
	const uint64_t cycles = (nic->now - nic->clock.since) * 5 / nic->clock.cycle;
	return nic->clock.base + cycles / period * increment;
}

static void set_systim(struct nic *nic, uint64_t time)
{
	nic->clock.base = time;
	nic->clock.since = nic->now;
}

void nic_clock_link(struct nic *nic, uint32_t cycle)
{
	set_systim(nic, systim(nic));
	nic->clock.cycle = cycle;
}

/* Reading the low half latches the high one. */
uint32_t nic_systiml_read(struct nic *nic, uint32_t i)
{
	uint64_t time = systim(nic);

	(void)i;
	nic_set(nic, SYSTIMH, (uint32_t)(time >> 32));
	return (uint32_t)time;
}

void nic_systim_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	(void)old;
	(void)value;
	set_systim(nic, nic_get64(nic, SYSTIML));
}

void nic_timinca_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	(void)i;
	nic_set(nic, TIMINCA, old);
	set_systim(nic, systim(nic));
	nic_set(nic, TIMINCA, value);
}

/* 8.2.3.14: writing the high half adds TIMADJ to the clock, or subtracts it if its sign is set. */
void nic_timadjh_written(struct nic *nic, uint32_t i, uint32_t old, uint32_t value)
{
	const uint64_t step = (uint64_t)(value & ~TIMADJH_SIGN) << 32 | nic_get(nic, TIMADJL);

	(void)i;
	(void)old;
	set_systim(nic, value & TIMADJH_SIGN ? systim(nic) - step : systim(nic) + step);
}

/* ---- Stamps ---- */

uint32_t nic_txstmph_read(struct nic *nic, uint32_t i)
{
	(void)i;
	nic_set(nic, TSYNCTXCTL, nic_get(nic, TSYNCTXCTL) & ~TSYNCTXCTL_TXTT);
	return nic_get(nic, TXSTMPH);
}

uint32_t nic_rxstmph_read(struct nic *nic, uint32_t i)
{
	(void)i;
	nic_set(nic, TSYNCRXCTL, nic_get(nic, TSYNCRXCTL) & ~TSYNCRXCTL_RXTT);
	return nic_get(nic, RXSTMPH);
}

void nic_stamp_tx(struct nic *nic)
{
	const uint32_t control = nic_get(nic, TSYNCTXCTL);
	const uint64_t time = systim(nic);

	if (!(control & TSYNCTXCTL_EN) || control & TSYNCTXCTL_TXTT)
		return;
	nic_set(nic, TXSTMPL, (uint32_t)time);
	nic_set(nic, TXSTMPH, (uint32_t)(time >> 32));
	nic_set(nic, TSYNCTXCTL, control | TSYNCTXCTL_TXTT);
}

/* Is the EtherType one that a filter has stamped (ETQF.1588)? */
static bool stamped_ethertype(const struct nic *nic, uint32_t ethertype)
{
	const uint32_t wanted = ETQF_FILTER_EN | ETQF_1588 | ethertype;

	for (uint32_t i = 0; i < 8; i++)
		if ((nic_get(nic, ETQF(i)) & (ETQF_FILTER_EN | ETQF_1588 | 0xFFFF)) == wanted)
			return true;
	return false;
}

/* Where in the frame a PTP message begins; 0: there is none. @l2: not in a UDP datagram. */
static uint32_t find_message(const struct nic *nic, const uint8_t *frame, uint32_t length,
			     const struct nic_packet *packet, bool *l2)
{
	uint32_t at = 0;

	*l2 = stamped_ethertype(nic, packet->ethertype);
	if (*l2)
		at = ETH_HEADER + (packet->vlan ? VLAN_TAG : 0);
	else if (packet->type & RXD_TYPE_UDP && load_be16(frame + packet->l4 + UDP_DESTINATION) ==
							RXMTRL_UDPT(nic_get(nic, RXMTRL)))
		at = packet->l4 + UDP_HEADER;
	return at + PTP_SHORTEST <= length ? at : 0;
}

/* TSYNCRXCTL.Type: which messages have their arrival stamped? */
static bool is_stamped(const struct nic *nic, const uint8_t *message, bool l2)
{
	const uint32_t match = nic_get(nic, RXMTRL);
	const bool v2 = (load8(message + 1) & 0xF) == 2;
	const uint32_t type = load8(message) & 0xF;

	switch (TSYNCRXCTL_TYPE(nic_get(nic, TSYNCRXCTL))) {
	case TSYNCRXCTL_TYPE_L2_V2:
		return l2 && v2 && type == (RXMTRL_MSGT(match) & 0xF);
	case TSYNCRXCTL_TYPE_L4_V1:
		return !l2 && !v2 && load8(message + PTP_V1_CONTROL) == RXMTRL_CTRLT(match);
	case TSYNCRXCTL_TYPE_L2_L4_V2:
		return v2 && type == (RXMTRL_MSGT(match) & 0xF);
	case TSYNCRXCTL_TYPE_EVENT_V2:
		return v2 && type < EVENT_MESSAGES;
	default:
		return false;
	}
}

/*
 * Datasheet gap: whether a packet that finds the last stamp unread has RXD_TS. Here it does not, as a
 * driver would take the other packet's stamp for this one's.
 */
uint32_t nic_stamp_rx(struct nic *nic, const uint8_t *frame, uint32_t length,
		      const struct nic_packet *packet)
{
	const uint32_t control = nic_get(nic, TSYNCRXCTL);
	const uint64_t time = systim(nic);
	bool l2;

	if (control & TSYNCRXCTL_RXTT)
		return 0;
	const uint32_t at = find_message(nic, frame, length, packet, &l2);
	if (!at || !is_stamped(nic, frame + at, l2))
		return 0;
	nic_set(nic, RXSTMPL, (uint32_t)time);
	nic_set(nic, RXSTMPH, (uint32_t)(time >> 32));
	/* Who sent it, and its sequence number. */
	nic_set(nic, RXSATRL, load32(frame + at + PTP_SOURCE));
	nic_set(nic, RXSATRH,
		load16(frame + at + PTP_SOURCE + 4) | (uint32_t)load16(frame + at + PTP_SEQUENCE)
							      << 16);
	nic_set(nic, TSYNCRXCTL, control | TSYNCRXCTL_RXTT);
	return RXD_TS;
}
