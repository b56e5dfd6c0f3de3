/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Pages for DMA memory that cannot be had, and why: limits of cgroups, sandboxes, limits of the
 * process. The kernel's huge pages are played: files of normal pages, and what fallocate() says of
 * them. tests/vm/hugetlb_cgroup.sh has a real cgroup.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <linux/memfd.h>

#include <cmocka.h>

#include <ixy/log.h>
#include <ixy/vfio.h>

#define HUGE_PAGE ((size_t)2 << 20)
#define SIZE	  (3 * HUGE_PAGE + 1)

static char root[] = "/tmp/ixy-pages-test.XXXXXX";

/* ---- The kernel ---- */

static int huge_memfd_error, memfd_error, fallocate_error; /* errno, or 0 */
static int pages_allowed; /* that fallocate() gives before it fails */
static int signals;	  /* that arrive before each of them */

/* What became of it, also for the parent of the process that tried. */
static struct {
	char said[512];
	int messages, result, pages;
	bool huge;
} * seen;

static int huge_file = -1, signals_left;

int __real_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags);
int __wrap_memfd_create(const char *name, unsigned int flags)
{
	const bool huge = flags & MFD_HUGETLB;
	int fd;

	errno = huge && huge_memfd_error ? huge_memfd_error : memfd_error;
	if (errno)
		return -1;
	fd = __real_memfd_create(name, flags & (MFD_CLOEXEC | MFD_ALLOW_SEALING));
	huge_file = huge ? fd : -1;
	return fd;
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t size);
int __wrap_fallocate(int fd, int mode, off_t at, off_t size)
{
	if (fd != huge_file || mode || at % HUGE_PAGE || size != HUGE_PAGE)
		_exit(1);
	if (signals_left-- > 0) {
		errno = EINTR;
		return -1;
	}
	signals_left = signals;
	if (seen->pages == pages_allowed) {
		errno = fallocate_error;
		return -1;
	}
	seen->pages++;
	return 0;
}

static void remember(enum ixy_log_level level, const char *line, void *ctx)
{
	(void)ctx;
	if (level > IXY_WARN)
		return;
	snprintf(seen->said, sizeof(seen->said), "%s", line);
	seen->messages++;
}

static void huge_pages(int free, int reserved)
{
	char line[256];

	snprintf(line, sizeof(line),
		 "d=%s/kernel/mm/hugepages/hugepages-2048kB && mkdir -p $d && "
		 "echo %d >$d/free_hugepages && echo %d >$d/resv_hugepages",
		 root, free, reserved);
	assert_int_equal(system(line), 0);
}

static int boot(void **state)
{
	(void)state;
	memset(seen, 0, sizeof(*seen));
	huge_memfd_error = memfd_error = 0;
	fallocate_error = ENOSPC;
	pages_allowed = 1000;
	signals = 0;
	huge_pages(64, 0);
	return 0;
}

static int make_root(void **state)
{
	(void)state;
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return seen == MAP_FAILED || !mkdtemp(root) || setenv("IXY_SYSFS", root, 1);
}

static int remove_root(void **state)
{
	char line[64];

	(void)state;
	snprintf(line, sizeof(line), "rm -rf %s", root);
	return system(line);
}

/* In a process of its own: what is said once is said again, and limits are no longer ours. */
static void allocate(size_t size, const struct rlimit *file_size)
{
	struct dma_memory mem;
	int status = -1;

	fflush(NULL);
	const pid_t pid = fork();
	if (!pid) {
		ixy_log_to(remember, NULL);
		if (file_size)
			setrlimit(RLIMIT_FSIZE, file_size);
		seen->result = vfio_dma_alloc(&mem, size);
		seen->huge = seen->result ? false : huge_file >= 0;
		if (!seen->result)
			memset(mem.virt, 1, mem.size); /* SIGBUS, if it is not there */
		if (!seen->result && !seen->huge)
			seen->result = vfio_dma_alloc(&mem, size); /* says nothing more */
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static void has_said(int messages, const char *a, const char *b)
{
	assert_int_equal(seen->messages, messages);
	if (!strstr(seen->said, a) || !strstr(seen->said, b))
		fail_msg("\"%s\" lacks \"%s\" or \"%s\"", seen->said, a, b);
}

/* ---- Tests ---- */

static void huge_pages_are_taken(void **state)
{
	(void)state;
	allocate(SIZE, NULL);
	assert_int_equal(seen->result, 0);
	assert_true(seen->huge);
	assert_int_equal(seen->pages, 4);
	assert_int_equal(seen->messages, 0);
}

static void huge_pages_that_a_cgroup_refuses_are_done_without(void **state)
{
	(void)state;
	for (pages_allowed = 0; pages_allowed < 4; pages_allowed++) {
		memset(seen, 0, sizeof(*seen));
		allocate(SIZE, NULL);
		assert_int_equal(seen->result, 0);
		assert_false(seen->huge);
		has_said(1, "normal pages", "hugetlb.2MB.max");
	}
}

static void a_sandbox_without_fallocate_has_normal_pages(void **state)
{
	const int refusals[] = { EPERM, ENOSYS };

	(void)state;
	pages_allowed = 0;
	for (int i = 0; i < 2; i++) {
		memset(seen, 0, sizeof(*seen));
		fallocate_error = refusals[i];
		allocate(SIZE, NULL);
		assert_int_equal(seen->result, 0);
		assert_false(seen->huge);
		has_said(1, "sandbox", "fallocate");
	}
}

static void a_sandbox_without_huge_files_has_normal_pages(void **state)
{
	(void)state;
	huge_memfd_error = EPERM;
	allocate(SIZE, NULL);
	assert_int_equal(seen->result, 0);
	has_said(1, "sandbox", "memfd_create");
}

static void a_sandbox_without_files_is_told_of(void **state)
{
	const int refusals[] = { EPERM, ENOSYS };

	(void)state;
	huge_pages(0, 0);
	for (int i = 0; i < 2; i++) {
		memset(seen, 0, sizeof(*seen));
		memfd_error = refusals[i];
		allocate(SIZE, NULL);
		assert_int_equal(seen->result, -refusals[i]);
		has_said(1, "6291457 bytes", "sandbox");
	}
}

static void signals_do_not_keep_it_from_huge_pages(void **state)
{
	(void)state;
	signals = 3;
	allocate(SIZE, NULL);
	assert_int_equal(seen->result, 0);
	assert_true(seen->huge);
	assert_int_equal(seen->messages, 0);
}

/* Most machines: nothing to say of it. */
static void no_huge_pages_is_nothing_special(void **state)
{
	(void)state;
	pages_allowed = 0;
	for (int i = 0; i < 2; i++) {
		memset(seen, 0, sizeof(*seen));
		huge_pages(i ? 64 : 3, i ? 61 : 0);
		allocate(SIZE, NULL);
		assert_int_equal(seen->result, 0);
		assert_false(seen->huge);
		assert_int_equal(seen->messages, 0);
	}
}

static void a_limit_of_file_sizes_does_not_kill(void **state)
{
	struct rlimit limit;

	(void)state;
	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = 4 * HUGE_PAGE - 1;
	allocate(SIZE, &limit);
	assert_int_equal(seen->result, -EFBIG);
	has_said(1, "6291457 bytes", "ulimit -f");
	memset(seen, 0, sizeof(*seen));
	limit.rlim_cur = 4 * HUGE_PAGE;
	allocate(SIZE, &limit);
	assert_int_equal(seen->result, 0);
}

static void each_reason_has_words(void **state)
{
	static const struct {
		int err;
		const char *words;
	} reasons[] = { { ENOMEM, "not enough memory" },
			{ EMFILE, "ulimit -n" },
			{ EAGAIN, "ulimit -l" },
			{ ENFILE, "Too many open files in system" } };

	(void)state;
	huge_pages(0, 0);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		memset(seen, 0, sizeof(*seen));
		memfd_error = reasons[i].err;
		allocate(SIZE, NULL);
		assert_int_equal(seen->result, -reasons[i].err);
		has_said(1, "6291457 bytes", reasons[i].words);
	}
	memfd_error = 0;
	memset(seen, 0, sizeof(*seen));
	allocate((size_t)1 << 46, NULL);
	assert_int_equal(seen->result, -ENOMEM);
	has_said(1, "70368744177664 bytes", "not enough memory");
	memset(seen, 0, sizeof(*seen));
	allocate(0, NULL);
	assert_int_equal(seen->result, -EINVAL);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup(name, boot)
	const struct CMUnitTest tests[] = {
		TEST(huge_pages_are_taken),
		TEST(huge_pages_that_a_cgroup_refuses_are_done_without),
		TEST(a_sandbox_without_fallocate_has_normal_pages),
		TEST(a_sandbox_without_huge_files_has_normal_pages),
		TEST(a_sandbox_without_files_is_told_of),
		TEST(signals_do_not_keep_it_from_huge_pages),
		TEST(no_huge_pages_is_nothing_special),
		TEST(a_limit_of_file_sizes_does_not_kill),
		TEST(each_reason_has_words),
	};
	return cmocka_run_group_tests(tests, make_root, remove_root);
}
