/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user commands: what the device is made of (regions, interrupts), access to its registers
 * and config space, reset. Messages are checked here and in the functions called from here; the
 * card is asked only for what exists.
 */
#define _GNU_SOURCE /* file seals */
#include "vfu_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static const uint64_t region_size[VFIO_PCI_NUM_REGIONS] = {
	[VFIO_PCI_BAR0_REGION_INDEX] = NIC_BAR0_SIZE,
	[VFIO_PCI_BAR2_REGION_INDEX] = NIC_BAR2_SIZE,
	[VFIO_PCI_BAR4_REGION_INDEX] = NIC_BAR4_SIZE,
	[VFIO_PCI_CONFIG_REGION_INDEX] = NIC_CONFIG_SIZE,
};

static int device_info(const struct vfu_request *request, struct vfu_reply *reply)
{
	struct vfu_device_info info;
	size_t size = VFU_DEVICE_INFO_SIZE;

	if (!vfu_get(request, &info, size) || info.argsz < size)
		return -EINVAL;
	/* A client that brings the kernel's longer structure waits for as much (not so QEMU, which
	 * has more room in argsz than in its message). */
	if (request->size > size && info.argsz > size)
		size = request->size < info.argsz ? request->size : info.argsz;
	if (size > sizeof(info))
		size = sizeof(info);
	info = (struct vfu_device_info){
		.argsz = size,
		.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
		.regions = VFIO_PCI_NUM_REGIONS,
		.irqs = VFIO_PCI_NUM_IRQS,
	};
	vfu_put(reply, &info, size);
	return 0;
}

/*
 * Areas that the client may map: none if it must not bypass us, or if we cannot hand out the file
 * safely.
 */
static uint32_t mappable(const struct vfu_server *server,
			 struct vfio_region_sparse_mmap_area areas[NIC_DOORBELLS])
{
	uint64_t page = sysconf(_SC_PAGESIZE);
	uint32_t count = 0;

	if (server->trap || server->client.capabilities.client_fds == 0)
		return 0;

	/* A client that could truncate the file would take the card's registers away. */
	int fd = nic_doorbell_fd(server->nic);
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals < 0 || (!(seals & F_SEAL_SHRINK) && fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK) < 0))
		return 0;

	/* Larger pages than 4 KiB would let the client at registers beside the doorbells. */
	for (const struct nic_doorbells *d = nic_doorbells; d < nic_doorbells + NIC_DOORBELLS; d++)
		if (d->offset % page == 0 && d->size % page == 0)
			areas[count++] = (struct vfio_region_sparse_mmap_area){ .offset = d->offset,
										.size = d->size };
	return count;
}

static int region_info(struct vfu_server *server, const struct vfu_request *request,
		       struct vfu_reply *reply)
{
	struct vfio_region_info info;
	struct vfio_region_sparse_mmap_area areas[NIC_DOORBELLS];
	struct vfio_region_info_cap_sparse_mmap sparse = {
		.header = { .id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1 },
	};

	if (!vfu_get(request, &info, sizeof(info)) || info.argsz < sizeof(info) ||
	    info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;

	uint32_t room = info.argsz;

	info = (struct vfio_region_info){
		.argsz = sizeof(info),
		.index = info.index,
		.size = region_size[info.index],
	};
	if (info.size)
		info.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
	if (info.index == VFIO_PCI_BAR0_REGION_INDEX)
		sparse.nr_areas = mappable(server, areas);
	if (sparse.nr_areas) {
		info.argsz += sizeof(sparse) + sparse.nr_areas * sizeof(areas[0]);
		/*
		 * Too little room: the client learns from argsz how much to ask with; until then
		 * nothing is mappable.
		 */
		if (room < info.argsz)
			sparse.nr_areas = 0;
	}
	if (sparse.nr_areas) {
		info.flags |= VFIO_REGION_INFO_FLAG_MMAP | VFIO_REGION_INFO_FLAG_CAPS;
		info.cap_offset = sizeof(info);
		reply->fd = nic_doorbell_fd(server->nic);
		nic_set_mapped(server->nic, true);
	}
	vfu_put(reply, &info, sizeof(info));
	if (sparse.nr_areas) {
		vfu_put(reply, &sparse, sizeof(sparse));
		vfu_put(reply, areas, sparse.nr_areas * sizeof(areas[0]));
	}
	return 0;
}

/* ioeventfds and ioregionfds: the card has none, its doorbells carry values. */
static int region_io_fds(const struct vfu_request *request, struct vfu_reply *reply)
{
	struct vfu_region_io_fds info;

	if (!vfu_get(request, &info, sizeof(info)) || info.argsz < sizeof(info) || info.flags ||
	    info.count || info.index >= VFIO_PCI_NUM_REGIONS || region_size[info.index] == 0)
		return -EINVAL;
	info.argsz = sizeof(info);
	vfu_put(reply, &info, sizeof(info));
	return 0;
}

/* The largest access, 8 bytes at most, that starts at @offset, is aligned and within @left. */
static uint32_t natural_size(uint64_t offset, uint32_t left)
{
	uint32_t size = 8;

	while (size > left || offset % size)
		size /= 2;
	return size;
}

static bool valid_access(const struct vfu_access *access)
{
	return access->region < VFIO_PCI_NUM_REGIONS && access->count <= VFU_MAX_DATA &&
	       access->offset <= region_size[access->region] &&
	       access->count <= region_size[access->region] - access->offset;
}

/* Registers are little-endian on the bus, whatever this machine is. */
static void read_bar(struct nic *nic, const struct vfu_access *access, uint8_t *data)
{
	for (uint32_t done = 0; done < access->count;) {
		uint32_t offset = access->offset + done;
		uint32_t size = natural_size(offset, access->count - done);
		uint64_t value = nic_read(nic, access->region, offset, size);

		for (uint32_t i = 0; i < size; i++)
			data[done++] = value >> (8 * i);
	}
}

static void write_bar(struct nic *nic, const struct vfu_access *access, const uint8_t *data)
{
	for (uint32_t done = 0; done < access->count;) {
		uint32_t offset = access->offset + done;
		uint32_t size = natural_size(offset, access->count - done);
		uint64_t value = 0;

		for (uint32_t i = 0; i < size; i++)
			value |= (uint64_t)data[done++] << (8 * i);
		nic_write(nic, access->region, offset, size, value);
	}
}

static int region_read(struct vfu_server *server, const struct vfu_request *request,
		       struct vfu_reply *reply)
{
	struct vfu_access access;
	uint8_t *data = reply->data + sizeof(access);

	if (!vfu_get(request, &access, sizeof(access)) || !valid_access(&access))
		return -EINVAL;
	vfu_put(reply, &access, sizeof(access));
	reply->size += access.count;
	if (access.region == VFIO_PCI_CONFIG_REGION_INDEX)
		return nic_config_read(server->nic, access.offset, data, access.count);
	read_bar(server->nic, &access, data);
	return 0;
}

static int write_region(struct vfu_server *server, const struct vfu_access *access,
			const uint8_t *data)
{
	if (!valid_access(access))
		return -EINVAL;
	if (access->region == VFIO_PCI_CONFIG_REGION_INDEX)
		return nic_config_write(server->nic, access->offset, data, access->count);
	write_bar(server->nic, access, data);
	return 0;
}

static int region_write(struct vfu_server *server, const struct vfu_request *request,
			struct vfu_reply *reply)
{
	struct vfu_access access;

	if (!vfu_get(request, &access, sizeof(access)) ||
	    access.count != request->size - sizeof(access))
		return -EINVAL;
	int err = write_region(server, &access, request->data + sizeof(access));

	if (!err)
		vfu_put(reply, &access, sizeof(access));
	return err;
}

/* Many small writes in one message; the reply says how many were done, up to the first bad one. */
static int region_write_multi(struct vfu_server *server, const struct vfu_request *request,
			      struct vfu_reply *reply)
{
	uint64_t count, done;

	if (!server->client.capabilities.write_multiple)
		return -ENOTSUP;
	if (!vfu_get(request, &count, sizeof(count)) ||
	    count != (request->size - sizeof(count)) / sizeof(struct vfu_multi))
		return -EINVAL;
	for (done = 0; done < count; done++) {
		struct vfu_multi one;

		memcpy(&one, request->data + sizeof(count) + done * sizeof(one), sizeof(one));
		if (one.access.count > sizeof(one.data) ||
		    write_region(server, &one.access, one.data))
			break;
	}
	vfu_put(reply, &done, sizeof(done));
	return 0;
}

static int handle_dma_map(struct vfu_server *server, const struct vfu_request *request)
{
	struct vfu_dma_map map;

	if (!vfu_get(request, &map, sizeof(map)) || map.argsz < sizeof(map) ||
	    request->fd_count > 1 || (request->fd_count == 1 && request->fds[0] < 0))
		return -EINVAL;
	int err = vfu_dma_map(&server->dma, &map, request->fd_count ? request->fds[0] : -1);

	if (!err)
		nic_dma_changed(server->nic);
	return err;
}

/*
 * The specification asks for ranges that match a mapping exactly; but QEMU unmaps by range when a
 * guest's address space goes (several mappings, or none), so that is what we do. Dirty pages are not
 * tracked.
 */
static int handle_dma_unmap(struct vfu_server *server, const struct vfu_request *request,
			    struct vfu_reply *reply)
{
	struct vfu_dma_unmap unmap;
	bool changed = true;
	int err = 0;

	if (!vfu_get(request, &unmap, sizeof(unmap)) || unmap.argsz < sizeof(unmap))
		return -EINVAL;
	if (unmap.flags & ~VFIO_DMA_UNMAP_FLAG_ALL)
		return -ENOTSUP;
	if (!(unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL))
		err = vfu_dma_unmap(&server->dma, unmap.iova, unmap.size, &changed);
	else if (unmap.iova == 0 && unmap.size == 0)
		vfu_dma_unmap_all(&server->dma);
	else
		err = -EINVAL;
	if (err)
		return err;
	if (changed)
		nic_dma_changed(server->nic);
	vfu_put(reply, &unmap, sizeof(unmap));
	return 0;
}

int vfu_command(struct vfu_server *server, uint16_t command, struct vfu_request *request,
		struct vfu_reply *reply)
{
	switch (command) {
	case VFU_VERSION:
		return -EINVAL; /* once is enough */
	case VFU_DMA_MAP:
		return handle_dma_map(server, request);
	case VFU_DMA_UNMAP:
		return handle_dma_unmap(server, request, reply);
	case VFU_DEVICE_GET_INFO:
		return device_info(request, reply);
	case VFU_DEVICE_GET_REGION_INFO:
		return region_info(server, request, reply);
	case VFU_DEVICE_GET_REGION_IO_FDS:
		return region_io_fds(request, reply);
	case VFU_DEVICE_GET_IRQ_INFO:
		return vfu_irq_info(server, request, reply);
	case VFU_DEVICE_SET_IRQS:
		return vfu_irq_set(server, request);
	case VFU_REGION_READ:
		return region_read(server, request, reply);
	case VFU_REGION_WRITE:
		return region_write(server, request, reply);
	case VFU_REGION_WRITE_MULTI:
		return region_write_multi(server, request, reply);
	case VFU_DEVICE_RESET:
		nic_function_reset(server->nic);
		return 0;
	default:
		return -ENOTSUP; /* migration, dirty pages, ... */
	}
}
