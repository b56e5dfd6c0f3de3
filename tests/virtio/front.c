/* SPDX-License-Identifier: BSD-2-Clause */
/* The front end of a back end in the same process; see front.h. */
#include "front.h"

#include <stdio.h>

struct back_end back;
char address[128];
struct vfio_device *dev;
char last_message[512];
uint32_t messages;

static void keep_message(enum ixy_log_level level, const char *message, void *unused)
{
	(void)level, (void)unused;
	messages++;
	snprintf(last_message, sizeof(last_message), "%s", message);
}

int front_keep_messages(void **state)
{
	(void)state;
	ixy_log_to(keep_message, NULL);
	return 0;
}

void front_start(uint64_t protocol)
{
	memset(&back, 0, sizeof(back));
	back.features = VIRTIO_FEATURES | (protocol ? F_PROTOCOL : 0);
	back.protocol = protocol | 1ull << 63; /* an unknown bit */
	back.pairs = 4;
	back.slots = 32;
	back_end_start(&back);
	snprintf(address, sizeof(address), "vhost-user:%s", back.path);
	messages = 0;
	*last_message = '\0';
}

void front_open(uint64_t protocol)
{
	front_start(protocol);
	assert_int_equal(vfio_open(&dev, address), 0);
}

int front_stop(void **state)
{
	(void)state;
	vfio_close(dev);
	dev = NULL;
	if (back.stop == false && *back.path)
		back_end_stop(&back);
	*back.path = '\0';
	return 0;
}

int front_call(unsigned long request, void *argument)
{
	return dev->backend->call(dev, request, argument);
}

void front_settle(void)
{
	uint64_t features;

	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), 0);
}

uint32_t front_seen(int message)
{
	pthread_mutex_lock(&back.lock);
	uint32_t count = back.seen[message];
	pthread_mutex_unlock(&back.lock);
	return count;
}

struct back_end_ring front_ring(uint32_t index)
{
	pthread_mutex_lock(&back.lock);
	struct back_end_ring copy = back.rings[index];
	pthread_mutex_unlock(&back.lock);
	return copy;
}

uint32_t front_word_at(uint64_t iova)
{
	pthread_mutex_lock(&back.lock);
	const uint32_t *word = back_end_memory(&back, iova, sizeof(*word));
	uint32_t value = word ? *word : 0;
	pthread_mutex_unlock(&back.lock);
	return value;
}

int front_start_ring(uint32_t index, int kick, int notify)
{
	struct vhost_vring_state size = { index, 256 }, base = { index, 5 }, on = { index, 1 };
	struct vhost_vring_addr addr = { index, 0, 0x1000, 0x2000, 0x3000, 0 };
	struct vhost_vring_file kick_file = { index, kick }, call_file = { index, notify };

	return front_call(VHOST_SET_VRING_NUM, &size) ?:
	       front_call(VHOST_SET_VRING_BASE, &base) ?:
	       front_call(VHOST_SET_VRING_ADDR, &addr) ?:
	       front_call(VHOST_SET_VRING_CALL, &call_file) ?:
	       front_call(VHOST_SET_VRING_KICK, &kick_file) ?:
	       front_call(VHOST_VDPA_SET_VRING_ENABLE, &on);
}
