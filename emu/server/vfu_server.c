/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server's socket: serves one client at a time, assembles messages from whatever arrives,
 * and sends the replies. It never blocks: a partial message stays in its buffer until the rest comes,
 * and replies that do not fit into the socket wait in a queue.
 *
 * Requests are always read. Unread data in a socket may hold files, among them the client's end of
 * this very connection: that would stay open, the disconnect would go unnoticed, and the card would be
 * busy for ever. So it is the replies that pile up when a client sends requests and reads nothing; at
 * MAX_UNSENT it is disconnected.
 *
 * Another client that connects meanwhile is disconnected at once, which a program can report to its
 * user; waiting in the backlog would look like a hang. A client that has not negotiated a version yet
 * gives way to the new one: no client can block the card by connecting and saying nothing.
 *
 * A client that leaves, in whatever way, leaves a card as after power-on. (The specification would
 * keep the device's state; but then a driver that was killed would leave a card behind that still
 * receives into memory it no longer has.)
 */
#define _GNU_SOURCE /* accept4 */
#include "vfu_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG	    16
#define BUDGET	    64 /* messages per vfu_serve(): other ports want their turn */
#define HEADER_SIZE sizeof(struct vfu_header)
#define MAX_UNSENT  (4 << 20) /* bytes of replies that a client may leave unread */

static void close_request_fds(struct vfu_client *client)
{
	for (uint32_t i = 0; i < client->request.fd_count; i++) {
		if (client->request.fds[i] >= 0)
			close(client->request.fds[i]);
	}
	client->request.fd_count = 0;
	client->fd_error = 0;
}

/*
 * The listener is edge-triggered: a connection that cannot be accepted, for want of descriptors or
 * memory, does not keep us busy. It is looked at when the next one comes, and after this.
 */
static int watch_listener(struct vfu_server *server, int operation)
{
	struct epoll_event event = { .events = EPOLLIN | EPOLLET, .data.fd = server->listener };

	return epoll_ctl(server->epoll, operation, server->listener, &event);
}

static void forget_unsent(struct vfu_client *client)
{
	struct vfu_unsent *next;

	for (struct vfu_unsent *unsent = client->unsent; unsent; unsent = next) {
		next = unsent->next;
		free(unsent);
	}
	client->unsent = NULL;
	client->unsent_end = &client->unsent;
	client->unsent_size = 0;
}

static void drop_client(struct vfu_server *server)
{
	struct vfu_client *client = &server->client;

	if (client->fd < 0)
		return;
	/* The card stops first: it must not write into memory that is about to go. */
	if (client->negotiated)
		nic_function_reset(server->nic);
	nic_set_mapped(server->nic, false);
	vfu_dma_unmap_all(&server->dma);
	nic_dma_changed(server->nic);
	vfu_irq_close(server);
	close_request_fds(client);
	forget_unsent(client);
	close(client->fd); /* epoll forgets it, too */
	client->fd = -1;
	client->negotiated = false;
	server->dma.client = -1;
	watch_listener(server, EPOLL_CTL_MOD); /* there are descriptors again */
}

/* The client cannot be told why; the user of ixy-emu can do something about it. */
static void turn_away(struct vfu_server *server, int err)
{
	if (!server->turned_away)
		fprintf(stderr, "ixy-emu: %s: a client was turned away: %s%s\n", server->path,
			strerror(err), err == EMFILE ? "; raise the limit: ulimit -n" : "");
	server->turned_away = true;
}

static void adopt_client(struct vfu_server *server, int fd)
{
	struct vfu_client *client = &server->client;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };
	/* Earlier clients may still map the doorbell pages that they had. */
	int err = nic_renew_doorbells(server->nic);

	if (!err && epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		err = -errno;
	if (err) {
		turn_away(server, -err);
		close(fd);
		return;
	}
	server->turned_away = false;
	client->fd = fd;
	client->negotiated = client->waits_to_send = false;
	client->received = 0;
	client->request.fd_count = 0;
	client->fd_error = 0;
	forget_unsent(client);
	server->dma.client = fd;
}

/*
 * Without a file descriptor no client can be accepted, not even to be disconnected: it would wait for an
 * answer that never comes. One descriptor is kept in reserve for that.
 *
 * Return: 0 if a client has been turned away.
 */
static int accept_with_reserve(struct vfu_server *server)
{
	int fd = -1;

	if (server->reserve >= 0) {
		close(server->reserve);
		fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0)
			close(fd);
	}
	server->reserve = fcntl(server->epoll, F_DUPFD_CLOEXEC, 0);
	return fd < 0 ? -1 : 0;
}

static void accept_clients(struct vfu_server *server)
{
	for (int i = 0; i < BACKLOG; i++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		int err = errno;

		if (fd < 0 && (err == EINTR || err == ECONNABORTED))
			continue;
		if (fd < 0) {
			if (err != EAGAIN)
				turn_away(server, err);
			if ((err != EMFILE && err != ENFILE) || accept_with_reserve(server))
				return;
		} else if (server->client.negotiated) {
			close(fd);
		} else {
			drop_client(server);
			adopt_client(server, fd);
		}
	}
	watch_listener(server, EPOLL_CTL_MOD); /* others may be waiting */
}

/*
 * No command takes anything but memory and eventfds. Other files are closed before they can do
 * harm: the client's own end of this very socket, kept here with half a message, would hide from us
 * that the client has disconnected.
 */
static bool is_of_use(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && (S_ISREG(file.st_mode) || vfu_is_eventfd(fd));
}

/*
 * Keeps the file descriptors that came with a message, those of no use as -1. There is room for all
 * that a message can have: the kernel only cuts what does not fit into our limit of open files.
 */
static void take_request_fds(struct vfu_client *client, struct msghdr *message)
{
	struct vfu_request *request = &client->request;

	if (message->msg_flags & MSG_CTRUNC)
		client->fd_error = -EMFILE;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c; c = CMSG_NXTHDR(message, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		size_t count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);

		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof(fd), sizeof(fd));
			bool keep = request->fd_count < VFU_MAX_FDS && is_of_use(fd);

			if (!keep)
				close(fd);
			if (request->fd_count < VFU_MAX_FDS)
				request->fds[request->fd_count++] = keep ? fd : -1;
			else
				client->fd_error = -EINVAL;
		}
	}
}

/* Return: bytes received, 0 if there are none now, -1 if the client has disconnected. */
static ssize_t receive_some(struct vfu_client *client, size_t size)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(VFU_MAX_FDS * sizeof(int))];
	} control;
	struct iovec data = { .iov_base = client->in + client->received, .iov_len = size };
	struct msghdr message = {
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t n = recvmsg(client->fd, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -1;
	take_request_fds(client, &message);
	return n ? n : -1;
}

/*
 * Reads up to the end of the present message and never beyond it: file descriptors arrive with the
 * bytes that they were sent with, and this way they cannot be taken for those of the next message.
 *
 * Return: 1 when the message is complete, 0 if more must come, -1 if it has disconnected or talks
 * nonsense.
 */
static int receive_bytes(struct vfu_client *client, struct vfu_header *header)
{
	for (;;) {
		size_t wanted = HEADER_SIZE;

		if (client->received >= HEADER_SIZE) {
			memcpy(header, client->in, HEADER_SIZE);
			if (header->size < HEADER_SIZE || header->size > VFU_MAX_REQUEST)
				return -1;
			if ((header->flags & VFU_TYPE) != 0)
				return -1; /* a reply, but we never ask */
			wanted = header->size;
			if (client->received == wanted)
				return 1;
		}

		ssize_t n = receive_some(client, wanted - client->received);

		if (n <= 0)
			return n;
		client->received += n;
	}
}

/* Return: bytes sent, 0 if there is no room now, -1 if the client has disconnected. */
static ssize_t send_some(struct vfu_client *client, const uint8_t *bytes, size_t size, int fd)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec data = { .iov_base = (void *)bytes, .iov_len = size };
	struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
		struct cmsghdr *c = CMSG_FIRSTHDR(&message);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(int));
	}

	ssize_t n = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

	return n >= 0 ? n : errno == EAGAIN || errno == EINTR ? 0 : -1;
}

/* Return: 0, or -1 if the client has disconnected. */
static int send_unsent(struct vfu_client *client)
{
	while (client->unsent) {
		struct vfu_unsent *first = client->unsent;
		ssize_t n = send_some(client, first->data + first->sent, first->size - first->sent,
				      first->fd);

		if (n <= 0)
			return n;
		first->fd = -1;
		first->sent += n;
		client->unsent_size -= n;
		if (first->sent < first->size)
			continue;
		client->unsent = first->next;
		if (!client->unsent)
			client->unsent_end = &client->unsent;
		free(first);
	}
	return 0;
}

/* Send the reply in client->out, or put it behind those that wait. Return: 0, or -1: hang up. */
static int send_reply(struct vfu_client *client, size_t size, int fd)
{
	ssize_t sent = client->unsent ? 0 : send_some(client, client->out, size, fd);

	if (sent < 0)
		return -1;
	size -= sent;
	if (!size)
		return 0;
	if (client->unsent_size + size > MAX_UNSENT)
		return -1;

	struct vfu_unsent *unsent = malloc(sizeof(*unsent) + size);

	if (!unsent)
		return -1;
	*unsent = (struct vfu_unsent){ .size = size, .fd = sent ? -1 : fd };
	memcpy(unsent->data, client->out + sent, size);
	*client->unsent_end = unsent;
	client->unsent_end = &unsent->next;
	client->unsent_size += size;
	return 0;
}

/* Does what the complete message in client->in asks. Return: 0, or -1: hang up on the client. */
static int answer(struct vfu_server *server, const struct vfu_header *header)
{
	struct vfu_client *client = &server->client;
	struct vfu_reply reply = { .data = client->out + HEADER_SIZE, .fd = -1 };
	int err = client->fd_error;

	client->request.data = client->in + HEADER_SIZE;
	client->request.size = header->size - HEADER_SIZE;
	if (err) {
		;
	} else if (client->negotiated) {
		err = vfu_command(server, header->command, &client->request, &reply);
	} else if (header->command == VFU_VERSION) {
		err = vfu_negotiate(&client->capabilities, &client->request, &reply);
		client->negotiated = err == 0;
	} else {
		err = -EINVAL;
	}
	close_request_fds(client);
	client->received = 0;

	if (err)
		reply.size = 0; /* an error reply is nothing but the header */
	struct vfu_header out = {
		.id = header->id,
		.command = header->command,
		.size = HEADER_SIZE + reply.size,
		.flags = err ? VFU_REPLY | VFU_ERROR : VFU_REPLY,
		.error = -err,
	};

	memcpy(client->out, &out, HEADER_SIZE);
	if (!(header->flags & VFU_NO_REPLY) && send_reply(client, out.size, err ? -1 : reply.fd))
		return -1;
	return client->negotiated ? 0 : -1;
}

/* The socket's room is of interest while replies wait for it. */
static void watch_client(struct vfu_server *server)
{
	struct vfu_client *client = &server->client;
	bool waits = client->unsent;
	struct epoll_event event = {
		.events = waits ? EPOLLIN | EPOLLOUT : EPOLLIN,
		.data.fd = client->fd,
	};

	if (client->fd < 0 || waits == client->waits_to_send)
		return;
	if (epoll_ctl(server->epoll, EPOLL_CTL_MOD, client->fd, &event) < 0)
		drop_client(server);
	else
		client->waits_to_send = waits;
}

/* Return: messages answered, BUDGET at most. */
static uint32_t serve_client(struct vfu_server *server)
{
	struct vfu_client *client = &server->client;
	uint32_t answered = 0;

	while (answered < BUDGET) {
		struct vfu_header header;
		int ready = send_unsent(client) ?: receive_bytes(client, &header);

		if (ready > 0) {
			answered++;
			ready = answer(server, &header) ?: 1;
		}
		if (ready < 0)
			drop_client(server);
		if (ready <= 0)
			break;
	}
	watch_client(server);
	return answered;
}

uint32_t vfu_serve(struct vfu_server *server)
{
	struct epoll_event events[2];
	int count = epoll_wait(server->epoll, events, 2, 0);
	bool newcomers = false;
	uint32_t answered = 0;

	for (int i = 0; i < count; i++) {
		if (events[i].data.fd == server->listener)
			newcomers = true;
		else
			answered = serve_client(server);
	}
	/* After a full budget the farewell of the present client may still be unread. */
	if (newcomers && answered == BUDGET)
		watch_listener(server, EPOLL_CTL_MOD);
	else if (newcomers)
		accept_clients(server);
	return answered;
}

/* Return: 0 if a socket may be created there, after removing a stale one. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat file;

	if (lstat(address->sun_path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST; /* not a socket, so not ours to remove */

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	int err = connect(fd, (const struct sockaddr *)address, sizeof(*address)) < 0 ? -errno : 0;

	close(fd);
	if (err == -ECONNREFUSED)
		return unlink(address->sun_path) < 0 && errno != ENOENT ? -errno : 0;
	if (err == -ENOENT)
		return 0;
	return err == 0 || err == -EAGAIN ? -EADDRINUSE : err;
}

static int listen_at(struct vfu_server *server)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	struct stat file;

	if (strlen(server->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, server->path);
	int err = clear_path(&address);

	if (err)
		return err;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	server->reserve = fcntl(server->epoll, F_DUPFD_CLOEXEC, 0);
	if (server->epoll < 0 || server->listener < 0 || server->reserve < 0 ||
	    watch_listener(server, EPOLL_CTL_ADD) < 0 ||
	    bind(server->listener, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	/* At once: a client that sees the socket may connect. */
	err = listen(server->listener, BACKLOG) < 0 ? -errno : 0;
	if (lstat(server->path, &file) == 0) {
		server->device = file.st_dev;
		server->inode = file.st_ino;
	}
	return err;
}

int vfu_listen(struct vfu_server **server, const char *path, struct nic *nic, bool trap)
{
	struct vfu_server *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->nic = nic;
	new->trap = trap;
	new->listener = new->epoll = new->reserve = new->client.fd = -1;
	vfu_irq_init(new);
	vfu_dma_init(&new->dma);
	new->path = strdup(path);

	int err = new->path ? listen_at(new) : -ENOMEM;

	if (err) {
		vfu_close(new);
		return err;
	}
	*server = new;
	return 0;
}

void vfu_close(struct vfu_server *server)
{
	struct stat file;

	if (!server)
		return;
	vfu_irq_request(server);
	drop_client(server);
	vfu_dma_destroy(&server->dma);
	vfu_irq_destroy(server);
	if (server->inode && lstat(server->path, &file) == 0 && file.st_dev == server->device &&
	    file.st_ino == server->inode)
		unlink(server->path);
	if (server->listener >= 0)
		close(server->listener);
	if (server->epoll >= 0)
		close(server->epoll);
	if (server->reserve >= 0)
		close(server->reserve);
	free(server->path);
	free(server);
}

int vfu_fd(const struct vfu_server *server)
{
	return server->epoll;
}

bool vfu_connected(const struct vfu_server *server)
{
	return server->client.negotiated;
}

bool vfu_window(struct vfu_server *server, uint64_t iova, struct nic_window *window)
{
	return vfu_dma_window(&server->dma, iova, window);
}
