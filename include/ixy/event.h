/* SPDX-License-Identifier: BSD-2-Clause */
/* Events of a card: link up and down, failure, unbinding or unplugging. */
#pragma once
#include <ixy/control.h>

/**
 * enum ixy_event_kind
 * @IXY_LINK_UP, @IXY_LINK_DOWN: also after a short interruption: down, then up
 * @IXY_TOO_HOT: the card's temperature sensor says so; it stops working if that goes on
 * @IXY_BAD_DMA: the card asked for memory that it does not have, or got no answer: some packets are
 *               lost, perhaps a queue stands still
 * @IXY_BAD_MEMORY: an error in the card's own memory that could not be corrected: open it anew
 * @IXY_FAILED:  PCI Express reports that the device has failed: close it
 * @IXY_WANTED:  it is being unbound or unplugged, which waits until it is closed
 * @IXY_GONE:    it no longer answers: close it
 */
enum ixy_event_kind {
	IXY_LINK_UP,
	IXY_LINK_DOWN,
	IXY_TOO_HOT,
	IXY_BAD_DMA,
	IXY_BAD_MEMORY,
	IXY_FAILED,
	IXY_WANTED,
	IXY_GONE,
};

/**
 * struct ixy_event - something happened
 * @mbits: the link's speed when it comes up
 * @text:  the same for people: "link up, 10 Gbit/s"
 */
struct ixy_event {
	enum ixy_event_kind kind;
	int mbits;
	char text[64];
};

/* What has been reported of a card; zeroed before the first call. */
struct ixy_watch {
	bool started, ended;
	int mbits;
	uint32_t causes;
};

/**
 * ixy_next_event() - has something happened since the last call?
 * @watch: the caller's; the first call finds out how things are and reports no more than an end
 * @event: filled in if there is one
 *
 * To be called until it returns false: once a second or so, and when ixy_wait() returns IXY_EVENT.
 * Works without interrupts, too; it costs a few register accesses. After IXY_FAILED, IXY_WANTED and
 * IXY_GONE there is nothing more.
 *
 * The link of a vhost-user device is its connection. When the back end has disconnected, this tries to connect
 * again, and goes on as before when it can: packets that were with the back end are lost, other threads
 * may go on to receive and send.
 *
 * Return: true if there is an event.
 */
IXY_API bool ixy_next_event(struct ixy_device *dev, struct ixy_watch *watch,
			    struct ixy_event *event);
