/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-emu: software 82599 network cards behind vfio-user sockets. Options, set-up and end. */
#include "port.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command_line.h"
#include "output.h"

enum { DONE = -1, USAGE = 2 }; /* beside the exit status 1 */

static const char about[] =
	"A software Intel 82599 network card for each WIRE. Programs drive the cards through "
	"vfio-user sockets, whose addresses are printed. With a COMMAND, ixy-emu runs it, {N} "
	"anywhere in its arguments replaced by the address of port N, ends with it and passes its "
	"exit status on.";

static const char help_wires[] =
	"\n"
	"  size=64   length of a frame with CRC\n"
	"  rate=0    frames per second; 0: as fast as the card takes them\n"
	"  flows=1   so many addresses and ports\n"
	"  count=    frames for each driver that comes; default: no end\n"
	"  window=N  so many under way at most; more when some have come back\n"
	"  burst=N   so many at once, then wait until they are back;\n"
	"            gap=US: then pause 0 to 2 US (50), at random;\n"
	"            deadline=MS: those not back count as overdue (100)\n"
	"  dst=      destination MAC address; default: the card's\n"
	"  touch=    required, allowed or none: must or may one byte of a packet have\n"
	"            changed?\n"
	"  in=FILE   to replay (-: standard input), loop=N times (1; 0: no end)\n"
	"  out=FILE  to record\n"
	"\n"
	"Example: ixy-emu gen gen -- ixy-fwd --duration 10 {0} {1}\n"
	"\n"
	"Exit status: the COMMAND's (128 + N if signal N ended it, 127 if it was not\n"
	"found, 126 if it cannot be run); without one 0; 1 for an error at run time, also\n"
	"of a wire that ended early, 2 for wrong usage.\n";

/* What has to be undone in the end. */
struct setup {
	struct emulator emu;
	char directory[PORT_PATH_MAX];
	bool made_directory;
	uint8_t mac[6];
	const char *json_path;
	char **wires;
	uint32_t wire_count;
};

static void print_wires(void)
{
	const struct wire_ops *ops;

	puts("\nA WIRE is KIND or KIND:OPTION[,OPTION]...; numbers may end in k, M or G:");
	for (uint32_t i = 0; (ops = wires_list(i)); i++) {
		app_print_words(stdout, printf("  %-5s  ", ops->kind), 9, ops->help);
		app_print_words(stdout, printf("%9soptions: ", ""), 18, ops->options ?: "none");
	}
	fputs(help_wires, stdout);
}

/* ---- Options ---- */

static int parse_command_line(struct setup *setup, int argc, char **argv)
{
	struct emulator *emu = &setup->emu;
	const char *directory = NULL, *mac = NULL, *model = "82599";
	double duration = 0, interval = 0;
	bool registers = false;
	int arguments = 1, status;
	const struct app_option options[] = {
		{ "d,socket-dir", "DIR",
		  "make the sockets nic0.sock, nic1.sock, ... there, and "
		  "DIR itself if missing; default: a new private "
		  "directory in $XDG_RUNTIME_DIR or /tmp",
		  APP_TEXT, &directory, 0, 0 },
		{ "duration", "SECONDS", "end after this time; a COMMAND gets SIGTERM", APP_DOUBLE,
		  &duration, 0.001, 1e9 },
		{ "interval", "SECONDS",
		  "print rates so often; default: 1 on a terminal without COMMAND", APP_DOUBLE,
		  &interval, 0.001, 1e9 },
		{ "json", NULL,
		  "JSON for scripts instead of tables, one object per "
		  "line on standard output, of type \"ports\" at the "
		  "start, \"interval\" with --interval, \"account\" at the "
		  "end",
		  APP_FLAG, &emu->json, 0, 0 },
		{ "json-file", "FILE", "the same into FILE; standard output is the COMMAND's alone",
		  APP_TEXT, &setup->json_path, 0, 0 },
		{ "mac", "MAC",
		  "of port 0; the next ports have the next ones; default: 02:82:59:90:00:00",
		  APP_TEXT, &mac, 0, 0 },
		{ "model", "MODEL", "82599, or x540: copper behind a PHY on MDIO; default: 82599",
		  APP_TEXT, &model, 0, 0 },
		{ "no-msix", NULL, "cards without MSI-X: drivers have to use MSI", APP_FLAG,
		  &emu->no_msix, 0, 0 },
		{ "trap", NULL,
		  "let no driver map registers: the card sees each access, in order; slow",
		  APP_FLAG, &emu->trap, 0, 0 },
		{ "q,quiet", NULL, "no rates, no account", APP_FLAG, &emu->quiet, 0, 0 },
		{ "registers", NULL, "print the card's registers and end", APP_FLAG, &registers, 0,
		  0 },
		{ 0 },
	};
	const struct app_command command = { "WIRE... [-- COMMAND {0} {1}...]", about, options,
					     print_wires };

	/* What follows "--" is the command's. */
	while (arguments < argc && strcmp(argv[arguments], "--"))
		arguments++;
	if (arguments < argc)
		emu->command = argv + arguments + 1;
	if (!app_parse_options(&command, arguments, argv, &status))
		return status ?: DONE;
	if (registers) {
		nic_print_registers(stdout);
		return DONE;
	}
	setup->wires = argv + optind;
	setup->wire_count = arguments - optind;
	if (emu->command && !emu->command[0])
		return app_wrong_use("nothing follows --; a COMMAND is missing");
	if (!setup->wire_count && !emu->command)
		return app_wrong_use("which WIRE? for example: ixy-emu gen sink");
	if (mac && !wire_mac_parse(mac, setup->mac))
		return app_wrong_use("--mac %s: no unicast MAC address", mac);
	emu->x540 = !strcasecmp(model, "x540");
	if (!emu->x540 && strcmp(model, "82599"))
		return app_wrong_use("--model %s: 82599 and x540 are possible", model);
	if (directory && (!*directory || strlen(directory) >= sizeof(setup->directory)))
		return app_wrong_use("--socket-dir %s: %s", directory,
				     *directory ? "too long; sockets must have short paths"
						: "is empty");
	if (directory)
		strcpy(setup->directory, directory);

	emu->json |= setup->json_path != NULL;
	emu->duration = duration * NS_PER_SECOND;
	emu->interval = (interval ?: 1) * NS_PER_SECOND;
	emu->live = interval > 0;
	if (!emu->live && !emu->command && !emu->json)
		emu->live = isatty(STDERR_FILENO);
	emu->live &= !emu->quiet;
	return 0;
}

/* ---- Set-up ---- */

static int run_error(const char *what, const char *which, int err)
{
	app_say("%s %s: %s", what, which, strerror(err));
	return 1;
}

static int make_directory(struct setup *setup)
{
	const char *parent = getenv("XDG_RUNTIME_DIR");
	char *directory = setup->directory;

	if (directory[0]) {
		setup->made_directory = !mkdir(directory, 0700);
		if (!setup->made_directory && errno != EEXIST)
			return run_error("cannot create", directory, errno);
		return 0;
	}

	if (!parent || access(parent, W_OK | X_OK) || strlen(parent) > sizeof(setup->directory) / 2)
		parent = "/tmp";
	snprintf(directory, sizeof(setup->directory), "%s/ixy-emu.XXXXXX", parent);
	if (!mkdtemp(directory))
		return run_error("cannot create a directory in", parent, errno);
	setup->made_directory = true;
	return 0;
}

static bool host_window(void *ctx, uint64_t iova, struct nic_window *window)
{
	struct port *port = ctx;

	return port->server && vfu_window(port->server, iova, window);
}

static void host_interrupt(void *ctx, uint32_t vector)
{
	struct port *port = ctx;

	if (port->server)
		vfu_interrupt(port->server, vector);
}

static void host_transmit(void *ctx, const uint8_t *frame, size_t length)
{
	wire_transmit(((struct port *)ctx)->wire, frame, length);
}

/* The MAC address @port numbers further. */
static void mac_of_port(uint8_t mac[6], const uint8_t base[6], uint32_t port)
{
	uint32_t low = ((uint32_t)base[3] << 16 | base[4] << 8 | base[5]) + port;

	memcpy(mac, base, 6);
	mac[3] = low >> 16;
	mac[4] = low >> 8;
	mac[5] = low;
}

static int make_card(struct setup *setup, uint32_t i)
{
	struct emulator *emu = &setup->emu;
	struct port *port = &emu->ports[i];
	struct nic_host host = {
		.ctx = port,
		.window = host_window,
		.interrupt = host_interrupt,
		.transmit = host_transmit,
	};

	port->wire = emu->wires.wire[i];
	mac_of_port(port->wire->mac, setup->mac, i);
	int err = nic_create(&port->nic, &host, port->wire->mac);
	if (err)
		return run_error("cannot make a card for", port->wire->text, -err);
	if (emu->x540)
		nic_make_x540(port->nic);
	if (emu->no_msix)
		nic_remove_msix(port->nic);
	port->wire->nic = port->nic;
	nic_set_wire(port->nic, true);
	emu->count = i + 1;
	return 0;
}

static int make_socket(struct setup *setup, uint32_t i)
{
	struct port *port = &setup->emu.ports[i];

	int n = snprintf(port->path, sizeof(port->path), "%s/nic%u.sock", setup->directory, i);
	if (n < 0 || (size_t)n >= sizeof(port->path)) {
		app_say("%s: sockets must have short paths; choose another --socket-dir",
			setup->directory);
		return 1;
	}
	int err = vfu_listen(&port->server, port->path, port->nic, setup->emu.trap);
	if (err == -EADDRINUSE) {
		app_say("%s: another program serves this socket; choose another --socket-dir",
			port->path);
		return 1;
	}
	return err ? run_error("cannot create socket", port->path, -err) : 0;
}

static int wire_error(const struct wires *wires, int err)
{
	app_say("%s", wires->error);
	return err == -EINVAL ? USAGE : 1;
}

/* Everything up to the first client. Return: 0 or an exit status. */
static int set_up(struct setup *setup)
{
	struct emulator *emu = &setup->emu;
	int err, status;

	for (uint32_t i = 0; i < setup->wire_count; i++) {
		err = wires_add(&emu->wires, setup->wires[i]);
		if (err)
			return wire_error(&emu->wires, err);
	}
	for (uint32_t i = 0; i < setup->wire_count; i++) {
		status = make_card(setup, i);
		if (status)
			return status;
	}
	err = wires_start(&emu->wires); /* may wait for a pipe; a signal ends that */
	serve_block_signals();
	if (err)
		return wire_error(&emu->wires, err);

	emu->json_file = stdout;
	if (setup->json_path) {
		emu->json_file = fopen(setup->json_path, "we");
		if (!emu->json_file)
			return run_error("cannot create", setup->json_path, errno);
	}
	status = make_directory(setup);
	for (uint32_t i = 0; !status && i < setup->wire_count; i++)
		status = make_socket(setup, i);
	return status;
}

/* Return: @status, or 1 if not all could be written. */
static int tear_down(struct setup *setup, int status)
{
	struct emulator *emu = &setup->emu;

	for (uint32_t i = 0; i < emu->count; i++) {
		vfu_close(emu->ports[i].server);
		emu->ports[i].server = NULL;
	}
	wires_free(&emu->wires);
	for (uint32_t i = 0; i < emu->count; i++)
		nic_destroy(emu->ports[i].nic);
	if (setup->made_directory)
		rmdir(setup->directory); /* unless other files have been put there */
	if (setup->json_path && emu->json_file && !app_finish(emu->json_file, setup->json_path))
		return status ?: 1;
	return status;
}

static int run_emulator(struct emulator *emu)
{
	char **command = NULL;
	uint32_t bad;

	if (emu->command) {
		int err = command_expand(&command, emu->command, emu->ports, emu->count, &bad);
		if (err == -EINVAL) {
			return app_wrong_use("the command has {%u}: there is no port %u; ports "
					     "count from 0, WIREs given: %u",
					     bad, bad, emu->count);
		}
		if (err)
			return run_error("cannot start", emu->command[0], -err);
	}

	emu->started = clock_now();
	account_ports(emu);
	if (command) {
		emu->child = command_start(command);
		command_free(command);
		if (emu->child < 0)
			return -emu->child;
	}
	int status = serve(emu);
	bool good = account_final(emu, clock_now());
	return status ?: !good;
}

int main(int argc, char **argv)
{
	struct setup setup = {
		.mac = { 0x02, 0x82, 0x59, 0x90, 0, 0 },
	};
	int status;

	app_start(argv);
	status = parse_command_line(&setup, argc, argv);
	if (status)
		return status == DONE ? 0 : status;
	serve_default_signals();
	status = set_up(&setup);
	if (!status)
		status = run_emulator(&setup.emu);
	return tear_down(&setup, status);
}
