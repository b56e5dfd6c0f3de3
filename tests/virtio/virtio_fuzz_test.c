/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net driver with a device that does anything at all with the memory of rings and packets,
 * now and then: in turns with the driver, which a seed repeats, and at the same time. It costs packets,
 * at worst the device. To be run under the sanitizers.
 *
 * virtio_fuzz_test [SEED [LIVES]]: begin with another seed; how often the device is opened.
 *
 * A device reaches all memory that it was given, also the struct pkt_buf in front of each packet; a
 * card behind an IOMMU does, too. These are left alone: what is fuzzed is what drivers look at.
 */
#include "net.h"

#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

#define POOL	 256
#define RING	 64
#define ROUNDS	 300
#define SEGMENTS (2 * RING)
#define AVAIL	 (1 << VRING_PACKED_DESC_F_AVAIL)
#define USED	 (1 << VRING_PACKED_DESC_F_USED)
/* Several threads write to the same: they are meant to. */
#define load(from)	 __atomic_load_n(from, __ATOMIC_ACQUIRE)
#define store(to, value) __atomic_store_n(to, value, __ATOMIC_RELEASE)

static uint64_t first_seed = 1, lives = 10;
static uint64_t opened, failed;	 /* devices, with all kinds of rings */
static uint64_t seed, life_seed; /* of xorshift64*, and how it began */
static struct mempool *pool;

#define check(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			fail_msg("seed %lu, line %d: %s", life_seed, __LINE__, #condition);        \
	} while (0)

static int set_up(void **state)
{
	net_set_up(state);
	return mempool_create(&pool, POOL, 2048);
}

static int tear_down(void **state)
{
	ixy_close(dev);
	dev = NULL;
	mempool_destroy(pool);
	return net_tear_down(state);
}

/* Closing gives the device some time to send what it has. This one will not. */
int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)time, (void)left;
	return 0;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state >> 12;
	*state ^= *state << 25;
	*state ^= *state >> 27;
	return *state * 0x2545F4914F6CDD1D;
}

static uint32_t below(uint32_t n)
{
	return (next_random(&seed) >> 32) % n;
}

static bool one_in(uint32_t n)
{
	return !below(n);
}

static uint32_t strange(void)
{
	static const uint32_t values[] = { 0,	   1,	    2,	      9,	 10,
					   11,	   12,	    13,	      63,	 64,
					   65,	   1518,    2048,     0x7FFF,	 0x8000,
					   0xFFFF, 0x10000, 1u << 31, UINT32_MAX };

	return one_in(4) ? next_random(&seed) : values[below(sizeof(values) / sizeof(*values))];
}

/* ---- The device: it looks at rings without a check, because it has scribbled there ---- */

/* Buffers that it has taken, by queue: received, sent. */
static uint32_t pending[2][RING], pending_count[2];

static void pass(uint16_t *at, bool *wrap)
{
	if (++*at == RING) {
		*at = 0;
		*wrap = !*wrap;
	}
}

/* Take the next available buffer. Return: is there one? */
static bool take(struct device_queue *q, uint32_t *id)
{
	size_t size;

	if (q->packed) {
		const struct vring_packed_desc *desc = device_part(q, 0, &size);
		desc += q->next;
		if ((load(&desc->flags) & (AVAIL | USED)) != (q->wrap ? AVAIL : USED))
			return false;
		*id = load(&desc->id);
		pass(&q->next, &q->wrap);
	} else {
		const struct vring_avail *avail = device_part(q, 1, &size);
		if (load(&avail->idx) == q->next)
			return false;
		*id = load(&avail->ring[q->next++ % RING]);
	}
	return true;
}

/* Return a buffer. */
static void give(struct device_queue *q, uint32_t id, uint32_t length)
{
	size_t size;

	if (q->packed) {
		struct vring_packed_desc *desc = device_part(q, 0, &size);
		desc += q->used;
		store(&desc->id, id);
		store(&desc->len, length);
		store(&desc->flags, q->used_wrap ? AVAIL | USED : 0);
		pass(&q->used, &q->used_wrap);
	} else {
		struct vring_used *used = device_part(q, 2, &size);
		store(&used->ring[q->used % RING].id, id);
		store(&used->ring[q->used % RING].len, length);
		store(&used->idx, ++q->used);
	}
}

/* Behind the header of the packet in descriptor @id comes how many buffers it has. */
static void set_buffers(const struct device_queue *q, uint32_t id, uint16_t count)
{
	size_t size;
	struct vring_desc *desc = device_part(q, 0, &size);

	pthread_mutex_lock(&back.lock);
	uint8_t *header = back_end_memory(&back, desc[id % RING].addr, 12);
	if (header && device_header(&back) == 12)
		memcpy(header + 10, &count, 2);
	pthread_mutex_unlock(&back.lock);
}

/* Anywhere in the rings: sensible, strange, or a bit of it. */
static void scribble(const struct device_queue *q)
{
	size_t size;
	uint8_t *part = device_part(q, below(3), &size);

	switch (below(3)) {
	case 0:
		__atomic_fetch_xor(&part[below(size)], 1 << below(8), __ATOMIC_RELAXED);
		break;
	case 1:
		store(&part[below(size)], strange());
		break;
	default:
		store(&((uint16_t *)part)[below(size / 2)], one_in(2) ? strange() : below(RING));
	}
}

/* Return a buffer, perhaps with a lie. */
static void give_back(struct device_queue *q, uint32_t id)
{
	const bool receive = q->index % 2 == 0;
	uint32_t length = device_header(&back) + 1 + below(1514);

	if (receive)
		set_buffers(q, id, one_in(20) ? strange() : one_in(10) ? below(5) : 1);
	if (one_in(20))
		length = strange();
	if (one_in(5000))
		id = strange();
	give(q, id, length);
	if (one_in(20000)) { /* a place in packed rings, else a number that may be anything */
		q->used += strange();
		if (q->packed)
			q->used %= RING;
	}
}

static void device_turn(struct device_queue *q, bool honest)
{
	const int direction = q->index % 2;
	uint32_t *ids = pending[direction], *count = &pending_count[direction];

	for (uint32_t n = below(32); n-- && *count < RING && take(q, &ids[*count]);)
		++*count;
	for (uint32_t n = below(32); n-- && *count;) {
		const uint32_t which = one_in(q->in_order ? 5000 : 4) ? below(*count) : 0;
		const uint32_t id = ids[which];
		--*count;
		/* Else it comes again, and the last one never. */
		if (honest || !one_in(direction || q->in_order ? 5000 : 20))
			memmove(&ids[which], &ids[which + 1], (*count - which) * sizeof(*ids));
		if (honest)
			give(q, id, 0);
		else
			give_back(q, id);
	}
	if (!honest && one_in(300))
		scribble(q);
}

/* ---- The application ---- */

/* What it has. */
static struct pkt_buf *held[POOL];
static uint32_t held_count;
static uint64_t received;

static void receive_some(void)
{
	struct pkt_buf *bufs[64];
	const uint32_t n = ixy_rx_batch(dev, 0, bufs, 1 + below(64));

	for (uint32_t i = 0; i < n; i++) {
		check(bufs[i]->size > 0 && bufs[i]->data >= (uint8_t *)(bufs[i] + 1));
		check(bufs[i]->size <= pkt_buf_room(bufs[i]));
		for (uint32_t k = 0; k < held_count; k++)
			check(held[k] != bufs[i]);
		memset(bufs[i]->data, 0xEE, bufs[i]->size); /* ours to write */
		held[held_count++] = bufs[i];
	}
	received += n;
	while (held_count && (held_count > POOL / 4 || below(3))) {
		const uint32_t k = below(held_count);
		if (one_in(2) || !ixy_tx_batch(dev, 0, &held[k], 1))
			pkt_buf_free(held[k]);
		held[k] = held[--held_count];
	}
}

static void send_some(void)
{
	struct pkt_buf *bufs[32];
	const uint32_t n = pkt_buf_alloc_batch(pool, bufs, below(32));

	for (uint32_t i = 0; i < n; i++)
		bufs[i]->size = below(1700);
	const uint32_t sent = ixy_tx_batch(dev, 0, bufs, n);
	check(sent <= n);
	pkt_buf_free_batch(bufs + sent, n - sent);
	check(mempool_free_count(pool) <= POOL);
}

static void start_life(uint32_t mtu)
{
	memset(pending_count, 0, sizeof(pending_count));
	net_open(&(struct ixy_config){
		.rx_ring = RING, .tx_ring = RING, .buffers = POOL, .mtu = mtu });
}

static void end_life(void)
{
	ixy_close(dev);
	dev = NULL;
	pkt_buf_free_batch(held, held_count);
	held_count = 0;
	check(mempool_free_count(pool) == POOL);
	*log_lines = '\0';
}

/* ---- In turns ---- */

/* Return: did the device end? */
static bool live(void)
{
	struct ixy_watch watch = { 0 };
	struct ixy_interrupts in;
	struct ixy_event event;

	check(!ixy_interrupts_on(&in, dev, NULL));
	check(!ixy_next_event(dev, &watch, &event));
	for (int round = 0; round < ROUNDS; round++) {
		device_turn(one_in(2) ? &rx[0] : &tx[0], false);
		receive_some();
		send_some();
		if (one_in(4))
			ixy_rx_arm(&in, 0);
		ixy_rx_waiting(dev, 0);
		if (one_in(300)) {
			memset(pending_count, 0, sizeof(pending_count));
			back_end_hang_up(&back);
		}
		while (ixy_next_event(dev, &watch, &event)) {
			if (event.kind == IXY_LINK_UP)
				net_serve();
			else if (event.kind != IXY_LINK_DOWN)
				return event.kind == IXY_FAILED;
		}
	}
	return false;
}

static void fuzz(uint32_t mtu)
{
	received = 0;
	for (uint64_t life = 0; life < lives; life++) {
		seed = life_seed = first_seed + life;
		for (int i = 0; i < 4; i++)
			next_random(&seed);
		start_life(mtu);
		failed += live();
		opened++;
		end_life();
	}
	check(received > lives * 100); /* most of it must have been about something */
}

static void lies_cost_packets_only(void **state)
{
	(void)state;
	fuzz(1500);
}

static void lies_about_merged_buffers_cost_packets_only(void **state)
{
	(void)state;
	back.features |= bit(VIRTIO_NET_F_MRG_RXBUF);
	fuzz(9000);
}

/* ---- At the same time ---- */

/* What a thread writes to, and with what. */
static struct scribbler {
	bool packed;
	uint32_t ids; /* bits that are in those of buffers */
	uint8_t *parts[3];
	size_t sizes[3];
	struct chain chains[RING / 2]; /* buffers that the device had in the beginning */
	uint64_t random;
} scribblers[2];
static _Atomic bool stop;

/* Packets, whether the driver or the device has them: mostly their headers. */
static void scribble_packet(struct scribbler *s, uint64_t random)
{
	const struct chain *chain = &s->chains[random >> 8 & (RING / 2 - 1)];
	const uint16_t segment = chain->count - 1;
	const uint32_t length = chain->segments[segment].length;

	store(&chain->segments[segment].data[(random >> 30) % (random >> 7 & 1 ? 12 : length)],
	      random >> 50);
}

/* What is nearly right, at a place that the driver is going to look at. */
static void scribble_used(struct scribbler *s, uint64_t random)
{
	const uint32_t id = random >> 52 ? random >> 10 & s->ids : random >> 40;
	const uint32_t length = random >> 60 ? random >> 20 & 2047 : random >> 30;
	const uint32_t slot = random >> 44 & (RING - 1);

	if (s->packed) {
		struct vring_packed_desc *desc = (void *)s->parts[0];
		store(&desc[slot].id, id);
		store(&desc[slot].len, length);
		store(&desc[slot].flags, random >> 3 & 1 ? AVAIL | USED : 0);
	} else {
		const struct vring_avail *avail = (void *)s->parts[1];
		struct vring_used *used = (void *)s->parts[2];
		store(&used->ring[slot].id, id);
		store(&used->ring[slot].len, length);
		/* It goes on, but not faster than the driver. */
		if ((uint16_t)(load(&avail->idx) - used->idx) > RING / 4)
			store(&used->idx, used->idx + 1);
	}
}

static void scribble_anywhere(struct scribbler *s, uint64_t random)
{
	const int part = (random >> 50) % 3;
	const size_t place = (random >> 20) % s->sizes[part];

	/* Indexes, in the second 16 bits, would end it at once. */
	if (!part || s->packed || place / 2 != 1)
		store(&s->parts[part][place], random >> 56);
}

static void *scribble_receiving(void *argument)
{
	struct scribbler *s = argument;

	for (uint32_t i = 1; !stop; i++) {
		const uint64_t random = next_random(&s->random);
		if (i % 256 == 0)
			sched_yield();
		if (random & 3)
			scribble_used(s, random);
		else if (random & 0x3C)
			scribble_packet(s, random);
		else
			scribble_anywhere(s, random);
	}
	return NULL;
}

/* Any wrong id ends a send queue: there are lengths, kicks and packets. */
static void *scribble_sending(void *argument)
{
	struct scribbler *s = argument;

	for (uint32_t i = 1; !stop; i++) {
		const uint64_t random = next_random(&s->random);
		const uint32_t slot = random >> 44 & (RING - 1);
		if (s->packed) {
			store(&((struct vring_packed_desc *)s->parts[0])[slot].len, random >> 8);
			store((uint32_t *)s->parts[2], random >> 20);
		} else {
			struct vring_used *used = (void *)s->parts[2];
			store(&used->ring[slot].len, random >> 8);
			store(&used->flags, random >> 20);
			store((uint16_t *)(s->parts[2] + s->sizes[2] - 2), random >> 20);
		}
		scribble_packet(s, random);
		if (i % 256 == 0)
			sched_yield();
	}
	return NULL;
}

static void begin_to_scribble(struct scribbler *s, struct device_queue *q, pthread_t *thread)
{
	const bool receive = q->index % 2 == 0;

	s->packed = q->packed;
	s->ids = s->chains[0].count == 1 ? RING - 1 : RING - 2;
	s->random = life_seed + q->index;
	for (int part = 0; part < 3; part++)
		s->parts[part] = device_part(q, part, &s->sizes[part]);
	check(!pthread_create(thread, NULL, receive ? scribble_receiving : scribble_sending, s));
}

static void what_changes_between_two_looks_costs_packets_only(void **state)
{
	struct pkt_buf *bufs[RING / 2];
	struct ixy_event event;
	pthread_t threads[2];

	(void)state;
	received = 0;
	for (uint64_t life = 0; life < lives; life += 4) {
		seed = life_seed = first_seed + life;
		start_life(1500);
		struct ixy_watch watch = { 0 };
		/* Find buffers by an honest beginning. */
		for (int i = 0; i < RING / 2; i++)
			bufs[i] = net_packet(pool, 1000, i);
		check(ixy_tx_batch(dev, 0, bufs, RING / 2) == RING / 2);
		for (int direction = 0; direction < 2; direction++)
			for (int i = 0; i < RING / 2; i++) {
				struct chain *chain = &scribblers[direction].chains[i];
				check(device_pop(direction ? &tx[0] : &rx[0], chain));
				if (direction)
					pending[1][pending_count[1]++] = chain->id;
			}
		stop = false;
		begin_to_scribble(&scribblers[0], &rx[0], &threads[0]);
		begin_to_scribble(&scribblers[1], &tx[0], &threads[1]);
		/* More of them where the other threads are slow to begin, but not for ever. */
		const uint64_t enough = received + 200;
		for (int round = 0; round < (received < enough ? 20 * ROUNDS : ROUNDS); round++) {
			device_turn(&tx[0], true);
			receive_some();
			send_some();
			if (round % 32)
				continue;
			if (ixy_next_event(dev, &watch, &event))
				break;
			sched_yield();
		}
		stop = true;
		for (int i = 0; i < 2; i++)
			pthread_join(threads[i], NULL);
		end_life();
	}
	check(received > 0);
}

int main(int argc, char **argv)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(lies_cost_packets_only),
		test(lies_about_merged_buffers_cost_packets_only),
		test(what_changes_between_two_looks_costs_packets_only),
	};

	first_seed = argc > 1 ? strtoull(argv[1], NULL, 0) : first_seed;
	lives = argc > 2 ? strtoull(argv[2], NULL, 0) : lives;
	const int wrong = net_run(tests, sizeof(tests) / sizeof(*tests));
	printf("%lu of %lu devices were given up\n", failed, opened);
	/* All or none, and the lies have been too big or too small. */
	return wrong || (opened >= 100 && (!failed || failed == opened));
}
