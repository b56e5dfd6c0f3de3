/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net driver with a device that lies: about which buffers it returns, how much it has
 * written, where it is in the ring. That costs packets only. To be run under the sanitizers, too.
 *
 * A device can write to all memory that it was given. What is fuzzed here is what drivers must not
 * trust: rings, and the headers of packets.
 */
#include "net.h"

#include <stdatomic.h>
#include <stdio.h>

#define POOL   256
#define ROUNDS 3000

#define AVAIL (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED  (1 << VRING_PACKED_DESC_F_USED)

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
	uint32_t free = mempool_free_count(pool);
	mempool_destroy(pool);
	net_tear_down(state);
	return free == POOL ? 0 : -1;
}

/* Closing gives the device some time to send what it has. This one will not. */
int __wrap_usleep(unsigned int us);
int __wrap_usleep(unsigned int us)
{
	(void)us;
	return 0;
}

static uint64_t seed;

static uint32_t chance(uint32_t n)
{
	seed = seed * 6364136223846793005 + 1442695040888963407;
	return (seed >> 33) % n;
}

/* ---- The rings as memory ---- */

struct parts {
	uint32_t num;
	uint8_t *desc, *driver, *device;
	size_t desc_size, driver_size, device_size;
};

static struct parts parts(const struct device_queue *q)
{
	pthread_mutex_lock(&back.lock);
	const struct back_end_ring *ring = &back.rings[q->index];
	struct parts p = { .num = ring->num, .desc_size = 16ul * ring->num };
	p.driver_size = q->packed ? 4 : 6 + 2ul * ring->num;
	p.device_size = q->packed ? 4 : 6 + 8ul * ring->num;
	p.desc = back_end_memory(&back, ring->addr.desc_user_addr, p.desc_size);
	p.driver = back_end_memory(&back, ring->addr.avail_user_addr, p.driver_size);
	p.device = back_end_memory(&back, ring->addr.used_user_addr, p.device_size);
	pthread_mutex_unlock(&back.lock);
	return p;
}

/* Return @count buffers as the rules of the ring have it, but with these ids and lengths. */
static void return_ids(struct device_queue *q, const uint32_t *ids, const uint32_t *lengths,
		       uint32_t count)
{
	struct parts p = parts(q);

	for (uint32_t i = 0; i < count; i++) {
		if (q->packed) {
			struct vring_packed_desc *desc = (void *)(p.desc + 16 * q->used);
			desc->id = ids[i];
			desc->len = lengths[i];
			__atomic_store_n(&desc->flags, q->used_wrap ? AVAIL | USED : 0,
					 __ATOMIC_RELEASE);
			if (++q->used == p.num) {
				q->used = 0;
				q->used_wrap = !q->used_wrap;
			}
		} else {
			struct vring_used *used = (void *)p.device;
			used->ring[q->used++ % p.num] =
				(struct vring_used_elem){ ids[i], lengths[i] };
			__atomic_store_n(&used->idx, q->used, __ATOMIC_RELEASE);
		}
	}
}

/* ---- One lie at a time ---- */

static uint64_t errors(void)
{
	struct ixy_stats stats;

	assert_int_equal(ixy_read_stats(dev, &stats), 0);
	return stats.rx_errors;
}

static void a_length_that_is_not_possible_drops_the_packet(void **state)
{
	static const uint32_t lengths[] = { 0, 1, 9, 100000, UINT32_MAX, 1u << 31 };
	struct pkt_buf *buf;

	(void)state;
	net_open(NULL);
	for (size_t i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		struct chain chain;
		const uint64_t before = errors();
		assert_true(device_pop(&rx[0], &chain));
		device_push(&rx[0], &chain, &lengths[i], 1);
		assert_int_equal(ixy_rx_batch(dev, 0, &buf, 1), 0);
		assert_int_equal(errors(), before + 1);
		net_receive(0, 100, i); /* the ring goes on */
	}
}

static void an_id_that_is_not_possible_drops_the_packet(void **state)
{
	static const uint32_t ids[] = { 64, 65, 4096, 65535, 65536, UINT32_MAX };
	struct pkt_buf *bufs[4];

	(void)state;
	net_open(NULL);
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		const uint64_t before = errors();
		if (kind->features & bit(VIRTIO_F_RING_PACKED) && (uint16_t)ids[i] != ids[i])
			continue; /* has no more bits */
		return_ids(&rx[0], &ids[i], (uint32_t[]){ 100 }, 1);
		assert_int_equal(ixy_rx_batch(dev, 0, bufs, 4), 0);
		assert_int_equal(errors(), before + 1);
	}
}

static void the_same_buffer_is_never_given_to_the_application_twice(void **state)
{
	uint32_t ids[8] = { 2, 2, 2, 2, 2, 2, 2, 2 };
	uint32_t lengths[8] = { 100, 100, 100, 100, 100, 100, 100, 100 };
	struct pkt_buf *bufs[8];

	(void)state;
	net_open(NULL);
	return_ids(&rx[0], ids, lengths, 8);
	uint32_t n = ixy_rx_batch(dev, 0, bufs, 8);
	for (uint32_t i = 0; i < n; i++)
		for (uint32_t k = 0; k < i; k++)
			assert_ptr_not_equal(bufs[i], bufs[k]);
	pkt_buf_free_batch(bufs, n);
}

static void what_was_not_sent_is_not_given_back(void **state)
{
	uint32_t ids[] = { 0, 1, 2, 3, 1000, 63, 63 }, lengths[7] = { 0 };
	struct pkt_buf *bufs[4];
	uint8_t frame[FRAME_MAX];

	(void)state;
	net_open(NULL);
	return_ids(&tx[0], ids, lengths, 7); /* nothing was sent at all */
	for (int i = 0; i < 4; i++)
		bufs[i] = net_packet(pool, 100, i);
	ixy_tx_batch(dev, 0, NULL, 0);
	assert_int_equal(mempool_free_count(pool), POOL - 4);
	assert_int_equal(ixy_tx_batch(dev, 0, bufs, 4), 4);
	for (int i = 0; i < 4; i++) /* they go out nevertheless */
		assert_int_equal(
			device_take_only(&tx[0], frame, sizeof(frame), &(struct chain){ 0 }), 100);
}

static void an_index_that_is_not_possible_stops_the_queue(void **state)
{
	struct ixy_watch watch = { 0 };
	struct ixy_event event;
	struct pkt_buf *bufs[4];

	(void)state;
	if (kind->features & bit(VIRTIO_F_RING_PACKED))
		return;
	net_open(NULL);
	assert_false(ixy_next_event(dev, &watch, &event));
	struct vring_used *used = (void *)parts(&rx[0]).device;
	used->idx = 65;
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 4), 0);
	assert_true(ixy_next_event(dev, &watch, &event));
	assert_int_equal(event.kind, IXY_FAILED);
	used->idx = 1;
	assert_int_equal(ixy_rx_batch(dev, 0, bufs, 4), 0);
}

static void a_count_of_buffers_that_is_not_possible_drops_the_packet(void **state)
{
	static const uint16_t counts[] = { 0, 2, 64, 65, 4000, 65535 };
	struct pkt_buf *bufs[4];

	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	net_open(&(struct ixy_config){ .rx_ring = 64, .tx_ring = 64, .buffers = 256, .mtu = 1600 });
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
		struct chain chain;
		const uint64_t before = errors();
		assert_true(device_pop(&rx[0], &chain));
		memset(chain.segments[0].data, 0, 112);
		memcpy(chain.segments[0].data + 10, &counts[i], 2);
		device_push(&rx[0], &chain, &(uint32_t){ 112 }, 1);
		uint32_t n = ixy_rx_batch(dev, 0, bufs, 4);
		assert_int_equal(n, !counts[i] ? n : 0);
		pkt_buf_free_batch(bufs, n);
		assert_int_equal(errors() + n, before + 1);
		net_receive(0, 100, i);
	}
}

/* ---- All at once ---- */

/* What the application has. */
static struct pkt_buf *held[POOL * 4];
static uint32_t held_count;

static void receive_some(void)
{
	struct pkt_buf *bufs[64];
	uint32_t n = ixy_rx_batch(dev, 0, bufs, 1 + chance(64));

	for (uint32_t i = 0; i < n; i++) {
		const uint8_t *begin = (uint8_t *)(bufs[i] + 1);
		assert_true(bufs[i]->size > 0);
		assert_true(bufs[i]->data >= begin && pkt_buf_room(bufs[i]) >= bufs[i]->size);
		for (uint32_t k = 0; k < held_count; k++)
			assert_ptr_not_equal(held[k], bufs[i]);
		bufs[i]->data[bufs[i]->size - 1]++; /* is it ours to write? */
		held[held_count++] = bufs[i];
	}
	while (held_count && (held_count > 100 || chance(3))) {
		uint32_t k = chance(held_count);
		pkt_buf_free(held[k]);
		held[k] = held[--held_count];
	}
}

static void send_some(void)
{
	struct pkt_buf *bufs[32];
	uint32_t n = pkt_buf_alloc_batch(pool, bufs, chance(32));

	for (uint32_t i = 0; i < n; i++)
		bufs[i]->size = chance(1700);
	uint32_t sent = ixy_tx_batch(dev, 0, bufs, n);
	assert_true(sent <= n);
	pkt_buf_free_batch(bufs + sent, n - sent);
}

static uint32_t strange(uint32_t usual)
{
	static const uint32_t values[] = { 0,  1,  9,	 10,   11,    12,    13,       63,
					   64, 65, 1518, 2048, 65535, 65536, 1u << 31, UINT32_MAX };

	switch (chance(4)) {
	case 0:
		return values[chance(sizeof(values) / sizeof(*values))];
	case 1:
		return seed >> 20;
	default:
		return chance(usual);
	}
}

/* The header of some packet that the device has. */
static void scribble_header(const struct device_queue *q, const struct parts *p)
{
	const struct vring_desc *desc = (void *)(p->desc + 16 * chance(p->num));

	pthread_mutex_lock(&back.lock);
	uint8_t *header = back_end_memory(&back, desc->addr, 12);
	if (header && q->index % 2 == 0)
		memcpy(header + 10, &(uint16_t){ strange(4) }, 2);
	pthread_mutex_unlock(&back.lock);
}

static void lie(struct device_queue *q)
{
	struct parts p = parts(q);
	uint32_t ids[16], lengths[16], count = 1 + chance(16);

	switch (chance(10)) {
	case 0: /* anything, anywhere that is the device's to write */
		p.device[chance(p.device_size)] = seed >> 40;
		break;
	case 1:
		if (q->packed)
			p.desc[chance(p.desc_size)] = seed >> 40;
		break;
	case 2: /* and what is not */
		p.desc[chance(p.desc_size)] = seed >> 40;
		break;
	case 3:
		p.driver[chance(p.driver_size)] = seed >> 40;
		break;
	case 4:
		scribble_header(q, &p);
		break;
	default:
		for (uint32_t i = 0; i < count; i++) {
			ids[i] = strange(p.num);
			lengths[i] = strange(1600);
		}
		return_ids(q, ids, lengths, count);
	}
}

static void fuzz(uint64_t features, uint32_t mtu, uint64_t first_seed)
{
	const struct ixy_config config = {
		.rx_ring = 64, .tx_ring = 64, .buffers = POOL, .mtu = mtu
	};
	struct ixy_interrupts in;
	struct ixy_event event;

	back.features |= features;
	seed = first_seed;
	for (int life = 0; life < 20; life++) {
		struct ixy_watch watch = { 0 };
		net_open(&config);
		assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
		for (int round = 0; round < ROUNDS / 20; round++) {
			for (uint32_t n = chance(4); n--;)
				lie(chance(2) ? &rx[0] : &tx[0]);
			receive_some();
			send_some();
			if (!chance(4))
				ixy_rx_arm(&in, 0);
			ixy_rx_waiting(dev, 0);
			if (ixy_next_event(dev, &watch, &event) && watch.ended)
				break;
		}
		ixy_close(dev);
		dev = NULL;
		pkt_buf_free_batch(held, held_count);
		held_count = 0;
		assert_int_equal(mempool_free_count(pool), POOL);
		*log_lines = '\0';
	}
}

static void lies_cost_packets_only(void **state)
{
	(void)state;
	for (uint64_t s = 1; s <= 5; s++)
		fuzz(0, 1500, s);
}

static void lies_about_merged_buffers_cost_packets_only(void **state)
{
	(void)state;
	for (uint64_t s = 1; s <= 5; s++)
		fuzz(bit(VIRTIO_NET_F_MRG_RXBUF), 9000, s);
}

/* ---- While the driver looks ---- */

static _Atomic bool stop;

static void *scribble(void *argument)
{
	const struct parts *p = argument;
	uint64_t random = 1;

	while (!stop) {
		random = random * 6364136223846793005 + 1442695040888963407;
		const uint8_t value = random >> 56;
		const bool packed = p->device_size == 4;
		if (packed && random >> 40 & 7)
			__atomic_store_n(&p->desc[(random >> 20) % p->desc_size], value,
					 __ATOMIC_RELAXED);
		else if (packed || (random >> 20) % p->device_size < 2 ||
			 (random >> 20) % p->device_size > 3) /* not the index, it ends all */
			__atomic_store_n(&p->device[(random >> 20) % p->device_size], value,
					 __ATOMIC_RELAXED);
		else /* so that there always is something to take */
			__atomic_add_fetch((uint16_t *)(p->device + 2), 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void what_changes_between_two_looks_costs_packets_only(void **state)
{
	struct parts both[2];
	pthread_t threads[2];

	(void)state;
#if defined(__SANITIZE_THREAD__)
	return;
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
	return; /* it would be right: this is a race */
#endif
#endif
	for (int life = 0; life < 20; life++) {
		net_open(NULL);
		both[0] = parts(&rx[0]);
		both[1] = parts(&tx[0]);
		stop = false;
		for (int i = 0; i < 2; i++)
			pthread_create(&threads[i], NULL, scribble, &both[i]);
		for (int round = 0; round < ROUNDS / 4; round++) {
			receive_some();
			send_some();
		}
		stop = true;
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		ixy_close(dev);
		dev = NULL;
		pkt_buf_free_batch(held, held_count);
		held_count = 0;
		assert_int_equal(mempool_free_count(pool), POOL);
		*log_lines = '\0';
	}
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(a_length_that_is_not_possible_drops_the_packet),
		test(an_id_that_is_not_possible_drops_the_packet),
		test(the_same_buffer_is_never_given_to_the_application_twice),
		test(what_was_not_sent_is_not_given_back),
		test(an_index_that_is_not_possible_stops_the_queue),
		test(a_count_of_buffers_that_is_not_possible_drops_the_packet),
		test(lies_cost_packets_only),
		test(lies_about_merged_buffers_cost_packets_only),
		test(what_changes_between_two_looks_costs_packets_only),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
