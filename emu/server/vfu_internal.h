/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Inside the vfio-user server: the protocol's messages as they lie on the wire (host byte order,
 * QEMU's docs/interop/vfio-user.rst), the server's state, and what its files call of each other.
 * What the protocol shares with the kernel's VFIO (region and interrupt structures, flags) comes
 * from <linux/vfio.h>.
 *
 *   vfu_server.c    socket, one client, whole messages in and out
 *   vfu_version.c   the first message: version and capabilities (JSON)
 *   vfu_requests.c  one function per command; regions
 *   vfu_irq.c       interrupts: SET_IRQS and eventfds
 *   vfu_dma.c       the client's memory
 */
#ifndef VFU_INTERNAL_H
#define VFU_INTERNAL_H

#include <string.h>

#include <linux/aio_abi.h>
#include <linux/vfio.h>

#include "vfu_protocol.h"

#define VFU_MAJOR 0
#define VFU_MINOR 1

#define VFU_SAID_FDS 16	 /* in one message, as announced: QEMU refuses servers that say more */
#define VFU_MAX_FDS  253 /* what we take: as many as the kernel sends at once (SCM_MAX_FD) */
#define VFU_MAX_DATA (1024 * 1024) /* of one read or write; the protocol's default */
#define VFU_MAX_MAPS                                                                               \
	32768	      /* half of the memory areas that Linux grants a process (vm.max_map_count) */
#define VFU_PAGE 4096 /* the protocol's unit of DMA mappings, whatever the pages of this machine */

enum vfu_command {
	VFU_VERSION = 1,
	VFU_DMA_MAP = 2,
	VFU_DMA_UNMAP = 3,
	VFU_DEVICE_GET_INFO = 4,
	VFU_DEVICE_GET_REGION_INFO = 5,
	VFU_DEVICE_GET_REGION_IO_FDS = 6,
	VFU_DEVICE_GET_IRQ_INFO = 7,
	VFU_DEVICE_SET_IRQS = 8,
	VFU_REGION_READ = 9,
	VFU_REGION_WRITE = 10,
	VFU_DEVICE_RESET = 13,
	VFU_REGION_WRITE_MULTI = 15,
};

struct vfu_header {
	uint16_t id; /* chosen by the sender, echoed in the reply */
	uint16_t command;
	uint32_t size; /* of the message, this header included */
	uint32_t flags;
	uint32_t error; /* an errno; in replies with VFU_ERROR */
};
#define VFU_TYPE     0xf /* of flags: */
#define VFU_REPLY    0x1
#define VFU_NO_REPLY 0x10
#define VFU_ERROR    0x20

struct vfu_version {
	uint16_t major, minor;
	/* followed by the capabilities: JSON, terminated by a NUL */
};

struct vfu_dma_map {
	uint32_t argsz, flags;
	uint64_t offset, iova, size;
};
#define VFU_DMA_READ  0x1
#define VFU_DMA_WRITE 0x2
/* Of libvfio-user: "map the fd", or read and write it. We map it anyway, which comes to the same. */
#define VFU_DMA_MMAP	0x4
#define VFU_DMA_FILE_IO 0x8

struct vfu_dma_unmap {
	uint32_t argsz, flags;
	uint64_t iova, size;
};

struct vfu_device_info {
	uint32_t argsz, flags, regions, irqs;
	uint32_t capabilities, padding; /* the kernel's, not the protocol's: never any */
};
#define VFU_DEVICE_INFO_SIZE 16

struct vfu_region_io_fds {
	uint32_t argsz, flags, index, count;
};

/* The start of REGION_READ and REGION_WRITE, and of their replies. */
struct vfu_access {
	uint64_t offset;
	uint32_t region, count;
};

/* One of the writes in REGION_WRITE_MULTI, after a 64-bit count of them. */
struct vfu_multi {
	struct vfu_access access;
	uint8_t data[8];
};

/* The longest messages: a REGION_WRITE comes in, the registers of BAR 0 go out at once. */
#define VFU_MAX_REQUEST (sizeof(struct vfu_header) + sizeof(struct vfu_access) + VFU_MAX_DATA)
#define VFU_MAX_REPLY	(sizeof(struct vfu_header) + sizeof(struct vfu_access) + NIC_BAR0_SIZE)

/*
 * A request without its header. File descriptors of no use are -1. Those that are left when the
 * command is done get closed: to keep one, take it and leave -1.
 */
struct vfu_request {
	const uint8_t *data;
	size_t size;
	int fds[VFU_MAX_FDS];
	uint32_t fd_count;
};

/*
 * What a command answers: bytes after the header and perhaps a file descriptor, which stays the
 * server's.
 */
struct vfu_reply {
	uint8_t *data; /* room for VFU_MAX_REPLY less the header */
	size_t size;
	int fd; /* -1: none */
};

/* ---- vfu_dma.c ---- */

struct vfu_mapping;
struct vfu_backing;

struct vfu_dma {
	struct vfu_mapping *mappings; /* sorted by I/O virtual address, no two overlap */
	uint32_t count, capacity;
	struct vfu_backing *backings; /* the files behind them */
	int client; /* socket of the client, shut down when its memory has been truncated */
	struct vfu_dma *next; /* of all tables in the process, for the handler of SIGBUS */
};

void vfu_dma_init(struct vfu_dma *dma);
void vfu_dma_destroy(struct vfu_dma *dma);

/**
 * vfu_dma_map() - let the card reach part of a file
 * @fd: the file, left open; -1: the range is taken, but cannot be reached
 *
 * Return: 0, -EINVAL (no multiples of VFU_PAGE, outside of the file, not a file), -EEXIST (overlaps
 * a mapping), -ENOSPC (too many mappings), or what mmap() said.
 */
int vfu_dma_map(struct vfu_dma *dma, const struct vfu_dma_map *map, int fd);

/**
 * vfu_dma_unmap() - forget all that lies in a range; mappings that reach beyond it keep the rest
 * @changed: set to true if anything was there
 */
int vfu_dma_unmap(struct vfu_dma *dma, uint64_t iova, uint64_t size, bool *changed);
void vfu_dma_unmap_all(struct vfu_dma *dma);
bool vfu_dma_window(const struct vfu_dma *dma, uint64_t iova, struct nic_window *window);

/* ---- vfu_irq.c ---- */

#define VFU_IRQS (1 + 1 + NIC_MSIX_COUNT + 1 + 1) /* INTx, MSI, MSI-X, error, device request */

enum vfu_event { VFU_TRIGGERED, VFU_MASKED, VFU_UNMASKED, VFU_EVENTS };

struct vfu_irq {
	int fd[VFU_EVENTS]; /* eventfds to tell of each; -1: not armed */
	bool masked, pending;
};

void vfu_irq_init(struct vfu_server *server);
void vfu_irq_destroy(struct vfu_server *server);
void vfu_irq_close(struct vfu_server *server);	 /* all eventfds */
void vfu_irq_request(struct vfu_server *server); /* ask the client to let go of the device */
/** vfu_is_eventfd() - other files would take our 8 bytes for data, or block. */
bool vfu_is_eventfd(int fd);
int vfu_irq_info(const struct vfu_server *server, const struct vfu_request *request,
		 struct vfu_reply *reply);
int vfu_irq_set(struct vfu_server *server, struct vfu_request *request);

/* ---- vfu_version.c ---- */

/* Capabilities that the client named. Those it did not name are not answered either. */
struct vfu_capabilities {
	bool max_msg_fds, max_data_xfer_size, max_dma_maps, pgsizes; /* named? */
	uint64_t client_fds; /* that the client takes in one message */
	bool write_multiple; /* the client may use REGION_WRITE_MULTI */
};

int vfu_negotiate(struct vfu_capabilities *capabilities, const struct vfu_request *request,
		  struct vfu_reply *reply);

/* ---- vfu_requests.c ---- */

/** vfu_command() - do what a request asks. Return: 0 or a negative errno for an error reply. */
int vfu_command(struct vfu_server *server, uint16_t command, struct vfu_request *request,
		struct vfu_reply *reply);

/** vfu_get() - copy the fixed part of a request. Return: false if the request is too short. */
static inline bool vfu_get(const struct vfu_request *request, void *fixed, size_t size)
{
	if (request->size < size)
		return false;
	memcpy(fixed, request->data, size);
	return true;
}

/** vfu_put() - append to a reply. */
static inline void vfu_put(struct vfu_reply *reply, const void *data, size_t size)
{
	memcpy(reply->data + reply->size, data, size);
	reply->size += size;
}

/* ---- vfu_server.c ---- */

/* A reply, or the rest of one, that the socket had no room for. */
struct vfu_unsent {
	struct vfu_unsent *next;
	size_t size, sent;
	int fd; /* goes with the first byte; -1: none, or sent already */
	uint8_t data[];
};

struct vfu_client {
	int fd;		 /* -1: not connected */
	bool negotiated; /* version agreed upon */
	int fd_error;	 /* what is wrong with the files of the message that is coming in */
	struct vfu_capabilities capabilities;

	size_t received; /* bytes of the message that is coming in */
	struct vfu_request request;
	struct vfu_unsent *unsent, **unsent_end;
	size_t unsent_size;
	bool waits_to_send; /* what epoll was told */

	_Alignas(8) uint8_t in[VFU_MAX_REQUEST];
	_Alignas(8) uint8_t out[VFU_MAX_REPLY];
};

struct vfu_server {
	struct nic *nic;
	bool trap;
	int listener, epoll;
	int reserve;	  /* a descriptor to give up when there are no others */
	bool turned_away; /* a client, and it has been reported */
	char *path;
	dev_t device; /* of the socket file, */
	ino_t inode;  /* to remove no other */
	struct vfu_dma dma;
	struct vfu_irq irqs[VFU_IRQS];
	uint32_t armed[VFIO_PCI_NUM_IRQS]; /* interrupts of each type that have a trigger eventfd */
	aio_context_t aio;		   /* 0: none to be had */
	int aio_file;			   /* empty */
	uint8_t aio_byte;
	struct vfu_client client;
};

#endif
