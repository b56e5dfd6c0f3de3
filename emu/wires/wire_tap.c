/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tap: a Linux network interface. What the card sends, the interface receives, and the other way
 * round. The interface may be moved to another network namespace while the program runs.
 */
#include "wire.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/if_tun.h>

#define FRAME_MIN    60	     /* what the network card of a real neighbour would have padded to */
#define LOOK_AGAIN   5000ull /* ns; a read that finds nothing costs about a microsecond */
#define MTU_MAX	     (NIC_FRAME_MAX - 14)
#define ETHER_HEADER 14

/**
 * struct tap_wire - the interface
 * @frame: one that waits for the card, @length long; 0: none
 * @next:  when to look for frames again
 */
struct tap_wire {
	struct wire wire;
	char name[IFNAMSIZ];
	uint64_t mtu;
	uint64_t next;
	uint32_t length;
	uint8_t frame[NIC_FRAME_MAX + 1]; /* reading one more shows what was longer */
};

static int tap_option(struct wire *wire, const char *key, const char *value)
{
	struct tap_wire *tap = (struct tap_wire *)wire;

	if (!key) {
		if (strlen(value) >= sizeof(tap->name) || strchr(value, '/') || strchr(value, ' '))
			return wire_fail(wire, EINVAL,
					 "\"%s\" is no name of an interface: up to %d characters, "
					 "no / and no space",
					 value, IFNAMSIZ - 1);
		strcpy(tap->name, value);
		return 0;
	}
	if (!strcmp(key, "mtu"))
		return wire_number(wire, key, value, 68, MTU_MAX, &tap->mtu);
	return wire_unknown_option(wire, key);
}

static int set_mtu(struct tap_wire *tap)
{
	struct ifreq request = { .ifr_mtu = tap->mtu };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	int err = 0;

	strcpy(request.ifr_name, tap->name);
	if (fd < 0 || ioctl(fd, SIOCSIFMTU, &request))
		err = wire_fail(&tap->wire, errno, "cannot set the MTU of %s to %llu: %s",
				tap->name, (unsigned long long)tap->mtu, strerror(errno));
	if (fd >= 0)
		close(fd);
	return err;
}

static int tap_start(struct wire *wire)
{
	struct tap_wire *tap = (struct tap_wire *)wire;
	struct ifreq request = { .ifr_flags = IFF_TAP | IFF_NO_PI };

	if (!tap->name[0])
		return wire_fail(wire, EINVAL, "which interface? tap:NAME");

	wire->fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
	if (wire->fd < 0)
		return wire_fail(wire, errno, "cannot open /dev/net/tun: %s%s", strerror(errno),
				 errno == ENOENT ? "; run: modprobe tun" : "");

	strcpy(request.ifr_name, tap->name);
	if (ioctl(wire->fd, TUNSETIFF, &request)) {
		int err = errno;

		if (err == EPERM)
			return wire_fail(wire, err,
					 "may not create or open interface %s; run in a network of "
					 "your own: unshare -rn ixy-emu ..., or let root run: "
					 "ip tuntap add mode tap name %s user %u",
					 tap->name, tap->name, getuid());
		if (err == EBUSY)
			return wire_fail(wire, err, "interface %s is in use by another program",
					 tap->name);
		if (err == EINVAL)
			return wire_fail(wire, err, "interface %s exists and is no tap interface",
					 tap->name);
		return wire_fail(wire, err, "cannot open interface %s: %s", tap->name,
				 strerror(err));
	}
	return tap->mtu ? set_mtu(tap) : 0;
}

/* The interface has been deleted. To the card that is an unplugged cable. */
static void deleted(struct tap_wire *tap)
{
	wire_broken(&tap->wire, "interface %s has been deleted; the card has no link any more",
		    tap->name);
	close(tap->wire.fd);
	tap->wire.fd = -1;
	nic_set_wire(tap->wire.nic, false);
}

/* Return: false if there is none. */
static bool read_tap_frame(struct tap_wire *tap)
{
	ssize_t n;

	while ((n = read(tap->wire.fd, tap->frame, sizeof(tap->frame))) > NIC_FRAME_MAX)
		tap->wire.account.skipped++; /* the interface's MTU is larger than any card's */
	if (n < 0 && errno == EBADFD)
		deleted(tap);
	if (n < ETHER_HEADER)
		return false;
	tap->length = n;
	if (n < FRAME_MIN) {
		memset(tap->frame + n, 0, FRAME_MIN - n);
		tap->length = FRAME_MIN;
	}
	return true;
}

static uint32_t tap_poll(struct wire *wire, uint64_t now)
{
	struct tap_wire *tap = (struct tap_wire *)wire;
	uint32_t n = 0;

	if (now < tap->next || wire->fd < 0)
		return 0;
	for (; n < WIRE_BURST; n++) {
		if (!tap->length && !read_tap_frame(tap)) {
			tap->next = now + LOOK_AGAIN;
			break;
		}
		/* Rather than lose frames, leave them in the interface's own queue. */
		if (nic_receive(wire->nic, tap->frame, tap->length, NIC_TRY) == NIC_BUSY)
			break;
		tap->length = 0;
	}
	wire->account.sent += n;
	return n;
}

static void tap_transmit(struct wire *wire, const uint8_t *frame, size_t length)
{
	/* Fails while the interface is down, or has not enough memory; and when it is deleted. */
	if (wire->fd < 0 || write(wire->fd, frame, length) < 0)
		wire->account.dropped++;
}

static void tap_stop(struct wire *wire)
{
	if (wire->fd >= 0)
		close(wire->fd);
	wire->fd = -1;
}

const struct wire_ops wire_tap_ops = {
	.kind = "tap",
	.options = "a name, mtu=",
	.help = "a Linux network interface, made if there is none of that name",
	.size = sizeof(struct tap_wire),
	.option = tap_option,
	.start = tap_start,
	.poll = tap_poll,
	.transmit = tap_transmit,
	.stop = tap_stop,
};
