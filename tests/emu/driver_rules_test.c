/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: thousands of rules that send flows to queues, or drop them. */
#include "driver.h"

#include <ixy/flow.h>

#include "ip_packet.h"

#define QUEUES 24

static struct ixy_device *open_rules(uint32_t rules)
{
	struct ixy_config config = { .rx_queues = QUEUES,
				     .rx_ring = 64,
				     .tx_ring = 64,
				     .buffers = 256,
				     .promiscuous = true,
				     .flow_rules = rules };

	return open_card(0, &config);
}

static struct ip_packet flow_number(uint32_t i)
{
	return ip_flow(i, 4, i % 2 ? IPPROTO_TCP : IPPROTO_UDP);
}

/* Which queue a packet comes out of, or IXY_FLOW_DROP. */
static uint16_t arrives(struct ixy_device *dev, const struct ip_packet *p)
{
	uint8_t frame[IP_PACKET_MAX];
	struct pkt_buf *buf;
	size_t length = ip_packet(frame, p);

	emu_receive(&emu_cards[0], frame, length);
	for (uint16_t q = 0; q < dev->config.rx_queues; q++)
		if (ixy_rx_batch(dev, q, &buf, 1)) {
			assert_memory_equal(buf->data, frame, length);
			pkt_buf_free(buf);
			return q;
		}
	return IXY_FLOW_DROP;
}

static void a_rule_for_each_of_thousands_of_flows(uint32_t rules)
{
	struct ixy_device *dev = open_rules(rules);
	struct ixy_rule_stats stats;

	for (uint32_t i = 0; i < rules; i++) {
		struct ip_packet p = flow_number(i);
		struct ixy_flow flow = ip_exact(&p, i % 25 == 24 ? IXY_FLOW_DROP : i % 25);
		assert_int_equal(ixy_add_rule(dev, &flow), i);
	}
	assert_int_equal(ixy_read_rule_stats(dev, &stats), 0);
	assert_int_equal(stats.matched, 0);
	for (uint32_t i = 0; i < rules; i++) {
		struct ip_packet p = flow_number(i), back = ip_reverse(&p);
		assert_int_equal(arrives(dev, &p), i % 25 == 24 ? IXY_FLOW_DROP : i % 25);
		assert_true(arrives(dev, &back) < 16);
	}
	assert_int_equal(ixy_read_rule_stats(dev, &stats), 0);
	assert_int_equal(stats.matched, rules);
	assert_int_equal(stats.missed, rules);
	for (uint32_t i = 0; i < rules; i += 2)
		assert_int_equal(ixy_remove_rule(dev, (int)i), 0);
	for (uint32_t i = 0; i < rules; i++) {
		struct ip_packet p = flow_number(i);
		if (i % 25 >= 16)
			assert_int_equal(
				arrives(dev, &p) == (i % 25 == 24 ? IXY_FLOW_DROP : i % 25), i % 2);
	}
	ixy_close(dev);
	assert_string_equal(driver_log, "");
}

static void each_flow_has_its_rule(void **state)
{
	(void)state;
	a_rule_for_each_of_thousands_of_flows(300);
	a_rule_for_each_of_thousands_of_flows(2046);
}

/* 64, 128 and 256 KB of the packet buffer: no more than is needed. */
static void the_table_is_as_large_as_asked_for(void **state)
{
	static const struct {
		uint32_t rules, code;
	} sizes[] = { { 1, 1 }, { 2046, 1 }, { 2047, 2 }, { 4094, 2 }, { 4095, 3 }, { 8190, 3 } };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		struct ixy_device *dev = open_rules(sizes[i].rules);
		assert_int_equal(FDIRCTRL_PBALLOC(emu_register(&emu_cards[0], FDIRCTRL)),
				 sizes[i].code);
		assert_int_equal(emu_register(&emu_cards[0], RXPBSIZE(0)) >> 10,
				 512 - (32 << sizes[i].code));
		ixy_close(dev);
	}
}

static void each_field_is_compared_or_left_out(void **state)
{
	struct ixy_device *dev = open_rules(10);

	(void)state;
	for (uint32_t i = 0; i < 64; i++) {
		struct ip_packet p = flow_number(i / 32);
		struct ixy_flow flow = ip_exact(&p, 20);
		flow.match = i % 32;
		const uint8_t ports = IXY_FLOW_SRC_PORT | IXY_FLOW_DST_PORT;
		int rule = ixy_add_rule(dev, &flow);
		if (flow.match & ports && !(flow.match & IXY_FLOW_PROTOCOL)) {
			assert_int_equal(rule, -EINVAL);
			continue;
		}
		assert_int_equal(rule, 0);
		assert_int_equal(arrives(dev, &p), 20);
		for (int field = 0; field < 5; field++) {
			struct ip_packet other = ip_differing(&p, field);
			assert_int_equal(arrives(dev, &other) == 20, !(flow.match >> field & 1));
		}
		assert_int_equal(ixy_remove_rule(dev, rule), 0);
	}
	ixy_close(dev);
}

static void a_vlan_is_a_field(void **state)
{
	struct ixy_device *dev = open_rules(10);
	struct ip_packet p = flow_number(1);
	struct ixy_flow flow = ip_exact(&p, 20);
	uint8_t frame[IP_PACKET_MAX], tagged[IP_PACKET_MAX + 4];
	size_t length = ip_packet(frame, &p);
	struct pkt_buf *buf;

	(void)state;
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x21\x23", 4); /* with a priority, which does not count */
	memcpy(tagged + 16, frame + 12, length - 12);
	flow.match |= IXY_FLOW_VLAN;
	flow.vlan = 0x123;
	assert_int_equal(ixy_add_rule(dev, &flow), 0);
	flow.queue = 21;
	flow.vlan = 0;
	assert_int_equal(ixy_add_rule(dev, &flow), 1);
	assert_int_equal(arrives(dev, &p), 21);
	emu_receive(&emu_cards[0], tagged, length + 4);
	assert_int_equal(ixy_rx_batch(dev, 20, &buf, 1), 1);
	pkt_buf_free(buf);
	tagged[15]++;
	emu_receive(&emu_cards[0], tagged, length + 4);
	assert_int_equal(ixy_rx_batch(dev, 20, &buf, 1), 0);
	ixy_close(dev);
}

static void filters_go_first(void **state)
{
	struct ixy_device *dev = open_rules(10);
	struct ip_packet p = flow_number(1);
	struct ixy_flow flow = ip_exact(&p, 20);

	(void)state;
	assert_int_equal(ixy_add_rule(dev, &flow), 0);
	assert_int_equal(arrives(dev, &p), 20);
	flow.queue = 21;
	assert_int_equal(ixy_add_flow(dev, &flow), 0);
	uint16_t with_both = arrives(dev, &p);
	assert_int_equal(ixy_remove_rule(dev, 0), 0);
	assert_int_equal(arrives(dev, &p), 21);
	assert_int_equal(with_both, 21);
	ixy_close(dev);
}

static void refused(struct ixy_device *dev, const struct ixy_flow *flow, int err, const char *word)
{
	driver_log[0] = 0;
	assert_int_equal(ixy_add_rule(dev, flow), -err);
	if (!strstr(driver_log, word))
		fail_msg("no \"%s\" in: %s", word, driver_log);
}

static void what_the_card_cannot_do_is_refused(void **state)
{
	struct ixy_device *dev = open_rules(2);
	struct ip_packet p = flow_number(1), other = flow_number(2);
	struct ixy_flow good = ip_exact(&p, 1), flow = good;

	(void)state;
	flow.queue = QUEUES;
	refused(dev, &flow, EINVAL, "no queue 24");
	flow = good;
	flow.match |= 0x40;
	refused(dev, &flow, EINVAL, "0x5f");
	flow = good;
	flow.protocol = IPPROTO_ICMP;
	refused(dev, &flow, EINVAL, "protocol 1;");
	flow.protocol = IPPROTO_SCTP;
	refused(dev, &flow, EINVAL, "TCP or UDP");
	flow = good;
	flow.match |= IXY_FLOW_VLAN;
	flow.vlan = 4096;
	refused(dev, &flow, EINVAL, "VLAN 4096");
	assert_int_equal(ixy_add_rule(dev, &good), 0);
	flow = ip_exact(&other, 1);
	flow.match = IXY_FLOW_SRC;
	refused(dev, &flow, EINVAL, "remove these first");
	flow.match = IXY_FLOW_EXACT;
	assert_int_equal(ixy_add_rule(dev, &flow), 1);
	refused(dev, &flow, ENOSPC, "config.flow_rules is 2");
	assert_int_equal(ixy_remove_rule(dev, 0), 0);
	assert_int_equal(ixy_remove_rule(dev, 0), -ENOENT);
	assert_int_equal(ixy_remove_rule(dev, 2), -ENOENT);
	assert_int_equal(ixy_remove_rule(dev, -1), -ENOENT);
	assert_int_equal(ixy_add_rule(dev, &good), 0); /* its place is free again */
	ixy_close(dev);
}

static void without_room_there_are_no_rules(void **state)
{
	struct ixy_config config = { .flow_rules = 8191 };
	struct ixy_rule_stats stats;
	struct ip_packet p = flow_number(1);
	struct ixy_flow flow = ip_exact(&p, 0);

	(void)state;
	open_fails(&config, EINVAL, "8191 flow rules");
	struct ixy_device *dev = open_card(0, NULL);
	refused(dev, &flow, ENOTSUP, "config.flow_rules is 0");
	assert_int_equal(ixy_remove_rule(dev, 0), -ENOTSUP);
	assert_int_equal(ixy_read_rule_stats(dev, &stats), -ENOTSUP);
	ixy_close(dev);
}

static void no_rule_outlives_its_device(void **state)
{
	struct ixy_device *dev = open_rules(10);
	struct ip_packet p = flow_number(1);
	struct ixy_flow flow = ip_exact(&p, 20);

	(void)state;
	assert_int_equal(ixy_add_rule(dev, &flow), 0);
	ixy_close(dev);
	dev = open_rules(10);
	assert_true(arrives(dev, &p) < 16);
	ixy_close(dev);
	dev = open_rules(0);
	assert_true(arrives(dev, &p) < 16);
	assert_int_equal(emu_register(&emu_cards[0], RXPBSIZE(0)) >> 10, 512);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(each_flow_has_its_rule),
		driver_test(the_table_is_as_large_as_asked_for),
		driver_test(each_field_is_compared_or_left_out),
		driver_test(a_vlan_is_a_field),
		driver_test(filters_go_first),
		driver_test(what_the_card_cannot_do_is_refused),
		driver_test(without_room_there_are_no_rules),
		driver_test(no_rule_outlives_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
