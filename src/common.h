/* SPDX-License-Identifier: BSD-2-Clause */
/* What nearly every file of the libraries includes. */
#pragma once
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/ioctl.h>
#include <sys/mman.h>

#include <linux/pci_regs.h>

#include <ixy/vfio.h>

#include <log_features.h>
