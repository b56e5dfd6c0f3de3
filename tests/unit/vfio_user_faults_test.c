/* SPDX-License-Identifier: BSD-2-Clause */
/* libixy-vfio against vfio-user servers that are slow, wrong, hostile or gone. */
#include "bad_server.h"

#include <signal.h>
#include <time.h>
#include <unistd.h>

#include <sys/eventfd.h>

#include "../open_files.h"

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec + time.tv_nsec * 1e-9;
}

static void nonsense_ends_the_connection(void **state)
{
	static const enum fault faults[] = { HANG_UP,	       WRONG_ID,     WRONG_COMMAND,
					     NO_REPLY_TYPE,    STRANGE_TYPE, TINY_SIZE,
					     HUGE_SIZE,	       SHORT,	     GARBAGE,
					     ENDLESS_QUESTIONS };
	const struct vfio_bar *bar;

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		server.no_region_file = true;
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		server.at = READ;
		server.fault = faults[i];
		double before = now();
		assert_int_equal(bar_read32(bar, 0), UINT32_MAX);
		assert_int_equal(bar_read16(bar, 0), UINT16_MAX);
		assert_int_equal(bar_read8(bar, 0), UINT8_MAX);
		bar_write32(bar, 0, 0);
		assert_int_equal(vfio_set_bus_master(dev, true), -ENOTCONN);
		assert_int_equal(vfio_reset(dev), -ENOTCONN);
		assert_true(now() - before < 5);
		assert_int_equal(errors, 1);
		assert_non_null(strstr(last_message, address));
		vfio_close(dev);
		assert_int_equal(errors, 1);
		bad_server_stop(state);
		bad_server_start(state);
	}
}

static void nonsense_at_the_start_is_an_error_at_once(void **state)
{
	static const enum fault faults[] = { HANG_UP, WRONG_ID, TINY_SIZE, HUGE_SIZE,
					     SHORT,   GARBAGE,	REFUSE,	   REFUSE_ODDLY };
	static const uint16_t commands[] = { VERSION, INFO, READ };
	struct vfio_device *dev;
	const int files = open_files();

	for (size_t c = 0; c < sizeof(commands) / sizeof(*commands); c++) {
		for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
			server.at = commands[c];
			server.fault = faults[i];
			double before = now();
			assert_true(vfio_open(&dev, address) < 0);
			assert_true(now() - before < 5);
			assert_true(errors <= 1);
			bad_server_stop(state);
			bad_server_start(state);
		}
	}
	assert_int_equal(open_files(), files);
}

static void a_server_that_never_answers_is_given_up(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.at = VERSION;
	server.fault = SILENT;
	impatient = true;
	assert_int_equal(vfio_open(&dev, address), -ETIMEDOUT);
	assert_int_equal(errors, 1);

	/* Ctrl-C ends a wait that was announced. */
	interrupted = true;
	assert_int_equal(vfio_open(&dev, address), -EINTR);
	interrupted = impatient = false;
	assert_int_equal(errors, 2);
}

static void a_server_that_falls_silent_is_given_up(void **state)
{
	uint16_t id;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = READ;
	server.fault = SILENT;
	impatient = true;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2),
			 -ETIMEDOUT);
	impatient = false;
	/* It is not waited for a second time. */
	double before = now();
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), -ENOTCONN);
	vfio_close(dev);
	assert_true(now() - before < 5);
	assert_int_equal(errors, 1);
}

static void a_server_that_stops_reading_does_not_hang_us(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	server.at = WRITE;
	server.fault = STOP_READING;
	impatient = true;
	for (uint32_t i = 0; i < 100000 && !errors; i++)
		bar_write32(bar, 0, i);
	impatient = false;
	assert_int_equal(errors, 1);
	assert_int_equal(bar_read32(bar, 0), UINT32_MAX);
	vfio_close(dev);
}

static void a_server_that_disconnects_causes_no_signal(void **state)
{
	const struct vfio_bar *bar;
	struct dma_memory mem, more;

	(void)state;
	signal(SIGPIPE, SIG_DFL);
	server.no_region_file = true;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, 0, &bar), 0);
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	server.at = READ;
	server.fault = HANG_UP;
	bar_read32(bar, 0);
	bar_write32(bar, 0, 0);
	assert_int_equal(vfio_dma_alloc(&more, 4096), -ENOTCONN);
	vfio_dma_free(&mem); /* it had the file, which is used for nothing else */
	assert_int_equal(errors, 1);
	vfio_close(dev);
}

static void an_error_of_the_server_is_the_result(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = MAP;
	server.fault = REFUSE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -ENOMEM);
	server.fault = REFUSE_ODDLY;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -EIO);
	server.fault = NONE; /* the connection is in order */
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	vfio_dma_free(&mem);
	vfio_close(dev);
}

/* libvfio-user does some of this, others have done so. */
static void answers_longer_or_shorter_than_they_should_be_are_understood(void **state)
{
	struct dma_memory mem;
	uint16_t id = 0;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = MAP;
	server.fault = REFUSE_AT_LENGTH;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), -ENOMEM);
	server.fault = SAY_MORE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	errors = 0;

	server.at = UNMAP;
	server.fault = BARE;
	vfio_dma_free(&mem);
	server.fault = NONE;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	server.fault = SAY_MORE;
	vfio_dma_free(&mem);

	*(uint16_t *)server.config = 0x8086;
	server.at = READ;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	assert_int_equal(id, 0x8086);
	server.at = WRITE;
	server.fault = BARE;
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	server.at = RESET;
	server.fault = SAY_MORE;
	assert_int_equal(vfio_reset(dev), 0);
	assert_int_equal(errors, 0);
	vfio_close(dev);
}

/* As ixy-emu does while it serves another client. */
static void a_server_that_hangs_up_at_once_is_busy(void **state)
{
	struct vfio_device *dev;

	(void)state;
	server.at = VERSION;
	server.fault = HANG_UP;
	assert_int_equal(vfio_open(&dev, address), -EBUSY);
	assert_int_equal(errors, 1);
	assert_non_null(strstr(last_message, "busy"));
	assert_non_null(strstr(last_message, "end that one first"));
	assert_null(strstr(last_message, "gone"));
}

static void pitfall_vfio_2_the_size_of_an_unmap_is_checked(void **state)
{
	struct dma_memory mem;

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_dma_alloc(&mem, 8192), 0);
	struct dma_memory lost = mem;
	server.unmap_size = 4096;
	vfio_dma_free(&mem);
	assert_int_equal(errors, 1);
	memset(lost.virt, 1, lost.size);
	server.unmap_size = 0;
	vfio_dma_free(&lost);
	vfio_close(dev);
}

static void questions_of_the_server_are_refused(void **state)
{
	uint16_t id;

	(void)state;
	struct vfio_device *dev = open_device();
	server.at = READ;
	server.fault = QUESTIONS;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	server.fault = NONE;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_CONFIG_REGION_INDEX, 0, &id, 2), 0);
	assert_int_equal(server.refusals, 2);
	vfio_close(dev);
}

static void unwanted_files_are_closed(void **state)
{
	const struct vfio_bar *bar;
	const int files = open_files();
	static const uint16_t commands[] = { VERSION, INFO, REGION_INFO, READ, MAP, RESET };

	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
		server.at = commands[i];
		server.fault = MANY_FILES;
		struct vfio_device *dev = open_device();
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		assert_int_equal(vfio_bar(dev, 0, &bar), 0);
		vfio_close(dev);
		bad_server_stop(state);
		assert_int_equal(open_files(), files - 2);
		bad_server_start(state);
	}
}

static void addresses_that_are_no_server(void **state)
{
	char too_long[200] = "vfio-user:";
	struct vfio_device *dev;

	(void)state;
	memset(too_long + 10, 'x', sizeof(too_long) - 11);
	assert_int_equal(vfio_open(&dev, "vfio-user:"), -EINVAL);
	assert_int_equal(vfio_open(&dev, too_long), -ENAMETOOLONG);
	assert_int_equal(vfio_open(&dev, "vfio-user:/nowhere/nic.sock"), -ENOENT);
	assert_int_equal(vfio_open(&dev, "vfio-user:/etc/passwd"), -ENOTSOCK);
	assert_int_equal(errors, 4);
	bad_server_end();
	assert_int_equal(vfio_open(&dev, address), -ECONNREFUSED);
	assert_int_equal(errors, 5);
	bad_server_start(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		bad_server_test(nonsense_ends_the_connection),
		bad_server_test(nonsense_at_the_start_is_an_error_at_once),
		bad_server_test(a_server_that_never_answers_is_given_up),
		bad_server_test(a_server_that_falls_silent_is_given_up),
		bad_server_test(a_server_that_stops_reading_does_not_hang_us),
		bad_server_test(a_server_that_disconnects_causes_no_signal),
		bad_server_test(an_error_of_the_server_is_the_result),
		bad_server_test(answers_longer_or_shorter_than_they_should_be_are_understood),
		bad_server_test(a_server_that_hangs_up_at_once_is_busy),
		bad_server_test(pitfall_vfio_2_the_size_of_an_unmap_is_checked),
		bad_server_test(questions_of_the_server_are_refused),
		bad_server_test(unwanted_files_are_closed),
		bad_server_test(addresses_that_are_no_server),
	};

	alarm(300); /* after a failure, the server may wait for a device that is never closed */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
