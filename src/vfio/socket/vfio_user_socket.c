/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages to a vfio-user server and back. */
#include <errno.h>

#include "vfio_user.h"

#define TIMEOUT_MS 10000

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

/* More requests while we wait for a reply, or longer messages, end the connection. */
#define MAX_QUESTIONS 64
#define MAX_MESSAGE   (2 << 20)

/* What comes behind the part of a message that is of use. */
static int skip_bytes(struct user_socket *conn, size_t left, int64_t deadline)
{
	char skipped[4096];
	int err = 0;

	for (size_t size; left && !err; left -= size) {
		size = left < sizeof(skipped) ? left : sizeof(skipped);
		err = peer_receive(&conn->peer, skipped, size, NULL, deadline);
	}
	return err;
}

/* The server may ask for DMA by message; we gave it the memory instead. */
static int refuse_question(struct user_socket *conn, struct header *question, int64_t deadline)
{
	struct header reply = {
		.id = question->id,
		.command = question->command,
		.size = sizeof(reply),
		.flags = FLAGS_REPLY | FLAGS_ERROR,
		.error = ENOTSUP,
	};
	struct iovec part = { .iov_base = &reply, .iov_len = sizeof(reply) };
	int err = skip_bytes(conn, question->size - sizeof(*question), deadline);

	if (err)
		return err;
	return question->flags & FLAGS_NO_REPLY
		       ? 0
		       : peer_send(&conn->peer, &part, 1, NULL, 0, deadline);
}

static int receive_user_reply(struct user_socket *conn, struct user_request *request,
			      int64_t deadline)
{
	struct header header;

	for (int questions = 0;; questions++) {
		int err = peer_receive(&conn->peer, &header, sizeof(header), request->reply_fd,
				       deadline);
		if (err)
			return err;
		if (header.size < sizeof(header) || header.size > MAX_MESSAGE ||
		    questions > MAX_QUESTIONS)
			return peer_lose(&conn->peer, EPROTO,
					 "what the server says is not vfio-user");
		if ((header.flags & FLAGS_TYPE) != FLAGS_COMMAND)
			break;
		err = refuse_question(conn, &header, deadline);
		if (err)
			return err;
	}

	size_t size = header.size - sizeof(header);
	if ((header.flags & FLAGS_TYPE) != FLAGS_REPLY || header.id != conn->last_id ||
	    header.command != request->command)
		return peer_lose(&conn->peer, EPROTO, "unexpected reply from the server");
	const bool refused = header.flags & FLAGS_ERROR;
	if (!refused && size < request->reply_min)
		return peer_lose(&conn->peer, EPROTO,
				 "the server's answer to command %u has %zu bytes",
				 request->command, size);
	/* An error should be nothing but a header, but libvfio-user adds what it has. */
	const size_t wanted = refused ? 0 : size < request->reply_max ? size : request->reply_max;
	int err = peer_receive(&conn->peer, request->reply, wanted, request->reply_fd, deadline)
			  ?: skip_bytes(conn, size - wanted, deadline);
	if (err || !refused)
		return err;
	return header.error && header.error < 4096 ? -(int)header.error : -EIO;
}

int vfio_user_call(struct user_socket *conn, struct user_request *request)
{
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

	pthread_mutex_lock(&conn->peer.lock);
	if (!conn->peer.lost) {
		int64_t deadline = peer_deadline(TIMEOUT_MS);
		header.id = ++conn->last_id;
		err = peer_send(&conn->peer, parts, 3, request->fds, request->fd_count, deadline);
		if (!err && !request->posted)
			err = receive_user_reply(conn, request, deadline);
	}
	pthread_mutex_unlock(&conn->peer.lock);
	return err;
}
