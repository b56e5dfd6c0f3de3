/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The vfio-user server with clients that are broken, slow, malicious or gone. Whatever they do, the
 * next one is served.
 */
#include "vfio_user_client.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

/* ---- Messages in pieces, and what is none ---- */

static void message_may_arrive_byte_by_byte(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	struct {
		struct header header;
		uint64_t offset;
		uint32_t region, count, value;
	} __attribute__((packed)) write = { { 7, REGION_WRITE, 36, 0, 0 }, FCTRL, 0, 4, 0x700 };

	for (size_t i = 0; i < sizeof(write); i++) {
		send_raw(fd, (uint8_t *)&write + i, 1, NULL, 0);
		serve(world);
	}
	assert_true(receive_answer(world, fd));
	assert_int_equal(answer.header.id, 7);
	assert_int_equal(read_register(world, fd, FCTRL, 4), 0x700);
	close(fd);
}

static void file_may_come_with_any_byte_of_its_message(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(4096);
	struct {
		struct header header;
		uint32_t argsz, flags;
		uint64_t offset, iova, size;
	} map = { { 7, DMA_MAP, sizeof(map), 0, 0 }, 32, 3, 0, 0, 4096 };
	struct nic_window window;

	for (size_t i = 0; i < sizeof(map); i++) {
		map.iova = i * 4096;
		/* The message before, without a file, is still unread. */
		send_message(fd, REGION_READ, 0, "\0\0\0\0\0\0\0\0\0\0\0\0\4\0\0", 16, NULL, 0);
		send_raw(fd, &map, i, NULL, 0);
		send_raw(fd, (uint8_t *)&map + i, sizeof(map) - i, &memory, 1);
		assert_true(receive_answer(world, fd));
		assert_true(receive_answer(world, fd));
		assert_int_equal(answer.header.flags, 1);
		assert_true(vfu_window(world->server, map.iova, &window));
	}
	close(memory);
	close(fd);
}

static void partial_messages_block_no_other_client(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	send_raw(fd, "\1\0\11\0\40\0\0\0\0\0", 10, NULL, 0);
	serve(world); /* comes back */
	assert_int_equal(vfu_serve(world->server), 0);
	close(fd);
	serve(world);
	assert_ready_for_the_next(world);
}

static void garbage_ends_the_connection(void **state)
{
	static const struct header bad[] = {
		{ 1, GET_INFO, 0, 0, 0 },
		{ 1, GET_INFO, 15, 0, 0 },
		{ 1, REGION_WRITE, UINT32_MAX, 0, 0 },
		{ 1, REGION_WRITE, 0x7fffffff, 0, 0 },
		{ 1, REGION_WRITE, (1 << 20) + 33, 0, 0 },
		{ 1, GET_INFO, 32, 1, 0 }, /* a reply */
		{ 1, GET_INFO, 32, 0xf, 0 },
	};
	struct world *world = *state;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		int fd = client_open(world);

		send_raw(fd, &bad[i], sizeof(bad[i]), NULL, 0);
		assert_true(client_hung_up(world, fd));
		close(fd);
		assert_ready_for_the_next(world);
	}
}

static void first_message_must_be_the_version(void **state)
{
	struct world *world = *state;
	int fd = client_connect(world);

	assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), EINVAL);
	assert_true(client_hung_up(world, fd));
	close(fd);
	assert_ready_for_the_next(world);
}

/* ---- File descriptors ---- */

static void files_with_every_message_are_closed(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int before = open_files();
	int many[253];

	for (size_t i = 0; i < sizeof(many) / sizeof(many[0]); i++)
		many[i] = fd;
	uint32_t info[4] = { sizeof(info) };

	/* Not wanted, but not in the way; unless they are more than the kernel takes at once. */
	assert_int_equal(call(world, fd, GET_INFO, info, sizeof(info), many, 253), 0);
	send_raw(fd, "\1\0\4\0\40\0\0\0\0\0\0\0\0\0\0\0", 16, many, 253);
	send_raw(fd, info, sizeof(info), many, 1);
	assert_true(receive_answer(world, fd));
	assert_int_equal(answer.header.error, EINVAL);
	for (int i = 0; i < 100; i++)
		assert_int_equal(call(world, fd, GET_INFO, info, sizeof(info), many, 16), 0);
	assert_int_equal(call(world, fd, SET_IRQS, info, sizeof(info), many, 16), EINVAL);
	assert_int_equal(call(world, fd, DMA_MAP, info, sizeof(info), many, 16), EINVAL);
	assert_int_equal(open_files(), before);
	/* Also those of a message that never becomes whole. */
	send_raw(fd, "\1\0\11", 3, many, 16);
	send_raw(fd, "\0", 1, many, 16);
	close(fd);
	serve(world);
	assert_int_equal(open_files(), before - 2); /* both ends of the connection are gone */
}

static void mapped_memory_and_eventfds_cost_no_files_later(void **state)
{
	struct world *world = *state;
	int before = open_files();
	int fd = client_open(world);
	int memory = new_memory(64 * 4096);
	int events[16];

	for (int i = 0; i < 16; i++)
		events[i] = eventfd(0, 0);
	for (uint64_t i = 0; i < 64; i++)
		assert_int_equal(map(world, fd, i * 4096, 4096, memory, i * 4096), 0);
	for (int i = 0; i < 12; i++) /* again and again: the old ones are closed */
		assert_int_equal(
			set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, i % 4 * 16, 16, events, 16),
			0);
	close(fd);
	serve(world);
	for (int i = 0; i < 16; i++)
		close(events[i]);
	close(memory);
	assert_int_equal(open_files(), before);
}

static void full_eventfd_does_not_block_the_card(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int event = eventfd(0, 0); /* a blocking one, and it stays so: the client may rely on it */
	uint64_t full = UINT64_MAX - 1;

	assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &event, 1), 0);
	assert_int_equal(fcntl(event, F_GETFL) & O_NONBLOCK, 0);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(event), 1);
	assert_int_equal(write(event, &full, sizeof(full)), sizeof(full));
	vfu_interrupt(world->server, 0); /* comes back */
	vfu_interrupt(world->server, 0);
	assert_true(signalled(event) >= full);
	vfu_interrupt(world->server, 0);
	assert_int_equal(signalled(event), 1);
	close(event);
	close(fd);
}

/* ---- Clients that come and go ---- */

static void client_that_leaves_takes_everything_with_it(void **state)
{
	struct world *world = *state;
	int memory = new_memory(4096), event = eventfd(0, EFD_NONBLOCK);

	for (int i = 0; i < 3; i++) {
		int fd = client_open(world);

		assert_int_equal(map(world, fd, 0x10000, 4096, memory, 0), 0);
		assert_int_equal(set_irqs(world, fd, EVENTFD | TRIGGER, MSIX, 0, 1, &event, 1), 0);
		assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), 0);
		send_message(fd, GET_INFO, 0, "half", 4, NULL,
			     0); /* with a reply that is never read */
		close(fd);
		serve(world);
		vfu_interrupt(world->server, 0);
		assert_int_equal(signalled(event), 0);
		assert_ready_for_the_next(world);
	}
	close(memory);
	close(event);
}

static void killed_client_can_start_again_at_once(void **state)
{
	struct world *world = *state;

	for (int i = 0; i < 20; i++) {
		struct nic_window window;
		int fd = client_open(world);
		int memory = new_memory(4096);
		pid_t pid = fork();

		if (pid == 0) {
			pause();
			_exit(0);
		}
		/* The child has a copy of the connection: it lives as long as the child. */
		assert_int_equal(map(world, fd, 0x10000, 4096, memory, 0), 0);
		assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), 0);
		close(memory);
		close(fd);
		serve(world);
		assert_true(vfu_connected(world->server));
		assert_true(vfu_window(world->server, 0x10000, &window));
		kill(pid, SIGKILL);
		assert_int_equal(waitpid(pid, NULL, 0), pid);

		/*
		 * No pause: the new client connects before the server has noticed the end of the
		 * old one.
		 */
		assert_ready_for_the_next(world);
	}
}

static void second_client_is_hung_up_on_at_once(void **state)
{
	struct world *world = *state;
	int first = client_open(world);
	int second = client_connect(world);

	assert_true(client_hung_up(world, second));
	assert_int_equal(write_register(world, first, FCTRL, 0x700, 4), 0);
	close(second);
	close(first);
	serve(world);
	assert_ready_for_the_next(world);
}

static void silent_client_gives_way(void **state)
{
	struct world *world = *state;
	int silent = client_connect(world);
	int fd = client_open(world);

	assert_true(client_hung_up(world, silent));
	assert_int_equal(write_register(world, fd, FCTRL, 0x700, 4), 0);
	close(silent);
	close(fd);
}

/* Asks for 128 KiB of registers. Return: false if the socket is full or disconnected. */
static bool ask_much(int fd, uint16_t id)
{
	struct {
		struct header header;
		uint64_t offset;
		uint32_t region, count;
	} read = { { id, REGION_READ, sizeof(read), 0, 0 }, 0, 0, 0x20000 };

	return send(fd, &read, sizeof(read), MSG_DONTWAIT | MSG_NOSIGNAL) == sizeof(read);
}

static void answers_wait_until_they_are_read(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);

	for (uint16_t i = 0; i < 20; i++) {
		assert_true(ask_much(fd, i));
		serve(world); /* comes back, and does not spin: nothing is to be done now */
	}
	for (uint16_t i = 0; i < 20; i++) {
		assert_true(receive_answer(world, fd));
		assert_int_equal(answer.header.id, i);
		assert_int_equal(answer.size, 16 + 0x20000);
	}
	assert_int_equal(write_register(world, fd, VFTA(0), 5, 4), 0);
	assert_int_equal(read_register(world, fd, VFTA(0), 4), 5);

	/* And leaves without having read. */
	for (uint16_t i = 0; i < 20; i++)
		ask_much(fd, i);
	serve(world);
	close(fd);
	serve(world);
	assert_ready_for_the_next(world);
}

/* A file that goes with an answer stays with it, however long that waits. */
static void files_wait_with_their_answers(void **state)
{
	struct world *world = *state;
	uint32_t info[8] = { 4096 };
	int fd = client_open(world);

	for (uint16_t i = 0; i < 4; i++)
		ask_much(fd, i);
	send_message(fd, REGION_INFO, 0, info, sizeof(info), NULL, 0);
	ask_much(fd, 5);
	serve(world);
	for (int i = 0; i < 6; i++) {
		assert_true(receive_answer(world, fd));
		assert_int_equal(answer.fd_count, i == 4);
		if (i == 4)
			close(answer.fds[0]);
	}
	close(fd);
}

static void client_that_never_reads_is_hung_up_on(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	uint16_t sent = 0;

	for (; sent < 1000 && ask_much(fd, sent); sent++)
		serve(world);
	assert_in_range(sent, 20, 999);
	assert_false(vfu_connected(world->server));
	assert_ready_for_the_next(world);
	close(fd);
}

/*
 * A client may put its own end of the connection into a message: as long as nobody reads that, the end stays
 * open after the client has exited. The server must notice all the same.
 */
static void own_end_in_a_message_does_not_keep_the_card(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	const int before = open_files();

	strcpy(address.sun_path, world->path);
	for (int hidden = 0; hidden < 6; hidden++) {
		int fd = client_open(world), other = -1, pair[2];

		switch (hidden) {
		case 0: /* in a whole message */
			send_message(fd, DMA_UNMAP, 0, NULL, 0, &fd, 1);
			break;
		case 1: /* in half a message */
			send_raw(fd, "\1\0\11", 3, &fd, 1);
			break;
		case 2: /* behind replies that are never read */
			for (uint16_t i = 0; i < 5; i++)
				ask_much(fd, i);
			send_message(fd, GET_INFO, 0, NULL, 0, &fd, 1);
			break;
		case 3: /* the same, but the answers wait already */
			for (uint16_t i = 0; i < 5; i++) {
				ask_much(fd, i);
				serve(world);
			}
			send_message(fd, GET_INFO, 0, NULL, 0, &fd, 1);
			break;
		case 4: /* in a socket that is in the message */
			assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
			send_raw(pair[0], "x", 1, &fd, 1);
			for (uint16_t i = 0; i < 5; i++)
				ask_much(fd, i);
			send_message(fd, GET_INFO, 0, NULL, 0, &pair[1], 1);
			close(pair[0]);
			close(pair[1]);
			break;
		default: /* in another connection, which waits to be accepted */
			other = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
			assert_int_equal(
				connect(other, (struct sockaddr *)&address, sizeof(address)), 0);
			send_raw(other, "x", 1, &fd, 1);
			send_raw(other, "x", 1, &other, 1);
			close(other);
		}
		close(fd);
		serve(world);
		assert_false(vfu_connected(world->server));
		assert_ready_for_the_next(world);
		assert_int_equal(open_files(), before);
	}
}

/* ---- No descriptors left ---- */

static int fillers[1024], filler_count;

/* All descriptors are taken, but @left. */
static void leave_descriptors(int left)
{
	struct rlimit limit = { 0 };
	int fd;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &limit), 0);
	limit.rlim_cur = 100;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	while ((fd = dup(0)) >= 0)
		fillers[filler_count++] = fd;
	while (left--)
		close(fillers[--filler_count]);
}

static void give_descriptors_back(void)
{
	while (filler_count)
		close(fillers[--filler_count]);
}

static void without_descriptors_newcomers_are_turned_away(void **state)
{
	struct world *world = *state;
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, world->path);
	for (int left = 0; left < 4; left++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		int waiting[40];

		for (size_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++)
			waiting[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
		leave_descriptors(left);
		assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
		serve(world); /* comes back, and does not spin */
		assert_int_equal(client_hung_up(world, fd), left < 2);
		close(fd);
		serve(world);
		/* Many at once, as far as the backlog takes them. */
		for (size_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++)
			(void)!connect(waiting[i], (struct sockaddr *)&address, sizeof(address));
		serve(world);
		for (size_t i = 0; i < sizeof(waiting) / sizeof(*waiting); i++)
			close(waiting[i]);
		serve(world);
		give_descriptors_back();
		assert_ready_for_the_next(world);
	}
}

static void without_descriptors_files_are_refused(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	int memory = new_memory(4 * 4096);

	leave_descriptors(0);
	assert_int_equal(map(world, fd, 0, 4096, memory, 0), EMFILE);
	give_descriptors_back();
	assert_int_equal(map(world, fd, 0, 4096, memory, 0), 0);
	close(memory);
	close(fd);
}

/* ---- Fairness ---- */

static void one_client_does_not_get_all_the_time(void **state)
{
	struct world *world = *state;
	int fd = client_open(world);
	struct {
		uint64_t offset;
		uint32_t region, count, value;
	} write = { VFTA(0), 0, 4, 0 };

	for (int i = 0; i < 150; i++)
		send_message(fd, REGION_WRITE, NO_REPLY, &write, 20, NULL, 0);
	assert_int_equal(vfu_serve(world->server), 64);
	assert_int_equal(vfu_serve(world->server), 64);
	assert_int_equal(vfu_serve(world->server), 22);
	close(fd);
}

/* ---- Memory that goes away ---- */

/*
 * cmocka puts its own handler of SIGBUS in place for each test: a new server puts its own before
 * it.
 */
static struct world *renew(void **state)
{
	world_destroy(state);
	world_create(state);
	return *state;
}

static void truncated_memory_costs_the_client_not_the_emulator(void **state)
{
	struct world *world = renew(state);
	int fd = client_open(world);
	int memory = new_memory(64 * 4096), other = new_memory(4096);
	struct nic_window window, healthy;

	assert_int_equal(map(world, fd, 0x100000, 32 * 4096, memory, 0), 0);
	assert_int_equal(map(world, fd, 0x200000, 32 * 4096, memory, 32 * 4096), 0);
	assert_int_equal(map(world, fd, 0x300000, 4096, other, 0), 0);
	assert_true(vfu_window(world->server, 0x200000, &window));
	assert_true(vfu_window(world->server, 0x300000, &healthy));
	assert_int_equal(ftruncate(memory, 4096), 0);

	volatile uint32_t *word = (volatile uint32_t *)(window.host + 5 * 4096);

	assert_int_equal(*word, 0);
	*word = 1;
	assert_int_equal(*word, 1);
	assert_int_equal(healthy.host[4], 1); /* other memory is as it was */
	assert_true(client_hung_up(world, fd));
	assert_false(vfu_connected(world->server));
	close(memory);
	close(other);
	close(fd);
	assert_ready_for_the_next(world);
}

static void read_only_memory_may_be_truncated_too(void **state)
{
	struct world *world = renew(state);
	int fd = client_open(world);
	int memory = new_memory(8 * 4096);
	struct nic_window window;

	assert_int_equal(map_flags(world, fd, 0x100000, 8 * 4096, memory, 0, 1), 0);
	assert_true(vfu_window(world->server, 0x100000, &window));
	assert_int_equal(ftruncate(memory, 0), 0);
	assert_int_equal(((volatile uint8_t *)window.host)[4096], 0);
	assert_true(client_hung_up(world, fd));
	close(memory);
	close(fd);
	assert_ready_for_the_next(world);
}

/* A bug of ours must not be hidden. */
static void other_bus_errors_are_still_deadly(void **state)
{
	struct world *world = *state;
	struct vfu_server *another;
	char path[80];
	int status;

	snprintf(path, sizeof(path), "%s/another", world->directory);
	pid_t pid = fork();

	if (pid == 0) {
		struct rlimit no_core = { 0, 0 };
		int memory = new_memory(4096);
		volatile uint8_t *page = mmap(NULL, 4096, PROT_READ, MAP_SHARED, memory, 0);

		setrlimit(RLIMIT_CORE, &no_core);
		signal(SIGBUS, SIG_DFL);
		if (vfu_listen(&another, path, world->nic, false) == 0 && ftruncate(memory, 0) == 0)
			_exit(page[0]);
		_exit(1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGBUS);
	unlink(path);
}

/* ---- The socket file ---- */

static void stale_socket_is_replaced_a_live_one_is_not(void **state)
{
	struct world *world = *state;
	struct vfu_server *another = NULL;

	assert_int_equal(vfu_listen(&another, world->path, world->nic, false), -EADDRINUSE);
	assert_ready_for_the_next(world);

	/* A server that was killed leaves its file behind. */
	char stale[80];
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	snprintf(stale, sizeof(stale), "%s/stale", world->directory);
	strcpy(address.sun_path, stale);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	close(fd);
	assert_int_equal(vfu_listen(&another, stale, world->nic, false), 0);
	vfu_close(another);
	assert_int_equal(access(stale, F_OK), -1);
}

static void other_files_are_left_alone(void **state)
{
	struct world *world = *state;
	struct vfu_server *another = NULL;
	char file[80], name[200];

	snprintf(file, sizeof(file), "%s/file", world->directory);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	assert_int_equal(vfu_listen(&another, file, world->nic, false), -EEXIST);
	assert_int_equal(access(file, F_OK), 0);

	/* Nor does a server remove what took the place of its own socket. */
	assert_int_equal(rename(file, world->path), 0);
	vfu_close(world->server);
	world->server = NULL;
	assert_int_equal(access(world->path, F_OK), 0);

	memset(name, 'x', sizeof(name));
	name[sizeof(name) - 1] = '\0';
	assert_int_equal(vfu_listen(&another, name, world->nic, false), -ENAMETOOLONG);
	assert_int_equal(vfu_listen(&another, "/nowhere/at/all", world->nic, false), -ENOENT);
	vfu_close(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, world_create, world_destroy)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(message_may_arrive_byte_by_byte),
		TEST(file_may_come_with_any_byte_of_its_message),
		TEST(partial_messages_block_no_other_client),
		TEST(garbage_ends_the_connection),
		TEST(first_message_must_be_the_version),
		TEST(files_with_every_message_are_closed),
		TEST(mapped_memory_and_eventfds_cost_no_files_later),
		TEST(full_eventfd_does_not_block_the_card),
		TEST(client_that_leaves_takes_everything_with_it),
		TEST(killed_client_can_start_again_at_once),
		TEST(second_client_is_hung_up_on_at_once),
		TEST(silent_client_gives_way),
		TEST(answers_wait_until_they_are_read),
		TEST(files_wait_with_their_answers),
		TEST(client_that_never_reads_is_hung_up_on),
		TEST(own_end_in_a_message_does_not_keep_the_card),
		TEST(without_descriptors_newcomers_are_turned_away),
		TEST(without_descriptors_files_are_refused),
		TEST(one_client_does_not_get_all_the_time),
		TEST(truncated_memory_costs_the_client_not_the_emulator),
		TEST(read_only_memory_may_be_truncated_too),
		TEST(other_bus_errors_are_still_deadly),
		TEST(stale_socket_is_replaced_a_live_one_is_not),
		TEST(other_files_are_left_alone),
	};

	alarm(120); /* what must not block ends here if it does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
