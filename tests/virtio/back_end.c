/* SPDX-License-Identifier: BSD-2-Clause */
/* A vhost-user back end for tests: sockets and messages. See back_end.h. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "back_end.h"

#define MAX_FDS	 16
#define REPLY	 0x5 /* flags: version 1, a reply */
#define NEED_ACK 0x8
#define NO_FILE	 0x100

struct region {
	uint64_t guest, size, user, offset;
};

struct message {
	int fds[MAX_FDS];
	uint32_t fd_count;
	_Alignas(8) uint32_t unused;   /* so that the payload is aligned, too */
	uint32_t request, flags, size; /* from here on it is as on the wire */
	union {
		uint8_t bytes[4096];
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t count, padding;
			struct region regions[8];
		} table;
		struct {
			uint64_t padding;
			struct region region;
		} one;
		struct {
			uint32_t offset, size, flags;
			uint8_t data[256];
		} config;
	} payload;
};

#define HEADER 12

/* ---- The socket ---- */

/* Under the lock all the time but while waiting. */
static bool wait_readable(struct back_end *back, int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };

	pthread_mutex_unlock(&back->lock);
	while (!back->stop && poll(&poll_fd, 1, 10) <= 0)
		;
	pthread_mutex_lock(&back->lock);
	return !back->stop;
}

static bool receive(struct back_end *back, struct message *m)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))];
	struct iovec part = { &m->request, HEADER };
	struct msghdr msg = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};

	memset(m, 0, sizeof(*m));
	if (!wait_readable(back, back->fd) ||
	    recvmsg(back->fd, &msg, MSG_WAITALL | MSG_CMSG_CLOEXEC) != HEADER)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		m->fd_count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(m->fds, CMSG_DATA(c), m->fd_count * sizeof(int));
	}
	return m->size <= sizeof(m->payload) &&
	       (!m->size || recv(back->fd, &m->payload, m->size, MSG_WAITALL) == (ssize_t)m->size);
}

static void transmit(int fd, const void *data, size_t size, const int *fds, uint32_t fd_count)
{
	char control[CMSG_SPACE(MAX_FDS * sizeof(int))] = { 0 };
	struct iovec part = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd_count) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(fd_count * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(fd_count * sizeof(int));
		memcpy(CMSG_DATA(c), fds, fd_count * sizeof(int));
	}
	if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
		return; /* the front end has had enough */
}

/* ---- What messages mean ---- */

static int take_file(struct message *m)
{
	return m->fd_count ? m->fds[--m->fd_count] : -1;
}

static void drop_memory(struct back_end *back, uint32_t i)
{
	munmap(back->memory[i].map, back->memory[i].map_size);
	back->memory[i] = back->memory[--back->memory_count];
}

static bool add_memory(struct back_end *back, const struct region *r, int fd)
{
	struct back_end_memory *memory = &back->memory[back->memory_count];
	const size_t size = r->offset + r->size;

	if (back->memory_count == MAX_MEMORY || fd < 0)
		return false;
	void *map = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	if (map == MAP_FAILED)
		return false;
	*memory = (struct back_end_memory){ r->guest, r->user, r->size, (uint8_t *)map + r->offset,
					    map,      size };
	back->memory_count++;
	return true;
}

static bool set_table(struct back_end *back, struct message *m)
{
	bool good = m->payload.table.count <= 8 && m->fd_count == m->payload.table.count &&
		    m->size == 8 + m->fd_count * sizeof(struct region);

	while (good && back->memory_count)
		drop_memory(back, 0);
	m->fd_count = good ? 0 : m->fd_count;
	for (uint32_t i = 0; good && i < m->payload.table.count; i++)
		good = add_memory(back, &m->payload.table.regions[i], m->fds[i]);
	return good;
}

static bool remove_memory(struct back_end *back, const struct region *r)
{
	for (uint32_t i = 0; i < back->memory_count; i++)
		if (back->memory[i].iova == r->guest && back->memory[i].user == r->user &&
		    back->memory[i].size == r->size) {
			drop_memory(back, i);
			return true;
		}
	return false;
}

static void set_file(int *at, struct message *m)
{
	if (*at >= 0)
		close(*at);
	*at = take_file(m);
}

static void stop_ring(struct back_end_ring *ring)
{
	if (ring->kick >= 0)
		close(ring->kick);
	if (ring->call >= 0)
		close(ring->call);
	if (ring->err >= 0)
		close(ring->err);
	*ring = (struct back_end_ring){ .kick = -1, .call = -1, .err = -1 };
}

/* Do it, and make a fair answer. Return: the size of its payload; 0: there is none; -1: refused. */
static int answer(struct back_end *back, struct message *m)
{
	struct back_end_ring *ring = &back->rings[m->payload.state.index % RINGS];

	switch (m->request) {
	case GET_FEATURES:
		m->payload.u64 = back->features;
		return 8;
	case SET_FEATURES:
		back->agreed = m->payload.u64;
		return back->agreed & ~back->features ? -1 : 0;
	case SET_OWNER:
		back->owned = true;
		return 0;
	case SET_MEM_TABLE:
		return set_table(back, m) ? 0 : -1;
	case SET_VRING_NUM:
		ring->num = m->payload.state.num;
		return 0;
	case SET_VRING_ADDR:
		ring->addr = m->payload.addr;
		return 0;
	case SET_VRING_BASE:
		ring->base = m->payload.state.num;
		return 0;
	case GET_VRING_BASE:
		m->payload.state.num = ring->base;
		stop_ring(ring);
		return sizeof(m->payload.state);
	case SET_VRING_KICK:
		set_file(&ring->kick, m);
		ring->started = true;
		ring->enabled |= !(back->agreed & F_PROTOCOL);
		return 0;
	case SET_VRING_CALL:
		set_file(&ring->call, m);
		ring->call_set = true;
		return 0;
	case SET_VRING_ERR:
		set_file(&ring->err, m);
		return 0;
	case GET_PROTOCOL_FEATURES:
		m->payload.u64 = back->protocol;
		return 8;
	case SET_PROTOCOL_FEATURES:
		back->agreed_protocol = m->payload.u64;
		return 0;
	case GET_QUEUE_NUM:
		m->payload.u64 = back->pairs;
		return 8;
	case SET_VRING_ENABLE:
		ring->enabled = m->payload.state.num;
		return 0;
	case GET_CONFIG:
		if (m->payload.config.offset + m->payload.config.size > sizeof(back->config))
			return -1;
		memcpy(m->payload.config.data, (uint8_t *)&back->config + m->payload.config.offset,
		       m->payload.config.size);
		return HEADER + m->payload.config.size;
	case GET_MAX_MEM_SLOTS:
		m->payload.u64 = back->slots;
		return 8;
	case ADD_MEM_REG:
		return add_memory(back, &m->payload.one.region, take_file(m)) ? 0 : -1;
	case REM_MEM_REG:
		return remove_memory(back, &m->payload.one.region) ? 0 : -1;
	case SET_STATUS:
		back->status = m->payload.u64;
		return 0;
	default:
		back->unknown++;
		return -1;
	}
}

/* ---- Faults ---- */

/* The answer is ready. Return: go on with this front end? */
static bool misbehave(struct back_end *back, struct message *m)
{
	const size_t size = HEADER + m->size;
	int files[MAX_FDS];

	switch (atomic_load(&back->fault)) {
	case HANG_UP:
		return false;
	case ANSWER_AND_GO:
		transmit(back->fd, &m->request, size, NULL, 0);
		return false;
	case HALF_AN_ANSWER:
		transmit(back->fd, &m->request, size / 2, NULL, 0);
		return false;
	case ONE_BY_ONE:
		for (size_t i = 0; i < size; i++)
			transmit(back->fd, (uint8_t *)&m->request + i, 1, NULL, 0);
		return true;
	case WRONG_REQUEST:
		m->request++;
		break;
	case WRONG_VERSION:
		m->flags = 0x6;
		break;
	case NO_REPLY_FLAG:
		m->flags = 0x1;
		break;
	case TOO_SHORT:
		m->size--;
		break;
	case TOO_LONG:
		m->size++;
		break;
	case HUGE_SIZE:
		m->size = UINT32_MAX;
		break;
	case GARBAGE:
		memset(&m->request, 0xa5, size);
		break;
	case REFUSE:
		m->payload.u64 = 1;
		break;
	case MANY_FILES:
		for (int i = 0; i < MAX_FDS; i++)
			files[i] = STDERR_FILENO;
		transmit(back->fd, &m->request, size, files, MAX_FDS);
		return true;
	case SAY_MORE:
		transmit(back->fd, &m->request, size, NULL, 0);
		break;
	case SILENT:
		return true;
	}
	transmit(back->fd, &m->request, size, NULL, 0);
	return true;
}

/* Return: go on with this front end? */
static bool serve_message(struct back_end *back)
{
	static struct message m;

	if (!receive(back, &m))
		return false;
	if (m.request < MESSAGES)
		back->seen[m.request]++;
	back->order[back->count++ % 4096] = m.request;
	int size = answer(back, &m);
	const bool ack = m.flags & NEED_ACK && size <= 0, wrong = back->at == (int)m.request;

	while (m.fd_count)
		close(m.fds[--m.fd_count]);
	if (ack) {
		m.payload.u64 = size < 0;
		size = 8;
	}
	m.flags = REPLY;
	m.size = size < 0 ? 0 : size;
	if (wrong && back->fault)
		return (ack || size > 0 || back->fault == HANG_UP) ? misbehave(back, &m) : true;
	if (size < 0 && m.request != GET_CONFIG)
		return false; /* that is how back ends refuse what they need not acknowledge */
	if (size)
		transmit(back->fd, &m.request, HEADER + m.size, NULL, 0);
	return true;
}

static void forget(struct back_end *back)
{
	while (back->memory_count)
		drop_memory(back, 0);
	for (uint32_t i = 0; i < RINGS; i++)
		stop_ring(&back->rings[i]);
	back->agreed = back->agreed_protocol = back->status = 0;
	back->owned = back->connected = false;
}

static void *serve(void *argument)
{
	struct back_end *back = argument;

	pthread_mutex_lock(&back->lock);
	while (wait_readable(back, back->listener)) {
		back->fd = accept4(back->listener, NULL, NULL, SOCK_CLOEXEC);
		back->connected = true;
		back->connections++;
		memset(back->seen, 0, sizeof(back->seen));
		back->count = 0;
		pthread_cond_broadcast(&back->changed);
		while (serve_message(back))
			pthread_cond_broadcast(&back->changed);
		forget(back); /* before the front end learns of it */
		close(back->fd);
		back->fd = -1;
		pthread_cond_broadcast(&back->changed);
	}
	pthread_mutex_unlock(&back->lock);
	return NULL;
}

void back_end_start(struct back_end *back)
{
	static int number;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	if (!*back->path)
		snprintf(back->path, sizeof(back->path), "/tmp/ixy-back-end.%d.%d.sock", getpid(),
			 number++);
	strcpy(address.sun_path, back->path);
	unlink(back->path);
	pthread_mutexattr_t recursive;
	pthread_mutexattr_init(&recursive);
	pthread_mutexattr_settype(&recursive, PTHREAD_MUTEX_RECURSIVE);
	pthread_mutex_init(&back->lock, &recursive);
	pthread_cond_init(&back->changed, NULL);
	for (uint32_t i = 0; i < RINGS; i++)
		back->rings[i] = (struct back_end_ring){ .kick = -1, .call = -1, .err = -1 };
	back->fd = -1;
	back->stop = false;
	back->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(back->listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(back->listener, 8) || pthread_create(&back->thread, NULL, serve, back)) {
		perror("back end");
		exit(1);
	}
}

void back_end_stop(struct back_end *back)
{
	back->stop = true;
	pthread_join(back->thread, NULL);
	close(back->listener);
	unlink(back->path);
	pthread_mutex_destroy(&back->lock);
	pthread_cond_destroy(&back->changed);
}

void back_end_hang_up(struct back_end *back)
{
	pthread_mutex_lock(&back->lock);
	if (back->fd >= 0) {
		shutdown(back->fd, SHUT_RDWR);
		forget(back); /* from here on, what the front end tells of is lost */
	}
	while (back->fd >= 0)
		pthread_cond_wait(&back->changed, &back->lock);
	pthread_mutex_unlock(&back->lock);
}

void *back_end_memory(struct back_end *back, uint64_t iova, uint64_t size)
{
	for (uint32_t i = 0; i < back->memory_count; i++) {
		const struct back_end_memory *m = &back->memory[i];
		if (iova >= m->iova && iova - m->iova < m->size &&
		    size <= m->size - (iova - m->iova))
			return m->virt + (iova - m->iova);
	}
	return NULL;
}
