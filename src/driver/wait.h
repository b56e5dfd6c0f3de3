/* SPDX-License-Identifier: BSD-2-Clause */
/* What a driver provides for ixy/interrupt.h and ixy/event.h, whose functions of the same names say
 * what these do. */
#pragma once
#include <ixy/event.h>
#include <ixy/interrupt.h>

/**
 * struct ixy_interrupt_ops
 * @on:      @in is zeroed but for @in->dev; @config has been checked for what no card could do
 * @sending: has the card not sent yet all that it was given?
 * @next_event: the device is there, as far as VFIO knows; @event is zeroed
 */
struct ixy_interrupt_ops {
	int (*on)(struct ixy_interrupts *in, const struct ixy_interrupt_config *config);
	void (*off)(struct ixy_interrupts *in);
	bool (*arm)(struct ixy_interrupts *in, uint16_t queue);
	bool (*waiting)(struct ixy_device *dev, uint16_t queue);
	bool (*sending)(struct ixy_device *dev, uint16_t queue);
	bool (*next_event)(struct ixy_device *dev, struct ixy_watch *watch,
			   struct ixy_event *event);
};

/* wait.c, for next_event: nothing comes after this event. */
bool ixy_event_end(struct ixy_watch *watch, struct ixy_event *event, enum ixy_event_kind kind,
		   const char *text);
/* wait.c, for next_event: up or down, or up again after a moment. Return: is there an event? */
bool ixy_event_link(struct ixy_watch *watch, struct ixy_event *event, int mbits, bool flapped);
