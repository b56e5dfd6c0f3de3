/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vhost-user back end in the test's process: a thread that listens, answers messages, and notes
 * what it was told. Rings are left to the test: see device.h. One front end at a time.
 */
#ifndef BACK_END_H
#define BACK_END_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/vhost_types.h>
#include <linux/virtio_net.h>

enum { /* messages */
       GET_FEATURES = 1,
       SET_FEATURES,
       SET_OWNER,
       SET_MEM_TABLE = 5,
       SET_VRING_NUM = 8,
       SET_VRING_ADDR,
       SET_VRING_BASE,
       GET_VRING_BASE,
       SET_VRING_KICK,
       SET_VRING_CALL,
       SET_VRING_ERR,
       GET_PROTOCOL_FEATURES,
       SET_PROTOCOL_FEATURES,
       GET_QUEUE_NUM,
       SET_VRING_ENABLE,
       GET_CONFIG = 24,
       GET_MAX_MEM_SLOTS = 36,
       ADD_MEM_REG,
       REM_MEM_REG,
       SET_STATUS,
       MESSAGES
};

/* Protocol features. */
#define F_MQ	    (1ull << 0)
#define F_REPLY_ACK (1ull << 3)
#define F_CONFIG    (1ull << 9)
#define F_MEM_SLOTS (1ull << 15)
#define F_STATUS    (1ull << 16)

#define F_PROTOCOL (1ull << 30) /* between the virtio features: there are protocol features */

#define RINGS	   16
#define MAX_MEMORY 64

/* What the back end does wrong, when it gets message @at. */
enum fault {
	NONE,
	HANG_UP,	/* instead of an answer */
	ANSWER_AND_GO,	/* hangs up behind it */
	HALF_AN_ANSWER, /* and hangs up */
	ONE_BY_ONE,	/* answers byte by byte */
	WRONG_REQUEST,
	WRONG_VERSION,
	NO_REPLY_FLAG,
	TOO_SHORT,
	TOO_LONG,
	HUGE_SIZE,
	GARBAGE,
	REFUSE,	    /* as an acknowledgement */
	MANY_FILES, /* unwanted ones */
	SAY_MORE,   /* than was asked */
	SILENT,	    /* no answer at all */
	FAULTS
};

/**
 * struct back_end
 * @features, @protocol, @pairs, @slots, @config: what it offers. Set before back_end_start(), or
 *           under @lock for the next connection.
 * @fault, @at: see above
 * @lenient: the front end is not ours, and need not do more than it must
 *
 * The rest is under @lock, which may be taken several times:
 *
 * @connections: that there have been
 * @agreed, @agreed_protocol, @status: what the front end said
 * @seen:        messages, by kind
 * @memory:      @memory_count pieces
 */
struct back_end {
	uint64_t features, protocol, pairs, slots;
	struct virtio_net_config config;
	_Atomic int fault, at;
	bool lenient;

	pthread_mutex_t lock;
	pthread_cond_t changed;
	uint32_t connections;
	bool connected;
	uint64_t agreed, agreed_protocol, status;
	bool owned;
	uint32_t seen[MESSAGES], unknown, order[4096], count;
	struct back_end_memory {
		uint64_t iova, user, size;
		uint8_t *virt;
		void *map;
		size_t map_size;
	} memory[MAX_MEMORY];
	uint32_t memory_count;
	struct back_end_ring {
		uint32_t num, base;
		struct vhost_vring_addr addr;
		int kick, call, err;
		bool started, enabled, call_set;
	} rings[RINGS];

	char path[64];
	int listener, fd;
	pthread_t thread;
	_Atomic bool stop;
};

/* Listen. Sets what is not under "set before": by default, a @path of its own. */
void back_end_start(struct back_end *back);

/* Stop listening, hang up, forget what the front end said. May be started again, at the same path. */
void back_end_stop(struct back_end *back);

/* Hang up, but keep listening. */
void back_end_hang_up(struct back_end *back);

/* @size bytes at an I/O address, or NULL if the front end has not shared all of them. Under @lock. */
void *back_end_memory(struct back_end *back, uint64_t iova, uint64_t size);

#endif
