/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Measure a driver without a card, in lockstep: the card receives packets, the driver
 * handles them (only this is timed), the card transmits them and verifies them. So no
 * waiting is timed, and a driver that drops packets has no result.
 *
 * Prints one line per measurement; the script `run` makes tables of them.
 */
#define _GNU_SOURCE
#include "bench.h"

#include <getopt.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cpuid.h>

#include "clock.h"
#include "sort.h"
#include "trap.h"

#define PACKETS 128 /* per round, if batch and ring allow it */
#define WARM_UP 16  /* rounds */

/*
 * Where the card runs. HOT: on the driver's processor, so its writes are in the nearest cache.
 * LLC: the same, but its writes are then moved to the last-level cache, where a real card
 * writes (DDIO). XCORE: on another processor, whose caches keep everything.
 */
enum placement { HOT, LLC, XCORE, PLACEMENTS };

static const char *const placements[] = { "hot", "llc", "xcore" };
static const char *const tasks[] = { "forward", "receive", "send", "poll" };

static struct card card;
static struct bench_setting setting = { .ring = 512, .pool = 4096, .length = 60 };

/* The instructions per packet depend on the compiler. */
#define STRING_(x) #x
#define STRING(x)  STRING_(x)
#ifdef __clang__
#define COMPILER "clang " STRING(__clang_major__)
#else
#define COMPILER "gcc " STRING(__GNUC__)
#endif

static void die(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", setting.driver, what);
	exit(1);
}

static double milliseconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static uint32_t status_kib(const char *field)
{
	char line[128];
	uint32_t kib = 0;
	FILE *file = fopen("/proc/self/status", "r");

	while (file && fgets(line, sizeof(line), file))
		if (!strncmp(line, field, strlen(field)))
			kib = (uint32_t)strtoul(line + strlen(field), NULL, 10);
	if (file)
		fclose(file);
	return kib;
}

/* ---- The card's turn, here or on another processor ---- */

static struct {
	bool (*function)(void);
	bool result;
	int turn; /* 1: the card's thread's */
	pthread_t thread;
	int cpu;
} other = { .cpu = -1 };

static void run_on(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		die("cannot set its processor");
}

/* The first two that this process may use; the only one is the driver's. */
static void choose_cpus(void)
{
	cpu_set_t set;

	if (sched_getaffinity(0, sizeof(set), &set))
		die("cannot determine its processors");
	setting.cpu = -1;
	for (int cpu = 0; cpu < CPU_SETSIZE && other.cpu < 0; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			other.cpu = setting.cpu;
			setting.cpu = cpu;
		}
}

static void wait_turn(int turn)
{
	while (__atomic_load_n(&other.turn, __ATOMIC_ACQUIRE) != turn)
		__builtin_ia32_pause();
}

static void *other_thread(void *argument)
{
	run_on(other.cpu);
	for (;;) {
		wait_turn(1);
		if (!other.function)
			return argument;
		other.result = other.function();
		__atomic_store_n(&other.turn, 0, __ATOMIC_RELEASE);
	}
}

static void start_other(enum placement placement)
{
	if (placement != XCORE)
		return;
	if (other.cpu < 0)
		die("needs two processors");
	if (pthread_create(&other.thread, NULL, other_thread, NULL))
		die("cannot start a thread");
}

static bool idle(void)
{
	return true;
}

static bool let_card(enum placement placement, bool (*function)(void))
{
	if (placement != XCORE)
		return function();
	other.function = function;
	__atomic_store_n(&other.turn, 1, __ATOMIC_RELEASE);
	if (!function)
		return true;
	wait_turn(0);
	return other.result;
}

/* The time to hand over to the other processor and back shows whether they share a cache. */
static double handover_ns(enum placement placement)
{
	double times[1000];

	if (placement != XCORE)
		return 0;
	for (uint32_t i = 0; i < 1000; i++) {
		double start = milliseconds();
		let_card(placement, idle);
		times[i] = milliseconds() - start;
	}
	sort_doubles(times, 1000);
	return times[250] * 1e6; /* the lower quartile: some are disturbed */
}

static void stop_other(enum placement placement)
{
	if (placement != XCORE)
		return;
	let_card(placement, NULL);
	pthread_join(other.thread, NULL);
	other.turn = 0;
}

/* ---- A round ---- */

static struct {
	enum bench_task task;
	uint32_t packets, batch, done;
	enum { STAY, DEMOTE, EVICT } push;
} round_;

/* LLC uses CLDEMOTE where the processor has it (CPUID 7, ECX bit 25). */
static bool has_cldemote(void)
{
	uint32_t a, b, c = 0, d;

	return __get_cpuid_count(7, 0, &a, &b, &c, &d) && c >> 25 & 1;
}

/*
 * Otherwise it evicts everything from this processor's own caches by reading a large buffer: the
 * card's writes go to the last-level cache, but so does the driver's own data.
 */
static void evict(void)
{
	static volatile uint8_t *junk;
	static size_t size;

	if (!junk) {
		long l2 = sysconf(_SC_LEVEL2_CACHE_SIZE);
		size = 2 * (size_t)(l2 > 0 ? l2 : 1 << 20);
		junk = malloc(size);
		if (!junk)
			die("out of memory");
		memset((void *)junk, 1, size);
	}
	for (size_t i = 0; i < size; i += 64)
		junk[i];
}

static bool arrive(void)
{
	uint32_t packets = round_.task < SEND ? round_.packets : 0;
	bool good = card_receive(&card, packets, round_.push == DEMOTE);

	if (round_.push == EVICT)
		evict();
	return good;
}

static bool leave(void)
{
	bool sent = round_.task == FORWARD || round_.task == SEND;

	return card_send(&card, sent ? round_.packets : 0, round_.task == FORWARD);
}

static void drive(void *unused)
{
	(void)unused;
	round_.done = bench_driver.task[round_.task](round_.packets, round_.batch);
}

static void begin(enum placement placement, enum bench_task task, uint32_t batch)
{
	/* DPDK returns descriptors late, and needs more of them than are used. */
	uint32_t few = setting.ring / 4, packets = PACKETS < few ? PACKETS : few;

	round_.task = task;
	round_.batch = batch;
	round_.packets = batch > packets ? batch : packets;
	round_.push = placement != LLC ? STAY : has_cldemote() ? DEMOTE : EVICT;
}

static void before(enum placement placement)
{
	if (!let_card(placement, arrive))
		die("the driver did not provide enough descriptors");
}

static void after(enum placement placement)
{
	if (!let_card(placement, leave))
		die(card.error);
	if (round_.done != round_.packets)
		die("the driver did not handle all packets");
}

/* ---- Measurements ---- */

static void measure_time(enum placement placement, uint32_t rounds)
{
	double *samples = calloc(rounds, sizeof(*samples));
	uint32_t kept = 0, tries = 0, most = 5 * rounds + WARM_UP;

	if (!samples)
		die("out of memory");
	start_other(placement);
	double handover = handover_ns(placement);
	for (; kept < rounds && tries < most; tries++) {
		before(placement);
		struct clock_probe first = clock_probe();
		uint64_t start = clock_ticks();
		drive(NULL);
		uint64_t ticks = clock_ticks() - start;
		struct clock_probe last = clock_probe();
		after(placement);
		if (tries >= WARM_UP && !clock_disturbed(&first, &last))
			samples[kept++] =
				(double)ticks * (first.speed + last.speed) / 2 / round_.packets;
	}
	stop_other(placement);
	sort_doubles(samples, kept);
	if (kept < rounds / 4) /* no line: other turns have one */
		fprintf(stderr, "bench: %s: too noisy: only %u of %u rounds were undisturbed\n",
			setting.driver, kept, tries);
	else
		printf("cycles,%s,%s,%s,%u,%u,%u,%u,%.2f,%.0f,%u\n", setting.driver,
		       tasks[round_.task], placements[placement], setting.ring, setting.pool,
		       setting.length + 4, round_.batch, samples[kept / 2], handover,
		       status_kib("HugetlbPages:"));
	free(samples);
}

/* First come rounds until every packet buffer and descriptor was used once, which costs more. */
static void measure_counts(void)
{
	uint32_t rounds = 4, laps = 2 * (setting.pool + setting.ring) / round_.packets;
	struct trap_counts sum = { 0 };

	for (uint32_t i = 0; i < laps + rounds; i++) {
		before(HOT);
		if (i < laps) {
			drive(NULL);
		} else {
			struct trap_counts counts = trap_count(bench_driver.bar0, drive, NULL);
			sum.instructions += counts.instructions;
			sum.doorbells += counts.doorbells;
			sum.other_accesses += counts.other_accesses;
		}
		after(HOT);
	}
	double packets = (double)rounds * round_.packets;
	printf("counts,%s,%s,count,%u,%u,%u,%u,%.2f,%.4f\n", setting.driver, tasks[round_.task],
	       setting.ring, setting.pool, setting.length + 4, round_.batch,
	       (double)sum.instructions / packets, (double)sum.doorbells / packets);
	if (sum.other_accesses)
		die("the data path accesses registers other than doorbells");
}

/*
 * Misses of the card's IOTLB, which are the cost of an IOMMU. The card transmits each batch
 * before it receives the next, which keeps the minimum in flight.
 */
static void measure_iotlb(void)
{
	uint32_t rounds = 256, laps = 2 * (setting.pool + setting.ring) / round_.batch;
	uint64_t misses = 0;

	round_.packets = round_.batch;
	for (uint32_t i = 0; i < laps + rounds; i++) {
		if (i == laps)
			misses = card.iotlb.misses;
		before(HOT);
		drive(NULL);
		after(HOT);
	}
	printf("iotlb,%s,%s,iotlb,%u,%u,%u,%u,%.4f,%u,%llu\n", setting.driver, tasks[round_.task],
	       setting.ring, setting.pool, setting.length + 4, round_.batch,
	       (double)(card.iotlb.misses - misses) / rounds / round_.packets, card.iotlb.entries,
	       (unsigned long long)card.iotlb.page);
}

/* The time from process start to the first packets, the part of it that trap.c took, and the memory. */
static void measure_start(bool print)
{
	uint32_t kib = status_kib("VmRSS:") + status_kib("HugetlbPages:");
	double start = milliseconds(), each = 0;

	if (card_create(&card, setting.length))
		die("cannot create the card");
	if (bench_driver.open(&card, &setting))
		die("the driver failed to start");
	if (!card_wait_link(&card))
		die("the link did not come up");
	begin(HOT, FORWARD, 32);
	before(HOT);
	drive(NULL);
	double first = milliseconds() - start;
	after(HOT);
	if (!print)
		return;
	kib = status_kib("VmRSS:") + status_kib("HugetlbPages:") - kib;
	uint64_t caught = trap_accesses();
	start = milliseconds();
	for (int i = 0; i < 256 && caught; i++)
		((volatile uint32_t *)bench_driver.bar0)[2]; /* STATUS */
	each = (milliseconds() - start) / 256;
	printf("start,%s,forward,start,%u,%u,%u,32,%.2f,%.2f,%u\n", setting.driver, setting.ring,
	       setting.pool, setting.length + 4, first, (double)caught * each, kib);
}

/* ---- Command line ---- */

static const char usage[] =
	"usage: bench-DRIVER [OPTION]...\n"
	"Measure a driver on a software card in the same process.\n"
	"\n"
	"  --driver NAME     variant\n"
	"  --ring N          descriptors per ring (512)\n"
	"  --pool N          packet buffers (4096)\n"
	"  --size N          bytes of a packet with CRC (64)\n"
	"  --batch LIST      1,2,4,... (32)\n"
	"  --task LIST       forward,receive,send,poll (forward)\n"
	"  --placement LIST  hot,llc,xcore: core cycles; count: instructions, doorbells;\n"
	"                    start: time and memory (hot)\n"
	"  --iotlb N,PAGE    instead: misses of a card's IOTLB with N entries, pages of PAGE "
	"bytes\n"
	"  --rounds N        of 128 packets (300)\n"
	"  --cpus N,M        of the driver, of the card where it has its own (second,first)\n"
	"  --compiler        print the compiler of this program, and exit\n";

static bool listed(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; (at = strstr(at, name)); at += length)
		if ((at == list || at[-1] == ',') && (!at[length] || at[length] == ','))
			return true;
	return false;
}

static void measure(const char *batch_list, const char *task_list, const char *placement_list,
		    uint32_t rounds)
{
	char *end;

	for (const char *at = batch_list; *at; at = end + (*end == ',')) {
		uint32_t batch = (uint32_t)strtoul(at, &end, 10);
		if (!batch || batch > BATCH_MAX || batch > setting.ring / 2)
			die("--batch must be 1 to 256, and at most half a ring");
		if (batch < bench_driver.min_batch)
			continue;
		for (int task = 0; task < TASKS; task++) {
			if (!listed(task_list, tasks[task]))
				continue;
			for (int p = 0; p < PLACEMENTS; p++) {
				begin(p, task, batch);
				if (listed(placement_list, placements[p]))
					measure_time(p, rounds);
			}
			begin(HOT, task, batch);
			if (listed(placement_list, "count"))
				measure_counts();
			if (card.iotlb.entries)
				measure_iotlb();
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "driver", 1, NULL, 'd' },
		{ "ring", 1, NULL, 'r' },
		{ "pool", 1, NULL, 'p' },
		{ "size", 1, NULL, 's' },
		{ "batch", 1, NULL, 'b' },
		{ "task", 1, NULL, 't' },
		{ "placement", 1, NULL, 'l' },
		{ "rounds", 1, NULL, 'n' },
		{ "cpus", 1, NULL, 'c' },
		{ "iotlb", 1, NULL, 'i' },
		{ "help", 0, NULL, 'h' },
		{ "compiler", 0, NULL, 'C' },
		{ 0 },
	};
	const char *batches = "32", *task_list = "forward", *placement_list = "hot";
	uint32_t rounds = 300, iotlb = 0, page = 4096;
	int option;

	setting.driver = bench_driver.names[0];
	choose_cpus();
	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (option) {
		case 'd':
			setting.driver = optarg;
			break;
		case 'r':
			setting.ring = (uint32_t)atoi(optarg);
			break;
		case 'p':
			setting.pool = (uint32_t)atoi(optarg);
			break;
		case 's':
			setting.length = (uint32_t)atoi(optarg) - 4;
			break;
		case 'b':
			batches = optarg;
			break;
		case 't':
			task_list = optarg;
			break;
		case 'l':
			placement_list = optarg;
			break;
		case 'n':
			rounds = (uint32_t)atoi(optarg);
			break;
		case 'c':
			if (sscanf(optarg, "%d,%d", &setting.cpu, &other.cpu) < 1)
				die("--cpus takes one or two numbers");
			break;
		case 'i':
			if (sscanf(optarg, "%u,%u", &iotlb, &page) != 2 || iotlb > IOTLB_MAX)
				die("--iotlb takes entries (up to 1024) and a page size");
			placement_list = "";
			break;
		case 'C':
			puts(COMPILER);
			return 0;
		default:
			fputs(usage, option == 'h' ? stdout : stderr);
			return option == 'h' ? 0 : 2;
		}
	}
	run_on(setting.cpu);
	measure_start(listed(placement_list, "start"));
	card_set_iotlb(&card, iotlb, page);
	measure(batches, task_list, placement_list, rounds);
	bench_driver.close();
	return 0;
}
