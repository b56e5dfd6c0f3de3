/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server's socket: takes one client at a time, puts messages together from whatever
 * pieces arrive, and sends the replies. Nothing here ever waits: half a message stays in its buffer
 * until the rest comes, and while a reply does not fit into the socket, no further request of that
 * client is read.
 *
 * Who comes while a client is being served finds the connection closed at once, which a program can
 * tell to its user; waiting in the backlog would look like a hang. A client that has not even
 * agreed on a version yet gives way to the newcomer: nobody can block the card by connecting and
 * saying nothing.
 *
 * A client that leaves, in whatever way, leaves a card as after power-on. (The specification would
 * keep the device's state; but then a driver that was killed would leave a card behind that still
 * receives into memory it no longer has.)
 */
#define _GNU_SOURCE /* accept4 */
#include "vfu_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG	    16
#define BUDGET	    64	/* messages per vfu_serve(): other ports want their turn */
#define KERNEL_FDS  253 /* SCM_MAX_FD: the kernel sends no more in one message */
#define HEADER_SIZE sizeof(struct vfu_header)

static void close_request_fds(struct vfu_client *client)
{
	for (uint32_t i = 0; i < client->request.fd_count; i++) {
		if (client->request.fds[i] >= 0)
			close(client->request.fds[i]);
	}
	client->request.fd_count = 0;
	client->too_many_fds = false;
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
	close(client->fd); /* epoll forgets it, too */
	client->fd = -1;
	client->negotiated = false;
	server->dma.client = -1;
}

static void adopt_client(struct vfu_server *server, int fd)
{
	struct vfu_client *client = &server->client;
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	/* Clients before may still map the doorbell pages that they had. */
	if (nic_renew_doorbells(server->nic) ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event) < 0) {
		close(fd);
		return;
	}
	client->fd = fd;
	client->negotiated = client->leaving = client->too_many_fds = false;
	client->received = 0;
	client->request.fd_count = 0;
	client->reply_size = client->reply_sent = 0;
	client->waits_to_send = false;
	server->dma.client = fd;
}

static void accept_clients(struct vfu_server *server)
{
	for (int i = 0; i < BACKLOG; i++) {
		int fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0)
			return;
		if (server->client.negotiated) {
			close(fd);
		} else {
			drop_client(server);
			adopt_client(server, fd);
		}
	}
}

/*
 * No command takes anything but memory and eventfds. Other files are closed before they can do
 * harm: the client's own end of this very socket, kept here with half a message, would hide from us
 * that the client is gone.
 */
static bool is_of_use(int fd)
{
	struct stat file;

	return fstat(fd, &file) == 0 && (S_ISREG(file.st_mode) || vfu_is_eventfd(fd));
}

/* Keeps the file descriptors that came with a message, those of no use as -1. */
static void take_fds(struct vfu_client *client, struct msghdr *message)
{
	struct vfu_request *request = &client->request;

	if (message->msg_flags & MSG_CTRUNC)
		client->too_many_fds = true;
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
				client->too_many_fds = true;
		}
	}
}

/* Return: bytes received, 0 if there are none now, -1 if the client is gone. */
static ssize_t receive_some(struct vfu_client *client, size_t size)
{
	union {
		struct cmsghdr align;
		char room[CMSG_SPACE(KERNEL_FDS * sizeof(int))];
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
	take_fds(client, &message);
	return n ? n : -1;
}

/*
 * Reads up to the end of the present message and never beyond it: file descriptors arrive with the
 * bytes that they were sent with, and this way they cannot be taken for those of the next message.
 *
 * Return: 1 when the message is complete, 0 if more must come, -1 if the client is gone or talks
 * nonsense.
 */
static int receive(struct vfu_client *client, struct vfu_header *header)
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

/* Return: 1 when nothing is left to send, 0 if the socket is full, -1 if the client is gone. */
static int send_reply(struct vfu_client *client)
{
	while (client->reply_sent < client->reply_size) {
		union {
			struct cmsghdr align;
			char room[CMSG_SPACE(sizeof(int))];
		} control = { 0 };
		struct iovec data = {
			.iov_base = client->out + client->reply_sent,
			.iov_len = client->reply_size - client->reply_sent,
		};
		struct msghdr message = { .msg_iov = &data, .msg_iovlen = 1 };

		if (client->reply_fd >= 0 && client->reply_sent == 0) {
			message.msg_control = &control;
			message.msg_controllen = sizeof(control);
			struct cmsghdr *c = CMSG_FIRSTHDR(&message);

			c->cmsg_level = SOL_SOCKET;
			c->cmsg_type = SCM_RIGHTS;
			c->cmsg_len = CMSG_LEN(sizeof(int));
			memcpy(CMSG_DATA(c), &client->reply_fd, sizeof(int));
		}

		ssize_t n = sendmsg(client->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN || errno == EINTR ? 0 : -1;
		client->reply_sent += n;
	}
	return 1;
}

/* Does what the complete message in client->in asks, and prepares the reply. */
static void answer(struct vfu_server *server, const struct vfu_header *header)
{
	struct vfu_client *client = &server->client;
	struct vfu_reply reply = { .data = client->out + HEADER_SIZE, .fd = -1 };
	int err;

	client->request.data = client->in + HEADER_SIZE;
	client->request.size = header->size - HEADER_SIZE;
	if (client->too_many_fds) {
		err = -EINVAL;
	} else if (client->negotiated) {
		err = vfu_command(server, header->command, &client->request, &reply);
	} else if (header->command == VFU_VERSION) {
		err = vfu_negotiate(&client->capabilities, &client->request, &reply);
		client->negotiated = err == 0;
	} else {
		err = -EINVAL;
	}
	if (!client->negotiated)
		client->leaving = true;
	close_request_fds(client);
	client->received = 0;

	client->reply_sent = client->reply_size = 0;
	if (header->flags & VFU_NO_REPLY)
		return;
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
	client->reply_size = out.size;
	client->reply_fd = err ? -1 : reply.fd;
}

/* While a reply waits for room in the socket, requests are of no interest. */
static void watch_client(struct vfu_server *server)
{
	struct vfu_client *client = &server->client;

	if (client->fd < 0)
		return;

	bool waits = client->reply_sent < client->reply_size;
	struct epoll_event event = {
		.events = waits ? EPOLLOUT : EPOLLIN,
		.data.fd = client->fd,
	};

	if (waits == client->waits_to_send)
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

	while (client->fd >= 0) {
		struct vfu_header header;
		int ready = send_reply(client);

		if (ready > 0 && answered == BUDGET)
			break;
		if (ready > 0 && !client->leaving)
			ready = receive(client, &header);
		if (ready < 0 || client->leaving) {
			drop_client(server);
			break;
		}
		if (ready == 0)
			break;
		answer(server, &header);
		answered++;
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
	if (newcomers && answered < BUDGET)
		accept_clients(server);
	return answered;
}

/* Return: 0 if a socket may be created there, after removing one that nobody listens to. */
static int clear_path(const struct sockaddr_un *address)
{
	struct stat file;

	if (lstat(address->sun_path, &file) < 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST; /* somebody's file: not ours to remove */

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
	struct epoll_event event = { .events = EPOLLIN };
	struct stat file;

	if (strlen(server->path) >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	strcpy(address.sun_path, server->path);
	int err = clear_path(&address);

	if (err)
		return err;

	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	event.data.fd = server->listener;
	if (server->epoll < 0 || server->listener < 0 ||
	    epoll_ctl(server->epoll, EPOLL_CTL_ADD, server->listener, &event) < 0 ||
	    bind(server->listener, (struct sockaddr *)&address, sizeof(address)) < 0)
		return -errno;
	if (lstat(server->path, &file) == 0) {
		server->device = file.st_dev;
		server->inode = file.st_ino;
	}
	return listen(server->listener, BACKLOG) < 0 ? -errno : 0;
}

int vfu_listen(struct vfu_server **server, const char *path, struct nic *nic, bool trap)
{
	struct vfu_server *new = calloc(1, sizeof(*new));

	if (!new)
		return -ENOMEM;
	new->nic = nic;
	new->trap = trap;
	new->listener = new->epoll = new->client.fd = -1;
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
