/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Virtual machine device queues (7.10.3): the receive queues are shared out to pools, and a frame goes to the pools
 * that want it: each gets a copy, in the queue that RSS finds among the pool's two or four.
 *
 * Not here: switching between pools on the way out (PFDTXGSWC), mirroring, anti-spoofing.
 */
#include "datapath.h"

#define POOLS	  64
#define BROADCAST 0xFFFFFFFFFFFFull

/* Pools whose PFVML2FLT has the bit. */
static uint64_t with(const struct nic *nic, uint32_t bit)
{
	uint64_t pools = 0;

	for (uint32_t i = 0; i < POOLS; i++)
		pools |= (uint64_t) !!(nic_get(nic, PFVML2FLT(i)) & bit) << i;
	return pools;
}

static uint64_t by_address(const struct nic *nic, uint64_t destination)
{
	const struct nic_receiver *rx = &nic->receiver;
	uint64_t pools = 0;

	for (uint32_t i = 0; i < rx->mac_count; i++)
		if (rx->macs[i] == destination)
			pools |= nic_get64(nic, MPSAR(2 * rx->mac_index[i]));
	if (destination == BROADCAST)
		return pools | with(nic, PFVML2FLT_BAM);
	if (destination & 1) {
		if (rx->hash_multicast && nic_in_table(nic, MTA, destination))
			pools |= with(nic, PFVML2FLT_ROMPE);
		return pools | with(nic, PFVML2FLT_MPE);
	}
	return pools | (nic_in_table(nic, PFUTA, destination) ? with(nic, PFVML2FLT_ROPE) : 0);
}

/* Datasheet gap: what PFVLVF means while VLANs are not filtered (VLNCTRL.VFE). Nothing here. */
static uint64_t by_vlan(const struct nic *nic, const struct nic_packet *packet)
{
	uint64_t pools = 0;

	if (!packet->vlan)
		return with(nic, PFVML2FLT_AUPE);
	if (!nic->receiver.filter_vlan)
		return UINT64_MAX;
	for (uint32_t i = 0; i < POOLS; i++)
		if (nic_get(nic, PFVLVF(i)) == (PFVLVF_VI_EN | (packet->vlan_tag & 0xFFFu)))
			pools |= nic_get64(nic, PFVLVFB(2 * i));
	return pools;
}

uint64_t nic_pools(const struct nic *nic, uint64_t destination, const struct nic_packet *packet)
{
	const uint32_t control = nic_get(nic, PFVTCTL);
	uint64_t pools = by_address(nic, destination) & by_vlan(nic, packet);

	if (!pools && !(control & PFVTCTL_DIS_DEF_PL))
		pools = 1ull << PFVTCTL_DEF_PL(control);
	/* Datasheet gap: which one gets a frame that several want while there is no replication. */
	if (!(control & PFVTCTL_RPL_EN))
		pools &= -pools;
	return pools & nic_get64(nic, PFVFRE(0));
}

/* 7.1.2.2: a pool has two queues, or four where there are 32 of them; PSRTYPE says how many RSS may use. */
uint32_t nic_pool_queue(const struct nic *nic, uint32_t pool, uint32_t index)
{
	const uint32_t queues = nic->receiver.pools;

	index &= (1u << PSRTYPE_RQPL(nic_get(nic, PSRTYPE(pool)))) - 1;
	return (pool * queues + (index & (queues - 1))) % NIC_QUEUES;
}

/* Return: queues of each pool; 0: no pools. */
uint32_t nic_pool_size(const struct nic *nic)
{
	if (!(nic_get(nic, PFVTCTL) & PFVTCTL_VT_ENA))
		return 0;
	switch (MRQC_MRQE(nic_get(nic, MRQC))) {
	case MRQC_VMDQ_64:
	case MRQC_VMDQ_64_RSS:
		return 2;
	case MRQC_VMDQ_32_RSS:
	case MRQC_VMDQ_32_CLASSES:
		return 4;
	case MRQC_VMDQ_16_CLASSES:
		return 8;
	default:
		return 0;
	}
}
