/* SPDX-License-Identifier: BSD-2-Clause */
/* Waiting for packets and events of several devices at once; see ixy/interrupt.h. */
#include "wait.h"

#include <limits.h>
#include <poll.h>

#include <sys/eventfd.h>

#include <ixy/vfio_irq.h>

#include "../common.h"

#define THROTTLE_MAX 1022 /* us; EITR, datasheet 8.2.3.5.12 */
#define LOOK_MAX_MS  1024 /* between looks at send queues that stand still */

static const struct ixy_interrupt_ops *ops(const struct ixy_device *dev)
{
	return dev->ops->control->interrupts;
}

int ixy_interrupts_on(struct ixy_interrupts *in, struct ixy_device *dev,
		      const struct ixy_interrupt_config *config)
{
	const struct ixy_interrupt_config none = { 0 }, *c = config ? config : &none;

	*in = (struct ixy_interrupts){ .dev = dev };
	if (c->throttle_us && (c->throttle_us < 2 || c->throttle_us > THROTTLE_MAX))
		return ixy_fail(EINVAL, "%s: throttle: %u us is not possible; from 2 to %d is",
				vfio_address(dev->vfio), c->throttle_us, THROTTLE_MAX);
	return ops(dev)->on(in, c);
}

void ixy_interrupts_off(struct ixy_interrupts *in)
{
	ops(in->dev)->off(in);
}

bool ixy_rx_arm(struct ixy_interrupts *in, uint16_t queue)
{
	return ops(in->dev)->arm(in, queue);
}

bool ixy_rx_waiting(struct ixy_device *dev, uint16_t queue)
{
	return ops(dev)->waiting(dev, queue);
}

bool ixy_next_event(struct ixy_device *dev, struct ixy_watch *watch, struct ixy_event *event)
{
	*event = (struct ixy_event){ 0 };
	if (watch->ended)
		return false;
	int err = vfio_check(dev->vfio);
	if (err == -EIO)
		return ixy_event_end(watch, event, IXY_FAILED, "failed");
	if (err == -ENODEV)
		return ixy_event_end(watch, event, IXY_WANTED, "wanted back by the system");
	return ops(dev)->next_event(dev, watch, event);
}

bool ixy_event_end(struct ixy_watch *watch, struct ixy_event *event, enum ixy_event_kind kind,
		   const char *text)
{
	watch->ended = true;
	event->kind = kind;
	snprintf(event->text, sizeof(event->text), "%s", text);
	return true;
}

bool ixy_event_link(struct ixy_watch *watch, struct ixy_event *event, int mbits, bool flapped)
{
	if (watch->mbits && (flapped || mbits != watch->mbits)) {
		watch->mbits = 0;
		event->kind = IXY_LINK_DOWN;
		snprintf(event->text, sizeof(event->text), "link down");
		return true;
	}
	if (watch->mbits || !mbits)
		return false;
	watch->mbits = event->mbits = mbits;
	event->kind = IXY_LINK_UP;
	snprintf(event->text, sizeof(event->text), "link up, %d %s",
		 mbits / (mbits < 1000 ? 1 : 1000), mbits < 1000 ? "Mbit/s" : "Gbit/s");
	return true;
}

/* Give back what has been sent. Return: is there more to come? */
static bool any_sending(const struct ixy_wait *wait, uint32_t count)
{
	bool more = false;

	for (uint32_t i = 0; i < count; i++)
		if (wait[i].tx_queue >= 0)
			more |= ops(wait[i].interrupts->dev)
					->sending(wait[i].interrupts->dev, wait[i].tx_queue);
	return more;
}

int ixy_wait(const struct ixy_wait *wait, uint32_t count, int timeout_ms)
{
	struct pollfd fds[4 * IXY_WAIT_MAX]; /* those of queues, and behind them those of events */
	uint32_t n = 0, queues;
	int result = 0, ready, left = timeout_ms < 0 ? INT_MAX : timeout_ms;

	if (!count || count > IXY_WAIT_MAX)
		return -EINVAL;
	for (uint32_t i = 0; i < count; i++) /* arming costs more than a look */
		if (wait[i].rx_queue >= 0 &&
		    ixy_rx_waiting(wait[i].interrupts->dev, wait[i].rx_queue))
			return IXY_PACKETS;
	for (uint32_t i = 0; i < count; i++) {
		if (wait[i].rx_queue < 0)
			continue;
		if (ixy_rx_arm(wait[i].interrupts, wait[i].rx_queue))
			result = IXY_PACKETS;
		fds[n++].fd = ixy_rx_eventfd(wait[i].interrupts, wait[i].rx_queue);
	}
	queues = n;
	for (uint32_t i = 0; i < count; i++)
		for (int e = 0; wait[i].events && e < 3; e++)
			fds[n++].fd = wait[i].interrupts->event_fds[e]; /* poll() skips -1 */
	for (uint32_t i = 0; i < n; i++)
		fds[i].events = POLLIN;
	if (result)
		return result;

	/* Look at send queues again in 1 ms, 2 ms, 4 ms, ... as long as there is something to come. */
	for (int look = 1;; look = look < LOOK_MAX_MS ? 2 * look : look) {
		int ms = any_sending(wait, count) && look < left ? look : left;

		ready = poll(fds, n, timeout_ms < 0 && ms == INT_MAX ? -1 : ms);
		if (ready)
			break;
		left -= timeout_ms < 0 ? 0 : ms;
		if (!left)
			return 0;
	}
	if (ready < 0)
		return -errno;
	for (uint32_t i = 0; i < n; i++)
		if (fds[i].revents)
			result |= i < queues ? IXY_PACKETS : IXY_EVENT;
	/* The other causes' signal is used up; those of a device's end stay. */
	for (uint32_t i = 0; i < count; i++)
		if (wait[i].events && wait[i].interrupts->event_fds[0] >= 0)
			eventfd_read(wait[i].interrupts->event_fds[0], &(eventfd_t){ 0 });
	return result;
}
