/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a card does beside moving packets: it looks at received ones, completes those to be sent, and
 * tells the time.
 *
 * virtio-net devices say nothing of received packets, and have no clock and no offloads here: a
 * configuration that asks for vlan_strip, timestamps or tx_offload is refused for them.
 */
#pragma once
#include <ixy/control.h>

/* ---- Received packets: of a device whose configuration has rx_info set, until the buffer is freed; of
 * others the answers are meaningless ---- */

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
#define IXY_RX_TIME	    (1u << 20) /* pkt_buf.time is when it arrived */
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

/** ixy_rx_vlan() - has it a VLAN tag? The tag stays in the frame, 12 bytes from its start, unless the
 * configuration has vlan_strip set. */
static inline bool ixy_rx_vlan(const struct pkt_buf *buf)
{
	return buf->status & IXY_RX_VLAN;
}

/** ixy_rx_vlan_tag() - the tag that was taken out of the frame: priority in bits 15:13, identifier in
 * 11:0. Only with vlan_strip, and if ixy_rx_vlan() says that there was one. */
static inline uint16_t ixy_rx_vlan_tag(const struct pkt_buf *buf)
{
	return (uint16_t)buf->vlan;
}

/**
 * ixy_rx_time() - when did it arrive?
 * @ns: by the card's clock, see ixy_read_clock()
 *
 * With config.timestamps an 82599 notes that of event messages of PTP version 2 (EtherType 0x88F7, or
 * UDP port 319), and of one at a time: of messages that follow each other closely it may be that of the
 * first one only.
 *
 * Return: has the card noted it?
 */
static inline bool ixy_rx_time(const struct pkt_buf *buf, uint64_t *ns)
{
	*ns = buf->time;
	return buf->status & IXY_RX_TIME;
}

/* ---- Packets to be sent (82599: datasheet 7.2.3 to 7.2.5, 7.4) ---- */

/* struct ixy_tx_offload.flags */
#define IXY_TX_IPV4_CHECKSUM (1 << 0) /* of the IPv4 header; of IPv6, which has none, nothing */
#define IXY_TX_L4_CHECKSUM   (1 << 1) /* of TCP, UDP or SCTP: what the IP header says it is */
#define IXY_TX_SEGMENT	     (1 << 2) /* cut TCP into segments; implies both checksums */
#define IXY_TX_VLAN	     (1 << 3) /* insert a VLAN tag */
#define IXY_TX_TIME	     (1 << 4) /* note when it leaves: ixy_tx_time(); needs config.timestamps */

/**
 * struct ixy_tx_offload - what the card shall do to one packet
 * @flags:   IXY_TX_*; 0: send it as it is
 * @vlan:    the tag: priority in bits 15:13, identifier in 11:0
 * @segment: bytes of TCP data in each segment. With the headers, which each one gets, they have to fit
 *           into the MTU and an Ethernet header with tag.
 * @ip:      where the IP header begins; 0: behind the Ethernet header and a VLAN tag. With outer
 *           headers in front (tunnels) the card completes the inner packet; at most 127.
 */
struct ixy_tx_offload {
	uint16_t flags, vlan, segment, ip;
};

/**
 * ixy_tx_offload_batch() - send packets that the card completes
 * @offloads: one for each packet
 *
 * As ixy_tx_batch(), which may be used beside it by the thread of the queue, but only of a device whose
 * configuration has tx_offload set; others take nothing. Fill in the headers, but for the checksums and,
 * of a packet to be cut, the length in the IP header: those are overwritten, in the packet, too. A packet
 * to be cut may be as long as its buffer (mempool_create()), with at most 262143 bytes of TCP data.
 *
 * Packets to which that cannot be done (no IP where it should be, headers longer than the frame,
 * fragments, an IPv6 routing header, too long) are dropped and count as taken.
 *
 * Return: as ixy_tx_batch(). A packet may need several descriptors.
 */
static inline uint32_t ixy_tx_offload_batch(struct ixy_device *dev, uint16_t queue,
					    struct pkt_buf **bufs,
					    const struct ixy_tx_offload *offloads, uint32_t n)
{
	return dev->ops->control->tx_offload(dev, queue, bufs, offloads, n);
}

/* ---- The clock (IEEE 1588; 82599: datasheet 7.9); also while others receive and send ---- */

/**
 * ixy_read_clock() - what time is it?
 * @ns: nanoseconds by the card's clock, which begins at 0 when the device is opened and is not adjusted.
 *      Compare two readings with those of another clock to convert between them.
 *
 * In steps of 32 ns, or of 64 ns at 1 Gbit/s; at 100 Mbit/s (X540) it is ten times too slow. An X550, whose
 * clock is another one, is refused. An 82599's counter is full after 39 hours: this has to be
 * called once in 19 hours. Its cycle depends on the speed of the link, whose changes ixy_link_speed() and
 * ixy_next_event() notice.
 *
 * Return: 0, -ENODEV, -ENOTSUP (the configuration has not set timestamps).
 */
static inline int ixy_read_clock(struct ixy_device *dev, uint64_t *ns)
{
	return dev->ops->control->read_clock(dev, ns);
}

/**
 * ixy_tx_time() - when has the packet with IXY_TX_TIME left?
 *
 * One at a time: the card notes no other until this has been read.
 *
 * Return: 0, -EAGAIN (it has not left), -ENODEV, -ENOTSUP (as ixy_read_clock()).
 */
static inline int ixy_tx_time(struct ixy_device *dev, uint64_t *ns)
{
	return dev->ops->control->tx_time(dev, ns);
}
