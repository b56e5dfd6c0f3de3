/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio-net driver at its limits: rings and frames of all sizes, threads, sleep. */
#include "net.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#define POOL 512

static struct mempool *pool;

static int set_up(void **state)
{
	net_set_up(state);
	return mempool_create(&pool, POOL, 2048);
}

static int tear_down(void **state)
{
	ixy_close(dev);
	dev = NULL;
	const bool whole = mempool_free_count(pool) == POOL;
	mempool_destroy(pool);
	net_tear_down(state);
	return whole ? 0 : -1;
}

static bool has(int feature)
{
	return kind->features & bit(feature);
}

/* Descriptors for each packet. */
static uint32_t stride(void)
{
	return has(VIRTIO_F_VERSION_1) || has(VIRTIO_F_ANY_LAYOUT) ? 1 : 2;
}

/* ---- Rings ---- */

static void open_rings(uint32_t size)
{
	net_open(
		&(struct ixy_config){ .rx_ring = size, .tx_ring = size, .buffers = 2 * size + 64 });
	assert_int_equal(dev->config.rx_ring, size);
	assert_int_equal(dev->config.tx_ring, size);
}

/* Some at a time, more than the ring has in all. */
static void wrap(uint32_t size, uint32_t total)
{
	const uint32_t most = size / stride() < 16 ? size / stride() : 16;
	struct pkt_buf *bufs[16];
	uint8_t frame[FRAME_MAX];

	for (uint32_t in = 0, out = 0, n = 1; out < total; n = n % most + 1) {
		/* A ring may lack up to a quarter, of which the device is told together. */
		for (uint32_t i = 0; i < n; i++, in++) {
			net_make(frame, 60, in);
			if (!device_deliver(&rx[0], frame, 60))
				break;
		}
		const uint32_t got = ixy_rx_batch(dev, 0, bufs, most);
		assert_true(got > 0);
		for (uint32_t i = 0; i < got; i++)
			net_check(bufs[i]->data, bufs[i]->size, 60, out + i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, got), got);
		for (uint32_t i = 0; i < got; i++, out++)
			net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 60, out);
		assert_int_equal(in, out);
	}
}

/* Have the device return all its buffers at once. */
static void fill(uint32_t size)
{
	const uint32_t most = size / stride();
	struct pkt_buf **bufs = calloc(most, sizeof(*bufs));
	uint8_t frame[FRAME_MAX];
	uint32_t in = 0;

	assert_non_null(bufs);
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0); /* all buffers are in the pool again */
	for (net_make(frame, 60, in); device_deliver(&rx[0], frame, 60);)
		net_make(frame, 60, ++in);
	assert_true(in >= most - most / 2 && in <= most);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, most), in);
	for (uint32_t i = 0; i < in; i++)
		net_check(bufs[i]->data, bufs[i]->size, 60, i);
	assert_int_equal(ixy_tx_batch(dev, 0, bufs, in), in);
	for (uint32_t i = 0; i < in; i++)
		net_check(frame, device_take(&tx[0], frame, sizeof(frame)), 60, i);
	assert_int_equal(device_take(&tx[0], frame, sizeof(frame)), 0);
	free(bufs);
}

static void rings_of_all_sizes_wrap(void **state)
{
	static const uint32_t sizes[] = { 4, 8, 32, 128, 256, 4096, 5, 6, 7, 9, 100, 129, 1000 };

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		if (sizes[i] & (sizes[i] - 1) && !has(VIRTIO_F_RING_PACKED))
			continue;
		open_rings(sizes[i]);
		wrap(sizes[i], 3 * sizes[i] + 17);
		fill(sizes[i]);
		wrap(sizes[i], sizes[i] + 3);
		ixy_close(dev);
		dev = NULL;
	}
}

static void the_largest_rings_wrap(void **state)
{
	(void)state;
	open_rings(32768);
	fill(32768);
	wrap(32768, 35000);
	fill(32768);
}

static void what_is_too_much_is_refused(void **state)
{
	static const struct {
		struct ixy_config config;
		const char *why;
	} wrong[] = {
		{ { .rx_ring = 32769 }, "descriptors in a receive ring" },
		{ { .tx_ring = 32769 }, "descriptors in a send ring" },
		{ { .rx_ring = 65535 }, "descriptors in a receive ring" },
		{ { .tx_ring = 65535 }, "descriptors in a send ring" },
		{ { .rx_ring = 3 }, "descriptors in a receive ring" },
		{ { .tx_ring = 1 }, "descriptors in a send ring" },
		{ { .rx_queues = PAIRS + 1 }, "queue pairs" },
		{ { .tx_queues = PAIRS + 1 }, "queue pairs" },
		{ { .rx_queues = 65535, .tx_queues = 65535 }, "queue" },
		{ { .rx_ring = 64, .tx_ring = 64, .buffers = 127 }, "buffers" },
		{ { .buffers = UINT32_MAX }, "buffers" },
		{ { .mtu = 67 }, "MTU" },
		{ { .mtu = 9711 }, "MTU" },
		{ { .mtu = UINT32_MAX }, "MTU" },
		{ { .rss_symmetric = true }, "symmetric" },
		/* The last is for split rings only. */
		{ { .rx_ring = 100 }, "powers of two" },
	};
	const size_t count = sizeof(wrong) / sizeof(*wrong) - has(VIRTIO_F_RING_PACKED);

	(void)state;
	for (size_t i = 0; i < count; i++) {
		*log_lines = '\0';
		if (ixy_open(&dev, address, &wrong[i].config) != -EINVAL)
			fail_msg("%zu: %s: %s", i, wrong[i].why, log_lines);
		dev = NULL;
		assert_non_null(strstr(log_lines, wrong[i].why));
		assert_ptr_equal(strchr(log_lines, '\n'), strrchr(log_lines, '\n'));
	}
}

/* ---- Frames ---- */

static void large_frames_fit_into_one_buffer(void **state)
{
	struct mempool *large;
	struct pkt_buf *buf;
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(&(struct ixy_config){ .rx_ring = 64, .tx_ring = 64, .buffers = 256, .mtu = 9000 });
	assert_int_equal(mempool_create(&large, 128, 9100), 0);
	for (size_t size = 17; size <= 9018; size += size > 9000 ? 1 : 29) {
		net_receive(0, size, size);
		net_send(large, 0, size, size);
	}
	buf = net_packet(large, 9019, 1);
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	assert_int_equal(device_take(&tx[0], frame, sizeof(frame)), 0);
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
	assert_int_equal(mempool_free_count(large), 128);
	mempool_destroy(large);
}

static void a_frame_may_begin_anywhere_in_its_buffer(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct chain chain;

	(void)state;
	net_open(NULL);
	for (uint32_t at = 0; at < 200; at++) {
		struct pkt_buf *buf = net_packet(pool, 1000, at);
		buf->data = memmove((uint8_t *)(buf + 1) + at, buf->data, 1000);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		net_check(frame, device_take_only(&tx[0], frame, sizeof(frame), &chain), 1000, at);
		/* The header is not in front of the buffer's own bytes. */
		assert_true(chain.segments[0].iova >= buf->iova + sizeof(*buf));
		device_push(&tx[0], &chain, &(uint32_t){ 0 }, 1);
	}
}

static void a_frame_that_leaves_no_room_for_the_header_is_dropped(void **state)
{
	struct mempool *tight;
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(NULL);
	assert_int_equal(mempool_create(&tight, 16, 64), 0);
	struct pkt_buf *probe = pkt_buf_alloc(tight);
	const uint32_t all = pkt_buf_room(probe) + PKT_BUF_HEADROOM;
	pkt_buf_free(probe);
	for (uint32_t size = all - 20; size <= all; size++) {
		struct pkt_buf *buf = pkt_buf_alloc(tight);
		buf->data = (uint8_t *)(buf + 1);
		buf->size = size;
		net_make(buf->data, size, 1);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		const size_t got = device_take(&tx[0], frame, sizeof(frame));
		if (size <= all - 12)
			net_check(frame, got, size, 1);
		else
			assert_int_equal(got, 0);
	}
	assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
	assert_int_equal(mempool_free_count(tight), 16);
	mempool_destroy(tight);
}

static void queues_count_for_themselves_and_together(void **state)
{
	const uint16_t pairs = has(VIRTIO_NET_F_MQ) ? PAIRS : 1;
	struct ixy_queue_stats queue, sum = { 0 };
	uint8_t frame[FRAME_MAX] = { 0 };
	struct chain chain;
	struct ixy_stats all;
	struct pkt_buf *buf;

	(void)state;
	net_open(&(struct ixy_config){ .rx_queues = pairs,
				       .tx_queues = pairs,
				       .rx_ring = 64,
				       .tx_ring = 64,
				       .buffers = 128 });
	for (uint16_t q = 0; q < pairs; q++) {
		for (uint32_t i = 0; i < 10u * (q + 1); i++) {
			net_receive(q, 100, i);
			net_receive(q, 200, i);
			net_send(pool, q, 300, i);
		}
		for (uint32_t i = 0; i <= q; i++) { /* too short for its header */
			assert_true(device_pop(&rx[q], &chain));
			device_push(&rx[q], &chain, &(uint32_t){ 5 }, 1);
			assert_int_equal(ixy_rx_batch(dev, q, &buf, 1), 0);
		}
	}
	for (uint16_t q = 0; q < pairs; q++) {
		assert_int_equal(ixy_read_queue_stats(dev, q, &queue), 0);
		assert_int_equal(queue.rx_packets, 20 * (q + 1));
		assert_int_equal(queue.tx_packets, 10 * (q + 1));
		assert_int_equal(queue.rx_errors, q + 1);
		sum.rx_packets += queue.rx_packets;
		sum.tx_packets += queue.tx_packets;
		sum.rx_errors += queue.rx_errors;
	}
	assert_int_equal(ixy_read_stats(dev, &all), 0);
	assert_int_equal(all.rx_packets, sum.rx_packets);
	assert_int_equal(all.tx_packets, sum.tx_packets);
	assert_int_equal(all.rx_errors, sum.rx_errors);
	assert_int_equal(all.rx_bytes, sum.rx_packets / 2 * 300);
	assert_int_equal(all.tx_bytes, sum.tx_packets * 300);
	assert_int_equal(ixy_read_queue_stats(dev, pairs, &queue), -EINVAL);

	/* An empty pool, while frames wait: that is no error of the device. */
	struct pkt_buf *held[128];
	uint32_t count = 0;
	while (device_deliver(&rx[0], frame, 60))
		count += ixy_rx_batch(dev, 0, held + count, 1);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
	assert_int_equal(ixy_read_queue_stats(dev, 0, &queue), 0);
	assert_true(queue.rx_no_buffer > 0);
	assert_int_equal(queue.rx_errors, 1);
	pkt_buf_free_batch(held, count);
}

/* ---- Threads ---- */

#define HANDED 4096 /* frames; also room in the list, so that there is always some */

static struct pkt_buf *handed[HANDED];
static _Atomic uint32_t handed_count;
static _Atomic bool stop;

/* Takes what another thread has received, and sends it on the last queue. */
static void *send_handed(void *unused)
{
	const uint16_t queue = dev->config.tx_queues - 1;

	(void)unused;
	for (uint32_t sent = 0; sent < HANDED && !stop;) {
		uint32_t n = handed_count - sent;
		n = ixy_tx_batch(dev, queue, handed + sent, n < 32 ? n : 32);
		sent += n;
		if (!n)
			sched_yield();
	}
	return NULL;
}

static void *receive_to_hand(void *unused)
{
	(void)unused;
	while (handed_count < HANDED && !stop) {
		uint32_t n = HANDED - handed_count;
		n = ixy_rx_batch(dev, 0, handed + handed_count, n < 32 ? n : 32);
		handed_count += n;
		if (!n)
			sched_yield();
	}
	return NULL;
}

static void frames_go_from_one_thread_to_another(void **state)
{
	const uint16_t pairs = has(VIRTIO_NET_F_MQ) ? 2 : 1;
	uint8_t frame[FRAME_MAX];
	pthread_t threads[2];
	bool failed = false;

	(void)state;
	net_open(&(struct ixy_config){ .rx_queues = pairs,
				       .tx_queues = pairs,
				       .rx_ring = 64,
				       .tx_ring = 64,
				       .buffers = 256 });
	stop = false;
	handed_count = 0;
	assert_int_equal(pthread_create(&threads[0], NULL, receive_to_hand, NULL), 0);
	assert_int_equal(pthread_create(&threads[1], NULL, send_handed, NULL), 0);
	for (uint32_t in = 0, out = 0; out < HANDED && !failed;) {
		uint8_t want[FRAME_MAX];
		net_make(frame, 60 + in % 1000, in);
		if (in < HANDED && device_deliver(&rx[0], frame, 60 + in % 1000))
			in++;
		const size_t size = device_take(&tx[pairs - 1], frame, sizeof(frame));
		if (!size) {
			sched_yield();
			continue;
		}
		net_make(want, 60 + out % 1000, out);
		failed = size != 60 + out % 1000 || memcmp(frame, want, size);
		out++;
	}
	stop = true;
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	assert_false(failed);
}

/* ---- Sleep ---- */

static bool readable(int fd)
{
	return poll(&(struct pollfd){ .fd = fd, .events = POLLIN }, 1, 0) > 0;
}

static void each_pair_interrupts_by_itself_and_once(void **state)
{
	const uint16_t pairs = has(VIRTIO_NET_F_MQ) ? PAIRS : 1;
	uint8_t frame[FRAME_MAX] = { 0 };
	struct ixy_interrupts in;
	struct pkt_buf *bufs[8];

	(void)state;
	net_open(&(struct ixy_config){ .rx_queues = pairs,
				       .tx_queues = pairs,
				       .rx_ring = 64,
				       .tx_ring = 64,
				       .buffers = 128 });
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	for (uint32_t round = 0; round < 200; round++) {
		const uint16_t which = round % pairs;
		for (uint16_t q = 0; q < pairs; q++)
			assert_false(ixy_rx_arm(&in, q));
		const uint32_t before = rx[which].calls;
		for (uint32_t i = 0; i <= round % 7; i++)
			assert_true(device_deliver(&rx[which], frame, 60));
		for (uint16_t q = 0; q < pairs; q++)
			assert_int_equal(readable(ixy_rx_eventfd(&in, q)), q == which);
		if (has(VIRTIO_RING_F_EVENT_IDX)) /* without, it is for each until one is received */
			assert_int_equal(rx[which].calls, before + 1);
		const uint32_t n = ixy_rx_batch(dev, which, bufs, 8);
		assert_int_equal(n, 1 + round % 7);
		pkt_buf_free_batch(bufs, n);
		/* Received from, and not armed again. */
		const uint32_t calls = rx[which].calls;
		net_receive(which, 60, 1);
		assert_int_equal(rx[which].calls, calls);
	}
	ixy_interrupts_off(&in);
}

#define SLEEPS 3000

static _Atomic uint32_t awake_for; /* frames that the sleeper has received */

static void *deliver_now_and_then(void *unused)
{
	uint8_t frame[FRAME_MAX] = { 0 };

	(void)unused;
	for (uint32_t in = 0, random = 1; in < SLEEPS && !stop;) {
		random = random * 1664525 + 1013904223;
		for (uint32_t n = random >> 28; n-- && in < SLEEPS;)
			in += device_deliver(&rx[0], frame, 60);
		/* Sometimes at once, sometimes when the other sleeps. */
		for (uint32_t i = random >> 20 & 3; i--;)
			sched_yield();
		while (!(random >> 16 & 7) && awake_for < in && !stop)
			sched_yield();
	}
	return NULL;
}

static void sleeping_threads_miss_nothing(void **state)
{
	struct ixy_interrupts in;
	struct pkt_buf *bufs[4];
	pthread_t thread;
	bool late = false;

	(void)state;
	net_open(NULL);
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	stop = false;
	awake_for = 0;
	assert_int_equal(pthread_create(&thread, NULL, deliver_now_and_then, NULL), 0);
	while (awake_for < SLEEPS && !late) {
		const uint32_t n = ixy_rx_batch(dev, 0, bufs, 4);
		pkt_buf_free_batch(bufs, n);
		awake_for += n;
		if (!n && awake_for < SLEEPS)
			late = !ixy_wait(&(struct ixy_wait){ &in, 0, 0, true }, 1, 30000);
	}
	stop = true;
	pthread_join(thread, NULL);
	assert_false(late);
	ixy_interrupts_off(&in);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(rings_of_all_sizes_wrap),
		test(the_largest_rings_wrap),
		test(what_is_too_much_is_refused),
		test(large_frames_fit_into_one_buffer),
		test(a_frame_may_begin_anywhere_in_its_buffer),
		test(a_frame_that_leaves_no_room_for_the_header_is_dropped),
		test(queues_count_for_themselves_and_together),
		test(frames_go_from_one_thread_to_another),
		test(each_pair_interrupts_by_itself_and_once),
		test(sleeping_threads_miss_nothing),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
