/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind a vfio-user server: most requests carry the structures of linux/vfio.h, in a
 * message instead of an ioctl. The server maps our DMA memory from its files, and we map its
 * registers from the files that it sends.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/stat.h>

#include "internal.h"
#include "vfio_user.h"

#define NEGOTIATION_TIMEOUT_MS 700 /* so that a wrong address is an error within a second */
#define RESET_TIMEOUT_MS       10000
#define MAX_CHUNK	       4096

/* One server: a device, which is the only one in its I/O address space. */
struct user {
	struct vfio_space space;
	struct user_socket socket;
	uint32_t flags, regions, irqs; /* of VFIO_DEVICE_GET_INFO */
	uint32_t max_fds, max_data;    /* that the server takes in a message */
	int region_fds[VFIO_REGIONS];
};

/* A number of the version reply's JSON text, which is too simple for a parser. */
static uint64_t json_number(const char *json, const char *key, uint64_t otherwise)
{
	char quoted[32];

	snprintf(quoted, sizeof(quoted), "\"%s\"", key);
	const char *at = strstr(json, quoted);
	if (!at)
		return otherwise;
	at += strlen(quoted);
	at += strspn(at, " \t\r\n:");
	return *at >= '0' && *at <= '9' ? strtoull(at, NULL, 10) : otherwise;
}

static int negotiate(struct user *user)
{
	static const char capabilities[] =
		"{\"capabilities\":{\"max_msg_fds\":16,\"max_data_xfer_size\":1048576}}";
	struct {
		uint16_t major, minor;
		char json[4096];
	} reply = { 0 };
	const uint16_t version[2] = { 0, 0 };
	struct user_request request = {
		.command = USER_VERSION,
		.timeout_ms = NEGOTIATION_TIMEOUT_MS,
		.head = version,
		.head_size = sizeof(version),
		.data = capabilities,
		.data_size = sizeof(capabilities),
		.reply = &reply,
		.reply_min = 2 * sizeof(uint16_t),
		.reply_max = sizeof(reply) - 1, /* the last byte stays the string's end */
	};
	const char *name = user->socket.name;
	int err = user_call(&user->socket, &request);

	if (err == -ETIMEDOUT)
		return ixy_fail(
			ETIMEDOUT,
			"%s: not a vfio-user server, or one that is busy with another client",
			name);
	if (err)
		return ixy_fail(-err, "%s: version negotiation failed: %s", name, strerror(-err));
	if (reply.major)
		return ixy_fail(EPROTO, "%s: the server speaks vfio-user %u, this client 0", name,
				reply.major);

	uint64_t fds = json_number(reply.json, "max_msg_fds", 1);
	user->max_fds = fds < 1 ? 1 : fds < USER_MAX_FDS ? fds : USER_MAX_FDS;
	uint64_t data = json_number(reply.json, "max_data_xfer_size", 1 << 20);
	user->max_data = data < 8 ? 8 : data < MAX_CHUNK ? data : MAX_CHUNK;
	uint64_t pages = json_number(reply.json, "pgsizes", 4096);
	user->space.page_size = pages & -pages;
	return 0;
}

static int get_info(struct user *user)
{
	struct vfio_device_info info = { .argsz = 16 }; /* the protocol has no cap_offset */
	struct user_request request = {
		.command = USER_GET_INFO,
		.head = &info,
		.head_size = 16,
		.reply = &info,
		.reply_min = 16,
		.reply_max = sizeof(info),
	};
	int err = user_call(&user->socket, &request);

	if (err)
		return ixy_fail(-err, "%s: no device information: %s", user->socket.name,
				strerror(-err));
	user->flags = info.flags;
	user->regions = info.num_regions;
	user->irqs = info.num_irqs;
	return 0;
}

static int user_open(struct vfio_device *dev, const char *path)
{
	struct user *user = calloc(1, sizeof(*user));

	if (!user)
		return ixy_fail(ENOMEM, "%s: out of memory", dev->address);
	for (uint32_t i = 0; i < VFIO_REGIONS; i++)
		user->region_fds[i] = -1;
	int err = user_connect(&user->socket, path, dev->address);
	if (!err) {
		err = negotiate(user);
		if (!err)
			err = get_info(user);
		if (err)
			user_disconnect(&user->socket);
	}
	if (err) {
		free(user);
		return err;
	}
	dev->fd = user->socket.fd;
	dev->priv = user;
	dev->space = &user->space;
	return 0;
}

static void user_close(struct vfio_device *dev)
{
	struct user *user = dev->priv;

	user_disconnect(&user->socket);
	for (uint32_t i = 0; i < VFIO_REGIONS; i++)
		if (user->region_fds[i] >= 0)
			close(user->region_fds[i]);
	free(user);
}

static int user_region_info(struct vfio_device *dev, uint32_t index, struct vfio_region *region)
{
	struct user *user = dev->priv;
	_Alignas(struct vfio_region_info) uint8_t reply[4096];
	struct vfio_region_info info = { .argsz = sizeof(reply), .index = index };
	struct user_request request = {
		.command = USER_GET_REGION_INFO,
		.head = &info,
		.head_size = sizeof(info),
		.reply = reply,
		.reply_min = sizeof(info),
		.reply_max = sizeof(reply),
		.reply_fd = &user->region_fds[index],
	};
	struct stat file;

	if (index >= user->regions)
		return 0;
	int err = user_call(&user->socket, &request);
	if (err)
		return ixy_fail(-err, "%s: region %u: %s", dev->address, index, strerror(-err));

	vfio_parse_region(region, reply, request.reply_size);
	region->fd = user->region_fds[index];
	/* Beyond the end of the file there would be SIGBUS instead of registers. */
	if (region->fd < 0 || region->fd_offset < 0 || fstat(region->fd, &file) ||
	    (uint64_t)file.st_size < region->size ||
	    (uint64_t)file.st_size - region->size < (uint64_t)region->fd_offset)
		region->area_count = 0;
	return 0;
}

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

static int user_region_read(struct vfio_device *dev, uint32_t index, uint64_t offset, void *data,
			    size_t size)
{
	struct user *user = dev->priv;
	struct {
		struct region_access access;
		uint8_t data[MAX_CHUNK];
	} reply;

	for (size_t done = 0; done < size;) {
		size_t chunk = size - done < user->max_data ? size - done : user->max_data;
		struct region_access access = { offset + done, index, chunk };
		struct user_request request = {
			.command = USER_REGION_READ,
			.head = &access,
			.head_size = sizeof(access),
			.reply = &reply,
			.reply_min = sizeof(access) + chunk,
			.reply_max = sizeof(access) + chunk,
		};
		int err = user_call(&user->socket, &request);
		if (err)
			return err;
		memcpy((uint8_t *)data + done, reply.data, chunk);
		done += chunk;
	}
	return 0;
}

/*
 * As on PCI, writes to memory are posted: nobody waits for them, and they arrive before whatever is
 * asked later. Config space is not memory.
 */
static int user_region_write(struct vfio_device *dev, uint32_t index, uint64_t offset,
			     const void *data, size_t size)
{
	struct user *user = dev->priv;

	for (size_t done = 0; done < size;) {
		size_t chunk = size - done < user->max_data ? size - done : user->max_data;
		struct region_access access = { offset + done, index, chunk }, reply;
		struct user_request request = {
			.command = USER_REGION_WRITE,
			.posted = index <= VFIO_PCI_BAR5_REGION_INDEX,
			.head = &access,
			.head_size = sizeof(access),
			.data = (const uint8_t *)data + done,
			.data_size = chunk,
			.reply = &reply,
			.reply_min = sizeof(reply),
			.reply_max = sizeof(reply),
		};
		int err = user_call(&user->socket, &request);
		if (err)
			return err;
		done += chunk;
	}
	return 0;
}

static int user_dma_map(struct vfio_space *space, const struct dma_map *map)
{
	struct user *user = (struct user *)space;
	struct {
		uint32_t argsz, flags;
		uint64_t offset, iova, size;
	} entry = {
		.argsz = sizeof(entry),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.offset = map->offset,
		.iova = map->iova,
		.size = map->size,
	};
	struct user_request request = {
		.command = USER_DMA_MAP,
		.head = &entry,
		.head_size = sizeof(entry),
		.fds = &map->fd,
		.fd_count = 1,
	};

	if (map->fd < 0)
		return ixy_fail(EOPNOTSUPP,
				"%s: memory without a file cannot be shared with a server",
				user->socket.name);
	int err = user_call(&user->socket, &request);
	return err ? ixy_fail(-err, "%s: cannot map %zu bytes for DMA: %s", user->socket.name,
			      map->size, strerror(-err))
		   : 0;
}

static int user_dma_unmap(struct vfio_space *space, const struct dma_map *map)
{
	struct user *user = (struct user *)space;
	struct {
		uint32_t argsz, flags;
		uint64_t iova, size;
	} entry = { .argsz = sizeof(entry), .iova = map->iova, .size = map->size }, reply;
	struct user_request request = {
		.command = USER_DMA_UNMAP,
		.head = &entry,
		.head_size = sizeof(entry),
		.reply = &reply,
		.reply_min = sizeof(reply),
		.reply_max = sizeof(reply),
	};
	int err = user_call(&user->socket, &request);

	if (user->socket
		    .lost) /* a server that has gone does no harm: it had the file, not the address */
		return 0;
	if (!err && (reply.iova != map->iova || reply.size != map->size))
		err = -EIO;
	return err ? ixy_fail(-err, "%s: cannot unmap %zu bytes of DMA: %s", user->socket.name,
			      map->size, strerror(-err))
		   : 0;
}

static int user_irq_count(struct vfio_device *dev, uint32_t index)
{
	struct user *user = dev->priv;
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = index };
	struct user_request request = {
		.command = USER_GET_IRQ_INFO,
		.head = &info,
		.head_size = sizeof(info),
		.reply = &info,
		.reply_min = sizeof(info),
		.reply_max = sizeof(info),
	};

	if (index >= user->irqs)
		return 0;
	int err = user_call(&user->socket, &request);
	return err ? err : info.count <= UINT16_MAX ? (int)info.count : -EPROTO;
}

/* A message names vectors that follow each other and has a file for each, or for none. */
static int user_irq_set(struct vfio_device *dev, uint32_t index, uint32_t start, uint32_t count,
			const int *eventfds)
{
	struct user *user = dev->priv;
	uint32_t done = 0;

	do {
		bool armed = done < count && eventfds[done] >= 0;
		uint32_t run = 0;
		while (done + run < count && run < user->max_fds &&
		       (eventfds[done + run] >= 0) == armed)
			run++;

		struct vfio_irq_set set = {
			.argsz = sizeof(set),
			.flags = VFIO_IRQ_SET_ACTION_TRIGGER |
				 (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE),
			.index = index,
			.start = start + done,
			.count = run,
		};
		struct user_request request = {
			.command = USER_SET_IRQS,
			.head = &set,
			.head_size = sizeof(set),
			.fds = eventfds + done,
			.fd_count = armed ? run : 0,
		};
		int err = user_call(&user->socket, &request);
		if (err)
			return err;
		done += run;
	} while (done < count);
	return 0;
}

static int user_reset(struct vfio_device *dev)
{
	struct user *user = dev->priv;
	struct user_request request = {
		.command = USER_RESET,
		.timeout_ms = RESET_TIMEOUT_MS,
	};

	if (!(user->flags & VFIO_DEVICE_FLAGS_RESET))
		return -EOPNOTSUPP;
	int err = user_call(&user->socket, &request);
	return err;
}

const struct vfio_backend vfio_user = {
	.prefix = "vfio-user:",
	.open = user_open,
	.close = user_close,
	.region_info = user_region_info,
	.region_read = user_region_read,
	.region_write = user_region_write,
	.dma_map = user_dma_map,
	.dma_unmap = user_dma_unmap,
	.irq_count = user_irq_count,
	.irq_set = user_irq_set,
	.reset = user_reset,
};
