/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A vfio-user client for tests that is allowed to do everything wrong, and the server it talks to,
 * in one thread: the server runs while the client waits. Numbers of the protocol are written out
 * here once more, so that a mistake in the server's header does not hide.
 */
#ifndef VFIO_USER_CLIENT_H
#define VFIO_USER_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "emu/server/vfu_protocol.h"
#include "regs/82599.h"

enum { VERSION = 1, DMA_MAP, DMA_UNMAP, GET_INFO, REGION_INFO, REGION_IO_FDS, IRQ_INFO, SET_IRQS };
enum { REGION_READ = 9, REGION_WRITE, RESET = 13, WRITE_MULTI = 15, DEVICE_FEATURE };

#define NO_REPLY 0x10
#define CONFIG	 7 /* the region */

/* The card and its server. */
struct world {
	char directory[32], path[64];
	struct nic *nic;
	struct vfu_server *server;
};

struct header {
	uint16_t id, command;
	uint32_t size, flags, error;
};

/* The last reply. */
struct answer {
	struct header header;
	uint8_t data[1 << 18];
	size_t size;
	int fds[16];
	int fd_count;
};
extern struct answer answer;

int world_create(void **state); /* cmocka's setup and teardown: *state is a struct world */
int world_create_trapping(void **state);
int world_destroy(void **state);

/** serve() - let the server do all it can do now */
void serve(struct world *world);

int client_connect(struct world *world); /* without negotiation */
int client_open(struct world *world);	 /* with */
bool client_hung_up(struct world *world,
		    int fd); /* has the server closed the connection? Discards what it sent. */
int open_files(void);	     /* file descriptors of this process */

void send_raw(int fd, const void *data, size_t size, const int *fds, int fd_count);
void send_message(int fd, uint16_t command, uint32_t flags, const void *data, size_t size,
		  const int *fds, int fd_count);
bool receive_answer(struct world *world, int fd); /* false: none came */

/**
 * call() - send a message and wait for the answer. Return: 0 or the errno of an error reply; -1 if
 * none came.
 */
int call(struct world *world, int fd, uint16_t command, const void *data, size_t size,
	 const int *fds, int fd_count);

int negotiate(struct world *world, int fd, uint16_t major, uint16_t minor, const char *json);
int read_region(struct world *world, int fd, uint32_t region, uint64_t offset, uint32_t count);
int write_region(struct world *world, int fd, uint32_t region, uint64_t offset, const void *data,
		 uint32_t count);
uint64_t read_register(struct world *world, int fd, uint32_t offset, uint32_t size);
int write_register(struct world *world, int fd, uint32_t offset, uint64_t value, uint32_t size);
int map(struct world *world, int fd, uint64_t iova, uint64_t size, int memory, uint64_t offset);
int map_flags(struct world *world, int fd, uint64_t iova, uint64_t size, int memory,
	      uint64_t offset, uint32_t flags);
int unmap(struct world *world, int fd, uint64_t iova, uint64_t size);
int unmap_all(struct world *world, int fd);
int new_memory(size_t size); /* a memfd; word i of 4 KiB page p is p << 16 | i for the first few */

enum { NONE = 1, BOOL = 2, EVENTFD = 4, MASK = 8, UNMASK = 16, TRIGGER = 32 };
enum { INTX, MSI, MSIX, ERR, REQ };
int set_irqs(struct world *world, int fd, uint32_t flags, uint32_t index, uint32_t start,
	     uint32_t count, const int *fds, int fd_count);
uint64_t signalled(int eventfd); /* times since the last call */

/**
 * assert_ready_for_the_next() - a new client is served and finds a card as after power-on
 *
 * It leaves a mark behind that the one after it must not find.
 */
void assert_ready_for_the_next(struct world *world);

#endif
