/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vfio-user's first message: the client proposes a version and names its capabilities as JSON, for
 * example
 *
 *   {"capabilities": {"max_msg_fds": 16, "twin_socket": {"supported": true}}}
 *
 * The answer holds those that we know, and none that the client did not name (QEMU gives the reply
 * no more room than its own message took). What we do not do is ignored, which refuses it:
 * twin_socket (for servers that send commands; we send none) and migration. JSON that is none is
 * refused.
 */
#include "vfu_internal.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define MAX_DEPTH 16 /* of objects in objects: the reader below is recursive */
#define MAX_PATH  64

enum json_type { JSON_OTHER, JSON_UNSIGNED, JSON_TRUE, JSON_FALSE, JSON_OBJECT };

/*
 * A reader that checks the syntax and reports every member of an object by its path, such as
 * "capabilities.max_msg_fds".
 */
struct json {
	const char *at; /* ends with a NUL, which no JSON contains */
	int depth;
	char path[MAX_PATH]; /* names longer than this are cut, and match nothing we know */
	struct vfu_capabilities *capabilities;
	bool wrong_type;
};

static void skip_space(struct json *json)
{
	json->at += strspn(json->at, " \t\r\n");
}

static bool accept_token(struct json *json, const char *token)
{
	skip_space(json);
	if (strncmp(json->at, token, strlen(token)) != 0)
		return false;
	json->at += strlen(token);
	return true;
}

/*
 * Reads a string; @name gets what fits of it (escapes as they are: no name that we know has any).
 */
static bool read_string(struct json *json, char *name, size_t room)
{
	size_t length = 0;

	if (!accept_token(json, "\""))
		return false;
	while (*json->at != '"') {
		if ((unsigned char)*json->at < 0x20)
			return false; /* the end, or a control character */
		if (*json->at == '\\') {
			size_t digits = json->at[1] == 'u' ? 4 : 0;

			if (!json->at[1] || !strchr("\"\\/bfnrtu", json->at[1]) ||
			    strspn(json->at + 2, "0123456789abcdefABCDEF") < digits)
				return false;
			json->at++;
		}
		if (length + 1 < room)
			name[length++] = *json->at;
		json->at++;
	}
	if (room)
		name[length] = '\0';
	json->at++;
	return true;
}

static bool read_json_number(struct json *json, enum json_type *type, uint64_t *value)
{
	static const char digits[] = "0123456789";
	bool negative = *json->at == '-';

	json->at += negative;
	size_t length = strspn(json->at, digits);

	if (length == 0 || (json->at[0] == '0' && length > 1))
		return false;
	*type = negative ? JSON_OTHER : JSON_UNSIGNED;
	*value = 0;
	for (size_t i = 0; i < length; i++, json->at++) {
		if (__builtin_mul_overflow(*value, 10, value) ||
		    __builtin_add_overflow(*value, *json->at - '0', value))
			*type = JSON_OTHER;
	}
	if (*json->at == '.') {
		*type = JSON_OTHER;
		length = strspn(++json->at, digits);
		if (length == 0)
			return false;
		json->at += length;
	}
	if (*json->at == 'e' || *json->at == 'E') {
		*type = JSON_OTHER;
		json->at++;
		json->at += *json->at == '+' || *json->at == '-';
		length = strspn(json->at, digits);
		if (length == 0)
			return false;
		json->at += length;
	}
	return true;
}

static void found(struct json *json, enum json_type type, uint64_t value)
{
	struct vfu_capabilities *c = json->capabilities;
	const struct {
		const char *path;
		bool *named;
	} numbers[] = {
		{ "capabilities.max_msg_fds", &c->max_msg_fds },
		{ "capabilities.max_data_xfer_size", &c->max_data_xfer_size },
		{ "capabilities.max_dma_maps", &c->max_dma_maps },
		{ "capabilities.pgsizes", &c->pgsizes },
	};

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		if (strcmp(json->path, numbers[i].path) != 0)
			continue;
		*numbers[i].named = true;
		if (type != JSON_UNSIGNED)
			json->wrong_type = true;
		else if (numbers[i].named == &c->max_msg_fds)
			c->client_fds = value;
	}
	if (strcmp(json->path, "capabilities.write_multiple") == 0) {
		c->write_multiple = type == JSON_TRUE;
		if (type != JSON_TRUE && type != JSON_FALSE)
			json->wrong_type = true;
	}
	if (strcmp(json->path, "capabilities") == 0 && type != JSON_OBJECT)
		json->wrong_type = true;
}

static bool read_value(struct json *json);

/* The members of an object, or the elements of an array; the opening bracket has been read. */
static bool read_members(struct json *json, bool object)
{
	const char *end = object ? "}" : "]";
	size_t length = strlen(json->path);

	if (accept_token(json, end))
		return true;
	do {
		if (object) {
			char name[MAX_PATH];

			if (!read_string(json, name, sizeof(name)) || !accept_token(json, ":"))
				return false;
			snprintf(json->path + length, sizeof(json->path) - length, "%s%s",
				 length ? "." : "", name);
		} else {
			/* Elements have no names; this one is no member's. */
			snprintf(json->path + length, sizeof(json->path) - length, "[]");
		}
		if (!read_value(json))
			return false;
		json->path[length] = '\0';
	} while (accept_token(json, ","));
	return accept_token(json, end);
}

static bool read_value(struct json *json)
{
	enum json_type type = JSON_OTHER;
	uint64_t value = 0;
	bool ok;

	skip_space(json);
	if (*json->at == '{' || *json->at == '[') {
		bool object = *json->at++ == '{';

		if (++json->depth > MAX_DEPTH)
			return false;
		ok = read_members(json, object);
		json->depth--;
		type = object ? JSON_OBJECT : JSON_OTHER;
	} else if (*json->at == '"') {
		ok = read_string(json, NULL, 0);
	} else if (accept_token(json, "true")) {
		type = JSON_TRUE;
		ok = true;
	} else if (accept_token(json, "false")) {
		type = JSON_FALSE;
		ok = true;
	} else if (accept_token(json, "null")) {
		ok = true;
	} else {
		ok = read_json_number(json, &type, &value);
	}
	if (ok)
		found(json, type, value);
	return ok;
}

static bool parse_version(struct vfu_capabilities *capabilities, const char *text)
{
	struct json json = { .at = text, .capabilities = capabilities };

	skip_space(&json);
	if (*json.at != '{' || !read_value(&json) || json.wrong_type)
		return false;
	skip_space(&json);
	return *json.at == '\0';
}

static void write_capabilities(const struct vfu_capabilities *c, struct vfu_reply *reply)
{
	char text[256];
	int n = snprintf(text, sizeof(text), "{\"capabilities\":{");

	if (c->max_msg_fds)
		n += snprintf(text + n, sizeof(text) - n, "\"max_msg_fds\":%d,", VFU_SAID_FDS);
	if (c->max_data_xfer_size)
		n += snprintf(text + n, sizeof(text) - n, "\"max_data_xfer_size\":%d,",
			      VFU_MAX_DATA);
	if (c->max_dma_maps)
		n += snprintf(text + n, sizeof(text) - n, "\"max_dma_maps\":%d,", VFU_MAX_MAPS);
	if (c->pgsizes)
		n += snprintf(text + n, sizeof(text) - n, "\"pgsizes\":%d,", VFU_PAGE);
	if (c->write_multiple)
		n += snprintf(text + n, sizeof(text) - n, "\"write_multiple\":true,");
	if (text[n - 1] == ',')
		n--;
	n += snprintf(text + n, sizeof(text) - n, "}}");
	vfu_put(reply, text, n + 1);
}

int vfu_negotiate(struct vfu_capabilities *capabilities, const struct vfu_request *request,
		  struct vfu_reply *reply)
{
	struct vfu_version version;
	bool has_json = request->size > sizeof(version);

	*capabilities = (struct vfu_capabilities){ .client_fds = 1 }; /* the defaults */
	if (!vfu_get(request, &version, sizeof(version)) || version.major != VFU_MAJOR)
		return -EINVAL;
	if (has_json) {
		if (request->data[request->size - 1] != '\0' ||
		    !parse_version(capabilities, (const char *)request->data + sizeof(version)))
			return -EINVAL;
	}
	if (version.minor > VFU_MINOR)
		version.minor = VFU_MINOR;
	vfu_put(reply, &version, sizeof(version));
	if (has_json)
		write_capabilities(capabilities, reply);
	return 0;
}
