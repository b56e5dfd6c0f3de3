/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: filters that send a flow to a queue. */
#include "driver.h"

#include <ixy/flow.h>
#include <ixy/rss.h>

#include "ip_packet.h"

static struct ixy_device *open_queues(uint16_t queues)
{
	struct ixy_config config = { .rx_queues = queues,
				     .rx_ring = 64,
				     .tx_ring = 64,
				     .buffers = 256,
				     .promiscuous = true };

	return open_card(0, &config);
}

static void filters_go_before_rss_until_they_are_removed(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct ixy_device *dev = open_queues(24);
	uint16_t by_rss[128];
	int filters[128];

	(void)state;
	for (uint32_t i = 0; i < 128; i++) {
		struct ip_packet p = ip_flow(i, 4, protocols[i % 3]);
		by_rss[i] = ip_queue(dev, &p, NULL);
		struct ixy_flow flow = ip_exact(&p, (by_rss[i] + 1 + i % 23) % 24);
		filters[i] = ixy_add_flow(dev, &flow);
		assert_true(filters[i] >= 0);
	}
	for (uint32_t i = 0; i < 128; i++) {
		struct ip_packet p = ip_flow(i, 4, protocols[i % 3]), back = ip_reverse(&p);
		assert_int_equal(ip_queue(dev, &p, NULL), (by_rss[i] + 1 + i % 23) % 24);
		assert_true(ip_queue(dev, &back, NULL) < 16);
	}
	for (uint32_t i = 0; i < 128; i += 2)
		assert_int_equal(ixy_remove_flow(dev, filters[i]), 0);
	for (uint32_t i = 0; i < 128; i++) {
		struct ip_packet p = ip_flow(i, 4, protocols[i % 3]);
		uint16_t queue = i % 2 ? (by_rss[i] + 1 + i % 23) % 24 : by_rss[i];
		assert_int_equal(ip_queue(dev, &p, NULL), queue);
	}
	ixy_close(dev);
	assert_string_equal(driver_log, "");
}

static void each_field_is_compared_or_left_out(void **state)
{
	struct ixy_device *dev = open_queues(32);
	struct ip_packet p = ip_flow(7, 4, IPPROTO_TCP);

	(void)state;
	for (uint8_t match = 0; match <= IXY_FLOW_EXACT; match++) {
		struct ixy_flow flow = ip_exact(&p, 20);
		flow.match = match;
		if (!(match & IXY_FLOW_PROTOCOL))
			flow.protocol = 99;
		int filter = ixy_add_flow(dev, &flow);
		assert_true(filter >= 0);
		assert_int_equal(ip_queue(dev, &p, NULL), 20);
		for (int field = 0; field < 5; field++) {
			struct ip_packet other = ip_differing(&p, field);
			assert_int_equal(ip_queue(dev, &other, NULL) == 20, !(match >> field & 1));
		}
		assert_int_equal(ixy_remove_flow(dev, filter), 0);
	}
	ixy_close(dev);
}

static void the_highest_priority_decides(void **state)
{
	static const uint8_t orders[][3] = { { 1, 4, 7 }, { 7, 4, 1 }, { 4, 7, 1 }, { 0, 7, 2 } };
	struct ixy_device *dev = open_queues(32);
	struct ip_packet p = ip_flow(7, 4, IPPROTO_UDP);

	(void)state;
	for (size_t o = 0; o < sizeof(orders) / sizeof(*orders); o++) {
		int filters[3];
		for (int i = 0; i < 3; i++) {
			struct ixy_flow flow = ip_exact(&p, 20 + orders[o][i]);
			flow.priority = orders[o][i];
			flow.match = i == 1 ? IXY_FLOW_DST : IXY_FLOW_EXACT;
			filters[i] = ixy_add_flow(dev, &flow);
			assert_true(filters[i] >= 0);
		}
		assert_int_equal(ip_queue(dev, &p, NULL), 27);
		for (int i = 0; i < 3; i++)
			assert_int_equal(ixy_remove_flow(dev, filters[i]), 0);
	}
	ixy_close(dev);
}

static void fragments_and_ipv6_pass_filters_by(void **state)
{
	struct ixy_device *dev = open_queues(32);
	struct ip_packet p = ip_flow(7, 4, IPPROTO_UDP);
	struct ixy_flow flow = ip_exact(&p, 20);

	(void)state;
	flow.match = IXY_FLOW_SRC;
	assert_int_equal(ixy_add_flow(dev, &flow), 0);
	assert_int_equal(ip_queue(dev, &p, NULL), 20);
	p.fragment = true;
	assert_true(ip_queue(dev, &p, NULL) < 16);
	p.fragment = false;
	p.family = 6;
	assert_true(ip_queue(dev, &p, NULL) < 16);
	flow.match = IXY_FLOW_DST_PORT | IXY_FLOW_PROTOCOL; /* that can be compared */
	assert_int_equal(ixy_add_flow(dev, &flow), 1);
	assert_int_equal(ip_queue(dev, &p, NULL), 20);
	ixy_close(dev);
}

static void refused(struct ixy_device *dev, const struct ixy_flow *flow, int err, const char *word)
{
	driver_log[0] = 0;
	assert_int_equal(ixy_add_flow(dev, flow), -err);
	if (!strstr(driver_log, word))
		fail_msg("no \"%s\" in: %s", word, driver_log);
}

static void what_the_card_cannot_do_is_refused(void **state)
{
	struct ixy_device *dev = open_queues(20);
	struct ip_packet p = ip_flow(7, 4, IPPROTO_UDP);
	struct ixy_flow flow = ip_exact(&p, 20);

	(void)state;
	refused(dev, &flow, EINVAL, "no queue 20, there are 20");
	flow = ip_exact(&p, 19);
	flow.priority = 8;
	refused(dev, &flow, EINVAL, "priority 8");
	flow = ip_exact(&p, 19);
	flow.protocol = IPPROTO_ICMP;
	refused(dev, &flow, EINVAL, "protocol 1;");
	flow = ip_exact(&p, 19);
	flow.match = 0x20;
	refused(dev, &flow, EINVAL, "0x20");
	assert_true(ip_queue(dev, &p, NULL) < 16); /* nothing was set */

	for (uint32_t i = 0; i < 128; i++) {
		struct ip_packet other = ip_flow(i, 4, IPPROTO_UDP);
		flow = ip_exact(&other, 18);
		assert_int_equal(ixy_add_flow(dev, &flow), i);
	}
	refused(dev, &flow, ENOSPC, "the card has 128, and all are in use");
	assert_int_equal(ixy_remove_flow(dev, 77), 0);
	assert_int_equal(ixy_remove_flow(dev, 77), -ENOENT);
	assert_int_equal(ixy_remove_flow(dev, 128), -ENOENT);
	assert_int_equal(ixy_remove_flow(dev, -1), -ENOENT);
	assert_int_equal(ixy_add_flow(dev, &flow), 77); /* its place is free again */
	ixy_close(dev);
}

/* A card whose reset does not clear the table: the entries of a previous driver are still there. */
static void leave_filter(struct emu_card *card, const struct emu_access *access)
{
	if (access->region != VFIO_PCI_BAR0_REGION_INDEX || access->offset != EEC)
		return;
	card->accessed = NULL;
	nic_write(card->nic, 0, L34TIMIR(127), 4, 18u << 21);
	nic_write(card->nic, 0, FTQF(127), 4, FTQF_QUEUE_EN | 0x3Fu << 25);
}

static void no_filter_outlives_its_device(void **state)
{
	struct ixy_device *dev = open_queues(20);
	struct ip_packet p = ip_flow(7, 4, IPPROTO_UDP);
	struct ixy_flow flow = ip_exact(&p, 19);

	(void)state;
	assert_int_equal(ixy_add_flow(dev, &flow), 0);
	assert_int_equal(ip_queue(dev, &p, NULL), 19);
	ixy_close(dev);
	emu_cards[0].accessed = leave_filter;
	dev = open_queues(20);
	assert_null(emu_cards[0].accessed);
	assert_true(ip_queue(dev, &p, NULL) < 16);
	ixy_close(dev);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(filters_go_before_rss_until_they_are_removed),
		driver_test(each_field_is_compared_or_left_out),
		driver_test(the_highest_priority_decides),
		driver_test(fragments_and_ipv6_pass_filters_by),
		driver_test(what_the_card_cannot_do_is_refused),
		driver_test(no_filter_outlives_its_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
