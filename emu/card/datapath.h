/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the data path: descriptor formats and what its files share.
 *
 * A frame can be memory that changes while we look at it (another card's driver owns it). So whatever
 * decides about lengths is loaded once, by load16() and its like, checked, and used.
 */
#ifndef DATAPATH_H
#define DATAPATH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "nic_internal.h"

#define likely(x)   __builtin_expect(!!(x), 1)
#define unlikely(x) __builtin_expect(!!(x), 0)

#define ETH_HEADER	  14
#define ETH_FRAME_MIN	  60 /* without CRC */
#define ETH_CRC		  4
#define VLAN_TAG	  4
#define ETHERTYPE_CONTROL 0x8808 /* MAC control */
#define IPV4_HEADER	  20	 /* without options */
#define IPV6_HEADER	  40
#define TCP_HEADER	  20 /* without options */
#define UDP_HEADER	  8

/* ---- Receive descriptors ---- */

/* 7.1.6.2, advanced write-back. First word: RSS type 3:0, packet type 16:4, hash 63:32. */
#define RXD_RSS_TCP_IPV4      1u
#define RXD_RSS_IPV4	      2u
#define RXD_RSS_TCP_IPV6      3u
#define RXD_RSS_IPV6	      5u
#define RXD_RSS_UDP_IPV4      7u
#define RXD_RSS_UDP_IPV6      8u
#define RXD_RSS_FLOW_DIRECTOR 15u /* in place of the hash: its own, and the filter */
#define RXD_TYPE_IPV4	      BIT(4)
#define RXD_TYPE_IPV4E	      BIT(5) /* options; beside RXD_TYPE_IPV4 */
#define RXD_TYPE_IPV6	      BIT(6)
#define RXD_TYPE_IPV6E	      BIT(7) /* extension headers; beside RXD_TYPE_IPV6 */
#define RXD_TYPE_TCP	      BIT(8)
#define RXD_TYPE_UDP	      BIT(9)
#define RXD_TYPE_SCTP	      BIT(10)
#define RXD_TYPE_ETQF(i)      (BIT(15) | (uint32_t)(i) << 4)
#define RXD_HDR_LEN(size)     ((uint64_t)(size) << 21) /* bytes in the header buffer */
#define RXD_SPH		      (1ull << 31)	       /* the packet was split */
#define RXD_RSCCNT(n)	      ((uint32_t)(n) << 17) /* packets of a large receive that begin here */
/*
 * Second word: status 19:0, errors 31:20, length 47:32, VLAN tag 63:48. What drivers use of these bits is
 * in regs/.
 */
#define RXD_NEXTP(i) ((uint32_t)(i) << 4) /* of a large receive without EOP: the next descriptor */
#define RXD_FLM	     BIT(2)		  /* a filter of flow director matched */
#define RXD_VP	     BIT(3)		  /* has a VLAN tag */
#define RXD_UDPCS    BIT(4)		  /* UDP checksum checked */
#define RXD_L4CS     BIT(5)		  /* layer 4 checksum checked */
#define RXD_IPCS     BIT(6)		  /* IPv4 header checksum checked */
#define RXD_PIF	     BIT(7)		  /* let in by a filter that is not exact */
#define RXD_UDPV     BIT(10)		  /* fragment of a UDP packet that has a checksum */
#define RXD_HBO	     BIT(23)		  /* the headers are longer than the header buffer */
#define RXD_L4E	     BIT(30)
#define RXD_IPE	     BIT(31)

/*
 * 7.1.5, legacy write-back, second word: length 15:0, fragment checksum 31:16, status 39:32, errors
 * 47:40, VLAN tag 63:48.
 */

/* ---- Send descriptors: 7.2.3.2.2 legacy, 7.2.3.2.3 context, 7.2.3.2.4 data. Second word: ---- */

#define TXD_LENGTH(hi) ((uint32_t)(hi)&0xFFFF)
#define TXD_CSO(hi)    ((uint32_t)((hi) >> 16) & 0xFF) /* legacy */
#define TXD_DTYP       (0xFull << 20)
#define TXD_IC	       (1ull << 26) /* legacy */
#define TXD_IDX(hi)    ((uint32_t)((hi) >> 36) & 7)
#define TXD_POPTS      (0x3Full << 40)
#define TXD_PAYLEN(hi) ((uint32_t)((hi) >> 46))
#define TXD_CSS(hi)    ((uint32_t)((hi) >> 40) & 0xFF) /* legacy */
#define TXD_VLAN(hi)   ((uint16_t)((hi) >> 48))	       /* legacy */
#define TXC_IPLEN(lo)  ((uint32_t)(lo)&0x1FF)	       /* context, first word */
#define TXC_MACLEN(lo) ((uint32_t)((lo) >> 9) & 0x7F)
#define TXC_VLAN(lo)   ((uint16_t)((lo) >> 16))
#define TXC_L4T(hi)    ((uint32_t)((hi) >> 11) & 3) /* context, second word */
#define TXC_L4LEN(hi)  ((uint32_t)((hi) >> 40) & 0xFF)
#define TXC_MSS(hi)    ((uint32_t)((hi) >> 48))

/* ---- Memory that others may write: one load each, at any alignment ---- */

struct unaligned16 {
	uint16_t value;
} __attribute__((packed, may_alias));
struct unaligned32 {
	uint32_t value;
} __attribute__((packed, may_alias));
struct unaligned64 {
	uint64_t value;
} __attribute__((packed, may_alias));

static inline uint8_t load8(const uint8_t *p)
{
	return *(const volatile uint8_t *)p;
}

static inline uint16_t load16(const uint8_t *p)
{
	return ((const volatile struct unaligned16 *)p)->value;
}

static inline uint32_t load32(const uint8_t *p)
{
	return ((const volatile struct unaligned32 *)p)->value;
}

static inline uint64_t load64(const uint8_t *p)
{
	return ((const volatile struct unaligned64 *)p)->value;
}

static inline uint16_t load_be16(const uint8_t *p)
{
	return __builtin_bswap16(load16(p));
}

static inline void store16(uint8_t *p, uint16_t value)
{
	((struct unaligned16 *)p)->value = value;
}

static inline void store_be16(uint8_t *p, uint16_t value)
{
	store16(p, __builtin_bswap16(value));
}

/* The driver writes a tail with release order, after its descriptors. */
static inline uint32_t nic_get_tail(const struct nic *nic, uint32_t offset)
{
	return __atomic_load_n((const uint32_t *)(nic->bar0 + offset), __ATOMIC_ACQUIRE);
}

static inline struct nic_desc nic_load_desc(const struct nic_desc *desc)
{
	return (struct nic_desc){ __atomic_load_n(&desc->lo, __ATOMIC_RELAXED),
				  __atomic_load_n(&desc->hi, __ATOMIC_RELAXED) };
}

/* ---- Addresses ---- */

/* The memory behind an address, if it is in a cached window as a whole; counts no fault. */
static inline uint8_t *nic_peek(const struct nic *nic, uint64_t iova, uint64_t size, bool write)
{
	for (uint32_t i = 0; i < NIC_WINDOWS; i++) {
		const struct nic_window *window = &nic->windows[i];
		uint64_t offset = iova - window->iova;

		if (offset < window->size && size <= window->size - offset &&
		    (window->writable || !write))
			return window->host + offset;
	}
	return NULL;
}

/* dma.c: memory that may lie in several windows. Return: false after a fault, which is counted. */
bool nic_copy_in(struct nic *nic, void *to, uint64_t iova, size_t size);
bool nic_copy_out(struct nic *nic, uint64_t iova, const void *from, size_t size);

/* Ask for the line before it is needed; a write takes it from the driver's processor at once. */
static inline void nic_prefetch(const void *p)
{
	__builtin_prefetch(p, 0);
}

static inline void nic_prefetch_write(const void *p)
{
#if defined(__x86_64__) && !defined(__PRFCHW__)
	/* GCC's builtin means a prefetch for reading unless the compiler may use PREFETCHW. Every
	 * 64-bit processor either has it or ignores it. */
	__asm__ volatile("prefetchw %0" : : "m"(*(const char *)p));
#else
	__builtin_prefetch(p, 1);
#endif
}

/* ---- Statistics ---- */

static inline void nic_traffic_add(struct nic_traffic *traffic, uint64_t destination,
				   uint32_t length)
{
	uint32_t wire = length + ETH_CRC;
	uint32_t size = wire <= 64 ? 0 : 26 - (uint32_t)__builtin_clz(wire);

	traffic->frames++;
	traffic->bytes += length;
	traffic->sizes[size < 6 ? size : 5]++;
	if (unlikely(destination & 1)) { /* the group bit: the lowest of the first byte */
		if (destination == 0xFFFFFFFFFFFF)
			traffic->broadcast++;
		else
			traffic->multicast++;
	}
}

/* ---- filter.c ---- */

struct nic_packet;

/** nic_filter_configure() - digest the filter registers. */
void nic_filter_configure(struct nic *nic);

/**
 * nic_filter() - may a frame come in? 7.1.1
 * @status: RXD_PIF is added if the filter was not an exact one
 */
bool nic_filter(const struct nic *nic, uint64_t destination, const struct nic_packet *packet,
		uint32_t *status);

/**
 * nic_pick_queue() - 7.1.2: the queue of a frame; fills in hash and RSS type of @packet, adds to @status
 *
 * Return: the queue, or NIC_NO_QUEUE if the frame is to be dropped.
 */
#define NIC_NO_QUEUE UINT32_MAX
uint32_t nic_pick_queue(struct nic *nic, const uint8_t *frame, struct nic_packet *packet,
			uint32_t *status);

/** nic_in_table() - 7.1.1.1: twelve of an address's last 16 bits are the number of a bit in @table. */
static inline bool nic_in_table(const struct nic *nic, uint32_t table, uint64_t destination)
{
	const uint32_t bit = destination >> nic->receiver.hash_shift & 0xFFF;

	return nic_get(nic, table + bit / 32 * 4) >> bit % 32 & 1;
}

/* ---- pools.c ---- */

/** nic_pools() - the pools that want a frame */
uint64_t nic_pools(const struct nic *nic, uint64_t destination, const struct nic_packet *packet);
/** nic_pool_queue() - a queue of @pool, by the entry @index of RETA */
uint32_t nic_pool_queue(const struct nic *nic, uint32_t pool, uint32_t index);
/** nic_pool_size() - queues of each pool; 0: there are none */
uint32_t nic_pool_size(const struct nic *nic);

/* ---- classes.c ---- */

/** nic_class_count() - traffic classes; 0: there are none */
uint32_t nic_class_count(const struct nic *nic);
/** nic_class_queue() - the queue of a packet by its class, and its pool or the entry @index of RETA */
uint32_t nic_class_queue(const struct nic *nic, const struct nic_packet *packet, uint32_t index);

/* ---- flow_director.c ---- */

/**
 * nic_direct() - 7.1.2.7: does a filter of flow director know this packet?
 * @status: RXD_FLM is added if one does
 * @queue:  where the packet goes if no filter says otherwise
 *
 * Return: the queue, or NIC_NO_QUEUE if the packet is to be dropped.
 */
uint32_t nic_direct(struct nic *nic, const uint8_t *frame, struct nic_packet *packet,
		    uint32_t *status, uint32_t queue);

/* ---- offload.c ---- */

/**
 * struct nic_packet - what a received frame contains
 * @ethertype: after a VLAN tag
 * @type:      RXD_TYPE_*
 * @sums:      7.1.11: RXD_*CS and RXD_*E
 * @l3, @l4:   offsets of the headers; 0 if there is none that the card knows
 * @end:       of the layer 3 packet: at most the frame's length
 * @ident:     of the IPv4 header
 * @fragment:  of an IPv4 packet. @data: where its part of the payload begins. @udp_sum: it is the
 *             first one, and UDP with a checksum
 * @pool:      that this copy of the packet is for
 */
struct nic_packet {
	bool vlan, fragment, udp_sum;
	uint16_t vlan_tag, ethertype;
	uint32_t type, sums, rss_type, hash;
	uint16_t l3, l4, data, end, ident;
	uint8_t pool;
};

/** nic_inspect() - find headers, check checksums; @length is at least ETH_FRAME_MIN. */
void nic_inspect(uint32_t vlan_type, const uint8_t *frame, uint32_t length,
		 struct nic_packet *packet);

/** nic_sum() - one's complement sum, folded to 16 bits, in memory order: store16() it. */
uint16_t nic_sum(const uint8_t *data, size_t size, uint64_t sum);

/** nic_crc32() - the CRC of Ethernet, as the four bytes that follow the frame, first one lowest. */
uint32_t nic_crc32(const uint8_t *data, size_t size);

/**
 * nic_insert_sums() - 7.2.5: put checksums into a frame that is to be sent
 * @context: says where the headers are
 * @options: TXD_IXSM, TXD_TXSM
 *
 * Return: false if the headers are not within the frame.
 */
bool nic_insert_sums(uint8_t *frame, uint32_t length, const struct nic_desc *context,
		     uint64_t options);

/** nic_insert_sum() - 7.2.3.2.2: legacy CSS and CSO. Return: false if outside the frame. */
bool nic_insert_sum(uint8_t *frame, uint32_t length, uint32_t start, uint32_t offset);

/** nic_insert_vlan() - @frame has VLAN_TAG bytes to spare. Return: the new length. */
uint32_t nic_insert_vlan(uint8_t *frame, uint32_t length, uint16_t type, uint16_t tag);

/** nic_tso_valid() - do context and lengths make sense? Before anything else of it is used. */
bool nic_tso_valid(const struct nic_tso *tso);

/**
 * nic_tso_headers() - 7.2.4: turn the headers of the whole into those of a segment
 * @frame:   holds a copy of tso->headers
 * @payload: bytes of this segment
 * @flags:   mask for the TCP flags
 */
void nic_tso_headers(const struct nic_tso *tso, uint8_t *frame, uint32_t payload, uint16_t flags);

/* ---- header_split.c ---- */

/**
 * nic_split_headers() - how much of a packet goes to the header buffer?
 * @frame:      as on the wire
 * @size:       of what memory gets
 * @first_word: of the first descriptor: HDR_LEN and SPH are added
 * @status:     RXD_HBO is added if the headers are too long for the buffer
 */
uint32_t nic_split_headers(const struct nic *nic, const struct nic_rx_queue *q,
			   const uint8_t *frame, uint32_t size, const struct nic_packet *packet,
			   uint64_t *first_word, uint32_t *status);

/* ---- clock.c ---- */

/** nic_stamp_tx() - a packet that asks for it goes out. */
void nic_stamp_tx(struct nic *nic);
/** nic_stamp_rx() - a packet has arrived, with TSYNCRXCTL.EN set. Return: RXD_TS or 0. */
uint32_t nic_stamp_rx(struct nic *nic, const uint8_t *frame, uint32_t length,
		      const struct nic_packet *packet);

/* ---- rx.c, tx.c ---- */

#define NIC_LOOPBACK (1u << 31) /* beside the flags of nic_receive(): from our own transmitter */

/** nic_rx_frame() - a frame arrives; see nic_receive(). */
enum nic_verdict nic_rx_frame(struct nic *nic, const void *frame, size_t length,
			      unsigned int flags);

/** nic_rx_configure(), nic_tx_configure() - digest the configuration, look at all queues. */
void nic_rx_configure(struct nic *nic);
void nic_tx_configure(struct nic *nic);

#endif
