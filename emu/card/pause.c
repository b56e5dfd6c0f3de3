/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow control by pause frames (3.7.5; IEEE 802.3, annex 31B): a frame from the partner stops the sender
 * for a time, and the card sends such frames itself when its packet buffer fills up.
 *
 * That buffer is what the wire holds for the card, which tells when there is much of it
 * (nic_set_backlog()); the card sends XOFF if the driver has enabled a threshold (FCRTH), whatever its
 * height, again in good time before the pause is over (FCRTV), and XON, if that is enabled (FCRTL), when the
 * buffer has room again.
 *
 * Not here: priority flow control, which belongs to traffic classes.
 */
#include "datapath.h"

#define OPCODE_PAUSE  1
#define PAUSE_ADDRESS 0x010000C28001ull /* 01:80:C2:00:00:01, first byte lowest */

/* In units of 512 bits. */
static uint64_t quanta_ns(const struct nic *nic, uint32_t quanta)
{
	return (uint64_t)quanta * nic->clock.cycle * 8 / 5; /* a cycle is 64 bits, in 0.2 ns */
}

/* 8.2.3.23: it counts among the packets sent; Linux subtracts it. */
static void count_sent(struct nic *nic, uint32_t quanta)
{
	static const uint32_t counters[] = { GPTC, TPT, MPTC, PTC64 };

	for (uint32_t i = 0; i < sizeof(counters) / sizeof(*counters); i++)
		nic_count(nic, counters[i], 1);
	nic_count64(nic, GOTCL, ETH_FRAME_MIN + ETH_CRC);
	nic_count(nic, quanta ? LXOFFTXC : LXONTXC, 1);
}

static void send_pause(struct nic *nic, uint32_t quanta)
{
	const uint64_t to = PAUSE_ADDRESS;
	const uint32_t from[2] = { nic_get(nic, RAL(0)), nic_get(nic, RAH(0)) };
	uint8_t frame[ETH_FRAME_MIN] = { 0 };

	memcpy(frame, &to, 6);
	memcpy(frame + 6, from, 6);
	store_be16(frame + 12, ETHERTYPE_CONTROL);
	store_be16(frame + 14, OPCODE_PAUSE);
	store_be16(frame + 16, (uint16_t)quanta);
	nic->host.transmit(nic->host.ctx, frame, sizeof(frame));
	count_sent(nic, quanta);
}

void nic_set_backlog(struct nic *nic, bool high)
{
	nic->pause.backlog = high;
}

void nic_pause_poll(struct nic *nic)
{
	struct nic_pause *pause = &nic->pause;

	if (likely(!pause->backlog && !pause->stopped))
		return;
	const uint32_t time = nic_get(nic, FCTTV(0)) & 0xFFFF, refresh = nic_get(nic, FCRTV);
	if (!(nic_get(nic, FCCFG) & FCCFG_TFCE) || !(nic_get(nic, FCRTH(0)) & FCRTH_FCEN) ||
	    !nic_link_up(nic)) {
		pause->stopped = false;
	} else if (!pause->backlog) {
		pause->stopped = false;
		if (nic_get(nic, FCRTL(0)) & FCRTL_XONE)
			send_pause(nic, 0);
	} else if (time && (!pause->stopped || nic->now >= pause->again)) {
		pause->stopped = true;
		pause->again = nic->now + quanta_ns(nic, time > refresh ? time - refresh : time);
		send_pause(nic, time);
	}
}

/* A frame with the EtherType of MAC control has arrived. Return: it ends here. */
bool nic_mac_control(struct nic *nic, uint64_t destination, const uint8_t *frame)
{
	const uint32_t mflcn = nic_get(nic, MFLCN), quanta = load_be16(frame + 16);

	if (destination != PAUSE_ADDRESS && destination != nic->receiver.macs[0])
		return false;
	if (load_be16(frame + 14) != OPCODE_PAUSE)
		return !(mflcn & MFLCN_PMCF);
	if (!(mflcn & MFLCN_RFCE))
		return false;
	nic->pause.until = nic->now + quanta_ns(nic, quanta);
	nic_count(nic, quanta ? LXOFFRXCNT : LXONRXCNT, 1);
	return mflcn & MFLCN_DPF;
}

/* Is the sender allowed to send? */
uint32_t nic_tfcs_read(struct nic *nic, uint32_t i)
{
	(void)i;
	return nic->now >= nic->pause.until;
}
