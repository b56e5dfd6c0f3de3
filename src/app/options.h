/* SPDX-License-Identifier: BSD-2-Clause */
/* Command line options as a table, from which --help is printed. */
#pragma once
#include "app.h"

/* One option; a row without a name ends the table. */
struct app_option {
	const char *name, *argument, *help;
	enum { APP_FLAG, APP_TEXT, APP_DOUBLE, APP_U16, APP_U32, APP_U64 } kind;
	void *value;	 /* bool, const char *, or a number of that kind */
	double min, max; /* of a number, which may end in k or M */
};
