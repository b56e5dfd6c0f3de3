/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vhost-user:PATH[,split]: a virtio-net device that a program emulates, such as a software switch, in
 * shared memory: no virtual machine, no kernel, no PCI. We are the front end, which in QEMU's case
 * is the virtual machine; the program listens at PATH as the back end.
 *
 * The device has the ids of a virtio-net function in config space, and no BARs. Its requests are
 * those of linux/vhost.h, with their structures; addresses in them are I/O addresses:
 *
 * VHOST_SET_OWNER: connect anew, if the connection was lost
 * VHOST_GET_FEATURES, VHOST_SET_FEATURES
 * VHOST_SET_VRING_NUM, _ADDR, _BASE, _KICK, _CALL, _ERR, VHOST_VDPA_SET_VRING_ENABLE
 * VHOST_GET_VRING_BASE: stops the ring
 * VHOST_VDPA_SET_STATUS, VHOST_VDPA_GET_STATUS: the latter tells whether the connection is there,
 *   too, and does not wait for the back end
 * VHOST_VDPA_GET_CONFIG: -ENOTTY if the back end has no device configuration
 * VHOST_VDPA_GET_VQS_COUNT
 * VFIO_DEVICE_RESET: stops all rings
 *
 * All return -ENOTCONN when the connection is lost; the device stays open.
 */
#include <linux/vhost.h>
#include <linux/virtio_ids.h>
#include <linux/virtio_net.h>

#include "../internal.h"
#include "vhost_user.h"

#define VIRTIO_VENDOR 0x1af4 /* virtio 1.2, 4.1.2 */
#define VIRTIO_DEVICE 0x1040

#define bit(n) (1ull << (n))

#define PROTOCOL_FEATURES                                                                          \
	(bit(VHOST_USER_PROTOCOL_F_MQ) | bit(VHOST_USER_PROTOCOL_F_REPLY_ACK) |                    \
	 bit(VHOST_USER_PROTOCOL_F_CONFIG) | bit(VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS) |      \
	 bit(VHOST_USER_PROTOCOL_F_STATUS))

/**
 * struct vhost - one back end: a device, which is alone in its I/O address space
 * @lock:     the memory table, and connecting
 * @without:  features that we do not want to see
 * @protocol: protocol features that both know
 * @has_protocol: VHOST_USER_F_PROTOCOL_FEATURES: it knows of such
 * @pairs:    queue pairs
 * @slots:    memory regions that it can take
 * @maps:     those that it has, @map_count of them, or will have when it is connected again
 * @started:  rings
 * @asked:    connected, but the back end has not answered yet
 */
struct vhost {
	struct vfio_space space;
	struct peer peer;
	pthread_mutex_t lock;
	char *path;
	uint64_t without, protocol;
	bool has_protocol;
	uint8_t status;
	uint64_t pairs, slots;
	const struct dma_map **maps;
	uint32_t map_count;
	bool started[VHOST_USER_VRINGS];
	bool asked;
};

static bool has(const struct vhost *vhost, int protocol_feature)
{
	return vhost->protocol & bit(protocol_feature);
}

/* ---- Messages ---- */

static int vhost_get(struct vhost *vhost, uint32_t request, uint64_t *value)
{
	return vhost_user_send(&vhost->peer,
			       &(struct vhost_user_message){ .request = request,
							     .reply = value,
							     .reply_size = sizeof(*value) });
}

static int vhost_set(struct vhost *vhost, uint32_t request, const void *payload, size_t size)
{
	return vhost_user_send(
		&vhost->peer,
		&(struct vhost_user_message){ .request = request,
					      .payload = payload,
					      .size = size,
					      .ack = has(vhost, VHOST_USER_PROTOCOL_F_REPLY_ACK) });
}

static int set_file(struct vhost *vhost, uint32_t request, const struct vhost_vring_file *file)
{
	const uint64_t number = file->index | (file->fd < 0 ? VHOST_USER_VRING_NOFD : 0);

	return vhost_user_send(
		&vhost->peer,
		&(struct vhost_user_message){ .request = request,
					      .payload = &number,
					      .size = sizeof(number),
					      .fds = &file->fd,
					      .fd_count = file->fd >= 0,
					      .ack = has(vhost, VHOST_USER_PROTOCOL_F_REPLY_ACK) });
}

/* ---- Memory ---- */

static struct vhost_user_region region(const struct dma_map *map)
{
	return (struct vhost_user_region){
		.guest_phys_addr = map->mem.iova,
		.memory_size = map->mem.size,
		.userspace_addr = map->mem.iova,
		.mmap_offset = map->offset,
	};
}

/* Send memory regions, and wait until the back end has them: only then may descriptors use them. */
static int send_memory(struct vhost *vhost, uint32_t request, const void *payload, size_t size,
		       const int *fds, uint32_t fd_count)
{
	const bool ack = has(vhost, VHOST_USER_PROTOCOL_F_REPLY_ACK);
	uint64_t features;
	int err = vhost_user_send(&vhost->peer, &(struct vhost_user_message){ .request = request,
									      .payload = payload,
									      .size = size,
									      .fds = fds,
									      .fd_count = fd_count,
									      .ack = ack });

	return err || ack ? err : vhost_get(vhost, VHOST_USER_GET_FEATURES, &features);
}

static int send_table(struct vhost *vhost)
{
	struct vhost_user_memory memory = { .nregions = vhost->map_count };
	int fds[VHOST_USER_REGIONS];

	for (uint32_t i = 0; i < vhost->map_count; i++) {
		memory.regions[i] = region(vhost->maps[i]);
		fds[i] = vhost->maps[i]->fd;
	}
	const size_t size = (uint8_t *)&memory.regions[vhost->map_count] - (uint8_t *)&memory;
	return send_memory(vhost, VHOST_USER_SET_MEM_TABLE, &memory, size, fds, vhost->map_count);
}

static int send_region(struct vhost *vhost, const struct dma_map *map, bool add)
{
	struct vhost_user_one_region one = { .region = region(map) };

	return send_memory(vhost, add ? VHOST_USER_ADD_MEM_REG : VHOST_USER_REM_MEM_REG, &one,
			   sizeof(one), &map->fd, add);
}

/* After a map was added or taken out. */
static int send_change(struct vhost *vhost, const struct dma_map *map, bool add)
{
	if (has(vhost, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		return send_region(vhost, map, add);
	/* Not every back end takes an empty table. What it keeps is a file that is used for nothing else. */
	return vhost->map_count ? send_table(vhost) : 0;
}

static int send_all_memory(struct vhost *vhost)
{
	int err = 0;

	if (!has(vhost, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		return vhost->map_count ? send_table(vhost) : 0;
	for (uint32_t i = 0; !err && i < vhost->map_count; i++)
		err = send_region(vhost, vhost->maps[i], true);
	return err;
}

static int add_map(struct vhost *vhost, const struct dma_map *map)
{
	if (map->fd < 0)
		return ixy_fail(EOPNOTSUPP,
				"%s: a back end cannot share memory that is not in a file",
				vhost->peer.name);
	if (vhost->map_count >= vhost->slots)
		return ixy_fail(
			ENOSPC,
			"%s: the back end takes %llu memory regions, and there are more: one "
			"for each receive queue and one for each device; use fewer queues or "
			"devices in one program",
			vhost->peer.name, (unsigned long long)vhost->slots);
	const struct dma_map **maps =
		reallocarray(vhost->maps, vhost->map_count + 1, sizeof(*maps));
	if (!maps)
		return ixy_fail(ENOMEM, "%s: out of memory", vhost->peer.name);
	vhost->maps = maps;
	maps[vhost->map_count++] = map;
	return 0;
}

static bool take_map(struct vhost *vhost, const struct dma_map *map)
{
	for (uint32_t i = 0; i < vhost->map_count; i++)
		if (vhost->maps[i] == map) {
			vhost->maps[i] = vhost->maps[--vhost->map_count];
			return true;
		}
	return false;
}

static int vhost_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	struct vhost *vhost = (struct vhost *)space;
	int err = 0;

	pthread_mutex_lock(&vhost->lock);
	if (add)
		err = add_map(vhost, map);
	else if (!take_map(vhost, map))
		err = -ENOENT;
	if (!err) {
		err = send_change(vhost, map, add);
		const bool lost = err && peer_lost(&vhost->peer);
		/* A running device that was lost learns of it when it is connected again. */
		if (lost && (space->users || !add))
			err = 0;
		if (err && !lost)
			ixy_log(IXY_ERROR, "%s: the back end does not %s", vhost->peer.name,
				add ? "take our memory" : "give back our memory");
		if (err && add)
			take_map(vhost, map);
	}
	pthread_mutex_unlock(&vhost->lock);
	return err;
}

/* ---- Connecting ---- */

static int negotiate_protocol(struct vhost *vhost)
{
	int err = vhost_get(vhost, VHOST_USER_GET_PROTOCOL_FEATURES, &vhost->protocol);

	if (err)
		return err;
	const uint64_t both = vhost->protocol & PROTOCOL_FEATURES;
	vhost->protocol = 0; /* no acknowledgement of this one */
	err = vhost_set(vhost, VHOST_USER_SET_PROTOCOL_FEATURES, &both, sizeof(both));
	vhost->protocol = both;
	if (!err && has(vhost, VHOST_USER_PROTOCOL_F_MQ))
		err = vhost_get(vhost, VHOST_USER_GET_QUEUE_NUM, &vhost->pairs);
	if (!err && has(vhost, VHOST_USER_PROTOCOL_F_CONFIGURE_MEM_SLOTS))
		err = vhost_get(vhost, VHOST_USER_GET_MAX_MEM_SLOTS, &vhost->slots);
	return err;
}

static int connect_back_end(struct vhost *vhost)
{
	uint64_t features = 0;

	vhost->protocol = 0;
	vhost->pairs = 1;
	vhost->slots = VHOST_USER_REGIONS;
	vhost->status = 0;
	memset(vhost->started, 0, sizeof(vhost->started));

	int err = vhost->asked ? 0 : peer_connect(&vhost->peer, vhost->path);
	if (err)
		return err;
	vhost->peer.hint = " (is it a vhost-user back end?)";
	err = vhost_user_greet(&vhost->peer, &vhost->asked, &features);
	vhost->has_protocol = features & bit(VHOST_USER_F_PROTOCOL_FEATURES);
	if (!err && vhost->has_protocol)
		err = negotiate_protocol(vhost);
	err = err ?: vhost_set(vhost, VHOST_USER_SET_OWNER, NULL, 0);
	vhost->peer.hint = "";
	if (!vhost->pairs)
		vhost->pairs = 1;
	if (vhost->pairs > VHOST_USER_VRINGS / 2)
		vhost->pairs = VHOST_USER_VRINGS / 2;
	if (!err && vhost->map_count > vhost->slots)
		return ixy_fail(EIO, "%s: the back end takes %llu memory regions, and needs %u",
				vhost->peer.name, (unsigned long long)vhost->slots,
				vhost->map_count);
	err = err ?: send_all_memory(vhost);
	return err == -EIO ? ixy_fail(EIO, "%s: the back end refuses to be used", vhost->peer.name)
			   : err;
}

/* The driver tries this again and again: it knows what to say. */
static int connect_again(struct vhost *vhost)
{
	int err = vhost_user_check(&vhost->peer);

	if (!err)
		return 0;
	pthread_mutex_lock(&vhost->lock);
	vhost->peer.quiet = true;
	err = connect_back_end(vhost);
	if (err)
		vhost->peer.lost = true;
	vhost->peer.quiet = false;
	pthread_mutex_unlock(&vhost->lock);
	return err;
}

static int vhost_open(struct vfio_device *dev, const char *name)
{
	static const char split[] = ",split";
	struct vhost *vhost = calloc(1, sizeof(*vhost));

	if (!vhost)
		return ixy_fail(ENOMEM, "%s: out of memory", dev->address);
	peer_init(&vhost->peer, dev->address, "the back end");
	pthread_mutex_init(&vhost->lock, NULL);
	dev->space = &vhost->space;
	vhost->space.backend = &vfio_vhost_user;
	vhost->path = strdup(name);
	if (!vhost->path)
		return ixy_fail(ENOMEM, "%s: out of memory", dev->address);

	char *option = strrchr(vhost->path, ',');
	if (option && !strcmp(option, split)) {
		*option = '\0';
		vhost->without = bit(VIRTIO_F_RING_PACKED);
	}
	return connect_back_end(vhost);
}

static void vhost_close(struct vfio_device *dev)
{
	struct vhost *vhost = (struct vhost *)dev->space;

	if (!vhost)
		return;
	peer_destroy(&vhost->peer);
	pthread_mutex_destroy(&vhost->lock);
	free(vhost->maps);
	free(vhost->path);
	free(vhost);
}

/* ---- The device ---- */

static int get_features(struct vhost *vhost, uint64_t *features)
{
	int err = vhost_get(vhost, VHOST_USER_GET_FEATURES, features);

	if (!err)
		*features &= ~(bit(VHOST_USER_F_PROTOCOL_FEATURES) | vhost->without);
	return err;
}

/* If there are protocol features, rings wait to be enabled from now on. */
static int set_features(struct vhost *vhost, uint64_t features)
{
	if (vhost->has_protocol)
		features |= bit(VHOST_USER_F_PROTOCOL_FEATURES);
	return vhost_set(vhost, VHOST_USER_SET_FEATURES, &features, sizeof(features));
}

static int set_enable(struct vhost *vhost, const struct vhost_vring_state *state)
{
	if (vhost->has_protocol)
		return vhost_set(vhost, VHOST_USER_SET_VRING_ENABLE, state, sizeof(*state));
	return state->num ? 0 : -EOPNOTSUPP;
}

static int get_base(struct vhost *vhost, struct vhost_vring_state *state)
{
	struct vhost_vring_state reply;
	int err = vhost_user_send(
		&vhost->peer, &(struct vhost_user_message){ .request = VHOST_USER_GET_VRING_BASE,
							    .payload = state,
							    .size = sizeof(*state),
							    .reply = &reply,
							    .reply_size = sizeof(reply) });

	if (err)
		return err;
	vhost->started[state->index] = false;
	state->num = reply.num;
	return reply.index == state->index ? 0 : -EIO;
}

/* Stop what runs, in the order in which front ends usually do. */
static int reset_back_end(struct vhost *vhost)
{
	int err = vhost_user_check(&vhost->peer);

	for (uint32_t i = 0; !err && i < VHOST_USER_VRINGS; i++) {
		struct vhost_vring_state state = { .index = i };
		if (!vhost->started[i])
			continue;
		err = vhost->has_protocol ? set_enable(vhost, &state) : 0;
		err = err ?: get_base(vhost, &state);
	}
	if (!err && vhost->status && has(vhost, VHOST_USER_PROTOCOL_F_STATUS))
		err = vhost_set(vhost, VHOST_USER_SET_STATUS, &(uint64_t){ 0 }, sizeof(uint64_t));
	vhost->status = 0;
	return err;
}

static int get_config(struct vhost *vhost, struct vhost_vdpa_config *config)
{
	struct vhost_user_config message = { .offset = config->off, .size = config->len }, reply;
	const size_t size = offsetof(struct vhost_user_config, region) + config->len;

	if (!has(vhost, VHOST_USER_PROTOCOL_F_CONFIG))
		return -ENOTTY;
	if (config->len > sizeof(message.region))
		return -E2BIG;
	int err = vhost_user_send(&vhost->peer,
				  &(struct vhost_user_message){ .request = VHOST_USER_GET_CONFIG,
								.payload = &message,
								.size = size,
								.reply = &reply,
								.reply_size = size });
	if (!err)
		memcpy(config->buf, reply.region, config->len);
	return err;
}

static int set_status(struct vhost *vhost, uint8_t status)
{
	const uint64_t payload = status;

	vhost->status = status;
	return has(vhost, VHOST_USER_PROTOCOL_F_STATUS)
		       ? vhost_set(vhost, VHOST_USER_SET_STATUS, &payload, sizeof(payload))
		       : 0;
}

/* Requests for one ring; all their structures begin with its number. */
static int call_ring(struct vhost *vhost, unsigned long request, void *argument)
{
	const uint32_t index = *(const uint32_t *)argument;

	if (index >= VHOST_USER_VRINGS)
		return -EINVAL;
	switch (request) {
	case VHOST_SET_VRING_NUM:
		return vhost_set(vhost, VHOST_USER_SET_VRING_NUM, argument,
				 sizeof(struct vhost_vring_state));
	case VHOST_SET_VRING_BASE:
		return vhost_set(vhost, VHOST_USER_SET_VRING_BASE, argument,
				 sizeof(struct vhost_vring_state));
	case VHOST_GET_VRING_BASE:
		return get_base(vhost, argument);
	case VHOST_SET_VRING_ADDR:
		return vhost_set(vhost, VHOST_USER_SET_VRING_ADDR, argument,
				 sizeof(struct vhost_vring_addr));
	case VHOST_SET_VRING_KICK:
		vhost->started[index] = true;
		return set_file(vhost, VHOST_USER_SET_VRING_KICK, argument);
	case VHOST_SET_VRING_CALL:
		return set_file(vhost, VHOST_USER_SET_VRING_CALL, argument);
	case VHOST_SET_VRING_ERR:
		return set_file(vhost, VHOST_USER_SET_VRING_ERR, argument);
	default: /* VHOST_VDPA_SET_VRING_ENABLE */
		return set_enable(vhost, argument);
	}
}

static int vhost_call(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct vhost *vhost = (struct vhost *)dev->space;
	int err;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		((struct vfio_region_info *)argument)->size = 0;
		((struct vfio_region_info *)argument)->flags = 0;
		return 0;
	case VFIO_DEVICE_GET_IRQ_INFO:
		((struct vfio_irq_info *)argument)->count = 0;
		return 0;
	case VFIO_DEVICE_RESET:
		return reset_back_end(vhost);
	case VHOST_SET_OWNER:
		return connect_again(vhost);
	case VHOST_GET_FEATURES:
		return get_features(vhost, argument);
	case VHOST_SET_FEATURES:
		return set_features(vhost, *(const uint64_t *)argument);
	case VHOST_VDPA_GET_STATUS:
		err = vhost_user_check(&vhost->peer);
		*(uint8_t *)argument = vhost->status;
		return err;
	case VHOST_VDPA_SET_STATUS:
		return set_status(vhost, *(const uint8_t *)argument);
	case VHOST_VDPA_GET_CONFIG:
		return get_config(vhost, argument);
	case VHOST_VDPA_GET_VQS_COUNT:
		*(uint32_t *)argument = 2 * vhost->pairs;
		return 0;
	case VHOST_SET_VRING_NUM:
	case VHOST_SET_VRING_ADDR:
	case VHOST_SET_VRING_BASE:
	case VHOST_GET_VRING_BASE:
	case VHOST_SET_VRING_KICK:
	case VHOST_SET_VRING_CALL:
	case VHOST_SET_VRING_ERR:
	case VHOST_VDPA_SET_VRING_ENABLE:
		return call_ring(vhost, request, argument);
	default:
		return -ENOTTY;
	}
}

/* Config space tells drivers what this is. Nothing in it can be changed. */
static int vhost_access(struct vfio_device *dev, int index, uint64_t offset, void *data,
			size_t size, bool write)
{
	static const uint16_t config[128] = { VIRTIO_VENDOR, VIRTIO_DEVICE + VIRTIO_ID_NET };

	(void)dev;
	if (index != VFIO_PCI_CONFIG_REGION_INDEX || offset > sizeof(config) ||
	    size > sizeof(config) - offset)
		return -EIO;
	if (!write)
		memcpy(data, (const uint8_t *)config + offset, size);
	return 0;
}

const struct vfio_backend vfio_vhost_user = {
	.open = vhost_open,
	.close = vhost_close,
	.call = vhost_call,
	.access = vhost_access,
	.dma = vhost_dma,
};
