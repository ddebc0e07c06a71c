/* SPDX-License-Identifier: Apache-2.0 */
/* Segments: the files of the journal. A segment is `XXXXXXXX.seg` (its number in hex) and begins with a header page of
 * 4,096 bytes that says magic, format version, number and time of first use; records follow. Spares are segments
 * without a number yet, `spare-N.ready`, allocated and written with zeros beforehand, because a flush into written
 * blocks is a third cheaper and cannot fail for want of space. `spare-N.part` is one in the making. */
#ifndef STORE_SEGMENT_H
#define STORE_SEGMENT_H

#include "base/err.h"
#include "store/record.h"
#include "store/store_io.h"

#define SEGMENT_HEADER 4096u
#define SEGMENT_VERSION 1u
#define SEGMENT_NAME_MAX 32u
#define SEGMENTS_MAX 65536u /* files of one journal: 4 TB at full size; beyond it intake is told to wait */

/* What a directory of a journal holds. */
struct segment_listing {
    uint32_t *number; /* ascending */
    size_t count;
    uint32_t *spare; /* numbers N of the ready spares */
    size_t spare_count;
};

/* Reads the directory. tidy, when no flush thread runs yet: unfinished spares of an earlier run are removed. *ret_listing is to be
 * freed with segment_listing_free(). */
bool segment_list(int dir_fd, bool tidy, struct segment_listing *ret_listing, struct err *err);

/* Frees the arrays. */
void segment_listing_free(struct segment_listing *listing);

/* File name of a segment. */
void segment_name(uint32_t number, char out[SEGMENT_NAME_MAX]);

/* File name of a spare, ready or in the making. */
void segment_spare_name(uint32_t number, bool ready, char out[SEGMENT_NAME_MAX]);

/* Fills the header page of a segment. */
void segment_header_write(uint32_t number, int64_t now_us, uint8_t out[SEGMENT_HEADER]);

enum segment_header_result { SEGMENT_HEADER_OK, SEGMENT_HEADER_DAMAGED, SEGMENT_HEADER_NEWER };

/* Judges a header page for the segment of that number. A newer format stops the start; a damaged header is reported,
 * and the records are read all the same, for each carries its own place and checksums. */
enum segment_header_result segment_header_read(struct slice page, uint32_t number);

/* Opens a segment by number with open(2) flags. -1 with errno. */
int segment_open(int dir_fd, uint32_t number, int flags);

/* Reads a whole file of at most max bytes into memory to be freed with mem_free(). False with the reason. */
bool segment_load(int dir_fd, uint32_t number, size_t max, uint8_t **ret_data, size_t *ret_len, struct err *err);

#endif
