/* SPDX-License-Identifier: BSD-2-Clause */
/* IP packets for the tests of the driver: to be included after driver.h. */
#ifndef IP_PACKET_H
#define IP_PACKET_H

#include <netinet/in.h>

#include <ixy/flow.h>

/**
 * struct ip_packet - what a packet says of itself
 * @family:   4 or 6
 * @protocol: IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP; others have no ports
 * @src, @dst: 4 or 16 bytes of them
 * @fragment: IPv4: more fragments follow
 */
struct ip_packet {
	int family;
	uint8_t protocol;
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port;
	bool fragment;
};

#define IP_PACKET_MAX 128
#define IP_L3	      14 /* offset of the IP header */

/** ip_packet() - make a frame for card 0; its checksums are right. Return: its length. */
size_t ip_packet(uint8_t frame[IP_PACKET_MAX], const struct ip_packet *packet);

/** ip_valid() - are length and checksums of an IP packet at @l3 right, with TCP or UDP and no more headers? */
bool ip_valid(const uint8_t *l3, size_t length);

/** ip_receive() - such a packet arrives at card 0, which takes it. */
void ip_receive(const struct ip_packet *packet);

/** ip_flow() - the packet of flow @i: all flows are different, and always the same. */
struct ip_packet ip_flow(uint32_t i, int family, uint8_t protocol);

/** ip_reverse() - the other direction of its flow. */
struct ip_packet ip_reverse(const struct ip_packet *packet);

/** ip_exact() - the filter or rule that this IPv4 packet matches in all fields, and few others. */
struct ixy_flow ip_exact(const struct ip_packet *packet, uint16_t queue);

/** ip_differing() - a packet that differs in one field only, 0 to 4 in the order of IXY_FLOW_*. */
struct ip_packet ip_differing(const struct ip_packet *packet, int field);

/** ip_queue() - the packet arrives, and comes out of one queue and no other. Return: which; @info
 * gets the buffer's header, which the driver filled in (NULL: no interest). */
uint16_t ip_queue(struct ixy_device *dev, const struct ip_packet *packet, struct pkt_buf *info);

#endif
