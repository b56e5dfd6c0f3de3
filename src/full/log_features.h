/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages, by the log hook. */
#pragma once
#include <ixy/log.h>
