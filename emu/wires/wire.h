/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A wire is what a card's port is plugged into: a generator, a sink, a cable to another port, a
 * file, a Linux network interface. Frames for the card go in by nic_receive(); frames from the card
 * come by wire_transmit(). Everything happens in the one thread that serves all ports.
 */
#ifndef WIRE_H
#define WIRE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "nic.h"

#define WIRES_MAX  16
#define WIRE_BURST 32 /* frames that a wire hands to the card in one go */

#define NS_PER_SECOND 1000000000ull

/*
 * A wire that waits for its card pauses so many ns when the link is up and the receiver is not
 * (NIC_DOWN).
 */
#define WIRE_DOWN_PAUSE 100000ull

struct wire;
struct gen_stream;

/* What happened on the wire's side; fields that a kind of wire has no use for stay zero. */
struct wire_account {
	uint64_t sent;	  /* frames handed to the card, whatever became of them there */
	uint64_t dropped; /* frames from the card that the wire could not carry further */
	uint64_t
		skipped; /* frames that no card could receive; pcap: and those that are not whole */
	uint64_t broken; /* what ended the wire's work early; see wire_broken() */
	uint64_t touched;    /* verified: exactly one byte changed */
	uint64_t unchanged;  /* verified: no byte changed */
	uint64_t corrupted;  /* verified: more bytes changed, or another length */
	uint64_t stale;	     /* of an earlier life of their generator */
	uint64_t lost;	     /* missing in the sequence */
	uint64_t duplicates; /* came twice */
	uint64_t reordered;  /* came behind a later one of their flow; not lost */
	uint64_t late;	     /* too far behind to tell whether they are duplicates */
	uint64_t foreign;    /* not made by a generator of this program */
	uint64_t bursts;     /* gen: bursts that came back, or should have */
	uint64_t overdue;    /* gen: frames of bursts that did not come back in time */
	struct wire_times {
		uint64_t p50, p99, p999, max;
	} times; /* gen: ns until a burst has come back; see account */
};

/* Which frames a verifying wire accepts. */
enum wire_touch {
	TOUCH_NOT_VERIFIED, /* the wire does not verify at all */
	TOUCH_REQUIRED, /* exactly one byte changed, as a forwarder does that touches each packet */
	TOUCH_ALLOWED,	/* none or one */
	TOUCH_NONE,	/* none */
};

/**
 * struct wires - all wires of the program; a port's number is the index of its wire
 * @streams: what the generator of each port makes; NULL where there is none. Verifying wires look
 *           here.
 * @now:     of the main loop, nanoseconds of a clock that never goes back
 * @error:   what went wrong, one line, after a function has failed
 */
struct wires {
	uint32_t count;
	struct wire *wire[WIRES_MAX];
	struct gen_stream *streams[WIRES_MAX];
	uint64_t now;
	char error[256];
};

/**
 * struct wire_ops - a kind of wire
 * @kind:     its name on the command line
 * @options:  for --help
 * @help:     for --help
 * @size:     of the struct that embeds struct wire as its first member
 * @option:   take one option; @key is NULL for a first word without "=" ("tap:tap0"). NULL: there
 *            are none.
 * @start:    all options are known, the card exists: open files, allocate. May be NULL.
 * @poll:     frames for the card. Return: how many it took; 0 lets the program go to sleep. May be
 *            NULL.
 * @transmit: a frame from the card; see struct nic_host
 * @room:     how many frames the wire can take now; NULL: any number
 * @wake:     when the wire wants to be polled again, if nothing else happens; NULL: whenever
 * @account:  fill in what is not counted as it happens. May be NULL.
 * @stop:     give everything back that start took; also called after a failed start. May be NULL.
 *
 * option and start return 0 or what wire_fail() returned.
 */
struct wire_ops {
	const char *kind, *options, *help;
	size_t size;
	int (*option)(struct wire *wire, const char *key, const char *value);
	int (*start)(struct wire *wire);
	uint32_t (*poll)(struct wire *wire, uint64_t now);
	void (*transmit)(struct wire *wire, const uint8_t *frame, size_t length);
	uint32_t (*room)(struct wire *wire);
	uint64_t (*wake)(const struct wire *wire);
	void (*account)(struct wire *wire);
	void (*stop)(struct wire *wire);
};

/**
 * struct wire - one wire; each kind embeds it
 * @port: its number
 * @text: as on the command line
 * @nic:  the card at this end
 * @mac:  of that card
 * @fd:   wakes the program up when frames arrive from outside; -1: none
 */
struct wire {
	const struct wire_ops *ops;
	struct wires *all;
	uint32_t port;
	const char *text;
	struct nic *nic;
	uint8_t mac[6];
	int fd;
	enum wire_touch touch;
	struct wire_account account;
};

extern const struct wire_ops wire_gen_ops, wire_sink_ops, wire_loop_ops, wire_cable_ops,
	wire_pcap_ops, wire_tap_ops;

/**
 * wires_add() - parse "KIND[:key=value[,key=value...]]" and add the wire
 * @text: must stay valid
 *
 * Return: 0 or a negative errno; then @wires->error says why.
 */
int wires_add(struct wires *wires, const char *text);

/** wires_start() - start all; each must have its card. Return: as wires_add(). */
int wires_start(struct wires *wires);

/** wires_free() - stop and free all. */
void wires_free(struct wires *wires);

/** wires_list() - the kind number @i, NULL behind the last one. */
const struct wire_ops *wires_list(uint32_t i);

static inline uint32_t wire_poll(struct wire *wire, uint64_t now)
{
	return wire->ops->poll ? wire->ops->poll(wire, now) : 0;
}

static inline void wire_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	wire->ops->transmit(wire, frame, length);
}

static inline uint32_t wire_room(struct wire *wire)
{
	return wire->ops->room ? wire->ops->room(wire) : UINT32_MAX;
}

static inline uint64_t wire_wake(const struct wire *wire)
{
	return wire->ops->wake ? wire->ops->wake(wire) : UINT64_MAX;
}

/**
 * wire_ok() - the wire is not broken, and nothing arrived that a verifying wire does not accept.
 * Losses are not judged.
 */
bool wire_ok(const struct wire *wire);

/* ---- For the kinds of wire ---- */

/** wire_fail() - note what went wrong, prefixed by the wire's text. Return: -@err. */
int wire_fail(struct wire *wire, int err, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

/** wire_say() - tell the user something, prefixed by the port. */
void wire_say(const struct wire *wire, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/** wire_broken() - tell the user, and count, that the wire can no longer do what it was asked for. */
#define wire_broken(wire, ...) ((wire)->account.broken++, wire_say(wire, __VA_ARGS__))

/** wire_unknown_option() - what option returns for a key that it does not know. */
int wire_unknown_option(struct wire *wire, const char *key);

/**
 * wire_number() - parse a decimal number with an optional suffix k, M or G (powers of 1000), @min
 * to @max.
 */
int wire_number(struct wire *wire, const char *key, const char *value, uint64_t min, uint64_t max,
		uint64_t *number);

/** wire_mac_parse() - "02:00:00:00:00:01". Return: false if it is no unicast address. */
bool wire_mac_parse(const char *text, uint8_t mac[6]);

/**
 * struct wire_rate - how many frames are due
 * @per_second: 0: as many as the card takes
 *
 * The backlog is capped: after a time without being scheduled, at most what is due in 20 us, or one
 * WIRE_BURST, is caught up with, as a larger burst would overrun any card.
 */
struct wire_rate {
	uint64_t per_second;
	uint64_t last;	 /* when it was looked at */
	uint64_t credit; /* frames * NS_PER_SECOND */
};

/** wire_rate_start() - nothing is due before @now. */
void wire_rate_start(struct wire_rate *rate, uint64_t now);

/**
 * wire_rate_due() - frames that may be sent now, up to WIRE_BURST; wire_rate_spend() tells how many
 * were.
 */
uint32_t wire_rate_due(struct wire_rate *rate, uint64_t now);
void wire_rate_spend(struct wire_rate *rate, uint32_t frames);

/** wire_rate_wake() - when the next frame is due; UINT64_MAX without a rate. */
uint64_t wire_rate_wake(const struct wire_rate *rate);

#endif
