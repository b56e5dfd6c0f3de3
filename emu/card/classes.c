/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Traffic classes (7.7, 7.1.2.1): the priority in a frame's VLAN tag says its class, and each of the eight or four classes
 * has queues of its own, among which RSS chooses.
 *
 * Not here: what a class may send and how much of the packet buffer it has (arbiters, priority flow control): the
 * card never has to choose, as its wire takes all at once.
 */
#include "datapath.h"

/* Frames without a tag have priority 0. */
static uint32_t class_of(const struct nic *nic, const struct nic_packet *packet)
{
	const uint32_t priority = packet->vlan ? packet->vlan_tag >> 13 : 0;

	return RTRUP2TC_TC(nic_get(nic, RTRUP2TC), priority);
}

uint32_t nic_class_count(const struct nic *nic)
{
	switch (MRQC_MRQE(nic_get(nic, MRQC))) {
	case MRQC_8_CLASSES:
	case MRQC_8_CLASSES_RSS:
	case MRQC_VMDQ_16_CLASSES:
		return 8;
	case MRQC_4_CLASSES:
	case MRQC_4_CLASSES_RSS:
	case MRQC_VMDQ_32_CLASSES:
		return 4;
	default:
		return 0;
	}
}

uint32_t nic_class_queue(const struct nic *nic, const struct nic_packet *packet, uint32_t index)
{
	const uint32_t count = nic->receiver.classes, queues = NIC_QUEUES / count;
	const uint32_t class = class_of(nic, packet) & (count - 1);

	if (nic->receiver.pools) /* one queue for each class */
		return (packet->pool * count + class) % NIC_QUEUES;
	index &= (1u << RQTC_BITS(nic_get(nic, RQTC), class)) - 1;
	return class * queues + (index & (queues - 1));
}
