/* SPDX-License-Identifier: BSD-2-Clause */
/* The control queue (5.1.6.5). */
#include <time.h>

#include "virtio.h"

#define COMMAND_DATA_MAX 64
#define DEADLINE_NS	 1000000000ull

/* In the first page of the rings' memory. */
struct command {
	struct virtio_net_ctrl_hdr header;
	uint8_t data[COMMAND_DATA_MAX];
	uint8_t ack;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ull + t.tv_nsec;
}

int virtio_command(struct virtio_device *dev, uint8_t class, uint8_t command, const void *data,
		   size_t size)
{
	const uint64_t iova = dev->rings.iova, deadline = now_ns() + DEADLINE_NS;
	struct command *c = dev->rings.virt;
	struct virtio_queue *q = dev->control;

	if (!q || size > COMMAND_DATA_MAX)
		return -ENOTSUP;
	if (q->broken)
		return ixy_fail(ETIMEDOUT, "%s: the device no longer answers commands",
				vfio_address(dev->ixy.vfio));
	c->header = (struct virtio_net_ctrl_hdr){ class, command };
	memcpy(c->data, data, size);
	c->ack = VIRTIO_NET_ERR;
	dev->ring->command(
		dev, (struct virtio_segment[]){ { iova, sizeof(c->header) },
						{ iova + offsetof(struct command, data), size },
						{ iova + offsetof(struct command, ack), 1 } });
	while (!dev->ring->waiting(q)) {
		if (now_ns() > deadline)
			virtio_write(q->broken, true);
		if (q->broken)
			return ixy_fail(ETIMEDOUT, "%s: the device does not answer command %u.%u",
					vfio_address(dev->ixy.vfio), class, command);
		ixy_sleep_us(10);
	}
	dev->ring->command_done(q);
	return virtio_read(c->ack) == VIRTIO_NET_OK ? 0 : -ENOTSUP;
}
