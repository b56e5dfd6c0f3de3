/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A process that outlives its parent for a moment: it keeps the parent's DMA memory allocated until
 * the card has stopped writing. watcher.c tells why that is needed, and how it works.
 */
#pragma once
#include <sys/types.h>

/**
 * struct watcher - of one card
 * @pid:    0 if there is none
 * @socket: tells it of memory; it acts when the other end is closed
 * @name:   of the card, for messages
 */
struct watcher {
	pid_t pid;
	int socket;
	const char *name;
};

/* Something to write to one of the card's files in sysfs; one without @file ends a list. */
struct sysfs_setting {
	const char *file, *text;
};

/**
 * watcher_start() - have a card stopped when this process ends, however it ends
 * @dir:  the card's folder in sysfs, open
 * @lock: file that is locked as long as the card is in use
 * @undo: what to write then, after bus mastering has been switched off and the card reset
 *
 * Both files stay the caller's. All DMA memory that there is must be told by watcher_keep().
 *
 * Return: 0, or a negative errno, explained.
 */
int watcher_start(struct watcher *watcher, const char *name, int dir, int lock,
		  const struct sysfs_setting *undo);

/* The card may reach the memory in file @fd from now on. Return: 0 or -errno, explained. */
int watcher_keep(struct watcher *watcher, int fd);

/* The card can no longer reach it, and @fd is about to be closed. */
void watcher_forget(struct watcher *watcher, int fd);

/* The card is silent, and given back. Also if it was never started. */
void watcher_end(struct watcher *watcher);
