/* SPDX-License-Identifier: BSD-2-Clause */
/* The virtio-net driver when a vhost-user back end ends and comes again. */
#include "net.h"

#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <unistd.h>

#define POOL 512

static struct mempool *pool;
static struct ixy_watch watch;

static int set_up(void **state)
{
	net_set_up(state);
	memset(&watch, 0, sizeof(watch));
	return mempool_create(&pool, POOL, 2048);
}

static int tear_down(void **state)
{
	ixy_close(dev);
	dev = NULL;
	uint32_t free = mempool_free_count(pool);
	mempool_destroy(pool);
	net_tear_down(state);
	return free == POOL ? 0 : -1;
}

/* The next event; -1: there is none. */
static int event(void)
{
	struct ixy_event e;

	return ixy_next_event(dev, &watch, &e) ? (int)e.kind : -1;
}

/* An attempt waits for half a second, which is not much on a busy machine: the next one goes on. */
static void comes(int expected)
{
	int kind;

	do
		kind = event();
	while (kind == -1);
	assert_int_equal(kind, expected);
}

static void hang_up_and_connect_again(void)
{
	back_end_hang_up(&back);
	assert_int_equal(event(), IXY_LINK_DOWN);
	comes(IXY_LINK_UP);
	assert_int_equal(event(), -1);
	net_serve();
}

static void packets_flow_as_before(void **state)
{
	uint8_t frame[FRAME_MAX];
	struct pkt_buf *bufs[64];

	(void)state;
	net_open(NULL);
	assert_int_equal(event(), -1);
	for (uint32_t round = 0; round < 30; round++) {
		for (uint32_t i = 0; i < round * 3; i++) {
			net_receive(0, 100, i);
			net_send(pool, 0, 100, i);
		}
		/* Some are on their way, in both directions: they are lost, their buffers are not. */
		for (uint32_t i = 0; i < round % 16; i++) {
			bufs[i] = net_packet(pool, 100, i);
			net_make(frame, 100, i);
			assert_true(device_deliver(&rx[0], frame, 100));
		}
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, round % 16), round % 16);
		hang_up_and_connect_again();
		assert_int_equal(mempool_free_count(pool), POOL);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 64), 0);
	}
	net_receive(0, 100, 1);
	net_send(pool, 0, 100, 1);
}

static void a_disconnected_back_end_is_waited_for(void **state)
{
	struct pkt_buf *buf;

	(void)state;
	net_open(NULL);
	assert_int_equal(event(), -1);
	back_end_stop(&back);
	assert_int_equal(event(), IXY_LINK_DOWN);
	assert_non_null(strstr(log_lines, "the back end has disconnected"));
	*log_lines = '\0';
	for (int i = 0; i < 10; i++) {
		assert_int_equal(event(), -1);
		assert_int_equal(ixy_link_speed(dev), 0);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
		buf = net_packet(pool, 100, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 0);
		pkt_buf_free(buf);
	}
	assert_string_equal(log_lines, "");
	back_end_start(&back);
	comes(IXY_LINK_UP);
	assert_int_equal(event(), -1);
	net_serve();
	net_receive(0, 100, 1);
	net_send(pool, 0, 100, 1);
}

static void a_back_end_that_is_gone_when_watching_begins_is_waited_for(void **state)
{
	(void)state;
	net_open(NULL);
	back_end_stop(&back);
	assert_int_equal(event(), -1);
	assert_int_equal(event(), -1);
	back_end_start(&back);
	comes(IXY_LINK_UP);
	net_serve();
	net_receive(0, 100, 1);
}

static void a_gone_device_can_be_closed(void **state)
{
	struct pkt_buf *buf = net_packet(pool, 100, 0);

	(void)state;
	net_open(NULL);
	assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
	back_end_stop(&back);
	ixy_close(dev);
	dev = NULL;
	assert_int_equal(mempool_free_count(pool), POOL);
	back_end_start(&back);
}

static void a_lesser_back_end_ends_the_device(void **state)
{
	const bool virtio_1 = kind->features & bit(VIRTIO_F_VERSION_1);
	const struct ixy_config config = {
		.rx_queues = 2,
		.tx_queues = 2,
		.rx_ring = 64,
		.tx_ring = 64,
		.buffers = 256,
	};

	(void)state;
	for (int less = 0; virtio_1 && less < 2; less++) {
		memset(&watch, 0, sizeof(watch));
		net_open(&config);
		assert_int_equal(event(), -1);
		back_end_stop(&back);
		back.features &= less ? ~0ull : ~bit(VIRTIO_F_VERSION_1);
		back.pairs = less ? 1 : PAIRS;
		back_end_start(&back);
		assert_int_equal(event(), IXY_LINK_DOWN);
		*log_lines = '\0';
		comes(IXY_FAILED);
		assert_non_null(strstr(log_lines, "come back with less"));
		assert_int_equal(event(), -1);
		ixy_close(dev);
		dev = NULL;
		back.features = kind->features;
		back.pairs = PAIRS;
		*log_lines = '\0';
	}
}

static void it_is_tried_again_when_connecting_fails_halfway(void **state)
{
	static const int steps[] = {
		GET_FEATURES,	GET_PROTOCOL_FEATURES, SET_OWNER,      SET_MEM_TABLE,
		SET_FEATURES,	SET_VRING_NUM,	       SET_VRING_ADDR, SET_VRING_BASE,
		SET_VRING_KICK, SET_VRING_CALL,	       SET_STATUS,     SET_VRING_ENABLE,
	};

	(void)state;
	net_open(NULL);
	assert_int_equal(event(), -1);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		struct pkt_buf *buf = net_packet(pool, 100, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		back.at = steps[i];
		back.fault = HANG_UP;
		back_end_hang_up(&back);
		assert_int_equal(event(), IXY_LINK_DOWN);
		for (int times = 0; times < 3; times++)
			assert_int_equal(event(), -1);
		back.fault = NONE;
		comes(IXY_LINK_UP);
		net_serve();
		assert_int_equal(mempool_free_count(pool), POOL);
		net_receive(0, 100, i);
		net_send(pool, 0, 100, i);
	}
}

static void sleepers_are_woken_up(void **state)
{
	uint8_t frame[FRAME_MAX] = { 0 };
	struct ixy_interrupts in;
	struct pkt_buf *buf;

	(void)state;
	net_open(NULL);
	assert_int_equal(event(), -1);
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
	for (int i = 0; i < 5; i++) {
		assert_false(ixy_rx_arm(&in, 0));
		hang_up_and_connect_again();
		struct pollfd poll_fd = { .fd = ixy_rx_eventfd(&in, 0), .events = POLLIN };
		assert_int_equal(poll(&poll_fd, 1, 0), 1);
		assert_false(ixy_rx_arm(&in, 0));
		assert_int_equal(poll(&poll_fd, 1, 0), 0);
		assert_true(device_deliver(&rx[0], frame, 60));
		assert_int_equal(poll(&poll_fd, 1, 0), 1);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
		pkt_buf_free(buf);
	}
}

/* ---- While threads receive and send ---- */

static _Atomic bool stop;
static _Atomic uint32_t echoed;

/* Sends frames to the device, which sends them back: those it has lost are replaced. */
static void *work(void *argument)
{
	const uint16_t queue = (uintptr_t)argument;
	struct pkt_buf *bufs[32];
	struct mempool *own;
	uint32_t number = 0;

	if (mempool_create(&own, 256, 2048))
		return (void *)"no pool";
	while (!stop) {
		uint32_t n = pkt_buf_alloc_batch(own, bufs, 4);
		for (uint32_t i = 0; i < n; i++) {
			bufs[i]->size = 60 + number % 1000;
			net_make(bufs[i]->data + 4, bufs[i]->size - 4, number);
			memcpy(bufs[i]->data, &number, 4);
			number++;
		}
		uint32_t sent = ixy_tx_batch(dev, queue, bufs, n);
		pkt_buf_free_batch(bufs + sent, n - sent);

		n = ixy_rx_batch(dev, queue, bufs, 32);
		for (uint32_t i = 0; i < n; i++) {
			uint8_t want[FRAME_MAX];
			uint32_t got, size = bufs[i]->size - 4;
			memcpy(&got, bufs[i]->data, 4);
			net_make(want, size, got);
			if (bufs[i]->size != 60 + got % 1000 ||
			    memcmp(want, bufs[i]->data + 4, size))
				return (void *)"a damaged frame";
		}
		echoed += n;
		/* Some are forwarded; the others come from another thread's pool, perhaps. */
		sent = n && number % 3 == 0 ? ixy_tx_batch(dev, queue, bufs, n / 2) : 0;
		pkt_buf_free_batch(bufs + sent, n - sent);
		sched_yield();
	}
	/* What is in the ring comes back when the device is closed. */
	mempool_disown(own);
	return own;
}

/* The device: what it gets on a queue, it sends back there. */
static void *echo(void *unused)
{
	uint32_t connections = 0;
	uint8_t frame[FRAME_MAX];

	(void)unused;
	while (!stop) {
		pthread_mutex_lock(&back.lock);
		bool ready = back.connected && back.status & VIRTIO_CONFIG_S_DRIVER_OK;
		if (ready && connections != back.connections)
			net_serve();
		connections = ready ? back.connections : connections;
		for (uint16_t q = 0; ready && q < dev->config.rx_queues; q++)
			for (size_t size, n = 0;
			     n < 16 && (size = device_take(&tx[q], frame, sizeof(frame))) > 0; n++)
				device_deliver(&rx[q], frame, size);
		pthread_mutex_unlock(&back.lock);
		sched_yield();
	}
	return NULL;
}

static void threads_receive_and_send_over_restarts(void **state)
{
	const uint16_t pairs = kind->features & bit(VIRTIO_NET_F_MQ) ? 2 : 1;
	const struct ixy_config config = {
		.rx_queues = pairs, .tx_queues = pairs, .rx_ring = 64, .tx_ring = 64, .buffers = 256
	};
	pthread_t workers[2], device;
	void *results[2];

	(void)state;
	net_open(&config);
	assert_int_equal(event(), -1);
	stop = false;
	assert_int_equal(pthread_create(&device, NULL, echo, NULL), 0);
	for (uintptr_t i = 0; i < pairs; i++)
		assert_int_equal(pthread_create(&workers[i], NULL, work, (void *)i), 0);
	for (int round = 0; round < 20; round++) {
		/* Until a few packets have gone there and back. */
		for (uint32_t before = echoed; echoed - before < 200;)
			assert_true(event() < 0);
		back_end_hang_up(&back);
		assert_int_equal(event(), IXY_LINK_DOWN);
		comes(IXY_LINK_UP);
	}
	stop = true;
	pthread_join(device, NULL);
	for (uint16_t i = 0; i < pairs; i++)
		pthread_join(workers[i], &results[i]);
	ixy_close(dev);
	dev = NULL;
	for (uint16_t i = 0; i < pairs; i++) {
		assert_int_equal(mempool_free_count(results[i]), 256);
		mempool_destroy(results[i]);
	}
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(packets_flow_as_before),
		test(a_disconnected_back_end_is_waited_for),
		test(a_back_end_that_is_gone_when_watching_begins_is_waited_for),
		test(a_gone_device_can_be_closed),
		test(a_lesser_back_end_ends_the_device),
		test(it_is_tried_again_when_connecting_fails_halfway),
		test(sleepers_are_woken_up),
		test(threads_receive_and_send_over_restarts),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
