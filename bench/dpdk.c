/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * DPDK's ixgbe, as Debian ships it, on the card of the benchmark, in the best configuration of
 * a DPDK application: huge pages if there are any, a mempool with a cache, the vector path
 * (or another one, for comparison), no offloads. It differs from an application in two ways:
 *
 * The PCI device was not found by a bus scan, and its BAR 0 is trap_registers(). The structures
 * for that are in headers of DPDK's source package.
 *
 * On processors with MOVDIRI, DPDK writes doorbells with it. That is good for a real card, but slow
 * for the ordinary memory that the registers are here. So MOVDIRI is hidden from DPDK.
 */
#define _GNU_SOURCE
#define ALLOW_EXPERIMENTAL_API
#define ALLOW_INTERNAL_API
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include <rte_cpuflags.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_interrupts.h>
#include <rte_mbuf.h>

#include <bus_driver.h>
#include <bus_pci_driver.h>

#include "bench.h"
#include "huge_pages.h"
#include "trap.h"

#define KX4 0x10F7 /* device id of a backplane card, which has no SFP+ module to query */

static uint16_t port;
static uint32_t length;
static struct rte_mempool *pool;

int rte_cpu_get_flag_enabled(enum rte_cpu_flag_t flag)
{
	static int (*next)(enum rte_cpu_flag_t flag);

	if (!next)
		next = (int (*)(enum rte_cpu_flag_t))dlsym(RTLD_NEXT, "rte_cpu_get_flag_enabled");
	return flag == RTE_CPUFLAG_MOVDIRI ? 0 : next(flag);
}

static int init(const struct bench_setting *s)
{
	char cpu[16];
	char *args[16] = { "bench-dpdk",
			   "--no-pci",
			   "--no-telemetry",
			   "--no-shconf",
			   "--log-level=4",
			   "--iova-mode=va",
			   "-l",
			   cpu };
	int count = 8;

	snprintf(cpu, sizeof(cpu), "%d", s->cpu);
	if (free_huge_pages() >= 64) {
		args[count++] = "--in-memory";
	} else {
		args[count++] = "--no-huge";
		args[count++] = "-m";
		args[count++] = "512";
	}
	if (!strcmp(s->driver, "dpdk-scalar"))
		args[count++] = "--force-max-simd-bitwidth=64";
	return rte_eal_init(count, args) < 0;
}

/* The head of DPDK's own struct rte_pci_bus. */
struct pci_bus {
	struct rte_bus bus;
	RTE_TAILQ_HEAD(, rte_pci_device) devices;
	RTE_TAILQ_HEAD(, rte_pci_driver) drivers;
};

static int probe(uint8_t *bar0)
{
	static struct rte_pci_device device;
	const struct pci_bus *bus = (const struct pci_bus *)rte_bus_find_by_name("pci");
	struct rte_pci_driver *driver = NULL;

	if (bus)
		TAILQ_FOREACH(driver, &bus->drivers, next)
			if (!strcmp(driver->driver.name, "net_ixgbe"))
				break;
	if (!driver) {
		fputs("bench: DPDK has no net_ixgbe; install librte-net-ixgbe23\n", stderr);
		return 1;
	}
	strcpy(device.name, "0000:00:00.0");
	device.id = (struct rte_pci_id){ .vendor_id = 0x8086, .device_id = KX4 };
	device.mem_resource[0].addr = bar0;
	device.mem_resource[0].len = NIC_BAR0_SIZE;
	device.intr_handle = rte_intr_instance_alloc(RTE_INTR_INSTANCE_F_PRIVATE);
	device.kdrv = RTE_PCI_KDRV_NONE;
	device.driver = driver;
	device.device.name = device.name;
	device.device.bus = &bus->bus;
	device.device.driver = &driver->driver;
	device.device.numa_node = SOCKET_ID_ANY;
	/* There are no interrupts, but without an eventfd the driver prints errors. */
	rte_intr_type_set(device.intr_handle, RTE_INTR_HANDLE_VDEV);
	rte_intr_fd_set(device.intr_handle, eventfd(0, EFD_CLOEXEC));
	return driver->probe(driver, &device);
}

static int start(const struct bench_setting *s)
{
	struct rte_eth_conf conf = { 0 };
	struct rte_eth_dev_info info;
	int err = rte_eth_dev_info_get(port, &info);

	if (err)
		return err;
	if (!strcmp(s->driver, "dpdk-full")) {
		/* Multi-segment frames select the full-featured paths. */
		conf.txmode.offloads = RTE_ETH_TX_OFFLOAD_MULTI_SEGS;
		info.default_rxconf.rx_free_thresh = 31;
	}
	info.default_txconf.offloads = conf.txmode.offloads;
	return rte_eth_dev_configure(port, 1, 1, &conf) ?:
	       rte_eth_rx_queue_setup(port, 0, (uint16_t)s->ring, SOCKET_ID_ANY,
				      &info.default_rxconf, pool) ?:
	       rte_eth_tx_queue_setup(port, 0, (uint16_t)s->ring, SOCKET_ID_ANY,
				      &info.default_txconf) ?:
	       rte_eth_dev_start(port) ?:
	       rte_eth_promiscuous_enable(port);
}

static int open_dpdk(struct card *card, const struct bench_setting *s)
{
	uint16_t command = 1 << 2; /* bus master */

	length = s->length;
	card_map_all(card);
	nic_config_write(card->nic, 4, &command, sizeof(command));
	if (init(s))
		return 1;
	uint8_t *bar0 = trap_registers(card);
	pool = rte_pktmbuf_pool_create("bench", s->pool, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE,
				       SOCKET_ID_ANY);
	if (!pool || !bar0 || probe(bar0) || start(s))
		return 1;
	bench_driver.min_batch = strcmp(s->driver, "dpdk-vector") ? 1 : 4;
	bench_driver.bar0 = bar0;
	return 0;
}

static void close_dpdk(void)
{
	rte_eth_dev_stop(port);
	rte_eth_dev_close(port);
}

static uint32_t run_forward(uint32_t n, uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint32_t done = 0, idle = 0;

	while (done < n && idle < IDLE_MAX) {
		uint16_t rx = rte_eth_rx_burst(port, 0, bufs, (uint16_t)batch);
		for (uint32_t i = 0; i < rx; i++)
			rte_pktmbuf_mtod(bufs[i], uint8_t *)[1]++;
		uint16_t tx = rte_eth_tx_burst(port, 0, bufs, rx);
		if (tx < rx)
			rte_pktmbuf_free_bulk(bufs + tx, rx - tx);
		done += tx;
		idle = rx ? 0 : idle + 1;
	}
	return done;
}

static uint32_t run_receive(uint32_t n, uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint32_t done = 0, idle = 0;

	while (done < n && idle < IDLE_MAX) {
		uint16_t rx = rte_eth_rx_burst(port, 0, bufs, (uint16_t)batch);
		rte_pktmbuf_free_bulk(bufs, rx);
		done += rx;
		idle = rx ? 0 : idle + 1;
	}
	return done;
}

static uint32_t run_send(uint32_t n, uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint32_t done = 0, idle = 0;

	while (done < n && idle < IDLE_MAX) {
		uint16_t tx = 0;
		if (!rte_pktmbuf_alloc_bulk(pool, bufs, batch)) {
			for (uint32_t i = 0; i < batch; i++)
				bufs[i]->data_len = bufs[i]->pkt_len = (uint16_t)length;
			tx = rte_eth_tx_burst(port, 0, bufs, (uint16_t)batch);
			rte_pktmbuf_free_bulk(bufs + tx, batch - tx);
		}
		done += tx;
		idle = tx ? 0 : idle + 1;
	}
	return done;
}

static uint32_t run_poll(uint32_t n, uint32_t batch)
{
	struct rte_mbuf *bufs[BATCH_MAX];
	uint32_t found = 0;

	for (uint32_t i = 0; i < n; i++) {
		uint16_t rx = rte_eth_rx_burst(port, 0, bufs, (uint16_t)batch);
		found += rx + rte_eth_tx_burst(port, 0, bufs, rx);
	}
	return found ? 0 : n;
}

struct bench_driver bench_driver = {
	.names = { "dpdk-vector", "dpdk-scalar", "dpdk-full" },
	.open = open_dpdk,
	.close = close_dpdk,
	.task = { run_forward, run_receive, run_send, run_poll },
	.min_batch = 1,
};
