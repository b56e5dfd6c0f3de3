/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A client's connection to a UNIX socket: bytes and files to the peer and back, each with a
 * deadline. What they mean is for vfio_user_socket.c and vhost_user_socket.c. The peer is not
 * trusted.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sys/uio.h>

#define PEER_MAX_FDS 16 /* in one message, of what we send and what we take */

/**
 * struct peer - a connection; peer_init() sets what is not for the user
 * @name:  the device's, for messages
 * @role:  what the peer is to us: "the server"
 * @hint:  what to add to messages if the connection is lost
 * @lock:  the user's, to make one request at a time
 * @lost:  the connection is no longer usable, or never was made
 * @heard: the peer has said something on this connection
 * @quiet: errors are not logged
 */
struct peer {
	const char *name, *role, *hint;
	pthread_mutex_t lock;
	int fd;
	bool lost, heard, quiet;
};

void peer_init(struct peer *peer, const char *name, const char *role);
void peer_destroy(struct peer *peer);

/*
 * Return of the following: 0, or a negative errno, explained. Under @lock, if several threads use
 * the connection. peer_connect() drops a connection that was there before.
 */
int peer_connect(struct peer *peer, const char *path);
int64_t peer_deadline(int timeout_ms);
int peer_send(struct peer *peer, struct iovec *parts, size_t count, const int *fds,
	      uint32_t fd_count, int64_t deadline);

/* If @fd is not NULL and *@fd is -1, it takes the first file that comes; others are closed. */
int peer_receive(struct peer *peer, void *data, size_t size, int *fd, int64_t deadline);

/* The connection is no longer usable: say why, once, and have the peer notice. Return: -@err. */
__attribute__((format(printf, 3, 4))) int peer_lose(struct peer *peer, int err, const char *format,
						    ...);

/* Takes the lock. */
bool peer_lost(struct peer *peer);
