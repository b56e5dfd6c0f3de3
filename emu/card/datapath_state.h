/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * State of the data path: what the queues know beyond their registers, and digests of the registers
 * that each frame would otherwise have to read.
 */
#ifndef DATAPATH_STATE_H
#define DATAPATH_STATE_H

#include "nic.h"

/* A descriptor in the driver's memory, as two little-endian words. The second carries DD. */
struct nic_desc {
	uint64_t lo, hi;
};
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the card's words are little-endian");

#define NIC_LINE  4  /* descriptors per cache line: the unit of fetching and writing back */
#define NIC_FETCH 16 /* descriptors fetched ahead; NIC_FRAME_MAX in buffers of 1 KB takes 16 */
#define NIC_CHAIN 40 /* descriptors of one sent frame (7.2.3.5.1) */
#define NIC_SCAN  8  /* queues per poll whose ENABLE is checked without any other hint */

/* Frames that passed since the last poll; added to the statistics registers in one go. */
struct nic_traffic {
	uint32_t frames, multicast, broadcast;
	uint64_t bytes;	   /* without CRC */
	uint32_t sizes[6]; /* 64, 65-127, 128-255, 256-511, 512-1023, more; with CRC */
};

/**
 * struct nic_ring - the descriptor ring of a queue of either direction
 * @enabled: RXDCTL.ENABLE or TXDCTL.ENABLE as last seen
 * @usable:  the ring makes sense; if not, the queue has no descriptors until it is enabled again
 * @base, @size, @head: I/O virtual address, descriptors, RDH or TDH
 * @published: what the card wrote to RDH or TDH last. The driver may write these only while the
 *             queue is off, so another value there means that it was off since.
 */
struct nic_ring {
	bool enabled, usable;
	uint64_t base;
	uint32_t size, head, published;
};

#define NIC_RSC_HEADERS 96 /* Ethernet with a tag, IPv6, TCP with a time stamp: 90 */

/**
 * struct nic_rsc - a large receive (7.11), in the buffers that follow the queue's head
 * @limit:    descriptors that it may take
 * @count:    that it has taken. @packets that begin in each; @filled: bytes in the last one
 * @l3, @l4, @payload: offsets in @headers, those of the first packet as it was on the wire
 * @stripped: bytes of VLAN tag that memory does not have
 * @sequence: number of the next byte
 * @size:     of the packet that it has become
 * @frames, @bytes: that have arrived
 * @last:     the last descriptor, but for the length
 */
struct nic_rsc {
	bool open;
	uint8_t limit, count, stripped;
	uint8_t packets[NIC_FETCH];
	uint16_t l3, l4, payload;
	uint32_t sequence, size, filled, frames;
	uint64_t bytes;
	struct nic_desc last;
	uint8_t headers[NIC_RSC_HEADERS];
};

/**
 * struct nic_rx_queue - a receive queue
 * @faulted: part of the ring was out of reach: it is no longer accessed, and not usable
 * @left:    descriptors from the head to the tail as last read
 * @burst:   in which the registers were read last
 * @used:    descriptors since the queue was enabled; the counters below relate to it
 * @split:   headers go to buffers of their own; @always_split: some bytes of other packets, too
 * @fetched: those whose buffer address is in @fetch, at count % NIC_FETCH
 * @written: those that are written back; the others are in @stage, at ring index % NIC_LINE. They
 *           are in one cache line, and carry @staged_frames and @staged_bytes
 */
struct nic_rx_queue {
	struct nic_ring ring;
	bool faulted;
	bool legacy, drop, strip_vlan, coalesce, split, always_split;
	uint32_t burst, left;
	uint32_t buffer_size, header_size;
	uint32_t used, fetched, written;
	uint32_t staged_frames;
	uint64_t staged_bytes;
	struct nic_desc stage[NIC_LINE];
	uint64_t fetch[NIC_FETCH];
	uint64_t fetch_header[NIC_FETCH]; /* with @split */
	/* Since the last poll: */
	bool news; /* for the driver: a write-back */
	uint32_t frames, dropped;
	uint64_t bytes;
	struct nic_rsc rsc; /* with @coalesce */
};

/* A send queue. @context: the two context slots (7.2.3.2.3). @skip: drop up to EOP. */
struct nic_tx_queue {
	struct nic_ring ring;
	bool skip;
	struct nic_desc context[2];
};

/* A 5-tuple filter: FTQF and its companions. Masks are 1 where a bit is compared; addresses and ports
 * in memory order. */
struct nic_flow {
	uint32_t source, destination, ports;
	uint32_t source_mask, destination_mask, ports_mask;
	uint8_t protocol; /* FTQF_PROTOCOL(), or FLOW_ANY_PROTOCOL */
	uint8_t priority, queue;
	uint8_t pool; /* or FLOW_ANY_POOL */
};

/**
 * struct nic_receiver - the receive side of the port
 * @on:        frames are taken (RXCTRL.RXEN, link)
 * @loopback:  they come from our own transmitter (HLREG0.LPBK)
 * @max:       longest frame without CRC and VLAN tag
 * @crc:       bytes of CRC that go to memory: 0 or 4
 * @macs:      enabled entries of RAL and RAH, first byte lowest; @mac_index: which they are
 * @pools:     queues of each pool, 0: there are none; @classes: traffic classes, 0: none
 * @toeplitz:  hash of each value of each nibble of the input; for @key
 * @dirty:     queues that took part in the burst
 */
struct nic_receiver {
	bool on, loopback;
	bool all_unicast, all_multicast, broadcast, hash_multicast, filter_vlan;
	bool rss, report_hash, sum_fragments, any_ethertype;
	bool steer;    /* not everything goes to queue 0 */
	bool director; /* flow director is on */
	bool stamp;    /* the arrival of some packets is stamped */
	uint32_t max, crc;
	uint32_t mac_count, hash_shift;
	uint32_t vlan_type, vlan_cfi_mask, vlan_cfi;
	uint32_t rss_fields, pools, classes;
	uint32_t ethertype[8], ethertype_queue[8];
	uint32_t synqf;
	uint32_t flow_count;
	uint64_t macs[128];
	uint8_t mac_index[128];
	uint8_t reta[128];
	uint8_t key[40];
	uint32_t toeplitz[72][16];
	struct nic_flow flows[128]; /* those with the highest priority first */

	uint32_t burst, scan;
	uint64_t dirty[NIC_QUEUES / 64];
	struct nic_traffic good;
	uint32_t refused; /* arrived, but never came to a queue */
	uint64_t refused_bytes;
	uint32_t runts, oversize, missed;
	uint8_t bounce[NIC_FRAME_MAX +
		       4]; /* a frame that memory gets in another shape than the wire */
};

/* A packet that is being cut into segments. It may take several polls: they have budgets. */
struct nic_tso {
	bool active;
	uint32_t queue;
	uint32_t count;	 /* descriptors, from the queue's head on */
	uint64_t report; /* which of them have RS set */
	struct nic_desc context;
	uint64_t options; /* TXD_IXSM, TXD_TXSM */
	bool vlan;
	uint16_t header, mss;
	uint32_t left, sent;	  /* payload bytes */
	uint32_t number;	  /* of the next frame */
	uint32_t segment, offset; /* the next payload byte */
	struct {
		uint64_t iova;
		uint32_t length;
	} segments[NIC_CHAIN];
	uint8_t headers[1024]; /* MACLEN + IPLEN + L4LEN is at most 127 + 511 + 255 */
};

/**
 * struct nic_sender - the send side of the port
 * @active: enabled queues; @next is the first to be served
 */
struct nic_sender {
	bool on, loopback, pad, crc;
	uint16_t vlan_type;
	uint32_t scan;
	uint32_t active_count, next;
	uint32_t sent; /* frames in this poll */
	uint8_t active[NIC_QUEUES];
	struct nic_traffic good;
	struct nic_tso tso;
	uint8_t frame[NIC_FRAME_MAX + 4];
};

#endif
