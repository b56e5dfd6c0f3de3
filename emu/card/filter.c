/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which received frames are for this card (7.1.1), and to which queue they go (7.1.2).
 *
 * Pools are in pools.c, traffic classes in classes.c.
 */
#include "datapath.h"

#define TCP_SYN 2

/* 7.1.2.8.1: the hash is the XOR of the key's 32-bit windows that start at the input's 1 bits. */
static void toeplitz_prepare(struct nic_receiver *rx)
{
	for (uint32_t nibble = 0; nibble < 72; nibble++) {
		uint32_t window[4];

		for (uint32_t bit = 0; bit < 4; bit++) {
			uint32_t position = nibble * 4 + bit;
			uint64_t bytes = 0;

			for (uint32_t i = 0; i < 5; i++)
				bytes = bytes << 8 | rx->key[position / 8 + i];
			window[bit] = (uint32_t)(bytes >> (8 - position % 8));
		}
		for (uint32_t value = 0; value < 16; value++) {
			rx->toeplitz[nibble][value] =
				(value & 8 ? window[0] : 0) ^ (value & 4 ? window[1] : 0) ^
				(value & 2 ? window[2] : 0) ^ (value & 1 ? window[3] : 0);
		}
	}
}

static uint32_t toeplitz_add(const struct nic_receiver *rx, uint32_t hash, uint32_t position,
			     const uint8_t *data, uint32_t size)
{
	for (uint32_t i = 0; i < size; i++) {
		uint8_t byte = load8(data + i);

		hash ^= rx->toeplitz[(position + i) * 2][byte >> 4] ^
			rx->toeplitz[(position + i) * 2 + 1][byte & 15];
	}
	return hash;
}

static void configure_rss(struct nic *nic, struct nic_receiver *rx)
{
	uint32_t mrqc = nic_get(nic, MRQC);
	uint8_t key[sizeof(rx->key)];

	/* 8.2.3.7.12: in these modes of MRQE. */
	const uint32_t with_rss = BIT(MRQC_RSS) | BIT(MRQC_8_CLASSES_RSS) |
				  BIT(MRQC_4_CLASSES_RSS) | BIT(MRQC_VMDQ_32_RSS) |
				  BIT(MRQC_VMDQ_64_RSS);

	rx->rss = with_rss >> MRQC_MRQE(mrqc) & 1;
	rx->pools = nic_pool_size(nic);
	rx->classes = nic_class_count(nic);
	rx->rss_fields = mrqc;
	for (uint32_t i = 0; i < 128; i++)
		rx->reta[i] = nic_get(nic, RETA(i / 4)) >> i % 4 * 8 & 15;
	for (uint32_t i = 0; i < sizeof(key); i++)
		key[i] = (uint8_t)(nic_get(nic, RSSRK(i / 4)) >> i % 4 * 8);
	if (memcmp(key, rx->key, sizeof(key))) {
		memcpy(rx->key, key, sizeof(key));
		toeplitz_prepare(rx);
	}
}

#define FLOW_ANY_PROTOCOL 4
#define FLOW_ANY_POOL	  0xFF

/* 8.2.3.7.19 */
static void configure_flow(const struct nic *nic, struct nic_receiver *rx, uint32_t i)
{
	uint32_t ftqf = nic_get(nic, FTQF(i));
	struct nic_flow flow = {
		.source = nic_get(nic, SAQF(i)),
		.destination = nic_get(nic, DAQF(i)),
		.ports = nic_get(nic, SDPQF(i)),
		.source_mask = ftqf & FTQF_MASK_SRC ? 0 : UINT32_MAX,
		.destination_mask = ftqf & FTQF_MASK_DST ? 0 : UINT32_MAX,
		.ports_mask = (ftqf & FTQF_MASK_SPORT ? 0 : 0xFFFF) |
			      (ftqf & FTQF_MASK_DPORT ? 0 : 0xFFFF0000),
		.protocol = ftqf & FTQF_MASK_PROTO ? FLOW_ANY_PROTOCOL : FTQF_PROTOCOL(ftqf),
		.priority = FTQF_PRIORITY(ftqf),
		.queue = L34TIMIR_QUEUE(nic_get(nic, L34TIMIR(i))),
		.pool = ftqf & FTQF_MASK_POOL ? FLOW_ANY_POOL : FTQF_POOL(ftqf),
	};
	uint32_t at = rx->flow_count;

	if (!(ftqf & FTQF_QUEUE_EN))
		return;
	/* Datasheet gap: the order of two filters with the same priority. Here the lower index wins. */
	for (; at && rx->flows[at - 1].priority < flow.priority; at--)
		rx->flows[at] = rx->flows[at - 1];
	rx->flows[at] = flow;
	rx->flow_count++;
}

void nic_filter_configure(struct nic *nic)
{
	struct nic_receiver *rx = &nic->receiver;
	uint32_t fctrl = nic_get(nic, FCTRL);
	uint32_t mcstctrl = nic_get(nic, MCSTCTRL);
	uint32_t vlnctrl = nic_get(nic, VLNCTRL);
	static const uint8_t hash_shift[4] = { 36, 35, 34, 32 }; /* 8.2.3.7.3, MO */

	rx->all_unicast = fctrl & FCTRL_UPE;
	rx->all_multicast = fctrl & FCTRL_MPE;
	rx->broadcast = fctrl & FCTRL_BAM;
	rx->hash_multicast = mcstctrl & MCSTCTRL_MFE;
	rx->hash_shift = hash_shift[MCSTCTRL_MO(mcstctrl)];
	rx->filter_vlan = vlnctrl & VLNCTRL_VFE;
	rx->vlan_type = VLNCTRL_VET(vlnctrl);
	/* The tag's bit 12 is compared to VLNCTRL.CFI if VLNCTRL.CFIEN is set. */
	rx->vlan_cfi_mask = vlnctrl & VLNCTRL_CFIEN ? 0x1000 : 0;
	rx->vlan_cfi = vlnctrl & VLNCTRL_CFI ? rx->vlan_cfi_mask : 0;

	rx->mac_count = 0;
	rx->macs[0] = UINT64_MAX; /* matches no address; nic_rx_frame() checks this entry first */
	for (uint32_t i = 0; i < 128; i++) {
		uint32_t high = nic_get(nic, RAH(i));

		if (high & RAH_AV) {
			rx->mac_index[rx->mac_count] = (uint8_t)i;
			rx->macs[rx->mac_count++] =
				(uint64_t)(high & 0xFFFF) << 32 | nic_get(nic, RAL(i));
		}
	}

	rx->any_ethertype = false;
	for (uint32_t i = 0; i < 8; i++) {
		uint32_t etqf = nic_get(nic, ETQF(i));

		rx->ethertype[i] = etqf & ETQF_FILTER_EN ? etqf & 0xFFFF : UINT32_MAX;
		rx->ethertype_queue[i] = nic_get(nic, ETQS(i));
		rx->any_ethertype |= etqf & ETQF_FILTER_EN;
	}
	rx->flow_count = 0;
	for (uint32_t i = 0; i < 128; i++)
		configure_flow(nic, rx, i);
	rx->synqf = nic_get(nic, SYNQF);
	configure_rss(nic, rx);
	rx->director = nic->director && nic_get(nic, FDIRCTRL) & FDIRCTRL_INIT_DONE;
	rx->steer = rx->rss || rx->pools || rx->classes || rx->any_ethertype || rx->flow_count ||
		    rx->director || rx->synqf & SYNQF_QUEUE_EN;
}

static bool exact_match(const struct nic_receiver *rx, uint64_t destination)
{
	for (uint32_t i = 0; i < rx->mac_count; i++) {
		if (rx->macs[i] == destination)
			return true;
	}
	return false;
}

static bool filter_mac(const struct nic *nic, const struct nic_receiver *rx, uint64_t destination,
		       uint32_t *status)
{
	if (exact_match(rx, destination))
		return true;
	if (destination == 0xFFFFFFFFFFFF)
		return rx->broadcast;

	*status |= RXD_PIF;
	if (destination & 1)
		return rx->all_multicast ||
		       (rx->hash_multicast && nic_in_table(nic, MTA, destination));
	return rx->all_unicast;
}

bool nic_filter(const struct nic *nic, uint64_t destination, const struct nic_packet *packet,
		uint32_t *status)
{
	const struct nic_receiver *rx = &nic->receiver;
	uint32_t tag = packet->vlan_tag;

	if (!filter_mac(nic, rx, destination, status))
		return false;
	if (!rx->filter_vlan || !packet->vlan)
		return true;
	/* 7.1.1.2: VFTA has a bit for each of the 4096 VLANs. */
	return (tag & rx->vlan_cfi_mask) == rx->vlan_cfi &&
	       nic_get(nic, VFTA(tag >> 5 & 0x7F)) >> (tag & 31) & 1;
}

/* 7.1.2.8: addresses, and ports if the packet has them, of the kinds that MRQC asks for. */
static void hash_packet(const struct nic_receiver *rx, const uint8_t *frame,
			struct nic_packet *packet)
{
	bool v4 = packet->type & RXD_TYPE_IPV4;
	bool v6 = packet->type & RXD_TYPE_IPV6;
	uint32_t addresses = v4 ? 8 : 32;
	uint32_t ports = 0;

	if (v4 && packet->type & RXD_TYPE_TCP && rx->rss_fields & MRQC_TCP_IPV4)
		packet->rss_type = RXD_RSS_TCP_IPV4, ports = 4;
	else if (v4 && packet->type & RXD_TYPE_UDP && rx->rss_fields & MRQC_UDP_IPV4)
		packet->rss_type = RXD_RSS_UDP_IPV4, ports = 4;
	else if (v4 && rx->rss_fields & MRQC_IPV4)
		packet->rss_type = RXD_RSS_IPV4;
	else if (v6 && packet->type & RXD_TYPE_TCP && rx->rss_fields & MRQC_TCP_IPV6)
		packet->rss_type = RXD_RSS_TCP_IPV6, ports = 4;
	else if (v6 && packet->type & RXD_TYPE_UDP && rx->rss_fields & MRQC_UDP_IPV6)
		packet->rss_type = RXD_RSS_UDP_IPV6, ports = 4;
	else if (v6 && rx->rss_fields & MRQC_IPV6)
		packet->rss_type = RXD_RSS_IPV6;
	else
		return;

	packet->hash = toeplitz_add(rx, 0, 0, frame + packet->l3 + (v4 ? 12 : 8), addresses);
	packet->hash = toeplitz_add(rx, packet->hash, addresses, frame + packet->l4, ports);
}

/*
 * 7.1.2.5: fragments match no filter; IPv6 none that has an address. Datasheet gap: which byte of an
 * address or port comes first. Registers hold them in memory order, as DPDK writes them.
 */
static const struct nic_flow *find_5_tuple(const struct nic_receiver *rx, const uint8_t *frame,
					   const struct nic_packet *packet)
{
	bool v4 = packet->type & RXD_TYPE_IPV4;
	uint8_t protocol = packet->type & RXD_TYPE_TCP	  ? 0
			   : packet->type & RXD_TYPE_UDP  ? 1
			   : packet->type & RXD_TYPE_SCTP ? 2
							  : 3;
	uint32_t source, destination, ports;

	if (!packet->l3 || packet->fragment)
		return NULL;
	source = v4 ? load32(frame + packet->l3 + 12) : 0;
	destination = v4 ? load32(frame + packet->l3 + 16) : 0;
	ports = packet->l4 ? load32(frame + packet->l4) : 0;
	for (uint32_t i = 0; i < rx->flow_count; i++) {
		const struct nic_flow *flow = &rx->flows[i];

		if (((flow->source_mask | flow->destination_mask) && !v4) ||
		    (flow->ports_mask && !packet->l4) ||
		    (flow->protocol != FLOW_ANY_PROTOCOL && flow->protocol != protocol) ||
		    (flow->pool != FLOW_ANY_POOL && flow->pool != packet->pool))
			continue;
		if (!((source ^ flow->source) & flow->source_mask) &&
		    !((destination ^ flow->destination) & flow->destination_mask) &&
		    !((ports ^ flow->ports) & flow->ports_mask))
			return flow;
	}
	return NULL;
}

uint32_t nic_pick_queue(struct nic *nic, const uint8_t *frame, struct nic_packet *packet,
			uint32_t *status)
{
	const struct nic_receiver *rx = &nic->receiver;
	const struct nic_flow *flow = NULL;

	if (unlikely(rx->any_ethertype)) {
		/* 7.1.2.3: such a packet is not looked at any further. */
		for (uint32_t i = 0; i < 8; i++) {
			if (rx->ethertype[i] != packet->ethertype)
				continue;
			packet->type = RXD_TYPE_ETQF(i);
			packet->sums = packet->l3 = packet->l4 = 0;
			packet->fragment = false;
			if (rx->ethertype_queue[i] & ETQS_QUEUE_EN)
				return ETQS_RX_QUEUE(rx->ethertype_queue[i]);
			break;
		}
	}
	const bool syn = unlikely(rx->synqf & SYNQF_QUEUE_EN) && packet->type & RXD_TYPE_TCP &&
			 load8(frame + packet->l4 + 13) & TCP_SYN;
	if (rx->flow_count && !(syn && rx->synqf & SYNQF_SYNQFP))
		flow = find_5_tuple(rx, frame, packet);
	/* Datasheet gap: whether a packet has a hash if another filter has found its queue. Here it
	 * has. */
	if (rx->rss)
		hash_packet(rx, frame, packet);
	if (flow)
		return flow->queue;
	if (syn)
		return SYNQF_QUEUE(rx->synqf);
	uint32_t queue = packet->rss_type ? rx->reta[packet->hash & 0x7F] : 0;
	if (unlikely(rx->classes))
		queue = nic_class_queue(nic, packet, queue);
	else if (unlikely(rx->pools))
		queue = nic_pool_queue(nic, packet->pool, queue);
	return rx->director ? nic_direct(nic, frame, packet, status, queue) : queue;
}
