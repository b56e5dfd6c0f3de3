/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Sleeping until a packet comes. A loop polls with ixy_rx_batch() while there is work; when there
 * has been none for a while, ixy_wait() sleeps until there is:
 *
 *	struct ixy_interrupts a, b;
 *	ixy_interrupts_on(&a, card_a, NULL);
 *	ixy_interrupts_on(&b, card_b, NULL);
 *	struct ixy_wait wait[] = { { &a, 0, 0, true }, { &b, 0, 0, true } };
 *	...
 *	if (nothing for some time)
 *		ixy_wait(wait, 2, 1000);
 *
 * For a loop of its own, with poll() or epoll: ixy_rx_arm() in front of it, which says whether there
 * is anything to sleep for.
 *
 * No packet is left behind between polling and sleeping, in either direction:
 *
 * - An interrupt is armed once and comes once; then the card masks it by itself (auto-mask), so that
 *   none come while packets are polled. Arming takes an old signal off the eventfd first, unmasks,
 *   and then looks at the ring.
 * - What arrived before that look is seen by it. What arrives after it interrupts, and the eventfd
 *   stays readable until the next arming.
 * - So an interrupt may come for packets that have been polled already: one needless turn at most
 *   for each arming, never one too few.
 *
 * Buffers of packets that have been sent are given back by ixy_tx_batch(). When traffic stops, that
 * is called no more, so ixy_wait() does it before it sleeps. For what the card still has then, it
 * wakes up and looks after 1 ms, 2 ms, 4 ms, ... : that happens once when traffic stops, whereas
 * interrupts of the send queue would come all the time that it does not.
 */
#pragma once
#include <ixy/control.h>

#define IXY_VECTORS 64

/**
 * struct ixy_interrupt_config - zero in any field means the default
 * @throttle_us: at least so many microseconds between two interrupts of a queue, 2 to 1022 and
 *               rounded up to even ones; default: adaptive. The first interrupt after a pause is not
 *               delayed, whatever the interval. Adaptive: when an interrupt comes no later than two
 *               intervals after the one before, traffic is dense, and the interval doubles, from 8 us
 *               to 128 us at most; when nothing came for four intervals, it is 8 us again.
 * @msi:         use MSI, even if there is MSI-X
 */
struct ixy_interrupt_config {
	uint32_t throttle_us;
	bool msi;
};

/**
 * struct ixy_interrupts - the interrupts of one device; may be read
 * @msix:     each receive queue has a vector of its own. Else MSI: they share one, which only one
 *            thread can wait for.
 * @event_fds: readable when there may be an event for ixy_next_event(), that the device has failed,
 *            and that its release is requested; -1 where that does not interrupt
 * @vectors:  the eventfd of each; the throttle's interval; when the last interrupt came, in ns
 */
struct ixy_interrupts {
	struct ixy_device *dev;
	bool msix, adaptive;
	int event_fds[3];
	struct ixy_vector {
		int fd;
		uint32_t interval_us;
		uint64_t last;
	} vectors[IXY_VECTORS];
};

/**
 * ixy_interrupts_on() - arm the vectors of a device
 * @in:     filled in; must stay where it is until ixy_interrupts_off() or ixy_close()
 * @config: NULL for all defaults
 *
 * MSI-X if the card has it: a vector for each receive queue, and one for events. Else MSI, for up
 * to 16 receive queues: link changes do not interrupt then; call ixy_next_event() now and then.
 *
 * Return: 0, -EINVAL (the throttle), -ENOSPC (more queues than the card, or the system, has vectors
 * for), -ENOTSUP (neither MSI-X nor MSI), or an error of vfio_irq_arm().
 */
IXY_API int ixy_interrupts_on(struct ixy_interrupts *in, struct ixy_device *dev,
			      const struct ixy_interrupt_config *config);

/** ixy_interrupts_off() - back to polling alone; ixy_close() does it, too. */
IXY_API void ixy_interrupts_off(struct ixy_interrupts *in);

/** ixy_rx_eventfd() - readable after an interrupt of @queue until ixy_rx_arm(); for poll and epoll. */
static inline int ixy_rx_eventfd(const struct ixy_interrupts *in, uint16_t queue)
{
	return in->vectors[in->msix ? 1 + queue : 0].fd;
}

/**
 * ixy_rx_arm() - let @queue interrupt once
 *
 * For the thread that receives from the queue; different queues at the same time if @in->msix.
 *
 * Return: true if a packet (or a damaged frame) is waiting already: receive it instead of sleeping.
 * With MSI, whose one signal is that of all queues, it may wait in any of them.
 */
IXY_API bool ixy_rx_arm(struct ixy_interrupts *in, uint16_t queue);

/**
 * ixy_rx_waiting() - is there something for ixy_rx_batch()?
 *
 * Unlike a batch of 0 packets, false is certain: the ring is empty. An empty pool does not matter:
 * true, then, although no packet can be received.
 */
IXY_API bool ixy_rx_waiting(struct ixy_device *dev, uint16_t queue);

/**
 * struct ixy_wait - what to wait for
 * @rx_queue: packets in this queue; -1: none
 * @tx_queue: and give back what this one has sent; -1: none
 * @events:   and events of the device; for one thread
 */
struct ixy_wait {
	struct ixy_interrupts *interrupts;
	int rx_queue, tx_queue;
	bool events;
};

#define IXY_WAIT_MAX 64
#define IXY_PACKETS  1 /* perhaps there are packets */
#define IXY_EVENT    2 /* perhaps ixy_next_event() has something */

/**
 * ixy_wait() - sleep until a packet or an event comes
 * @wait:       queues and devices, as many as one thread serves
 * @count:      up to IXY_WAIT_MAX
 * @timeout_ms: milliseconds; -1 without limit
 *
 * Does not sleep if there are packets already. A vfio-user server that has ended signals nothing:
 * see ixy_next_event().
 *
 * Return: IXY_PACKETS, IXY_EVENT, or both; 0 after the timeout; -EINTR (signal), -EINVAL (@count),
 * or another error of poll().
 */
IXY_API int ixy_wait(const struct ixy_wait *wait, uint32_t count, int timeout_ms);
