/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net driver with a device that lies: what it says of a packet may cost that packet, what
 * it says of a ring the ring, which is then an event. Never memory, and never a buffer.
 */
#include "net.h"

#include "../open_files.h"

#define POOL 128
#define RING 64

static struct mempool *pool;
static struct ixy_watch watch;

/* Those of our pieces of memory are among them: a pool that is not whole stays. */
static int files;

static int set_up(void **state)
{
	files = open_files();
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
	return whole && open_files() == files ? 0 : -1;
}

/* Closing gives the device some time to send what it has. This one will not. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}

static void open_device(uint32_t mtu)
{
	memset(&watch, 0, sizeof(watch));
	net_open(&(struct ixy_config){
		.rx_ring = RING, .tx_ring = RING, .buffers = 2 * RING, .mtu = mtu });
}

static void close_device(void)
{
	ixy_close(dev);
	dev = NULL;
	*log_lines = '\0';
	assert_int_equal(mempool_free_count(pool), POOL);
}

/* The next event; -1: there is none. */
static int event(void)
{
	struct ixy_event e;

	return ixy_next_event(dev, &watch, &e) ? (int)e.kind : -1;
}

static uint64_t rx_errors(void)
{
	struct ixy_stats stats;

	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	return stats.rx_errors;
}

static struct chain pop_one(struct device_queue *q)
{
	struct chain chain;

	assert_true(device_pop(q, &chain));
	return chain;
}

static void push_one(struct device_queue *q, const struct chain *chain, uint32_t id,
		     uint32_t length)
{
	struct chain lie = *chain;

	lie.id = id;
	device_push(q, &lie, &length, 1);
}

static uint32_t total(const struct chain *chain)
{
	uint32_t length = 0;

	for (uint16_t i = 0; i < chain->count; i++)
		length += chain->segments[i].length;
	return length;
}

static void set_buffers(const struct chain *chain, uint16_t count)
{
	memset(chain->segments[0].data, 0, 10);
	memcpy(chain->segments[0].data + 10, &count, 2);
}

/* The queue is stopped, the driver reports it, and no packet moves. */
static void check_failed(void)
{
	struct pkt_buf *bufs[RING];

	assert_int_equal(ixy_rx_batch(dev, 0, bufs, RING), 0);
	assert_int_equal(event(), IXY_FAILED);
	assert_int_equal(event(), -1);
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, RING), 0);
}

/* ---- Lengths ---- */

static void a_wrong_length_costs_that_packet(void **state)
{
	struct pkt_buf *buf;

	(void)state;
	open_device(0);
	assert_int_equal(event(), -1);
	const uint32_t header = device_header(&back);
	struct chain chain = pop_one(&rx[0]);
	const uint32_t room = total(&chain);
	const uint32_t lengths[] = {
		0,	    1,		header - 1,	header,	       room + 1,
		room + 128, 0x7FFF,	0xFFFF,		0x10000 + 100, 0x7FFFFFFF,
		0x80000000, 0x80000064, UINT32_MAX - 1, UINT32_MAX
	};
	const uint32_t count = sizeof(lengths) / sizeof(*lengths);

	for (uint32_t i = 0; i < 200; i++) {
		set_buffers(&chain, 1);
		push_one(&rx[0], &chain, chain.id, lengths[i % count]);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
		assert_int_equal(rx_errors(), i + 1);
		net_receive(0, 60 + i, i);
		chain = pop_one(&rx[0]);
	}

	/* The longest and the shortest that are possible. */
	push_one(&rx[0], &chain, chain.id, room);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	assert_int_equal(buf->size, room - header);
	assert_true(buf->size <= pkt_buf_room(buf));
	pkt_buf_free(buf);
	net_receive(0, 1, 1);
	assert_int_equal(rx_errors(), 200);
	assert_int_equal(event(), -1);
}

static void wrong_lengths_of_what_was_sent_do_not_matter(void **state)
{
	uint8_t frame[FRAME_MAX];

	(void)state;
	open_device(0);
	for (uint32_t i = 0; i < 200; i++) {
		struct pkt_buf *buf = net_packet(pool, 100, i);
		struct chain chain;
		assert_int_equal(ixy_tx_batch(dev, 0, &buf, 1), 1);
		net_check(frame, device_take_only(&tx[0], frame, sizeof(frame), &chain), 100, i);
		push_one(&tx[0], &chain, chain.id, i * 0x01010101);
	}
	assert_int_equal(event(), -1);
}

/* ---- Ids ---- */

/* That a descriptor of this ring cannot have; the last one ends the list. */
static const uint32_t *wrong_ids(void)
{
	static const uint32_t all[] = { RING, RING + 1, 255, 0x7FFF, 0x8000, 0xFFFF,
					/* more than 16 bits: split */
					0x10000, 0x80000000, UINT32_MAX, 0 };
	static const uint32_t short_ids[] = { RING, RING + 1, 255, 0x7FFF, 0x8000, 0xFFFF, 0 };
	/* The second of a pair of descriptors. */
	static const uint32_t pairs[] = { 1, 3, RING - 1, RING, 0xFFFF, UINT32_MAX, 0 };

	if (kind->features & bit(VIRTIO_F_RING_PACKED))
		return short_ids;
	return kind->features & (bit(VIRTIO_F_VERSION_1) | bit(VIRTIO_F_ANY_LAYOUT)) ? all : pairs;
}

static void a_wrong_id_ends_a_receive_queue(void **state)
{
	(void)state;
	for (const uint32_t *id = wrong_ids(); *id; id++) {
		open_device(0);
		assert_int_equal(event(), -1);
		net_receive(0, 100, 1);
		struct chain chain = pop_one(&rx[0]);
		push_one(&rx[0], &chain, *id, device_header(&back) + 60);
		check_failed();
		close_device();
	}
}

static void a_wrong_id_ends_a_send_queue(void **state)
{
	(void)state;
	for (const uint32_t *id = wrong_ids(); *id; id++) {
		struct pkt_buf *bufs[4];
		open_device(0);
		assert_int_equal(event(), -1);
		for (int i = 0; i < 4; i++)
			bufs[i] = net_packet(pool, 100, i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 4), 4);
		struct chain chain = pop_one(&tx[0]);
		push_one(&tx[0], &chain, *id, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
		check_failed();
		assert_int_equal(mempool_free_count(pool), POOL - 4);
		close_device();
	}
}

static void a_packet_comes_back_from_a_send_queue_once(void **state)
{
	struct pkt_buf *bufs[4];

	(void)state;
	for (int times = 2; times < 5; times++) {
		open_device(0);
		assert_int_equal(event(), -1);
		for (int i = 0; i < 4; i++)
			bufs[i] = net_packet(pool, 100, i);
		assert_int_equal(ixy_tx_batch(dev, 0, bufs, 4), 4);
		struct chain chain = pop_one(&tx[0]);
		for (int i = 0; i < times; i++)
			push_one(&tx[0], &chain, chain.id, 0);
		assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
		assert_int_equal(mempool_free_count(pool), POOL - 3);
		check_failed();
		close_device();
	}
}

static void an_id_that_comes_again_brings_another_buffer(void **state)
{
	struct pkt_buf *held[RING];
	uint32_t count = 0;

	(void)state;
	if (kind->features &
	    bit(VIRTIO_F_IN_ORDER)) /* it says that all others have been passed over */
		return;
	open_device(0);
	assert_int_equal(event(), -1);
	const struct chain chain = pop_one(&rx[0]);
	set_buffers(&chain, 1);
	for (int i = 0; i < 20; i++) {
		push_one(&rx[0], &chain, chain.id, device_header(&back) + 60);
		assert_int_equal(ixy_rx_batch(dev, 0, &held[count], 1), 1);
		for (uint32_t other = 0; other < count; other++)
			assert_ptr_not_equal(held[other], held[count]);
		count++;
	}
	pkt_buf_free_batch(held, count);
}

/* ---- Indexes, flags ---- */

static void a_used_index_that_jumps_ends_the_queue(void **state)
{
	static const uint16_t jumps[] = { RING + 1, RING + 2, 255, 1000, 0x7FFF, 0x8000, 0xFFFE };

	(void)state;
	if (kind->features & bit(VIRTIO_F_RING_PACKED))
		return;
	for (int send = 0; send < 2; send++)
		for (size_t i = 0; i < sizeof(jumps) / sizeof(*jumps); i++) {
			struct device_queue *q = send ? &tx[0] : &rx[0];
			struct pkt_buf *buf;
			open_device(0);
			assert_int_equal(event(), -1);
			net_receive(0, 100, 1);
			net_send(pool, 0, 100, 1);
			assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
			q->used += jumps[i];
			push_one(q, &(struct chain){ 0 }, 0, 0);
			q->used -= jumps[i] + 1;
			assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
			assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
			push_one(q, &(struct chain){ 0 }, 0, 100); /* too late for the truth */
			assert_int_equal(ixy_tx_batch(dev, 0, NULL, 0), 0);
			check_failed();
			close_device();
		}
}

static void a_ring_full_of_the_same_bits_ends_with_each_call(void **state)
{
	static const uint8_t patterns[] = { 0, 0xFF, 0x80, 0x7F, 0x55, 0xAA };
	struct pkt_buf *bufs[2 * RING];

	(void)state;
	for (size_t i = 0; i < sizeof(patterns); i++)
		for (int part = 0; part < 3; part++) {
			size_t size;
			open_device(0);
			for (int round = 0; round < 20; round++) {
				uint8_t *ring = device_part(&rx[0], part, &size);
				memset(ring, patterns[i], size);
				ring = device_part(&tx[0], part, &size);
				memset(ring, patterns[i], size);
				uint32_t n = ixy_rx_batch(dev, 0, bufs, 2 * RING);
				assert_true(n <= 2 * RING);
				for (uint32_t b = 0; b < n; b++)
					assert_true(bufs[b]->size <= pkt_buf_room(bufs[b]));
				pkt_buf_free_batch(bufs, n);
				n = pkt_buf_alloc_batch(pool, bufs, 10);
				for (uint32_t b = 0; b < n; b++)
					bufs[b]->size = 60;
				uint32_t sent = ixy_tx_batch(dev, 0, bufs, n);
				pkt_buf_free_batch(bufs + sent, n - sent);
				assert_true(mempool_free_count(pool) <= POOL);
			}
			close_device();
		}
}

/* Among them buffers that it has not been told of yet: those of less than a run. Numbers of places below 0
 * would be some below 65536. */
static void a_device_that_returns_more_than_it_has_reaches_no_other_memory(void **state)
{
	static const uint8_t frame[60], marks[RING * sizeof(struct vring_packed_desc)] = { 1, 2 };
	struct pkt_buf *bufs[RING];
	size_t size;

	(void)state;
	if (!(kind->features & bit(VIRTIO_F_RING_PACKED)))
		return;
	for (uint16_t place = 0; place < RING; place++) {
		open_device(0);
		for (uint16_t i = 0; i < place; i++)
			assert_true(device_deliver(&rx[0], frame, sizeof(frame)));
		uint32_t n = ixy_rx_batch(dev, 0, bufs, RING);
		assert_int_equal(n, place);
		pkt_buf_free_batch(bufs, n);
		for (int i = 0; i < 15; i++)
			net_receive(0, 60, i);
		struct vring_packed_desc *desc = device_part(&rx[0], 0, &size);
		for (uint16_t i = 0; i < RING; i++) {
			const uint16_t at = (rx[0].used + i) % RING;
			desc[at].id = at;
			desc[at].len = device_header(&back) + 60;
			desc[at].flags = rx[0].used_wrap != (at < rx[0].used)
						 ? 1 << VRING_PACKED_DESC_F_AVAIL |
							   1 << VRING_PACKED_DESC_F_USED
						 : 0;
		}
		uint8_t *behind = back_end_memory(
			&back, back.rings[0].addr.desc_user_addr + sizeof(*desc) * (65536 - RING),
			sizeof(marks));
		if (behind)
			memcpy(behind, marks, sizeof(marks));
		n = ixy_rx_batch(dev, 0, bufs, RING);
		assert_int_equal(n, RING);
		if (behind)
			assert_memory_equal(behind, marks, sizeof(marks));
		pkt_buf_free_batch(bufs, n);
		close_device();
	}
}

static void places_for_kicks_may_be_anything(void **state)
{
	uint32_t random = 1;

	(void)state;
	open_device(0);
	for (uint32_t i = 0; i < 2000; i++) {
		for (int send = 0; send < 2; send++) {
			struct device_queue *q = send ? &tx[0] : &rx[0];
			size_t size;
			uint8_t *device = device_part(q, 2, &size);
			random = random * 1664525 + 1013904223;
			const uint16_t value = random >> 16;
			if (q->packed) {
				memcpy(device, &(uint16_t[]){ value, random >> 3 & 7 }, 4);
			} else {
				memcpy(device, &value, 2);
				memcpy(device + size - 2, &value, 2);
			}
		}
		net_receive(0, 100, i);
		net_send(pool, 0, 100, i);
	}
	assert_int_equal(event(), -1);
}

/* ---- Packets in several buffers ---- */

static void a_wrong_number_of_buffers_costs_that_packet(void **state)
{
	static const struct {
		uint16_t said, given, good;
	} lies[] = {
		{ 0, 1, 1 },	  { 2, 1, 0 },	    { 3, 2, 0 },
		{ 64, 1, 0 },	  { 65, 2, 0 },	    { 0x7FFF, 1, 0 },
		{ 0x8000, 3, 0 }, { 0xFFFF, 1, 0 }, { 0xFFFF, 10, 0 },
	};
	struct chain chains[RING];
	uint32_t lengths[RING], bad = 0;
	struct pkt_buf *buf;

	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	open_device(9000);
	assert_int_equal(event(), -1);
	for (uint32_t round = 0; round < 90; round++) {
		const size_t at = round % (sizeof(lies) / sizeof(*lies));
		for (uint16_t i = 0; i < lies[at].given; i++) {
			chains[i] = pop_one(&rx[0]);
			lengths[i] = i ? 100 : 112;
		}
		set_buffers(&chains[0], lies[at].said);
		device_push(&rx[0], chains, lengths, lies[at].given);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), lies[at].good);
		if (lies[at].good)
			pkt_buf_free(buf);
		else
			bad++;
		net_receive(0, 60 + round, round);
	}
	assert_int_equal(rx_errors(), bad);
	assert_int_equal(event(), -1);
}

static void wrong_lengths_and_ids_in_the_middle_of_a_packet(void **state)
{
	struct chain chains[4];
	struct pkt_buf *buf;

	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	open_device(9000);
	assert_int_equal(event(), -1);
	for (uint32_t round = 0; round < 40; round++) {
		static const uint32_t wrong[] = { 100000, UINT32_MAX, 0x80000000, 0xFFFF };
		uint32_t lengths[] = { 112, 100, 100, 100 };
		for (int i = 0; i < 4; i++)
			chains[i] = pop_one(&rx[0]);
		set_buffers(&chains[0], 4);
		lengths[1 + round % 3] = wrong[round % 4];
		device_push(&rx[0], chains, lengths, 4);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
		assert_int_equal(rx_errors(), round + 1);
		net_receive(0, 60 + round, round);
	}

	/* A packet of the same buffer again and again: nonsense, but in its place. */
	chains[0] = chains[1] = chains[2] = chains[3] = pop_one(&rx[0]);
	set_buffers(&chains[0], 4);
	device_push(&rx[0], chains, (uint32_t[]){ 112, 112, 112, 112 }, 4);
	assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 1);
	assert_true(buf->size <= pkt_buf_room(buf));
	pkt_buf_free(buf);
	close_device();

	for (int at = 1; at < 4; at++) {
		open_device(9000);
		assert_int_equal(event(), -1);
		for (int i = 0; i < 4; i++)
			chains[i] = pop_one(&rx[0]);
		set_buffers(&chains[0], 4);
		chains[at].id = 0xFFFF;
		device_push(&rx[0], chains, (uint32_t[]){ 112, 100, 100, 100 }, 4);
		check_failed();
		close_device();
	}
}

/* ---- Before packets flow ---- */

static void impossible_configurations_are_refused(void **state)
{
	static const uint16_t mtus[] = { 0, 1, 67 };

	(void)state;
	back.protocol |= F_CONFIG;
	back.features |= bit(VIRTIO_NET_F_MTU) | bit(VIRTIO_NET_F_STATUS);
	for (size_t i = 0; i < sizeof(mtus) / sizeof(*mtus); i++) {
		back.config.mtu = mtus[i];
		assert_int_equal(ixy_open(&dev, address, NULL), -EINVAL);
		assert_non_null(strstr(log_lines, "MTU"));
		*log_lines = '\0';
	}
	for (int all = 0; all < 2; all++) {
		back.pairs = all ? UINT64_MAX : 0;
		memset(&back.config, 0xFF, sizeof(back.config));
		open_device(0);
		assert_int_equal(dev->config.mtu, 1500);
		net_receive(0, 1000, 1);
		net_send(pool, 0, 1000, 1);
		close_device();
	}
}

static void unknown_features_are_not_accepted(void **state)
{
	(void)state;
	back.features = UINT64_MAX;
	open_device(0);
	pthread_mutex_lock(&back.lock);
	assert_false(back.agreed & (bit(VIRTIO_NET_F_CSUM) | bit(VIRTIO_NET_F_GUEST_CSUM) |
				    bit(VIRTIO_NET_F_MRG_RXBUF) | bit(63)));
	pthread_mutex_unlock(&back.lock);
	net_receive(0, 1000, 1);
	net_send(pool, 0, 1000, 1);
	close_device();

	/* Packed rings are virtio 1's: 6. */
	back.features = F_PROTOCOL | bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_RING_F_EVENT_IDX);
	open_device(0);
	pthread_mutex_lock(&back.lock);
	assert_false(back.agreed & bit(VIRTIO_F_RING_PACKED));
	pthread_mutex_unlock(&back.lock);
	for (uint32_t i = 0; i < 200; i++) {
		net_receive(0, 1000, i);
		net_send(pool, 0, 1000, i);
	}
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(a_wrong_length_costs_that_packet),
		test(wrong_lengths_of_what_was_sent_do_not_matter),
		test(a_wrong_id_ends_a_receive_queue),
		test(a_wrong_id_ends_a_send_queue),
		test(a_packet_comes_back_from_a_send_queue_once),
		test(an_id_that_comes_again_brings_another_buffer),
		test(a_used_index_that_jumps_ends_the_queue),
		test(a_ring_full_of_the_same_bits_ends_with_each_call),
		test(a_device_that_returns_more_than_it_has_reaches_no_other_memory),
		test(places_for_kicks_may_be_anything),
		test(a_wrong_number_of_buffers_costs_that_packet),
		test(wrong_lengths_and_ids_in_the_middle_of_a_packet),
		test(impossible_configurations_are_refused),
		test(unknown_features_are_not_accepted),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
