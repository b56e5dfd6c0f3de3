/* SPDX-License-Identifier: BSD-2-Clause */
/* What ixy-emu serves: ports, each a card between a vfio-user socket and a wire. */
#ifndef PORT_H
#define PORT_H

#include <stdio.h>
#include <sys/types.h>
#include <sys/un.h>

#include "nic.h"
#include "vfu_protocol.h"
#include "wire.h"

#define PORT_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

/**
 * struct port - one card
 * @path:   of its socket
 * @before: the account at the end of the interval before, for rates
 */
struct port {
	struct nic *nic;
	struct vfu_server *server;
	struct wire *wire;
	char path[PORT_PATH_MAX];
	struct nic_account before;
};

/**
 * struct emulator - the program
 * @x540, @trap, @no_msix, @quiet, @json, @live: options; @live: print rates every @interval
 * @interval, @duration: ns; @duration 0: no end
 * @json_file: where JSON goes
 * @command:  argv of the command, NULL without one; then @child is its process
 * @started:  when the ports were ready
 * @headings: of the rates, printed now and then
 */
struct emulator {
	uint32_t count;
	struct port ports[WIRES_MAX];
	struct wires wires;
	bool x540, trap, no_msix, quiet, json, live;
	uint64_t interval, duration;
	FILE *json_file;
	char **command;
	pid_t child;
	uint64_t started;
	uint32_t headings;
};

/** clock_now() - nanoseconds of CLOCK_MONOTONIC */
uint64_t clock_now(void);

/* ---- serve.c ---- */

/**
 * serve() - move frames and answer clients until the command ends, a signal comes or the time is
 * over
 *
 * Return: the exit status of the program.
 */
int serve(struct emulator *emu);

/** serve_default_signals() - those that a shell may have switched off, and none for failed writes. */
void serve_default_signals(void);

/**
 * serve_block_signals() - signals become events for serve(); call before the command is started.
 */
void serve_block_signals(void);

/* ---- command.c ---- */

/**
 * command_expand() - copy @argv, "{N}" replaced by the address of port N anywhere in each argument
 * @bad: the number of a port that does not exist, when the result is -EINVAL
 *
 * Return: 0, -EINVAL or -ENOMEM.
 */
int command_expand(char ***expanded, char *const argv[], const struct port *ports, uint32_t count,
		   uint32_t *bad);
void command_free(char **argv);

/**
 * command_start() - run @argv. Return: its process, or minus the exit status that tells why not
 * (126, 127, 1).
 */
pid_t command_start(char *const argv[]);

/* ---- report.c ---- */

/** account_ports() - tell where the ports can be found. */
void account_ports(const struct emulator *emu);
/** account_interval() - rates of the last @passed ns. */
void account_interval(struct emulator *emu, uint64_t now, uint64_t passed);
/**
 * account_final() - what happened to each frame. Ends what the wires write.
 *
 * Return: false if a wire has not done its work to the end.
 */
bool account_final(const struct emulator *emu, uint64_t now);

#endif
