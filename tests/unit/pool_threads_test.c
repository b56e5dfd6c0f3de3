/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pools and several threads. The first argument is how many seconds threads hammer on pools; 2
 * without one.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <ixy/pkt_buf.h>

#include "src/driver/driver.h"

#define THREADS 4
#define BUFFERS 1024 /* of each pool */
#define BATCH	64
#define BOX	256 /* a power of two */

static double seconds = 2;

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

static uint32_t next_random(uint32_t *state)
{
	*state = *state * 1664525 + 1013904223;
	return *state >> 8;
}

/* DMA memory that the program has: vfio_dma_alloc() names its files. */
static uint32_t dma_maps(void)
{
	FILE *maps = fopen("/proc/self/maps", "r");
	char line[512];
	uint32_t count = 0;

	assert_non_null(maps);
	while (fgets(line, sizeof(line), maps))
		count += !!strstr(line, "ixy-dma");
	fclose(maps);
	return count;
}

static struct mempool *make_pool(uint32_t count)
{
	struct mempool *pool;

	assert_int_equal(mempool_create(&pool, count, 64), 0);
	return pool;
}

/* All buffers of a pool at rest are there, each once. */
static void check_whole(struct mempool *pool, uint32_t count)
{
	struct pkt_buf **bufs = calloc(count + 1, sizeof(*bufs));
	uint32_t got = 0, n;

	assert_non_null(bufs);
	assert_int_equal(mempool_free_count(pool), count);
	while ((n = pkt_buf_alloc_batch(pool, bufs + got, count + 1 - got)))
		got += n;
	assert_int_equal(got, count);
	for (uint32_t i = 0; i < got; i++) {
		uint8_t *seen = (uint8_t *)(bufs[i] + 1) + PKT_BUF_HEADROOM - 1;
		assert_ptr_equal(bufs[i]->pool, pool);
		assert_int_not_equal(*seen, 0xAA);
		*seen = 0xAA;
	}
	for (uint32_t i = 0; i < got; i++)
		((uint8_t *)(bufs[i] + 1))[PKT_BUF_HEADROOM - 1] = 0;
	pkt_buf_free_batch(bufs, got);
	free(bufs);
}

/* ---- The hammer: each thread takes from its own pool, and all give back to all ---- */

/* From one thread to another. */
struct box {
	_Atomic uint32_t head, tail;
	struct pkt_buf *bufs[BOX];
};

static struct box boxes[THREADS][THREADS]; /* by sender and receiver */
static struct mempool *pools[THREADS];
static _Atomic uint32_t wrong, finished;
static _Atomic bool over;

/* Note the owner of the buffer in its head room; 0: the pool. Return: the previous owner. */
static uint32_t swap(struct pkt_buf *buf, uint32_t holder)
{
	return __atomic_exchange_n((uint32_t *)(buf + 1), holder, __ATOMIC_RELAXED);
}

static bool put(struct box *box, struct pkt_buf *buf)
{
	uint32_t tail = box->tail;

	if (tail - box->head == BOX)
		return false;
	box->bufs[tail % BOX] = buf;
	box->tail = tail + 1;
	return true;
}

static uint32_t get(struct box *box, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t head = box->head, there = box->tail - head;

	n = n < there ? n : there;
	for (uint32_t i = 0; i < n; i++)
		bufs[i] = box->bufs[(head + i) % BOX];
	box->head = head + n;
	return n;
}

static void give_back(struct pkt_buf **bufs, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		wrong += swap(bufs[i], 0) == 0;
	pkt_buf_free_batch(bufs, n);
}

/* Take some, hand them out to all threads (or keep them: also that is a way), give back others'. */
static uint64_t hammer_round(uint32_t me, uint32_t *random)
{
	struct pkt_buf *bufs[BATCH + THREADS * BATCH], *kept[BATCH];
	uint32_t want = over ? 0 : next_random(random) % (BATCH + 1), keep = 0, n = 0;
	uint32_t got = pkt_buf_alloc_batch(pools[me], bufs, want);

	for (uint32_t i = 0; i < got; i++)
		wrong += swap(bufs[i], me + 1) != 0;
	for (uint32_t i = 0; i < got; i++)
		if (!put(&boxes[me][next_random(random) % THREADS], bufs[i]))
			kept[keep++] = bufs[i];
	give_back(kept, keep);
	/* Some of each, so that pools change within a batch. */
	for (uint32_t from = 0; from < THREADS; from++)
		n += get(&boxes[from][me], bufs + n, next_random(random) % (BATCH + 1));
	give_back(bufs, n);
	return got;
}

static void *hammer(void *argument)
{
	uint32_t me = (uintptr_t)argument, random = me + 1;
	uint64_t taken = 0;
	bool empty = false;

	while (!over)
		taken += hammer_round(me, &random);
	finished++;
	/* When all threads are here, the boxes do not change any more and hold everything. */
	while (!empty) {
		empty = finished == THREADS;
		hammer_round(me, &random);
		for (uint32_t from = 0; from < THREADS; from++)
			empty &= boxes[from][me].head == boxes[from][me].tail;
	}
	return (void *)(uintptr_t)taken;
}

static void four_threads_lose_no_buffer_and_get_none_twice(void **state)
{
	pthread_t threads[THREADS];
	double start = now();
	uint64_t taken = 0;

	(void)state;
	for (uint32_t i = 0; i < THREADS; i++)
		pools[i] = make_pool(BUFFERS);
	for (uint32_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, (void *)(uintptr_t)i),
				 0);
	while (now() - start < seconds)
		nanosleep(&(struct timespec){ .tv_nsec = 10000000 }, NULL);
	over = true;
	for (uint32_t i = 0; i < THREADS; i++) {
		void *count;
		pthread_join(threads[i], &count);
		taken += (uintptr_t)count;
	}
	print_message("%.1f s: %.1f million buffers\n", now() - start, taken / 1e6);
	assert_int_equal(wrong, 0);
	assert_true(taken > 100 * BUFFERS);
	for (uint32_t i = 0; i < THREADS; i++) {
		check_whole(pools[i], BUFFERS);
		mempool_destroy(pools[i]);
	}
}

/* ---- The end of a pool ---- */

#define ROUNDS	  500
#define SMALL	  60
#define OF_THREAD (SMALL / THREADS)

struct share {
	pthread_barrier_t *start;
	struct pkt_buf *bufs[OF_THREAD];
	struct mempool *to_destroy; /* or NULL: give back @bufs */
};

static void *end_share(void *argument)
{
	struct share *share = argument;

	pthread_barrier_wait(share->start);
	if (share->to_destroy)
		mempool_destroy(share->to_destroy);
	else
		for (uint32_t i = 0; i < OF_THREAD; i += OF_THREAD / 5)
			pkt_buf_free_batch(share->bufs + i, OF_THREAD / 5);
	return NULL;
}

/* All buffers come back between two steps of the thread that destroys the pool: its list is closed, its own count is
 * still to come. Until then the pool must stay. */
static void who_destroys_a_pool_may_be_the_last(void **state)
{
	uint32_t before = dma_maps();
	struct mempool *pool = make_pool(SMALL);
	struct pkt_buf *bufs[SMALL];

	(void)state;
	assert_int_equal(pkt_buf_alloc_batch(pool, bufs, SMALL), SMALL);
	mempool_disown(pool);
	__atomic_store_n(&pool->returned, (struct pkt_buf *)pool, __ATOMIC_RELAXED);
	pkt_buf_free_batch(bufs, SMALL);
	assert_int_equal(dma_maps(), before + 1);
	__atomic_store_n(&pool->returned, NULL, __ATOMIC_RELAXED);
	mempool_destroy(pool);
	assert_int_equal(dma_maps(), before);
}

/* In either order: the thread that destroys the pool is last, or one that still has buffers. */
static void the_last_buffer_takes_the_pool_with_it(void **state)
{
	uint32_t before = dma_maps();

	(void)state;
	for (uint32_t round = 0; round < ROUNDS; round++) {
		struct mempool *pool = make_pool(SMALL);
		struct share shares[THREADS + 1] = { 0 };
		pthread_t threads[THREADS + 1];
		pthread_barrier_t start;

		pthread_barrier_init(&start, NULL, THREADS + 1);
		for (uint32_t i = 0; i <= THREADS; i++) {
			shares[i].start = &start;
			if (i == THREADS)
				shares[i].to_destroy = pool;
			else
				assert_int_equal(
					pkt_buf_alloc_batch(pool, shares[i].bufs, OF_THREAD),
					OF_THREAD);
			assert_int_equal(pthread_create(&threads[i], NULL, end_share, &shares[i]),
					 0);
		}
		for (uint32_t i = 0; i <= THREADS; i++)
			pthread_join(threads[i], NULL);
		pthread_barrier_destroy(&start);
		assert_int_equal(dma_maps(), before);
	}
}

static void a_pool_stays_until_its_last_buffer_is_back(void **state)
{
	uint32_t before = dma_maps();
	struct mempool *pool = make_pool(SMALL);
	struct pkt_buf *bufs[SMALL];

	(void)state;
	assert_int_equal(pkt_buf_alloc_batch(pool, bufs, SMALL), SMALL);
	pkt_buf_free_batch(bufs, 10);
	mempool_destroy(pool);
	for (uint32_t i = 10; i < SMALL; i++) {
		assert_int_equal(dma_maps(), before + 1);
		memset(bufs[i]->data, 0xFF, 64);
		pkt_buf_free(bufs[i]);
	}
	assert_int_equal(dma_maps(), before);
	mempool_destroy(NULL);
}

/* ---- Ownership ---- */

static void *take_all_and_give_back(void *argument)
{
	struct mempool *pool = argument;
	struct pkt_buf *bufs[SMALL];

	for (int i = 0; i < 3; i++) {
		uint32_t n = pkt_buf_alloc_batch(pool, bufs, SMALL);
		pkt_buf_free_batch(bufs, n);
		if (n != SMALL)
			return "not all were there";
	}
	return NULL;
}

static void *give_back_all(void *argument)
{
	pkt_buf_free_batch(argument, SMALL);
	return NULL;
}

static void run_thread(void *(*function)(void *), void *argument)
{
	pthread_t thread;
	void *result;

	assert_int_equal(pthread_create(&thread, NULL, function, argument), 0);
	pthread_join(thread, &result);
	assert_null(result);
}

/* What it gives back goes to its stack at once: no other thread could see that, and no atomic
 * operation is needed. */
static void the_owner_uses_its_stack_alone(void **state)
{
	struct mempool *pool = make_pool(SMALL);
	struct pkt_buf *bufs[SMALL];

	(void)state;
	take_all_and_give_back(pool);
	for (uint32_t n = 1; n <= SMALL; n++) {
		assert_int_equal(pkt_buf_alloc_batch(pool, bufs, n), n);
		pkt_buf_free_batch(bufs, n);
		assert_null(pool->returned);
		assert_int_equal(pool->free, SMALL);
	}
	assert_int_equal(pkt_buf_alloc_batch(pool, bufs, SMALL), SMALL);
	run_thread(give_back_all, bufs);
	assert_non_null(pool->returned);
	assert_int_equal(pool->free, 0);
	check_whole(pool, SMALL);
	mempool_destroy(pool);
}

static void a_pool_outlives_its_owner(void **state)
{
	struct mempool *pool = make_pool(SMALL);

	(void)state;
	for (int i = 0; i < 10; i++)
		run_thread(take_all_and_give_back, pool);
	assert_null(take_all_and_give_back(pool));
	check_whole(pool, SMALL);
	mempool_destroy(pool);
}

struct handed {
	struct mempool *pool;
	_Atomic bool go;
};

static void *take_and_give_back_for_a_while(void *argument)
{
	struct handed *handed = argument;
	struct pkt_buf *bufs[BATCH];
	uint32_t random = 1;

	handed->go = true;
	for (int i = 0; i < 20000; i++) {
		uint32_t n = pkt_buf_alloc_batch(handed->pool, bufs, next_random(&random) % BATCH);
		pkt_buf_free_batch(bufs, n);
	}
	return NULL;
}

/* The former owner gives back, one by one, what it had taken, while the next one is at work. */
static void a_pool_passes_from_thread_to_thread(void **state)
{
	struct handed handed = { .pool = make_pool(BUFFERS) };
	struct pkt_buf *bufs[BUFFERS];
	pthread_t thread;

	(void)state;
	assert_int_equal(pkt_buf_alloc_batch(handed.pool, bufs, BUFFERS), BUFFERS);
	pkt_buf_free_batch(bufs, BUFFERS);
	assert_int_equal(pkt_buf_alloc_batch(handed.pool, bufs, BUFFERS), BUFFERS); /* ours */
	pkt_buf_free_batch(bufs, BATCH);
	mempool_disown(handed.pool);
	pkt_buf_free(bufs[BATCH]);
	assert_int_equal(handed.pool->free, BATCH); /* the stack is not ours any more */
	assert_int_equal(pthread_create(&thread, NULL, take_and_give_back_for_a_while, &handed), 0);
	while (!handed.go)
		;
	for (uint32_t i = BATCH + 1; i < BUFFERS; i++)
		pkt_buf_free(bufs[i]);
	pthread_join(thread, NULL);
	check_whole(handed.pool, BUFFERS);
	mempool_destroy(handed.pool);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(four_threads_lose_no_buffer_and_get_none_twice),
		cmocka_unit_test(who_destroys_a_pool_may_be_the_last),
		cmocka_unit_test(the_last_buffer_takes_the_pool_with_it),
		cmocka_unit_test(a_pool_stays_until_its_last_buffer_is_back),
		cmocka_unit_test(the_owner_uses_its_stack_alone),
		cmocka_unit_test(a_pool_outlives_its_owner),
		cmocka_unit_test(a_pool_passes_from_thread_to_thread),
	};

	if (argc > 1)
		seconds = strtod(argv[1], NULL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
