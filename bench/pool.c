/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench-pool: the cost for one thread of allowing others to free its buffers. Nanoseconds per
 * buffer, allocated and freed by one thread, of the pool and of a single-threaded one
 * (pool_plain.c). They take turns; a ratio is the median over all turns. Exit status 1: it is above
 * LIMIT at batches of 32.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <ixy/mempool.h>

#include "sort.h"

#define BUFFERS 4096
#define RING	512 /* buffers in use: each batch is freed after this many later buffers */
#define ROUND	(1 << 17)
#define TURNS	301
#define LIMIT	1.05

int plain_create(struct mempool **out, uint32_t count, uint32_t data_size);
uint32_t plain_alloc_batch(struct mempool *pool, struct pkt_buf **bufs, uint32_t count);
void plain_free_batch(struct pkt_buf **bufs, uint32_t count);

struct kind {
	uint32_t (*alloc)(struct mempool *pool, struct pkt_buf **bufs, uint32_t count);
	void (*give)(struct pkt_buf **bufs, uint32_t count);
	struct mempool *pool;
	double ns[TURNS];
};

static double now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1e9 + t.tv_nsec;
}

/* Return: nanoseconds per buffer. */
static double one_round(const struct kind *kind, uint32_t batch)
{
	struct pkt_buf *ring[RING];
	uint32_t at = 0;

	for (; at < RING; at += batch)
		kind->alloc(kind->pool, ring + at, batch);
	double start = now_ns();
	for (uint32_t i = 0; i < ROUND; i += batch) {
		at = at < RING ? at : 0;
		kind->give(ring + at, batch);
		kind->alloc(kind->pool, ring + at, batch);
		at += batch;
	}
	double end = now_ns();
	for (at = 0; at < RING; at += batch)
		kind->give(ring + at, batch);
	return (end - start) / ROUND;
}

static double median(double *values)
{
	sort_doubles(values, TURNS);
	return values[TURNS / 2];
}

int main(void)
{
	static const uint32_t batches[] = { 1, 8, 32, 128 };
	static struct kind kinds[2] = { { plain_alloc_batch, plain_free_batch, NULL, { 0 } },
					{ pkt_buf_alloc_batch, pkt_buf_free_batch, NULL, { 0 } } };
	int status = 0;

	if (plain_create(&kinds[0].pool, BUFFERS, 2048) ||
	    mempool_create(&kinds[1].pool, BUFFERS, 2048))
		return 1;
	printf("%5s %14s %14s %6s\n", "batch", "one thread", "any thread", "ratio");
	for (size_t b = 0; b < sizeof(batches) / sizeof(*batches); b++) {
		double ratios[TURNS];
		for (int turn = 0; turn < TURNS; turn++) {
			for (int i = 0; i < 2; i++) { /* alternate the first one, too */
				struct kind *kind = &kinds[(turn + i) % 2];
				kind->ns[turn] = one_round(kind, batches[b]);
			}
			ratios[turn] = kinds[1].ns[turn] / kinds[0].ns[turn];
		}
		double ratio = median(ratios);
		printf("%5u %11.2f ns %11.2f ns %6.2f\n", batches[b], median(kinds[0].ns),
		       median(kinds[1].ns), ratio);
		status |= batches[b] == 32 && ratio > LIMIT;
	}
	return status;
}
