/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio as a client of vfio-user servers that keep to the protocol, each in its own way. */
#include "bad_server.h"

#include <unistd.h>

#include <sys/eventfd.h>
#include <sys/mman.h>

static void a_whole_session(void **state)
{
	const struct vfio_bar *bar;
	struct dma_memory mem;
	uint32_t id = 0x10fb8086, value;
	int fds[3];

	(void)state;
	memcpy(server.config, &id, 4);
	server.config[PCI_COMMAND] = PCI_COMMAND_MASTER; /* left by the previous client */
	server.no_region_file = true;			 /* all registers by message */
	struct vfio_device *dev = open_device();
	assert_string_equal(vfio_address(dev), address);
	assert_int_equal(server.config[PCI_COMMAND], 0);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &value, 4), 0);
	assert_int_equal(value, id);

	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_null(bar_pointer(bar, 0));
	bar_write32(bar, 0x100, 0x01020304);
	assert_int_equal(bar_read32(bar, 0x100), 0x01020304);
	assert_int_equal(bar_read16(bar, 0x102), 0x0102);
	assert_int_equal(bar_read8(bar, 0x103), 0x01);

	assert_int_equal(vfio_dma_alloc(&mem, 10000), 0);
	assert_int_equal(server.map_iova, mem.iova);
	assert_int_equal(server.map_size, mem.size);
	vfio_dma_free(&mem);
	assert_int_equal(server.seen[UNMAP], 1);

	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
	assert_int_equal(server.irqs[0].fds, 3);
	assert_int_equal(vfio_irq_count(dev, 20), -EINVAL);
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	vfio_close(dev);
	assert_int_equal(server.config[PCI_COMMAND], 0);
	assert_int_equal(server.seen[RESET], 2);
	assert_int_equal(errors, 0);
}

static void memory_is_shared_by_its_file(void **state)
{
	const size_t page = sysconf(_SC_PAGESIZE);
	int file = memfd_create("memory", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(ftruncate(file, 2 * page), 0);
	uint32_t *virt = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
	virt[page / 4] = 0x600d;
	struct vfio_device *dev = open_device();
	struct dma_memory mem = { .virt = (uint8_t *)virt + page, .size = page };
	assert_int_equal(vfio_dma_map(&mem, file, page), 0);
	assert_int_equal(server.shared_word, 0x600d);
	assert_int_equal(vfio_dma_unmap(&mem), 0);

	assert_int_equal(vfio_dma_map(&mem, -1, 0), -EOPNOTSUPP);
	assert_int_equal(server.seen[MAP], 1);
	vfio_close(dev);
	munmap(virt, 2 * page);
	close(file);
}

static void registers_are_posted_and_config_space_is_not(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	for (uint32_t i = 0; i < 1000; i++)
		bar_write32(bar, 4 * i, i);
	assert_int_equal(bar_read32(bar, 4 * 999), 999); /* ordered behind all of them */
	assert_int_equal(server.posted[WRITE], 1000);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	assert_int_equal(server.posted[WRITE], 1000);
	vfio_close(dev);
}

static void the_limits_of_the_server_are_respected(void **state)
{
	uint8_t config[256];
	int fds[8];

	(void)state;
	server.version_json =
		"{ \"capabilities\" : { \"max_msg_fds\" : 2, \"max_data_xfer_size\": 48 } }";
	for (int i = 0; i < 256; i++)
		server.config[i] = i;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, config, 256), 0);
	assert_int_equal(server.largest_access, 48);
	assert_memory_equal(config, server.config, 256);

	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 3, 5, fds), 0);
	uint32_t vectors = 0;
	for (uint32_t i = 0; i < server.irq_calls; i++) {
		assert_true(server.irqs[i].count <= 2);
		assert_true(server.irqs[i].fds == 0 || server.irqs[i].fds == server.irqs[i].count);
		if (server.irqs[i].fds)
			assert_int_equal(server.irqs[i].start, 3 + vectors);
		vectors += server.irqs[i].fds;
	}
	assert_int_equal(vectors, 5);
	vfio_close(dev);
}

static void a_server_without_json_gets_one_file_per_message(void **state)
{
	int fds[3];

	(void)state;
	server.version_json = "";
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
	assert_int_equal(server.irq_calls, 3);
	vfio_close(dev);
}

static void malformed_json_does_no_harm(void **state)
{
	static const char *const texts[] = {
		"{\"max_msg_fds\":99999999999999999999,\"max_data_xfer_size\":0}",
		"{\"max_msg_fds\":",
		"\"max_msg_fds\"",
		"\"max_data_xfer_size\":-5",
		"{\"max_msg_fds\":\"x\"}",
	};
	int fds[3];

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		server.version_json = texts[i];
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_irq_arm(dev, VFIO_PCI_MSIX_IRQ_INDEX, 0, 3, fds), 0);
		vfio_close(dev);
		bad_server_stop(state);
		bad_server_start(state);
	}
}

static void another_major_version_is_refused(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.major = 1;
	assert_int_equal(vfio_open(&dev, address), -EPROTO);
	assert_int_equal(errors, 1);
}

static void answers_may_come_in_pieces(void **state)
{
	(void)state;
	for (uint16_t command = VERSION; command <= RESET; command++) {
		server.fault = ONE_BY_ONE;
		server.at = command;
		vfio_close(open_device());
		assert_int_equal(errors, 0);
		bad_server_stop(state);
		bad_server_start(state);
	}
}

/* One line for each way to be wrong, at once, and the next call does not wait. */

int main(void)
{
	const struct CMUnitTest tests[] = {
		bad_server_test(a_whole_session),
		bad_server_test(memory_is_shared_by_its_file),
		bad_server_test(registers_are_posted_and_config_space_is_not),
		bad_server_test(the_limits_of_the_server_are_respected),
		bad_server_test(a_server_without_json_gets_one_file_per_message),
		bad_server_test(malformed_json_does_no_harm),
		bad_server_test(another_major_version_is_refused),
		bad_server_test(answers_may_come_in_pieces),
	};

	alarm(300); /* after a failure, the server may wait for a device that is never closed */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
