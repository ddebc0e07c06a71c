/* SPDX-License-Identifier: Apache-2.0 */
/* Memory of the last waves, and reading of records from it or from the disk. */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/wire.h"
#include "store/journal_impl.h"

#define JOURNAL_READ_FIRST 16384u /* most records are smaller */

struct journal_wave *journal_wave_new(struct journal *j)
{
    if (j->spare_count > 0) {
        return j->spare[--j->spare_count];
    }
    struct journal_wave *wave = mem_new(sizeof *wave);
    wave->journal = j;
    buf_init(&wave->data, JOURNAL_WAVE_MAX + 2 * RECORD_MAX);
    return wave;
}

void journal_wave_free(struct journal_wave *wave)
{
    for (size_t i = 0; i < wave->content_count; i++) {
        close(wave->content[i]);
    }
    mem_free(wave->content);
    mem_free(wave->callback);
    buf_free(&wave->data);
    mem_free(wave);
}

void journal_wave_release(struct journal *j, struct journal_wave *wave)
{
    if (j->spare_count == JOURNAL_FREE_WAVES) {
        journal_wave_free(wave);
        return;
    }
    buf_reset(&wave->data);
    wave->records = 0;
    wave->urgent = false;
    wave->ends_segment = false;
    wave->callback_count = 0;
    wave->content_count = 0;
    wave->job = (struct flush_job){0};
    j->spare[j->spare_count++] = wave;
}

static void journal_cache_evict(struct journal *j)
{
    while (j->wave_count > 1 && j->cached_bytes > JOURNAL_CACHE_BYTES) {
        struct journal_wave *oldest = j->wave[j->wave_first];
        if (journal_wave_end(oldest) > j->taken) {
            return;
        }
        j->wave_first++;
        j->wave_count--;
        j->cached_bytes -= oldest->data.len;
        journal_wave_release(j, oldest);
    }
}

void journal_cache_put(struct journal *j, struct journal_wave *wave)
{
    if (wave->data.len == 0) {
        journal_wave_release(j, wave);
        return;
    }
    if (j->wave_first + j->wave_count == j->wave_cap) {
        if (j->wave_first > j->wave_cap / 2) {
            memmove(j->wave, j->wave + j->wave_first, j->wave_count * sizeof(*j->wave));
            j->wave_first = 0;
        } else {
            j->wave_cap = j->wave_cap == 0 ? 256 : j->wave_cap * 2;
            j->wave = mem_resize_array(j->wave, j->wave_cap, sizeof *j->wave);
        }
    }
    j->wave[j->wave_first + j->wave_count++] = wave;
    j->cached_bytes += wave->data.len;
    journal_cache_evict(j);
}

void journal_taken(struct journal *j, uint64_t position)
{
    j->taken = position;
    journal_cache_evict(j);
}

size_t journal_cached(const struct journal *j)
{
    return j->cached_bytes;
}

/* Index (from wave_first) of the first wave that ends behind position; wave_count when there is none. */
static size_t journal_cache_find(const struct journal *j, uint64_t position)
{
    size_t low = 0;
    size_t high = j->wave_count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (journal_wave_end(j->wave[j->wave_first + middle]) <= position) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool journal_next(struct journal *j, uint64_t *position, struct record *ret_record)
{
    size_t at = journal_cache_find(j, *position);
    if (at == j->wave_count) {
        return false;
    }
    const struct journal_wave *wave = j->wave[j->wave_first + at];
    uint64_t from = *position < wave->start ? wave->start : *position;
    struct slice bytes = slice_sub(buf_slice(&wave->data), (size_t)(from - wave->start), RECORD_MAX);
    if (record_read(bytes, from, false, ret_record) != RECORD_OK) {
        return false;
    }
    *position = from + ret_record->size;
    return true;
}

/* Reads up to `want` bytes at offset behind the `have` already in scratch; the new total. */
static size_t journal_fill(struct journal *j, int fd, uint32_t offset, size_t have, size_t want)
{
    ssize_t n = 1;
    while (have < want && n > 0) {
        n = pread(fd, j->scratch + have, want - have, (off_t)(offset + have));
        have += n > 0 ? (size_t)n : 0;
    }
    return have;
}

static enum record_result journal_read_disk(struct journal *j, uint64_t position, struct record *ret_record)
{
    int fd = segment_open(j->config.dir_fd, record_segment(position), O_RDONLY);
    if (fd < 0) {
        return RECORD_NONE;
    }
    size_t len = journal_fill(j, fd, record_offset(position), 0, JOURNAL_READ_FIRST);
    struct wire_reader r = wire_reader_of(slice_of(j->scratch, len));
    wire_u32(&r);
    size_t size = wire_u32(&r);
    if (size > len && size <= RECORD_MAX) {
        len = journal_fill(j, fd, record_offset(position), len, size);
    }
    close(fd);
    return record_read(slice_of(j->scratch, len), position, true, ret_record);
}

enum record_result journal_read(struct journal *j, uint64_t position, struct record *ret_record)
{
    size_t at = journal_cache_find(j, position);
    if (at < j->wave_count) {
        const struct journal_wave *wave = j->wave[j->wave_first + at];
        if (position >= wave->start) {
            struct slice bytes = slice_sub(buf_slice(&wave->data), (size_t)(position - wave->start), RECORD_MAX);
            return record_read(bytes, position, false, ret_record);
        }
    }
    return journal_read_disk(j, position, ret_record);
}

void journal_stats(struct journal *j, struct journal_stats *ret_stats)
{
    *ret_stats = (struct journal_stats){.waves = j->waves, .records = j->records, .bytes = j->bytes};
    ret_stats->segments = j->segment_count;
    ret_stats->flushes = flush_count(j->flush);
    for (size_t i = 0; i < j->segment_count; i++) {
        ret_stats->disk_bytes += j->segment[i].bytes;
    }
    ret_stats->spares = flush_spares(j->flush, &ret_stats->spare_failed);
}
