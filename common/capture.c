/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture files; see capture.h. The format: draft-ietf-opsawg-pcap. */
#include "capture.h"

#include <byteswap.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAGIC_MICRO    0xA1B2C3D4u
#define MAGIC_NANO     0xA1B23C4Du
#define MAGIC_PCAPNG   0x0A0D0D0Au /* the same in both byte orders */
#define MAGIC_GZIP     0x8B1Fu	   /* in 2 bytes, little-endian */
#define LINK_ETHERNET  1
#define LINK_TYPE_MASK 0x03FFFFFFu /* the bits above tell about the FCS */
#define LINK_FCS_KNOWN (1u << 26)
#define LINK_FCS(link) ((link)&LINK_FCS_KNOWN ? 2 * ((link) >> 28) : 0)

#define ETHER_HEADER  14
#define BUFFER_SIZE   (1024u * 1024)
#define NS_PER_SECOND 1000000000ull

struct file_header {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_length, link;
};

struct record_header {
	uint32_t seconds, fraction;
	uint32_t captured, length; /* bytes in the file, and on the wire */
};

/* Return: -@err */
__attribute__((format(printf, 4, 5))) static int failed(char *message, size_t size, int err,
							const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(message, size, format, args);
	va_end(args);
	return -err;
}

#define fail(it, err, ...) failed((it)->message, sizeof((it)->message), err, __VA_ARGS__)

/* ---- Reading ---- */

static uint32_t ordered(const struct capture_reader *reader, uint32_t value)
{
	return reader->swapped ? bswap_32(value) : value;
}

static int read_error(struct capture_reader *reader)
{
	int err = errno;

	return fail(reader, err, "cannot read %s: %s", reader->name, strerror(err));
}

static int read_header(struct capture_reader *reader)
{
	struct file_header header = { 0 };
	size_t n = fread(&header, 1, sizeof(header), reader->file);

	if (n < sizeof(header) && ferror(reader->file))
		return read_error(reader);
	if (n >= sizeof(header.magic) && header.magic == MAGIC_PCAPNG) {
		if (reader->file == stdin)
			return fail(reader, EINVAL,
				    "standard input is pcapng; put before it: tcpdump -r - -w - |");
		return fail(reader, EINVAL,
			    "%s is a pcapng file; convert it: tcpdump -r '%s' -w converted.pcap",
			    reader->name, reader->name);
	}
	if (n >= sizeof(header.magic) && (header.magic & 0xFFFF) == MAGIC_GZIP) {
		if (reader->file == stdin)
			return fail(reader, EINVAL,
				    "standard input is compressed; put before it: gunzip |");
		return fail(reader, EINVAL,
			    "%s is compressed; unpack it: gunzip <'%s' >unpacked.pcap",
			    reader->name, reader->name);
	}
	if (n < sizeof(header))
		return fail(reader, EINVAL,
			    "%s is no pcap file: it is shorter than the header of one",
			    reader->name);

	uint32_t swapped = bswap_32(header.magic);
	reader->swapped = swapped == MAGIC_MICRO || swapped == MAGIC_NANO;
	if (!reader->swapped && header.magic != MAGIC_MICRO && header.magic != MAGIC_NANO)
		return fail(reader, EINVAL, "%s is no pcap file: it begins with 0x%08x",
			    reader->name, header.magic);

	uint32_t link = ordered(reader, header.link);
	if ((link & LINK_TYPE_MASK) != LINK_ETHERNET)
		return fail(reader, EINVAL,
			    "%s holds no Ethernet frames (link type 1), but link type %u",
			    reader->name, link & LINK_TYPE_MASK);
	reader->fcs = LINK_FCS(link);
	reader->offset = sizeof(header);
	return 0;
}

/* The rest of a pipe goes behind a header's room in a file. */
static int keep(struct capture_reader *reader)
{
	FILE *copy = tmpfile();
	bool good = copy && !fseek(copy, sizeof(struct file_header), SEEK_SET);
	size_t n;

	while (good && (n = fread(reader->frame, 1, CAPTURE_FRAME_MAX, reader->file)))
		good = fwrite(reader->frame, 1, n, copy) == n;
	if (good && !ferror(reader->file))
		good = !fflush(copy);
	int err = errno;
	bool unread = ferror(reader->file);

	if (reader->file != stdin)
		fclose(reader->file);
	reader->file = copy;
	if (unread)
		return fail(reader, err, "cannot read %s: %s", reader->name, strerror(err));
	if (!good)
		return fail(reader, err, "cannot copy %s into a temporary file: %s", reader->name,
			    strerror(err));
	return capture_rewind(reader);
}

int capture_open(struct capture_reader *reader, const char *path)
{
	bool standard = !strcmp(path, "-");

	*reader = (struct capture_reader){ .longest = reader->longest };
	reader->name = standard ? "standard input" : path;
	reader->file = standard ? stdin : fopen(path, "rbe");
	if (!reader->file) {
		int err = errno;
		return fail(reader, err, "cannot open %s: %s", path, strerror(err));
	}
	if (standard && isatty(STDIN_FILENO))
		return fail(reader, ENOTTY, "standard input is a terminal, not a capture");
	reader->frame = malloc(CAPTURE_FRAME_MAX);
	if (!reader->frame)
		return fail(reader, ENOMEM, "out of memory");

	int err = read_header(reader);
	if (!err && fseek(reader->file, 0, SEEK_CUR))
		err = keep(reader);
	return err;
}

/* Return: whether the next @size bytes are at @to; otherwise *@err is 0 at the end of the file. */
static bool read_all(struct capture_reader *reader, void *to, size_t size, const char *what,
		     int *err)
{
	size_t n = fread(to, 1, size, reader->file);

	*err = 0;
	if (n == size) {
		reader->offset += n;
		return true;
	}
	if (ferror(reader->file))
		*err = read_error(reader);
	else if (n || what)
		*err = fail(reader, EINVAL, "%s is damaged at byte %" PRIu64 ": the last %s is cut",
			    reader->name, reader->offset, what ?: "header of a packet");
	return false;
}

int capture_next(struct capture_reader *reader, uint8_t **frame)
{
	struct record_header header;
	int err;

	while (read_all(reader, &header, sizeof(header), NULL, &err)) {
		uint32_t captured = ordered(reader, header.captured);
		uint32_t length = ordered(reader, header.length);

		if (captured > CAPTURE_FRAME_MAX)
			return fail(reader, EINVAL,
				    "%s is damaged at byte %" PRIu64 ": a packet of %u bytes",
				    reader->name, reader->offset, captured);
		if (captured && !read_all(reader, reader->frame, captured, "packet", &err))
			return err;
		reader->records++;

		if (length < captured) /* nonsense, but the bytes are there */
			length = captured;
		if (length < ETHER_HEADER + reader->fcs) {
			reader->too_short++;
			continue;
		}
		length -= reader->fcs;
		if (captured < length) {
			reader->cut++;
			continue;
		}
		if (length > reader->longest) {
			reader->too_long++;
			if (length > reader->too_long_max)
				reader->too_long_max = length;
			continue;
		}
		*frame = reader->frame;
		return length;
	}
	return err;
}

int capture_rewind(struct capture_reader *reader)
{
	if (fseek(reader->file, sizeof(struct file_header), SEEK_SET))
		return read_error(reader);
	reader->offset = sizeof(struct file_header);
	return 0;
}

const char *capture_skipped(struct capture_reader *reader)
{
	const struct {
		uint64_t count;
		const char *why;
	} reasons[] = {
		{ reader->cut, "cut by the snap length (tcpdump -s 0 captures them whole)" },
		{ reader->too_long, "too long" },
		{ reader->too_short, "shorter than an Ethernet header" },
	};
	uint64_t all = reader->cut + reader->too_long + reader->too_short;
	char *text = reader->message;
	const size_t size = sizeof(reader->message);

	int n = snprintf(text, size, "%s: %" PRIu64 " of %" PRIu64 " packets skipped", reader->name,
			 all, reader->records);
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].count && n >= 0 && (size_t)n < size)
			n += snprintf(text + n, size - n, ", %" PRIu64 " %s", reasons[i].count,
				      reasons[i].why);
	if (reader->too_long && n >= 0 && (size_t)n < size)
		snprintf(text + n, size - n, " (the longest has %u bytes, the limit is %u)",
			 reader->too_long_max, reader->longest);
	return all ? text : NULL;
}

void capture_close(struct capture_reader *reader)
{
	if (reader->file && reader->file != stdin)
		fclose(reader->file);
	free(reader->frame);
	reader->file = NULL;
	reader->frame = NULL;
}

/* ---- Writing ---- */

/* Of the buffer only @done bytes are in the file: better no packet there than half of one. */
static void cut_to_whole_packets(struct capture_writer *writer, size_t done)
{
	struct record_header header;
	size_t whole = 0;

	while (writer->pending && whole + sizeof(header) <= done) {
		memcpy(&header, writer->buffer + whole, sizeof(header));
		if (whole + sizeof(header) + header.captured > done)
			break;
		whole += sizeof(header) + header.captured;
		writer->packets++;
		writer->pending--;
	}
	off_t end = lseek(writer->fd, 0, SEEK_CUR);
	if (end >= (off_t)done && ftruncate(writer->fd, end - done + whole))
		return; /* no worse than before */
}

int capture_flush(struct capture_writer *writer)
{
	size_t done = 0;

	while (done < writer->used) {
		ssize_t n = write(writer->fd, writer->buffer + done, writer->used - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			int err = errno;

			cut_to_whole_packets(writer, done);
			writer->used = 0;
			return fail(writer, err, "cannot write %s: %s", writer->name,
				    strerror(err));
		}
		done += n;
	}
	writer->packets += writer->pending;
	writer->used = writer->pending = 0;
	return 0;
}

static void append(struct capture_writer *writer, const void *data, size_t size)
{
	memcpy(writer->buffer + writer->used, data, size);
	writer->used += size;
}

int capture_create(struct capture_writer *writer, const char *path, uint32_t snap_length)
{
	const struct file_header header = { MAGIC_NANO, 2, 4, 0, 0, snap_length, LINK_ETHERNET };
	bool standard = !strcmp(path, "-");

	*writer = (struct capture_writer){ .name = standard ? "standard output" : path };
	writer->fd = standard ? STDOUT_FILENO
			      : open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (writer->fd < 0) {
		int err = errno;
		return fail(writer, err, "cannot create %s: %s", path, strerror(err));
	}
	if (isatty(writer->fd))
		return fail(writer, ENOTTY,
			    "%s is a terminal; put a program behind it that reads captures: "
			    "| tcpdump -r -",
			    writer->name);
	writer->buffer = malloc(BUFFER_SIZE);
	if (!writer->buffer)
		return fail(writer, ENOMEM, "out of memory");
	append(writer, &header, sizeof(header));
	return capture_flush(writer);
}

int capture_write(struct capture_writer *writer, uint64_t ns, const uint8_t *frame,
		  uint32_t captured, uint32_t length)
{
	const struct record_header header = { ns / NS_PER_SECOND, ns % NS_PER_SECOND, captured,
					      length };
	int err = 0;

	if (writer->used + sizeof(header) + captured > BUFFER_SIZE)
		err = capture_flush(writer);
	writer->pending++;
	if (!err) {
		append(writer, &header, sizeof(header));
		append(writer, frame, captured);
	}
	return err;
}

int capture_finish(struct capture_writer *writer)
{
	if (!writer->name)
		return 0;
	int err = writer->used ? capture_flush(writer) : 0;

	if (writer->fd > STDOUT_FILENO && close(writer->fd) && !err) {
		err = errno;
		err = fail(writer, err, "cannot write %s: %s", writer->name, strerror(err));
	}
	free(writer->buffer);
	writer->buffer = NULL;
	writer->name = NULL;
	return err;
}
