/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio as the front end of vhost-user back ends that are slow, wrong, hostile or gone. */
#include "front.h"

#include <stdio.h>

#include <sys/socket.h>
#include <sys/un.h>

#include <poll.h>

#include "../open_files.h"

/* Half a second and more pass at once. */
static _Atomic bool impatient;

int __real_poll(struct pollfd *fds, nfds_t count, int timeout);

int __wrap_poll(struct pollfd *fds, nfds_t count, int timeout)
{
	return __real_poll(fds, count, impatient && timeout >= 400 ? 20 : timeout);
}

/* ---- Bad ones ---- */

/* What becomes of opening a device, with a fault at a step. */
static enum { WELL, BADLY, EITHER_WAY } ends(int step, int fault)
{
	const bool question = step != SET_PROTOCOL_FEATURES;
	const bool acknowledged = step == SET_OWNER || step == SET_MEM_TABLE || step == ADD_MEM_REG;

	if (fault == HANG_UP)
		return BADLY;
	if (!question || fault == ONE_BY_ONE || fault == MANY_FILES)
		return WELL;
	if (fault == REFUSE) /* the number in the answer is 1 */
		return acknowledged ? BADLY : WELL;
	return fault == SAY_MORE || fault == ANSWER_AND_GO ? EITHER_WAY : BADLY;
}

static void every_fault_at_every_step_is_an_error_or_harmless(void **state)
{
	static const int steps[] = { GET_FEATURES,	    SET_PROTOCOL_FEATURES,
				     GET_PROTOCOL_FEATURES, GET_QUEUE_NUM,
				     GET_MAX_MEM_SLOTS,	    SET_OWNER,
				     SET_MEM_TABLE,	    ADD_MEM_REG };
	struct dma_memory mem;

	(void)state;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	const int files = open_files();
	for (size_t s = 0; s < sizeof(steps) / sizeof(*steps); s++)
		for (int fault = HANG_UP; fault < SILENT; fault++) {
			front_start(steps[s] == SET_MEM_TABLE ? F_REPLY_ACK | F_MQ : ALL_PROTOCOL);
			back.at = steps[s];
			back.fault = fault;
			int err = vfio_open(&dev, address);
			if (ends(steps[s], fault) != EITHER_WAY)
				assert_int_equal(ends(steps[s], fault) == BADLY, err < 0);
			assert_int_equal(messages, err ? 1 : 0);
			front_stop(NULL);
			assert_int_equal(open_files(), files);
		}
	vfio_dma_free(&mem);
}

static void wrong_answers_end_the_connection(void **state)
{
	static const int faults[] = { WRONG_REQUEST, WRONG_VERSION, NO_REPLY_FLAG, TOO_SHORT,
				      TOO_LONG,	     HUGE_SIZE,	    GARBAGE };

	(void)state;
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		uint64_t features;
		front_open(ALL_PROTOCOL);
		back.at = GET_FEATURES;
		back.fault = faults[i];
		assert_int_equal(front_call(VHOST_GET_FEATURES, &features), -EPROTO);
		assert_int_equal(messages, 1);
		assert_int_equal(front_call(VHOST_GET_FEATURES, &features), -ENOTCONN);
		assert_int_equal(front_start_ring(0, -1, -1), -ENOTCONN);
		assert_int_equal(messages, 1);
		front_stop(NULL);
	}
}

static void unsolicited_replies_end_the_connection(void **state)
{
	uint64_t features;
	uint8_t status;

	(void)state;
	front_open(ALL_PROTOCOL);
	back.at = GET_FEATURES;
	back.fault = SAY_MORE;
	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), 0);
	back.fault = NONE;
	int err;
	for (int i = 0; i < 5000; i++) {
		err = front_call(VHOST_VDPA_GET_STATUS, &status);
		if (err)
			break;
		usleep(1000); /* the second answer is still on its way */
	}
	assert_int_equal(err, -EPROTO);
}

static void a_silent_back_end_is_given_up(void **state)
{
	(void)state;
	impatient = true;
	front_start(ALL_PROTOCOL);
	back.at = GET_FEATURES;
	back.fault = SILENT;
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
	impatient = false;
	assert_non_null(strstr(last_message, "the back end does not answer"));
	assert_non_null(strstr(last_message, "is it a vhost-user back end"));
}

/* A socket's file at @address without a process that accepts. Return: the socket. */
static int bind_only(struct sockaddr_un *local)
{
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	*local = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(local->sun_path, sizeof(local->sun_path), "/tmp/ixy-mute.%d.sock", getpid());
	snprintf(address, sizeof(address), "vhost-user:%s", local->sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)local, sizeof(*local)), 0);
	return fd;
}

static void a_back_end_that_does_not_even_accept_is_given_up(void **state)
{
	struct sockaddr_un local;
	int fd = bind_only(&local);

	(void)state;
	assert_int_equal(listen(fd, 1), 0);
	impatient = true;
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
	impatient = false;
	close(fd);
	unlink(local.sun_path);
}

static void addresses_that_are_no_back_end(void **state)
{
	struct sockaddr_un local;
	char longer[300] = "vhost-user:";

	(void)state;
	assert_int_equal(vfio_open(&dev, "vhost-user:/nowhere/at/all"), -ENOENT);
	assert_non_null(strstr(last_message, "no back end listens there; start it first"));
	assert_int_equal(vfio_open(&dev, "vhost-user:/dev/null"), -ENOTSOCK);
	assert_int_equal(vfio_open(&dev, "vhost-user:"), -EINVAL);
	memset(longer + 11, 'x', 200);
	assert_int_equal(vfio_open(&dev, longer), -ENAMETOOLONG);

	close(bind_only(&local));
	assert_int_equal(vfio_open(&dev, address), -ECONNREFUSED);
	assert_non_null(strstr(last_message, "start it first"));
	unlink(local.sun_path);
}

/* ---- A back end that restarts ---- */

static void a_lost_back_end_is_noticed_and_connected_again(void **state)
{
	static const uint64_t kinds[] = { F_REPLY_ACK, F_REPLY_ACK | F_MEM_SLOTS };
	struct dma_memory before, meanwhile, gone;
	uint64_t features;
	uint8_t status = 15;

	(void)state;
	for (int i = 0; i < 2; i++) {
		front_open(kinds[i]);
		assert_int_equal(vfio_dma_alloc(&before, 4096), 0);
		assert_int_equal(vfio_dma_alloc(&gone, 4096), 0);
		*(uint32_t *)before.virt = 0x3333;
		assert_int_equal(front_start_ring(0, -1, -1), 0);
		assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), 0);

		back_end_stop(&back);
		assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), -ENOTCONN);
		assert_int_equal(messages, 1);
		assert_non_null(strstr(last_message, "the back end has disconnected"));
		assert_int_equal(front_call(VHOST_GET_FEATURES, &features), -ENOTCONN);
		assert_int_equal(vfio_reset(dev), -ENOTCONN);
		/* Other devices of the program do not suffer. */
		assert_int_equal(vfio_dma_alloc(&meanwhile, 4096), 0);
		*(uint32_t *)meanwhile.virt = 0x4444;
		const uint64_t iova = gone.iova;
		vfio_dma_free(&gone);
		assert_int_equal(front_call(VHOST_SET_OWNER, NULL), -ENOENT);
		assert_int_equal(messages, 1); /* it is up to the driver to tell */

		back_end_start(&back);
		assert_int_equal(front_call(VHOST_SET_OWNER, NULL), 0);
		assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), 0);
		assert_int_equal(status, 0);
		assert_int_equal(front_word_at(before.iova), 0x3333);
		assert_int_equal(front_word_at(meanwhile.iova), 0x4444);
		assert_int_equal(front_word_at(iova), 0);
		pthread_mutex_lock(&back.lock);
		assert_true(back.owned);
		pthread_mutex_unlock(&back.lock);
		assert_int_equal(vfio_reset(dev), 0);
		assert_int_equal(front_seen(GET_VRING_BASE), 0); /* rings of another life */
		assert_int_equal(front_call(VHOST_SET_OWNER, NULL), 0);
		assert_int_equal(front_seen(SET_OWNER), 1);
		vfio_dma_free(&before);
		vfio_dma_free(&meanwhile);
		front_stop(NULL);
	}
}

/* Each attempt waits for the answer to the first question: no connections are left behind. */
static void a_slow_back_end_is_asked_once(void **state)
{
	struct sockaddr_un local = { .sun_family = AF_UNIX };
	uint8_t question[64], status;

	(void)state;
	front_open(ALL_PROTOCOL);
	back_end_stop(&back);
	strcpy(local.sun_path, back.path);
	unlink(local.sun_path);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&local, sizeof(local)), 0);
	assert_int_equal(listen(fd, 8), 0);

	assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), -ENOTCONN);
	impatient = true;
	for (int i = 0; i < 5; i++)
		assert_int_equal(front_call(VHOST_SET_OWNER, NULL), -EAGAIN);
	impatient = false;
	assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), -ENOTCONN);
	int connection = accept(fd, NULL, NULL);
	assert_true(connection >= 0);
	assert_true(accept(fd, NULL, NULL) < 0);
	assert_int_equal(recv(connection, question, sizeof(question), 0), 12);

	/* It ends without having answered: the next one is asked anew. */
	close(connection);
	close(fd);
	unlink(local.sun_path);
	back_end_start(&back);
	assert_true(front_call(VHOST_SET_OWNER, NULL) < 0);
	assert_int_equal(front_call(VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), 0);
}

static void a_failed_attempt_leaves_it_lost(void **state)
{
	uint64_t features;

	(void)state;
	front_open(ALL_PROTOCOL);
	back_end_hang_up(&back);
	back.at = SET_OWNER;
	back.fault = REFUSE;
	assert_int_equal(front_call(VHOST_SET_OWNER, NULL), -EIO);
	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), -ENOTCONN);
	back.fault = NONE;
	assert_int_equal(front_call(VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), 0);
}

int main(void)
{
#define test(name) cmocka_unit_test_teardown(name, front_stop)
	const struct CMUnitTest tests[] = {
		test(every_fault_at_every_step_is_an_error_or_harmless),
		test(wrong_answers_end_the_connection),
		test(unsolicited_replies_end_the_connection),
		test(a_silent_back_end_is_given_up),
		test(a_back_end_that_does_not_even_accept_is_given_up),
		test(addresses_that_are_no_back_end),
		test(a_lost_back_end_is_noticed_and_connected_again),
		test(a_slow_back_end_is_asked_once),
		test(a_failed_attempt_leaves_it_lost),
	};

	return cmocka_run_group_tests(tests, front_keep_messages, NULL);
}
