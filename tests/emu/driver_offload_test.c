/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: the card completes packets that are sent. */
#include "driver.h"

#include <ixy/offload.h>

#include "ip_packet.h"

#define SUMS (IXY_TX_IPV4_CHECKSUM | IXY_TX_L4_CHECKSUM)
#define DATA 30000 /* bytes of TCP */

static struct emu_card *const wire = &emu_cards[0];
static struct ixy_device *dev;
static struct mempool *pool;

static int open_offloading(void **state)
{
	struct ixy_config config = {
		.rx_ring = 64, .tx_ring = 64, .buffers = 128, .tx_offload = true
	};

	if (driver_set_up(state))
		return -1;
	dev = open_card(0, &config);
	assert_int_equal(mempool_create(&pool, 256, 32768), 0);
	return 0;
}

/* Each buffer has come back. */
static int close_offloading(void **state)
{
	ixy_close(dev);
	assert_int_equal(mempool_free_count(pool), 256);
	mempool_destroy(pool);
	return driver_tear_down(state);
}

static struct pkt_buf *filled(const void *frame, size_t length)
{
	struct pkt_buf *buf = pkt_buf_alloc(pool);

	assert_non_null(buf);
	memcpy(buf->data, frame, length);
	buf->size = (uint32_t)length;
	return buf;
}

static void give(const void *frame, size_t length, const struct ixy_tx_offload *offload)
{
	struct pkt_buf *buf = filled(frame, length);

	assert_int_equal(ixy_tx_offload_batch(dev, 0, &buf, offload, 1), 1);
}

/* One frame has come out, and it is this one. */
static void comes_out(const uint8_t *frame, size_t length)
{
	emu_run(wire);
	assert_int_equal(wire->sent_count, 1);
	assert_int_equal(wire->sent[0].length, length < 60 ? 60 : length);
	assert_memory_equal(wire->sent[0].data, frame, length);
	emu_drop_sent(wire);
}

/* It was dropped, and its buffer is free again. */
static void is_dropped(const void *frame, size_t length, const struct ixy_tx_offload *offload)
{
	ixy_tx_batch(dev, 0, NULL, 0); /* those that were sent */
	const uint32_t before = mempool_free_count(pool);

	give(frame, length, offload);
	assert_int_equal(mempool_free_count(pool), before);
	emu_run(wire);
	assert_int_equal(wire->sent_count, 0);
}

static size_t l4_offset(const struct ip_packet *p)
{
	return IP_L3 + (p->family == 4 ? 20 : 40);
}

static void spoil_l4(uint8_t *frame, const struct ip_packet *p)
{
	const size_t field = p->protocol == IPPROTO_TCP ? 16 : p->protocol == IPPROTO_UDP ? 6 : 8;

	memset(frame + l4_offset(p) + field, 0xA5, p->protocol == IPPROTO_SCTP ? 4 : 2);
}

static void checksums_are_inserted_whatever_the_fields_hold(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	static const struct ixy_tx_offload sums = { .flags = SUMS };

	(void)state;
	for (uint32_t i = 0; i < 120; i++) {
		struct ip_packet p = ip_flow(i, i % 2 ? 4 : 6, protocols[i / 2 % 3]);
		uint8_t frame[IP_PACKET_MAX], given[IP_PACKET_MAX];
		size_t length = ip_packet(frame, &p);
		memcpy(given, frame, sizeof(given));
		spoil_l4(given, &p);
		if (p.family == 4)
			memset(given + IP_L3 + 10, 0x77, 2);
		give(given, length, &sums);
		comes_out(frame, length);
	}
}

static void only_what_was_asked_for_is_done(void **state)
{
	static const struct ixy_tx_offload nothing, ipv4 = { .flags = IXY_TX_IPV4_CHECKSUM };
	struct ip_packet p = ip_flow(3, 4, IPPROTO_UDP);
	uint8_t frame[IP_PACKET_MAX];
	size_t length = ip_packet(frame, &p);

	(void)state;
	spoil_l4(frame, &p);
	give(frame, length, &ipv4);
	comes_out(frame, length);
	memset(frame + IP_L3 + 10, 0x77, 2);
	give(frame, length, &nothing);
	comes_out(frame, length);
	struct pkt_buf *buf = filled(frame, length);
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	comes_out(frame, length);
}

/* A fragment has no layer 4 to complete, but a header. */
static void a_fragment_gets_the_checksum_of_its_header(void **state)
{
	static const struct ixy_tx_offload ipv4 = { .flags = IXY_TX_IPV4_CHECKSUM };
	static const struct ixy_tx_offload l4 = { .flags = IXY_TX_L4_CHECKSUM };
	struct ip_packet p = ip_flow(3, 4, IPPROTO_UDP);
	uint8_t frame[IP_PACKET_MAX], given[IP_PACKET_MAX];

	(void)state;
	p.fragment = true;
	size_t length = ip_packet(frame, &p);
	memcpy(given, frame, sizeof(given));
	memset(given + IP_L3 + 10, 0x77, 2);
	give(given, length, &ipv4);
	comes_out(frame, length);
	is_dropped(frame, length, &l4);
}

static void what_is_behind_the_packet_is_cut_off(void **state)
{
	static const struct ixy_tx_offload sums = { .flags = SUMS };
	struct ip_packet p = ip_flow(5, 4, IPPROTO_TCP);
	uint8_t frame[IP_PACKET_MAX + 10];
	size_t length = ip_packet(frame, &p);

	(void)state;
	memset(frame + length, 0xEE, 10);
	give(frame, length + 10, &sums);
	comes_out(frame, length);
}

/* 7.2.3.2.3: the card keeps a context; there is one for packets that need the same. */
static void a_context_is_written_when_it_differs(void **state)
{
	static const struct ixy_tx_offload sums = { .flags = SUMS };
	struct ip_packet tcp = ip_flow(1, 4, IPPROTO_TCP), udp = ip_flow(2, 4, IPPROTO_UDP);
	uint8_t frame[IP_PACKET_MAX];

	(void)state;
	for (uint32_t i = 0; i < 10; i++) {
		give(frame, ip_packet(frame, &tcp), &sums);
		comes_out(frame, ip_packet(frame, &tcp));
	}
	assert_int_equal(emu_register(wire, TDT(0)), 11);
	for (uint32_t i = 0; i < 5; i++) {
		give(frame, ip_packet(frame, &udp), &sums);
		give(frame, ip_packet(frame, &tcp), &sums);
		emu_run(wire);
		emu_drop_sent(wire);
	}
	assert_int_equal(emu_register(wire, TDT(0)), 31);
}

static void tags_are_inserted(void **state)
{
	static const struct ixy_tx_offload vlan = { .flags = IXY_TX_VLAN, .vlan = 0xB123 };
	static const struct ixy_tx_offload both = { .flags = IXY_TX_VLAN | SUMS, .vlan = 7 };
	struct ip_packet p = ip_flow(9, 6, IPPROTO_UDP);
	uint8_t frame[IP_PACKET_MAX], tagged[IP_PACKET_MAX + 4];
	size_t length = ip_packet(frame, &p);

	(void)state;
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\xB1\x23", 4);
	memcpy(tagged + 16, frame + 12, length - 12);
	give(frame, length, &vlan);
	comes_out(tagged, length + 4);
	memcpy(tagged + 14, "\x00\x07", 2);
	spoil_l4(frame, &p);
	give(frame, length, &both);
	comes_out(tagged, length + 4);
}

static void headers_are_found_behind_a_tag_and_behind_outer_headers(void **state)
{
	static const struct ixy_tx_offload sums = { .flags = SUMS };
	struct ixy_tx_offload inner = { .flags = SUMS };
	struct ip_packet p = ip_flow(9, 4, IPPROTO_TCP);
	uint8_t frame[IP_PACKET_MAX], outer[256] = { 0 };
	size_t length = ip_packet(frame, &p);

	(void)state;
	memcpy(outer, frame, 12);
	memcpy(outer + 12, "\x81\x00\x00\x05", 4);
	memcpy(outer + 16, frame + 12, length - 12);
	give(outer, length + 4, &sums);
	comes_out(outer, length + 4);
	for (inner.ip = 15; inner.ip <= 127; inner.ip++) {
		memcpy(outer + inner.ip, frame + IP_L3, length - IP_L3);
		give(outer, inner.ip + length - IP_L3, &inner);
		comes_out(outer, inner.ip + length - IP_L3);
	}
	memcpy(outer + 128, frame + IP_L3, length - IP_L3);
	is_dropped(outer, 128 + length - IP_L3, &inner);
}

/* ---- Segmentation ---- */

/* A TCP packet with @size bytes of data, byte @i of which is i * 13 + i / 256. Return: its length. */
static size_t large_packet(uint8_t *frame, int family, uint32_t size)
{
	struct ip_packet p = ip_flow(11, family, IPPROTO_TCP);
	uint8_t small[IP_PACKET_MAX];

	ip_packet(small, &p);
	const size_t headers = l4_offset(&p) + 20;
	memcpy(frame, small, headers);
	frame[l4_offset(&p) + 13] = 0x18; /* PSH, ACK */
	for (uint32_t i = 0; i < size; i++)
		frame[headers + i] = (uint8_t)(i * 13 + i / 256);
	return headers + size;
}

/* All of the data has come, in order, in segments as large as they may be. */
static void check_segments(size_t first, size_t count, int family, uint32_t size, uint32_t mss)
{
	const uint32_t l4 = IP_L3 + (family == 4 ? 20 : 40), headers = l4 + 20;
	uint32_t at = 0;

	assert_int_equal(count, (size + mss - 1) / mss);
	for (size_t s = first; s < first + count; s++) {
		const uint8_t *frame = wire->sent[s].data;
		const uint32_t data = size - at < mss ? size - at : mss;
		assert_true(wire->sent[s].length >= headers + data);
		assert_true(ip_valid(frame + IP_L3, headers - IP_L3 + data));
		assert_int_equal(frame[l4 + 13], at + data == size ? 0x18 : 0x10);
		for (uint32_t i = 0; i < data; i++, at++)
			assert_int_equal(frame[headers + i], (uint8_t)(at * 13 + at / 256));
	}
	assert_int_equal(at, size);
}

static void tcp_is_cut_into_segments(void **state)
{
	static const uint32_t sizes[] = { 1, 999, 1000, 1001, 8192, 8193, DATA };
	static const struct ixy_tx_offload cut = { .flags = IXY_TX_SEGMENT, .segment = 1000 };
	static uint8_t frame[DATA + 128];

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(sizes) / sizeof(*sizes); i++) {
		int family = i % 2 ? 4 : 6;
		give(frame, large_packet(frame, family, sizes[i / 2]), &cut);
		emu_run(wire);
		check_segments(0, wire->sent_count, family, sizes[i / 2], 1000);
		emu_drop_sent(wire);
	}
}

static void segments_have_the_tag_and_fit_into_the_mtu(void **state)
{
	struct ixy_tx_offload cut = { .flags = IXY_TX_SEGMENT | IXY_TX_VLAN,
				      .vlan = 5,
				      .segment = 1460 };
	static uint8_t frame[DATA + 128];
	size_t length = large_packet(frame, 4, 5000);

	(void)state;
	give(frame, length, &cut);
	emu_run(wire);
	assert_int_equal(wire->sent_count, 4);
	assert_int_equal(wire->sent[0].length, 1518);
	assert_memory_equal(wire->sent[3].data + 12, "\x81\x00\x00\x05\x08\x00", 6);
	emu_drop_sent(wire);
	cut.segment = 1461;
	is_dropped(frame, length, &cut);
	cut.segment = 0;
	is_dropped(frame, length, &cut);
}

/* Packets of all kinds, until the ring has been gone around many times. All come out, in order. */
static void the_ring_takes_what_it_has_room_for(void **state)
{
	static uint8_t large[DATA + 128], small[IP_PACKET_MAX];
	struct ip_packet p = ip_flow(2, 4, IPPROTO_UDP);
	const size_t large_size = large_packet(large, 4, DATA), small_size = ip_packet(small, &p);
	uint32_t seed = 1, waiting = 0, taken = 0, refused = 0;
	struct pkt_buf *bufs[32];
	struct ixy_tx_offload offloads[32];

	(void)state;
	for (uint32_t round = 0; round < 600; round++) {
		while (waiting < 32) {
			seed = seed * 1664525 + 1013904223;
			bool cut = seed >> 30 == 0;
			offloads[waiting] =
				(struct ixy_tx_offload){ .flags = cut		   ? IXY_TX_SEGMENT
								  : seed >> 29 & 1 ? SUMS
										   : 0,
							 .segment = 1400 };
			bufs[waiting++] =
				cut ? filled(large, large_size) : filled(small, small_size);
		}
		wire->stalled = round % 3;
		uint32_t n = ixy_tx_offload_batch(dev, 0, bufs, offloads, waiting);
		taken += n;
		refused += n < waiting;
		for (uint32_t i = n; i < waiting; i++) {
			bufs[i - n] = bufs[i];
			offloads[i - n] = offloads[i];
		}
		waiting -= n;
		if (wire->stalled)
			continue;
		emu_run(wire);
		for (size_t s = 0; s < wire->sent_count; s++)
			assert_true(ip_valid(wire->sent[s].data + IP_L3,
					     ((uint32_t)wire->sent[s].data[IP_L3 + 2] << 8 |
					      wire->sent[s].data[IP_L3 + 3])));
		emu_drop_sent(wire);
	}
	wire->stalled = false;
	emu_run(wire);
	pkt_buf_free_batch(bufs, waiting);
	assert_true(taken > 3000);
	assert_true(refused > 100);
	struct ixy_queue_stats stats;
	assert_int_equal(ixy_read_queue_stats(dev, 0, &stats), 0);
	assert_int_equal(stats.tx_packets, taken);
}

static void packets_that_were_not_sent_come_back_at_the_end(void **state)
{
	static const struct ixy_tx_offload cut = { .flags = IXY_TX_SEGMENT, .segment = 1000 };
	static uint8_t frame[DATA + 128];
	size_t length = large_packet(frame, 6, DATA);

	(void)state;
	wire->stalled = true;
	for (uint32_t i = 0; i < 10; i++)
		give(frame, length, &cut);
	wire->stalled = false;
	nic_write(wire->nic, 0, DMATXCTL, 4, 0); /* the card sends nothing any more */
	assert_true(mempool_free_count(pool) < 256);
}

/* ---- What is not what it should be ---- */

/* Each byte of the headers wrong: nothing is read or written outside, and no buffer is lost. */
static void any_header_is_taken_or_dropped(void **state)
{
	static const uint16_t flags[] = { IXY_TX_IPV4_CHECKSUM, IXY_TX_L4_CHECKSUM, SUMS,
					  IXY_TX_SEGMENT };
	static uint8_t frame[DATA + 128];
	uint32_t seed = 1;

	(void)state;
	for (uint32_t i = 0; i < 20000; i++) {
		int family = i % 2 ? 4 : 6;
		size_t length = large_packet(frame, family, 50);
		struct ixy_tx_offload offload = { .flags = flags[i / 2 % 4], .segment = 40 };
		for (uint32_t k = 0; k <= i % 3; k++) {
			seed = seed * 1664525 + 1013904223;
			frame[12 + (seed >> 16) % 66] = (uint8_t)(seed >> 8);
		}
		if (seed >> 29 == 0)
			length = (seed >> 20) % (length + 1);
		if (seed >> 28 == 1)
			offload.ip = (uint16_t)(seed >> 8);
		give(frame, length, &offload);
		emu_run(wire);
		emu_drop_sent(wire);
	}
}

static void what_is_not_ip_is_dropped(void **state)
{
	static const struct ixy_tx_offload sums = { .flags = SUMS };
	static const struct ixy_tx_offload cut = { .flags = IXY_TX_SEGMENT, .segment = 1000 };
	struct ip_packet p = ip_flow(1, 4, IPPROTO_UDP), esp = ip_flow(1, 4, IPPROTO_ESP);
	uint8_t frame[IP_PACKET_MAX];

	(void)state;
	make_frame(frame, 60, 0, 1);
	is_dropped(frame, 60, &sums);
	is_dropped(frame, ip_packet(frame, &esp), &sums);
	is_dropped(frame, ip_packet(frame, &p), &cut);
	is_dropped(frame, ip_packet(frame, &p) - 1, &sums); /* shorter than it says */
	is_dropped(frame, 0, &sums);
}

static void a_device_without_offloads_takes_nothing(void **state)
{
	static const struct ixy_tx_offload sums = { .flags = SUMS };
	struct ixy_device *plain = open_card(1, NULL);
	struct pkt_buf *buf = packet(pool, 60, 1, 1);

	(void)state;
	assert_int_equal(ixy_tx_offload_batch(plain, 0, &buf, &sums, 1), 0);
	pkt_buf_free(buf);
	ixy_close(plain);
}

#define offload_test(f) cmocka_unit_test_setup_teardown(f, open_offloading, close_offloading)

int main(void)
{
	const struct CMUnitTest tests[] = {
		offload_test(checksums_are_inserted_whatever_the_fields_hold),
		offload_test(only_what_was_asked_for_is_done),
		offload_test(a_fragment_gets_the_checksum_of_its_header),
		offload_test(what_is_behind_the_packet_is_cut_off),
		offload_test(a_context_is_written_when_it_differs),
		offload_test(tags_are_inserted),
		offload_test(headers_are_found_behind_a_tag_and_behind_outer_headers),
		offload_test(tcp_is_cut_into_segments),
		offload_test(segments_have_the_tag_and_fit_into_the_mtu),
		offload_test(the_ring_takes_what_it_has_room_for),
		offload_test(packets_that_were_not_sent_come_back_at_the_end),
		offload_test(any_header_is_taken_or_dropped),
		offload_test(what_is_not_ip_is_dropped),
		offload_test(a_device_without_offloads_takes_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
