/* SPDX-License-Identifier: BSD-2-Clause */
/* Virtual machine device queues: frames go to the pools that want them; and traffic classes. */
#include "tests/unit/nic_card.h"

#define POOLS 4 /* of 64, in these tests */

static struct ring rings[POOLS * 4];
static uint32_t per_pool;

static const uint8_t broadcast[6] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF };
static const uint8_t multicast[6] = { 0x01, 0x00, 0x5E, 1, 2, 3 };
static const uint8_t stranger[6] = { 0x02, 9, 9, 9, 9, 9 };

static const uint8_t *pool_mac(uint32_t pool)
{
	static uint8_t mac[6];

	memcpy(mac, "\x02\x00\x00\x00\x77", 5);
	mac[5] = (uint8_t)pool;
	return mac;
}

static void set_address(uint32_t entry, const uint8_t mac[6], uint32_t pools)
{
	reg_write(RAL(entry), mac[0] | mac[1] << 8 | mac[2] << 16 | (uint32_t)mac[3] << 24);
	reg_write(RAH(entry), RAH_AV | mac[4] | mac[5] << 8);
	reg_write(MPSAR(2 * entry), pools);
	reg_write(MPSAR(2 * entry + 1), 0);
}

/* Pools of two or four queues. Pool n has the address pool_mac(n), takes frames without a tag, and all may receive; 0 is the default pool. */
static void pools_on(uint32_t mode)
{
	per_pool = mode == MRQC_VMDQ_32_RSS ? 4 : 2;
	reg_write(MRQC, mode | MRQC_IPV4 | MRQC_TCP_IPV4);
	reg_write(PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN);
	reg_write(PFVFRE(0), (1 << POOLS) - 1);
	for (uint32_t pool = 0; pool < POOLS; pool++) {
		set_address(10 + pool, pool_mac(pool), 1 << pool);
		reg_write(PFVML2FLT(pool), PFVML2FLT_AUPE);
		reg_write(PSRTYPE(pool), 2u << 29);
	}
	for (uint32_t i = 0; i < POOLS * per_pool; i++) {
		rings[i] = rx_ring(i, 64, ADVANCED);
		rx_post(&rings[i], 63);
	}
}

static uint32_t frames_in(uint32_t queue)
{
	uint32_t n = 0;

	while (n < 63 && rx_status(&rings[queue], n) & RXD_DD)
		n++;
	return n;
}

/* A frame arrives; a bit for each pool that has a copy. */
static uint32_t pools_of(const uint8_t *frame, size_t length)
{
	uint32_t before[POOLS] = { 0 }, pools = 0;

	for (uint32_t i = 0; i < POOLS * per_pool; i++)
		before[i / per_pool] += frames_in(i);
	nic_receive(card.nic, frame, length, 0);
	card_poll(LOTS);
	for (uint32_t i = 0; i < POOLS * per_pool; i++)
		before[i / per_pool] -= frames_in(i);
	for (uint32_t pool = 0; pool < POOLS; pool++) {
		assert_true(before[pool] == 0 || before[pool] == UINT32_MAX);
		pools |= (before[pool] != 0) << pool;
	}
	return pools;
}

static uint32_t pools_of_address(const uint8_t destination[6])
{
	uint8_t frame[60];

	frame_to(frame, destination, sizeof(frame), 1);
	return pools_of(frame, sizeof(frame));
}

static void each_address_has_its_pools(void **state)
{
	(void)state;
	pools_on(MRQC_VMDQ_64);
	for (uint32_t pool = 0; pool < POOLS; pool++)
		assert_int_equal(pools_of_address(pool_mac(pool)), 1 << pool);
	set_address(20, pool_mac(9), 0xA);
	assert_int_equal(pools_of_address(pool_mac(9)), 0xA);
	assert_int_equal(pools_of_address(stranger), 0);
	reg_write(PFVFRE(0), 2);
	assert_int_equal(pools_of_address(pool_mac(9)), 2);
	assert_int_equal(pools_of_address(pool_mac(3)), 0);
}

static void broadcast_and_multicast_are_for_those_who_want_them(void **state)
{
	const uint32_t bit = (multicast[4] >> 4 | multicast[5] << 4) & 0xFFF;

	(void)state;
	pools_on(MRQC_VMDQ_64);
	reg_set(FCTRL, FCTRL_BAM);
	reg_write(PFVML2FLT(1), PFVML2FLT_AUPE | PFVML2FLT_BAM);
	reg_write(PFVML2FLT(2), PFVML2FLT_AUPE | PFVML2FLT_BAM | PFVML2FLT_ROMPE);
	reg_write(PFVML2FLT(3), PFVML2FLT_AUPE | PFVML2FLT_MPE);
	assert_int_equal(pools_of_address(broadcast), 6);
	assert_int_equal(pools_of_address(multicast), 0); /* does not get into the port */
	reg_set(FCTRL, FCTRL_MPE);
	assert_int_equal(pools_of_address(multicast), 8);
	reg_write(MTA(bit / 32), 1u << bit % 32);
	reg_write(MCSTCTRL, MCSTCTRL_MFE);
	assert_int_equal(pools_of_address(multicast), 12);
}

static void what_no_pool_wants_is_the_default_pools(void **state)
{
	(void)state;
	pools_on(MRQC_VMDQ_64);
	reg_set(FCTRL, FCTRL_UPE);
	reg_write(PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN | 2 << 7);
	assert_int_equal(pools_of_address(stranger), 4);
	reg_write(PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN | PFVTCTL_DIS_DEF_PL | 2 << 7);
	assert_int_equal(pools_of_address(stranger), 0);
	assert_int_equal(nic_account(card.nic)->rx_filtered, 1);
	reg_write(PFVML2FLT(1), PFVML2FLT_AUPE | PFVML2FLT_ROPE);
	const uint32_t bit = (stranger[4] >> 4 | stranger[5] << 4) & 0xFFF;
	reg_write(PFUTA + bit / 32 * 4, 1u << bit % 32);
	assert_int_equal(pools_of_address(stranger), 2);
}

static void vlans_have_members(void **state)
{
	uint8_t frame[64];

	(void)state;
	pools_on(MRQC_VMDQ_64);
	reg_write(VLNCTRL, VLNCTRL_VFE | 0x8100);
	reg_write(VFTA(0), 1 << 5 | 1 << 6);
	set_address(20, pool_mac(9), 0xF);
	reg_write(PFVLVF(7), PFVLVF_VI_EN | 5);
	reg_write(PFVLVFB(14), 0x6);
	reg_write(PFVLVF(8), 6); /* not enabled */
	reg_write(PFVLVFB(16), 0xF);
	reg_write(PFVTCTL, PFVTCTL_VT_ENA | PFVTCTL_RPL_EN | PFVTCTL_DIS_DEF_PL);
	frame_to(frame, pool_mac(9), sizeof(frame), 1);
	assert_int_equal(pools_of(frame, sizeof(frame)), 0xF);
	reg_write(PFVML2FLT(0), 0); /* wants frames with a tag only */
	assert_int_equal(pools_of(frame, sizeof(frame)), 0xE);
	store_be16(frame + 12, 0x8100);
	store_be16(frame + 14, 5);
	assert_int_equal(pools_of(frame, sizeof(frame)), 0x6);
	store_be16(frame + 14, 6);
	assert_int_equal(pools_of(frame, sizeof(frame)), 0);
	store_be16(frame + 14, 7); /* does not get into the port */
	assert_int_equal(pools_of(frame, sizeof(frame)), 0);
}

static void without_replication_there_is_one_copy(void **state)
{
	(void)state;
	pools_on(MRQC_VMDQ_64);
	set_address(20, pool_mac(9), 0xC);
	reg_write(PFVTCTL, PFVTCTL_VT_ENA);
	assert_int_equal(pools_of_address(pool_mac(9)), 0x4);
}

/* All entries of RETA are 3, so that queues are those with the highest number that RSS reaches. */
static void rss_finds_a_queue_of_the_pool(void **state)
{
	static const struct {
		uint32_t mode, bits, queue;
	} cases[] = {
		{ MRQC_VMDQ_64, 1, 0 },	    { MRQC_VMDQ_64_RSS, 0, 0 }, { MRQC_VMDQ_64_RSS, 1, 1 },
		{ MRQC_VMDQ_64_RSS, 2, 1 }, { MRQC_VMDQ_32_RSS, 0, 0 }, { MRQC_VMDQ_32_RSS, 1, 1 },
		{ MRQC_VMDQ_32_RSS, 2, 3 },
	};
	uint8_t frame[128];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		pools_on(cases[i].mode);
		for (uint32_t r = 0; r < 32; r++)
			reg_write(RETA(r), 0x03030303);
		for (uint32_t pool = 0; pool < POOLS; pool++) {
			const uint32_t queue = pool * per_pool + cases[i].queue;
			const size_t length = ip_frame(frame, 4, 6, 20);
			reg_write(PSRTYPE(pool), cases[i].bits << 29);
			memcpy(frame, pool_mac(pool), 6);
			nic_receive(card.nic, frame, length, 0);
			card_poll(LOTS);
			assert_int_equal(frames_in(queue), 1);
		}
		reg_write(RXCTRL, 0);
		for (uint32_t q = 0; q < POOLS * per_pool; q++)
			reg_write(RXDCTL(q), 0);
		reg_write(RXCTRL, RXCTRL_RXEN);
	}
}

/* A pool without descriptors loses its own copy. */
static void a_full_pool_does_not_hold_up_others(void **state)
{
	(void)state;
	pools_on(MRQC_VMDQ_64);
	set_address(20, pool_mac(9), 0x3);
	reg_write(RXDCTL(0), 0);
	card_poll(LOTS);
	rings[0] = rx_ring(0, 64, ADVANCED); /* no descriptors */
	assert_int_equal(pools_of_address(pool_mac(9)), 0x2);
	assert_int_equal(reg_read(MPC(0)), 1);
}

/* With classes, a pool has a queue for each of them. */
static void pools_have_queues_for_classes(void **state)
{
	uint8_t frame[64];

	(void)state;
	pools_on(MRQC_VMDQ_32_CLASSES);
	per_pool = 4;
	for (uint32_t i = 0; i < POOLS * 4; i++) {
		rings[i] = rx_ring(i, 64, ADVANCED);
		rx_post(&rings[i], 63);
	}
	reg_write(RTRUP2TC, 3 << 15); /* priority 5 is class 3 */
	frame_to(frame, pool_mac(2), sizeof(frame), 1);
	store_be16(frame + 12, 0x8100);
	store_be16(frame + 14, 5 << 13);
	nic_receive(card.nic, frame, sizeof(frame), 0);
	card_poll(LOTS);
	assert_int_equal(frames_in(2 * 4 + 3), 1);
	store_be16(frame + 14, 4 << 13);
	nic_receive(card.nic, frame, sizeof(frame), 0);
	card_poll(LOTS);
	assert_int_equal(frames_in(2 * 4), 1);
}

/* All entries of RETA are 15. */
static void classes_have_queues_by_priority(void **state)
{
	static const struct {
		uint32_t mode, classes, bits, offset;
	} cases[] = {
		{ MRQC_8_CLASSES, 8, 4, 0 },	  { MRQC_4_CLASSES, 4, 4, 0 },
		{ MRQC_8_CLASSES_RSS, 8, 4, 15 }, { MRQC_8_CLASSES_RSS, 8, 1, 1 },
		{ MRQC_4_CLASSES_RSS, 4, 2, 3 },  { MRQC_4_CLASSES_RSS, 4, 0, 0 },
	};
	uint8_t plain[128], frame[132];
	const size_t length = ip_frame(plain, 4, 6, 20);

	(void)state;
	memcpy(plain, card_mac, 6);
	memcpy(frame, plain, 12);
	memcpy(frame + 16, plain + 12, length - 12);
	store_be16(frame + 12, 0x8100);
	reg_write(RTRUP2TC, 07654321); /* priority p is class p + 1, and 7 class 0 */
	for (uint32_t r = 0; r < 32; r++)
		reg_write(RETA(r), 0x0F0F0F0F);
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		reg_write(MRQC, cases[i].mode | MRQC_IPV4 | MRQC_TCP_IPV4);
		reg_write(RQTC, cases[i].bits * 0x11111111);
		for (uint32_t priority = 0; priority < 8; priority++) {
			const uint32_t class = (priority + 1) % 8 % cases[i].classes;
			const uint32_t queue = class * (128 / cases[i].classes) + cases[i].offset;
			struct ring ring = rx_ring(queue, 64, ADVANCED);
			rx_post(&ring, 1);
			store_be16(frame + 14, (uint16_t)(priority << 13));
			assert_int_equal(nic_receive(card.nic, frame, length + 4, 0), NIC_TAKEN);
			card_poll(LOTS);
			assert_true(rx_status(&ring, 0) & RXD_DD);
			if (priority == 0) {
				rx_post(&ring, 1);
				assert_int_equal(nic_receive(card.nic, plain, length, 0),
						 NIC_TAKEN);
				card_poll(LOTS);
				assert_true(rx_status(&ring, 1) & RXD_DD);
			}
			reg_write(RXDCTL(queue), 0);
			card_poll(LOTS);
		}
	}
}

static void without_vt_ena_there_are_no_pools(void **state)
{
	(void)state;
	pools_on(MRQC_VMDQ_64);
	reg_write(PFVTCTL, 0);
	assert_int_equal(pools_of_address(pool_mac(3)), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		card_test(each_address_has_its_pools),
		card_test(broadcast_and_multicast_are_for_those_who_want_them),
		card_test(what_no_pool_wants_is_the_default_pools),
		card_test(vlans_have_members),
		card_test(without_replication_there_is_one_copy),
		card_test(rss_finds_a_queue_of_the_pool),
		card_test(a_full_pool_does_not_hold_up_others),
		card_test(pools_have_queues_for_classes),
		card_test(classes_have_queues_by_priority),
		card_test(without_vt_ena_there_are_no_pools),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
