/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to a vfio-user server and back. */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <ixy/log.h>

#include "vfio_user.h"

#define DEFAULT_TIMEOUT_MS 2000

struct header {
	uint16_t id;
	uint16_t command;
	uint32_t size; /* of the message, this header included */
	uint32_t flags;
	uint32_t error;
};

#define FLAGS_TYPE     0xf
#define FLAGS_COMMAND  0x0
#define FLAGS_REPLY    0x1
#define FLAGS_NO_REPLY 0x10
#define FLAGS_ERROR    0x20

/* A server that asks more often than this while we wait for it is not serious. */
#define MAX_QUESTIONS 64

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(USER_MAX_FDS * sizeof(int))];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* The connection is of no use any more: say so once, and have the server notice. */
__attribute__((format(printf, 3, 4))) static int lose(struct user_socket *conn, int err,
						      const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	conn->lost = true;
	shutdown(conn->fd, SHUT_RDWR);
	return ixy_fail(err, "%s: %s%s", conn->name, why, conn->hint);
}

/* Wait for POLLIN or POLLOUT. A hang-up is for the following send or receive to find. */
static int wait_for(struct user_socket *conn, short events, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = conn->fd, .events = events };

	for (;;) {
		int64_t left = deadline - now_ms();
		int ready = poll(&poll_fd, 1, left > 0 ? left : 0);
		if (ready > 0)
			return 0;
		if (ready == 0)
			return lose(conn, ETIMEDOUT, "the server does not answer");
		if (errno != EINTR)
			return lose(conn, errno, "poll: %s", strerror(errno));
	}
}

static int send_all(struct user_socket *conn, struct iovec *parts, size_t count, const int *fds,
		    uint32_t fd_count, int64_t deadline)
{
	union control control;
	struct msghdr msg = { .msg_iov = parts, .msg_iovlen = count };

	if (fd_count) {
		memset(&control, 0, sizeof(control));
		msg.msg_control = &control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, fd_count * sizeof(int));
	}

	while (msg.msg_iovlen) {
		ssize_t sent = sendmsg(conn->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			int err = wait_for(conn, POLLOUT, deadline);
			if (err)
				return err;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return lose(conn, ENOTCONN, "the server has gone (%s)", strerror(errno));

		msg.msg_control = NULL; /* the files went with the first byte */
		msg.msg_controllen = 0;
		while (msg.msg_iovlen && (size_t)sent >= msg.msg_iov->iov_len) {
			sent -= msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (msg.msg_iovlen) {
			msg.msg_iov->iov_base = (char *)msg.msg_iov->iov_base + sent;
			msg.msg_iov->iov_len -= sent;
		}
	}
	return 0;
}

/* Keep the first file that came, if somebody wants it; close the others. */
static void take_fds(struct msghdr *msg, int *wanted)
{
	for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
		if (cmsg->cmsg_level != SOL_SOCKET || cmsg->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;
			memcpy(&fd, CMSG_DATA(cmsg) + i * sizeof(int), sizeof(fd));
			if (wanted && *wanted < 0)
				*wanted = fd;
			else
				close(fd);
		}
	}
}

static int receive_all(struct user_socket *conn, void *data, size_t size, int *fd, int64_t deadline)
{
	union control control;

	while (size) {
		struct iovec part = { .iov_base = data, .iov_len = size };
		struct msghdr msg = {
			.msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = &control,
			.msg_controllen = sizeof(control),
		};
		ssize_t got = recvmsg(conn->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EAGAIN) {
			int err = wait_for(conn, POLLIN, deadline);
			if (err)
				return err;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return lose(conn, ENOTCONN, "the server has gone%s%s", got ? ": " : "",
				    got ? strerror(errno) : "");
		take_fds(&msg, fd);
		data = (char *)data + got;
		size -= got;
	}
	return 0;
}

/* The server may ask for DMA by message; we gave it the memory instead. */
static int refuse(struct user_socket *conn, struct header *question, int64_t deadline)
{
	struct header reply = {
		.id = question->id,
		.command = question->command,
		.size = sizeof(reply),
		.flags = FLAGS_REPLY | FLAGS_ERROR,
		.error = ENOTSUP,
	};
	struct iovec part = { .iov_base = &reply, .iov_len = sizeof(reply) };
	char skipped[512];

	for (size_t left = question->size - sizeof(*question); left;) {
		size_t size = left < sizeof(skipped) ? left : sizeof(skipped);
		int err = receive_all(conn, skipped, size, NULL, deadline);
		if (err)
			return err;
		left -= size;
	}
	return question->flags & FLAGS_NO_REPLY ? 0 : send_all(conn, &part, 1, NULL, 0, deadline);
}

static int receive_reply(struct user_socket *conn, struct user_request *request, int64_t deadline)
{
	struct header header;

	for (int questions = 0;; questions++) {
		int err = receive_all(conn, &header, sizeof(header), request->reply_fd, deadline);
		if (err)
			return err;
		if (header.size < sizeof(header) || questions > MAX_QUESTIONS)
			return lose(conn, EPROTO, "what the server says is not vfio-user");
		if ((header.flags & FLAGS_TYPE) != FLAGS_COMMAND)
			break;
		err = refuse(conn, &header, deadline);
		if (err)
			return err;
	}

	size_t size = header.size - sizeof(header);
	if ((header.flags & FLAGS_TYPE) != FLAGS_REPLY || header.id != conn->last_id ||
	    header.command != request->command)
		return lose(conn, EPROTO, "the server answers what was not asked");
	if (size > request->reply_max || (header.flags & FLAGS_ERROR && size))
		return lose(conn, EPROTO, "the server's answer to command %u has %zu bytes",
			    request->command, size);
	if (header.flags & FLAGS_ERROR)
		return header.error && header.error < 4096 ? -(int)header.error : -EIO;
	if (size < request->reply_min)
		return lose(conn, EPROTO, "the server's answer to command %u has %zu bytes",
			    request->command, size);
	request->reply_size = size;
	return receive_all(conn, request->reply, size, request->reply_fd, deadline);
}

int vfio_user_call(struct user_socket *conn, struct user_request *request)
{
	const int timeout = request->timeout_ms ? request->timeout_ms : DEFAULT_TIMEOUT_MS;
	struct header header = {
		.command = request->command,
		.size = sizeof(header) + request->head_size + request->data_size,
		.flags = FLAGS_COMMAND | (request->posted ? FLAGS_NO_REPLY : 0),
	};
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ (void *)request->head, request->head_size },
		{ (void *)request->data, request->data_size },
	};
	int err = -ENOTCONN;

	request->reply_size = 0;
	pthread_mutex_lock(&conn->lock);
	if (!conn->lost) {
		int64_t deadline = now_ms() + timeout;
		header.id = ++conn->last_id;
		err = send_all(conn, parts, 3, request->fds, request->fd_count, deadline);
		if (!err && !request->posted)
			err = receive_reply(conn, request, deadline);
	}
	pthread_mutex_unlock(&conn->lock);
	return err;
}

int vfio_user_connect(struct user_socket *conn, const char *path, const char *name)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat file;

	pthread_mutex_init(&conn->lock, NULL);
	conn->name = name;
	conn->hint = "";
	conn->fd = -1;
	conn->lost = false;
	conn->last_id = 0;
	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return ixy_fail(*path ? ENAMETOOLONG : EINVAL,
				"%s: the path of a socket has 1 to %zu characters", name,
				sizeof(address.sun_path) - 1);
	if (stat(path, &file))
		return ixy_fail(errno, "%s: %s%s", name, strerror(errno),
				errno == ENOENT ? " (is the server running?)" : "");
	if (!S_ISSOCK(file.st_mode))
		return ixy_fail(ENOTSOCK, "%s: this file is not a socket", name);

	memcpy(address.sun_path, path, strlen(path) + 1);
	conn->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (conn->fd < 0)
		return ixy_fail(errno, "%s: socket: %s", name, strerror(errno));
	if (connect(conn->fd, (struct sockaddr *)&address, sizeof(address))) {
		const char *hint = errno == ECONNREFUSED ? " (its server has ended)"
				   : errno == EAGAIN	 ? " (its server is busy)"
							 : "";
		return ixy_fail(errno, "%s: %s%s", name, strerror(errno), hint);
	}
	return 0;
}

void vfio_user_disconnect(struct user_socket *conn)
{
	if (conn->fd >= 0)
		close(conn->fd);
	pthread_mutex_destroy(&conn->lock);
}

bool vfio_user_lost(struct user_socket *conn)
{
	pthread_mutex_lock(&conn->lock);
	bool lost = conn->lost;
	pthread_mutex_unlock(&conn->lock);
	return lost;
}
