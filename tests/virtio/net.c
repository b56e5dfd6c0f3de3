/* SPDX-License-Identifier: BSD-2-Clause */
/* What the tests of the virtio-net driver have in common; see net.h. */
#include "net.h"

#include <stdio.h>

/* With protocol features, so that each message is understood before the next. */
#define COMMON (F_PROTOCOL | bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_NET_F_MQ))

const struct kind kinds[] = {
	{ "split", COMMON },
	{ "split, event index", COMMON | bit(VIRTIO_RING_F_EVENT_IDX) },
	{ "packed", COMMON | bit(VIRTIO_F_RING_PACKED) },
	{ "packed, event index",
	  COMMON | bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_RING_F_EVENT_IDX) },
	{ "packed, in order", COMMON | bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_RING_F_EVENT_IDX) |
				      bit(VIRTIO_F_IN_ORDER) },
	{ "split, any layout, no virtio 1", F_PROTOCOL | bit(VIRTIO_F_ANY_LAYOUT) },
	{ "split, nothing optional", F_PROTOCOL },
	{ 0 },
};

const struct kind *kind = kinds;
struct back_end back;
char address[128], log_lines[4096];
struct ixy_device *dev;
struct device_queue rx[PAIRS], tx[PAIRS];

static void keep_line(enum ixy_log_level level, const char *line, void *unused)
{
	size_t length = strlen(log_lines);

	(void)level, (void)unused;
	snprintf(log_lines + length, sizeof(log_lines) - length, "%s\n", line);
}

int net_set_up(void **state)
{
	(void)state;
	memset(&back, 0, sizeof(back));
	back.features = kind->features;
	back.protocol = F_MQ | F_REPLY_ACK | F_STATUS;
	back.pairs = kind->features & bit(VIRTIO_NET_F_MQ) ? PAIRS : 1;
	back_end_start(&back);
	snprintf(address, sizeof(address), "vhost-user:%s", back.path);
	*log_lines = '\0';
	ixy_log_to(keep_line, NULL);
	return 0;
}

int net_tear_down(void **state)
{
	(void)state;
	ixy_close(dev);
	dev = NULL;
	back_end_stop(&back);
	return 0;
}

void net_serve(void)
{
	for (uint16_t i = 0; i < dev->config.rx_queues; i++) {
		device_queue_init(&rx[i], &back, 2 * i);
		device_queue_init(&tx[i], &back, 2 * i + 1);
	}
}

void net_open(const struct ixy_config *config)
{
	const struct ixy_config small = { .rx_ring = 64, .tx_ring = 64, .buffers = 512 };

	if (ixy_open(&dev, address, config ? config : &small))
		fail_msg("ixy_open: %s", log_lines);
	assert_string_equal(log_lines, "");
	net_serve();
}

void net_make(uint8_t *frame, size_t size, uint32_t number)
{
	for (size_t i = 0; i < size; i++)
		frame[i] = number * 31 + size + i * 7 + (i >> 8);
}

void net_check(const uint8_t *frame, size_t size, size_t expected, uint32_t number)
{
	uint8_t want[FRAME_MAX];

	assert_int_equal(size, expected);
	net_make(want, size, number);
	assert_memory_equal(frame, want, size);
}

struct pkt_buf *net_packet(struct mempool *pool, size_t size, uint32_t number)
{
	struct pkt_buf *buf = pkt_buf_alloc(pool);

	assert_non_null(buf);
	net_make(buf->data, size, number);
	buf->size = size;
	return buf;
}

void net_receive(uint16_t queue, size_t size, uint32_t number)
{
	uint8_t frame[FRAME_MAX];
	struct pkt_buf *buf;

	net_make(frame, size, number);
	assert_true(device_deliver(&rx[queue], frame, size));
	assert_int_equal(ixy_rx_batch(dev, queue, &buf, 1), 1);
	net_check(buf->data, buf->size, size, number);
	pkt_buf_free(buf);
}

void net_send(struct mempool *pool, uint16_t queue, size_t size, uint32_t number)
{
	struct pkt_buf *buf = net_packet(pool, size, number);
	uint8_t frame[FRAME_MAX];

	assert_int_equal(ixy_tx_batch(dev, queue, &buf, 1), 1);
	net_check(frame, device_take(&tx[queue], frame, sizeof(frame)), size, number);
}

int net_run(const struct CMUnitTest *tests, size_t count)
{
	int failed = 0;

	for (kind = kinds; kind->name; kind++)
		failed += _cmocka_run_group_tests(kind->name, tests, count, NULL, NULL);
	return failed;
}
