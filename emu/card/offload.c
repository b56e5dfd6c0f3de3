/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the card knows of the layers above Ethernet: packet types, checksum verdicts on receive
 * (7.1.11), checksum insertion (7.2.5) and segmentation (7.2.4) on send.
 */
#include "datapath.h"

#define ETHERTYPE_IPV4 0x0800
#define ETHERTYPE_IPV6 0x86DD
#define PROTO_TCP      6
#define PROTO_UDP      17
#define PROTO_SCTP     132

/* ---- Sums ---- */

/* One's complement addition does not care how many 16-bit words are added at a time. */
static inline uint64_t sum_add(uint64_t sum, uint64_t words)
{
	sum += words;
	return sum + (sum < words); /* end-around carry */
}

static inline uint64_t add_bytes(uint64_t sum, const uint8_t *data, size_t size)
{
	for (; size >= 8; size -= 8, data += 8)
		sum = sum_add(sum, load64(data));
	if (size & 4) {
		sum = sum_add(sum, load32(data));
		data += 4;
	}
	if (size & 2) {
		sum = sum_add(sum, load16(data));
		data += 2;
	}
	if (size & 1)
		sum = sum_add(sum, load8(data));
	return sum;
}

/* Is it 0xFFFF when folded to 16 bits? Folding keeps the remainder, and no packet sums up to 0. */
static inline bool all_ones(uint64_t sum)
{
	return sum % 0xFFFF == 0;
}

uint16_t nic_sum(const uint8_t *data, size_t size, uint64_t sum)
{
	sum = add_bytes(sum, data, size);
	sum = (sum & 0xFFFFFFFF) + (sum >> 32);
	sum = (sum & 0xFFFFFFFF) + (sum >> 32);
	sum = (sum & 0xFFFF) + (sum >> 16);
	sum = (sum & 0xFFFF) + (sum >> 16);
	return (uint16_t)sum;
}

#define CRC32_POLYNOMIAL  0xEDB88320 /* Ethernet */
#define CRC32C_POLYNOMIAL 0x82F63B78 /* SCTP */

static uint32_t crc_add(uint32_t polynomial, uint32_t crc, const uint8_t *data, size_t size)
{
	uint32_t table[16];

	for (uint32_t i = 0; i < 16; i++) {
		table[i] = i;
		for (uint32_t bit = 0; bit < 4; bit++)
			table[i] = table[i] >> 1 ^ (table[i] & 1 ? polynomial : 0);
	}
	for (size_t i = 0; i < size; i++) {
		crc ^= load8(data + i);
		crc = crc >> 4 ^ table[crc & 15];
		crc = crc >> 4 ^ table[crc & 15];
	}
	return crc;
}

uint32_t nic_crc32(const uint8_t *data, size_t size)
{
	return ~crc_add(CRC32_POLYNOMIAL, UINT32_MAX, data, size);
}

/* RFC 9260, 6.8: over the packet with a checksum of zero. */
static uint32_t sctp_checksum(const uint8_t *packet, size_t size)
{
	static const uint8_t none[4];
	uint32_t crc = crc_add(CRC32C_POLYNOMIAL, UINT32_MAX, packet, 8);

	crc = crc_add(CRC32C_POLYNOMIAL, crc, none, 4);
	return ~crc_add(CRC32C_POLYNOMIAL, crc, packet + 12, size - 12);
}

/* ---- Receive ---- */

/* @pseudo: sum of the addresses. */
static inline void inspect_l4(const uint8_t *frame, struct nic_packet *packet, uint8_t protocol,
			      uint32_t l4, uint64_t pseudo)
{
	uint32_t size = packet->end - l4;

	if (protocol == PROTO_TCP && size >= 20) {
		packet->type |= RXD_TYPE_TCP;
		packet->sums |= RXD_L4CS;
	} else if (protocol == PROTO_UDP && size >= 8) {
		packet->type |= RXD_TYPE_UDP;
		/* Zero: the sender made no checksum. */
		packet->sums |= load16(frame + l4 + 6) ? RXD_L4CS | RXD_UDPCS : 0;
	} else if (protocol == PROTO_SCTP && size >= 12) {
		packet->type |= RXD_TYPE_SCTP;
		packet->l4 = (uint16_t)l4;
		packet->sums |= RXD_L4CS;
		if (load32(frame + l4 + 8) != sctp_checksum(frame + l4, size))
			packet->sums |= RXD_L4E;
		return;
	} else {
		return;
	}
	packet->l4 = (uint16_t)l4;
	if (packet->sums & RXD_L4CS) {
		pseudo = sum_add(pseudo, (uint32_t)protocol << 8);
		pseudo = sum_add(pseudo, __builtin_bswap16((uint16_t)size));
		if (!all_ones(add_bytes(pseudo, frame + l4, size)))
			packet->sums |= RXD_L4E;
	}
}

static inline void inspect_ipv4(const uint8_t *frame, uint32_t l3, uint32_t length,
				struct nic_packet *packet)
{
	/* The header in three loads; from here on it cannot change. */
	uint64_t start = load64(frame + l3), middle = load64(frame + l3 + 8);
	uint32_t destination = load32(frame + l3 + 16);
	uint32_t header = (start & 15) * 4;
	uint32_t total = __builtin_bswap16((uint16_t)(start >> 16));
	uint32_t fragment = __builtin_bswap16((uint16_t)(start >> 48));
	uint8_t protocol = (uint8_t)(middle >> 8);
	uint64_t sum = sum_add(sum_add(start, middle), destination);

	if ((start & 0xF0) != 0x40 || header < IPV4_HEADER || header > total || total > length - l3)
		return;
	packet->type = RXD_TYPE_IPV4;
	if (unlikely(header > IPV4_HEADER)) {
		packet->type |= RXD_TYPE_IPV4E;
		sum = add_bytes(sum, frame + l3 + IPV4_HEADER, header - IPV4_HEADER);
	}
	packet->sums = RXD_IPCS | (all_ones(sum) ? 0 : RXD_IPE);
	packet->l3 = (uint16_t)l3;
	packet->end = (uint16_t)(l3 + total);
	packet->ident = __builtin_bswap16((uint16_t)(start >> 32));
	if (unlikely(fragment & 0x3FFF)) {
		packet->fragment = true;
		packet->data = (uint16_t)(l3 + header);
		packet->udp_sum = !(fragment & 0x1FFF) && protocol == PROTO_UDP &&
				  total - header >= 8 && load16(frame + l3 + header + 6);
		return;
	}
	inspect_l4(frame, packet, protocol, l3 + header, sum_add(middle >> 32, destination));
}

static void inspect_ipv6(const uint8_t *frame, uint32_t l3, uint32_t length,
			 struct nic_packet *packet)
{
	uint32_t payload = load_be16(frame + l3 + 4);
	uint8_t next = load8(frame + l3 + 6);
	uint32_t at = l3 + IPV6_HEADER;
	uint32_t end = at + payload;

	if (load8(frame + l3) >> 4 != 6 || end > length)
		return;
	packet->type = RXD_TYPE_IPV6;
	packet->l3 = (uint16_t)l3;
	packet->end = (uint16_t)end;

	/* Hop-by-hop options, routing, destination options. */
	while (next == 0 || next == 43 || next == 60) {
		uint32_t size;

		packet->type |= RXD_TYPE_IPV6E;
		if (end - at < 8)
			return;
		size = (load8(frame + at + 1) + 1u) * 8;
		/* With segments left, the pseudo header has another destination than the header. */
		if (size > end - at || (next == 43 && load8(frame + at + 3)))
			return;
		next = load8(frame + at);
		at += size;
	}
	if (next == 44) /* fragment */
		packet->type |= RXD_TYPE_IPV6E;
	else
		inspect_l4(frame, packet, next, at, add_bytes(0, frame + l3 + 8, 32));
}

void nic_inspect(uint32_t vlan_type, const uint8_t *frame, uint32_t length,
		 struct nic_packet *packet)
{
	uint32_t l3 = ETH_HEADER;

	memset(packet, 0, sizeof(*packet));
	packet->ethertype = load_be16(frame + 12);
	if (packet->ethertype == vlan_type) {
		packet->vlan = true;
		packet->vlan_tag = load_be16(frame + 14);
		packet->ethertype = load_be16(frame + 16);
		l3 += VLAN_TAG;
	}
	/* ETH_FRAME_MIN has room for either header, behind a tag, too. */
	if (packet->ethertype == ETHERTYPE_IPV4)
		inspect_ipv4(frame, l3, length, packet);
	else if (packet->ethertype == ETHERTYPE_IPV6)
		inspect_ipv6(frame, l3, length, packet);
}

/* ---- Send ---- */

/* Offset of the checksum in the layer 4 header, and the size of the smallest header. */
static const struct {
	uint8_t checksum, header;
} l4_layout[4] = {
	[TXC_L4T_UDP] = { 6, 8 },
	[TXC_L4T_TCP] = { 16, 20 },
	[TXC_L4T_SCTP] = { 8, 12 },
};

bool nic_insert_sums(uint8_t *frame, uint32_t length, const struct nic_desc *context,
		     uint64_t options)
{
	uint32_t l3 = TXC_MACLEN(context->lo);
	uint32_t l4 = l3 + TXC_IPLEN(context->lo);
	uint32_t type = TXC_L4T(context->hi);

	if (options & TXD_IXSM && context->hi & TXC_IPV4) {
		if (l4 - l3 < IPV4_HEADER || l4 > length)
			return false;
		/* What is in the field counts: behind an outer header, drivers put the inverse sum of
		 * the headers between there, and IPLEN covers all of them. */
		store16(frame + l3 + 10, (uint16_t)~nic_sum(frame + l3, l4 - l3, 0));
	}
	if (options & TXD_TXSM) {
		uint8_t *checksum = frame + l4 + l4_layout[type].checksum;
		uint16_t sum;

		if (!l4_layout[type].header || l4 + l4_layout[type].header > length)
			return false;
		if (type == TXC_L4T_SCTP) {
			((struct unaligned32 *)checksum)->value =
				sctp_checksum(frame + l4, length - l4);
			return true;
		}
		/* The driver has put the sum of the pseudo header there. */
		sum = (uint16_t)~nic_sum(frame + l4, length - l4, 0);
		if (!sum && type == TXC_L4T_UDP)
			sum = 0xFFFF; /* zero would mean that there is none */
		store16(checksum, sum);
	}
	return true;
}

bool nic_insert_sum(uint8_t *frame, uint32_t length, uint32_t start, uint32_t offset)
{
	if (start >= length || offset + 2 > length)
		return false;
	store16(frame + offset, (uint16_t)~nic_sum(frame + start, length - start, 0));
	return true;
}

uint32_t nic_insert_vlan(uint8_t *frame, uint32_t length, uint16_t type, uint16_t tag)
{
	memmove(frame + 12 + VLAN_TAG, frame + 12, length - 12);
	store_be16(frame + 12, type);
	store_be16(frame + 14, tag);
	return length + VLAN_TAG;
}

bool nic_tso_valid(const struct nic_tso *tso)
{
	uint32_t ip = TXC_IPLEN(tso->context.lo);
	uint32_t l4 = TXC_L4LEN(tso->context.hi);
	uint32_t type = TXC_L4T(tso->context.hi);

	return TXC_MACLEN(tso->context.lo) >= ETH_HEADER && tso->mss &&
	       ip >= (tso->context.hi & TXC_IPV4 ? IPV4_HEADER : IPV6_HEADER) &&
	       (type == TXC_L4T_TCP || type == TXC_L4T_UDP) && l4 >= l4_layout[type].header &&
	       (uint32_t)tso->header + tso->mss <= NIC_FRAME_MAX - VLAN_TAG;
}

void nic_tso_headers(const struct nic_tso *tso, uint8_t *frame, uint32_t payload, uint16_t flags)
{
	uint32_t l3 = TXC_MACLEN(tso->context.lo);
	uint32_t ip_length = TXC_IPLEN(tso->context.lo);
	uint8_t *l4 = frame + l3 + ip_length;
	uint16_t l4_size = (uint16_t)(TXC_L4LEN(tso->context.hi) + payload);
	uint32_t type = TXC_L4T(tso->context.hi);
	uint8_t *checksum = l4 + l4_layout[type].checksum;

	/* 7.2.4.7.1 to 7.2.4.7.3 */
	if (tso->context.hi & TXC_IPV4) {
		store_be16(frame + l3 + 2, (uint16_t)(ip_length + l4_size));
		store_be16(frame + l3 + 4, (uint16_t)(load_be16(frame + l3 + 4) + tso->number));
	} else {
		store_be16(frame + l3 + 4, (uint16_t)(ip_length - IPV6_HEADER + l4_size));
	}
	if (type == TXC_L4T_TCP) {
		uint32_t sequence = __builtin_bswap32(load32(l4 + 4)) + tso->sent;

		store_be16(l4 + 4, (uint16_t)(sequence >> 16));
		store_be16(l4 + 6, (uint16_t)sequence);
		store_be16(l4 + 12, load_be16(l4 + 12) & (0xF000 | flags));
	} else {
		store_be16(l4 + 4, l4_size);
	}
	/* The driver's pseudo header has no length: it is another one in the last segment. */
	store16(checksum,
		nic_sum(tso->headers + (checksum - frame), 2, __builtin_bswap16(l4_size)));
}
