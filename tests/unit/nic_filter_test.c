/* SPDX-License-Identifier: BSD-2-Clause */
/* Which frames the card takes, and which queue gets them. */
#include "tests/unit/nic_card.h"

static void filters_let_in_what_they_should(void **state)
{
	static const uint8_t other[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x56 };
	static const uint8_t group[6] = { 0x01, 0x00, 0x5E, 0x01, 0x02, 0x03 };
	static const uint8_t all[6] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
	static const uint32_t shifts[4] = { 36, 35, 34, 32 };
	struct ring ring = rx_ring(0, 64, ADVANCED);
	uint8_t to_other[60], to_group[60], to_all[60];

	(void)state;
	rx_post(&ring, 63);
	frame_to(to_other, other, 60, 0);
	frame_to(to_group, group, 60, 0);
	frame_to(to_all, all, 60, 0);

	assert_int_equal(nic_receive(card.nic, to_other, 60, 0), NIC_FILTERED);
	assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_FILTERED);
	assert_int_equal(nic_receive(card.nic, to_all, 60, 0), NIC_TAKEN);
	reg_clear(FCTRL, FCTRL_BAM);
	assert_int_equal(nic_receive(card.nic, to_all, 60, 0), NIC_FILTERED);

	reg_set(FCTRL, FCTRL_UPE);
	assert_int_equal(nic_receive(card.nic, to_other, 60, 0), NIC_TAKEN);
	assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_FILTERED);
	reg_clear(FCTRL, FCTRL_UPE);
	reg_set(FCTRL, FCTRL_MPE);
	assert_int_equal(nic_receive(card.nic, to_other, 60, 0), NIC_FILTERED);
	assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_TAKEN);
	reg_clear(FCTRL, FCTRL_MPE);

	/* An exact match in any of the 128 entries, while it is valid. */
	reg_write(RAL(127), 0x33221102);
	reg_write(RAH(127), 0x5644);
	assert_int_equal(nic_receive(card.nic, to_other, 60, 0), NIC_FILTERED);
	reg_write(RAH(127), 0x5644 | RAH_AV);
	assert_int_equal(nic_receive(card.nic, to_other, 60, 0), NIC_TAKEN);

	/* The hash table: the right bit lets it in, and no other does. */
	for (uint32_t mo = 0; mo < 4; mo++) {
		uint64_t address = 0x030201ull << 24 | 0x5E0001;
		uint32_t bit = address >> shifts[mo] & 0xFFF;

		reg_write(MCSTCTRL, mo | MCSTCTRL_MFE);
		for (uint32_t i = 0; i < 128; i++)
			reg_write(MTA(i), i == bit / 32 ? ~(1u << bit % 32) : UINT32_MAX);
		assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_FILTERED);
		for (uint32_t i = 0; i < 128; i++)
			reg_write(MTA(i), i == bit / 32 ? 1u << bit % 32 : 0);
		assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_TAKEN);
		reg_write(MCSTCTRL, mo);
		assert_int_equal(nic_receive(card.nic, to_group, 60, 0), NIC_FILTERED);
	}
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_read(TPR), 23);
	assert_int_equal(nic_account(card.nic)->rx_filtered, 14);
	/* Let in by a filter that is not exact: UPE, MPE, the hash. */
	for (uint32_t i = 0; i < 9; i++)
		assert_int_equal(!!(rx_status(&ring, i) & RXD_PIF),
				 i == 1 || i == 2 || (i > 3 && i < 8));
}

static void vlan_is_stripped_and_filtered(void **state)
{
	struct ring ring = rx_ring(0, 16, ADVANCED);
	uint8_t frame[100], stripped[96];

	(void)state;
	rx_post(&ring, 15);
	frame_to(frame, card_mac, sizeof(frame), 7);
	memcpy(frame + 12, "\x81\x00\x61\x23", 4); /* priority 3, VLAN 0x123 */
	memcpy(stripped, frame, 12);
	memcpy(stripped + 12, frame + 16, 84);

	assert_int_equal(nic_receive(card.nic, frame, 100, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(rx_length(&ring, 0), 100);
	assert_true(rx_status(&ring, 0) & RXD_VP);
	assert_memory_equal(memory(rx_buffer(&ring, 0)), frame, 100);

	/* By a write that the card does not see. */
	reg_poke(RXDCTL(0), RXDCTL_ENABLE | RXDCTL_VME);
	card_poll(LOTS);
	assert_int_equal(nic_receive(card.nic, frame, 100, 0), NIC_TAKEN);
	arrive(60, 1);
	card_poll(LOTS);
	assert_int_equal(rx_length(&ring, 1), 96);
	assert_true(rx_status(&ring, 1) & RXD_VP);
	assert_int_equal(rx_vlan(&ring, 1), 0x6123);
	assert_memory_equal(memory(rx_buffer(&ring, 1)), stripped, 96);
	assert_false(rx_status(&ring, 2) & RXD_VP);
	assert_int_equal(rx_length(&ring, 2), 60);

	reg_set(VLNCTRL, VLNCTRL_VFE);
	assert_int_equal(nic_receive(card.nic, frame, 100, 0), NIC_FILTERED);
	assert_int_equal(arrive(60, 2), NIC_TAKEN);
	reg_write(VFTA(0x123 / 32), 1u << 0x123 % 32);
	assert_int_equal(nic_receive(card.nic, frame, 100, 0), NIC_TAKEN);
}

static void size_limits_hold(void **state)
{
	struct ring ring = rx_ring(0, 16, ADVANCED);
	uint8_t tagged[1600];

	(void)state;
	rx_post(&ring, 15);
	frame_to(tagged, card_mac, sizeof(tagged), 0);
	memcpy(tagged + 12, "\x81\x00\x00\x01", 4);
	assert_int_equal(arrive(59, 0), NIC_FILTERED);
	assert_int_equal(arrive(1514, 0), NIC_TAKEN);
	assert_int_equal(arrive(1515, 0), NIC_FILTERED);
	assert_int_equal(nic_receive(card.nic, tagged, 1518, 0), NIC_TAKEN);
	assert_int_equal(nic_receive(card.nic, tagged, 1519, 0), NIC_FILTERED);

	/* MAXFRS counts only with JUMBOEN. */
	reg_write(MAXFRS, 9728u << 16);
	assert_int_equal(arrive(9724, 0), NIC_FILTERED);
	reg_set(HLREG0, HLREG0_JUMBOEN);
	assert_int_equal(arrive(9724, 0), NIC_TAKEN);
	assert_int_equal(arrive(9725, 0), NIC_FILTERED);
	reg_write(MAXFRS, 0xFFFFu << 16);
	assert_int_equal(arrive(NIC_FRAME_MAX, 0), NIC_TAKEN);
	reg_write(MAXFRS, 3u << 16);
	assert_int_equal(arrive(60, 0), NIC_FILTERED);
	card_poll(LOTS);
	assert_int_equal(reg_read(RUC), 1);
	assert_int_equal(reg_read(ROC), 5);
	assert_int_equal(nic_account(card.nic)->rx_oversize, 5);
}

static void all_queues_receive(void **state)
{
	static struct ring rings[NIC_QUEUES];
	uint8_t frame[60];

	(void)state;
	for (uint32_t i = 0; i < NIC_QUEUES; i++) {
		rings[i] = rx_ring(i, 16, ADVANCED);
		rx_post(&rings[i], 15);
	}
	for (uint32_t round = 0; round < 3; round++) {
		for (uint32_t i = 0; i < NIC_QUEUES; i++) {
			reg_write(ETQF(3), 0x88B5 | ETQF_FILTER_EN);
			reg_write(ETQS(3), i << 16 | ETQS_QUEUE_EN);
			frame_to(frame, card_mac, 60, i);
			frame[12] = 0x88;
			frame[13] = 0xB5;
			assert_int_equal(nic_receive(card.nic, frame, 60, 0), NIC_TAKEN);
			if (i % 3 == 0)
				card_poll(LOTS);
		}
		card_poll(LOTS);
		for (uint32_t i = 0; i < NIC_QUEUES; i++) {
			assert_true(rx_status(&rings[i], round) & RXD_DD);
			assert_int_equal(rx_status(&rings[i], round + 1) & RXD_DD, 0);
			assert_int_equal(rings[i].desc[round].lo, RXD_TYPE_ETQF(3));
			assert_int_equal(memory(rx_buffer(&rings[i], round))[20],
					 (uint8_t)(i * 31 + 20));
			assert_int_equal(reg_peek(RDH(i)), round + 1);
		}
	}
}

static void rss_spreads_by_hash(void **state)
{
	/* The verification suite of the hash: 66.9.149.187:2794 to 161.142.100.80:1766. */
	static const uint8_t key[40] = {
		0x6D, 0x5A, 0x56, 0xDA, 0x25, 0x5B, 0x0E, 0xC2, 0x41, 0x67, 0x25, 0x3D, 0x43, 0xA3,
		0x8F, 0xB0, 0xD0, 0xCA, 0x2B, 0xCB, 0xAE, 0x7B, 0x30, 0xB4, 0x77, 0xCB, 0x2D, 0xA3,
		0x80, 0x30, 0xF2, 0x0C, 0x6A, 0x42, 0xB7, 0x3B, 0xBE, 0xAC, 0x01, 0xFA
	};
	static const uint8_t tuple[12] = { 66,	9,  149,  187,	161,  142,
					   100, 80, 0x0A, 0xEA, 0x06, 0xE6 };
	struct ring with_ports = rx_ring(7, 8, ADVANCED), without = rx_ring(9, 8, ADVANCED);
	struct ring other = rx_ring(0, 8, ADVANCED);
	uint8_t frame[128] = { 0 };
	size_t length;

	(void)state;
	rx_post(&with_ports, 7);
	rx_post(&without, 7);
	rx_post(&other, 7);
	for (uint32_t i = 0; i < 10; i++)
		reg_write(RSSRK(i), key[i * 4] | key[i * 4 + 1] << 8 | key[i * 4 + 2] << 16 |
					    (uint32_t)key[i * 4 + 3] << 24);
	for (uint32_t i = 0; i < 32; i++)
		reg_write(RETA(i), 0);
	reg_write(RETA((0x51ccc178 & 127) / 4), 7u << (0x51ccc178 % 4 * 8));
	reg_write(RETA((0x323e8fc2 & 127) / 4), 9u << (0x323e8fc2 % 4 * 8));
	reg_set(RXCSUM, RXCSUM_PCSD);
	reg_write(MRQC, 1 | MRQC_TCP_IPV4 | MRQC_IPV4);

	length = ip_frame(frame, 4, 6, 20);
	memcpy(frame + 26, tuple, 12);
	ip_seal(frame + 14, length - 14);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	length = ip_frame(frame, 4, 17, 20);
	memcpy(frame + 26, tuple, 12);
	ip_seal(frame + 14, length - 14);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	assert_int_equal(arrive(60, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(with_ports.desc[0].lo,
			 0x51ccc178ull << 32 | RXD_TYPE_IPV4 | RXD_TYPE_TCP | RXD_RSS_TCP_IPV4);
	assert_int_equal(without.desc[0].lo,
			 0x323e8fc2ull << 32 | RXD_TYPE_IPV4 | RXD_TYPE_UDP | RXD_RSS_IPV4);
	assert_int_equal(other.desc[0].lo, 0);
	assert_true(rx_status(&other, 0) & RXD_DD);
}

/* 7.1.2.5, register by register: each filter that should not match has another fault. */
static void five_tuple_filters_choose_the_queue(void **state)
{
	enum { MISS = FTQF_QUEUE_EN | FTQF_MASK_POOL, ALL_MASKS = 0x1Fu << 25 };
	struct ring ring = rx_ring(100, 16, ADVANCED), other = rx_ring(0, 16, ADVANCED);
	uint8_t frame[128] = { 0 };
	size_t length = ip_frame(frame, 4, 17, 20);

	(void)state;
	rx_post(&ring, 15);
	rx_post(&other, 15);
	memcpy(frame + 26, "\x0A\x01\x02\x03\xC0\xA8\x04\x05\x12\x34\x56\x78", 12);
	ip_seal(frame + 14, length - 14);
	for (uint32_t i = 0; i < 128; i++) {
		reg_write(SAQF(i), 0x0302010A);
		reg_write(DAQF(i), 0x0504A8C0);
		reg_write(SDPQF(i), 0x78563412);
		reg_write(L34TIMIR(i), 1 << 19 | 100 << 21);
	}
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	reg_write(FTQF(3), MISS | 1 << 2 | 1);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(0)), 1);
	assert_int_equal(reg_peek(RDH(100)), 1);

	reg_write(FTQF(3), MISS | 1 << 2);		/* TCP */
	reg_write(FTQF(4), FTQF_MASK_POOL | 1);		/* not enabled */
	reg_write(FTQF(5), FTQF_QUEUE_EN | 1 << 8 | 1); /* of pool 1 */
	reg_write(SAQF(6), 0x0402010A);
	reg_write(FTQF(6), MISS | 1);
	reg_write(DAQF(7), 0);
	reg_write(FTQF(7), MISS | 1);
	reg_write(SDPQF(8), 0x78563413);
	reg_write(FTQF(8), MISS | 1);
	reg_write(SDPQF(9), 0x78573412);
	reg_write(FTQF(9), MISS | 1);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(0)), 2);
	for (uint32_t i = 6; i < 10; i++) { /* unless that field is masked */
		reg_write(FTQF(i), MISS | 1 | FTQF_MASK_SRC << (i - 6));
		assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
		reg_write(FTQF(i), 0);
	}
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(100)), 5);

	/* Priority 7 is the highest; the address of IPv4 never matches IPv6. */
	reg_write(L34TIMIR(10), 0);
	reg_write(FTQF(10), MISS | ALL_MASKS | 2 << 2);
	reg_write(FTQF(11), MISS | ALL_MASKS | 3 << 2);
	reg_write(FTQF(12), MISS | ALL_MASKS | 1 << 2);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(100)), 6);
	reg_write(SAQF(11), 0);
	reg_write(FTQF(11), MISS | (ALL_MASKS & ~FTQF_MASK_SRC) | 3 << 2);
	length = ip_frame(frame, 6, 17, 20);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(0)), 3);
}

/* 7.1.2.4 */
static void syn_packets_have_a_queue(void **state)
{
	struct ring syns = rx_ring(5, 16, ADVANCED), flow = rx_ring(6, 16, ADVANCED),
		    other = rx_ring(0, 16, ADVANCED);
	uint8_t frame[128];
	size_t length = ip_frame(frame, 4, 6, 20);

	(void)state;
	rx_post(&syns, 15);
	rx_post(&flow, 15);
	rx_post(&other, 15);
	reg_write(SYNQF, SYNQF_QUEUE_EN | 5 << 1);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	frame[14 + 20 + 13] = 0x02;
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(0)), 1);
	assert_int_equal(reg_peek(RDH(5)), 1);

	/* A 5-tuple filter that matches comes first, or not. */
	reg_write(L34TIMIR(0), 1 << 19 | 6 << 21);
	reg_write(FTQF(0), FTQF_QUEUE_EN | FTQF_MASK_POOL | 0x1Fu << 25);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(6)), 1);
	reg_set(SYNQF, SYNQF_SYNQFP);
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	length = ip_frame(frame, 4, 17, 20); /* not TCP */
	frame[14 + 20 + 13] = 0x02;
	assert_int_equal(nic_receive(card.nic, frame, length, 0), NIC_TAKEN);
	card_poll(LOTS);
	assert_int_equal(reg_peek(RDH(5)), 2);
	assert_int_equal(reg_peek(RDH(6)), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(filters_let_in_what_they_should),
		card_test(vlan_is_stripped_and_filtered),
		card_test(size_limits_hold),
		card_test(all_queues_receive),
		card_test(rss_spreads_by_hash),
		card_test(five_tuple_filters_choose_the_queue),
		card_test(syn_packets_have_a_queue),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
