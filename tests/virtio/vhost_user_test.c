/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio as the front end of a good vhost-user back end. */
#include "front.h"

#include <sys/eventfd.h>

static void looks_like_a_virtio_net_function_without_bars(void **state)
{
	const struct vfio_bar *bar;
	uint16_t ids[2], command = 7;

	(void)state;
	front_open(ALL_PROTOCOL);
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
	assert_int_equal(front_call(VHOST_SET_MEM_TABLE, NULL), -ENOTTY);
}

static void negotiates_in_the_order_of_other_front_ends(void **state)
{
	static const uint32_t order[] = {
		GET_FEATURES,  GET_PROTOCOL_FEATURES, SET_PROTOCOL_FEATURES,
		GET_QUEUE_NUM, GET_MAX_MEM_SLOTS,     SET_OWNER,
	};

	(void)state;
	front_open(ALL_PROTOCOL);
	pthread_mutex_lock(&back.lock);
	assert_memory_equal(back.order, order, sizeof(order));
	assert_int_equal(back.agreed_protocol, ALL_PROTOCOL);
	pthread_mutex_unlock(&back.lock);
}

static void keeps_protocol_features_to_itself(void **state)
{
	uint64_t features;

	(void)state;
	front_open(F_REPLY_ACK);
	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), 0);
	assert_int_equal(features, VIRTIO_FEATURES);
	assert_int_equal(front_call(VHOST_SET_FEATURES, &features), 0);
	pthread_mutex_lock(&back.lock);
	assert_int_equal(back.agreed, VIRTIO_FEATURES | F_PROTOCOL);
	pthread_mutex_unlock(&back.lock);
	features |= 1ull << 50;
	assert_int_equal(front_call(VHOST_SET_FEATURES, &features), -EIO);
}

static void split_in_the_address_hides_packed_rings(void **state)
{
	uint64_t features;

	(void)state;
	front_start(F_REPLY_ACK);
	strcat(address, ",split");
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(front_call(VHOST_GET_FEATURES, &features), 0);
	assert_int_equal(features, 1ull << VIRTIO_F_VERSION_1);
}

static void tells_how_many_queues_there_are(void **state)
{
	uint32_t count;

	(void)state;
	front_open(F_MQ);
	assert_int_equal(front_call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 8);
	front_stop(NULL);

	front_open(F_REPLY_ACK);
	assert_int_equal(front_call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(front_seen(GET_QUEUE_NUM), 0);
	front_stop(NULL);

	front_start(F_MQ);
	back.pairs = 0;
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(front_call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
	assert_int_equal(count, 2);
	front_stop(NULL);

	front_start(F_MQ);
	back.pairs = UINT64_MAX;
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(front_call(VHOST_VDPA_GET_VQS_COUNT, &count), 0);
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
		front_open(kinds[i]);
		assert_int_equal(front_word_at(before.iova), 0x1111);

		assert_int_equal(vfio_dma_alloc(&after, 1 << 16), 0);
		((uint32_t *)after.virt)[3] = 0x2222;
		assert_int_equal(front_word_at(after.iova + 12), 0x2222);
		assert_int_equal(front_word_at(before.iova), 0x1111);

		const uint64_t iova = before.iova;
		vfio_dma_free(&before);
		assert_int_equal(front_word_at(iova), 0);
		assert_int_equal(front_word_at(after.iova + 12), 0x2222);
		vfio_dma_free(&after);
		assert_int_equal(messages, 0);
		front_stop(NULL);
	}
}

static void memory_without_a_file_is_refused(void **state)
{
	static _Alignas(65536) uint8_t own[65536];
	struct dma_memory mem = { .virt = own, .size = sizeof(own) };

	(void)state;
	front_open(F_REPLY_ACK);
	assert_int_equal(vfio_dma_map(&mem, -1, 0), -EOPNOTSUPP);
	assert_non_null(strstr(last_message, "not in a file"));
}

static void a_table_has_eight_regions_at_most(void **state)
{
	struct dma_memory mem[9];

	(void)state;
	front_open(F_REPLY_ACK);
	for (int i = 0; i < 8; i++)
		assert_int_equal(vfio_dma_alloc(&mem[i], 4096), 0);
	assert_int_equal(vfio_dma_alloc(&mem[8], 4096), -ENOSPC);
	assert_non_null(strstr(last_message, "takes 8 memory regions"));
	vfio_dma_free(&mem[0]);
	assert_int_equal(vfio_dma_alloc(&mem[0], 4096), 0);
	for (int i = 0; i < 8; i++)
		vfio_dma_free(&mem[i]);
}

static void slots_take_as_much_as_the_back_end_says(void **state)
{
	struct dma_memory mem[12];

	(void)state;
	front_start(F_REPLY_ACK | F_MEM_SLOTS);
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
	front_open(F_REPLY_ACK);
	back.at = SET_MEM_TABLE;
	back.fault = REFUSE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -EIO);
	assert_non_null(strstr(last_message, "does not take our memory"));
	back.fault = NONE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_dma_free(&mem);
}

static void rings_are_passed_on(void **state)
{
	static const uint64_t kinds[] = { F_MQ, F_REPLY_ACK };
	uint64_t features = VIRTIO_FEATURES;

	(void)state;
	for (int i = 0; i < 2; i++) {
		int kick = eventfd(0, 0);
		front_open(kinds[i]);
		assert_int_equal(front_call(VHOST_SET_FEATURES, &features), 0);
		assert_int_equal(front_start_ring(3, kick, -1), 0);
		front_settle();
		struct back_end_ring r = front_ring(3);
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
		assert_int_equal(front_start_ring(256, kick, -1), -EINVAL);
		front_stop(NULL);
		close(kick);
	}
}

static void reset_stops_the_rings(void **state)
{
	struct vhost_vring_state base = { .index = 2 };
	uint8_t status = 15;

	(void)state;
	front_open(F_REPLY_ACK | F_STATUS);
	for (uint32_t i = 0; i < 4; i++)
		assert_int_equal(front_start_ring(i, -1, -1), 0);
	assert_int_equal(front_call(VHOST_VDPA_SET_STATUS, &status), 0);
	assert_int_equal(front_call(VHOST_GET_VRING_BASE, &base), 0);
	assert_int_equal(base.num, 5);
	assert_false(front_ring(2).started);

	assert_int_equal(vfio_reset(dev), 0);
	for (uint32_t i = 0; i < 4; i++)
		assert_false(front_ring(i).started);
	assert_int_equal(front_seen(GET_VRING_BASE), 4);
	assert_int_equal(front_call(VHOST_VDPA_GET_STATUS, &status), 0);
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
	front_open(0);
	assert_int_equal(front_call(VHOST_SET_FEATURES, &features), 0);
	assert_int_equal(front_start_ring(0, -1, -1), 0);
	assert_int_equal(front_call(VHOST_VDPA_SET_STATUS, &status), 0);
	assert_int_equal(front_call(VHOST_VDPA_SET_VRING_ENABLE, &off), -EOPNOTSUPP);
	front_settle();
	assert_true(front_ring(0).enabled);
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(front_seen(GET_PROTOCOL_FEATURES) + front_seen(SET_VRING_ENABLE) +
				 front_seen(SET_STATUS),
			 0);
}

static void the_device_configuration_is_read_if_there_is_one(void **state)
{
	uint32_t bytes[16] = { 0, 6 };
	struct vhost_vdpa_config *config = (void *)bytes;

	(void)state;
	front_start(F_CONFIG | F_REPLY_ACK);
	memcpy(back.config.mac, "\2\1\2\3\4\5", 6);
	assert_int_equal(vfio_open(&dev, address), 0);
	assert_int_equal(front_call(VHOST_VDPA_GET_CONFIG, config), 0);
	assert_memory_equal(config->buf, "\2\1\2\3\4\5", 6);
	config->off = 250;
	assert_int_equal(front_call(VHOST_VDPA_GET_CONFIG, config), -EIO);
	config->len = 257;
	assert_int_equal(front_call(VHOST_VDPA_GET_CONFIG, config), -E2BIG);
	front_stop(NULL);

	front_open(F_REPLY_ACK);
	assert_int_equal(front_call(VHOST_VDPA_GET_CONFIG, config), -ENOTTY);
}

int main(void)
{
#define test(name) cmocka_unit_test_teardown(name, front_stop)
	const struct CMUnitTest tests[] = {
		test(looks_like_a_virtio_net_function_without_bars),
		test(negotiates_in_the_order_of_other_front_ends),
		test(keeps_protocol_features_to_itself),
		test(split_in_the_address_hides_packed_rings),
		test(tells_how_many_queues_there_are),
		test(memory_comes_and_goes),
		test(memory_without_a_file_is_refused),
		test(a_table_has_eight_regions_at_most),
		test(slots_take_as_much_as_the_back_end_says),
		test(memory_that_the_back_end_refuses_is_an_error),
		test(rings_are_passed_on),
		test(reset_stops_the_rings),
		test(works_without_protocol_features),
		test(the_device_configuration_is_read_if_there_is_one),
	};

	return cmocka_run_group_tests(tests, front_keep_messages, NULL);
}
