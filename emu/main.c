/* SPDX-License-Identifier: BSD-2-Clause */
/* ixy-emu: software 82599 network cards behind vfio-user sockets. Options, set-up and end. */
#include "port.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { USAGE = 2 }; /* exit status */

static const char help[] =
	"Usage: ixy-emu [OPTION]... WIRE [WIRE]... [-- COMMAND {0} {1}...]\n"
	"\n"
	"A software Intel 82599 network card for each WIRE. Programs drive the cards through\n"
	"vfio-user sockets, whose addresses are printed. With a COMMAND, ixy-emu runs it, {N}\n"
	"anywhere in its arguments replaced by the address of port N, ends with it and passes\n"
	"its exit status on.\n"
	"\n"
	"  -d, --socket-dir DIR    make the sockets nic0.sock, nic1.sock, ... there, and DIR "
	"itself\n"
	"                          if missing; default: a new private directory in\n"
	"                          $XDG_RUNTIME_DIR or /tmp\n"
	"      --duration SECONDS  end after this time; a COMMAND gets SIGTERM\n"
	"      --interval SECONDS  print rates so often; default: 1 on a terminal without COMMAND\n"
	"      --json              JSON for scripts instead of tables, one object per line on\n"
	"                          standard output: \"ports\" at the start, \"interval\" with\n"
	"                          --interval, \"account\" at the end\n"
	"      --json-file FILE    the same into FILE; standard output is the COMMAND's alone\n"
	"      --mac MAC           of port 0; the next ports have the next ones;\n"
	"                          default 02:82:59:90:00:00\n"
	"      --no-msix           cards without MSI-X: drivers have to use MSI\n"
	"      --trap              let no driver map registers: the card sees each access, in\n"
	"                          order; slow\n"
	"  -q, --quiet             no rates, no account\n"
	"      --registers         print the card's registers and end\n"
	"  -h, --help              print this and end\n"
	"  -V, --version           print the version and end\n"
	"\n"
	"A WIRE is KIND or KIND:OPTION[,OPTION]...; numbers may end in k, M or G:\n";

static const char help_wires[] =
	"\n"
	"  size=64   length of a frame with CRC\n"
	"  rate=0    frames per second; 0: as fast as the card takes them\n"
	"  flows=1   so many addresses and ports\n"
	"  count=    frames for each driver that comes; default: no end\n"
	"  window=N  so many under way at most; more when some have come back\n"
	"  burst=N   so many at once, then wait until they are back; gap=US: then pause 0 to 2 US\n"
	"            (50), at random; deadline=MS: those not back count as overdue (100)\n"
	"  dst=      destination MAC address; default: the card's\n"
	"  touch=    required, allowed or none: must or may one byte of a packet have changed?\n"
	"  in=FILE   to replay, loop=N times (1; 0: no end)\n"
	"  out=FILE  to record\n"
	"\n"
	"Example: ixy-emu gen gen -- ixy-fwd --duration 10 {0} {1}\n"
	"\n"
	"Exit status: the COMMAND's (128 + N if signal N ended it, 127 if it was not found, 126 "
	"if\n"
	"it cannot be run); without one 0; 1 for an error at run time, 2 for wrong usage.\n";

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

static void print_help(void)
{
	const struct wire_ops *ops;

	fputs(help, stdout);
	for (uint32_t i = 0; (ops = wires_list(i)); i++)
		printf("  %-5s  %s\n         options: %s\n", ops->kind, ops->help, ops->options);
	fputs(help_wires, stdout);
}

/* ---- Options ---- */

static bool parse_seconds(const char *text, uint64_t *ns)
{
	char *end;
	double seconds = strtod(text, &end);

	if (end == text || *end || !(seconds >= 0.001 && seconds <= 1e9))
		return false;
	*ns = seconds * NS_PER_SECOND;
	return true;
}

static int usage_error(const char *what, const char *which)
{
	fprintf(stderr, "ixy-emu: %s%s; see ixy-emu --help\n", what, which);
	return USAGE;
}

/* Return: 0 to go on, 1 to end well, USAGE. */
static int parse_option(struct setup *setup, int option, const char *value)
{
	struct emulator *emu = &setup->emu;
	size_t length;

	switch (option) {
	case 'd':
		length = strlen(value);
		if (!length || length >= sizeof(setup->directory))
			return usage_error(
				"--socket-dir: sockets must have short paths; too long: ", value);
		strcpy(setup->directory, value);
		return 0;
	case 'D':
		return parse_seconds(value, &emu->duration)
			       ? 0
			       : usage_error("--duration: no time in seconds: ", value);
	case 'i':
		emu->live = true;
		return parse_seconds(value, &emu->interval)
			       ? 0
			       : usage_error("--interval: no time in seconds: ", value);
	case 'f':
		setup->json_path = value;
		/* fall through */
	case 'j':
		emu->json = true;
		return 0;
	case 'm':
		return wire_mac_parse(value, setup->mac)
			       ? 0
			       : usage_error("--mac: no unicast MAC address: ", value);
	case 't':
		emu->trap = true;
		return 0;
	case 'x':
		emu->no_msix = true;
		return 0;
	case 'q':
		emu->quiet = true;
		return 0;
	case 'r':
		nic_print_registers(stdout);
		return 1;
	case 'h':
		print_help();
		return 1;
	case 'V':
		printf("ixy-emu %s\n", IXY_VERSION);
		return 1;
	default:
		return USAGE;
	}
}

static int parse_options(struct setup *setup, int argc, char **argv)
{
	static const struct option options[] = {
		{ "socket-dir", required_argument, NULL, 'd' },
		{ "duration", required_argument, NULL, 'D' },
		{ "interval", required_argument, NULL, 'i' },
		{ "json", no_argument, NULL, 'j' },
		{ "json-file", required_argument, NULL, 'f' },
		{ "mac", required_argument, NULL, 'm' },
		{ "no-msix", no_argument, NULL, 'x' },
		{ "trap", no_argument, NULL, 't' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "registers", no_argument, NULL, 'r' },
		{ "help", no_argument, NULL, 'h' },
		{ "version", no_argument, NULL, 'V' },
		{ 0 },
	};
	struct emulator *emu = &setup->emu;
	int arguments = 1, option;

	/* What follows "--" is the command's. */
	while (arguments < argc && strcmp(argv[arguments], "--"))
		arguments++;
	if (arguments < argc) {
		emu->command = argv + arguments + 1;
		if (!emu->command[0])
			return usage_error("nothing follows --; a COMMAND is missing", "");
	}

	opterr = 0;
	while ((option = getopt_long(arguments, argv, ":d:qhV", options, NULL)) != -1) {
		if (option == ':')
			return usage_error("this option needs a value: ", argv[optind - 1]);
		if (option == '?')
			return usage_error("there is no such option: ", argv[optind - 1]);

		int status = parse_option(setup, option, optarg);
		if (status)
			return status;
	}
	setup->wires = argv + optind;
	setup->wire_count = arguments - optind;
	if (!setup->wire_count && !emu->command)
		return usage_error("which WIRE? for example: ixy-emu gen sink", "");
	if (!emu->live && !emu->command && !emu->json && !emu->quiet)
		emu->live = isatty(STDERR_FILENO);
	if (emu->quiet)
		emu->live = false;
	return 0;
}

/* ---- Set-up ---- */

static int run_error(const char *what, const char *which, int err)
{
	fprintf(stderr, "ixy-emu: %s %s: %s\n", what, which, strerror(err));
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
		fprintf(stderr,
			"ixy-emu: %s: sockets must have short paths; choose another --socket-dir\n",
			setup->directory);
		return 1;
	}
	int err = vfu_listen(&port->server, port->path, port->nic, setup->emu.trap);
	if (err == -EADDRINUSE) {
		fprintf(stderr,
			"ixy-emu: %s: another program serves this socket; choose another "
			"--socket-dir\n",
			port->path);
		return 1;
	}
	return err ? run_error("cannot create socket", port->path, -err) : 0;
}

static int wire_error(const struct wires *wires, int err)
{
	fprintf(stderr, "ixy-emu: %s\n", wires->error);
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
	err = wires_start(&emu->wires);
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

static void tear_down(struct setup *setup)
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
		rmdir(setup->directory); /* unless somebody has put something there */
	if (setup->json_path && emu->json_file)
		fclose(emu->json_file);
}

static int run(struct emulator *emu)
{
	char **command = NULL;
	uint32_t bad;

	if (emu->command) {
		int err = command_expand(&command, emu->command, emu->ports, emu->count, &bad);
		if (err == -EINVAL) {
			fprintf(stderr,
				"ixy-emu: the command wants the address of port {%u}, but there "
				"are %u WIREs\n",
				bad, emu->count);
			return USAGE;
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
	account_final(emu, clock_now());
	return status;
}

int main(int argc, char **argv)
{
	struct setup setup = {
		.emu.interval = NS_PER_SECOND,
		.mac = { 0x02, 0x82, 0x59, 0x90, 0, 0 },
	};
	int status = parse_options(&setup, argc, argv);

	if (status)
		return status == USAGE ? USAGE : 0;
	serve_block_signals();
	status = set_up(&setup);
	if (!status)
		status = run(&setup.emu);
	tear_down(&setup);
	return status;
}
