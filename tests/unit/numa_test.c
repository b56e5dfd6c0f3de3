/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Memory on the card's NUMA node: which policy rules while the driver allocates, as the kernel says.
 * What the card's node is, and the driver, are the test's.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <unistd.h>

#include <linux/mempolicy.h>

#include <sys/syscall.h>

#include "src/driver/driver.h"

#define NODES 1024
#define WORDS (NODES / (8 * sizeof(long)))

static int card_node, during, result;
static unsigned long during_nodes[WORDS];

static int policy(unsigned long *nodes)
{
	int mode;

	return syscall(SYS_get_mempolicy, &mode, nodes, (long)NODES, NULL, 0L) ? -errno : mode;
}

int __wrap_vfio_numa_node(const struct vfio_device *dev);
int __wrap_vfio_numa_node(const struct vfio_device *dev)
{
	(void)dev;
	return card_node;
}

static int open_card(struct ixy_device **dev, struct vfio_device *vfio,
		     const struct ixy_config *config, bool copper)
{
	(void)dev, (void)vfio, (void)config, (void)copper;
	during = policy(during_nodes);
	return result;
}

static const struct ixy_card card = { .name = "test", .open = open_card };

static int have_policies(void **state)
{
	unsigned long nodes[WORDS];

	(void)state;
	if (policy(nodes) >= 0 && !syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0L))
		return 0;
	print_message("this kernel, or the container, has no NUMA policies\n");
	_exit(77);
}

static void open_on(int node)
{
	card_node = node;
	during = -1;
	assert_int_equal(ixy_driver_open(&card, NULL, NULL, NULL), result);
}

static void memory_is_preferred_on_the_node_of_the_card(void **state)
{
	unsigned long nodes[WORDS];

	(void)state;
	open_on(0);
	assert_int_equal(during, MPOL_PREFERRED);
	assert_int_equal(during_nodes[0], 1);
	assert_int_equal(policy(nodes), MPOL_DEFAULT);
}

static void the_policy_that_was_set_comes_back(void **state)
{
	unsigned long one = 1, nodes[WORDS];

	(void)state;
	assert_int_equal(syscall(SYS_set_mempolicy, MPOL_BIND, &one, (long)NODES), 0);
	result = -ENODEV;
	open_on(0);
	result = 0;
	assert_int_equal(during, MPOL_PREFERRED);
	assert_int_equal(policy(nodes), MPOL_BIND);
	assert_int_equal(nodes[0], 1);
	assert_int_equal(syscall(SYS_set_mempolicy, MPOL_DEFAULT, NULL, 0L), 0);
}

/* No node, one that the machine does not have, or an impossible one: no error either. */
static void without_a_node_nothing_changes(void **state)
{
	static const int none[] = { -1, NODES - 2, NODES - 1, NODES, 1 << 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(none) / sizeof(*none); i++) {
		open_on(none[i]);
		assert_int_equal(during, MPOL_DEFAULT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(memory_is_preferred_on_the_node_of_the_card),
		cmocka_unit_test(the_policy_that_was_set_comes_back),
		cmocka_unit_test(without_a_node_nothing_changes),
	};

	return cmocka_run_group_tests(tests, have_policies, NULL);
}
