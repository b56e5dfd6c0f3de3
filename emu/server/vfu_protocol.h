/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-user server: one card behind one UNIX socket (QEMU's docs/interop/vfio-user.rst). One client at
 * a time; when it goes, its memory, eventfds and the card's state go with it, and the next may come. The next gets
 * doorbell pages of its own: stale mappings of an earlier client have no effect.
 * All calls from one thread.
 */
#ifndef VFU_PROTOCOL_H
#define VFU_PROTOCOL_H

#include "nic.h"

struct vfu_server;

/**
 * vfu_listen() - create the socket and wait for clients
 * @path: of the socket; a stale socket file (without a listener) is replaced, a live one is -EADDRINUSE
 * @nic:  the card that clients get; must outlive the server
 * @trap: offer no page for mmap, so that every register access is seen, in order
 *
 * Return: 0 or a negative errno.
 */
int vfu_listen(struct vfu_server **server, const char *path, struct nic *nic, bool trap);

/** vfu_close() - drop the client, remove the socket file. NULL is allowed. */
void vfu_close(struct vfu_server *server);

/** vfu_fd() - readable (poll, epoll) when vfu_serve() has something to do. */
int vfu_fd(const struct vfu_server *server);

/**
 * vfu_serve() - accept a client, answer what it has sent; never blocks, whatever the client does
 *
 * Return: messages answered.
 */
uint32_t vfu_serve(struct vfu_server *server);

/** vfu_connected() - has a client finished version negotiation? */
bool vfu_connected(const struct vfu_server *server);

/** vfu_window(), vfu_interrupt() - the card's struct nic_host, served from the client's memory and eventfds. */
bool vfu_window(struct vfu_server *server, uint64_t iova, struct nic_window *window);
void vfu_interrupt(struct vfu_server *server, uint32_t vector);

#endif
