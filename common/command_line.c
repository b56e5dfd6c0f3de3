/* SPDX-License-Identifier: BSD-2-Clause */
/* Command line options; see command_line.h. */
#include "command_line.h"

#include "output.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define OPTIONS_MAX 32
#define HELP_COLUMN 26
#define LONG	    1000 /* what getopt_long() returns for the first row of the table; no letter */

int app_wrong_use(const char *format, ...)
{
	char text[512];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	app_say("%s; try --help", text);
	return 2;
}

static char letter(const struct app_option *o)
{
	return o->name[1] == ',' ? o->name[0] : '\0';
}

static const char *name(const struct app_option *o)
{
	return letter(o) ? o->name + 2 : o->name;
}

static void print_option(const struct app_option *o)
{
	int width = letter(o) ? printf("  -%c, ", letter(o)) : printf("      ");

	width += printf("--%s%s%s", name(o), o->argument ? " " : "", o->argument ?: "");
	printf("%*s", width < HELP_COLUMN ? HELP_COLUMN - width : 1, "");
	app_print_words(stdout, width < HELP_COLUMN ? HELP_COLUMN : width + 1, HELP_COLUMN,
			o->help);
}

static void print_help(const struct app_command *command, const struct app_option *options)
{
	printf("usage: %s [OPTION]... %s\n\n", app_program, command->arguments);
	app_print_words(stdout, 0, 0, command->about);
	putchar('\n');
	for (const struct app_option *o = options; o->name; o++)
		print_option(o);
	if (command->help_more)
		command->help_more();
}

/* Return: false if @text is no number that @o takes. */
static bool set_number(const struct app_option *o, const char *text)
{
	static const char suffixes[] = "kMG";
	const char *suffix;
	char *end;
	double number = strtod(text, &end);

	if (end == text || (*text != '-' && *text != '.' && (*text < '0' || *text > '9')))
		return false;
	if (*end && (suffix = strchr(suffixes, *end)) != NULL) {
		for (; suffix >= suffixes; suffix--)
			number *= 1000;
		end++;
	}
	if (*end || !(number >= o->min && number <= o->max))
		return false;
	if (o->kind != APP_DOUBLE && number != (double)(int64_t)number)
		return false;
	if (o->kind == APP_DOUBLE)
		*(double *)o->value = number;
	else if (o->kind == APP_U16)
		*(uint16_t *)o->value = number;
	else if (o->kind == APP_U32)
		*(uint32_t *)o->value = number;
	else
		*(uint64_t *)o->value = number;
	return true;
}

/* Return: 0 or the exit status. */
static int set_option(const struct app_option *o, const char *text)
{
	if (o->kind == APP_FLAG)
		*(bool *)o->value = true;
	else if (o->kind == APP_TEXT)
		*(const char **)o->value = text;
	else if (!set_number(o, text))
		return app_wrong_use("--%s %s: must be a %snumber from %.16g to %.16g", name(o),
				     text, o->kind == APP_DOUBLE ? "" : "whole ", o->min, o->max);
	return 0;
}

/* What getopt_long() did not like: a short option (optopt has its letter) or the word before. */
static int refuse(const char *problem, char **argv)
{
	if (optopt > 0 && optopt < 128)
		return app_wrong_use("-%c: %s", optopt, problem);
	return app_wrong_use("%s: %s", argv[optind - 1], problem);
}

bool app_parse_options(const struct app_command *command, int argc, char **argv, int *status)
{
	bool help = false, version = false;
	const struct app_option last[] = {
		{ "h,help", NULL, "print this and end", APP_FLAG, &help, 0, 0 },
		{ "V,version", NULL, "print the version and end", APP_FLAG, &version, 0, 0 },
		{ 0 },
	};
	struct app_option options[OPTIONS_MAX];
	struct option names[OPTIONS_MAX] = { 0 };
	char letters[2 * OPTIONS_MAX + 2] = ":", *next = letters + 1;
	int found, count = 0;

	while (command->options[count].name && count < OPTIONS_MAX - 3) {
		options[count] = command->options[count];
		count++;
	}
	memcpy(options + count, last, sizeof(last));
	for (int i = 0; options[i].name; i++) {
		const bool value = options[i].kind != APP_FLAG;
		names[i] = (struct option){ name(&options[i]), value, NULL, LONG + i };
		if (!letter(&options[i]))
			continue;
		*next++ = letter(&options[i]);
		if (value)
			*next++ = ':';
	}

	opterr = 0;
	*status = 0;
	while ((found = getopt_long(argc, argv, letters, names, NULL)) != -1) {
		int i = found - LONG;

		if (found == ':' || found == '?') {
			*status = refuse(found == ':'	  ? "needs a value"
					 : optopt >= LONG ? "takes no value"
							  : "no such option",
					 argv);
			return false;
		}
		if (found < LONG)
			for (i = 0; letter(&options[i]) != found;)
				i++;
		*status = set_option(&options[i], optarg);
		if (help)
			print_help(command, options);
		else if (version)
			printf("%s %s\n", app_program, IXY_VERSION);
		if (*status || help || version)
			return false;
	}
	return true;
}
