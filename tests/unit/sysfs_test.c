/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Devices without an IOMMU, on a sysfs of plain files: what is written to them, what is refused, and
 * the watcher, which silences the card when the program ends in whatever way.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include <linux/pci_regs.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio_backend.h>
#include <ixy/vfio_dma.h>
#include <ixy/vfio_pci.h>

#include "src/vfio/host/physical.h"

#define PCI	  "0000:03:00.0"
#define ADDRESS	  "sysfs:" PCI
#define DEVICE	  "bus/pci/devices/" PCI "/"
#define BAR0_SIZE 0x10000 /* memory */
#define BAR2_SIZE 0x20	  /* I/O ports */
#define BAR4_SIZE 0x100	  /* memory, less than a page */
#define BAR4_SKEW 0x500	  /* where in a page */

static char root[] = "/tmp/ixy-sysfs-test.XXXXXX";
static char last_message[512];
static uint32_t messages[4];

static void remember(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)ctx;
	messages[level]++;
	snprintf(last_message, sizeof(last_message), "%s", line);
}

/* ---- The tree ---- */

static const char *in_tree(const char *path)
{
	static char full[PATH_MAX];

	snprintf(full, sizeof(full), "%s/%s", root, path);
	return full;
}

static void make_folder(const char *path)
{
	char part[PATH_MAX];

	snprintf(part, sizeof(part), "%s/%s", root, path);
	for (char *c = part + strlen(root) + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		mkdir(part, 0755);
		*c = '/';
	}
}

static void put(const char *path, const char *text)
{
	make_folder(path);
	FILE *file = fopen(in_tree(path), "w");
	assert_non_null(file);
	fputs(text, file);
	fclose(file);
}

static const char *get(const char *path)
{
	static char text[256];
	FILE *file = fopen(in_tree(path), "r");

	if (!file)
		return "no file";
	text[fread(text, 1, sizeof(text) - 1, file)] = '\0';
	fclose(file);
	return text;
}

static void link_to(const char *path, const char *target)
{
	make_folder(path);
	unlink(in_tree(path));
	assert_int_equal(symlink(target, in_tree(path)), 0);
}

static void drop(const char *path)
{
	unlink(in_tree(path));
}

static uint16_t command(void)
{
	uint16_t value = 0;
	int fd = open(in_tree(DEVICE "config"), O_RDONLY);

	assert_int_equal(pread(fd, &value, sizeof(value), PCI_COMMAND), sizeof(value));
	close(fd);
	return value;
}

/* A device without a driver, bus mastering left on by its previous user. */
static int make_tree(void **state)
{
	const uint16_t header[] = { 0x8086, 0x10fb, PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY };

	(void)state;
	put(DEVICE "resource", "0x00000000f0000000 0x00000000f000ffff 0x0000000000040200\n"
			       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			       "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
			       "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
			       "0x00000000f0020500 0x00000000f00205ff 0x0000000000040200\n");
	put(DEVICE "resource0", "");
	put(DEVICE "resource2", "");
	put(DEVICE "resource4", "");
	put(DEVICE "config", "");
	assert_int_equal(truncate(in_tree(DEVICE "resource0"), BAR0_SIZE), 0);
	assert_int_equal(truncate(in_tree(DEVICE "resource2"), BAR2_SIZE), 0);
	assert_int_equal(truncate(in_tree(DEVICE "resource4"), BAR4_SKEW + BAR4_SIZE), 0);
	assert_int_equal(truncate(in_tree(DEVICE "config"), 256), 0);
	int fd = open(in_tree(DEVICE "config"), O_WRONLY);
	assert_int_equal(pwrite(fd, header, sizeof(header), 0), sizeof(header));
	close(fd);
	put(DEVICE "enable", "0\n");
	put(DEVICE "driver_override", "(null)\n");
	put(DEVICE "numa_node", "1\n");
	drop(DEVICE "reset");
	put(DEVICE "reset", "");
	put("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "64\n");
	drop(DEVICE "driver");
	drop(DEVICE "net/lo");
	rmdir(in_tree(DEVICE "net"));
	drop(DEVICE "iommu_group");
	memset(messages, 0, sizeof(messages));
	return 0;
}

static int make_root(void **state)
{
	(void)state;
	ixy_log_to(remember, NULL);
	/* Watchers become our children when their parents have ended. */
	return prctl(PR_SET_CHILD_SUBREAPER, 1) || !mkdtemp(root) || setenv("IXY_SYSFS", root, 1);
}

static int remove_root(void **state)
{
	char shell[64];

	(void)state;
	snprintf(shell, sizeof(shell), "rm -rf %s", root);
	return system(shell);
}

static struct vfio_device *open_device(void)
{
	struct vfio_device *dev;

	if (vfio_open(&dev, ADDRESS))
		fail_msg("%s", last_message);
	return dev;
}

/* Linux with CONFIG_IO_STRICT_DEVMEM: a BAR that a driver has cannot be mapped. */
void *__real_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset);
void *__wrap_mmap(void *at, size_t size, int prot, int flags, int fd, off_t offset)
{
	char path[64], file[PATH_MAX] = "";

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (fd >= 0 && readlink(path, file, sizeof(file) - 1) > 0 && strstr(file, "/resource") &&
	    !access(in_tree(DEVICE "driver"), F_OK) && !*get(DEVICE "driver/unbind")) {
		errno = EINVAL;
		return MAP_FAILED;
	}
	return __real_mmap(at, size, prot, flags, fd, offset);
}

/* ---- Registers ---- */

static void a_memory_bar_is_mapped(void **state)
{
	const struct vfio_bar *bar;

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, VFIO_PCI_BAR0_REGION_INDEX, &bar), 0);
	assert_int_equal(bar->size, BAR0_SIZE);
	assert_non_null(bar_pointer(bar, BAR0_SIZE - 4));
	bar_write32(bar, 0x1018, 0x12345678);
	uint32_t value = 0;
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 0x1018, &value, 4), 0);
	assert_int_equal(value, 0x12345678);
	uint16_t half = 0xabcd;
	assert_int_equal(vfio_region_write(dev, VFIO_PCI_BAR0_REGION_INDEX, 0x101a, &half, 2), 0);
	assert_int_equal(bar_read32(bar, 0x1018), 0xabcd5678);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, BAR0_SIZE, &value, 4),
			 -EIO);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 2, &value, 4), -EINVAL);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 0, &value, 3), -EINVAL);
	vfio_close(dev);
}

static void ports_are_accessed_one_by_one(void **state)
{
	const struct vfio_bar *bar;
	uint8_t ports[BAR2_SIZE];
	uint64_t eight = 0;

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, VFIO_PCI_BAR2_REGION_INDEX, &bar), 0);
	assert_int_equal(bar->size, BAR2_SIZE);
	assert_null(bar_pointer(bar, 0));
	bar_write8(bar, 18, 0x11);
	bar_write16(bar, 14, 0x3322);
	bar_write32(bar, 8, 0x77665544);
	assert_int_equal(bar_read8(bar, 18), 0x11);
	assert_int_equal(bar_read16(bar, 14), 0x3322);
	assert_int_equal(bar_read32(bar, 8), 0x77665544);
	int fd = open(in_tree(DEVICE "resource2"), O_RDONLY);
	assert_int_equal(read(fd, ports, sizeof(ports)), sizeof(ports));
	close(fd);
	assert_memory_equal(ports + 8, "\x44\x55\x66\x77\0\0\x22\x33\0\0\x11", 11);
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR2_REGION_INDEX, 0, &eight, 8), -EINVAL);
	assert_int_equal(bar_read32(bar, BAR2_SIZE), UINT32_MAX);
	vfio_close(dev);
}

/* Linux maps the page that it lies in, as it does the beginning of a plain file. */
static void a_bar_smaller_than_a_page_works_too(void **state)
{
	const struct vfio_bar *bar;
	uint16_t in_page = 0;

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_bar(dev, VFIO_PCI_BAR4_REGION_INDEX, &bar), 0);
	bar_write16(bar, 0xfe, 0xbeef);
	assert_int_equal(bar_read16(bar, 0xfe), 0xbeef);
	int fd = open(in_tree(DEVICE "resource4"), O_RDONLY);
	assert_int_equal(pread(fd, &in_page, sizeof(in_page), BAR4_SKEW + 0xfe), sizeof(in_page));
	close(fd);
	assert_int_equal(in_page, 0xbeef);
	assert_int_equal(vfio_bar(dev, VFIO_PCI_BAR1_REGION_INDEX, &bar), -ENXIO);
	vfio_close(dev);
}

static void there_are_no_interrupts(void **state)
{
	(void)state;
	struct vfio_device *dev = open_device();
	struct vfio_irq_info info = { .argsz = sizeof(info), .index = VFIO_PCI_MSIX_IRQ_INDEX };
	info.count = 7;
	assert_int_equal(dev->backend->call(dev, VFIO_DEVICE_GET_IRQ_INFO, &info), 0);
	assert_int_equal(info.count, 0);
	assert_int_equal(dev->backend->call(dev, VFIO_DEVICE_SET_IRQS, &info), -ENOTTY);
	vfio_close(dev);
}

static void the_numa_node_is_found_behind_the_prefix(void **state)
{
	struct vfio_device *dev;

	(void)state;
	assert_int_equal(vfio_open(&dev, ADDRESS ",force"), 0);
	assert_int_equal(vfio_numa_node(dev), 1);
	assert_true(dev->space->physical);
	vfio_close(dev);
}

/* ---- Taking it and giving it back ---- */

static void it_is_taken_and_given_back(void **state)
{
	(void)state;
	struct vfio_device *dev = open_device();
	assert_string_equal(get(DEVICE "enable"), "1");
	assert_string_equal(get(DEVICE "driver_override"), "none");
	const uint16_t silent = PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE;
	assert_int_equal(command(), silent);
	assert_int_equal(vfio_set_bus_master(dev, true), 0);
	assert_int_equal(command(), silent | PCI_COMMAND_MASTER);
	vfio_close(dev);
	assert_int_equal(command(), silent); /* the kernel enables INTx for the next driver */
	assert_string_equal(get(DEVICE "reset"), "1");
	assert_string_equal(get(DEVICE "enable"), "0");
	assert_string_equal(get(DEVICE "driver_override"), "\n");
}

static void what_was_set_before_stays_so(void **state)
{
	(void)state;
	put(DEVICE "enable", "1\n");
	put(DEVICE "driver_override", "vfio-pci\n");
	drop(DEVICE "reset");
	struct vfio_device *dev = open_device();
	assert_string_equal(get(DEVICE "driver_override"), "none");
	assert_int_equal(vfio_reset(dev), -EOPNOTSUPP);
	assert_int_equal(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	vfio_close(dev);
	assert_int_equal(command(), PCI_COMMAND_MEMORY);
	assert_string_equal(get(DEVICE "enable"), "1\n");
	assert_string_equal(get(DEVICE "driver_override"), "vfio-pci");
}

static void the_danger_is_told_once(void **state)
{
	(void)state;
	for (int i = 0; i < 3; i++)
		vfio_close(open_device());
	assert_true(messages[IXY_WARN] <= 1); /* perhaps by an earlier test */
	assert_int_equal(messages[IXY_ERROR], 0);
}

static void refused(const char *address, int err, const char *words)
{
	struct vfio_device *dev;

	messages[IXY_ERROR] = 0;
	assert_int_equal(vfio_open(&dev, address), -err);
	assert_null(dev);
	assert_int_equal(messages[IXY_ERROR], 1);
	if (!strstr(last_message, words))
		fail_msg("\"%s\" lacks \"%s\"", last_message, words);
	if (err != EBUSY || !strstr(words, "program"))
		assert_string_equal(get(DEVICE "driver_override"), "(null)\n");
}

static void what_is_no_device_is_refused(void **state)
{
	(void)state;
	refused("sysfs:", EINVAL, "sysfs:0000:03:00.0");
	refused("sysfs:eth0", EINVAL, "sysfs:0000:03:00.0");
	refused(ADDRESS ",", EINVAL, "sysfs:0000:03:00.0,force");
	refused(ADDRESS ",forced", EINVAL, "sysfs:0000:03:00.0,force");
	refused(ADDRESS "/../" PCI, EINVAL, "sysfs:0000:03:00.0");
	refused("sysfs:0000:04:00.0", ENODEV, "ixy-bind");
}

static void one_program_has_it(void **state)
{
	(void)state;
	struct vfio_device *dev = open_device();
	refused(ADDRESS, EBUSY, "another program");
	assert_string_equal(get(DEVICE "driver_override"), "none"); /* as the first wants it */
	vfio_close(dev);
	vfio_close(open_device());
}

static void a_driver_keeps_it(void **state)
{
	struct vfio_device *dev;

	(void)state;
	link_to(DEVICE "driver", "../../../drivers/ixgbe");
	put("bus/pci/drivers/ixgbe/unbind", "");
	put("drivers/ixgbe/unbind", "");
	refused(ADDRESS, EBUSY, "driven by ixgbe");
	refused(ADDRESS, EBUSY, "ixy-bind none " PCI);
	link_to(DEVICE "driver", "../../../drivers/vfio-pci");
	refused(ADDRESS, EBUSY, "open it as " PCI);

	put("bus/pci/drivers/e1000e/unbind", "");
	link_to(DEVICE "driver", "../../drivers/e1000e");
	assert_int_equal(vfio_open(&dev, ADDRESS ",force"), 0);
	assert_string_equal(get("bus/pci/drivers/e1000e/unbind"), PCI);
	uint32_t value = 1; /* the BARs can be mapped now */
	assert_int_equal(vfio_region_read(dev, VFIO_PCI_BAR0_REGION_INDEX, 0, &value, 4), 0);
	assert_int_equal(value, 0);
	vfio_close(dev);
}

static void an_interface_in_use_is_named(void **state)
{
	(void)state;
	link_to(DEVICE "driver", "../../drivers/ixgbe");
	make_folder(DEVICE "net/lo"); /* everybody has this one */
	refused(ADDRESS, EBUSY, "another network namespace");
	put(DEVICE "net/lo", "");
	refused(ADDRESS, EBUSY, "lo is up and has the address 127.0.0.1");
	refused(ADDRESS, EBUSY, "ixy-bind --force none " PCI);
}

static void an_iommu_would_stop_it(void **state)
{
	struct vfio_device *dev;

	(void)state;
	put("kernel/iommu_groups/7/type", "DMA-FQ\n");
	link_to(DEVICE "iommu_group", "../../../../kernel/iommu_groups/7");
	refused(ADDRESS, EBUSY, "ixy-bind vfio-pci " PCI);
	assert_int_equal(vfio_open(&dev, ADDRESS ",force"), 0);
	vfio_close(dev);
	put("kernel/iommu_groups/7/type", "identity\n");
	vfio_close(open_device());
}

static void huge_pages_are_needed(void **state)
{
	(void)state;
	put("kernel/mm/hugepages/hugepages-2048kB/free_hugepages", "0\n");
	refused(ADDRESS, ENOMEM, "nr_hugepages");
}

static void a_card_that_is_off_is_refused(void **state)
{
	const uint8_t ones[64] = { [0 ... 63] = 0xff };

	(void)state;
	int fd = open(in_tree(DEVICE "config"), O_WRONLY);
	assert_int_equal(pwrite(fd, ones, sizeof(ones), 0), sizeof(ones));
	close(fd);
	struct vfio_device *dev;
	assert_int_equal(vfio_open(&dev, ADDRESS), -ENODEV);
}

/* ---- The watcher ---- */

/* The process that is called so and is a child of @parent, as soon as it is. */
static pid_t watcher_of(pid_t parent)
{
	char path[280], text[256], name[32];
	struct dirent *entry;
	int of, found = 0;

	for (int tries = 0; tries < 1000 && !found; tries++) {
		DIR *proc = opendir("/proc");
		while ((entry = readdir(proc)) != NULL) {
			snprintf(path, sizeof(path), "/proc/%s/stat", entry->d_name);
			FILE *file = atoi(entry->d_name) ? fopen(path, "r") : NULL;
			if (!file)
				continue;
			if (fgets(text, sizeof(text), file) &&
			    sscanf(text, "%*d (%31[^)]) %*c %d", name, &of) == 2 && of == parent &&
			    !strcmp(name, "ixy-watcher"))
				found = atoi(entry->d_name);
			fclose(file);
		}
		closedir(proc);
		usleep(1000);
	}
	assert_true(found);
	return found;
}

static bool wait_until(bool (*condition)(pid_t pid), pid_t pid)
{
	for (int i = 0; i < 2000; i++) {
		if (condition(pid))
			return true;
		usleep(10000);
	}
	return false;
}

static bool has_gone(pid_t pid)
{
	waitpid(pid, NULL, __WALL | WNOHANG);
	return kill(pid, 0) && errno == ESRCH;
}

static bool is_silent(pid_t unused)
{
	(void)unused;
	return !(command() & PCI_COMMAND_MASTER);
}

static bool is_given_back(pid_t unused)
{
	(void)unused;
	return !strcmp(get(DEVICE "driver_override"), "\n");
}

/* How many of its files are memory, or have a certain name. */
static int files_of(pid_t pid, const char *name)
{
	char path[64], target[PATH_MAX];
	int count = 0;

	for (int fd = 0; fd < 256; fd++) {
		snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
		ssize_t length = readlink(path, target, sizeof(target) - 1);
		target[length < 0 ? 0 : length] = '\0';
		count += length > 0 && strstr(target, name) != NULL;
	}
	return count;
}

static int tell(struct vfio_device *dev, struct dma_map *map, bool add)
{
	return dev->space->backend->dma(dev->space, map, add);
}

/* A program with an open card that is a bus master, and some memory. */
static pid_t start_program(void (*then)(void))
{
	int ready[2];
	char byte;

	assert_int_equal(pipe(ready), 0);
	pid_t pid = fork();
	if (!pid) {
		struct dma_map map = { .fd = memfd_create("test-memory", MFD_CLOEXEC) };
		struct vfio_device *dev;
		alarm(120); /* if the test fails */
		close(ready[0]);
		if (vfio_open(&dev, ADDRESS) || tell(dev, &map, true) ||
		    vfio_set_bus_master(dev, true) || write(ready[1], "r", 1) != 1)
			_exit(1);
		close(ready[1]);
		if (then)
			then();
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

static void ends_by(int signal)
{
	pid_t pid = start_program(NULL);
	pid_t watcher = watcher_of(pid);
	int status;

	assert_true(command() & PCI_COMMAND_MASTER);
	assert_int_equal(kill(pid, signal), 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(wait_until(has_gone, watcher));
	assert_int_equal(command(), PCI_COMMAND_MEMORY | PCI_COMMAND_INTX_DISABLE);
	assert_string_equal(get(DEVICE "reset"), "1");
	assert_string_equal(get(DEVICE "enable"), "0");
	assert_string_equal(get(DEVICE "driver_override"), "\n");
}

static void a_killed_program_leaves_a_silent_card(void **state)
{
	static const int signals[] = { SIGKILL, SIGTERM, SIGABRT };

	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++) {
		make_tree(state);
		ends_by(signals[i]);
	}
}

static void memory_stays_until_the_card_is_reset(void **state)
{
	(void)state;
	drop(DEVICE "reset");
	assert_int_equal(mkfifo(in_tree(DEVICE "reset"), 0600),
			 0); /* a process that opens it waits for us */
	pid_t pid = start_program(NULL), watcher = watcher_of(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(wait_until(is_silent, 0));
	assert_int_equal(files_of(watcher, "test-memory"), 1);
	/* Until then no other process gets the card. */
	struct vfio_device *dev;
	assert_int_equal(vfio_open(&dev, ADDRESS), -EBUSY);

	int fifo = open(in_tree(DEVICE "reset"), O_RDONLY);
	char text[2] = "";
	assert_int_equal(read(fifo, text, 1), 1);
	assert_string_equal(text, "1");
	close(fifo);
	assert_true(wait_until(has_gone, watcher));
	assert_true(is_given_back(0));
}

static void the_watcher_holds_nothing_else(void **state)
{
	(void)state;
	int files[2];
	assert_int_equal(pipe(files), 0); /* it would inherit these */
	pid_t pid = start_program(NULL), watcher = watcher_of(pid);
	/* Its socket, the folder, the lock, one piece of memory. */
	assert_int_equal(files_of(watcher, ""), 4);
	assert_int_equal(files_of(watcher, "socket:"), 1);
	assert_int_equal(files_of(watcher, "resource0"), 1);
	assert_int_equal(files_of(watcher, "test-memory"), 1);
	assert_int_not_equal(getsid(watcher), getsid(pid));
	/* A terminal, or a service's end, asks first. */
	kill(watcher, SIGTERM);
	kill(watcher, SIGINT);
	kill(watcher, SIGHUP);
	usleep(50000);
	assert_int_equal(files_of(watcher, ""), 4); /* it lives: a zombie has none */
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(wait_until(has_gone, watcher));
	close(files[0]);
	close(files[1]);
}

static void run_another(void)
{
	execlp("sleep", "sleep", "1000", NULL);
	_exit(1);
}

static void a_program_that_becomes_another_has_ended(void **state)
{
	(void)state;
	pid_t pid = start_program(run_another);
	assert_true(wait_until(is_given_back, 0));
	assert_true(is_silent(0));
	pid_t watcher = watcher_of(pid);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	assert_true(wait_until(has_gone, watcher));
}

static int heir[2];

static void leave_it_to_a_child(void)
{
	pid_t pid = fork();

	if (pid && write(heir[1], &pid, sizeof(pid)) == sizeof(pid))
		_exit(0);
	alarm(120);
}

static void a_daemon_keeps_its_card(void **state)
{
	pid_t child;

	(void)state;
	assert_int_equal(pipe(heir), 0);
	pid_t pid = start_program(leave_it_to_a_child);
	assert_int_equal(read(heir[0], &child, sizeof(child)), sizeof(child));
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	pid_t watcher = watcher_of(getpid());
	usleep(50000);
	assert_false(is_silent(0));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	assert_true(wait_until(has_gone, watcher));
	assert_true(is_given_back(0));
	assert_true(is_silent(0));
	close(heir[0]);
	close(heir[1]);
}

static volatile sig_atomic_t children_ended;

static void count(int signal)
{
	(void)signal;
	children_ended = children_ended + 1;
}

static void programs_do_not_notice_that_they_have_a_child(void **state)
{
	(void)state;
	signal(SIGCHLD, count);
	struct vfio_device *dev = open_device();
	watcher_of(getpid());
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
	vfio_close(dev);
	assert_int_equal(waitpid(-1, NULL, __WALL), -1); /* and no zombie is left */
	assert_int_equal(errno, ECHILD);
	assert_int_equal(children_ended, 0);
	signal(SIGCHLD, SIG_DFL);
}

static void freed_memory_is_let_go(void **state)
{
	struct dma_map maps[20];

	(void)state;
	struct vfio_device *dev = open_device();
	pid_t watcher = watcher_of(getpid());
	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 20; i++) {
			maps[i] =
				(struct dma_map){ .fd = memfd_create("test-memory", MFD_CLOEXEC) };
			assert_int_equal(tell(dev, &maps[i], true), 0);
		}
		assert_int_equal(files_of(watcher, "test-memory"), 20);
		for (int i = 0; i < 20; i++) {
			assert_int_equal(tell(dev, &maps[i], false), 0);
			close(maps[i].fd);
		}
		assert_int_equal(files_of(watcher, "test-memory"), 0);
	}
	vfio_close(dev);
}

static void a_watcher_that_was_killed_is_missed(void **state)
{
	struct dma_map map = { .fd = memfd_create("test-memory", MFD_CLOEXEC) };

	(void)state;
	struct vfio_device *dev = open_device();
	kill(watcher_of(getpid()), SIGKILL);
	assert_true(tell(dev, &map, true) < 0);
	assert_non_null(strstr(last_message, "watches over the card"));
	assert_int_equal(tell(dev, &map, false), 0);
	vfio_close(dev);
	close(map.fd);
}

/* ---- Memory ---- */

static struct huge_page at(uint64_t number, size_t index)
{
	return (struct huge_page){ number * HUGE_PAGE, index };
}

static void a_run_of_pages_is_found(void **state)
{
	(void)state;
	struct huge_page up[] = { at(4, 0), at(5, 1), at(6, 2) };
	assert_ptr_equal(find_run(up, 3, 3), up);
	struct huge_page down[] = { at(9, 0), at(8, 1), at(7, 2) };
	struct huge_page *run = find_run(down, 3, 3);
	assert_non_null(run);
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(run[i].physical, (7 + i) * HUGE_PAGE);
		assert_int_equal(run[i].index, 2 - i);
	}
	struct huge_page mixed[] = {
		at(20, 0), at(3, 1), at(1, 2), at(11, 3), at(10, 4), at(12, 5)
	};
	run = find_run(mixed, 6, 3);
	assert_non_null(run);
	assert_int_equal(run->physical, 10 * HUGE_PAGE);
	assert_int_equal(run[0].index, 4);
	assert_int_equal(run[1].index, 3);
	assert_int_equal(run[2].index, 5);
}

static void what_has_gaps_is_no_run(void **state)
{
	(void)state;
	struct huge_page gaps[] = { at(1, 0), at(2, 1), at(4, 2), at(5, 3), at(7, 4), at(0, 5) };
	assert_null(find_run(gaps, 6, 4));
	assert_ptr_equal(find_run(gaps, 6, 3), gaps); /* 0, 1, 2 */
	assert_ptr_equal(find_run(gaps, 6, 1), gaps);
	assert_null(find_run(gaps, 2, 3));
	assert_null(find_run(gaps, 0, 1));
	struct huge_page half[] = { at(1, 0), { HUGE_PAGE + HUGE_PAGE / 2, 1 }, at(3, 2) };
	assert_null(find_run(half, 3, 2));
	struct huge_page high[] = { at((1ull << 43) - 1, 0), at(0, 1) };
	assert_null(find_run(high, 2, 2));
}

static void only_the_librarys_memory_will_do(void **state)
{
	struct dma_memory mem = { mmap(NULL, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0),
				  0, sysconf(_SC_PAGESIZE) };

	(void)state;
	struct vfio_device *dev = open_device();
	assert_int_equal(vfio_dma_map(&mem, -1, 0), -EOPNOTSUPP);
	vfio_close(dev);
	assert_int_equal(vfio_dma_map(&mem, -1, 0), 0);
	assert_int_equal(vfio_dma_unmap(&mem), 0);
	munmap(mem.virt, mem.size);
}

static void memory_at_other_addresses_comes_after(void **state)
{
	struct dma_memory mem;
	struct vfio_device *dev;

	(void)state;
	assert_int_equal(vfio_dma_alloc(&mem, 4096), 0);
	assert_int_equal(vfio_open(&dev, ADDRESS), -ENOSPC);
	assert_non_null(strstr(last_message, "before the others"));
	assert_true(is_given_back(0));
	vfio_dma_free(&mem);
	vfio_close(open_device());
}

static void memory_is_at_its_physical_address(void **state)
{
	struct dma_memory a, b;
	const size_t page = sysconf(_SC_PAGESIZE);

	(void)state;
	struct vfio_device *dev = open_device();
	messages[IXY_ERROR] = 0;
	int err = vfio_dma_alloc(&a, 3 * HUGE_PAGE);
	if (err) { /* no huge pages here, or not for us */
		assert_true(messages[IXY_ERROR] >= 1);
		vfio_close(dev);
		skip();
	}
	assert_int_equal(vfio_dma_alloc(&b, 1), 0);
	int pagemap = open("/proc/self/pagemap", O_RDONLY);
	for (size_t at = 0; at < a.size; at += page) {
		uint64_t entry;
		((volatile uint8_t *)a.virt)[at] = 1;
		assert_int_equal(pread(pagemap, &entry, 8, ((uintptr_t)a.virt + at) / page * 8), 8);
		assert_int_equal((entry & ((1ull << 55) - 1)) * page, a.iova + at);
	}
	close(pagemap);
	assert_int_equal(files_of(watcher_of(getpid()), "ixy-dma"), 2);
	vfio_dma_free(&a);
	assert_int_equal(files_of(watcher_of(getpid()), "ixy-dma"), 1);
	/* Memory that outlives a device can be the next one's. */
	vfio_close(dev);
	dev = open_device();
	assert_int_equal(files_of(watcher_of(getpid()), "ixy-dma"), 1);
	vfio_dma_free(&b);
	vfio_close(dev);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, make_tree)
	const struct CMUnitTest tests[] = {
		TEST(a_memory_bar_is_mapped),
		TEST(ports_are_accessed_one_by_one),
		TEST(a_bar_smaller_than_a_page_works_too),
		TEST(there_are_no_interrupts),
		TEST(the_numa_node_is_found_behind_the_prefix),
		TEST(it_is_taken_and_given_back),
		TEST(what_was_set_before_stays_so),
		TEST(the_danger_is_told_once),
		TEST(what_is_no_device_is_refused),
		TEST(one_program_has_it),
		TEST(a_driver_keeps_it),
		TEST(an_interface_in_use_is_named),
		TEST(an_iommu_would_stop_it),
		TEST(huge_pages_are_needed),
		TEST(a_card_that_is_off_is_refused),
		TEST(a_killed_program_leaves_a_silent_card),
		TEST(memory_stays_until_the_card_is_reset),
		TEST(the_watcher_holds_nothing_else),
		TEST(a_program_that_becomes_another_has_ended),
		TEST(a_daemon_keeps_its_card),
		TEST(programs_do_not_notice_that_they_have_a_child),
		TEST(freed_memory_is_let_go),
		TEST(a_watcher_that_was_killed_is_missed),
		TEST(a_run_of_pages_is_found),
		TEST(what_has_gaps_is_no_run),
		TEST(only_the_librarys_memory_will_do),
		TEST(memory_at_other_addresses_comes_after),
		TEST(memory_is_at_its_physical_address),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
