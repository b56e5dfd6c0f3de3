/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The front end of a vhost-user connection (QEMU: docs/interop/vhost-user.rst): one message at a
 * time, each with its reply, if it has one, and a deadline. The back end is not trusted.
 */
#pragma once
#include <linux/vhost_types.h>

#include "socket.h"

/* clang-format off */
enum { /* messages */
       VHOST_USER_GET_FEATURES = 1,
       VHOST_USER_SET_FEATURES,
       VHOST_USER_SET_OWNER,
       VHOST_USER_SET_MEM_TABLE = 5,
       VHOST_USER_SET_VRING_NUM = 8,
       VHOST_USER_SET_VRING_ADDR,
       VHOST_USER_SET_VRING_BASE,
       VHOST_USER_GET_VRING_BASE,
       VHOST_USER_SET_VRING_KICK,
       VHOST_USER_SET_VRING_CALL,
       VHOST_USER_SET_VRING_ERR,
       VHOST_USER_GET_PROTOCOL_FEATURES,
       VHOST_USER_SET_PROTOCOL_FEATURES,
       VHOST_USER_GET_QUEUE_NUM,
       VHOST_USER_SET_VRING_ENABLE,
       VHOST_USER_GET_CONFIG = 24,
       VHOST_USER_GET_MAX_MEM_SLOTS = 36,
       VHOST_USER_ADD_MEM_REG,
       VHOST_USER_REM_MEM_REG,
       VHOST_USER_SET_STATUS,
};

#define VHOST_USER_F_PROTOCOL_FEATURES 30 /* between the virtio features */

enum { /* protocol features: bits */
       VHOST_USER_PROTOCOL_F_MQ = 0,
       VHOST_USER_PROTOCOL_F_REPLY_ACK = 3,
       VHOST_USER_PROTOCOL_F_CONFIG = 9,
       VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS = 15,
       VHOST_USER_PROTOCOL_F_STATUS = 16,
};
/* clang-format on */

#define VHOST_USER_VRINGS     256      /* a number has 8 bits */
#define VHOST_USER_VRING_NOFD (1 << 8) /* next to the number: no file comes along */
#define VHOST_USER_REGIONS    8	       /* in a memory table */

/* A memory region: @offset in its file. "User" addresses are names that front end and back end
 * agree upon; nothing says that they are virtual addresses. */
struct vhost_user_region {
	uint64_t guest_phys_addr, memory_size, userspace_addr, mmap_offset;
};

struct vhost_user_memory {
	uint32_t nregions, padding;
	struct vhost_user_region regions[VHOST_USER_REGIONS];
};

struct vhost_user_one_region {
	uint64_t padding;
	struct vhost_user_region region;
};

struct vhost_user_config {
	uint32_t offset, size, flags;
	uint8_t region[256];
};

/**
 * struct vhost_user_message - a message and what becomes of it
 * @request:    VHOST_USER_...
 * @payload:    as the message asks for
 * @fds:        files that go with it
 * @ack:        a message without reply: have the back end say if it has done it
 *              (VHOST_USER_PROTOCOL_F_REPLY_ACK)
 * @reply:      room for the reply of exactly @reply_size bytes; NULL: it has none
 */
struct vhost_user_message {
	uint32_t request;
	const void *payload;
	size_t size;
	const int *fds;
	uint32_t fd_count;
	bool ack;
	void *reply;
	size_t reply_size;
};

/*
 * Send a message and wait for its reply. Return: 0; -EIO: the back end refuses; -ENOTCONN: the
 * connection was lost before; or why it was lost now. Only the latter is logged.
 */
int vhost_user_send(struct peer *peer, const struct vhost_user_message *message);

/*
 * The first message on a connection: ask for the features, if that has not been done (@asked), and
 * wait: a back end that starts may listen long before it answers. If the peer is quiet, the wait is
 * short and ends with -EAGAIN; the connection stays, and the next call waits for the same answer.
 */
int vhost_user_greet(struct peer *peer, bool *asked, uint64_t *features);

/* Has the back end closed the connection? Does not wait for anything. Return: 0, or as above. */
int vhost_user_check(struct peer *peer);
