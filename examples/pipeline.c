/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A packet's way through three threads, without a copy:
 *
 *	card A -> receiver -> ring -> worker -> ring -> sender -> card B
 *
 *	ixy-emu gen gen -- pipeline {0} {1} 5
 *
 * The receiver takes buffers out of the pool of its queue, and the sender's driver gives them back:
 * that these are two threads costs a compare-and-swap for each batch, and nobody has to do anything
 * about it. A queue of a card, and each end of a ring, belongs to one thread.
 *
 * Nothing is dropped between the cards: a thread waits for one that is slower, and when the receiver
 * has to wait, packets wait in the card.
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

/* ---- A ring between two threads: one puts packets in, the other takes them out ---- */

/*
 * @tail and @head count what was put in and taken out since the beginning; they wrap at 2^32, and
 * their difference is right all the same. Each has a cache line of its own, as each is written by
 * another thread.
 */
struct ring {
	_Alignas(64) _Atomic uint32_t tail; /* written by who puts in */
	_Atomic bool closed;		    /* nothing more will be put in */
	_Alignas(64) _Atomic uint32_t head; /* written by who takes out */
	_Alignas(64) struct pkt_buf *slots[RING_SIZE];
};

/* Return: how many there was room for. */
static uint32_t ring_put(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_relaxed);
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
	uint32_t room = RING_SIZE - (tail - head);

	n = n < room ? n : room;
	for (uint32_t i = 0; i < n; i++)
		ring->slots[(tail + i) % RING_SIZE] = bufs[i];
	/* Release: who sees the new tail sees the slots, and what was written to the packets. */
	atomic_store_explicit(&ring->tail, tail + n, memory_order_release);
	return n;
}

/* Return: how many there were. */
static uint32_t ring_get(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
	uint32_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
	uint32_t there = tail - head;

	n = n < there ? n : there;
	for (uint32_t i = 0; i < n; i++)
		bufs[i] = ring->slots[(head + i) % RING_SIZE];
	/* Release: the slots have been read when the other one sees that they are free. */
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

static void pass_on(struct ring *ring, struct pkt_buf **bufs, uint32_t n)
{
	for (uint32_t done = 0; done < n;) {
		done += ring_put(ring, bufs + done, n - done);
		if (done < n)
			sched_yield();
	}
}

/* Return: false when all is done; else there may be packets (@n) or not. */
static bool take(struct ring *ring, struct pkt_buf **bufs, uint32_t *n)
{
	bool closed = ring->closed; /* before looking: what comes before the end is not missed */

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
		pass_on(&p->to_worker, bufs, n);
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

	while (take(&p->to_worker, bufs, &n)) {
		for (uint32_t i = 0; i < n; i++)
			bufs[i]->data[1]++; /* this could be something useful */
		p->worked += n;
		pass_on(&p->to_sender, bufs, n);
	}
	p->to_sender.closed = true;
	return NULL;
}

static void *send_out(void *argument)
{
	struct pipeline *p = argument;
	struct pkt_buf *bufs[BATCH];
	int patience = 1000; /* ms, in the end, with a card that takes no more */
	uint32_t n;

	while (take(&p->to_sender, bufs, &n)) {
		/* Also without packets: it gives back the buffers of those that have been sent. */
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
