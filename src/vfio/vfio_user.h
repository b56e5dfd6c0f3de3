/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's end of a vfio-user connection (QEMU: docs/interop/vfio-user.rst): one request at a
 * time, each with its reply and a deadline. The server is not trusted.
 */
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { /* commands */
       USER_VERSION = 1,
       USER_DMA_MAP = 2,
       USER_DMA_UNMAP = 3,
       USER_GET_INFO = 4,
       USER_GET_REGION_INFO = 5,
       USER_GET_IRQ_INFO = 7,
       USER_SET_IRQS = 8,
       USER_REGION_READ = 9,
       USER_REGION_WRITE = 10,
       USER_RESET = 13,
};

#define USER_MAX_FDS 16 /* in one message, of what we send and what we take */

/**
 * struct user_socket - a connection
 * @name:    of the server, for messages
 * @hint:    what to add to them if the connection is lost
 * @lock:    one request at a time
 * @lost:    the connection is of no use any more
 * @last_id: of the last request
 */
struct user_socket {
	const char *name, *hint;
	pthread_mutex_t lock;
	int fd;
	bool lost;
	uint16_t last_id;
};

/**
 * struct user_request - one request and what became of it
 * @command:          USER_...
 * @posted:           wants no reply
 * @timeout_ms:       0 means the default of two seconds
 * @head, @data:      the payload, in two parts
 * @fds:              files that go with it
 * @reply:            room for the reply's payload
 * @reply_min, @reply_max: what size is acceptable
 * @reply_size:       what came
 * @reply_fd:         if not NULL and -1, takes the first file that comes with it; others are closed
 */
struct user_request {
	uint16_t command;
	bool posted;
	int timeout_ms;
	const void *head, *data;
	size_t head_size, data_size;
	const int *fds;
	uint32_t fd_count;
	void *reply;
	size_t reply_min, reply_max, reply_size;
	int *reply_fd;
};

/* Connect to a socket. Return: 0 or a negative errno, explained. */
int vfio_user_connect(struct user_socket *socket, const char *path, const char *name);
void vfio_user_disconnect(struct user_socket *socket); /* also after vfio_user_connect() failed */
bool vfio_user_lost(struct user_socket *socket);

/*
 * Send a request and wait for the reply. Return: 0, the server's error, -ENOTCONN if the connection
 * was lost before, or why it was lost now. Only the latter is logged.
 */
int vfio_user_call(struct user_socket *socket, struct user_request *request);
