/* SPDX-License-Identifier: BSD-2-Clause */
/* Bytes and files through a UNIX socket; see socket.h. */
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

#include "socket.h"

#define REMARK_MS 1000 /* then it is time to say what we wait for */

union control {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(PEER_MAX_FDS * sizeof(int))];
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t peer_deadline(int timeout_ms)
{
	return now_ms() + timeout_ms;
}

__attribute__((format(printf, 3, 4))) static int fail_peer(const struct peer *peer, int err,
							   const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return peer->quiet ? -err : ixy_fail(err, "%s: %s", peer->name, why);
}

int peer_lose(struct peer *peer, int err, const char *format, ...)
{
	char why[256];
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	peer->lost = true;
	shutdown(peer->fd, SHUT_RDWR);
	return fail_peer(peer, err, "%s%s", why, peer->hint);
}

void peer_init(struct peer *peer, const char *name, const char *role)
{
	*peer = (struct peer){ .name = name, .role = role, .hint = "", .fd = -1, .lost = true };
	pthread_mutex_init(&peer->lock, NULL);
}

void peer_destroy(struct peer *peer)
{
	if (peer->fd >= 0)
		close(peer->fd);
	pthread_mutex_destroy(&peer->lock);
}

/* @err is 0 if the peer has closed the connection in order. */
static int hung_up(struct peer *peer, int err)
{
	if (!peer->heard) {
		peer->hint = "";
		return peer_lose(peer, EBUSY,
				 "busy: %s hangs up at once, as it does while it serves another "
				 "program: end that one first",
				 peer->role);
	}
	return peer_lose(peer, ENOTCONN, "%s has disconnected%s%s", peer->role, err ? ": " : "",
			 err ? strerror(err) : "");
}

/* "the back end" has a name that fits into "no back end listens there", too. */
static int explain_connect(const struct peer *peer, int err)
{
	const char *name = peer->role + strlen("the ");

	if (err == ENOENT || err == ECONNREFUSED)
		return fail_peer(peer, err, "%s: no %s listens there; start it first",
				 strerror(err), name);
	if (err == EAGAIN)
		return fail_peer(peer, err, "%s: too many wait for the %s", strerror(err), name);
	return fail_peer(peer, err, "%s", strerror(err));
}

int peer_connect(struct peer *peer, const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat file;

	if (!*path || strlen(path) >= sizeof(address.sun_path))
		return fail_peer(peer, *path ? ENAMETOOLONG : EINVAL,
				 "the path of a socket has 1 to %zu characters",
				 sizeof(address.sun_path) - 1);
	if (stat(path, &file))
		return explain_connect(peer, errno);
	if (!S_ISSOCK(file.st_mode))
		return fail_peer(peer, ENOTSOCK, "this file is not a socket");

	if (peer->fd >= 0)
		close(peer->fd);
	memcpy(address.sun_path, path, strlen(path) + 1);
	peer->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (peer->fd < 0)
		return fail_peer(peer, errno, "socket: %s", strerror(errno));
	if (connect(peer->fd, (struct sockaddr *)&address, sizeof(address)))
		return explain_connect(peer, errno);
	peer->lost = peer->heard = false;
	return 0;
}

bool peer_lost(struct peer *peer)
{
	pthread_mutex_lock(&peer->lock);
	bool lost = peer->lost;
	pthread_mutex_unlock(&peer->lock);
	return lost;
}

/*
 * Wait for POLLIN or POLLOUT. A hang-up is for the following send or receive to find. A peer that has
 * not answered anything yet may still be starting: such a wait is announced, and a signal ends it.
 */
static int wait_for(struct peer *peer, short events, int64_t deadline)
{
	struct pollfd poll_fd = { .fd = peer->fd, .events = events };
	int64_t next = peer->heard || peer->quiet ? deadline : now_ms() + REMARK_MS;
	bool told = false;

	for (;;) {
		int64_t left = (next < deadline ? next : deadline) - now_ms();
		int ready = poll(&poll_fd, 1, left > 0 ? left : 0);
		if (ready > 0)
			return 0;
		if (ready < 0 && errno != EINTR)
			return peer_lose(peer, errno, "poll: %s", strerror(errno));
		if (ready < 0 && told)
			return peer_lose(peer, EINTR, "interrupted: %s has not answered yet",
					 peer->role);
		if (ready == 0 && next >= deadline)
			return peer_lose(peer, ETIMEDOUT, "%s does not answer%s", peer->role,
					 peer->heard ? "" : "; perhaps it serves another program");
		if (ready == 0) {
			ixy_log(IXY_WARN,
				"%s: %s does not answer yet%s; waiting for it, %d s at most",
				peer->name, peer->role, peer->hint,
				(int)((deadline - next + 999) / 1000));
			told = true;
			next = deadline;
		}
	}
}

int peer_send(struct peer *peer, struct iovec *parts, size_t count, const int *fds,
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
		ssize_t sent = sendmsg(peer->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (sent < 0 && errno == EAGAIN) {
			int err = wait_for(peer, POLLOUT, deadline);
			if (err)
				return err;
			continue;
		}
		if (sent < 0 && errno == EINTR)
			continue;
		if (sent < 0)
			return hung_up(peer, errno);

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

/* Keep the first file that came, if the caller wants one; close the others. */
static void take_fds(const struct peer *peer, struct msghdr *msg, int *wanted)
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
	if (msg->msg_flags & MSG_CTRUNC && wanted && *wanted < 0)
		ixy_log(IXY_WARN,
			"%s: a file from %s is lost: too many are open; raise the limit: ulimit -n",
			peer->name, peer->role);
}

int peer_receive(struct peer *peer, void *data, size_t size, int *fd, int64_t deadline)
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
		ssize_t got = recvmsg(peer->fd, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (got < 0 && errno == EAGAIN) {
			int err = wait_for(peer, POLLIN, deadline);
			if (err)
				return err;
			continue;
		}
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return hung_up(peer, got ? errno : 0);
		peer->heard = true;
		take_fds(peer, &msg, fd);
		data = (char *)data + got;
		size -= got;
	}
	return 0;
}
