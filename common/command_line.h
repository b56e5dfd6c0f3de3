/* SPDX-License-Identifier: BSD-2-Clause */
/* Command line options as a table, from which --help is printed. Used by all programs, ixy-emu too. */
#pragma once
#include <stdbool.h>

/* One option; a row without a name ends the table. */
struct app_option {
	const char *name; /* "json", or with a short form "q,quiet" */
	const char *argument, *help;
	enum { APP_FLAG, APP_TEXT, APP_DOUBLE, APP_U16, APP_U32, APP_U64 } kind;
	void *value;	 /* bool, const char *, or a number of that kind */
	double min, max; /* of a number, which may end in k, M or G */
};

/**
 * struct app_command - how a program is called
 * @arguments: what follows the options ("A B")
 * @about:     for --help, a sentence or two
 * @options:   all but --help and --version
 * @help_more: prints what --help says behind the options; may be NULL
 */
struct app_command {
	const char *arguments, *about;
	const struct app_option *options;
	void (*help_more)(void);
};

/**
 * app_parse_options() - set the values of @command->options, or do what --help and --version ask
 *
 * Return: true with the first argument at argv[optind]; or false if the program is to end with
 * @status, everything having been said.
 */
bool app_parse_options(const struct app_command *command, int argc, char **argv, int *status);

/** app_wrong_use() - say what is wrong, and how to learn what is right. Return: 2, the exit status */
__attribute__((format(printf, 1, 2))) int app_wrong_use(const char *format, ...);
