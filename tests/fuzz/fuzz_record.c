/* SPDX-License-Identifier: Apache-2.0 */
/* Journal records: whatever the bytes, reading stays inside them; a record that reads whole writes back the same bytes;
 * its head is read by the layout of its type, and lists inside it to their end. The first byte chooses: 0 the record as
 * it is, otherwise a head of that type without a frame, so that the fuzzer need not find checksums. */
#include <stdlib.h>

#include "ledger/leaf.h"
#include "store/center_state.h"
#include "store/record_head.h"

#define FUZZ_POSITION UINT64_C(0x100001000)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void walk(const struct layout *layout, struct slice list)
{
    union {
        struct msg_recipient recipient;
        struct msg_letter letter;
        struct msg_evidence evidence;
        struct record_change change;
        struct record_counts counts;
    } object;
    struct wire_reader r = wire_reader_of(list);
    while (layout_next(layout, &r, &object)) {
    }
}

static void walk_leaves(struct slice run)
{
    struct slice bytes;
    struct leaf leaf;
    while (leaf_next(&run, &bytes, &leaf)) {
        (void)leaf_hash(bytes);
    }
}

static void read_head(unsigned type, struct slice head)
{
    struct record_message message;
    struct record_transition transition;
    struct record_center center;
    struct record_credential credential;
    struct record_lock lock;
    struct record_wave_end end;
    struct center_state state;
    if (type == RECORD_MESSAGE && layout_read(&record_message_layout, head, &message)) {
        walk(&msg_recipient_layout, message.recipients);
        walk_leaves(message.leaves);
    } else if (type == RECORD_TRANSITION && layout_read(&record_transition_layout, head, &transition)) {
        walk(&record_change_layout, transition.changes);
        walk(&msg_letter_layout, transition.letters);
        walk(&msg_evidence_layout, transition.evidence);
        walk_leaves(transition.leaves);
    } else if (type == RECORD_CENTER && layout_read(&record_center_layout, head, &center)) {
        (void)center_state_parse(center.state, &state);
    } else if (type == RECORD_CREDENTIAL) {
        (void)layout_read(&record_credential_layout, head, &credential);
    } else if (type == RECORD_LOCK) {
        (void)layout_read(&record_lock_layout, head, &lock);
    } else if (type == RECORD_WAVE_END && layout_read(&record_wave_end_layout, head, &end)) {
        walk(&record_counts_layout, end.counts);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct record record;
    struct err err;
    if (size == 0) {
        return 0;
    }
    struct slice bytes = slice_of(data + 1, size - 1);
    if (data[0] != 0) {
        read_head(data[0], bytes);
        return 0;
    }
    if (record_read(bytes, FUZZ_POSITION, true, &record) != RECORD_OK) {
        return 0;
    }
    struct buf again;
    buf_init(&again, RECORD_MAX);
    if (!record_write(&again, &record) || again.len != record.size || memcmp(again.data, bytes.data, again.len) != 0) {
        abort();
    }
    buf_free(&again);
    if (record_known(&record, &err)) {
        read_head((unsigned)record.type, record.head);
    }
    return 0;
}
