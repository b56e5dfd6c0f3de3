/* SPDX-License-Identifier: BSD-2-Clause */
/* The driver on the emulator: what the card says of a packet reaches its buffer. */
#include "driver.h"

#include <ixy/rss.h>

#include "ip_packet.h"

static struct ixy_device *open_with_info(void)
{
	struct ixy_config config = {
		.rx_ring = 64, .tx_ring = 64, .buffers = 128, .promiscuous = true, .rx_info = true
	};

	return open_card(0, &config);
}

/* A frame arrives; its buffer's header. */
static struct pkt_buf arrive(struct ixy_device *dev, const uint8_t *frame, size_t length)
{
	struct pkt_buf *buf, info;

	assert_int_equal(emu_receive(&emu_cards[0], frame, length), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	assert_int_equal(buf->size, length);
	assert_memory_equal(buf->data, frame, length);
	info = *buf;
	pkt_buf_free(buf);
	return info;
}

static void verdicts(struct ixy_device *dev, const uint8_t *frame, size_t length,
		     enum ixy_checksum ipv4, enum ixy_checksum l4)
{
	struct pkt_buf info = arrive(dev, frame, length);

	assert_int_equal(ixy_rx_ipv4_checksum(&info), ipv4);
	assert_int_equal(ixy_rx_l4_checksum(&info), l4);
	assert_false(ixy_rx_vlan(&info));
}

static void checksums_are_judged(void **state)
{
	static const uint8_t protocols[] = { IPPROTO_TCP, IPPROTO_UDP, IPPROTO_SCTP };
	struct ixy_device *dev = open_with_info();
	uint8_t frame[IP_PACKET_MAX];

	(void)state;
	for (uint32_t i = 0; i < 60; i++) {
		int family = i % 2 ? 4 : 6;
		struct ip_packet p = ip_flow(i, family, protocols[i / 2 % 3]);
		size_t length = ip_packet(frame, &p);
		enum ixy_checksum ipv4 = family == 4 ? IXY_GOOD : IXY_UNCHECKED;
		verdicts(dev, frame, length, ipv4, IXY_GOOD);
		frame[length - 1] ^= 1;
		verdicts(dev, frame, length, ipv4, IXY_BAD);
		frame[length - 1] ^= 1;
		if (family != 4)
			continue;
		frame[IP_L3 + 8]--; /* time to live: only the header's checksum covers it */
		verdicts(dev, frame, length, IXY_BAD, IXY_GOOD);
		frame[length - 1] ^= 1;
		verdicts(dev, frame, length, IXY_BAD, IXY_BAD);
	}
	ixy_close(dev);
}

static void what_cannot_be_checked_is_not_judged(void **state)
{
	struct ixy_device *dev = open_with_info();
	struct ip_packet p = ip_flow(1, 4, IPPROTO_UDP);
	uint8_t frame[IP_PACKET_MAX];

	(void)state;
	size_t length = ip_packet(frame, &p);
	memset(frame + IP_L3 + 20 + 6, 0, 2); /* the sender made no checksum */
	verdicts(dev, frame, length, IXY_GOOD, IXY_UNCHECKED);
	p.fragment = true;
	length = ip_packet(frame, &p);
	verdicts(dev, frame, length, IXY_GOOD, IXY_UNCHECKED);
	p = ip_flow(1, 4, IPPROTO_GRE);
	length = ip_packet(frame, &p);
	verdicts(dev, frame, length, IXY_GOOD, IXY_UNCHECKED);
	make_frame(frame, 60, 0, 1);
	verdicts(dev, frame, 60, IXY_UNCHECKED, IXY_UNCHECKED);
	ixy_close(dev);
}

static void a_vlan_tag_is_told_and_stays(void **state)
{
	struct ixy_device *dev = open_with_info();
	struct ip_packet p = ip_flow(1, 4, IPPROTO_TCP);
	uint8_t frame[IP_PACKET_MAX], tagged[IP_PACKET_MAX + 4];

	(void)state;
	size_t length = ip_packet(frame, &p);
	memcpy(tagged, frame, 12);
	memcpy(tagged + 12, "\x81\x00\x01\x23", 4);
	memcpy(tagged + 16, frame + 12, length - 12);
	struct pkt_buf plain = arrive(dev, frame, length);
	struct pkt_buf info = arrive(dev, tagged, length + 4);
	assert_false(ixy_rx_vlan(&plain));
	assert_true(ixy_rx_vlan(&info));
	assert_int_equal(ixy_rx_l4_checksum(&info), IXY_GOOD);
	assert_int_equal(ixy_rx_hash_type(&info), IXY_HASH_TCP_IPV4);
	assert_int_equal(ixy_rx_hash(&info), ixy_rx_hash(&plain));
	ixy_close(dev);
}

static struct ip_packet mixed_flow(uint32_t i)
{
	return ip_flow(i % 256, 4, i % 2 ? IPPROTO_TCP : IPPROTO_UDP);
}

static enum ixy_hash_type mixed_type(uint32_t i)
{
	return i % 2 ? IXY_HASH_TCP_IPV4 : IXY_HASH_UDP_IPV4;
}

/* Hash of each of the flows below, by a device that receives them one by one. */
static void learn(struct ixy_device *dev, uint32_t hashes[256])
{
	for (uint32_t i = 0; i < 256; i++) {
		struct ip_packet p = mixed_flow(i);
		uint8_t frame[IP_PACKET_MAX];
		size_t length = ip_packet(frame, &p);
		struct pkt_buf info = arrive(dev, frame, length);
		assert_int_equal(ixy_rx_hash_type(&info), mixed_type(i));
		hashes[i] = ixy_rx_hash(&info);
	}
}

static void each_packet_has_its_own_info_however_it_is_received(void **state)
{
	struct ixy_device *dev = open_with_info();
	struct pkt_buf *bufs[64];
	uint32_t hashes[256], got = 0, sent = 0;

	(void)state;
	learn(dev, hashes);
	for (uint32_t batch = 1; got < 20000; batch = batch % 64 + 1) {
		for (uint32_t i = 0; i < batch && sent - got < 30; i++, sent++) {
			struct ip_packet p = mixed_flow(sent);
			ip_receive(&p);
		}
		uint32_t n = ixy_rx_batch(dev, 0, bufs, batch / 2 + 1);
		for (uint32_t i = 0; i < n; i++, got++) {
			/* 10.x.HIGH.LOW: the number of the flow */
			assert_int_equal(bufs[i]->data[IP_L3 + 15], got % 256);
			assert_int_equal(ixy_rx_hash(bufs[i]), hashes[got % 256]);
			assert_int_equal(ixy_rx_hash_type(bufs[i]), mixed_type(got));
			assert_int_equal(ixy_rx_l4_checksum(bufs[i]), IXY_GOOD);
		}
		pkt_buf_free_batch(bufs, n);
	}
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 0), 0);
	ixy_close(dev);
}

/* A frame that is dropped has a descriptor, too; and when the pool is empty, all wait. */
static void damaged_frames_and_an_empty_pool_shift_nothing(void **state)
{
	struct ixy_device *dev = open_with_info();
	struct pkt_buf *kept[64], *bufs[64];
	uint32_t hashes[256], at = 0, flow = 0, have = 0;

	(void)state;
	learn(dev, hashes); /* 256 packets: the ring is at its start again */
	for (uint32_t lap = 0; lap < 100; lap++) {
		for (uint32_t i = 0; i < 8; i++) {
			struct ip_packet p = mixed_flow(flow + i);
			ip_receive(&p);
			if (i == lap % 8) /* 7.1.6.2: RXE */
				rx_descriptor(0, 0, (at + i) % 64)[1] |= 1ull << 29;
		}
		at += 8;
		if (lap % 10 == 5) { /* take all buffers */
			have = pkt_buf_alloc_batch(bufs[0]->pool, kept, 64);
			assert_int_equal(ixy_rx_batch(dev, 0, bufs + 1, 1), 0);
			pkt_buf_free_batch(kept, have);
		}
		for (uint32_t i = 0; i < 8;) {
			if (i == lap % 8)
				i++;
			uint32_t n = i < 8 ? ixy_rx_batch(dev, 0, bufs, 64) : 0;
			for (uint32_t k = 0; k < n; k++, i++)
				assert_int_equal(ixy_rx_hash(bufs[k]), hashes[(flow + i) % 256]);
			pkt_buf_free_batch(bufs, n);
		}
		assert_int_equal(ixy_rx_batch(dev, 0, bufs + 1, 1), 0);
		flow += 8;
	}
	ixy_close(dev);
}

/* Behind the receive ring lies the send ring, whose descriptors look as if there were a packet. */
static void a_batch_ends_with_the_ring(void **state)
{
	struct ixy_device *dev = open_with_info();
	struct mempool *pool;
	struct pkt_buf *bufs[64];

	(void)state;
	assert_int_equal(mempool_create(&pool, 64, 2048), 0);
	for (uint32_t i = 0; i < 63; i++)
		send_one(dev, pool, 0, 0, 61, i);
	for (uint32_t i = 0; i < 60; i++) {
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
		receive_one(dev, 0, 60, 0, i);
	}
	for (uint32_t i = 0; i < 10; i++)
		assert_int_equal(wire_to(0, 60, i), NIC_TAKEN);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 64), 4);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs + 4, 60), 6);
	pkt_buf_free_batch(bufs, 10);
	ixy_close(dev);
	mempool_destroy(pool);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		driver_test(checksums_are_judged),
		driver_test(what_cannot_be_checked_is_not_judged),
		driver_test(a_vlan_tag_is_told_and_stays),
		driver_test(each_packet_has_its_own_info_however_it_is_received),
		driver_test(a_batch_ends_with_the_ring),
		driver_test(damaged_frames_and_an_empty_pool_shift_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
