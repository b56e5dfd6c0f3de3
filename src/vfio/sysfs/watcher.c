/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Without an IOMMU nothing stands between a card and memory. When a program that drives a card is
 * killed (SIGKILL, a crash, the OOM killer), the kernel gives its memory to others, and does not know
 * about the card, which goes on writing received packets into it. So each card has a watcher: a child
 * process that
 *
 * - holds the files of all DMA memory, so that it stays allocated as long as the watcher lives;
 * - waits for the end of a socket whose other end the program has. The kernel closes that when the
 *   program ends, however it ends, or executes another. A child that the program forks has it, too,
 *   and the memory: then the card stays on until both have ended, as it does with the kernel's VFIO;
 * - switches bus mastering off then, resets the card and ends; only now the memory is free.
 *
 * It is in a session of its own and has all signals blocked, so that Ctrl-C does not reach it. It
 * signals nothing when it ends, and only waitpid() with __WCLONE sees it: programs do not notice that
 * they have a child. If both processes get SIGKILL at once (systemd does that to a service that does
 * not end in time, and so does the end of a container), no watcher is left; only an IOMMU helps there.
 *
 * The child runs in a copy of a process that may have other threads, so it makes system calls and
 * nothing else (signal-safety(7)): no memory is allocated, no lock is taken.
 */
#include <sched.h>
#include <signal.h>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>

#include "../internal.h"
#include "watcher.h"

/* Each is answered by an int: 0 or a negative errno. */
struct message {
	enum { KEEP, FORGET, END } what;
	int fd; /* its number in the parent; with KEEP comes the file itself */
};

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

/* ---- The child ---- */

static void write_file(int dir, const char *name, const char *text)
{
	int fd = openat(dir, name, O_WRONLY | O_TRUNC);

	if (fd >= 0 && write(fd, text, strlen(text)) < 0) {
		/* Not every card has a reset; there is no caller to report that to. */
	}
	close(fd);
}

static void stop_dma(int dir, const struct sysfs_setting *undo)
{
	uint16_t command;
	int config = openat(dir, "config", O_RDWR);

	/* All ones: the card is gone. */
	if (pread(config, &command, sizeof(command), PCI_COMMAND) == sizeof(command) &&
	    command != UINT16_MAX) {
		command &= ~PCI_COMMAND_MASTER;
		/* PCI Express base specification, 2.4.1: what the card wrote before has reached memory
		 * when the answer to a read arrives. */
		if (pwrite(config, &command, sizeof(command), PCI_COMMAND) < 0 ||
		    pread(config, &command, sizeof(command), PCI_COMMAND) < 0) {
			/* The reset remains. */
		}
	}
	close(config);
	/* The next driver may switch bus mastering on before it clears the card's rings. */
	write_file(dir, "reset", "1");
	for (; undo->file; undo++)
		write_file(dir, undo->file, undo->text);
}

/* Files have the same number here as in the parent, where no two have the same. */
static int move(int fd, int number)
{
	if (fd == number)
		return 0;
	int err = dup2(fd, number) < 0 ? -errno : 0;
	close(fd);
	return err;
}

static int receive_message(int socket, struct message *message, int *fd)
{
	struct iovec part = { message, sizeof(*message) };
	union control control;
	struct msghdr header = {
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t got;

	do
		got = recvmsg(socket, &header, 0);
	while (got < 0 && errno == EINTR);
	*fd = -1;
	if (got != sizeof(*message))
		return -EPIPE;
	struct cmsghdr *c = CMSG_FIRSTHDR(&header);
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS)
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return 0;
}

static bool is_one_of(int fd, const int keep[3])
{
	return fd == keep[0] || fd == keep[1] || fd == keep[2];
}

static void close_all_but(const int keep[3])
{
	int last = keep[0] > keep[1] ? keep[0] : keep[1];

	last = last > keep[2] ? last : keep[2];
	if (syscall(SYS_close_range, last + 1, ~0u, 0)) /* before Linux 5.9 */
		last = sysconf(_SC_OPEN_MAX);
	for (int fd = 0; fd <= last; fd++)
		if (!is_one_of(fd, keep))
			close(fd);
}

static _Noreturn void watch_parent(int socket, int number, int dir, int lock,
				   const struct sysfs_setting *undo)
{
	struct message message;
	struct dma_map *map;
	int fd, oom;

	setsid();
	prctl(PR_SET_NAME, "ixy-watcher");
	if (chdir("/")) {
		/* It only keeps a file system from being unmounted. */
	}
	move(socket, number);
	close_all_but((int[]){ number, dir, lock });
	for (map = dma_maps; map; map = map->next) /* else it would stay until we end */
		munmap(map->mem.virt, map->mem.size);
	oom = open("/proc/self/oom_score_adj", O_WRONLY);
	if (oom >= 0 && write(oom, "-1000", 5) < 0) {
		/* Then it may be chosen like anybody. */
	}
	close(oom);

	while (!receive_message(number, &message, &fd)) {
		int err = 0;
		if (message.what == END)
			_exit(0);
		if (message.what == KEEP)
			err = fd < 0 ? -EMFILE : move(fd, message.fd);
		else
			close(message.fd);
		send(number, &err, sizeof(err), MSG_NOSIGNAL);
	}
	stop_dma(dir, undo);
	_exit(0);
}

/* ---- The parent ---- */

int watcher_start(struct watcher *watcher, const char *name, int dir, int lock,
		  const struct sysfs_setting *undo)
{
	const struct timeval patience = { .tv_sec = 5 };
	sigset_t all, before;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
		return ixy_fail(errno, "%s: socketpair: %s", name, strerror(errno));
	setsockopt(pair[0], SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	/* fork() without SIGCHLD, and without handlers of pthread_atfork(). */
	long pid = syscall(SYS_clone, 0, 0, 0, 0, 0);
	if (!pid)
		watch_parent(pair[1], pair[0], dir, lock, undo);
	const int err = errno;
	pthread_sigmask(SIG_SETMASK, &before, NULL);

	close(pair[1]);
	if (pid < 0) {
		close(pair[0]);
		return ixy_fail(err, "%s: cannot start the process that watches over the card: %s",
				name, strerror(err));
	}
	*watcher = (struct watcher){ pid, pair[0], name };
	return 0;
}

static int ask(struct watcher *watcher, const struct message *message)
{
	struct iovec part = { (void *)message, sizeof(*message) };
	union control control = { .header = { .cmsg_len = CMSG_LEN(sizeof(int)),
					      .cmsg_level = SOL_SOCKET,
					      .cmsg_type = SCM_RIGHTS } };
	struct msghdr header = { .msg_iov = &part, .msg_iovlen = 1 };
	int answer;

	if (message->what == KEEP) {
		memcpy(CMSG_DATA(&control.header), &message->fd, sizeof(int));
		header.msg_control = &control;
		header.msg_controllen = sizeof(control);
	}
	if (sendmsg(watcher->socket, &header, MSG_NOSIGNAL) < 0)
		return -errno;
	if (message->what == END)
		return 0;
	ssize_t got;
	do
		got = recv(watcher->socket, &answer, sizeof(answer), 0);
	while (got < 0 && errno == EINTR);
	return got == sizeof(answer) ? answer : got < 0 ? -errno : -EPIPE;
}

int watcher_keep(struct watcher *watcher, int fd)
{
	int err = ask(watcher, &(struct message){ KEEP, fd });

	return err ? ixy_fail(
			     -err,
			     "%s: the process that watches over the card (%d) does not answer: %s; "
			     "open the card again",
			     watcher->name, (int)watcher->pid, strerror(-err))
		   : 0;
}

void watcher_forget(struct watcher *watcher, int fd)
{
	ask(watcher, &(struct message){ FORGET, fd });
}

void watcher_end(struct watcher *watcher)
{
	if (!watcher->pid)
		return;
	ask(watcher, &(struct message){ END, -1 });
	close(watcher->socket);
	while (waitpid(watcher->pid, NULL, __WCLONE) < 0 && errno == EINTR)
		;
	watcher->pid = 0;
}
