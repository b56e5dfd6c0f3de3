/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio-net driver with an honest device: packets through all kinds of rings. */
#include "net.h"

#include <poll.h>
#include <unistd.h>

#include <sys/socket.h>

#define HEADER_ROOM 12

static struct mempool *pool;

static int make_pool(void **state)
{
	net_set_up(state);
	assert_int_equal(mempool_create(&pool, 512, 2048), 0);
	return 0;
}

/* Nothing may be lost: all buffers are back when the device is closed. */
static int check_pool(void **state)
{
	ixy_close(dev);
	dev = NULL;
	uint32_t free = mempool_free_count(pool);
	mempool_destroy(pool);
	net_tear_down(state);
	return free == 512 ? 0 : -1;
}

/* ---- Packets ---- */

static void frames_of_all_sizes_are_received(void **state)
{
	(void)state;
	net_open(NULL);
	for (size_t size = 1; size <= 1518; size++)
		net_receive(0, size, size);

	struct ixy_stats stats;
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_packets, 1518);
	assert_int_equal(stats.rx_bytes, 1518 * 1519 / 2);
	assert_int_equal(stats.rx_errors, 0);
}

static void frames_of_all_sizes_are_sent(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct ixy_stats stats;

	(void)state;
	net_open(NULL);
	for (size_t size = 17; size <= 1518; size++)
		net_send(pool, 0, size, size);
	for (size_t i = 0; i < 2; i++) { /* taken, and dropped */
		struct pkt_buf *buf = net_packet(pool, i ? 1519 : 16, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		assert_int_equal(device_take(&tx[0], frame, sizeof(frame)), 0);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.tx_packets, 1518 - 16);
	assert_int_equal(stats.tx_bytes, 1518 * 1519 / 2 - 16 * 17 / 2);
}

static void a_frame_without_head_room_is_sent(void **state)
{
	struct pkt_buf *buf = net_packet(pool, 100, 5);
	uint8_t frame[FRAME_MAX], *begin = (uint8_t *)(buf + 1);

	(void)state;
	net_open(NULL);
	memmove(begin, buf->data, 100);
	buf->data = begin;
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, 5);
}

static void rings_wrap_many_times_in_any_batches(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct pkt_buf *bufs[64];
	uint32_t in = 0, out = 0, sent = 0, taken = 0;

	(void)state;
	net_open(NULL);
	for (uint32_t round = 0; round < 500; round++) {
		for (uint32_t i = 0; i < round * 7 % 17; i++, in++) {
			net_make(frame, 60 + in % 1400, in);
			assert_true(device_deliver(&rx[0], frame, 60 + in % 1400));
		}
		for (uint32_t n; (n = ixy_rx_batch(dev, 0, bufs, 1 + round % 40)) > 0;) {
			for (uint32_t i = 0; i < n; i++, out++)
				net_check(bufs[i]->data, bufs[i]->size, 60 + out % 1400, out);
			pkt_buf_free_batch(bufs, n);
		}
		assert_int_equal(in, out);

		const uint32_t n = round * 5 % 29;
		for (uint32_t i = 0; i < n; i++)
			bufs[i] = net_packet(pool, 60 + (sent + i) % 1400, sent + i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, n), n);
		sent += n;
		for (size_t size; (size = device_take(&tx[0], frame, sizeof(frame))) > 0; taken++)
			net_check(frame, size, 60 + taken % 1400, taken);
		assert_int_equal(sent, taken);
	}
}

static void a_full_send_ring_takes_no_more_until_the_device_has_sent(void **state)
{
	struct pkt_buf *bufs[100];
	uint8_t frame[FRAME_MAX];
	uint32_t taken = 0;

	(void)state;
	net_open(NULL);
	for (uint32_t i = 0; i < 100; i++)
		bufs[i] = net_packet(pool, 100, i);
	uint32_t done = ixy_tx_batch(dev, 0, bufs, 100);
	assert_true(done == 64 || done == 32); /* two descriptors for each packet */
	assert_int_equal(ixy_tx_batch(dev, 0, bufs + done, 100 - done), 0);
	while (done < 100) {
		net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, taken++);
		net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, taken++);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs + done, 100 - done),
				 done + 2 <= 100 ? 2 : 100 - done);
		done += 2;
	}
	while (taken < 100)
		net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, taken++);
	/* All come back with the next call. */
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
	assert_int_equal(mempool_free_count(pool), 512);
}

static void buffers_may_come_back_in_another_order(void **state)
{
	const uint32_t step = kind->features & bit(VIRTIO_F_IN_ORDER) ? 1 : 5;
	struct pkt_buf *bufs[16];
	struct chain chains[16], turned[16];
	uint32_t lengths[16] = { 0 };
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(NULL);
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 16; i++)
			bufs[i] = net_packet(pool, 100, round * 16 + i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 16), 16);
		for (uint32_t i = 0; i < 16; i++) {
			net_check(frame, device_take_only(&tx[0], frame, sizeof(frame), &chains[i]),
				  100, round * 16 + i);
			turned[i * step % 16] = chains[i];
		}
		device_push(&tx[0], turned, lengths, 16);
		assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
		assert_int_equal(mempool_free_count(pool), 512);

		/* And received ones, each with its own content. */
		const size_t header = device_header(&back);
		for (uint32_t i = 0; i < 16; i++) {
			assert_true(device_pop(&rx[0], &chains[i]));
			uint16_t last = chains[i].count - 1;
			uint8_t *at = chains[i].segments[last].data + (last ? 0 : header);
			net_make(at, 100, i);
			if (header == 12)
				memcpy(at - 2, &(uint16_t){ 1 }, 2);
			turned[i * step % 16] = chains[i];
			lengths[i] = header + 100;
		}
		device_push(&rx[0], turned, lengths, 16);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 16), 16);
		for (uint32_t i = 0; i < 16; i++)
			net_check(bufs[i * step % 16]->data, bufs[i * step % 16]->size, 100, i);
		pkt_buf_free_batch(bufs, 16);
		memset(lengths, 0, sizeof(lengths));
	}
}

/* 2.8.8: one descriptor for many says that those in front of its own are full. */
static void in_order_one_descriptor_is_for_many(void **state)
{
	struct pkt_buf *bufs[16];
	struct chain chains[16], last;
	struct ixy_stats stats;
	uint8_t frame[FRAME_MAX];

	(void)state;
	if (!(kind->features & bit(VIRTIO_F_IN_ORDER)))
		return;
	net_open(NULL);
	for (uint32_t round = 0; round < 50; round++) {
		for (uint32_t i = 0; i < 16; i++)
			bufs[i] = net_packet(pool, 100, i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 16), 16);
		for (uint32_t i = 0; i < 16; i++)
			assert_true(device_pop(&tx[0], &chains[i]));
		for (uint32_t i = 0, n; i < 16; i += n) { /* 7 and 9 */
			n = i ? 16 - i : 7;
			device_push(&tx[0], chains + i, (uint32_t[16]){ 0 }, n);
			assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
			assert_int_equal(mempool_free_count(pool), 512 - 16 + i + n);
		}

		for (uint32_t i = 0; i < 5; i++)
			assert_true(device_pop(&rx[0], &chains[i]));
		last = chains[4];
		last.count = 5;
		net_make(last.segments[0].data + 12, 100, round);
		device_push(&rx[0], &last, &(uint32_t){ 112 }, 1);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 16), 1);
		net_check(bufs[0]->data, bufs[0]->size, 100, round);
		pkt_buf_free_batch(bufs, 1);
		net_make(frame, 100, round);
		assert_true(device_deliver(&rx[0], frame, 100));
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 16), 1);
		net_check(bufs[0]->data, bufs[0]->size, 100, round);
		pkt_buf_free_batch(bufs, 1);
		assert_int_equal(ixy_read_stats(dev, &stats), 0);
		assert_int_equal(stats.rx_errors, 4 * (round + 1));
	}
}

static void an_empty_pool_leaves_frames_in_the_ring(void **state)
{
	const struct ixy_config config = { .rx_ring = 64, .tx_ring = 64, .buffers = 128 };
	uint8_t frame[FRAME_MAX];
	struct pkt_buf *bufs[128], *one;
	struct ixy_stats stats;
	uint32_t held = 0, delivered = 0;

	(void)state;
	net_open(&config);
	for (;; delivered++) {
		net_make(frame, 100, delivered);
		if (!device_deliver(&rx[0], frame, 100))
			break;
		held += ixy_rx_batch(dev, 0, bufs + held, 1);
	}
	assert_true(delivered > held && held >= 64);
	assert_int_equal(ixy_rx_batch(dev, 0, &one, 1), 0);
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_true(stats.rx_no_buffer > 0);
	for (uint32_t i = 0; i < held; i++)
		net_check(bufs[i]->data, bufs[i]->size, 100, i);
	pkt_buf_free_batch(bufs, held);
	for (uint32_t i = held; i < delivered; i++) {
		assert_int_equal(ixy_rx_batch(dev, 0, &one, 1), 1);
		net_check(one->data, one->size, 100, i);
		pkt_buf_free(one);
	}
	for (uint32_t i = 0; i < 1000; i++)
		net_receive(0, 60, i);
}

static void received_packets_are_sent_without_a_copy(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct pkt_buf *buf;

	(void)state;
	net_open(NULL);
	for (uint32_t i = 0; i < 1000; i++) {
		net_make(frame, 1000, i);
		assert_true(device_deliver(&rx[0], frame, 1000));
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 1000, i);
	}
}

static void queue_pairs_are_apart(void **state)
{
	const struct ixy_config config = {
		.rx_queues = PAIRS,
		.tx_queues = PAIRS,
		.rx_ring = 64,
		.tx_ring = 64,
		.buffers = 256,
	};
	struct ixy_queue_stats stats;
	struct pkt_buf *buf;

	(void)state;
	if (!(kind->features & bit(VIRTIO_NET_F_MQ))) {
		assert_int_equal(ixy_open(&dev, address, &config), -EINVAL);
		assert_non_null(strstr(log_lines, "queue pairs"));
		return;
	}
	net_open(&config);
	for (uint32_t round = 0; round < 200; round++)
		for (uint16_t q = 0; q < PAIRS; q++)
			for (uint32_t n = 0; n <= q; n++) {
				net_receive(q, 100 + q, round);
				net_send(pool, q, 200 + q, round);
			}
	for (uint16_t q = 0; q < PAIRS; q++) {
		assert_int_equal(ixy_rx_batch(dev, q, &buf, 1), 0);
		assert_int_equal(ixy_read_queue_stats(dev, q, &stats), 0);
		assert_int_equal(stats.rx_packets, 200 * (q + 1));
		assert_int_equal(stats.tx_packets, 200 * (q + 1));
	}
}

/* ---- Frames in several buffers ---- */

static void large_frames_may_come_in_several_buffers(void **state)
{
	const struct ixy_config config = {
		.rx_ring = 64, .tx_ring = 64, .buffers = 256, .mtu = 9000
	};
	struct pkt_buf *bufs[4];
	uint8_t frame[FRAME_MAX];
	struct ixy_stats stats;

	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	net_open(&config);
	for (size_t size = 1; size <= 9018; size += 97)
		net_receive(0, size, size);
	/* A device that spreads what it need not: 1 byte behind the header, then 70 bytes each. */
	for (uint32_t n = 2; n < 20; n++) {
		struct chain chains[20];
		uint32_t lengths[20];
		size_t size = 1 + 70 * (n - 1), done = 1;
		net_make(frame, size, n);
		for (uint32_t i = 0; i < n; i++) {
			assert_true(device_pop(&rx[0], &chains[i]));
			uint8_t *data = chains[i].segments[0].data;
			if (i) {
				memcpy(data, frame + done, 70);
				done += 70;
				lengths[i] = 70;
			} else {
				memset(data, 0, 12);
				memcpy(data + 10, &(uint16_t){ n }, 2);
				data[12] = frame[0];
				lengths[i] = 13;
			}
		}
		device_push(&rx[0], chains, lengths, n);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 4), 1);
		net_check(bufs[0]->data, bufs[0]->size, size, n);
		pkt_buf_free(bufs[0]);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_int_equal(stats.rx_errors, 0);
}

static void frames_that_do_not_fit_are_dropped(void **state)
{
	uint8_t frame[20000];
	struct pkt_buf *bufs[4];
	struct ixy_stats stats;

	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	net_open(&(struct ixy_config){ .rx_ring = 64, .tx_ring = 64, .buffers = 256, .mtu = 1600 });
	memset(frame, 0xAA, sizeof(frame));
	for (uint32_t i = 0; i < 100; i++) {
		assert_true(device_deliver(&rx[0], frame, 10000 + i));
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 4), 0);
		net_receive(0, 1000, i);
	}
	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	assert_true(stats.rx_errors >= 100);
	assert_int_equal(stats.rx_packets, 100);
}

/* ---- Notifications ---- */

static void a_device_that_polls_is_not_kicked(void **state)
{
	(void)state;
	net_open(NULL);
	for (uint32_t i = 0; i < 500; i++) {
		device_want_kicks(&rx[0], NEVER);
		device_want_kicks(&tx[0], NEVER);
		if (!i) {
			device_kicks(&rx[0]);
			device_kicks(&tx[0]);
		}
		net_receive(0, 100, i);
		net_send(pool, 0, 100, i);
		assert_int_equal(device_kicks(&rx[0]), 0);
		assert_int_equal(device_kicks(&tx[0]), 0);
	}
}

static void a_device_that_wants_kicks_gets_one_for_a_batch(void **state)
{
	const bool event_idx = kind->features & bit(VIRTIO_RING_F_EVENT_IDX);
	struct pkt_buf *bufs[10];
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(NULL);
	for (uint32_t i = 0; i < 100; i++) {
		device_want_kicks(&tx[0], event_idx ? 0 : ALWAYS);
		device_kicks(&tx[0]);
		for (int b = 0; b < 10; b++)
			bufs[b] = net_packet(pool, 100, b);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 10), 10);
		assert_int_equal(device_kicks(&tx[0]), 1);
		for (int b = 0; b < 10; b++)
			net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, b);
	}
	/* Nothing to send, nothing to tell. */
	device_want_kicks(&tx[0], event_idx ? 0 : ALWAYS);
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
	assert_int_equal(device_kicks(&tx[0]), 0);
}

static void with_event_index_kicks_come_at_the_place_asked_for(void **state)
{
	struct pkt_buf *buf;
	uint8_t frame[FRAME_MAX];

	(void)state;
	if (!(kind->features & bit(VIRTIO_RING_F_EVENT_IDX)))
		return;
	net_open(NULL);
	for (int round = 0; round < 200; round++) {
		const int ahead = round % 20;
		device_want_kicks(&tx[0], ahead);
		device_kicks(&tx[0]);
		for (int i = 0; i < 30; i++) {
			buf = net_packet(pool, 100, i);
			assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
			assert_int_equal(device_kicks(&tx[0]), i == ahead);
		}
		for (int i = 0; i < 30; i++)
			net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 100, i);
	}
}

/* The device must find buffers without waiting for the driver's next packet. */
static void buffers_come_back_to_the_device_in_time(void **state)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	struct pkt_buf *bufs[64];

	(void)state;
	net_open(NULL);
	for (int round = 0; round < 1000; round++) {
		uint32_t n = 0;
		assert_true(device_deliver(&rx[0], frame, 60));
		while (device_deliver(&rx[0], frame, 60))
			n++;
		assert_true(n >= 16);
		while ((n = ixy_rx_batch(dev, 0, bufs, 64)) > 0)
			pkt_buf_free_batch(bufs, n);
	}
}

/* ---- Sleeping ---- */

static bool readable(int fd)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0;
}

static void a_packet_interrupts_if_that_was_asked_for(void **state)
{
	struct ixy_interrupts in;
	struct pkt_buf *buf;
	uint8_t frame[FRAME_MAX] = { 0 };

	(void)state;
	net_open(NULL);
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	const int fd = ixy_rx_eventfd(&in, 0);
	for (int round = 0; round < 300; round++) {
		/* Polling: no calls. */
		for (int i = 0; i < round % 5; i++)
			net_receive(0, 100, i);
		assert_false(readable(fd));

		assert_false(ixy_rx_arm(&in, 0));
		assert_false(readable(fd));
		assert_true(device_deliver(&rx[0], frame, 60));
		assert_true(readable(fd));
		assert_true(ixy_rx_waiting(dev, 0));
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
		pkt_buf_free(buf);
		assert_false(ixy_rx_waiting(dev, 0));

		/* What is there already is told at once. */
		assert_true(device_deliver(&rx[0], frame, 60));
		assert_true(ixy_rx_arm(&in, 0));
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
		pkt_buf_free(buf);
		while (readable(fd))
			assert_int_equal(read(fd, frame, 8), 8);
	}
	const uint32_t calls = rx[0].calls;
	assert_true(calls >= 300);
	assert_int_equal(tx[0].calls, 0);
	ixy_interrupts_off(&in);
}

static void waiting_gives_back_what_was_sent(void **state)
{
	struct ixy_interrupts in;
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(NULL);
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	net_send(pool, 0, 100, 1);
	assert_int_equal(mempool_free_count(pool), 511);
	assert_int_equal(ixy_wait(&(struct ixy_wait){ &in, 0, 0, true }, 1, 1), 0);
	assert_int_equal(mempool_free_count(pool), 512);
	memset(frame, 0, sizeof(frame));
	assert_true(device_deliver(&rx[0], frame, 60));
	assert_int_equal(ixy_wait(&(struct ixy_wait){ &in, 0, 0, true }, 1, -1), IXY_PACKETS);
}

/* ---- The device as a whole ---- */

static void the_configuration_is_made_up_or_read(void **state)
{
	uint8_t mac[6];

	(void)state;
	net_open(NULL);
	assert_int_equal(dev->mac[0] & 3, 2); /* unicast, locally administered */
	memcpy(mac, dev->mac, 6);
	assert_true(ixy_link_speed(dev) > 0);
	ixy_close(dev);
	net_open(NULL); /* the same address, the same MAC address */
	assert_memory_equal(mac, dev->mac, 6);
	ixy_close(dev);

	back.protocol |= F_CONFIG;
	back.features |= bit(VIRTIO_NET_F_MAC) | bit(VIRTIO_NET_F_MTU) | bit(VIRTIO_NET_F_STATUS);
	memcpy(back.config.mac, "\2\1\2\3\4\5", 6);
	back.config.mtu = 1400;
	back.config.status = VIRTIO_NET_S_LINK_UP;
	back.config.max_virtqueue_pairs = 77; /* the protocol knows better */
	net_open(NULL);
	assert_memory_equal(dev->mac, "\2\1\2\3\4\5", 6);
	assert_int_equal(dev->config.mtu, 1400);
	assert_true(ixy_link_speed(dev) > 0);
	pthread_mutex_lock(&back.lock);
	back.config.status = 0;
	pthread_mutex_unlock(&back.lock);
	assert_int_equal(ixy_link_speed(dev), 0);
	ixy_close(dev);
	dev = NULL;

	const struct ixy_config large = { .mtu = 1401 };
	assert_int_equal(ixy_open(&dev, address, &large), -EINVAL);
	assert_non_null(strstr(log_lines, "MTU"));

	*log_lines = '\0';

	/* Only a driver with buffers of that size may accept the device's MTU. */
	back.config.mtu = 9000;
	net_open(NULL);
	assert_int_equal(dev->config.mtu, 1500);
	assert_false(back.agreed & bit(VIRTIO_NET_F_MTU));
	ixy_close(dev);
	net_open(&(struct ixy_config){ .mtu = 9000 });
	assert_true(back.agreed & bit(VIRTIO_NET_F_MTU));
}

static void what_has_no_control_queue_cannot_be_set(void **state)
{
	(void)state;
	back.features |= bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_NET_F_CTRL_RX) |
			 bit(VIRTIO_NET_F_CTRL_MAC_ADDR) | bit(VIRTIO_F_ACCESS_PLATFORM);
	net_open(NULL);
	pthread_mutex_lock(&back.lock);
	assert_int_equal(back.agreed & back.features, back.agreed);
	assert_false(back.agreed & (bit(VIRTIO_NET_F_CTRL_VQ) | bit(VIRTIO_F_ACCESS_PLATFORM)));
	pthread_mutex_unlock(&back.lock);
	assert_int_equal(ixy_set_promiscuous(dev, true), 0);
	assert_int_equal(ixy_set_promiscuous(dev, false), -ENOTSUP);
	assert_int_equal(ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }), -ENOTSUP);
}

static void a_closed_device_has_stopped(void **state)
{
	struct pkt_buf *bufs[20];

	(void)state;
	net_open(NULL);
	for (int i = 0; i < 20; i++)
		bufs[i] = net_packet(pool, 100, i);
	assert_int_equal(ixy_tx_batch(dev, 0, bufs, 20), 20);
	ixy_close(dev);
	dev = NULL;
	pthread_mutex_lock(&back.lock);
	while (back.connected)
		pthread_cond_wait(&back.changed, &back.lock);
	assert_int_equal(back.seen[GET_VRING_BASE], 2);
	pthread_mutex_unlock(&back.lock);
	assert_int_equal(mempool_free_count(pool), 512); /* the device had them; it had to stop */
}

/* Less than half of a ring: it is its owner who would wait for it. */
static void a_small_pool_comes_back_while_packets_are_sent(void **state)
{
	struct mempool *few;
	struct pkt_buf *bufs[32];
	uint8_t frame[FRAME_MAX];
	uint32_t sent = 0;

	(void)state;
	net_open(&(struct ixy_config){ .rx_ring = 256, .tx_ring = 256, .buffers = 1024 });
	assert_int_equal(mempool_create(&few, 64, 2048), 0);
	for (uint32_t round = 0; round < 100; round++) {
		const uint32_t n = pkt_buf_alloc_batch(few, bufs, 1 + round % 32);
		assert_true(n > 0);
		for (uint32_t i = 0; i < n; i++)
			bufs[i]->size = 60;
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, n), n);
		while (device_take(&tx[0], frame, sizeof(frame)))
			sent++;
	}
	assert_true(sent > 1000);
	ixy_close(dev);
	dev = NULL;
	assert_int_equal(mempool_free_count(few), 64);
	mempool_destroy(few);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, make_pool, check_pool)
	const struct CMUnitTest tests[] = {
		test(frames_of_all_sizes_are_received),
		test(frames_of_all_sizes_are_sent),
		test(a_frame_without_head_room_is_sent),
		test(rings_wrap_many_times_in_any_batches),
		test(a_full_send_ring_takes_no_more_until_the_device_has_sent),
		test(buffers_may_come_back_in_another_order),
		test(in_order_one_descriptor_is_for_many),
		test(an_empty_pool_leaves_frames_in_the_ring),
		test(received_packets_are_sent_without_a_copy),
		test(queue_pairs_are_apart),
		test(large_frames_may_come_in_several_buffers),
		test(frames_that_do_not_fit_are_dropped),
		test(a_device_that_polls_is_not_kicked),
		test(a_device_that_wants_kicks_gets_one_for_a_batch),
		test(with_event_index_kicks_come_at_the_place_asked_for),
		test(buffers_come_back_to_the_device_in_time),
		test(a_packet_interrupts_if_that_was_asked_for),
		test(waiting_gives_back_what_was_sent),
		test(the_configuration_is_made_up_or_read),
		test(what_has_no_control_queue_cannot_be_set),
		test(a_small_pool_comes_back_while_packets_are_sent),
		test(a_closed_device_has_stopped),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
