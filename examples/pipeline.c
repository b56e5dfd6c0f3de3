/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets pass through three threads, without a copy:
 *
 *	card A -> receiver -> ring -> worker -> ring -> sender -> card B
 *
 *	ixy-emu gen gen -- pipeline {0} {1} 5
 *
 * The receiver's driver allocates buffers, and the sender's driver frees them. That these are two
 * threads costs one compare-and-swap per batch and needs no code here. Each queue of a card, and
 * each end of a ring, belongs to one thread.
 *
 * Nothing is dropped between the cards: each thread waits for the next one, and while the receiver
 * waits, packets stay in the card.
 */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ixy/device.h>

#define BATCH	  32
#define RING_SIZE 1024 /* a power of two */

/* ---- A ring between two threads: a producer and a consumer ---- */

/*
 * @tail and @head count the packets put in and taken out; their difference stays right when they wrap
 * at 2^32. Each has a cache line of its own, as different threads write them.
 */
struct ring {
	_Alignas(64) _Atomic uint32_t tail; /* written by the producer */
	_Atomic bool closed;		    /* the producer has finished */
	_Alignas(64) _Atomic uint32_t head; /* written by the consumer */
	_Alignas(64) struct pkt_buf *slots[RING_SIZE];
};

/* Return: how many packets fit. */
static uint32_t ring_put(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t room = RING_SIZE - (tail - head);

	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++)
		ring->slots[(tail + i) % RING_SIZE] = bufs[i];
	/* Release: the slots and the packets' contents are visible before the new tail. */
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}

/* Return: how many packets there were. */
static uint32_t ring_get(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint32_t used = tail - head;

	n = n < used ? n : used;
	for (uint32_t i = 0; i < n; i++)
		bufs[i] = ring->slots[(head + i) % RING_SIZE];
	/* Release: the slots have been read before the producer sees that they are free. */
	atomic_store_explicit(&ring->head, head + n, memory_order_release);
	return n;
}

/* ---- The stages ---- */

struct pipeline {
	struct ixy_device *in, *out;
	struct ring to_worker, to_sender;
	uint64_t received, worked, sent; /* read when the threads have ended */
};

static _Atomic bool stopped;

static void stop(int signal)
{
	(void)signal;
	stopped = true;
}

static void ring_put_all(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	for (uint32_t done = 0; done < n;) {
		done += ring_put(ring, bufs + done, n - done);
		if (done < n)
			sched_yield();
	}
}

/* Return: false at the end of the stream; otherwise @n packets, perhaps 0. */
static bool ring_take(struct ring *ring, struct pkt_buf **bufs, uint32_t *n)
{
	bool closed = ring->closed; /* read first, so that the last packets are not missed */

	*n = ring_get(ring, bufs, BATCH);
	if (!*n)
		sched_yield();
	return *n || !closed;
}

static void *receive(void *argument)
{
	struct pipeline *p = argument;
	struct pkt_buf *bufs[BATCH];

	while (!stopped) {
		uint32_t n = ixy_rx_batch(p->in, 0, bufs, BATCH);
		p->received += n;
		ring_put_all(&p->to_worker, bufs, n);
		if (!n)
			sched_yield();
	}
	p->to_worker.closed = true;
	return NULL;
}

static void *work(void *argument)
{
	struct pipeline *p = argument;
	struct pkt_buf *bufs[BATCH];
	uint32_t n;

	while (ring_take(&p->to_worker, bufs, &n)) {
		for (uint32_t i = 0; i < n; i++)
			bufs[i]->data[1]++; /* real work goes here */
		p->worked += n;
		ring_put_all(&p->to_sender, bufs, n);
	}
	p->to_sender.closed = true;
	return NULL;
}

static void *send_out(void *argument)
{
	struct pipeline *p = argument;
	struct pkt_buf *bufs[BATCH];
	int patience = 1000; /* ms to drain a card that accepts no more, when stopping */
	uint32_t n;

	while (ring_take(&p->to_sender, bufs, &n)) {
		/* Also without packets: this frees the buffers of sent ones. */
		uint32_t done = ixy_tx_batch(p->out, 0, bufs, n);
		while (done < n && patience) {
			if (stopped) {
				usleep(1000);
				patience--;
			} else {
				sched_yield();
			}
			done += ixy_tx_batch(p->out, 0, bufs + done, n - done);
		}
		p->sent += done;
		pkt_buf_free_batch(bufs + done, n - done);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static void *(*const stages[])(void *) = { receive, work, send_out };
	const struct ixy_config config = { .promiscuous = true };
	static struct pipeline p;
	pthread_t threads[3];
	int status = 1, started = 0;

	if (argc < 3 || argc > 4) {
		fprintf(stderr, "usage: pipeline A B [SECONDS]\n");
		return 2;
	}
	signal(SIGINT, stop);
	signal(SIGTERM, stop);
	signal(SIGALRM, stop);
	if (ixy_open(&p.in, argv[1], &config) || ixy_open(&p.out, argv[2], &config))
		goto close;

	if (argc == 4)
		alarm(atoi(argv[3]));
	for (; started < 3; started++) {
		int err = pthread_create(&threads[started], NULL, stages[started], &p);
		if (err) {
			fprintf(stderr, "cannot start a thread: %s\n", strerror(err));
			stopped = p.to_worker.closed = p.to_sender.closed = true;
			break;
		}
	}
	status = started < 3;
	while (started)
		pthread_join(threads[--started], NULL);
	printf("received %lu, worked on %lu, sent %lu\n", (unsigned long)p.received,
	       (unsigned long)p.worked, (unsigned long)p.sent);
close:
	ixy_close(p.in);
	ixy_close(p.out);
	return status;
}
