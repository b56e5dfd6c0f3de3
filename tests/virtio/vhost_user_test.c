/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio as the front end of vhost-user back ends that are good, slow, wrong, hostile or gone. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <linux/pci_regs.h>
#include <linux/vhost.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio_backend.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_irq.h>
#include <ixy/vfio_pci.h>

#include "back_end.h"

#define VIRTIO_FEATURES (1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_F_RING_PACKED)
#define ALL_PROTOCOL	(F_MQ | F_REPLY_ACK | F_CONFIG | F_MEM_SLOTS | F_STATUS)

static struct back_end back;
static char address[128];
static struct vfio_device *dev;
static char last_message[512];
static uint32_t messages;

static void keep_message(enum ixy_log_level level, const char *message, void *unused)
{
	(void)level, (void)unused;
	messages++;
	snprintf(last_message, sizeof(last_message), "%s", message);
}

/* With features @protocol; none at all if that is 0. */
static void start(uint64_t protocol)
{
	memset(&back, 0, sizeof(back));
	back.features = VIRTIO_FEATURES | (protocol ? F_PROTOCOL : 0);
	back.protocol = protocol | 1ull << 63; /* what nobody knows */
	back.pairs = 4;
	back.slots = 32;
	back_end_start(&back);
	snprintf(address, sizeof(address), "vhost-user:%s", back.path);
	messages = 0;
	*last_message = '\0';
}

static void start_and_open(uint64_t protocol)
{
	start(protocol);
	assert_int_equal(vfio_open(&dev, address), 0);
}

static int stop(void **state)
{
	(void)state;
	vfio_close(dev);
	dev = NULL;
	if (back.stop == false && *back.path)
		back_end_stop(&back);
	*back.path = '\0';
	return 0;
}

static int call(unsigned long request, void *argument)
{
	return dev->backend->call(dev, request, argument);
}

/* Messages without reply have been understood when one with a reply has. */
static void settle(void)
{
	uint64_t features;

	assert_int_equal(call(VHOST_GET_FEATURES, &features), 0);
}

static uint32_t seen(int message)
{
	pthread_mutex_lock(&back.lock);
	uint32_t count = back.seen[message];
	pthread_mutex_unlock(&back.lock);
	return count;
}

static struct back_end_ring ring(uint32_t index)
{
	pthread_mutex_lock(&back.lock);
	struct back_end_ring copy = back.rings[index];
	pthread_mutex_unlock(&back.lock);
	return copy;
}

/* What the back end finds at an I/O address; 0 if it cannot reach it. */
static uint32_t word_at(uint64_t iova)
{
	pthread_mutex_lock(&back.lock);
	const uint32_t *word = back_end_memory(&back, iova, sizeof(*word));
	uint32_t value = word ? *word : 0;
	pthread_mutex_unlock(&back.lock);
	return value;
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	while (readdir(dir))
		count++;
	closedir(dir);
	return count;
}

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + t.tv_nsec / 1e9;
}

/* ---- A good back end ---- */

static void looks_like_a_virtio_net_function_without_bars(void **state)
{
	const struct vfio_bar *bar;
	uint16_t ids[2], command = 7;

	(void)state;
	start_and_open(ALL_PROTOCOL);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, ids, 4), 0);
	assert_int_equal(ids[0], 0x1af4);
	assert_int_equal(ids[1], 0x1041);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	assert_int_equal(
		vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, PCI_COMMAND, &command, 2), 0);
	assert_int_equal(command, 0);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 254, ids, 4), -EIO);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 0, ids, 4), -EIO);
	assert_int_equal(vfio_bar(dev, VFIO_PCI_BAR0_REGION_INDEX, &bar), -ENXIO);
	assert_int_equal(vfio_irq_count(dev, VFIO_PCI_MSIX_IRQ_INDEX), 0);
	assert_int_equal(vfio_check(dev), 0);
	assert_int_equal(vfio_find_capability(dev, PCI_CAP_ID_VNDR), -ENOENT);
	assert_int_equal(call(VHOST_SET_MEM_TABLE, NULL), -ENOTTY);
}

static void negotiates_in_the_order_of_other_front_ends(void **state)
{
	static const uint32_t order[] = {
		GET_FEATURES,  GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES,
		GET_QUEUE_NUM, GET_MAX_MEM_SLOTS,     SET_OWNER,
	};

	(void)state;
	start_and_open(ALL_PROTOCOL);
	pthread_mutex_lock(&back.lock);
	assert_memory_equal(back.order, order, sizeof(order));
	assert_int_equal(back.agreed_protocol, ALL_PROTOCOL);
	pthread_mutex_unlock(&back.lock);
}

static void keeps_protocol_features_to_itself(void **state)
{
	uint64_t features;

	(void)state;
	start_and_open(F_REPLY_ACK);
	assert_int_equal(call(VHOST_GET_FEATURES, &features), 0);
	assert_int_equal(features, VIRTIO_FEATURES);
	assert_int_equal(call(VHOST_SET_FEATURES, &features), 0);
	pthread_mutex_lock(&back.lock);
	assert_int_equal(back.agreed, VIRTIO_FEATURES | F_PROTOCOL);
	pthread_mutex_unlock(&back.lock);
	features |= 1ull << 50;
	assert_int_equal(call(VHOST_SET_FEATURES, &features), -EIO);
}

static void split_in_the_address_hides_packed_rings(void **state)
{
	uint64_t features;

	(void)state;
	start(F_REPLY_ACK);
	strcat(address, ",split");
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(call(VHOST_GET_FEATURES, &features), 0);
	assert_int_equal(features, 1ull << VIRTIO_F_VERSION_1);
}

static void tells_how_many_queues_there_are(void **state)
{
	uint32_t count;

	(void)state;
	start_and_open(F_MQ);
	assert_int_equal(call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 8);
	stop(NULL);

	start_and_open(F_REPLY_ACK);
	assert_int_equal(call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(seen(GET_QUEUE_NUM), 0);
	stop(NULL);

	start(F_MQ);
	back.pairs = 0;
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 2);
	stop(NULL);

	start(F_MQ);
	back.pairs = UINT64_MAX;
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 256);
}

static void memory_comes_and_goes(void **state)
{
	static const uint64_t kinds[] = { 0, F_MQ, F_REPLY_ACK, F_MEM_SLOTS,
					  F_MEM_SLOTS | F_REPLY_ACK };
	struct dma_memory before, after;

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		assert_int_equal(vfio_dma_alloc(&before, 1 << 16), 0);
		*(uint32_t *)before.virt = 0x1111;
		start_and_open(kinds[i]);
		assert_int_equal(word_at(before.iova), 0x1111);

		assert_int_equal(vfio_dma_alloc(&after, 1 << 16), 0);
		((uint32_t *)after.virt)[3] = 0x2222;
		assert_int_equal(word_at(after.iova + 12), 0x2222);
		assert_int_equal(word_at(before.iova), 0x1111);

		const uint64_t iova = before.iova;
		vfio_dma_free(&before);
		assert_int_equal(word_at(iova), 0);
		assert_int_equal(word_at(after.iova + 12), 0x2222);
		vfio_dma_free(&after);
		assert_int_equal(messages, 0);
		stop(NULL);
	}
}

static void memory_without_a_file_is_refused(void **state)
{
	static _Alignas(65536) uint8_t own[65536];
	struct dma_memory mem = { .virt = own, .size = sizeof(own) };

	(void)state;
	start_and_open(F_REPLY_ACK);
	assert_int_equal(vfio_dma_map(&mem, -1, 0), -EOPNOTSUPP);
	assert_non_null(strstr(last_message, "not in a file"));
}

static void a_table_has_eight_pieces_at_most(void **state)
{
	struct dma_memory mem[9];

	(void)state;
	start_and_open(F_REPLY_ACK);
	for (int i = 0; i < 8; i++)
		assert_int_equal(vfio_dma_alloc(&mem[i], 4096), 0);
	assert_int_equal(vfio_dma_alloc(&mem[8], 4096), -ENOSPC);
	assert_non_null(strstr(last_message, "takes 8 pieces of memory"));
	vfio_dma_free(&mem[0]);
	assert_int_equal(vfio_dma_alloc(&mem[0], 4096), 0);
	for (int i = 0; i < 8; i++)
		vfio_dma_free(&mem[i]);
}

static void slots_take_as_much_as_the_back_end_says(void **state)
{
	struct dma_memory mem[12];

	(void)state;
	start(F_REPLY_ACK | F_MEM_SLOTS);
	back.slots = 11;
	assert_int_equal(vfio_open(&dev, address), 0);
	for (int i = 0; i < 11; i++)
		assert_int_equal(vfio_dma_alloc(&mem[i], 4096), 0);
	assert_int_equal(vfio_dma_alloc(&mem[11], 4096), -ENOSPC);
	for (int i = 0; i < 11; i++)
		vfio_dma_free(&mem[i]);
}

static void memory_that_the_back_end_refuses_is_an_error(void **state)
{
	struct dma_memory mem;

	(void)state;
	start_and_open(F_REPLY_ACK);
	back.at = SET_MEM_TABLE;
	back.fault = REFUSE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -EIO);
	assert_non_null(strstr(last_message, "does not take our memory"));
	back.fault = NONE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_dma_free(&mem);
}

/* All that start_ring() asks for. */
static int start_ring(uint32_t index, int kick, int notify)
{
	struct vhost_vring_state size = { index, 256 }, base = { index, 5 }, on = { index, 1 };
	struct vhost_vring_addr addr = { index, 0, 0x1000, 0x2000, 0x3000, 0 };
	struct vhost_vring_file kick_file = { index, kick }, call_file = { index, notify };

	return call(VHOST_SET_VRING_NUM, &size) ?:
	       call(VHOST_SET_VRING_BASE, &base) ?:
	       call(VHOST_SET_VRING_ADDR, &addr) ?:
	       call(VHOST_SET_VRING_CALL, &call_file) ?:
	       call(VHOST_SET_VRING_KICK, &kick_file) ?:
	       call(VHOST_VDPA_SET_VRING_ENABLE, &on);
}

static void rings_are_passed_on(void **state)
{
	static const uint64_t kinds[] = { F_MQ, F_REPLY_ACK };
	uint64_t features = VIRTIO_FEATURES;

	(void)state;
	for (int i = 0; i < 2; i++) {
		int kick = eventfd(0, 0);
		start_and_open(kinds[i]);
		assert_int_equal(call(VHOST_SET_FEATURES, &features), 0);
		assert_int_equal(start_ring(3, kick, -1), 0);
		settle();
		struct back_end_ring r = ring(3);
		assert_int_equal(r.num, 256);
		assert_int_equal(r.base, 5);
		assert_int_equal(r.addr.desc_user_addr, 0x1000);
		assert_int_equal(r.addr.used_user_addr, 0x2000);
		assert_int_equal(r.addr.avail_user_addr, 0x3000);
		assert_true(r.call_set && r.call < 0 && r.started && r.enabled);
		eventfd_write(kick, 77);
		eventfd_t kicks = 0;
		eventfd_read(r.kick, &kicks);
		assert_int_equal(kicks, 77);
		assert_int_equal(start_ring(256, kick, -1), -EINVAL);
		stop(NULL);
		close(kick);
	}
}

static void reset_stops_the_rings(void **state)
{
	struct vhost_vring_state base = { .index = 2 };
	uint8_t status = 15;

	(void)state;
	start_and_open(F_REPLY_ACK | F_STATUS);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(start_ring(i, -1, -1), 0);
	assert_int_equal(call(VHOST_VDPA_SET_STATUS, &status), 0);
	assert_int_equal(call(VHOST_GET_VRING_BASE, &base), 0);
	assert_int_equal(base.num, 5);
	assert_false(ring(2).started);

	assert_int_equal(vfio_reset(dev), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_false(ring(i).started);
	assert_int_equal(seen(GET_VRING_BASE), 4);
	assert_int_equal(call(VHOST_VDPA_GET_STATUS, &status), 0);
	assert_int_equal(status, 0);
	pthread_mutex_lock(&back.lock);
	assert_int_equal(back.status, 0);
	pthread_mutex_unlock(&back.lock);
}

static void works_without_protocol_features(void **state)
{
	struct vhost_vring_state off = { 0 };
	uint64_t features = VIRTIO_FEATURES;
	uint8_t status = 15;

	(void)state;
	start_and_open(0);
	assert_int_equal(call(VHOST_SET_FEATURES, &features), 0);
	assert_int_equal(start_ring(0, -1, -1), 0);
	assert_int_equal(call(VHOST_VDPA_SET_STATUS, &status), 0);
	assert_int_equal(call(VHOST_VDPA_SET_VRING_ENABLE, &off), -EOPNOTSUPP);
	settle();
	assert_true(ring(0).enabled);
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(seen(GET_PROTOCOL_FEATURES) + seen(SET_VRING_ENABLE) + seen(SET_STATUS),
			 0);
}

static void the_device_configuration_is_read_if_there_is_one(void **state)
{
	uint32_t bytes[16] = { 0, 6 };
	struct vhost_vdpa_config *config = (void *)bytes;

	(void)state;
	start(F_CONFIG | F_REPLY_ACK);
	memcpy(back.config.mac, "\2\1\2\3\4\5", 6);
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(call(VHOST_VDPA_GET_CONFIG, config), 0);
	assert_memory_equal(config->buf, "\2\1\2\3\4\5", 6);
	config->off = 250;
	assert_int_equal(call(VHOST_VDPA_GET_CONFIG, config), -EIO);
	config->len = 257;
	assert_int_equal(call(VHOST_VDPA_GET_CONFIG, config), -E2BIG);
	stop(NULL);

	start_and_open(F_REPLY_ACK);
	assert_int_equal(call(VHOST_VDPA_GET_CONFIG, config), -ENOTTY);
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
			start(steps[s] == SET_MEM_TABLE ? F_REPLY_ACK | F_MQ : ALL_PROTOCOL);
			back.at = steps[s];
			back.fault = fault;
			int err = vfio_open(&dev, address);
			if (ends(steps[s], fault) != EITHER_WAY)
				assert_int_equal(ends(steps[s], fault) == BADLY, err < 0);
			assert_int_equal(messages, err ? 1 : 0);
			stop(NULL);
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
		start_and_open(ALL_PROTOCOL);
		back.at = GET_FEATURES;
		back.fault = faults[i];
		assert_int_equal(call(VHOST_GET_FEATURES, &features), -EPROTO);
		assert_int_equal(messages, 1);
		assert_int_equal(call(VHOST_GET_FEATURES, &features), -ENOTCONN);
		assert_int_equal(start_ring(0, -1, -1), -ENOTCONN);
		assert_int_equal(messages, 1);
		stop(NULL);
	}
}

static void who_says_more_than_was_asked_is_found_out(void **state)
{
	uint64_t features;
	uint8_t status;

	(void)state;
	start_and_open(ALL_PROTOCOL);
	back.at = GET_FEATURES;
	back.fault = SAY_MORE;
	assert_int_equal(call(VHOST_GET_FEATURES, &features), 0);
	back.fault = NONE;
	int err;
	for (int i = 0; i < 5000; i++) {
		err = call(VHOST_VDPA_GET_STATUS, &status);
		if (err)
			break;
		usleep(1000); /* the second answer is still on its way */
	}
	assert_int_equal(err, -EPROTO);
}

static void a_silent_back_end_is_given_up(void **state)
{
	const double begin = now();

	(void)state;
	start(ALL_PROTOCOL);
	back.at = GET_FEATURES;
	back.fault = SILENT;
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
	assert_true(now() - begin >= 1);
	assert_non_null(strstr(last_message, "the back end does not answer"));
	assert_non_null(strstr(last_message, "is it a vhost-user back end"));
}

/* A socket's file at @address without anybody who accepts. Return: the socket. */
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
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
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
		start_and_open(kinds[i]);
		assert_int_equal(vfio_dma_alloc(&before, 4096), 0);
		assert_int_equal(vfio_dma_alloc(&gone, 4096), 0);
		*(uint32_t *)before.virt = 0x3333;
		assert_int_equal(start_ring(0, -1, -1), 0);
		assert_int_equal(call(VHOST_VDPA_GET_STATUS, &status), 0);

		back_end_stop(&back);
		assert_int_equal(call(VHOST_VDPA_GET_STATUS, &status), -ENOTCONN);
		assert_int_equal(messages, 1);
		assert_non_null(strstr(last_message, "the back end has gone"));
		assert_int_equal(call(VHOST_GET_FEATURES, &features), -ENOTCONN);
		assert_int_equal(vfio_reset(dev), -ENOTCONN);
		/* Other devices of the program do not suffer. */
		assert_int_equal(vfio_dma_alloc(&meanwhile, 4096), 0);
		*(uint32_t *)meanwhile.virt = 0x4444;
		const uint64_t iova = gone.iova;
		vfio_dma_free(&gone);
		assert_int_equal(call(VHOST_SET_OWNER, NULL), -ENOENT);
		assert_int_equal(messages, 1); /* it is up to the driver to tell */

		back_end_start(&back);
		assert_int_equal(call(VHOST_SET_OWNER, NULL), 0);
		assert_int_equal(call(VHOST_VDPA_GET_STATUS, &status), 0);
		assert_int_equal(status, 0);
		assert_int_equal(word_at(before.iova), 0x3333);
		assert_int_equal(word_at(meanwhile.iova), 0x4444);
		assert_int_equal(word_at(iova), 0);
		pthread_mutex_lock(&back.lock);
		assert_true(back.owned);
		pthread_mutex_unlock(&back.lock);
		assert_int_equal(vfio_reset(dev), 0);
		assert_int_equal(seen(GET_VRING_BASE), 0); /* rings of another life */
		assert_int_equal(call(VHOST_SET_OWNER, NULL), 0);
		assert_int_equal(seen(SET_OWNER), 1);
		vfio_dma_free(&before);
		vfio_dma_free(&meanwhile);
		stop(NULL);
	}
}

static void a_failed_attempt_leaves_it_lost(void **state)
{
	uint64_t features;

	(void)state;
	start_and_open(ALL_PROTOCOL);
	back_end_hang_up(&back);
	back.at = SET_OWNER;
	back.fault = REFUSE;
	assert_int_equal(call(VHOST_SET_OWNER, NULL), -EIO);
	assert_int_equal(call(VHOST_GET_FEATURES, &features), -ENOTCONN);
	back.fault = NONE;
	assert_int_equal(call(VHOST_SET_OWNER, NULL), 0);
	assert_int_equal(call(VHOST_GET_FEATURES, &features), 0);
}

static int forget_messages(void **state)
{
	(void)state;
	ixy_log_to(keep_message, NULL);
	return 0;
}

int main(void)
{
#define test(name) cmocka_unit_test_teardown(name, stop)
	const struct CMUnitTest tests[] = {
		test(looks_like_a_virtio_net_function_without_bars),
		test(negotiates_in_the_order_of_other_front_ends),
		test(keeps_protocol_features_to_itself),
		test(split_in_the_address_hides_packed_rings),
		test(tells_how_many_queues_there_are),
		test(memory_comes_and_goes),
		test(memory_without_a_file_is_refused),
		test(a_table_has_eight_pieces_at_most),
		test(slots_take_as_much_as_the_back_end_says),
		test(memory_that_the_back_end_refuses_is_an_error),
		test(rings_are_passed_on),
		test(reset_stops_the_rings),
		test(works_without_protocol_features),
		test(the_device_configuration_is_read_if_there_is_one),
		test(every_fault_at_every_step_is_an_error_or_harmless),
		test(wrong_answers_end_the_connection),
		test(who_says_more_than_was_asked_is_found_out),
		test(a_silent_back_end_is_given_up),
		test(a_back_end_that_does_not_even_accept_is_given_up),
		test(addresses_that_are_no_back_end),
		test(a_lost_back_end_is_noticed_and_connected_again),
		test(a_failed_attempt_leaves_it_lost),
	};

	return cmocka_run_group_tests(tests, forget_messages, NULL);
}
