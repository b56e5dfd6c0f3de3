/* SPDX-License-Identifier: BSD-2-Clause */
/* The command that ixy-emu runs: its arguments, its start. */
#define _GNU_SOURCE /* pipe2 */
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "output.h"

/* "{N}" at @text. Return: its length, 0 if there is none. */
static size_t placeholder(const char *text, uint32_t *number)
{
	size_t digits = text[0] == '{' ? strspn(text + 1, "0123456789") : 0;

	if (!digits || text[1 + digits] != '}')
		return 0;
	*number = digits < 4 ? strtoul(text + 1, NULL, 10) : UINT32_MAX;
	return digits + 2;
}

static int expand_argument(FILE *out, const char *text, const struct port *ports, uint32_t count,
			   uint32_t *bad)
{
	uint32_t number;
	size_t length;

	while (*text) {
		length = placeholder(text, &number);
		if (!length) {
			fputc(*text++, out);
			continue;
		}
		if (number >= count) {
			*bad = number;
			return -EINVAL;
		}
		fprintf(out, "vfio-user:%s", ports[number].path);
		text += length;
	}
	return 0;
}

int command_expand(char ***expanded, char *const argv[], const struct port *ports, uint32_t count,
		   uint32_t *bad)
{
	size_t argc = 0;
	int err = 0;

	while (argv[argc])
		argc++;
	char **args = calloc(argc + 1, sizeof(*args));
	if (!args)
		return -ENOMEM;

	for (size_t i = 0; i < argc && !err; i++) {
		size_t size;
		FILE *out = open_memstream(&args[i], &size);

		if (!out) {
			err = -ENOMEM;
			break;
		}
		err = expand_argument(out, argv[i], ports, count, bad);
		if (fclose(out) && !err)
			err = -ENOMEM;
	}
	if (err) {
		command_free(args);
		return err;
	}
	*expanded = args;
	return 0;
}

void command_free(char **argv)
{
	for (char **arg = argv; arg && *arg; arg++)
		free(*arg);
	free(argv);
}

/*
 * In the child. The command must not outlive ixy-emu, and gets signals as if it had been started by
 * the shell.
 */
static void run_program(char *const argv[], pid_t parent, int report)
{
	sigset_t none;

	prctl(PR_SET_PDEATHSIG, SIGTERM);
	if (getppid() != parent)
		_exit(1); /* it has ended already */
	signal(SIGPIPE, SIG_DFL);
	signal(SIGXFSZ, SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);

	execvp(argv[0], argv);
	int err = errno;
	if (write(report, &err, sizeof(err)) < 0)
		_exit(1);
	_exit(127);
}

pid_t command_start(char *const argv[])
{
	pid_t parent = getpid();
	int report[2], err = 0;

	if (pipe2(report, O_CLOEXEC)) {
		app_say("cannot start %s: %s", argv[0], strerror(errno));
		return -1;
	}
	pid_t child = fork();
	if (!child)
		run_program(argv, parent, report[1]);
	close(report[1]);
	if (child < 0)
		err = errno;
	else if (read(report[0], &err, sizeof(err)) != sizeof(err))
		err = 0; /* closed by exec */
	close(report[0]);
	if (!err)
		return child;

	if (child > 0)
		waitpid(child, NULL, 0);
	app_say("cannot run %s: %s", argv[0],
		err == ENOENT ? "no such command (or the interpreter of the script is missing)"
			      : strerror(err));
	return child < 0 ? -1 : err == ENOENT ? -127 : -126;
}
