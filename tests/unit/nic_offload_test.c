/* SPDX-License-Identifier: BSD-2-Clause */
/* Checksums and segmentation, by the card and by the slow functions of nic_card.c. */
#include "tests/unit/nic_card.h"

#define IPV4 (1ull << 10)
#define UDP  0ull
#define TCP  (1ull << 11)
#define SCTP (2ull << 11)

/* The layer 4 protocols, their context bits and header sizes. */
static const struct protocol {
	uint8_t number;
	uint64_t l4t;
	uint32_t header, checksum, type;
} protocols[] = {
	{ 6, TCP, 20, 16, RXD_TYPE_TCP },
	{ 17, UDP, 8, 6, RXD_TYPE_UDP },
	{ 132, SCTP, 12, 8, RXD_TYPE_SCTP },
};

static void put_context(struct ring *ring, uint32_t index, int version, uint64_t bits,
			uint32_t l4len, uint32_t mss, uint32_t vlan)
{
	uint64_t ip = version == 4 ? 20 : 40;

	tx_put(ring, ip | 14ull << 9 | (uint64_t)vlan << 16,
	       TXD_DEXT | TXD_DTYP_CTXT | bits | (version == 4 ? IPV4 : 0) | (uint64_t)index << 36 |
		       (uint64_t)l4len << 40 | (uint64_t)mss << 48);
}

/* As drivers do: the sum of the pseudo header, with or without the length. */
static void seed(uint8_t *ip, size_t size, const struct protocol *protocol, bool with_length)
{
	bool v4 = ip[0] >> 4 == 4;
	size_t header = v4 ? 20 : 40;
	uint8_t *checksum = ip + header + protocol->checksum;
	uint32_t sum = slow_sum(ip + (v4 ? 12 : 8), v4 ? 8 : 32, 0) + protocol->number;

	sum += with_length ? (uint32_t)(size - header) : 0;
	sum = (sum & 0xFFFF) + (sum >> 16);
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
	if (v4)
		ip[10] = ip[11] = 0;
}

static void checksums_are_inserted(void **state)
{
	struct ring ring = tx_ring(0, 128);
	uint8_t frame[2048];

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		for (size_t p = 0; p < 3; p++) {
			put_context(&ring, 0, version, protocols[p].l4t, 0, 0, 0);
			for (size_t payload = 20; payload < 1400; payload += 337) {
				size_t length =
					ip_frame(frame, version, protocols[p].number, payload);
				uint8_t whole[2048];
				const struct sent *sent;

				memcpy(whole, frame, length);
				seed(frame + 14, length - 14, &protocols[p], true);
				tx_send(&ring, frame, length,
					TXD_TXSM | (version == 4 ? TXD_IXSM : 0));
				sent = &card.sent[card.sent_count - 1];
				assert_int_equal(sent->length, length);
				assert_true(l4_good(sent->bytes + 14, length - 14));
				assert_memory_equal(sent->bytes, whole, length);
			}
		}
	}
	assert_int_equal(nic_account(card.nic)->tx_bad, 0);
}

/* IPv6 in IPv4: IPLEN covers both headers, and the outer field holds the inverse sum of the inner. */
static void checksum_fields_count(void **state)
{
	static const uint8_t outer[20] = { 0x45, 0, 0,	160, 1, 2, 0,  0, 64, 41,
					   0,	 0, 10, 0,   0, 1, 10, 0, 0,  2 };
	struct ring ring = tx_ring(0, 16);
	uint8_t inner[300], frame[300], whole[300];
	size_t length = ip_frame(inner, 6, 6, 80) + sizeof(outer);
	uint16_t sum;

	(void)state;
	assert_int_equal(length, 14 + 160);
	memcpy(frame, card_mac, 6);
	memset(frame + 6, 2, 6);
	memcpy(frame + 12, "\x08\x00", 2);
	memcpy(frame + 14, outer, sizeof(outer));
	memcpy(frame + 34, inner + 14, length - 34);
	memcpy(whole, frame, length);
	sum = slow_sum(outer, sizeof(outer), 0) ^ 0xFFFF;
	whole[24] = sum >> 8;
	whole[25] = (uint8_t)sum;

	seed(frame + 34, length - 34, &protocols[0], true);
	sum = slow_sum(frame + 34, 40, 0) ^ 0xFFFF;
	frame[24] = sum >> 8;
	frame[25] = (uint8_t)sum;
	tx_put(&ring, (20 + 40) | 14ull << 9, TXD_DEXT | TXD_DTYP_CTXT | TCP | IPV4);
	tx_send(&ring, frame, length, TXD_TXSM | TXD_IXSM);
	assert_int_equal(card.sent_count, 1);
	assert_memory_equal(card.sent[0].bytes, whole, length);
}

static void udp_checksum_of_zero_is_sent_as_ones(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint8_t frame[128];
	size_t length = ip_frame(frame, 4, 17, 32);
	uint8_t *sum = frame + 40, *last = frame + length - 2;

	(void)state;
	/* Payload that makes the sum come out as zero: what the checksum was goes into it. */
	last[0] = last[1] = 0;
	ip_seal(frame + 14, length - 14);
	last[0] = sum[0];
	last[1] = sum[1];
	seed(frame + 14, length - 14, &protocols[1], true);
	put_context(&ring, 0, 4, UDP, 0, 0, 0);
	tx_send(&ring, frame, length, TXD_TXSM | TXD_IXSM);
	assert_memory_equal(card.sent[0].bytes + 40, "\xFF\xFF", 2);
}

static void each_queue_has_two_contexts(void **state)
{
	struct ring a = tx_ring(0, 32), b = tx_ring(1, 32);
	uint8_t frame[100];

	(void)state;
	frame_to(frame, card_mac, 100, 0);
	put_context(&a, 0, 4, TCP, 0, 0, 0x111);
	put_context(&a, 1, 4, TCP, 0, 0, 0x222);
	put_context(&b, 0, 4, TCP, 0, 0, 0x333);
	tx_ring_doorbell(&b);
	tx_send(&a, frame, 100, TXD_VLE | 1ull << 36);
	tx_send(&a, frame, 100, TXD_VLE);
	tx_send(&b, frame, 100, TXD_VLE);
	assert_int_equal(card.sent_count, 3);
	assert_memory_equal(card.sent[0].bytes + 12, "\x81\x00\x02\x22", 4);
	assert_memory_equal(card.sent[1].bytes + 12, "\x81\x00\x01\x11", 4);
	assert_memory_equal(card.sent[2].bytes + 12, "\x81\x00\x03\x33", 4);
	assert_int_equal(card.sent[0].length, 104);
	assert_memory_equal(card.sent[0].bytes + 16, frame + 12, 88);
	reg_write(DMATXCTL, 0x88A8u << 16 | DMATXCTL_TE);
	tx_send(&a, frame, 100, TXD_VLE);
	assert_memory_equal(card.sent[3].bytes + 12, "\x88\xA8\x01\x11", 4);
}

/* One large packet in @parts buffers. */
static void send_large(struct ring *ring, const uint8_t *frame, size_t length, size_t header,
		       uint32_t parts, uint64_t bits)
{
	uint64_t iova = take(length);
	size_t at = 0;

	memcpy(memory(iova), frame, length);
	for (uint32_t i = 0; i < parts; i++) {
		size_t part = i + 1 < parts ? length / parts : length - at;

		tx_put(ring, iova + at,
		       TXD_DTYP_DATA | TXD_DEXT | TXD_IFCS | TXD_TSE | bits | part |
			       (uint64_t)(length - header) << 46 |
			       (i + 1 < parts ? 0 : TXD_EOP | TXD_RS));
		at += part;
	}
	tx_ring_doorbell(ring);
}

static uint32_t be(const uint8_t *p, int bytes)
{
	uint32_t value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

static void segments_are_valid(int version, const struct protocol *protocol, uint32_t mss,
			       uint32_t parts)
{
	static uint8_t frame[60000];
	size_t payload = 50000, ip = version == 4 ? 20 : 40, header = 14 + ip + protocol->header;
	size_t length = ip_frame(frame, version, protocol->number, payload), at = 0;
	uint32_t segments = ((uint32_t)payload + mss - 1) / mss;
	struct ring ring = tx_ring(0, 64);

	card.sent_count = 0;
	frame[14 + (version == 4 ? 2 : 4)] = frame[14 + (version == 4 ? 3 : 5)] = 0;
	seed(frame + 14, length - 14, protocol, false);
	put_context(&ring, 0, version, protocol->l4t, protocol->header, mss, 0x123);
	send_large(&ring, frame, length, header, parts,
		   TXD_VLE | TXD_TXSM | (version == 4 ? TXD_IXSM : 0));
	/* Polls with small budgets: it goes on where it was. */
	while (card_poll(7))
		;
	assert_int_equal(card.sent_count, segments);
	assert_true(tx_done(&ring, parts));
	for (uint32_t i = 0; i < segments; i++) {
		const uint8_t *sent = card.sent[i].bytes, *l3 = sent + 18, *l4 = l3 + ip;
		size_t size = i + 1 < segments ? mss : payload - at;

		assert_int_equal(card.sent[i].length, header + 4 + size);
		assert_memory_equal(sent + 12, "\x81\x00\x01\x23", 4);
		assert_memory_equal(l4 + protocol->header, frame + header + at, size);
		if (version == 4) {
			assert_int_equal(be(l3 + 2, 2), 20 + protocol->header + size);
			assert_int_equal(be(l3 + 4, 2), (0xFFFE + i) & 0xFFFF);
		} else {
			assert_int_equal(be(l3 + 4, 2), protocol->header + size);
		}
		assert_true(l4_good(l3, ip + protocol->header + size));
		if (protocol->number == 6) {
			assert_int_equal(be(l4 + 4, 4), (uint32_t)(0xFFFFFF00 + at));
			/* FIN and PSH are for the last one. */
			assert_int_equal(l4[13], i + 1 < segments ? 0x10 : 0x19);
		} else {
			assert_int_equal(be(l4 + 4, 2), 8 + size);
		}
		at += size;
	}
	assert_int_equal(nic_account(card.nic)->tx_bad, 0);
	assert_int_equal(nic_account(card.nic)->dma_faults, 0);
	reg_write(TXDCTL(0), 0);
	card_poll(LOTS);
}

static void segmentation_makes_valid_segments(void **state)
{
	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		for (size_t p = 0; p < 2; p++) {
			segments_are_valid(version, &protocols[p], 1448, 1);
			segments_are_valid(version, &protocols[p], 9001, 17);
			segments_are_valid(version, &protocols[p], 100, 40);
		}
	}
}

static void one_segment_keeps_its_flags(void **state)
{
	struct ring ring = tx_ring(0, 16);
	uint8_t frame[400], whole[400];
	size_t length = ip_frame(frame, 4, 6, 300);

	(void)state;
	frame[47] = 0x99; /* CWR, ACK, PSH, FIN: those of the first segment and those of the last */
	ip_seal(frame + 14, length - 14);
	memcpy(whole, frame, length);
	seed(frame + 14, length - 14, &protocols[0], false);
	put_context(&ring, 0, 4, TCP, 20, 1000, 0);
	send_large(&ring, frame, length, 54, 2, TXD_TXSM | TXD_IXSM);
	card_poll(LOTS);
	assert_int_equal(card.sent_count, 1);
	assert_int_equal(card.sent[0].length, length);
	assert_memory_equal(card.sent[0].bytes, whole, length);
}

static void large_packet_that_faults_is_given_up(void **state)
{
	struct ring ring = tx_ring(0, 16), other = tx_ring(1, 16);
	static uint8_t frame[6000];
	size_t length = ip_frame(frame, 4, 6, 5000);
	uint64_t iova = take(length);

	(void)state;
	memcpy(memory(iova), frame, length);
	put_context(&ring, 0, 4, TCP, 20, 1000, 0);
	tx_put(&ring, iova, TX_PART(2054, 5000) | TXD_TSE);
	tx_put(&ring, UNMAPPED, TX_PART(3000, 5000) | TXD_TSE | TXD_EOP | TXD_RS);
	tx_put(&ring, iova, TX_DATA(60) | TXD_EOP);
	tx_ring_doorbell(&ring);
	card_poll(LOTS);
	assert_int_equal(card.sent_count, 3); /* two segments before, a frame behind */
	assert_true(tx_done(&ring, 2));
	assert_int_equal(nic_account(card.nic)->dma_faults, 1);

	/* A queue that goes away in the middle takes its packet along; others go on. */
	put_context(&ring, 0, 4, TCP, 20, 10, 0);
	tx_put(&ring, iova, TX_PART(length, 5000) | TXD_TSE | TXD_EOP);
	tx_ring_doorbell(&ring);
	assert_int_equal(card_poll(20), 20);
	reg_poke(TXDCTL(0), 0);
	tx_put(&other, iova, TX_DATA(60) | TXD_EOP);
	tx_ring_doorbell(&other);
	for (int i = 0; i < 10; i++)
		card_poll(20);
	assert_in_range(card.sent_count, 23, 24);
	assert_int_equal(card.sent[card.sent_count - 1].length, 60);
}

/* Status of the frame that has just arrived. */
static uint64_t verdict(struct ring *ring, uint8_t *frame, size_t length, uint32_t *type)
{
	uint32_t at = ring->tail;
	uint64_t hi;

	rx_post(ring, 1);
	if (length < 60) {
		memset(frame + length, 0, 60 - length);
		length = 60;
	}
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	hi = rx_status(ring, at);
	*type = (uint32_t)ring->desc[at].lo & 0x1FFF0;
	return hi & (RXD_IPCS | RXD_L4CS | RXD_UDPCS | RXD_UDPV | RXD_IPE | RXD_L4E);
}

static void received_checksums_are_checked(void **state)
{
	struct ring ring = rx_ring(0, 64, ADVANCED);
	uint8_t frame[2048];
	uint32_t type;

	(void)state;
	for (int version = 4; version <= 6; version += 2) {
		uint32_t ip_status = version == 4 ? RXD_IPCS : 0;
		uint32_t ip_type = version == 4 ? RXD_TYPE_IPV4 : RXD_TYPE_IPV6;

		for (size_t p = 0; p < 3; p++) {
			uint32_t good =
				ip_status | RXD_L4CS | (protocols[p].number == 17 ? RXD_UDPCS : 0);

			for (size_t payload = 1; payload < 1400; payload += 333) {
				size_t length =
					ip_frame(frame, version, protocols[p].number, payload);

				assert_int_equal(verdict(&ring, frame, length, &type), good);
				assert_int_equal(type, ip_type | protocols[p].type);
				frame[length - 1] ^= 0x10;
				assert_int_equal(verdict(&ring, frame, length, &type),
						 good | RXD_L4E);
				frame[length - 1] ^= 0x10;
				frame[14 + 8] ^= 1; /* TTL; part of an address for IPv6 */
				assert_int_equal(verdict(&ring, frame, length, &type),
						 version == 4 ? good | RXD_IPE
						 : p == 2     ? good
							      : good | RXD_L4E);
			}
		}
	}
}

static void what_can_not_be_checked_is_not(void **state)
{
	struct ring ring = rx_ring(0, 64, ADVANCED);
	uint8_t frame[2048];
	size_t length;
	uint32_t type;

	(void)state;
	/* UDP without a checksum. */
	length = ip_frame(frame, 4, 17, 100);
	frame[40] = frame[41] = 0;
	assert_int_equal(verdict(&ring, frame, length, &type), RXD_IPCS);
	assert_int_equal(type, RXD_TYPE_IPV4 | RXD_TYPE_UDP);

	/* A fragment: its sum is for the driver to add up. */
	reg_set(RXCSUM, RXCSUM_IPPCSE);
	length = ip_frame(frame, 4, 17, 100);
	frame[20] = 0x20;
	frame[24] = frame[25] = 0;
	uint16_t sum = (uint16_t)~slow_sum(frame + 14, 20, 0);
	frame[24] = (uint8_t)(sum >> 8);
	frame[25] = (uint8_t)sum;
	assert_int_equal(verdict(&ring, frame, length, &type), RXD_IPCS | RXD_UDPV);
	assert_int_equal(type, RXD_TYPE_IPV4);
	assert_int_equal(ring.desc[1].lo >> 48, slow_sum(frame + 34, 108, 0));
	assert_int_equal(ring.desc[1].lo >> 32 & 0xFFFF, 0xFFFE);

	/* Lengths that lie: longer than the frame, shorter than the header. */
	length = ip_frame(frame, 4, 6, 100);
	frame[16] = 0x7F;
	assert_int_equal(verdict(&ring, frame, length, &type), 0);
	frame[16] = 0;
	frame[17] = 19;
	assert_int_equal(verdict(&ring, frame, length, &type), 0);
	length = ip_frame(frame, 6, 6, 100);
	frame[18] = 0xFF;
	assert_int_equal(verdict(&ring, frame, length, &type), 0);
	/* A TCP header that is cut off. */
	length = ip_frame(frame, 4, 6, 100);
	frame[17] = 39;
	frame[16] = 0;
	assert_int_equal(verdict(&ring, frame, length, &type) & RXD_L4CS, 0);

	/* IPv6 with hop-by-hop options, which are skipped, and with a routing header under way. */
	length = ip_frame(frame, 6, 17, 100);
	memmove(frame + 62, frame + 54, length - 54);
	memcpy(frame + 54, "\x11\x00\x01\x04\x00\x00\x00\x00", 8);
	frame[20] = 0;
	frame[19] = (uint8_t)(frame[19] + 8);
	assert_int_equal(verdict(&ring, frame, length + 8, &type), RXD_L4CS | RXD_UDPCS);
	assert_int_equal(type, RXD_TYPE_IPV6 | RXD_TYPE_IPV6E | RXD_TYPE_UDP);
	frame[20] = 43;
	frame[57] = 1;
	assert_int_equal(verdict(&ring, frame, length + 8, &type), 0);
	assert_int_equal(type, RXD_TYPE_IPV6 | RXD_TYPE_IPV6E);

	/* Something else. */
	frame_to(frame, card_mac, 60, 0);
	assert_int_equal(verdict(&ring, frame, 60, &type), 0);
	assert_int_equal(type, 0);
}

static void checksums_behind_a_tag_are_checked(void **state)
{
	struct ring ring = rx_ring(0, 16, ADVANCED);
	uint8_t frame[256];
	size_t length = ip_frame(frame, 4, 6, 50);
	uint32_t type;

	(void)state;
	memmove(frame + 16, frame + 12, length - 12);
	memcpy(frame + 12, "\x81\x00\x00\x05", 4);
	assert_int_equal(verdict(&ring, frame, length + 4, &type), RXD_IPCS | RXD_L4CS);
	frame[length + 3]++;
	assert_int_equal(verdict(&ring, frame, length + 4, &type), RXD_IPCS | RXD_L4CS | RXD_L4E);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(checksums_are_inserted),
		card_test(checksum_fields_count),
		card_test(udp_checksum_of_zero_is_sent_as_ones),
		card_test(each_queue_has_two_contexts),
		card_test(segmentation_makes_valid_segments),
		card_test(one_segment_keeps_its_flags),
		card_test(large_packet_that_faults_is_given_up),
		card_test(received_checksums_are_checked),
		card_test(what_can_not_be_checked_is_not),
		card_test(checksums_behind_a_tag_are_checked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
