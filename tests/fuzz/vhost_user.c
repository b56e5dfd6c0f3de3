/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vhost-user front end, and the virtio-net driver on it, with a hostile back end: answers of any
 * content, length and number of files, silence and hang-ups, and anything in rings and packets. The back
 * end is in the same thread: it reads and answers when the front end waits for it.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <ixy/control.h>
#include <ixy/event.h>
#include <ixy/interrupt.h>
#include <ixy/pkt_buf.h>

#include "src/vfio/internal.h"
#include "src/vfio/socket/vhost_user.h"
#include "src/virtio/virtio.h"

#include "clock.h"
#include "take.h"

#define REPLY	   5 /* flags: version 1, a reply */
#define NEED_REPLY 8
#define CALLS_MAX  300
#define POOL	   64

static char folder[] = "/tmp/ixy-fuzz-XXXXXX", path[64];
static int listener = -1, back = -1;
static uint64_t features;

static void forget_folder(void)
{
	unlink(path);
	rmdir(folder);
}

static void listen_once(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	must(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/socket", folder);
	strcpy(address.sun_path, path);
	atexit(forget_folder);
	listener = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	must(listener >= 0 && !bind(listener, (struct sockaddr *)&address, sizeof(address)) &&
	     !listen(listener, 16));
}

/* ---- The back end ---- */

static void hang_up(void)
{
	if (back >= 0)
		close(back);
	back = -1;
}

/* All that has come; files are closed. Return: bytes. */
static size_t read_all(uint8_t *to, size_t room)
{
	char control[CMSG_SPACE(16 * sizeof(int))];
	size_t size = 0;

	for (;;) {
		struct iovec part = { to + size, room - size };
		struct msghdr msg = { .msg_iov = &part,
				      .msg_iovlen = 1,
				      .msg_control = control,
				      .msg_controllen = sizeof(control) };
		const ssize_t got = recvmsg(back, &msg, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);

		if (got <= 0)
			return size;
		for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c))
			for (size_t i = 0; i < (c->cmsg_len - CMSG_LEN(0)) / sizeof(int); i++) {
				int fd;
				memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
				close(fd);
			}
		size += (size_t)got;
	}
}

static void write_with_files(const void *data, size_t size, uint32_t files)
{
	char control[CMSG_SPACE(16 * sizeof(int))] = { 0 };
	struct iovec part = { (void *)data, size };
	struct msghdr msg = { .msg_iov = &part, .msg_iovlen = 1 };

	if (files) {
		msg.msg_control = control;
		msg.msg_controllen = CMSG_SPACE(files * sizeof(int));
		struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(files * sizeof(int));
		for (uint32_t i = 0; i < files; i++)
			memcpy(CMSG_DATA(c) + i * sizeof(int), &listener, sizeof(int));
	}
	sendmsg(back, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* The right answer's payload. Return: its size; 0: there is none. */
static uint32_t right(uint32_t request, uint32_t flags, const uint8_t *payload, uint8_t *answer)
{
	const struct virtio_net_config config = { .max_virtqueue_pairs = 4, .mtu = 1500 };
	uint64_t value = 0;

	switch (request) {
	case VHOST_USER_GET_FEATURES:
		value = features | 1ull << VHOST_USER_F_PROTOCOL_FEATURES;
		break;
	case VHOST_USER_GET_PROTOCOL_FEATURES:
		value = features >> 32 & 1 ? UINT64_MAX : 0x10209;
		break;
	case VHOST_USER_GET_QUEUE_NUM:
		value = 4;
		break;
	case VHOST_USER_GET_MAX_MEM_SLOTS:
		value = 32;
		break;
	case VHOST_USER_GET_VRING_BASE:
		memcpy(answer, payload, 8);
		return 8;
	case VHOST_USER_GET_CONFIG:
		memcpy(answer, payload, sizeof(struct vhost_user_config));
		memcpy(answer + 12, &config, sizeof(config));
		return sizeof(struct vhost_user_config);
	default:
		if (!(flags & NEED_REPLY))
			return 0;
	}
	memcpy(answer, &value, sizeof(value));
	return sizeof(value);
}

static void answer_one(uint32_t request, uint32_t flags, const uint8_t *payload)
{
	struct {
		uint32_t request, flags, size;
		uint8_t payload[1024];
	} answer = { request, REPLY, 0, { 0 } };
	uint32_t size, files = 0;

	answer.size = size = right(request, flags, payload, answer.payload);
	const uint8_t how = take8();
	if (how < 0xC0 && !size)
		return;
	switch (how < 0xC0 ? 0 : how & 15) {
	case 1 ... 5: /* another content */
		take_bytes(answer.payload, size < 300 ? size : 300);
		break;
	case 6:
		take_bytes(&answer, 12);
		break;
	case 7:
		answer.size = take32();
		break;
	case 8:
		size = answer.size = take16() % 512;
		take_bytes(answer.payload, size);
		break;
	case 9:
		hang_up();
		return;
	case 10:
		return; /* silence */
	case 11:
		files = 1 + take8() % 16;
		break;
	case 12: /* half of it */
		size /= 2;
		break;
	case 13: /* and more */
		size += take8();
		break;
	case 14: /* and good bye */
		write_with_files(&answer, 12 + size, 0);
		hang_up();
		return;
	}
	write_with_files(&answer, 12 + size, files);
}

static void serve(void)
{
	static uint8_t bytes[65536];

	if (back < 0)
		back = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (back < 0)
		return;
	const size_t size = read_all(bytes, sizeof(bytes) - 1024);
	for (size_t at = 0; at + 12 <= size;) {
		uint32_t header[3];
		memcpy(header, bytes + at, sizeof(header));
		answer_one(header[0], header[1], bytes + at + 12);
		if (back < 0)
			return;
		at += 12 + header[2];
	}
}

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout);
int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	(void)timeout; /* of this thread: nothing comes later */
	serve();
	return __real_poll(fds, count, 0);
}

/* ---- What it does to memory ---- */

/* Used buffers, mostly nearly right. */
static void give_back(struct virtio_device *dev)
{
	struct virtio_queue *q = &dev->queues[take8() % (dev->end - dev->queues)];
	const uint8_t how = take8();
	const uint32_t length = how & 1 ? take32() : 12 + take8();
	uint16_t buffers = how & 2 ? take16() : 1;

	for (uint32_t n = 1 + how / 8; n--;) {
		const uint32_t id = how & 4 ? take16() : take8() % q->size;
		if (id < q->size && q->bufs[id] && q->pool)
			memcpy(virtio_frame(q->bufs[id]) - 2, &buffers, 2);
		if (dev->ring == &virtio_packed) {
			struct vring_packed_desc *desc = &q->packed[(q->next + n) % q->size];
			const bool wrap = q->next + n >= q->size ? !q->wrap : q->wrap;
			desc->id = (uint16_t)id;
			desc->len = length;
			desc->flags = wrap ? 1 << VRING_PACKED_DESC_F_AVAIL |
						      1 << VRING_PACKED_DESC_F_USED
					   : 0;
		} else {
			struct vring_used_elem *used =
				&q->used_ring->ring[q->used_ring->idx % q->size];
			used->id = id;
			used->len = length;
			q->used_ring->idx++;
		}
	}
}

static void scribble(struct virtio_device *dev)
{
	const uint32_t at = take32() % (uint32_t)dev->rings.size, size = 1 + take8() % 32;

	take_bytes((uint8_t *)dev->rings.virt + at,
		   size < dev->rings.size - at ? size : dev->rings.size - at);
}

/* ---- The application ---- */

static void receive(struct ixy_device *dev)
{
	const uint16_t queue = take8() % dev->config.rx_queues;
	struct pkt_buf *bufs[128];
	const uint32_t n = ixy_rx_batch(dev, queue, bufs, take8() % 129);

	for (uint32_t i = 0; i < n; i++) {
		must(bufs[i]->size > 0 && bufs[i]->size <= pkt_buf_room(bufs[i]));
		memset(bufs[i]->data, 0xEE, bufs[i]->size);
	}
	const uint32_t sent = take8() % 2 ? ixy_tx_batch(dev, queue, bufs, n) : 0;
	pkt_buf_free_batch(bufs + sent, n - sent);
}

static void transmit(struct ixy_device *dev, struct mempool *pool)
{
	const uint16_t queue = take8() % dev->config.tx_queues;
	struct pkt_buf *bufs[64];
	const uint32_t n = pkt_buf_alloc_batch(pool, bufs, take8() % 65);

	for (uint32_t i = 0; i < n; i++)
		bufs[i]->size = i % 4 ? 60 : take16() % 2048;
	const uint32_t sent = ixy_tx_batch(dev, queue, bufs, n);
	must(sent <= n);
	pkt_buf_free_batch(bufs + sent, n - sent);
}

static void use(struct ixy_device *dev, struct mempool *pool)
{
	static const uint8_t mac[6] = { 2, 0, 0, 0, 0, 1 };
	struct ixy_watch watch = { 0 };
	struct ixy_interrupts in;
	struct ixy_stats stats;
	struct ixy_event event;
	bool on = false;

	for (int call = 0; input.left && call < CALLS_MAX; call++) {
		switch (take8() % 16) {
		case 0 ... 3:
			give_back((struct virtio_device *)dev);
			break;
		case 4:
			scribble((struct virtio_device *)dev);
			break;
		case 5 ... 7:
			receive(dev);
			break;
		case 8 ... 9:
			transmit(dev, pool);
			break;
		case 10 ... 11:
			serve();
			if (ixy_next_event(dev, &watch, &event))
				must(strlen(event.text) < sizeof(event.text));
			break;
		case 12:
			ixy_read_stats(dev, &stats);
			ixy_link_speed(dev);
			break;
		case 13:
			if (take8() & 1)
				ixy_set_promiscuous(dev, true);
			else
				ixy_set_mac(dev, mac);
			break;
		case 14:
			if (take8() & 1)
				hang_up();
			else if (!on)
				on = !ixy_interrupts_on(&in, dev, NULL);
			break;
		case 15:
			if (on)
				ixy_wait(&(struct ixy_wait){ &in, 0, 0, true }, 1, 0);
			break;
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct ixy_device *dev;
	struct mempool *pool;
	char address[80];

	ixy_log_to(drop_line, NULL);
	if (listener < 0)
		listen_once();
	input = (struct input){ data, size };
	const int files = open_descriptors();
	const uint8_t how = take8();
	const uint64_t masks[] = { 1ull << VIRTIO_F_VERSION_1,	    1ull << VIRTIO_F_RING_PACKED,
				   1ull << VIRTIO_RING_F_EVENT_IDX, 1ull << VIRTIO_F_IN_ORDER,
				   1ull << VIRTIO_NET_F_MRG_RXBUF,  1ull << VIRTIO_NET_F_CTRL_VQ };
	features = how & 128 ? take64() : 1ull << VIRTIO_NET_F_MQ;
	for (size_t i = 0; i < sizeof(masks) / sizeof(*masks); i++)
		features |= how >> i & 1 ? masks[i] : 0;
	const struct ixy_config config = { .rx_queues = 1 + (how >> 6 & 1),
					   .rx_ring = 64,
					   .tx_ring = 64,
					   .buffers = 128,
					   .mtu = features & 1ull << VIRTIO_NET_F_MRG_RXBUF ? 4000
											    : 0 };

	snprintf(address, sizeof(address), "vhost-user:%s", path);
	must(!mempool_create(&pool, POOL, 2048));
	if (!ixy_open(&dev, address, &config)) {
		use(dev, pool);
		ixy_close(dev);
	}
	hang_up();
	while ((back = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0)
		hang_up();
	must(mempool_free_count(pool) == POOL);
	mempool_destroy(pool);
	/* What it refused to give up is not used again while it may write there (dma.c). */
	while (dma_maps)
		vfio_dma_free(&(struct dma_memory){ .virt = dma_maps->mem.virt });
	must(open_descriptors() == files);
	return 0;
}
