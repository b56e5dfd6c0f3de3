/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices that a vhost-user back end emulates: ../vfio/socket/vhost_user.c has the messages. The back end
 * has rings and features. The rest of a device, which back ends leave to a hypervisor, is provided
 * here. There is no control queue: the back end decides which packets arrive.
 */
#include <linux/vhost.h>

#include <sys/eventfd.h>

#include <ixy/vfio_pci.h>

#include "virtio.h"

#define CONFIG_MAX 64

/* Beyond what a back end can do, even if it offers it: the hypervisor would serve the control queue,
 * and translate addresses. */
#define NOT_HERE                                                                                   \
	(virtio_bit(VIRTIO_NET_F_CTRL_VQ) | virtio_bit(VIRTIO_NET_F_CTRL_RX) |                     \
	 virtio_bit(VIRTIO_NET_F_CTRL_MAC_ADDR) | virtio_bit(VIRTIO_F_ACCESS_PLATFORM))

/* Told by the device configuration, which some back ends have. */
#define IN_CONFIG                                                                                  \
	(virtio_bit(VIRTIO_NET_F_STATUS) | virtio_bit(VIRTIO_NET_F_MTU) |                          \
	 virtio_bit(VIRTIO_NET_F_SPEED_DUPLEX))

/* What the back end offers; queues that it has. */
struct vhost {
	uint64_t offered;
	uint32_t queues;
	bool has_config;
};

static struct vhost *vhost(const struct virtio_device *dev)
{
	return dev->transport_data;
}

static int call(const struct virtio_device *dev, unsigned long request, void *argument)
{
	return vfio_call(dev->ixy.vfio, request, argument);
}

/* The loss of a connection has been explained. */
static int tell_back_end(const struct virtio_device *dev, unsigned long request, void *argument,
			 const char *what)
{
	int err = call(dev, request, argument);

	return err == -EIO ? ixy_fail(EIO, "%s: the back end refuses %s",
				      vfio_address(dev->ixy.vfio), what)
			   : err;
}

static int vhost_transport_open(struct virtio_device *dev)
{
	uint64_t features;
	int err = call(dev, VHOST_GET_FEATURES, &features);

	if (err)
		return err;
	dev->transport_data = calloc(1, sizeof(struct vhost));
	return dev->transport_data
		       ? 0
		       : ixy_fail(ENOMEM, "%s: out of memory", vfio_address(dev->ixy.vfio));
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static void vhost_transport_close(struct virtio_device *dev)
{
	for (struct virtio_queue *q = dev->queues; q < dev->end; q++) {
		close_fd(&q->notify_fd);
		close_fd(&q->irq);
	}
	free(dev->transport_data);
	dev->transport_data = NULL;
}

/* Rings of a back end that has disconnected have stopped. */
static int vhost_reset(struct virtio_device *dev)
{
	int err = tell_back_end(dev, VFIO_DEVICE_RESET, NULL, "to stop the rings");

	return err == -ENOTCONN ? 0 : err;
}

/* ---- Features and configuration ---- */

static int read_back_end(struct virtio_device *dev, uint32_t offset, void *data, size_t size)
{
	union {
		struct vhost_vdpa_config config;
		uint8_t bytes[sizeof(struct vhost_vdpa_config) + CONFIG_MAX];
	} buffer = { .config = { .off = offset, .len = size } };
	int err = size > CONFIG_MAX ? -E2BIG : call(dev, VHOST_VDPA_GET_CONFIG, &buffer);

	if (!err)
		memcpy(data, buffer.config.buf, size);
	return err;
}

static int vhost_get_features(struct virtio_device *dev, uint64_t *features)
{
	struct vhost *v = vhost(dev);
	uint8_t mac[6];
	int err = tell_back_end(dev, VHOST_GET_FEATURES, &v->offered, "to tell its features")
			  ?: tell_back_end(dev, VHOST_VDPA_GET_VQS_COUNT, &v->queues,
					   "to count its queues");

	if (err)
		return err;
	v->has_config = !read_back_end(dev, 0, mac, sizeof(mac));
	*features = (v->offered & ~NOT_HERE) | virtio_bit(VIRTIO_NET_F_MAC);
	if (v->queues <= 2)
		*features &= ~virtio_bit(VIRTIO_NET_F_MQ);
	if (!v->has_config)
		*features &= ~IN_CONFIG;
	return 0;
}

static int vhost_set_features(struct virtio_device *dev, uint64_t features)
{
	features &= vhost(dev)->offered;
	return tell_back_end(dev, VHOST_SET_FEATURES, &features, "the features");
}

/* A MAC address that is the same each time the back end is opened by its name (FNV-1a). */
static void make_mac(const struct virtio_device *dev, uint8_t mac[6])
{
	uint64_t hash = 0xcbf29ce484222325;

	for (const char *c = vfio_address(dev->ixy.vfio); *c; c++)
		hash = (hash ^ (uint8_t)*c) * 0x100000001b3;
	memcpy(mac, &hash, 6);
	mac[0] = (mac[0] & 0xFC) | 2; /* unicast, locally administered */
}

static int vhost_read_config(struct virtio_device *dev, uint32_t offset, void *data, size_t size)
{
	const struct vhost *v = vhost(dev);
	struct virtio_net_config config = { 0 };
	int err = 0;

	if (offset > sizeof(config) || size > sizeof(config) - offset)
		return -EINVAL;
	if (v->has_config)
		err = read_back_end(dev, offset, (uint8_t *)&config + offset, size);
	if (err)
		return err == -EIO
			       ? ixy_fail(EIO, "%s: the back end refuses to tell its configuration",
					  vfio_address(dev->ixy.vfio))
			       : err;
	if (!v->has_config || !(v->offered & virtio_bit(VIRTIO_NET_F_MAC)))
		make_mac(dev, config.mac);
	config.max_virtqueue_pairs = v->queues / 2;
	memcpy(data, (uint8_t *)&config + offset, size);
	return 0;
}

/* ---- Queues ---- */

/* Back ends do not tell; they refuse what is too large. */
static uint32_t vhost_queue_size(struct virtio_device *dev, uint16_t index)
{
	return index < vhost(dev)->queues ? 32768 : 0;
}

static int make_eventfd(const struct virtio_device *dev, int *fd)
{
	if (*fd < 0)
		*fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return *fd < 0 ? ixy_fail(errno, "%s: eventfd: %s", vfio_address(dev->ixy.vfio),
				  strerror(errno))
		       : 0;
}

static int vhost_set_irqs(struct virtio_device *dev)
{
	int err = 0;

	for (uint16_t i = 0; !err && i < dev->pairs; i++)
		err = make_eventfd(dev, &virtio_rx_queue(dev, i)->irq);
	return err;
}

/* The call first and the kick last: some back ends create and start a ring by them. */
static int vhost_start_queue(struct virtio_device *dev, struct virtio_queue *q)
{
	const uint32_t i = q->index;
	struct vhost_vring_addr addr = { .index = i,
					 .desc_user_addr = q->desc_iova,
					 .avail_user_addr = q->driver_iova,
					 .used_user_addr = q->device_iova };
	/* Packed: of both indexes, used and available, bit 15 is the wrap counter. */
	struct vhost_vring_state size = { i, q->size },
				 base = { i, dev->ring == &virtio_packed ? 0x80008000 : 0 };
	int err = make_eventfd(dev, &q->notify_fd);
	struct vhost_vring_file call_file = { i, q->irq }, kick_file = { i, q->notify_fd };

	return err ?:
	       tell_back_end(dev, VHOST_SET_VRING_CALL, &call_file, "a ring's call") ?:
	       tell_back_end(dev, VHOST_SET_VRING_NUM, &size, "a ring of this size") ?:
	       tell_back_end(dev, VHOST_SET_VRING_BASE, &base, "a ring's base") ?:
	       tell_back_end(dev, VHOST_SET_VRING_ADDR, &addr, "a ring's addresses") ?:
	       tell_back_end(dev, VHOST_SET_VRING_KICK, &kick_file, "a ring's kick");
}

static int vhost_start(struct virtio_device *dev)
{
	uint8_t status = VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER |
			 VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK;
	int err = 0;

	for (struct virtio_queue *q = dev->queues; !err && q < dev->end; q++)
		err = tell_back_end(dev, VHOST_VDPA_SET_VRING_ENABLE,
				    &(struct vhost_vring_state){ q->index, 1 }, "to enable a ring");
	return err ?: tell_back_end(dev, VHOST_VDPA_SET_STATUS, &status, "DRIVER_OK");
}

static void vhost_notify(struct virtio_device *dev, struct virtio_queue *q)
{
	(void)dev;
	eventfd_write(q->notify_fd, 1); /* if it is full, the back end has been told often enough */
}

static int vhost_check(struct virtio_device *dev)
{
	uint8_t status;

	return call(dev, VHOST_VDPA_GET_STATUS, &status);
}

static int vhost_reconnect(struct virtio_device *dev)
{
	return call(dev, VHOST_SET_OWNER, NULL);
}

const struct virtio_transport virtio_vhost = {
	.open = vhost_transport_open,
	.close = vhost_transport_close,
	.reset = vhost_reset,
	.get_features = vhost_get_features,
	.set_features = vhost_set_features,
	.read_config = vhost_read_config,
	.queue_size = vhost_queue_size,
	.set_irqs = vhost_set_irqs,
	.start_queue = vhost_start_queue,
	.start = vhost_start,
	.notify = vhost_notify,
	.check = vhost_check,
	.reconnect = vhost_reconnect,
};
