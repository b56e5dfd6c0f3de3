/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Is a network card in use? On a sysfs of plain files, and addresses and routes that the test makes
 * up: what counts, and that what cannot be told counts, too.
 */
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>
#include <net/if.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "src/vfio/host/sysfs.h"

#define PCI	"0000:03:00.0"
#define ROUTES	"Iface Destination Gateway Flags RefCnt Use Metric Mask MTU Window IRTT\n"
#define ROUTES6 "fe800000 40 0 00 0 00000100 00000001 0 00000001 ixy0\n"

static char root[] = "/tmp/ixy-netif-test.XXXXXX";
static char why[256];

/* ---- The system ---- */

static int ifaddrs_error, route_error, route6_error; /* errno, or 0 */
static struct sockaddr_in inet;
static struct ifaddrs address = { .ifa_addr = (struct sockaddr *)&inet };
static char label[32];
static const char *routes, *routes6;

int __wrap_getifaddrs(struct ifaddrs **list);
int __wrap_getifaddrs(struct ifaddrs **list)
{
	*list = &address;
	errno = ifaddrs_error;
	return ifaddrs_error ? -1 : 0;
}

void __wrap_freeifaddrs(struct ifaddrs *list);
void __wrap_freeifaddrs(struct ifaddrs *list)
{
	assert_ptr_equal(list, &address);
}

static FILE *table(const char *text, int err)
{
	errno = err;
	return err ? NULL : fmemopen((void *)text, strlen(text), "r");
}

FILE *__real_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode);
FILE *__wrap_fopen(const char *path, const char *mode)
{
	if (!strcmp(path, "/proc/net/route"))
		return table(routes, route_error);
	if (!strcmp(path, "/proc/net/ipv6_route"))
		return table(routes6, route6_error);
	return __real_fopen(path, mode);
}

/* Run a command in the tree. */
static void sh(const char *format, ...) __attribute__((format(printf, 1, 2)));
static void sh(const char *format, ...)
{
	char line[512];
	int length = snprintf(line, sizeof(line), "cd %s && ", root);
	va_list args;

	va_start(args, format);
	vsnprintf(line + length, sizeof(line) - length, format, args);
	va_end(args);
	assert_int_equal(system(line), 0);
}

/* An unused card with ten interfaces, ixy0 to ixy9: the address is that of another one. */
static int make_system(void **state)
{
	(void)state;
	sh("rm -rf bus class");
	sh("all='ixy0 ixy1 ixy2 ixy3 ixy4 ixy5 ixy6 ixy7 ixy8 ixy9'; "
	   "mkdir -p bus/pci/devices/%s/net class/net && (cd bus/pci/devices/*/net && mkdir $all) "
	   "&& "
	   "cd class/net && mkdir $all && for i in $all; do echo 0x1002 >$i/flags; done",
	   PCI);
	ifaddrs_error = route_error = route6_error = 0;
	inet.sin_family = AF_INET;
	inet.sin_addr.s_addr = htonl(0x0a000001);
	strcpy(label, "other");
	address.ifa_name = label;
	address.ifa_flags = IFF_UP;
	routes = ROUTES "other 0000000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
	routes6 = ROUTES6;
	return 0;
}

static int make_root(void **state)
{
	(void)state;
	return !mkdtemp(root) || setenv("IXY_SYSFS", root, 1);
}

static int remove_root(void **state)
{
	(void)state;
	sh("rm -rf %s", root);
	return 0;
}

static void is_in_use(const char *words)
{
	*why = '\0';
	assert_true(netif_in_use(PCI, why, sizeof(why)));
	if (!strstr(why, words))
		fail_msg("\"%s\" lacks \"%s\"", why, words);
}

static void is_free(void)
{
	*why = '\0';
	if (netif_in_use(PCI, why, sizeof(why)))
		fail_msg("in use: %s", why);
}

/* ---- Tests ---- */

static void an_unused_card_is_free(void **state)
{
	(void)state;
	is_free();
	sh("rm -r bus/pci/devices/%s/net", PCI);
	is_free();
}

static void an_address_counts(void **state)
{
	(void)state;
	strcpy(label, "ixy0");
	is_in_use("ixy0 is up and has the address 10.0.0.1");
	address.ifa_flags = 0;
	is_free();
}

static void an_address_with_a_label_counts(void **state)
{
	(void)state;
	strcpy(label, "ixy0:1");
	is_in_use("ixy0 is up and has the address 10.0.0.1");
	strcpy(label, "ixy0.5:1"); /* another interface */
	is_free();
	strcpy(label, "ixy");
	is_free();
}

static void routes_count(void **state)
{
	(void)state;
	routes = ROUTES "ixy0 0000000A 00000000 0001 0 0 0 00FFFFFF 0 0 0\n";
	is_in_use("ixy0 has a route");
	routes = ROUTES "ixy0 00000000 0100000A 0003 0 0 0 00000000 0 0 0\n";
	is_in_use("ixy0 has the default route");
	routes = ROUTES;
	routes6 = ROUTES6 "fd000000 40 0 00 0 00000100 00000001 0 00000001 ixy0\n";
	is_in_use("ixy0 has a route");
}

static void every_interface_counts(void **state)
{
	(void)state;
	for (int i = 0; i < 10; i++) {
		snprintf(label, sizeof(label), "ixy%d", i);
		is_in_use(label);
	}
}

static void what_cannot_be_told_counts(void **state)
{
	(void)state;
	ifaddrs_error = EMFILE;
	is_in_use("cannot tell whether ixy");
	is_in_use("has an address: Too many open files");
	ifaddrs_error = 0;
	route_error = ENOENT;
	is_in_use("has a route: /proc/net/route: No such file");
	route_error = 0;
	route6_error = EACCES;
	is_in_use("has a route: /proc/net/ipv6_route: Permission denied");
}

/* What a container does with it, or a capture, cannot be seen. */
static void an_interface_that_is_up_counts(void **state)
{
	(void)state;
	sh("echo 0x1003 >class/net/ixy7/flags");
	is_in_use("ixy7 is up");
	is_in_use("sudo ip link set ixy7 down");
	strcpy(label, "ixy3"); /* a better reason */
	is_in_use("ixy3 is up and has the address 10.0.0.1");
	strcpy(label, "other");
	sh("rm class/net/ixy7/flags");
	is_in_use("cannot tell whether ixy7 is up");
}

static void what_is_above_counts_also_while_it_is_down(void **state)
{
	(void)state;
	sh("mkdir class/net/vlan5 && ln -s ../vlan5 class/net/ixy2/upper_vlan5");
	is_in_use("ixy2 carries vlan5");
	sh("ln -s ../bond0 class/net/vlan5/master");
	is_in_use("vlan5 is a member of bond0");
	strcpy(label, "vlan5");
	is_in_use("vlan5 is up and has the address 10.0.0.1");
}

/* As the number of links of the folder, where the file system keeps one. */
static void one_of_several_interfaces_may_be_elsewhere(void **state)
{
	char path[128];
	struct stat folder;

	(void)state;
	sh("mkdir bus/pci/devices/%s/net/.elsewhere", PCI);
	snprintf(path, sizeof(path), "%s/bus/pci/devices/%s/net", root, PCI);
	assert_int_equal(stat(path, &folder), 0);
	if (folder.st_nlink < 3)
		skip();
	is_in_use("another network namespace");
}

static void a_card_with_vfs_counts(void **state)
{
	(void)state;
	sh("echo 0 >bus/pci/devices/%s/sriov_numvfs", PCI);
	is_free();
	sh("echo 2 >bus/pci/devices/%s/sriov_numvfs", PCI);
	is_in_use("it has 2 VFs");
}

/* A file that no other process opens stands for it. */
static void a_program_that_has_it_open_counts(void **state)
{
	(void)state;
	sh("mkdir -p bus/pci/devices/%s/uio/full", PCI);
	int fd = open("/dev/full", O_RDONLY | O_CLOEXEC);
	assert_true(fd >= 0);
	is_in_use("has /dev/full open");
	char pid[64];
	snprintf(pid, sizeof(pid), "process %d (netif_test)", getpid());
	is_in_use(pid);
	close(fd);
	is_free();
}

static void a_kernel_without_ipv6_has_no_routes_of_it(void **state)
{
	(void)state;
	route6_error = ENOENT;
	is_free();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, make_system)
	const struct CMUnitTest tests[] = {
		TEST(an_unused_card_is_free),
		TEST(an_address_counts),
		TEST(an_address_with_a_label_counts),
		TEST(routes_count),
		TEST(every_interface_counts),
		TEST(what_cannot_be_told_counts),
		TEST(an_interface_that_is_up_counts),
		TEST(what_is_above_counts_also_while_it_is_down),
		TEST(one_of_several_interfaces_may_be_elsewhere),
		TEST(a_card_with_vfs_counts),
		TEST(a_program_that_has_it_open_counts),
		TEST(a_kernel_without_ipv6_has_no_routes_of_it),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
