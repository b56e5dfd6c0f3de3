/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ixy-bind: list network cards and their drivers, and move them from one driver to
 * another. All of it is reading and writing files in sysfs (Linux: Documentation/ABI/testing/
 * sysfs-bus-pci): driver_override names the driver that may have a card, driver/unbind takes it from
 * the one that has it, drivers_probe offers it to all.
 */
#include "options.h"

#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <pwd.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../vfio/host/sysfs.h"

#include <ixy_features.h>

#define NETWORK	  0x02 /* PCI base class */
#define CARDS_MAX 256
#define INDENT	  14 /* of what does not fit, and of remarks */

struct card {
	char pci[SYSFS_PCI];
	unsigned int vendor, device, class;
	const char *name; /* of those that ixy drives, else NULL */
	char driver[SYSFS_NAME], group[SYSFS_NAME];
	int node;				/* NUMA; -1: not known */
	char interfaces[NETIF_MAX][SYSFS_NAME]; /* of Linux */
	int interface_count;
	char used[256]; /* why the system needs it, or "" */
};

static bool force;

/* ---- What there is ---- */

static unsigned int read_hex(const char *pci, const char *file)
{
	char text[SYSFS_NAME];

	return sysfs_read(text, SYSFS_DEVICE "/%s", pci, file) ? strtoul(text, NULL, 16) : 0;
}

static void read_function(struct card *card, const char *pci)
{
	char node[SYSFS_NAME];

	*card = (struct card){ 0 };
	snprintf(card->pci, sizeof(card->pci), "%s", pci);
	card->vendor = read_hex(pci, "vendor");
	card->device = read_hex(pci, "device");
	card->class = read_hex(pci, "class") >> 16;
	card->name = ixy_card_name(card->vendor, card->device);
	sysfs_link(card->driver, SYSFS_DEVICE "/driver", pci);
	sysfs_link(card->group, SYSFS_DEVICE "/iommu_group", pci);
	card->node = sysfs_read(node, SYSFS_DEVICE "/numa_node", pci) && *node ? atoi(node) : -1;
	card->interface_count = netif_list(pci, card->interfaces);
	if (!netif_in_use(pci, card->used, sizeof(card->used)))
		*card->used = '\0';
}

static bool is_network_card(const struct card *card)
{
	return card->class == NETWORK || card->name;
}

static int by_address(const void *a, const void *b)
{
	return strcmp(((const struct card *)a)->pci, ((const struct card *)b)->pci);
}

static int read_cards(struct card *cards)
{
	DIR *dir = sysfs_list("bus/pci/devices");
	const char *pci;
	int count = 0;

	while ((pci = sysfs_next(dir)) != NULL) {
		if (count == CARDS_MAX)
			continue;
		read_function(&cards[count], pci);
		count += is_network_card(&cards[count]);
	}
	qsort(cards, count, sizeof(*cards), by_address);
	return count;
}

/* Call @each for all other members of the card's IOMMU group. */
static void for_neighbours(const struct card *card,
			   void (*each)(const char *pci, const char *driver, void *ctx), void *ctx)
{
	char driver[SYSFS_NAME];
	const char *pci;
	DIR *dir = *card->group ? sysfs_list(SYSFS_DEVICE "/iommu_group/devices", card->pci) : NULL;

	while ((pci = sysfs_next(dir)) != NULL) {
		if (!strcmp(pci, card->pci))
			continue;
		sysfs_link(driver, SYSFS_DEVICE "/driver", pci);
		each(pci, driver, ctx);
	}
}

/* ---- The list ---- */

static void print_neighbour(const char *pci, const char *driver, void *ctx)
{
	const struct card *card = ctx;

	printf("%*salso in group %s: %s (%s)\n", INDENT, "", card->group, pci,
	       *driver ? driver : "no driver");
}

static void print_text(struct card *cards, int count)
{
	bool iommu = false;

	printf("%-12s  %-9s  %-16s  %-10s  %4s  %5s  %s\n", "address", "id", "ixy drives it",
	       "driver", "NUMA", "group", "interfaces");
	for (struct card *c = cards; c < cards + count; c++) {
		char node[16] = "-";
		if (c->node >= 0)
			snprintf(node, sizeof(node), "%d", c->node);
		int column = printf("%-12s  %04x:%04x  %-16s  %-10s  %4s  %5s  ", c->pci, c->vendor,
				    c->device, c->name ?: "no", *c->driver ? c->driver : "-", node,
				    *c->group ? c->group : "-");
		char interfaces[sizeof(c->interfaces)] = "";
		for (int i = 0; i < c->interface_count; i++)
			strcat(strcat(interfaces, i ? " " : ""), c->interfaces[i]);
		app_print_words(stdout, column, INDENT, c->interface_count ? interfaces : "-");
		if (*c->used)
			app_print_words(stdout, printf("%*sin use: ", INDENT, ""), INDENT + 2,
					c->used);
		for_neighbours(c, print_neighbour, c);
		iommu |= *c->group;
	}
	if (count && !iommu)
		puts("No IOMMU is on: vfio-pci needs one (VT-d, AMD-Vi in the firmware;\n"
		     "intel_iommu=on for Intel).");
}

static void json_string(const char *key, const char *text)
{
	printf(",\"%s\":", key);
	if (text && *text)
		app_print_string(stdout, text);
	else
		fputs("null", stdout);
}

static void json_neighbour(const char *pci, const char *driver, void *ctx)
{
	int *count = ctx;

	printf("%s{\"address\":\"%s\"", (*count)++ ? "," : "", pci);
	json_string("driver", driver);
	putchar('}');
}

static void print_list_json(struct card *cards, int count)
{
	for (struct card *c = cards; c < cards + count; c++) {
		int neighbours = 0;
		printf("{\"type\":\"card\",\"address\":\"%s\",\"id\":\"%04x:%04x\"", c->pci,
		       c->vendor, c->device);
		json_string("card", c->name);
		json_string("driver", c->driver);
		printf(",\"numa_node\":");
		printf(c->node < 0 ? "null" : "%d", c->node);
		printf(",\"iommu_group\":%s,\"group_members\":[", *c->group ? c->group : "null");
		for_neighbours(c, json_neighbour, &neighbours);
		printf("],\"interfaces\":[");
		for (int i = 0; i < c->interface_count; i++) {
			fputs(i ? "," : "", stdout);
			app_print_string(stdout, c->interfaces[i]);
		}
		putchar(']');
		json_string("in_use", c->used);
		puts("}");
	}
}

/* ---- May it be given to another driver? Each says why not. ---- */

__attribute__((format(printf, 2, 3))) static bool refuse(const struct card *card,
							 const char *format, ...)
{
	char text[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	app_say("%s: %s", card->pci, text);
	return false;
}

struct others {
	char **named; /* cards on the command line */
	int count;
	char list[512], addresses[512];
	bool foreign; /* one that is not ours to give: no network card */
};

static void add_other(const char *pci, const char *driver, void *ctx)
{
	struct others *others = ctx;
	size_t length = strlen(others->list);

	if (sysfs_leaves_group_viable(driver))
		return;
	for (int i = 0; i < others->count; i++)
		if (!strcmp(others->named[i], pci))
			return;
	snprintf(others->list + length, sizeof(others->list) - length, "%s%s (%s)",
		 length ? ", " : "", pci, driver);
	others->foreign |= !sysfs_is_network(pci) && !sysfs_is_bridge(pci);
	length = strlen(others->addresses);
	snprintf(others->addresses + length, sizeof(others->addresses) - length, " %s", pci);
}

/* Whatever else has a card is one of the kernel's own drivers. */
static bool is_for_programs(const char *driver)
{
	return sysfs_is_vfio(driver) || !strcmp(driver, "pci-stub") ||
	       !strncmp(driver, "uio_", 4) || !strcmp(driver, "igb_uio");
}

/*
 * The driver that @card has when it has been given to @driver; "" is none. Bridges in the group of a
 * card are given, too, and need nothing but that their driver is not in the way.
 */
static const char *target(const struct card *card, const char *driver)
{
	if (!strcmp(driver, "kernel") && *card->driver && !is_for_programs(card->driver))
		return card->driver;
	if (!strcmp(driver, "vfio-pci") && sysfs_is_bridge(card->pci))
		return sysfs_leaves_group_viable(card->driver) ? card->driver : "";
	return strcmp(driver, "none") ? driver : "";
}

static bool may_bind(const struct card *card, const char *driver, char **named, int count)
{
	struct others others = { named, count, "", "", false };
	const bool stays = !strcmp(target(card, driver), card->driver);
	const bool bridge = !strcmp(driver, "vfio-pci") && sysfs_is_bridge(card->pci);

	if (stays && !strcmp(driver, "kernel"))
		return true;
	if (!is_network_card(card) && !bridge && strcmp(driver, "kernel") && !force)
		return refuse(card, "not a network card (class %02x); --force gives it to %s",
			      card->class, driver);
	if (*card->used && !stays && !force)
		return refuse(card, "in use: %s; --force takes it all the same", card->used);
	if (strcmp(driver, "vfio-pci") || bridge)
		return true;
	if (!*card->group)
		return refuse(
			card,
			"not behind an IOMMU, which vfio-pci needs: switch it on in the firmware "
			"(VT-d, AMD-Vi) and boot with intel_iommu=on (Intel); or do without: "
			"ixy-bind none %s, and as root sysfs:%s",
			card->pci, card->pci);
	for_neighbours(card, add_other, &others);
	if (*others.list && !force)
		return refuse(card,
			      "its IOMMU group %s has other members, which have to go with it: %s; "
			      "%sixy-bind %svfio-pci %s%s",
			      card->group, others.list,
			      others.foreign ? "if the system can do without them: " : "",
			      others.foreign ? "--force " : "", card->pci, others.addresses);
	return true;
}

/* ---- Giving it ---- */

/* Run a program of the system and wait for it. */
static void run_command(char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		execvp(argv[0], argv);
		_exit(127);
	}
	if (pid > 0)
		waitpid(pid, NULL, 0);
}

/* If it fails, that is seen later. @second may be NULL. */
static void load_modules(const char *first, const char *second)
{
	printf("modprobe -a %s%s%s\n", first, second ? " " : "", second ?: "");
	fflush(stdout);
	run_command((char *[]){ "modprobe", "-a", (char *)first, (char *)second, NULL });
}

static bool report_failure(const struct card *card, const char *file, int err)
{
	return refuse(card, "%s: %s%s", file, strerror(-err),
		      err == -EACCES || err == -EPERM ? " (ixy-bind needs root: sudo)" : "");
}

/* Take it from its driver and offer it to the one that @override names; "": to all. */
static bool change_driver(const struct card *card, const char *override)
{
	int err = sysfs_write(*override ? override : "\n", SYSFS_DEVICE "/driver_override",
			      card->pci);

	if (err)
		return report_failure(card, "driver_override", err);
	if (*card->driver && strcmp(card->driver, override)) {
		err = sysfs_write(card->pci, SYSFS_DEVICE "/driver/unbind", card->pci);
		if (err && err != -ENOENT)
			return report_failure(card, "driver/unbind", err);
	}
	err = sysfs_write(card->pci, "bus/pci/drivers_probe");
	/* It fails when no driver wants the card; whether that is right is seen later. */
	return err == -EACCES || err == -EPERM ? report_failure(card, "drivers_probe", err) : true;
}

static bool bind_vfio(const struct card *card, const struct passwd *user)
{
	char path[PATH_MAX];

	if (!sysfs_exists("bus/pci/drivers/vfio-pci") || !sysfs_exists("module/vfio_iommu_type1"))
		load_modules("vfio-pci", "vfio_iommu_type1");
	if (!sysfs_exists("bus/pci/drivers/vfio-pci"))
		return refuse(card, "the kernel has no vfio-pci");
	if (sysfs_is_bridge(card->pci))
		return !strcmp(target(card, "vfio-pci"), card->driver) ||
		       change_driver(card, SYSFS_NO_DRIVER);
	if (strcmp(card->driver, "vfio-pci") && !change_driver(card, "vfio-pci"))
		return false;
	if (!user)
		return true;
	/* udev may be about to give the new file its default owner. */
	if (strcmp(card->driver, "vfio-pci") && !access("/run/udev/control", F_OK))
		run_command((char *[]){ "udevadm", "settle", "--timeout=5", NULL });
	snprintf(path, sizeof(path), "/dev/vfio/%s", card->group);
	if (chown(path, user->pw_uid, -1))
		return report_failure(card, path, -errno);
	printf("%s belongs to %s; programs of %s need locked memory, too: see ulimit -l\n", path,
	       user->pw_name, user->pw_name);
	return true;
}

static bool bind_kernel(const struct card *card)
{
	char modalias[SYSFS_NAME], driver[SYSFS_NAME];

	if (*card->driver && !is_for_programs(card->driver)) {
		int err = sysfs_write("\n", SYSFS_DEVICE "/driver_override", card->pci);
		return err ? report_failure(card, "driver_override", err) : true;
	}
	if (!change_driver(card, ""))
		return false;
	if (sysfs_link(driver, SYSFS_DEVICE "/driver", card->pci))
		return true;
	/* Its driver is a module that is not loaded: udev would have done that at the start. */
	if (sysfs_read(modalias, SYSFS_DEVICE "/modalias", card->pci) && *modalias)
		load_modules(modalias, NULL);
	return change_driver(card, "");
}

static bool bind_card(const char *pci, const char *driver, const struct passwd *user)
{
	struct card before, after;
	bool done;

	read_function(&before, pci);
	/* A program may have it without a driver (sysfs:...); such are locked. */
	const int lock = *before.driver ? -1 : sysfs_lock(pci);
	if (lock == -EBUSY)
		return refuse(&before, "a program has it open");
	if (!strcmp(driver, "vfio-pci"))
		done = bind_vfio(&before, user);
	else if (!strcmp(driver, "kernel"))
		done = bind_kernel(&before);
	else
		done = change_driver(&before, SYSFS_NO_DRIVER);
	if (lock >= 0)
		close(lock);
	if (!done)
		return false;

	read_function(&after, pci);
	if (!strcmp(driver, "kernel"))
		done = *after.driver && !is_for_programs(after.driver);
	else
		done = !strcmp(after.driver, target(&before, driver));
	if (!done)
		return refuse(&after, "%s; dmesg may tell why",
			      *after.driver		 ? "its driver does not let it go"
			      : strcmp(driver, "kernel") ? "vfio-pci does not take it"
							 : "no driver of the kernel takes it");
	if (!strcmp(before.driver, after.driver))
		printf("%s: stays with %s\n", pci, *after.driver ? after.driver : "no driver");
	else
		printf("%s: %s -> %s\n", pci, *before.driver ? before.driver : "no driver",
		       *after.driver ? after.driver : "no driver");
	fflush(stdout);
	return true;
}

/* All of them or, if there is something against one, none. */
static bool bind_cards(const char *driver, char **named, int count, const struct passwd *user)
{
	bool good = true, refused = false;

	for (int i = 0; i < count; i++) {
		char pci[SYSFS_PCI];
		if (!sysfs_find(pci, named[i]) || strchr(named[i], ',') ||
		    !sysfs_exists(SYSFS_DEVICE, pci)) {
			app_say("%s: no such device; they look like 0000:03:00.0 or 03:00.0, and "
				"the name of a network interface will do, too",
				named[i]);
			good = false;
			continue;
		}
		named[i] = strdup(pci) ?: named[i];
	}
	for (int i = 0; i < count && good; i++) {
		struct card card;
		read_function(&card, named[i]);
		refused |= !may_bind(&card, driver, named, count);
	}
	good &= !refused;
	for (int i = 0; i < count && good; i++)
		good = bind_card(named[i], driver, user);
	return good;
}

/* ---- The command line ---- */

static void print_drivers(void)
{
	puts("\nDRIVER is one of\n"
	     "  vfio-pci                for programs, behind the IOMMU\n"
	     "  none                    for programs that are given sysfs:ADDRESS, without an\n"
	     "                          IOMMU\n"
	     "  kernel                  back to the kernel's own driver\n\n"
	     "Nothing lasts beyond a restart. Programs cannot use a card while the kernel\n"
	     "drives another device of its IOMMU group.");
}

int main(int argc, char **argv)
{
	static struct card cards[CARDS_MAX];
	const struct passwd *user = NULL;
	const char *user_name = NULL;
	bool json = false;
	int status;
	const struct app_option options[] = {
		{ "user", "NAME",
		  "with vfio-pci: let this user open them (owner of /dev/vfio/GROUP)", APP_TEXT,
		  &user_name, 0, 0 },
		{ "force", NULL, "also what is in use", APP_FLAG, &force, 0, 0 },
		{ "json", NULL, "list as JSON, one object per line and card", APP_FLAG, &json, 0,
		  0 },
		{ 0 },
	};
	const struct app_command command = { "[DRIVER ADDRESS...]",
					     "List network cards, or give those at ADDRESS "
					     "(0000:03:00.0, 03:00.0, or an interface, "
					     "enp3s0) to another driver.",
					     options, print_drivers };

	app_start(argv);
	ixy_log_to(app_log, NULL);
	if (!app_parse_options(&command, argc, argv, &status))
		return status;
	if (user_name && !(user = getpwnam(user_name))) {
		app_say("there is no user %s", user_name);
		return 1;
	}
	const char *driver = argv[optind];
	if (!driver) {
		int count = read_cards(cards);
		(json ? print_list_json : print_text)(cards, count);
		return 0;
	}
	if (strcmp(driver, "vfio-pci") && strcmp(driver, "kernel") && strcmp(driver, "none"))
		return app_wrong_use("%s: not vfio-pci, kernel or none", driver);
	if (optind + 1 == argc)
		return app_wrong_use("%s: of which card", driver);
	if (user && strcmp(driver, "vfio-pci"))
		return app_wrong_use("--user goes with vfio-pci, not with %s", driver);
	return bind_cards(driver, argv + optind + 1, argc - optind - 1, user) ? 0 : 1;
}
