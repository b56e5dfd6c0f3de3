/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the card says of a received packet. Only of packets of a device whose configuration has
 * rx_info set, until the buffer is freed; of others, and of virtio-net devices, which say nothing of
 * the kind, the answers are meaningless.
 */
#pragma once
#include <ixy/mempool.h>

/*
 * What the hash of a packet was made from: addresses and, of TCP and UDP that is not in fragments,
 * ports. As a bit, 1 << IXY_HASH_IPV4, also for ixy_set_rss_types().
 */
enum ixy_hash_type {
	IXY_HASH_NONE = 0, /* the card has no hash for such packets, or RSS is off */
	IXY_HASH_TCP_IPV4 = 1,
	IXY_HASH_IPV4 = 2,
	IXY_HASH_TCP_IPV6 = 3,
	IXY_HASH_IPV6 = 5,
	IXY_HASH_UDP_IPV4 = 7,
	IXY_HASH_UDP_IPV6 = 8,
};

/*
 * pkt_buf.status. It has the places of an 82599's descriptor (datasheet 7.1.6.2), status and error
 * bits, so that its driver has little to do: others fill in the same.
 */
#define IXY_RX_VLAN	    (1u << 3)  /* has a VLAN tag */
#define IXY_RX_L4_CHECKED   (1u << 5)  /* the checksum of TCP, UDP or SCTP was checked */
#define IXY_RX_IPV4_CHECKED (1u << 6)  /* the checksum of the IPv4 header was checked */
#define IXY_RX_HASH_SHIFT   16	       /* bits 19:16: enum ixy_hash_type */
#define IXY_RX_L4_BAD	    (1u << 30) /* checked, and it is wrong */
#define IXY_RX_IPV4_BAD	    (1u << 31)

/** ixy_rx_hash() - the Toeplitz hash of a packet (ixy/rss.h); 0 if the type is IXY_HASH_NONE. */
static inline uint32_t ixy_rx_hash(const struct pkt_buf *buf)
{
	return buf->hash;
}

static inline enum ixy_hash_type ixy_rx_hash_type(const struct pkt_buf *buf)
{
	return (enum ixy_hash_type)(buf->status >> IXY_RX_HASH_SHIFT & 15);
}

/* A verdict on a checksum. A card that has checked nothing has said nothing: check yourself. */
enum ixy_checksum { IXY_UNCHECKED, IXY_GOOD, IXY_BAD };

/** ixy_rx_ipv4_checksum() - is that of the IPv4 header right? IXY_UNCHECKED if there is none. */
static inline enum ixy_checksum ixy_rx_ipv4_checksum(const struct pkt_buf *buf)
{
	if (!(buf->status & IXY_RX_IPV4_CHECKED))
		return IXY_UNCHECKED;
	return buf->status & IXY_RX_IPV4_BAD ? IXY_BAD : IXY_GOOD;
}

/**
 * ixy_rx_l4_checksum() - is that of TCP, UDP or SCTP right?
 *
 * Fragments and UDP without a checksum (0) are not checked. An 82599 may call the latter bad, an
 * erratum: look at the field before you drop a UDP packet for it.
 */
static inline enum ixy_checksum ixy_rx_l4_checksum(const struct pkt_buf *buf)
{
	if (!(buf->status & IXY_RX_L4_CHECKED))
		return IXY_UNCHECKED;
	return buf->status & IXY_RX_L4_BAD ? IXY_BAD : IXY_GOOD;
}

/** ixy_rx_vlan() - has it a VLAN tag? The tag stays in the frame, 12 bytes from its start. */
static inline bool ixy_rx_vlan(const struct pkt_buf *buf)
{
	return buf->status & IXY_RX_VLAN;
}
