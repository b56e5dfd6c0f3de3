/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The virtio-net driver with a device on PCI that is odd, broken or hostile: in what it says of itself,
 * in its registers, at its control queue.
 */
#include "net.h"

#include <stdio.h>
#include <time.h>

#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <linux/virtio_pci.h>

#include "pci_device.h"
#include "src/virtio/virtio.h"

#define ADDRESS	  "virtio-pci:"
#define RING_SIZE 64

static struct ixy_watch watch;

/* Time is simulated, so that waits for a broken device pass at once. */
static uint64_t slept_ns;

int __real_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time)
{
	int err = __real_clock_gettime(clock, time);

	time->tv_sec += (slept_ns + time->tv_nsec) / 1000000000;
	time->tv_nsec = (slept_ns + time->tv_nsec) % 1000000000;
	return err;
}

int __wrap_nanosleep(const struct timespec *time, struct timespec *left);
int __wrap_nanosleep(const struct timespec *time, struct timespec *left)
{
	(void)left;
	slept_ns += time->tv_nsec;
	return 0;
}

static void keep_line(enum ixy_log_level level, const char *line, void *unused)
{
	(void)level, (void)unused;
	snprintf(log_lines, sizeof(log_lines), "%s", line);
}

static int set_up(void **state)
{
	(void)state;
	memset(&watch, 0, sizeof(watch));
	*log_lines = '\0';
	ixy_log_to(keep_line, NULL);
	pci_power_on();
	pci.features |= kind->features & (bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_RING_F_EVENT_IDX));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	ixy_close(dev);
	dev = NULL;
	const bool clean = !pci.back.memory_count && !pci.status;
	pci_power_off();
	return clean || pci.stuck ? 0 : -1;
}

static int open_pairs(uint16_t pairs)
{
	return ixy_open(&dev, ADDRESS,
			&(struct ixy_config){ .rx_queues = pairs,
					      .tx_queues = pairs,
					      .rx_ring = RING_SIZE,
					      .tx_ring = RING_SIZE,
					      .buffers = 8 * RING_SIZE });
}

static void must_open(uint16_t pairs)
{
	if (open_pairs(pairs))
		fail_msg("%s", log_lines);
}

static void serve(void)
{
	for (uint16_t i = 0; i < dev->config.rx_queues; i++) {
		device_queue_init(&rx[i], &pci.back, 2 * i);
		device_queue_init(&tx[i], &pci.back, 2 * i + 1);
	}
}

static void check_refused(int err, const char *why)
{
	assert_int_equal(open_pairs(1), err);
	if (!strstr(log_lines, why))
		fail_msg("expected %s: %s", why, log_lines);
	assert_int_equal(pci.back.memory_count, 0);
	assert_false(pci.config[PCI_COMMAND] & PCI_COMMAND_MASTER);
}

static int event(void)
{
	struct ixy_event e;

	return ixy_next_event(dev, &watch, &e) ? (int)e.kind : -1;
}

/* ---- It works ---- */

static void packets_flow(void **state)
{
	struct mempool *pool;

	(void)state;
	assert_int_equal(mempool_create(&pool, 256, 2048), 0);
	must_open(4);
	serve();
	for (uint32_t i = 0; i < 500; i++) {
		net_receive(i % 4, 60 + i, i);
		net_send(pool, i % 4, 60 + i, i);
	}
	assert_int_equal(pci.pairs, 4);
	assert_memory_equal(dev->mac, pci.net.mac, 6);
	ixy_close(dev);
	dev = NULL;
	assert_int_equal(mempool_free_count(pool), 256);
	mempool_destroy(pool);
}

static void each_setting_is_a_command(void **state)
{
	const uint8_t mac[] = { 2, 9, 9, 9, 9, 9 };

	(void)state;
	must_open(1);
	for (uint32_t i = 0; i < 300; i++) { /* many times around the ring */
		const uint32_t before = pci.commands;
		assert_int_equal(ixy_set_promiscuous(dev, i % 2), 0);
		assert_int_equal(pci.promiscuous, i % 2);
		assert_int_equal(pci.commands, before + 1);
	}
	assert_int_equal(ixy_set_mac(dev, mac), 0);
	assert_memory_equal(pci.mac, mac, 6);
	assert_memory_equal(dev->mac, mac, 6);
	pci.net.status = 0;
	assert_int_equal(ixy_link_speed(dev), 0);
}

/* ---- The control queue ---- */

static void a_refused_command_changes_nothing(void **state)
{
	uint8_t before[6];

	(void)state;
	must_open(1);
	memcpy(before, dev->mac, 6);
	pci.control = DISOBEY;
	for (int i = 0; i < 200; i++)
		assert_int_equal(ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }), -ENOTSUP);
	assert_memory_equal(dev->mac, before, 6);
	pci.control = OBEY;
	assert_int_equal(ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }), 0);
}

static void a_device_that_ignores_commands_is_given_up(void **state)
{
	(void)state;
	must_open(1);
	serve();
	assert_int_equal(event(), -1);
	pci.control = IGNORE;
	assert_int_equal(ixy_set_promiscuous(dev, true), -ETIMEDOUT);
	assert_non_null(strstr(log_lines, "does not answer command"));
	assert_int_equal(ixy_set_promiscuous(dev, true), -ETIMEDOUT);
	assert_int_equal(ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 }), -ETIMEDOUT);
	net_receive(0, 100, 1); /* packets are another matter */
	assert_int_equal(event(), IXY_FAILED);
	assert_int_equal(event(), -1);
	ixy_close(dev);
	dev = NULL;

	assert_int_equal(open_pairs(4), -ETIMEDOUT);
	dev = NULL;
	assert_int_equal(pci.back.memory_count, 0);
}

static void nonsense_from_the_control_queue_is_survived(void **state)
{
	static const enum control kinds_of[] = { WRONG_ID, WRONG_INDEX, NOTHING_BUT_NOISE };

	(void)state;
	for (int i = 0; i < 3; i++)
		for (int times = 0; times < 20; times++) {
			pci.control = OBEY;
			must_open(1);
			pci.control = kinds_of[i];
			for (int n = 0; n < 5; n++) {
				ixy_set_promiscuous(dev, true);
				ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 });
			}
			ixy_close(dev);
			dev = NULL;
		}
}

/* ---- What it says of itself ---- */

static void structures_outside_of_their_bar_are_not_found(void **state)
{
	static const struct {
		uint8_t bar;
		uint32_t offset, length;
	} places[] = {
		{ 6, 0, 64 },	       { 255, 0, 64 },
		{ 1, 0, 64 }, /* there is none */
		{ 0, PCI_BAR, 64 },    { 0, PCI_BAR - 32, 64 },
		{ 0, 0xFFFFFFC0, 64 }, { 0, 0xFFFFFFC0, 0xFFFFFFFF },
		{ 0, 0, PCI_BAR + 1 }, { 0, 0, 0 },
		{ 0, 0, 55 },	       { 0, 0, 0xFFFFFFFF },
		{ 0, 2, 64 },	       { 0, 1, 64 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		pci_forget_capabilities();
		pci_add_capability(VIRTIO_PCI_CAP_DEVICE_CFG, 0, PCI_DEVICE, sizeof(pci.net));
		pci_add_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, 0, PCI_NOTIFY, 0x100);
		pci_add_capability(VIRTIO_PCI_CAP_COMMON_CFG, places[i].bar, places[i].offset,
				   places[i].length);
		check_refused(-ENOTSUP, "neither a virtio 1.x device");

		/* Behind the wrong one may be a right one. */
		pci_forget_capabilities();
		pci_add_capability(VIRTIO_PCI_CAP_COMMON_CFG, 0, PCI_COMMON, 0x100);
		pci_add_capability(VIRTIO_PCI_CAP_DEVICE_CFG, 0, PCI_DEVICE, sizeof(pci.net));
		pci_add_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, 0, PCI_NOTIFY, 0x100);
		pci_add_capability(VIRTIO_PCI_CAP_COMMON_CFG, places[i].bar, places[i].offset,
				   places[i].length);
		must_open(1);
		ixy_close(dev);
		dev = NULL;
	}
}

static void a_circle_of_capabilities_ends(void **state)
{
	(void)state;
	pci_forget_capabilities();
	pci_add_capability(VIRTIO_PCI_CAP_PCI_CFG, 0, 0, 4);
	pci.config[0x41] = 0x40;
	check_refused(-ENOTSUP, "neither a virtio 1.x device");
	pci.config[0x40] = 0x11; /* another kind */
	check_refused(-ENOTSUP, "neither a virtio 1.x device");
}

static void a_capability_that_cannot_be_read_is_an_error(void **state)
{
	(void)state;
	pci.fails_at = pci.config[PCI_CAPABILITY_LIST] + 4;
	check_refused(-EIO, "a capability at");
	pci.fails_at = 0;

	/* Too near to the end to be one. */
	pci.config[0x40 + PCI_CAP_LIST_NEXT] = 0xF8;
	pci.config[0xF8] = PCI_CAP_ID_VNDR;
	must_open(1);
}

static void a_device_without_filters_gets_no_commands_for_them(void **state)
{
	(void)state;
	pci.features &= ~bit(VIRTIO_NET_F_CTRL_RX);
	must_open(1);
	const uint32_t before = pci.commands;
	assert_int_equal(ixy_set_promiscuous(dev, true), 0);
	assert_int_equal(ixy_set_promiscuous(dev, false), -ENOTSUP);
	assert_int_equal(pci.commands, before);
	assert_true(pci.config[PCI_COMMAND + 1] & PCI_COMMAND_INTX_DISABLE >> 8);
}

static void notifications_outside_of_their_structure_are_refused(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		pci.notify_off = i ? 0xFFFF : 0x100 / 4;
		check_refused(-EIO, "notified outside");
	}
	pci.notify_off = 0x100 / 4 - 1;
	must_open(1);
}

static void a_device_that_lacks_what_cannot_be_done_without_is_refused(void **state)
{
	const uint64_t features = pci.features;

	(void)state;
	pci.features = features & ~bit(VIRTIO_F_VERSION_1);
	check_refused(-ENOTSUP, "VIRTIO_F_VERSION_1");
	pci.features = features & ~bit(VIRTIO_F_ACCESS_PLATFORM);
	check_refused(-ENOTSUP, "around the IOMMU");
	pci.features = features;

	pci.queues = 1;
	check_refused(-EIO, "they need 4");
	pci.queues = 0;
	check_refused(-EIO, "they need 4");
	pci.queues = 2; /* and the control queue? */
	check_refused(-EIO, "no queue 8");
	pci.queues = 9;
	for (pci.queue_size = 0; pci.queue_size < 4; pci.queue_size++)
		check_refused(-EIO, "they need 4");
	pci.queue_size = 256;

	pci.net.max_virtqueue_pairs = 0;
	check_refused(-EINVAL, "queue pairs");
	pci.net.max_virtqueue_pairs = 65535;
	check_refused(-EIO, "no queue 65534");
	pci.net.max_virtqueue_pairs = 4;
	pci.net.mtu = 0;
	check_refused(-EINVAL, "MTU");
	pci.net.mtu = 1500;

	pci.refuses = VIRTIO_CONFIG_S_FEATURES_OK;
	check_refused(-ENOTSUP, "wants more than the features");
	pci.refuses = 0;
	pci.stuck = VIRTIO_CONFIG_S_ACKNOWLEDGE;
	check_refused(-ETIMEDOUT, "does not become 0");
	pci.stuck = 0xFF;
	check_refused(-ENODEV, "off or gone");
}

static void always_another_generation(int region, uint32_t offset, void *data, size_t size)
{
	static uint8_t generation;

	(void)size;
	if (region == VFIO_PCI_BAR0_REGION_INDEX &&
	    offset == PCI_COMMON + offsetof(struct virtio_pci_common_cfg, config_generation))
		*(uint8_t *)data = generation++;
}

static void a_configuration_that_never_rests_is_refused(void **state)
{
	(void)state;
	pci.reading = always_another_generation;
	check_refused(-EIO, "keeps changing");
}

static uint32_t reads, wrong_reads;

/* 4.1.3.1: each field by accesses of its own width. */
static void count_wrong_widths(int region, uint32_t offset, void *data, size_t size)
{
	const uint32_t at = offset - PCI_DEVICE;
	const size_t width = at < offsetof(struct virtio_net_config, status)   ? 1
			     : at < offsetof(struct virtio_net_config, speed)  ? 2
			     : at < offsetof(struct virtio_net_config, duplex) ? 4
									       : 1;

	(void)data;
	if (region != VFIO_PCI_BAR0_REGION_INDEX || offset < PCI_DEVICE)
		return;
	reads++;
	wrong_reads += size != width || offset % width;
}

static void fields_are_read_by_their_widths(void **state)
{
	(void)state;
	pci.features |= bit(VIRTIO_NET_F_SPEED_DUPLEX);
	pci.net.speed = 25000;
	pci.reading = count_wrong_widths;
	reads = wrong_reads = 0;
	must_open(4);
	assert_memory_equal(dev->mac, pci.net.mac, 6);
	assert_int_equal(ixy_link_speed(dev), 25000);
	assert_true(reads >= 6 + 4); /* mac; max_virtqueue_pairs, mtu, status, speed */
	assert_int_equal(wrong_reads, 0);
	ixy_close(dev);
	dev = NULL;

	/* 4.1.4.6.1: aligned to 4 */
	pci_forget_capabilities();
	pci_add_capability(VIRTIO_PCI_CAP_DEVICE_CFG, 0, PCI_DEVICE + 2, 16);
	pci_add_capability(VIRTIO_PCI_CAP_NOTIFY_CFG, 0, PCI_NOTIFY, 0x100);
	pci_add_capability(VIRTIO_PCI_CAP_COMMON_CFG, 0, PCI_COMMON, 0x100);
	check_refused(-ENOTSUP, "neither a virtio 1.x device");
}

static void vectors_that_cannot_be_armed_leave_polling(void **state)
{
	struct ixy_interrupts in;

	(void)state;
	pci.no_irqs = true;
	must_open(1);
	assert_non_null(strstr(log_lines, "polling works"));
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), -ENOTSUP);
	assert_true(pci.config[PCI_COMMAND + 1] & PCI_COMMAND_INTX_DISABLE >> 8);
	serve();
	net_receive(0, 100, 1);
}

static void more_queues_than_vectors_cannot_interrupt(void **state)
{
	struct ixy_interrupts in;

	(void)state;
	must_open(1);
	((struct virtio_device *)dev)->pairs = IXY_VECTORS; /* and one for events */
	const int err = ixy_interrupts_on(&in, dev, NULL);
	((struct virtio_device *)dev)->pairs = 1;
	assert_int_equal(err, -ENOSPC);
	assert_int_equal(ixy_interrupts_on(&in, dev, NULL), 0);
}

static void a_device_that_fails_or_goes_is_an_event(void **state)
{
	(void)state;
	must_open(1);
	assert_int_equal(event(), -1);
	pci.status |= VIRTIO_CONFIG_S_NEEDS_RESET;
	assert_int_equal(event(), IXY_FAILED);
	ixy_close(dev);

	memset(&watch, 0, sizeof(watch));
	must_open(1);
	assert_int_equal(event(), -1);
	pci.status = pci.stuck = 0xFF;
	assert_int_equal(event(), IXY_GONE);
	assert_int_equal(ixy_link_speed(dev), -ENODEV);
}

/* ---- Anything ---- */

static uint32_t rarely;

static void now_and_then_anything(int region, uint32_t offset, void *data, size_t size)
{
	(void)region, (void)offset;
	if (random() % rarely)
		return;
	for (size_t i = 0; i < size; i++)
		((uint8_t *)data)[i] = random() % 3 ? random() % 5 : random();
}

static void random_registers_are_survived(void **state)
{
	static const uint32_t rates[] = { 2, 10, 100, 1000 };
	uint32_t opened = 0, refused = 0;
	struct pkt_buf *bufs[32];

	(void)state;
	for (uint32_t seed = 1; seed <= 80; seed++) {
		srandom(seed);
		rarely = rates[seed % 4];
		pci.reading = now_and_then_anything;
		pci.legacy = seed % 5 == 0;
		pci.config[PCI_BASE_ADDRESS_0] = pci.legacy;
		pci.config[PCI_STATUS] = pci.legacy ? 0 : PCI_STATUS_CAP_LIST;
		memset(&watch, 0, sizeof(watch));
		if (open_pairs(1 + seed % 3)) {
			dev = NULL;
			refused++;
		} else {
			opened++;
			assert_int_equal(ixy_rx_batch(dev, 0, bufs, 32), 0);
			ixy_set_promiscuous(dev, true);
			ixy_set_mac(dev, (uint8_t[]){ 2, 0, 0, 0, 0, 1 });
			ixy_link_speed(dev);
			for (int i = 0; i < 5; i++)
				event();
			ixy_close(dev);
			dev = NULL;
		}
		assert_int_equal(pci.back.memory_count, 0);
	}
	assert_true(opened >= 5 && refused >= 5);
	pci.stuck = 1; /* it may be left in any state */
}

static void legacy_devices_have_sizes_of_their_own(void **state)
{
	(void)state;
	if (kind->features & (bit(VIRTIO_F_RING_PACKED) | bit(VIRTIO_F_VERSION_1)))
		return;
	pci.legacy = true;
	pci.features &= UINT32_MAX;
	pci.config[PCI_BASE_ADDRESS_0] = 1;
	pci.config[PCI_STATUS] = 0;
	must_open(4);
	assert_int_equal(dev->config.rx_ring, 256);
	serve();
	for (uint32_t i = 0; i < 1000; i++)
		net_receive(i % 4, 60 + i, i);
	assert_int_equal(pci.pairs, 4);
}

int main(void)
{
#define test(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		test(packets_flow),
		test(each_setting_is_a_command),
		test(a_refused_command_changes_nothing),
		test(a_device_that_ignores_commands_is_given_up),
		test(nonsense_from_the_control_queue_is_survived),
		test(structures_outside_of_their_bar_are_not_found),
		test(a_circle_of_capabilities_ends),
		test(a_capability_that_cannot_be_read_is_an_error),
		test(a_device_without_filters_gets_no_commands_for_them),
		test(notifications_outside_of_their_structure_are_refused),
		test(a_device_that_lacks_what_cannot_be_done_without_is_refused),
		test(a_configuration_that_never_rests_is_refused),
		test(fields_are_read_by_their_widths),
		test(vectors_that_cannot_be_armed_leave_polling),
		test(more_queues_than_vectors_cannot_interrupt),
		test(a_device_that_fails_or_goes_is_an_event),
		test(random_registers_are_survived),
		test(legacy_devices_have_sizes_of_their_own),
	};

	return net_run(tests, sizeof(tests) / sizeof(*tests));
}
