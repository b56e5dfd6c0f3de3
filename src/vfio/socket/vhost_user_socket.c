/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to a vhost-user back end and back. */
#include <errno.h>
#include <poll.h>

#include <sys/socket.h>

#include "vhost_user.h"

#define TIMEOUT_MS  10000
#define PATIENCE_MS 60000 /* for the first answer: Open vSwitch with DPDK may take 20 s */
#define RETRY_MS    500	  /* a caller that reconnects has other work to do */

struct header {
	uint32_t request, flags;
	uint32_t size; /* of the payload */
};

#define FLAGS_VERSION	 0x1
#define FLAGS_REPLY	 0x4
#define FLAGS_NEED_REPLY 0x8

static int receive_vhost_reply(struct peer *peer, const struct vhost_user_message *message,
			       void *reply, uint32_t size, int64_t deadline)
{
	struct header header;
	int err = peer_receive(peer, &header, sizeof(header), NULL, deadline);

	if (err)
		return err;
	if (header.request != message->request ||
	    (header.flags & ~FLAGS_NEED_REPLY) != (FLAGS_VERSION | FLAGS_REPLY))
		return peer_lose(peer, EPROTO, "unexpected reply from the back end");
	if (!header.size && message->request == VHOST_USER_GET_CONFIG)
		return -EIO;
	if (header.size != size)
		return peer_lose(peer, EPROTO,
				 "the back end's answer to request %u has %u bytes, not %u",
				 message->request, header.size, size);
	return peer_receive(peer, reply, size, NULL, deadline);
}

int vhost_user_send(struct peer *peer, const struct vhost_user_message *message)
{
	struct header header = {
		.request = message->request,
		.flags = FLAGS_VERSION | (message->ack ? FLAGS_NEED_REPLY : 0),
		.size = message->size,
	};
	struct iovec parts[] = {
		{ &header, sizeof(header) },
		{ (void *)message->payload, message->size },
	};
	uint64_t refused = 0;
	int err = -ENOTCONN;

	pthread_mutex_lock(&peer->lock);
	if (!peer->lost) {
		const int64_t deadline = peer_deadline(TIMEOUT_MS);
		err = peer_send(peer, parts, 2, message->fds, message->fd_count, deadline);
		if (!err && message->reply)
			err = receive_vhost_reply(peer, message, message->reply,
						  message->reply_size, deadline);
		else if (!err && message->ack)
			err = receive_vhost_reply(peer, message, &refused, sizeof(refused),
						  deadline);
	}
	pthread_mutex_unlock(&peer->lock);
	return err ? err : refused ? -EIO : 0;
}

int vhost_user_greet(struct peer *peer, bool *asked, uint64_t *features)
{
	const struct vhost_user_message message = { .request = VHOST_USER_GET_FEATURES };
	struct header header = { .request = VHOST_USER_GET_FEATURES, .flags = FLAGS_VERSION };
	struct iovec part = { &header, sizeof(header) };
	struct pollfd answer = { .fd = peer->fd, .events = POLLIN };
	int err = 0;

	pthread_mutex_lock(&peer->lock);
	if (!*asked)
		err = peer_send(peer, &part, 1, NULL, 0, peer_deadline(TIMEOUT_MS));
	*asked = !err;
	if (!err && peer->quiet && poll(&answer, 1, RETRY_MS) <= 0) {
		err = -EAGAIN;
	} else if (!err) {
		*asked = false;
		err = receive_vhost_reply(peer, &message, features, sizeof(*features),
					  peer_deadline(PATIENCE_MS));
	}
	/* Until it has answered, the connection is for this question only. */
	peer->lost = err;
	pthread_mutex_unlock(&peer->lock);
	return err;
}

int vhost_user_check(struct peer *peer)
{
	int err = -ENOTCONN;
	char byte;

	pthread_mutex_lock(&peer->lock);
	if (!peer->lost) {
		ssize_t got = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
		if (got > 0)
			err = peer_lose(peer, EPROTO, "unexpected message from the back end");
		else if (got < 0 && (errno == EAGAIN || errno == EINTR))
			err = 0;
		else
			err = peer_lose(peer, ENOTCONN, "the back end has disconnected");
	}
	pthread_mutex_unlock(&peer->lock);
	return err;
}
