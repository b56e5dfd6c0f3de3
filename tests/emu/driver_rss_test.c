/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: RSS. Packets go through card and driver. */
#include "driver.h"

#include <ixy/flow.h>
#include <ixy/rss.h>

#include "ip_packet.h"

#define NO_PORTS (1 << IXY_HASH_IPV4 | 1 << IXY_HASH_IPV6)

static struct ixy_device *open_queues(uint16_t queues)
{
	struct ixy_config config = { .rx_queues = queues,
				     .rx_ring = 64,
				     .tx_ring = 64,
				     .buffers = 256,
				     .promiscuous = true,
				     .rx_info = true };

	return open_card(0, &config);
}

/* Microsoft: Verifying the RSS Hash Calculation. */
static void the_hash_is_that_of_the_verification_suite(void **state)
{
	static const struct {
		struct ip_packet packet;
		uint32_t addresses, ports;
	} vectors[] = {
		{ { 4, 0, { 66, 9, 149, 187 }, { 161, 142, 100, 80 }, 2794, 1766, false },
		  0x323e8fc2,
		  0x51ccc178 },
		{ { 4, 0, { 199, 92, 111, 2 }, { 65, 69, 140, 83 }, 14230, 4739, false },
		  0xd718262a,
		  0xc626b0ea },
		{ { 4, 0, { 24, 19, 198, 95 }, { 12, 22, 207, 184 }, 12898, 38024, false },
		  0xd2d0a5de,
		  0x5c2b394a },
		{ { 4, 0, { 38, 27, 205, 30 }, { 209, 142, 163, 6 }, 48228, 2217, false },
		  0x82989176,
		  0xafc7327f },
		{ { 4, 0, { 153, 39, 163, 191 }, { 202, 188, 127, 2 }, 44251, 1303, false },
		  0x5d1809c5,
		  0x10e828a2 },
		{ { 6,
		    0,
		    { 0x3f, 0xfe, 0x25, 1, 2, 0, 0x1f, 0xff, [15] = 7 },
		    { 0x3f, 0xfe, 0x25, 1, 2, 0, 0, 3, [15] = 1 },
		    2794,
		    1766,
		    false },
		  0x2cc18cd5,
		  0x40207d3d },
		{ { 6,
		    0,
		    { 0x3f, 0xfe, 5, 1, 0, 8, 0, 0, 2, 0x60, 0x97, 0xff, 0xfe, 0x40, 0xef, 0xab },
		    { 0xff, 2, [15] = 1 },
		    14230,
		    4739,
		    false },
		  0x0f0c461c,
		  0xdde51bbf },
		{ { 6,
		    0,
		    { 0x3f, 0xfe, 0x19, 0, 0x45, 0x45, 0, 3, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67,
		      0xcf },
		    { 0xfe, 0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0xf8, 0xff, 0xfe, 0x21, 0x67, 0xcf },
		    44251,
		    38024,
		    false },
		  0x4b61e985,
		  0x02d1feef },
	};
	static const struct {
		uint8_t protocol;
		uint8_t types[2]; /* IPv4, IPv6 */
	} kinds[] = {
		{ IPPROTO_TCP, { IXY_HASH_TCP_IPV4, IXY_HASH_TCP_IPV6 } },
		{ IPPROTO_UDP, { IXY_HASH_UDP_IPV4, IXY_HASH_UDP_IPV6 } },
		{ IPPROTO_SCTP, { IXY_HASH_IPV4, IXY_HASH_IPV6 } },
		{ IPPROTO_GRE, { IXY_HASH_IPV4, IXY_HASH_IPV6 } },
	};
	struct ixy_device *dev = open_queues(16);
	struct pkt_buf info;

	(void)state;
	for (int with_ports = 1; with_ports >= 0; with_ports--) {
		for (size_t i = 0; i < sizeof(vectors) / sizeof(*vectors); i++) {
			for (size_t k = 0; k < sizeof(kinds) / sizeof(*kinds); k++) {
				struct ip_packet p = vectors[i].packet;
				bool ports = with_ports && k < 2;
				uint32_t hash = ports ? vectors[i].ports : vectors[i].addresses;
				p.protocol = kinds[k].protocol;
				assert_int_equal(ip_queue(dev, &p, &info), hash % 16);
				assert_int_equal(ixy_rx_hash(&info), hash);
				assert_int_equal(ixy_rx_hash_type(&info),
						 with_ports	 ? kinds[k].types[p.family == 6]
						 : p.family == 4 ? IXY_HASH_IPV4
								 : IXY_HASH_IPV6);
			}
		}
		assert_int_equal(ixy_set_rss_types(dev, NO_PORTS), 0);
	}
	ixy_close(dev);
}

/* The flows of ixy-emu's generator: address and port count up. */
static struct ip_packet generated(uint32_t flow)
{
	struct ip_packet p = { .family = 4, .protocol = IPPROTO_UDP, .dst = { 198, 18, 0, 1 } };
	uint32_t address = 10u << 24 | (1 + flow);

	for (int i = 0; i < 4; i++)
		p.src[i] = (uint8_t)(address >> (24 - 8 * i));
	p.src_port = (uint16_t)(1024 + flow);
	p.dst_port = 9;
	return p;
}

static void a_thousand_flows_spread_evenly_and_each_stays_on_its_queue(void **state)
{
	static const uint16_t counts[] = { 2, 3, 4, 8, 16 };

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		struct ixy_device *dev = open_queues(counts[c]);
		uint32_t flows[16] = { 0 };
		uint16_t first[1000];
		for (uint32_t i = 0; i < 3000; i++) {
			struct ip_packet p = generated(i % 1000);
			uint16_t queue = ip_queue(dev, &p, NULL);
			if (i < 1000)
				first[i] = queue;
			assert_int_equal(queue, first[i % 1000]);
			flows[queue]++;
		}
		for (uint16_t q = 0; q < counts[c]; q++)
			assert_in_range(flows[q] * counts[c], 3000 * 8 / 10, 3000 * 12 / 10);
		ixy_close(dev);
	}
}

static void a_symmetric_key_brings_both_directions_together(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct ixy_device *dev = open_queues(16);
	uint32_t apart = 0, on[16] = { 0 };

	(void)state;
	for (int symmetric = 0; symmetric < 2; symmetric++) {
		for (uint32_t i = 0; i < 600; i++) {
			struct ip_packet there = ip_flow(i, i % 2 ? 4 : 6, protocols[i / 2 % 3]);
			struct ip_packet back = ip_reverse(&there);
			struct pkt_buf a, b;
			uint16_t queue = ip_queue(dev, &there, &a);
			bool same = ip_queue(dev, &back, &b) == queue;
			if (!symmetric) {
				apart += !same;
				continue;
			}
			assert_true(same);
			assert_int_equal(ixy_rx_hash(&a), ixy_rx_hash(&b));
			on[queue]++;
		}
		assert_int_equal(ixy_set_rss_key(dev, ixy_rss_key_symmetric), 0);
	}
	assert_true(apart > 500);
	for (int q = 0; q < 16; q++)
		assert_true(on[q] > 10);
	ixy_close(dev);
}

static void the_configuration_can_ask_for_the_symmetric_key(void **state)
{
	struct ixy_config config = { .rx_queues = 16, .promiscuous = true, .rss_symmetric = true };
	struct ixy_device *dev = open_card(0, &config);

	(void)state;
	for (uint32_t i = 0; i < 100; i++) {
		struct ip_packet there = ip_flow(i, 4, IPPROTO_TCP), back = ip_reverse(&there);
		assert_int_equal(ip_queue(dev, &there, NULL), ip_queue(dev, &back, NULL));
	}
	ixy_close(dev);
}

static void the_table_chooses_the_queues(void **state)
{
	struct ixy_device *dev = open_queues(8);
	uint16_t table[IXY_RSS_TABLE_SIZE];
	struct pkt_buf info;

	(void)state;
	for (uint16_t i = 0; i < IXY_RSS_TABLE_SIZE; i++)
		table[i] = i * 37 % 101 % 8;
	assert_int_equal(ixy_set_rss_table(dev, table), 0);
	for (uint32_t i = 0; i < 1000; i++) {
		struct ip_packet p = ip_flow(i, 4, IPPROTO_TCP);
		uint16_t queue = ip_queue(dev, &p, &info);
		assert_int_equal(queue, table[ixy_rx_hash(&info) & 127]);
	}
	ixy_close(dev);
}

static void a_table_that_reaches_too_far_is_refused(void **state)
{
	struct ixy_device *dev = open_queues(20);
	uint16_t table[IXY_RSS_TABLE_SIZE];
	struct ip_packet p = ip_flow(1, 4, IPPROTO_TCP);

	(void)state;
	for (uint16_t i = 0; i < IXY_RSS_TABLE_SIZE; i++)
		table[i] = 5;
	assert_int_equal(ixy_set_rss_table(dev, table), 0);
	for (uint16_t i = 0; i < IXY_RSS_TABLE_SIZE; i++)
		table[i] = i == 100 ? 16 : 7;
	assert_int_equal(ixy_set_rss_table(dev, table), -EINVAL); /* more than four bits */
	assert_non_null(strstr(driver_log, "entry 100 is queue 16; this card's table reaches 0 to "
					   "15"));
	table[100] = 20;
	assert_int_equal(ixy_set_rss_table(dev, table), -EINVAL); /* not open */
	assert_non_null(strstr(driver_log, "entry 100 is queue 20; there are 20"));
	assert_int_equal(ip_queue(dev, &p, NULL), 5); /* nothing has changed */
	table[100] = 15;
	assert_int_equal(ixy_set_rss_table(dev, table), 0);
	assert_int_equal(ip_queue(dev, &p, NULL), 7);
	ixy_close(dev);
}

static void what_has_no_hash_goes_to_queue_0(void **state)
{
	struct ixy_device *dev = open_queues(4);
	struct ip_packet p = ip_flow(1, 4, IPPROTO_UDP);
	uint16_t table[IXY_RSS_TABLE_SIZE];
	struct pkt_buf *buf, info;

	(void)state;
	for (uint16_t i = 0; i < IXY_RSS_TABLE_SIZE; i++)
		table[i] = 3;
	assert_int_equal(ixy_set_rss_table(dev, table), 0);
	assert_int_equal(ip_queue(dev, &p, NULL), 3);
	assert_int_equal(wire_to(0, 60, 1), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	assert_int_equal(ixy_rx_hash_type(buf), IXY_HASH_NONE);
	assert_int_equal(ixy_rx_hash(buf), 0);
	pkt_buf_free(buf);

	assert_int_equal(ixy_set_rss_types(dev, ~(1u << IXY_HASH_UDP_IPV4)), -EINVAL);
	assert_int_equal(ip_queue(dev, &p, NULL), 3);
	assert_int_equal(ixy_set_rss_types(dev, 1 << IXY_HASH_TCP_IPV4), 0);
	assert_int_equal(ip_queue(dev, &p, &info), 0);
	assert_int_equal(ixy_rx_hash_type(&info), IXY_HASH_NONE);
	p.protocol = IPPROTO_TCP;
	assert_int_equal(ip_queue(dev, &p, NULL), 3);
	assert_int_equal(ixy_set_rss_types(dev, 0), 0);
	assert_int_equal(ip_queue(dev, &p, NULL), 0);
	ixy_close(dev);
}

static void fragments_are_hashed_by_their_addresses(void **state)
{
	struct ixy_device *dev = open_queues(16);
	struct ip_packet p = ip_flow(1, 4, IPPROTO_UDP), other = p;
	struct pkt_buf info;

	(void)state;
	p.fragment = other.fragment = true;
	other.src_port ^= 0x5555;
	uint16_t queue = ip_queue(dev, &p, &info);
	assert_int_equal(ixy_rx_hash_type(&info), IXY_HASH_IPV4);
	assert_int_equal(ip_queue(dev, &other, NULL), queue);
	ixy_close(dev);
}

static void a_new_session_begins_with_the_defaults(void **state)
{
	struct ixy_device *dev = open_queues(16);
	uint16_t table[IXY_RSS_TABLE_SIZE] = { 0 };
	struct ip_packet p = ip_flow(1, 4, IPPROTO_TCP);
	struct pkt_buf before, info;

	(void)state;
	uint16_t queue = ip_queue(dev, &p, &before);
	assert_int_equal(queue, ixy_rx_hash(&before) % 16);
	assert_int_not_equal(queue, 0);
	assert_int_equal(ixy_set_rss_table(dev, table), 0);
	assert_int_equal(ixy_set_rss_key(dev, ixy_rss_key_symmetric), 0);
	assert_int_equal(ixy_set_rss_types(dev, NO_PORTS), 0);
	assert_int_equal(ip_queue(dev, &p, &info), 0);
	assert_int_not_equal(ixy_rx_hash(&info), ixy_rx_hash(&before));
	ixy_close(dev);

	dev = open_queues(16);
	assert_int_equal(ip_queue(dev, &p, &info), queue);
	assert_int_equal(ixy_rx_hash(&info), ixy_rx_hash(&before));
	ixy_close(dev);

	dev = open_card(0, &(struct ixy_config){ .promiscuous = true });
	assert_int_equal(ip_queue(dev, &p, NULL), 0); /* one queue */
	ixy_close(dev);
}

/* The card has 128 receive queues, in two pages; the table reaches 16. */
static void queues_that_rss_does_not_reach_work(void **state)
{
	static const uint16_t counts[] = { 64, 65, 128 };

	(void)state;
	for (size_t c = 0; c < sizeof(counts) / sizeof(*counts); c++) {
		struct ixy_device *dev = open_queues(counts[c]);
		uint32_t on[128] = { 0 };
		for (uint32_t i = 0; i < 200; i++) {
			struct ip_packet p = ip_flow(i, 4, IPPROTO_TCP);
			on[ip_queue(dev, &p, NULL)]++;
		}
		for (uint16_t q = 0; q < counts[c]; q++)
			assert_int_equal(on[q] > 0, q < 16);
		for (uint16_t q = 16; q < counts[c]; q++) {
			struct ip_packet p = ip_flow(1000u + q, 4, IPPROTO_TCP);
			struct ixy_flow flow = { .match = IXY_FLOW_SRC, .queue = q };
			memcpy(flow.src, p.src, 4);
			assert_true(ixy_add_flow(dev, &flow) >= 0);
			assert_int_equal(ip_queue(dev, &p, NULL), q);
		}
		ixy_close(dev);
	}
	assert_string_equal(driver_log, "");
}

static void a_queue_too_many_is_refused_with_the_reason(void **state)
{
	struct ixy_config config = { .rx_queues = 129 };

	(void)state;
	open_fails(&config, EINVAL,
		   "129 receive queues are not possible; 1 to 128 are: an 82599 "
		   "has 128");
	driver_log[0] = 0;
	config = (struct ixy_config){ .tx_queues = 65 };
	open_fails(&config, EINVAL,
		   "65 send queues are not possible; 1 to 64 are: an 82599 uses "
		   "64");
}

static void a_card_that_has_gone_is_noticed(void **state)
{
	static const struct ixy_flow flow = { .queue = 1 };
	uint16_t table[IXY_RSS_TABLE_SIZE] = { 0 };
	struct ixy_device *dev = open_queues(4);

	(void)state;
	emu_cards[0].accesses_left = 0;
	assert_int_equal(ixy_set_rss_table(dev, table), -ENODEV);
	assert_int_equal(ixy_set_rss_key(dev, ixy_rss_key_symmetric), -ENODEV);
	assert_int_equal(ixy_set_rss_types(dev, 0), -ENODEV);
	assert_int_equal(ixy_add_flow(dev, &flow), -ENODEV);
	assert_int_equal(ixy_remove_flow(dev, 0), -ENODEV);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(the_hash_is_that_of_the_verification_suite),
		driver_test(a_thousand_flows_spread_evenly_and_each_stays_on_its_queue),
		driver_test(a_symmetric_key_brings_both_directions_together),
		driver_test(the_configuration_can_ask_for_the_symmetric_key),
		driver_test(the_table_chooses_the_queues),
		driver_test(a_table_that_reaches_too_far_is_refused),
		driver_test(what_has_no_hash_goes_to_queue_0),
		driver_test(fragments_are_hashed_by_their_addresses),
		driver_test(a_new_session_begins_with_the_defaults),
		driver_test(queues_that_rss_does_not_reach_work),
		driver_test(a_queue_too_many_is_refused_with_the_reason),
		driver_test(a_card_that_has_gone_is_noticed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
