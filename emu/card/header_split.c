/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Header splitting (7.1.10): with two buffers in each descriptor, headers go to one of their own. PSRTYPE says after which
 * header a packet may be split; the last of those that it has counts.
 */
#include "datapath.h"

/* Return: length of the headers, 0 if the packet is not to be split. */
static uint32_t headers_of(uint32_t psrtype, const uint8_t *frame, const struct nic_packet *packet)
{
	const uint32_t l2 = psrtype & PSRTYPE_L2 ? ETH_HEADER + (packet->vlan ? VLAN_TAG : 0) : 0;

	if (packet->type & RXD_TYPE_ETQF(0)) /* the other bits say which filter it was */
		return l2;
	if (psrtype & PSRTYPE_TCP && packet->type & RXD_TYPE_TCP)
		return packet->l4 + ((uint32_t)load8(frame + packet->l4 + 12) >> 4 << 2);
	if (psrtype & PSRTYPE_UDP && packet->type & RXD_TYPE_UDP)
		return packet->l4 + UDP_HEADER;
	if (psrtype & PSRTYPE_IPV4 && packet->type & RXD_TYPE_IPV4)
		return packet->l3 + ((uint32_t)load8(frame + packet->l3) & 15) * 4;
	if (psrtype & PSRTYPE_IPV6 && packet->type & RXD_TYPE_IPV6)
		return packet->l4 ? packet->l4 : packet->l3 + IPV6_HEADER;
	return l2;
}

uint32_t nic_split_headers(const struct nic *nic, const struct nic_rx_queue *q,
			   const uint8_t *frame, uint32_t size, const struct nic_packet *packet,
			   uint64_t *first_word, uint32_t *status)
{
	const uint32_t stripped = packet->vlan && q->strip_vlan ? VLAN_TAG : 0;
	uint32_t headers = headers_of(nic_get(nic, PSRTYPE(packet->pool)), frame, packet);

	headers -= headers ? stripped : 0;
	if (headers && headers <= q->header_size && headers <= size) {
		*first_word |= RXD_SPH | RXD_HDR_LEN(headers);
		return headers;
	}
	if (headers > q->header_size)
		*status |= RXD_HBO;
	if (!q->always_split)
		return 0; /* all of it goes to the packet buffer */
	headers = size < q->header_size ? size : q->header_size;
	*first_word |= RXD_HDR_LEN(headers);
	return headers;
}
