/* SPDX-License-Identifier: Apache-2.0 */
/* Taking over messages (P2): large content into files, the message into the journal, the answer when the wave is on
 * stable storage. */
#include <errno.h>

#include "base/clock.h"
#include "base/mem.h"
#include "roles/store.h"

#define COMMIT_FILE_MAX UINT64_C(4294967296) /* no message is larger; the real limit is intake's */

static struct letters *files_of(struct store *store, const struct store_peer *peer)
{
    return peer->kind == ROLE_INTAKE ? &store->content : &store->letters;
}

bool store_commit_open(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_open open;
    if (!layout_read(&msg_open_layout, frame->payload, &open) || id_is_zero(&open.id) || open.limit > COMMIT_FILE_MAX) {
        return false;
    }
    bool intake = peer->kind == ROLE_INTAKE;
    if (intake && (!store_has_room(store) || open.limit > store->free_bytes)) {
        store_answer_code(peer, frame->type, frame->request, MSG_FULL);
        return true;
    }
    int fd = letters_create(files_of(store, peer), &open.id, peer);
    struct msg_status status = {.code = MSG_OK};
    if (fd < 0) {
        status.code = errno == EEXIST ? MSG_REFUSED : errno == EMFILE ? MSG_BUSY : MSG_FULL;
    }
    store_answer(peer, frame->type, frame->request, &msg_status_layout, &status, fd);
    return true;
}

bool store_commit_drop(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_open open;
    if (!layout_read(&msg_open_layout, frame->payload, &open)) {
        return false;
    }
    struct letters *files = files_of(store, peer);
    if (map_get(files->open, open.id.b) != NULL) { /* only what is still being filled */
        letters_remove(files, &open.id);
    }
    return true;
}

/* Reads the recipients: 1 to 100, numbered upwards without a number coming twice. */
static size_t read_recipients(struct slice list, struct msg_recipient *recipient)
{
    size_t count = 0;
    struct wire_reader r = wire_reader_of(list);
    while (count < MSG_RECIPIENTS_MAX && layout_next(&msg_recipient_layout, &r, &recipient[count])) {
        bool ordered = count == 0 || recipient[count].index > recipient[count - 1].index;
        if (!ordered || recipient[count].index >= MSG_RECIPIENTS_MAX) {
            return 0;
        }
        count++;
    }
    return wire_done(&r) ? count : 0;
}

static bool message_is_sound(const struct msg_message *m)
{
    bool kind = m->kind == MSG_KIND_MAIL || m->kind == MSG_KIND_DSN;
    bool content = (m->content.len > 0) != (m->content_length > 0);
    return kind && content && !id_is_zero(&m->id) && m->tenant.len > 0 && m->header.len > 0 && m->accepted_us > 0 &&
           memchr(m->tenant.data, 0, m->tenant.len) == NULL;
}

static uint64_t append_message(struct store *store, const struct msg_message *m, struct slice leaves, bool lazy)
{
    const struct record_message head = {
        .kind = m->kind,
        .flags = m->flags,
        .tenant = m->tenant,
        .credential = m->credential,
        .accepted_us = m->accepted_us,
        .by_us = m->by_us,
        .size = m->size,
        .message_id = m->message_id,
        .content_length = m->content_length,
        .content_tail = m->content_tail,
        .header = m->header,
        .envelope = m->envelope,
        .recipients = m->recipients,
        .leaves = leaves,
    };
    return store_append(store, RECORD_MESSAGE, &m->id, &record_message_layout, &head, m->content, lazy);
}

static void make_entries(struct store *store, const struct msg_message *m, struct queue_tenant *tenant,
                         const struct msg_recipient *recipient, size_t count, struct queue_entry *entry)
{
    buf_reset(&store->writer.leaves);
    for (size_t i = 0; i < count; i++) {
        entry[i] = (struct queue_entry){
            .index = recipient[i].index,
            .notify = recipient[i].notify,
            .destination = recipient[i].destination,
            .due_us = QUEUE_NEVER,
        };
        state_accept(&entry[i].state, m->kind, &m->id, &recipient[i], m->accepted_us, &tenant->counts,
                     &store->writer.leaves);
    }
    tenant->counted = true;
}

bool store_commit_message(struct store *store, const struct msg_message *m, bool lazy, struct queue_job **ret_job)
{
    struct msg_recipient recipient[MSG_RECIPIENTS_MAX];
    struct queue_entry entry[MSG_RECIPIENTS_MAX];
    size_t count = message_is_sound(m) ? read_recipients(m->recipients, recipient) : 0;
    *ret_job = NULL;
    if (count == 0) {
        return false;
    }
    struct queue_tenant *tenant = queue_tenant(store->queue, m->tenant);
    if (tenant == NULL || queue_find(store->queue, MSG_LEASE_MAIL, &m->id) != NULL) {
        return tenant != NULL;
    }
    store_prepare(store);
    if (m->content_length > 0) {
        int fd = letters_take(&store->content, &m->id, m->content_length);
        if (fd < 0) {
            return false;
        }
        journal_attach(store->journal, fd, store->content.dir_fd);
    }
    make_entries(store, m, tenant, recipient, count, entry);
    struct queue_job job = {
        .id = m->id,
        .kind = MSG_LEASE_MAIL,
        .message_kind = m->kind,
        .flags = m->flags,
        .tenant = tenant,
        .message_id = m->id,
        .accepted_us = m->accepted_us,
        .by_us = m->by_us,
        .size = m->size,
        .content_length = m->content_length,
    };
    job.message = append_message(store, m, buf_slice(&store->writer.leaves), lazy);
    buf_reset(&store->writer.leaves);
    *ret_job = queue_add(store->queue, &job, entry, count);
    if (*ret_job != NULL) {
        journal_hold(store->journal, job.message);
    }
    return true;
}

bool store_commit(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_message m;
    struct queue_job *job = NULL;
    if (!layout_read(&msg_message_layout, frame->payload, &m)) {
        return false;
    }
    const struct conf *conf = role_conf(store->role);
    if (!store_has_room(store) || queue_count(store->queue) >= conf->queue_max) {
        store_answer_code(peer, frame->type, frame->request, MSG_FULL);
        return true;
    }
    if (m.kind != MSG_KIND_MAIL || !store_commit_message(store, &m, false, &job) || job == NULL) {
        store_answer_code(peer, frame->type, frame->request, MSG_REFUSED);
        return true;
    }
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, 1);
    store_complete_wake(after, job);
    store_after(after);
    return true;
}
