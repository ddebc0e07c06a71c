/* SPDX-License-Identifier: Apache-2.0 */
/* Letters. */
#include "roles/courier_letter.h"

#include <errno.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "center/center_secret.h"
#include "roles/courier_content.h"
#include "roles/courier_lease.h"
#include "roles/courier_report.h"
#include "roles/courier_settle.h"

#define SEALED_STEP ((size_t)MSG_INLINE_MAX + COURIER_CONTENT_STEP + 4 * SEALED_FRAME_SIZE)

static size_t next_posted(const struct courier_lease *lease)
{
    size_t i = lease->next;
    while (i < lease->count && lease->recipient[i].outcome != MSG_OUT_POSTED)
        i++;
    return i;
}

static int64_t expiry(const struct courier_lease *lease)
{
    return clock_utc_us() + lease->courier->conf->center_letter_lifetime;
}

/* This recipient is not posted now; the store tries again. */
static void put_back(struct courier_lease *lease, struct courier_recipient *r)
{
    r->outcome = MSG_OUT_LATER;
    r->verdict = (struct trust_verdict){.action = TRUST_LATER, .reason = TRUST_REASON_LOCAL};
    lease->next++;
}

static void on_batch(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct msg_batch batch = {.code = 0};
    bool refused;
    if (courier_settle_take_batch(lease, answer, &batch, &refused))
        lease->settle = COURIER_SETTLE_FILES;
    else if (refused)
        put_back(lease, &lease->recipient[next_posted(lease)]);
    mem_wipe(&batch, sizeof(batch));
    if (!lease->stalled)
        courier_lease_step(lease);
}

void courier_letter_ask(struct courier_lease *lease)
{
    size_t posted = 0;
    for (size_t i = lease->next; i < lease->count; i++)
        posted += lease->recipient[i].outcome == MSG_OUT_POSTED;
    if (posted == 0) {
        if (lease->letters.len > COURIER_LETTERS_LAST)
            courier_report_part(lease); /* the last completion takes the report to the sender */
        lease->settle = COURIER_SETTLE_DSN;
        return;
    }
    lease->next = next_posted(lease);
    (void)courier_settle_ask_batch(lease, MSG_PURPOSE_LETTER, posted, clock_day(expiry(lease)), on_batch);
}

/* ---- the file ---- */

static bool write_all(int fd, struct buf *out, uint64_t *length)
{
    for (size_t at = 0; at < out->len;) {
        ssize_t n = write(fd, out->data + at, out->len - at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        at += (size_t)n;
    }
    *length += out->len;
    buf_reset(out);
    return true;
}

/* Unseals and seals again, step by step; nothing is kept but one step. *ret_readable: what failed, if anything, was not
 * the content. */
static bool write_content(struct courier_lease *lease, int fd, uint64_t *ret_length, struct tag *ret_tail,
                          bool *ret_readable)
{
    struct sealed_writer *writer = lease->courier->writer;
    enum smtp_read_status status = SMTP_READ_PIECE;
    struct buf out;
    buf_init(&out, SEALED_STEP);
    *ret_readable = courier_content_start(&lease->content, NULL);
    bool ok = *ret_readable &&
              sealed_writer_start(writer, lease->item.header, &lease->item.content_key, NULL);
    while (ok && status == SMTP_READ_PIECE) {
        struct slice piece = SLICE_EMPTY;
        status = courier_content_read(&lease->content, &piece);
        *ret_readable = status != SMTP_READ_FAIL;
        ok = *ret_readable && sealed_writer_update(writer, piece, &out) && write_all(fd, &out, ret_length);
    }
    ok = ok && sealed_writer_finish(writer, &out, ret_tail) && write_all(fd, &out, ret_length);
    sealed_writer_abort(writer);
    buf_free(&out);
    return ok;
}

/* ---- its fields ---- */

static bool seal_field(struct courier_lease *lease, uint8_t kind, struct slice plain, struct buf *out)
{
    return sealed_field_seal(lease->courier->field, &lease->item.field_key, &lease->item.id, kind, 0, plain, out);
}

static void add_letter(struct courier_lease *lease, const struct courier_recipient *r, uint64_t length, struct tag tail)
{
    struct buf envelope, recipient, token;
    struct center_secret secret;
    buf_init(&envelope, MSG_ENVELOPE_MAX);
    buf_init(&recipient, MSG_RECIPIENT_MAX);
    buf_init(&token, MSG_TEXT_MAX);
    center_secret_make(&secret);
    struct msg_letter letter = {.index = r->index, .id = lease->item.id, .expires_us = expiry(lease),
        .held = r->verdict.attack, .header = lease->item.header, .content_length = length, .content_tail = tail};
    center_secret_digest(&secret, &letter.link);
    if (seal_field(lease, MAIL_FIELD_ENVELOPE, buf_slice(&lease->envelope_plain), &envelope) &&
        seal_field(lease, MAIL_FIELD_RECIPIENT, buf_slice(&r->plain), &recipient) &&
        seal_field(lease, MAIL_FIELD_TOKEN, slice_str(secret.text), &token)) {
        letter.envelope = buf_slice(&envelope);
        letter.recipient = buf_slice(&recipient);
        letter.token = buf_slice(&token);
        layout_write(&msg_letter_layout, &lease->letters, &letter);
    }
    mem_wipe(&secret, sizeof(secret));
    buf_free(&envelope);
    buf_free(&recipient);
    buf_free(&token);
}

static void drop_file(struct courier_lease *lease)
{
    struct msg_open drop = {lease->item.id, 0};
    struct buf payload;
    if (lease->courier->store == NULL)
        return;
    buf_init(&payload, 64);
    layout_write(&msg_open_layout, &payload, &drop);
    chan_send(lease->courier->store, MSG_DROP, buf_slice(&payload), -1);
    buf_free(&payload);
}

/* The letter is whole: it goes out with the next completion. */
static void write_letter(struct courier_lease *lease, struct courier_recipient *r, int fd)
{
    uint64_t length = 0;
    struct tag tail;
    bool readable = true;
    if (!write_content(lease, fd, &length, &tail, &readable)) {
        char id[ID_TEXT_SIZE];
        id_text(&lease->lease.message, id);
        log_error(role_log(lease->courier->role), "%s: its letter cannot be written", id);
        drop_file(lease);
        put_back(lease, r);
        if (!readable) /* at the holding limit the sender is told */
            r->outcome = courier_settle_outcome(lease, r);
        return;
    }
    add_letter(lease, r, length, tail);
    courier_report_result(lease, r);
    lease->next++;
    if (lease->letters.len > COURIER_LETTERS_PART)
        courier_report_part(lease);
}

static void on_file(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct courier_recipient *r = &lease->recipient[lease->next];
    struct msg_status status = {.code = MSG_UNAVAILABLE};
    courier_lease_answered(lease);
    if (answer == NULL) {
        courier_stall(lease); /* the next store leases it anew */
        return;
    }
    if (!layout_read(&msg_status_layout, answer->payload, &status))
        status.code = MSG_UNAVAILABLE;
    if (answer->fd >= 0 && status.code == MSG_OK)
        write_letter(lease, r, answer->fd);
    else
        put_back(lease, r);
    if (answer->fd >= 0)
        close(answer->fd);
    mem_wipe(&lease->item, sizeof(lease->item));
    courier_lease_step(lease);
}

void courier_letter_next(struct courier_lease *lease)
{
    size_t i = next_posted(lease);
    if (i == lease->count || !layout_next(&msg_batch_item_layout, &lease->batch_at, &lease->item)) {
        buf_reset(&lease->batch_frame);
        lease->settle = COURIER_SETTLE_LETTERS;
        return;
    }
    lease->next = i;
    lease->stalled = false;
    struct msg_open open = {lease->item.id, sealed_writer_length(lease->lease.size)};
    (void)courier_ask(lease, lease->courier->store, MSG_OPEN, &msg_open_layout, &open, on_file);
}
