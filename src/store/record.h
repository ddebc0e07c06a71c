/* SPDX-License-Identifier: Apache-2.0 */
/* One record of the journal, framed (docs/formats-journal.md). A record is:
 *
 *   0 magic "SPR1"   4 u32 length of the whole, a multiple of 8     8 u64 position (segment number << 32 | offset)
 *  16 u16 type      18 u16 version     20 u32 head length          24 u32 content length
 *  28 id (16)       44 u32 CRC-32C of the content                  48 u32 CRC-32C of bytes 0 to 47 and the head
 *  52 head, content, zeros up to the length
 *
 * Two checksums, because they ask for different remedies: with a whole head the recipients of a message are known and
 * can be told even when its content is damaged. The position ties a record to its place, so that neither an older
 * record in a segment used again nor a copied block can pass for one. Integers are big-endian. */
#ifndef STORE_RECORD_H
#define STORE_RECORD_H

#include "base/buf.h"
#include "base/err.h"
#include "base/id.h"

#define RECORD_HEADER 52u
#define RECORD_ALIGN 8u
#define RECORD_HEAD_MAX (320u * 1024u)    /* a local message (256 KB) with its leaves */
#define RECORD_CONTENT_MAX (256u * 1024u) /* content above 64 KB is a file; a local message is at most 256 KB */
#define RECORD_MAX (RECORD_HEADER + RECORD_HEAD_MAX + RECORD_CONTENT_MAX + RECORD_ALIGN)

/* Numbers are on disk for ever: never reuse one. */
enum record_type {
    RECORD_MESSAGE = 1,     /* a message with its recipients */
    RECORD_TRANSITION = 2,  /* what became of recipients: states, attempts, notices; with their letters and evidence */
    RECORD_CENTER = 3,      /* an act in the Message Center: code, link, session, opening */
    RECORD_CREDENTIAL = 4,
    RECORD_LOCK = 5,        /* of a subject that guesses */
    RECORD_ADMIN = 6,       /* an act of the operator */
    RECORD_WAVE_END = 7,    /* counters per tenant so far */
    RECORD_SEGMENT_END = 8, /* nothing follows in this segment */
    RECORD_TALLY = 10,      /* counts for reports about TLS, or the end of a domain's day */
    RECORD_RECEIVED = 11,   /* a report about TLS that somebody has sent */
    RECORD_DOMAIN = 9,      /* the proof a recipient domain has shown, its kept policy; version 1 was without policy */
};

struct record {
    uint64_t position; /* set by the journal when written */
    uint32_t size;     /* of the whole, framed and padded; set when read */
    enum record_type type;
    uint16_t version;
    struct id id;
    struct slice head;
    struct slice content;
};

enum record_result {
    RECORD_OK,
    RECORD_NONE,            /* no record begins here: zeros, an older record, or foreign bytes */
    RECORD_DAMAGED,         /* a record begins here, but its head is not what was written, or it is cut */
    RECORD_CONTENT_DAMAGED, /* the head is whole, the content is not; *ret_record is filled, content is empty */
};

/* The bytes record will take, with padding. */
size_t record_size(const struct record *record);

/* Appends the framed record for its position. False when a part is over its limit or out has no room (out is then not
 * to be used). */
bool record_write(struct buf *out, const struct record *record);

/* Reads the record that begins at bytes for that position. *ret_record is filled when the result is RECORD_OK or
 * RECORD_CONTENT_DAMAGED. head and content borrow from bytes. verify false leaves both checksums unchecked (the bytes
 * were written by this process and never left its memory). Never reads outside bytes. */
enum record_result record_read(struct slice bytes, uint64_t position, bool verify, struct record *ret_record);

/* True when this program knows the type in this version. Otherwise err says which and names the way out: an unknown
 * record is never skipped. */
bool record_known(const struct record *record, struct err *err);

/* The version in which this program writes records of the type. */
uint16_t record_version(enum record_type type);

/* "message", "transition", ...; "unknown" for others. */
const char *record_type_name(enum record_type type);

/* Positions. */
static inline uint64_t record_position(uint32_t segment, uint32_t offset)
{
    return ((uint64_t)segment << 32) | offset;
}
/* Segment of a position. */
static inline uint32_t record_segment(uint64_t position)
{
    return (uint32_t)(position >> 32);
}
/* Offset of a position within its segment. */
static inline uint32_t record_offset(uint64_t position)
{
    return (uint32_t)position;
}

#endif
