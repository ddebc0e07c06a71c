/* SPDX-License-Identifier: Apache-2.0 */
/* Names, headers and listing of journal segments. */
#include "store/segment.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"
#include "store/crc32c.h"

#define SEGMENT_MAGIC UINT64_C(0x53504a5345470a1a) /* "SPJSEG", newline, ctrl-Z: shows a transfer in text mode */

void segment_name(uint32_t number, char out[SEGMENT_NAME_MAX])
{
    snprintf(out, SEGMENT_NAME_MAX, "%08" PRIx32 ".seg", number);
}

void segment_spare_name(uint32_t number, bool ready, char out[SEGMENT_NAME_MAX])
{
    snprintf(out, SEGMENT_NAME_MAX, "spare-%" PRIu32 ".%s", number, ready ? "ready" : "part");
}

/* Reads a number of the given base between prefix and suffix; false when the name is not of that form. */
static bool segment_name_parse(const char *name, const char *prefix, const char *suffix, int base, uint32_t *ret)
{
    size_t before = strlen(prefix);
    if (strncmp(name, prefix, before) != 0 || name[before] == '\0') {
        return false;
    }
    char *end = NULL;
    errno = 0;
    unsigned long value = strtoul(name + before, &end, base);
    if (errno != 0 || value > UINT32_MAX || end == name + before || strcmp(end, suffix) != 0) {
        return false;
    }
    *ret = (uint32_t)value;
    return true;
}

static int segment_compare(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return x < y ? -1 : x > y;
}

static void segment_push(uint32_t **list, size_t *count, uint32_t number)
{
    if ((*count & (*count - 1)) == 0) { /* a power of two: double */
        *list = mem_resize_array(*list, *count == 0 ? 1 : *count * 2, sizeof **list);
    }
    (*list)[(*count)++] = number;
}

static void segment_list_name(int dir_fd, const char *name, bool tidy, struct segment_listing *listing)
{
    uint32_t number = 0;
    char exact[SEGMENT_NAME_MAX];
    if (segment_name_parse(name, "", ".seg", 16, &number)) {
        segment_name(number, exact);
        if (strcmp(exact, name) == 0) {
            segment_push(&listing->number, &listing->count, number);
        }
    } else if (segment_name_parse(name, "spare-", ".ready", 10, &number)) {
        segment_push(&listing->spare, &listing->spare_count, number);
    } else if (tidy && segment_name_parse(name, "spare-", ".part", 10, &number)) {
        unlinkat(dir_fd, name, 0);
    }
}

bool segment_list(int dir_fd, bool tidy, struct segment_listing *ret_listing, struct err *err)
{
    *ret_listing = (struct segment_listing){0};
    int fd = openat(dir_fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd < 0 ? NULL : fdopendir(fd);
    if (dir == NULL) {
        int errnum = errno;
        if (fd >= 0) {
            close(fd);
        }
        return err_errno(err, errnum, "cannot read the journal directory");
    }
    for (const struct dirent *entry = readdir(dir); entry != NULL; entry = readdir(dir)) {
        segment_list_name(dir_fd, entry->d_name, tidy, ret_listing);
    }
    closedir(dir);
    if (ret_listing->count > 1) {
        qsort(ret_listing->number, ret_listing->count, sizeof(uint32_t), segment_compare);
    }
    if (ret_listing->count > SEGMENTS_MAX) {
        segment_listing_free(ret_listing);
        return err_set(err, "the journal has more than %u segments", SEGMENTS_MAX);
    }
    return true;
}

void segment_listing_free(struct segment_listing *listing)
{
    mem_free(listing->number);
    mem_free(listing->spare);
    *listing = (struct segment_listing){0};
}

void segment_header_write(uint32_t number, int64_t now_us, uint8_t out[SEGMENT_HEADER])
{
    struct buf b;
    buf_init(&b, SEGMENT_HEADER);
    wire_put_u64(&b, SEGMENT_MAGIC);
    wire_put_u32(&b, SEGMENT_VERSION);
    wire_put_u32(&b, number);
    wire_put_u64(&b, (uint64_t)now_us);
    memset(out, 0, SEGMENT_HEADER);
    memcpy(out, b.data, b.len);
    buf_reset(&b);
    wire_put_u32(&b, crc32c(0, slice_of(out, SEGMENT_HEADER - 4)));
    memcpy(out + SEGMENT_HEADER - 4, b.data, b.len);
    buf_free(&b);
}

enum segment_header_result segment_header_read(struct slice page, uint32_t number)
{
    struct wire_reader r = wire_reader_of(page);
    uint64_t magic = wire_u64(&r);
    uint32_t version = wire_u32(&r);
    uint32_t n = wire_u32(&r);
    wire_bytes(&r, SEGMENT_HEADER - 20);
    uint32_t crc = wire_u32(&r);
    if (!wire_done(&r) || magic != SEGMENT_MAGIC || n != number ||
        crc != crc32c(0, slice_sub(page, 0, SEGMENT_HEADER - 4))) {
        return SEGMENT_HEADER_DAMAGED;
    }
    return version > SEGMENT_VERSION ? SEGMENT_HEADER_NEWER : SEGMENT_HEADER_OK;
}

int segment_open(int dir_fd, uint32_t number, int flags)
{
    char name[SEGMENT_NAME_MAX];
    segment_name(number, name);
    return openat(dir_fd, name, flags | O_CLOEXEC | O_NOFOLLOW, 0600);
}

static bool segment_read_all(int fd, uint8_t *data, size_t len)
{
    size_t done = 0;
    while (done < len) {
        ssize_t n = pread(fd, data + done, len - done, (off_t)done);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return false;
        }
        done += (size_t)n;
    }
    return true;
}

bool segment_load(int dir_fd, uint32_t number, size_t max, uint8_t **ret_data, size_t *ret_len, struct err *err)
{
    struct stat st;
    int fd = segment_open(dir_fd, number, O_RDONLY);
    if (fd < 0) {
        return err_errno(err, errno, "cannot open journal segment %08x", (unsigned)number);
    }
    if (fstat(fd, &st) != 0 || st.st_size < 0 || (uint64_t)st.st_size > max) {
        close(fd);
        return err_set(err, "journal segment %08x is larger than a segment can be", (unsigned)number);
    }
    *ret_len = (size_t)st.st_size;
    *ret_data = mem_resize_array(NULL, *ret_len + 1, 1);
    bool ok = segment_read_all(fd, *ret_data, *ret_len);
    int errnum = errno;
    close(fd);
    if (!ok) {
        mem_free(*ret_data);
        *ret_data = NULL;
        return err_errno(err, errnum, "cannot read journal segment %08x", (unsigned)number);
    }
    return true;
}
