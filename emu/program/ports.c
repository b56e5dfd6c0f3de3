/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The loop of ixy-emu. One thread polls all wires and cards. Doorbells are plain memory writes
 * which cause no wake-up, so it has to poll; but an idle emulator must not burn a processor. Hence
 * three gears:
 *
 *	busy	frames move: poll, and look at sockets every LOOK_INTERVAL only, because a system
 *		call costs as much as ten frames
 *	spin	nothing moved, for SPIN_TIME at most: poll, look at sockets each time
 *	sleep	still nothing: wait for sockets SLEEP_MIN, then longer and longer up to SLEEP_MAX,
 *		polling in between. With no client on any socket there are no doorbells, so nothing
 *		but a socket, a wire or a signal ends the wait.
 *
 * Where there are fewer processors than programs that poll, a short sleep is what lets the driver
 * run. sched_yield() would not do: others that poll never yield, so it costs milliseconds each
 * time, while a program that has slept gets the processor soon after it wakes up.
 */
#include "port.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "output.h"

#define US 1000ull
#define MS (1000 * US)

#define LOOK_INTERVAL (20 * US)
#define SPIN_TIME     (50 * US)
#define SLEEP_MIN     (50 * US)
#define SLEEP_MAX     (1 * MS)
#define KILL_AFTER    (5000 * MS) /* a command that was asked to end */

#define BUDGET 32 /* frames that a card sends in one go */

#define EVENTS (WIRES_MAX * 2 + 1)

/**
 * struct server - state of the loop
 * @looked:    when sockets were looked at
 * @active:    when something happened
 * @sleep:     how long the next sleep is
 * @connected: some socket has a client
 * @kill_at:   when a command that was asked to end gets killed; UINT64_MAX: it was not asked
 */
struct server {
	struct emulator *emu;
	int epoll, signals;
	uint64_t now, looked, active, sleep, interval_at, end_at, kill_at;
	uint64_t interval_began;
	bool connected, done;
	int status;
};

uint64_t clock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NS_PER_SECOND + t.tv_nsec;
}

static void signal_set(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGCHLD);
}

void serve_default_signals(void)
{
	signal(SIGPIPE, SIG_IGN); /* writing says what is wrong */
	signal(SIGXFSZ, SIG_IGN);
	/*
	 * Scripts start background jobs with SIGINT ignored, and ignored signals never become
	 * events.
	 */
	signal(SIGINT, SIG_DFL);
	signal(SIGTERM, SIG_DFL);
	signal(SIGCHLD, SIG_DFL);
}

void serve_block_signals(void)
{
	sigset_t set;

	signal_set(&set);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

/* ---- Signals and the command ---- */

static void ask_to_end(struct server *server, int sig, bool pass_on)
{
	struct emulator *emu = server->emu;

	if (emu->child <= 0) {
		server->done = true;
		return;
	}
	/* A second signal kills it. */
	if (server->kill_at != UINT64_MAX)
		kill(emu->child, SIGKILL);
	else if (pass_on)
		kill(emu->child, sig);
	if (server->kill_at == UINT64_MAX)
		server->kill_at = server->now + KILL_AFTER;
}

static void command_ended(struct server *server)
{
	struct emulator *emu = server->emu;
	int status;

	if (emu->child <= 0 || waitpid(emu->child, &status, WNOHANG) != emu->child)
		return;
	emu->child = 0;
	server->done = true;
	server->status = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static void serve_signals(struct server *server)
{
	struct signalfd_siginfo info;

	while (read(server->signals, &info, sizeof(info)) == sizeof(info)) {
		if (info.ssi_signo == SIGCHLD)
			command_ended(server);
		else /* a terminal's Ctrl-C (code above 0) has reached the command by itself */
			ask_to_end(server, info.ssi_signo, info.ssi_code <= 0);
	}
}

/* ---- Sockets ---- */

/* Return: whether there was something to do. */
static bool look(struct server *server)
{
	struct emulator *emu = server->emu;
	struct epoll_event events[EVENTS];
	int n = epoll_wait(server->epoll, events, EVENTS, 0);

	server->looked = server->now;
	for (int i = 0; i < n; i++) {
		uint32_t id = events[i].data.u32;

		if (id == UINT32_MAX)
			serve_signals(server);
		else if (id < emu->count) /* others are wires, and get polled anyway */
			vfu_serve(emu->ports[id].server);
	}
	if (n > 0) {
		server->connected = false;
		for (uint32_t i = 0; i < emu->count; i++)
			server->connected |= vfu_connected(emu->ports[i].server);
	}
	return n > 0;
}

static bool poll_ports(struct server *server)
{
	struct emulator *emu = server->emu;
	uint32_t moved = 0;

	emu->wires.now = server->now;
	for (uint32_t i = 0; i < emu->count; i++) {
		struct port *port = &emu->ports[i];
		uint32_t room = wire_room(port->wire);

		moved += wire_poll(port->wire, server->now);
		moved += nic_poll(port->nic, server->now, room < BUDGET ? room : BUDGET);
	}
	return moved;
}

/* What is due by the clock. */
static void serve_timers(struct server *server)
{
	struct emulator *emu = server->emu;

	if (server->now >= server->interval_at) {
		account_interval(emu, server->now, server->now - server->interval_began);
		server->interval_began = server->now;
		server->interval_at += emu->interval;
		if (server->interval_at <= server->now)
			server->interval_at = server->now + emu->interval;
	}
	if (server->now >= server->end_at) {
		server->end_at = UINT64_MAX;
		ask_to_end(server, SIGTERM, true);
	}
	if (server->now >= server->kill_at) {
		app_say("the command does not end; killing it");
		kill(emu->child, SIGKILL);
		server->kill_at = UINT64_MAX - 1; /* once, and not asked again */
	}
}

static uint64_t earlier(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static void sleep_for_events(struct server *server)
{
	const struct emulator *emu = server->emu;
	struct epoll_event event;
	uint64_t until = earlier(earlier(server->interval_at, server->end_at), server->kill_at);

	for (uint32_t i = 0; i < emu->count; i++)
		until = earlier(until, wire_wake(emu->ports[i].wire));
	if (server->connected) {
		until = earlier(until, server->now + server->sleep);
		server->sleep = earlier(server->sleep + server->sleep / 4, SLEEP_MAX);
	}
	if (until <= server->now)
		return;

	uint64_t time = until - server->now;
	struct timespec timeout = { time / NS_PER_SECOND, time % NS_PER_SECOND };

	/*
	 * The event is left to look(), after the cards have been told the time. Events of wires are
	 * edge-triggered: gone here, but what matters is that the wire gets polled.
	 */
	int n = epoll_pwait2(server->epoll, &event, 1, until == UINT64_MAX ? NULL : &timeout, NULL);
	if (n < 0 && errno != EINTR) /* Linux before 5.11, or a sandbox */
		n = epoll_wait(server->epoll, &event, 1,
			       until == UINT64_MAX ? -1 : (int)earlier(time / MS + 1, 60000));
	if (n > 0)
		server->active = clock_now();
}

static void loop(struct server *server)
{
	for (;;) {
		server->now = clock_now();
		bool busy = poll_ports(server);

		if (!busy || server->now - server->looked >= LOOK_INTERVAL) {
			busy |= look(server);
			serve_timers(server);
		}
		if (server->done)
			break;
		if (busy) {
			server->active = server->now;
			server->sleep = SLEEP_MIN;
		} else if (server->now >= server->active + SPIN_TIME) {
			sleep_for_events(server);
		}
	}
}

/* ---- Set-up ---- */

static int watch_file(struct server *server, int fd, uint32_t events, uint32_t id)
{
	struct epoll_event event = { .events = events, .data.u32 = id };

	return epoll_ctl(server->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int watch_all(struct server *server)
{
	const struct emulator *emu = server->emu;
	sigset_t set;
	int err = 0;

	signal_set(&set);
	server->signals = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (server->signals < 0 || server->epoll < 0)
		return -1;
	err |= watch_file(server, server->signals, EPOLLIN, UINT32_MAX);
	for (uint32_t i = 0; i < emu->count; i++) {
		err |= watch_file(server, vfu_fd(emu->ports[i].server), EPOLLIN, i);
		/*
		 * A wire whose card has no room leaves frames where they are: that must not keep us
		 * awake.
		 */
		if (emu->ports[i].wire->fd >= 0)
			err |= watch_file(server, emu->ports[i].wire->fd, EPOLLIN | EPOLLET,
					  WIRES_MAX + i);
	}
	return err;
}

int serve(struct emulator *emu)
{
	struct server server = {
		.emu = emu,
		.epoll = -1,
		.signals = -1,
		.now = clock_now(),
		.sleep = SLEEP_MIN,
		.kill_at = UINT64_MAX,
	};

	server.interval_began = server.active = emu->started;
	server.interval_at = emu->live ? emu->started + emu->interval : UINT64_MAX;
	server.end_at = emu->duration ? emu->started + emu->duration : UINT64_MAX;
	if (watch_all(&server)) {
		app_say("cannot wait for events: %s", strerror(errno));
		server.status = 1;
		if (emu->child > 0)
			kill(emu->child, SIGTERM);
	} else {
		prctl(PR_SET_TIMERSLACK, 1000); /* sleeps of 50 us should not last 100 us */
		command_ended(&server);		/* perhaps before anybody looked */
		loop(&server);
	}
	if (server.signals >= 0)
		close(server.signals);
	if (server.epoll >= 0)
		close(server.epoll);
	return server.status;
}
