/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices behind a vfio-user server: most requests carry the structures of linux/vfio.h, in a
 * message instead of an ioctl. The server maps our DMA memory from its files, and we map its
 * registers from the files that it sends.
 */
#include <sys/stat.h>

#include "../internal.h"
#include "vfio_user.h"

#define MAX_CHUNK 4096
#define REGIONS	  VFIO_PCI_NUM_REGIONS

/* One server: a device, which is alone in its I/O address space. */
struct user {
	struct vfio_space space;
	struct user_socket socket;
	uint32_t flags, regions, irqs; /* of VFIO_DEVICE_GET_INFO */
	uint32_t max_fds, max_data;    /* that the server takes in a message */
	int region_fds[REGIONS];
};

/* Log what failed, unless the connection was lost, which has been logged. Return: @err. */
static int fail_request(struct user *user, const char *what, int err)
{
	if (!peer_lost(&user->socket.peer))
		ixy_log(IXY_ERROR, "%s: %s: %s", user->socket.peer.name, what, strerror(-err));
	return err;
}

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
		.head = version,
		.head_size = sizeof(version),
		.data = capabilities,
		.data_size = sizeof(capabilities),
		.reply = &reply,
		.reply_min = 2 * sizeof(uint16_t),
		.reply_max = sizeof(reply) - 1, /* the last byte stays the string's end */
	};

	user->socket.peer.hint = " (is it a vfio-user server?)";
	int err = vfio_user_call(&user->socket, &request);
	user->socket.peer.hint = "";
	if (err)
		return fail_request(user, "version negotiation", err);
	if (reply.major)
		return ixy_fail(EPROTO, "%s: the server speaks vfio-user %u.x, this client 0.x",
				user->socket.peer.name, reply.major);

	uint64_t fds = json_number(reply.json, "max_msg_fds", 1);
	user->max_fds = fds < 1 ? 1 : fds < PEER_MAX_FDS ? fds : PEER_MAX_FDS;
	uint64_t data = json_number(reply.json, "max_data_xfer_size", 1 << 20);
	user->max_data = data < 8 ? 8 : data < MAX_CHUNK ? data : MAX_CHUNK;
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
	int err = vfio_user_call(&user->socket, &request);

	if (err)
		return fail_request(user, "device information", err);
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
	dev->space = &user->space;
	user->space.backend = &vfio_user;
	for (uint32_t i = 0; i < REGIONS; i++)
		user->region_fds[i] = -1;

	peer_init(&user->socket.peer, dev->address, "the server");
	int err = peer_connect(&user->socket.peer, path);
	if (!err)
		err = negotiate(user);
	if (!err)
		err = get_info(user);
	return err;
}

static void user_close(struct vfio_device *dev)
{
	struct user *user = (struct user *)dev->space;

	if (!user)
		return;
	peer_destroy(&user->socket.peer);
	for (uint32_t i = 0; i < REGIONS; i++)
		if (user->region_fds[i] >= 0)
			close(user->region_fds[i]);
	free(user);
}

/*
 * Can the region be mapped as the server says? An access beyond the end of the file raises SIGBUS.
 */
static bool can_map(const struct vfio_region_info *info, int fd)
{
	struct stat file;

	return info->flags & VFIO_REGION_INFO_FLAG_MMAP && fd >= 0 && !fstat(fd, &file) &&
	       info->size <= (uint64_t)file.st_size &&
	       info->offset <= (uint64_t)file.st_size - info->size;
}

static int user_region_info(struct user *user, struct vfio_region_info *info)
{
	const struct vfio_region_info question = { .argsz = info->argsz, .index = info->index };
	const uint32_t room = info->argsz;

	if (info->index >= user->regions || info->index >= REGIONS) {
		info->size = info->flags = 0;
		return 0;
	}
	/* The reply is laid over zeroes, so that nothing beyond its end looks like a capability. */
	memset(info, 0, room);
	struct user_request request = {
		.command = USER_GET_REGION_INFO,
		.head = &question,
		.head_size = sizeof(question),
		.reply = info,
		.reply_min = sizeof(*info),
		.reply_max = room,
		.reply_fd = &user->region_fds[question.index],
	};
	int err = vfio_user_call(&user->socket, &request);
	if (err)
		return fail_request(user, "region information", err);
	if (!can_map(info, user->region_fds[question.index]))
		info->flags &= ~VFIO_REGION_INFO_FLAG_MMAP;
	return info->flags & VFIO_REGION_INFO_FLAG_MMAP ? user->region_fds[question.index] : 0;
}

static int get_irq_info(struct user *user, struct vfio_irq_info *info)
{
	struct user_request request = {
		.command = USER_GET_IRQ_INFO,
		.head = info,
		.head_size = sizeof(*info),
		.reply = info,
		.reply_min = sizeof(*info),
		.reply_max = sizeof(*info),
	};

	if (info->index < user->irqs)
		return vfio_user_call(&user->socket, &request);
	info->count = 0;
	return 0;
}

/* A message names vectors that follow each other and has a file for each, or for none. */
static int user_set_irqs(struct user *user, const struct vfio_irq_set *set)
{
	uint32_t done = 0;
	int eventfds[PEER_MAX_FDS];

	do {
		uint32_t run = 0;
		bool armed = false;
		for (; done + run < set->count && run < user->max_fds; run++) {
			int fd;
			memcpy(&fd, set->data + (done + run) * sizeof(int), sizeof(int));
			if (run && armed != (fd >= 0))
				break;
			armed = fd >= 0;
			eventfds[run] = fd;
		}

		struct vfio_irq_set part = *set;
		part.argsz = sizeof(part);
		part.start = set->start + done;
		part.count = run;
		struct user_request request = {
			.command = USER_SET_IRQS,
			.head = &part,
			.head_size = sizeof(part),
			.fds = eventfds,
			.fd_count = armed ? run : 0,
		};
		int err = vfio_user_call(&user->socket, &request);
		if (err)
			return err;
		done += run;
	} while (done < set->count);
	return 0;
}

static int user_reset(struct user *user)
{
	struct user_request request = {
		.command = USER_RESET,
	};

	return user->flags & VFIO_DEVICE_FLAGS_RESET ? vfio_user_call(&user->socket, &request)
						     : -EOPNOTSUPP;
}

static int user_call_device(struct vfio_device *dev, unsigned long request, void *argument)
{
	struct user *user = (struct user *)dev->space;

	switch (request) {
	case VFIO_DEVICE_GET_REGION_INFO:
		return user_region_info(user, argument);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return get_irq_info(user, argument);
	case VFIO_DEVICE_SET_IRQS:
		return user_set_irqs(user, argument);
	case VFIO_DEVICE_RESET:
		return user_reset(user);
	default:
		return -ENOTTY;
	}
}

struct region_access {
	uint64_t offset;
	uint32_t region;
	uint32_t count;
};

static int read_chunk(struct user *user, const struct region_access *access, void *data)
{
	struct {
		struct region_access access;
		uint8_t data[MAX_CHUNK];
	} reply;
	struct user_request request = {
		.command = USER_REGION_READ,
		.head = access,
		.head_size = sizeof(*access),
		.reply = &reply,
		.reply_min = sizeof(*access) + access->count,
		.reply_max = sizeof(*access) + access->count,
	};
	int err = vfio_user_call(&user->socket, &request);

	if (!err)
		memcpy(data, reply.data, access->count);
	return err;
}

/*
 * Writes to BARs are posted, as on PCI: the server does not reply to them, and handles them before later
 * requests. Writes to config space are not.
 */
static int write_chunk(struct user *user, const struct region_access *access, const void *data)
{
	struct user_request request = {
		.command = USER_REGION_WRITE,
		.posted = access->region <= VFIO_PCI_BAR5_REGION_INDEX,
		.head = access,
		.head_size = sizeof(*access),
		.data = data,
		.data_size = access->count,
	};

	return vfio_user_call(&user->socket, &request);
}

static int user_access(struct vfio_device *dev, int index, uint64_t offset, void *data, size_t size,
		       bool write)
{
	struct user *user = (struct user *)dev->space;
	int err = 0;

	for (size_t done = 0, chunk; done < size && !err; done += chunk) {
		chunk = size - done < user->max_data ? size - done : user->max_data;
		struct region_access access = { offset + done, index, chunk };
		uint8_t *part = (uint8_t *)data + done;
		err = write ? write_chunk(user, &access, part) : read_chunk(user, &access, part);
	}
	return err;
}

static int user_map(struct user *user, const struct dma_map *map)
{
	struct {
		uint32_t argsz, flags;
		uint64_t offset, iova, size;
	} entry = {
		.argsz = sizeof(entry),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.offset = map->offset,
		.iova = map->mem.iova,
		.size = map->mem.size,
	};
	struct user_request request = {
		.command = USER_DMA_MAP,
		.head = &entry,
		.head_size = sizeof(entry),
		.fds = &map->fd,
		.fd_count = 1,
	};

	return map->fd < 0 ? -EOPNOTSUPP : vfio_user_call(&user->socket, &request);
}

static int user_unmap(struct user *user, const struct dma_map *map)
{
	struct {
		uint32_t argsz, flags;
		uint64_t iova, size;
	} entry = { .argsz = sizeof(entry), .iova = map->mem.iova, .size = map->mem.size };
	struct user_request request = {
		.command = USER_DMA_UNMAP,
		.head = &entry,
		.head_size = sizeof(entry),
		.reply = &entry, /* some servers do not repeat it */
		.reply_max = sizeof(entry),
	};
	int err = vfio_user_call(&user->socket, &request);

	/* A server that has disconnected is harmless: the file that it had is used for nothing else. */
	if (err && peer_lost(&user->socket.peer))
		return 0;
	return err ? err : entry.iova == map->mem.iova && entry.size == map->mem.size ? 0 : -EIO;
}

static int user_dma(struct vfio_space *space, const struct dma_map *map, bool add)
{
	struct user *user = (struct user *)space;
	int err = add ? user_map(user, map) : user_unmap(user, map);

	if (err == -EOPNOTSUPP && add && map->fd < 0)
		return ixy_fail(EOPNOTSUPP,
				"%s: a server cannot share memory that is not in a file",
				user->socket.peer.name);
	return err ? fail_request(user, add ? "mapping memory for DMA" : "unmapping DMA memory",
				  err)
		   : 0;
}

const struct vfio_backend vfio_user = {
	.open = user_open,
	.close = user_close,
	.call = user_call_device,
	.access = user_access,
	.dma = user_dma,
};
