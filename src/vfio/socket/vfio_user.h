/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The client's end of a vfio-user connection (QEMU: docs/interop/vfio-user.rst): one request at a
 * time, each with its reply and a deadline. The server is not trusted.
 */
#pragma once
#include "socket.h"

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

/* A connection, and the id of the last request. */
struct user_socket {
	struct peer peer;
	uint16_t last_id;
};

/**
 * struct user_request - one request and what became of it
 * @command:          USER_...
 * @posted:           wants no reply
 * @head, @data:      the payload, in two parts
 * @fds:              files that go with it
 * @reply:            room for the reply's payload
 * @reply_min, @reply_max: the least that is acceptable, and the most that is of interest
 * @reply_fd:         if not NULL and -1, takes the first file that comes with it; others are closed
 */
struct user_request {
	uint16_t command;
	bool posted;
	const void *head, *data;
	size_t head_size, data_size;
	const int *fds;
	uint32_t fd_count;
	void *reply;
	size_t reply_min, reply_max;
	int *reply_fd;
};

/*
 * Send a request and wait for the reply. Return: 0, the server's error, -ENOTCONN if the connection
 * was lost before, or why it was lost now. Only the latter is logged.
 */
int vfio_user_call(struct user_socket *socket, struct user_request *request);
