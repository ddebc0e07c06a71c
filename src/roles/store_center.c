/* SPDX-License-Identifier: Apache-2.0 */
/* The Message Center's side of the store: links, codes, sessions and grants. The rules are in store/center_state.c; here
 * they meet the journal. Every request is journaled (a refused one only while there is room) and answered behind the
 * wave, known link or not, so that neither answer nor time tells a stranger anything. */
#include <stdlib.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "ledger/leaf.h"
#include "roles/store.h"

#define CENTER_LINK_MAIL_US CLOCK_US_PER_DAY /* a new link is mailed within a day or not at all */
#define CENTER_MAILS_PER_LETTER 20u          /* codes and links for one letter in a day */

/* A letter with a reader. While it is here, it is the truth; the index follows. */
struct store_center_entry {
    uint64_t row;
    struct id id;
    struct tag recipient_tag;
    int64_t expires_us;
    struct center_state center;
    uint64_t changed; /* position of its last record */
    int64_t used_us;
};

static struct center_limits limits_of(const struct store *store)
{
    const struct conf *conf = role_conf(store->role);
    return (struct center_limits){
        .link_us = conf->center_link_lifetime,
        .code_us = conf->center_code_lifetime,
        .session_us = conf->center_session_idle,
        .tries = (uint32_t)conf->center_code_tries,
        .mails_day = CENTER_MAILS_PER_LETTER,
    };
}

/* Makes room in the cache: what the index knows already and was used longest ago. */
static void evict(struct store *store)
{
    size_t cursor = 0;
    const void *key = NULL;
    void *value = NULL;
    struct store_center_entry *oldest = NULL;
    while (map_next(store->center, &cursor, &key, &value)) {
        struct store_center_entry *entry = value;
        bool indexed = entry->changed < index_position(store->index);
        if (indexed && (oldest == NULL || entry->used_us < oldest->used_us)) {
            oldest = entry;
        }
    }
    if (oldest != NULL) {
        map_remove(store->center, &oldest->row);
        mem_free(oldest);
    }
}

static struct store_center_entry *entry_of(struct store *store, const struct index_letter *letter)
{
    struct store_center_entry *entry = map_get(store->center, &letter->row);
    if (entry == NULL) {
        const struct center_limits limits = limits_of(store);
        if (map_count(store->center) >= STORE_CENTER_CACHE) {
            evict(store);
        }
        entry = mem_new(sizeof *entry);
        entry->row = letter->row;
        entry->id = letter->id;
        entry->recipient_tag = letter->recipient_tag;
        entry->expires_us = letter->expires_us;
        entry->center = letter->center;
        if (letter->fresh) {
            int64_t from = letter->sent_us != 0 ? letter->sent_us : letter->at_us;
            center_state_init(&entry->center, &letter->first_link, from, letter->expires_us, &limits);
        }
        if (!map_put(store->center, &entry->row, entry)) {
            mem_free(entry);
            return NULL;
        }
    }
    entry->used_us = clock_wait_us();
    return entry;
}

static struct store_center_entry *entry_by_link(struct store *store, const struct digest *link)
{
    struct index_letter letter;
    store_index_catch_up(store);
    return index_letter_by_link(store->index, link, &letter) ? entry_of(store, &letter) : NULL;
}

static struct store_center_entry *entry_by_id(struct store *store, const struct id *id)
{
    struct index_letter letter;
    store_index_catch_up(store);
    return index_letter_by_id(store->index, id, &letter) ? entry_of(store, &letter) : NULL;
}

/* Journals an act: the letter's new state, the leaf, what else *head says. */
static void note(struct store *store, struct store_center_entry *entry, struct record_center *head, uint16_t reason)
{
    struct buf state;
    struct buf leaves;
    struct leaf leaf = {.type = LEAF_LETTER, .time_us = clock_utc_us(), .recipient = LEAF_NO_RECIPIENT,
                        .outcome = head->act, .reason = reason};
    buf_init(&state, RECORD_CENTER_MAX);
    buf_init(&leaves, RECORD_LEAVES_MAX);
    if (entry != NULL) {
        center_state_write(&entry->center, &state);
        leaf.id = entry->id;
        head->letter = entry->row;
    }
    leaf_put(&leaves, &leaf);
    head->at_us = leaf.time_us;
    head->state = buf_slice(&state);
    head->leaves = buf_slice(&leaves);
    uint64_t position = store_append(store, RECORD_CENTER, entry == NULL ? NULL : &entry->id, &record_center_layout, head,
                                     SLICE_EMPTY, false);
    if (entry != NULL) {
        entry->changed = position;
    }
    buf_free(&state);
    buf_free(&leaves);
}

/* Like note(), for what was refused and changes nothing: anybody can ask for that as often as he likes, so it is not
 * written while room is short, lest strangers fill what is kept for deliveries and end the store. */
static void note_refusal(struct store *store, struct store_center_entry *entry, struct record_center *head, uint16_t reason)
{
    if (store_has_room(store)) {
        note(store, entry, head, reason);
    }
}

/* --- mails of the day --- */

static bool mail_count(struct store *store, uint8_t what, const struct tag *tag, uint64_t max, bool add)
{
    uint8_t key[TAG_SIZE + 1];
    key[0] = what;
    memcpy(key + 1, tag->b, TAG_SIZE);
    uintptr_t count = (uintptr_t)map_get(store->mails, key);
    if (count >= max) {
        return false;
    }
    if (add) {
        map_put(store->mails, key, (void *)(count + 1));
    }
    return true;
}

static void mails_of_today(struct store *store)
{
    uint32_t day = clock_day(clock_utc_us());
    if (day != store->mails_day) {
        map_free(&store->mails);
        store->mails = map_create(TAG_SIZE + 1, QUEUE_JOBS_MAX);
        store->mails_day = day;
    }
}

static bool tag_is_zero(const struct tag *tag)
{
    static const struct tag zero;
    return memcmp(tag, &zero, sizeof zero) == 0;
}

bool store_center_mail_allowed(struct store *store, const struct tag *recipient, const struct tag *destination)
{
    const struct conf *conf = role_conf(store->role);
    mails_of_today(store);
    bool domain = destination != NULL && !tag_is_zero(destination);
    if (!mail_count(store, 'r', recipient, conf->notice_daily_recipient, false) ||
        (domain && !mail_count(store, 'd', destination, conf->notice_daily_domain, false))) {
        return false;
    }
    mail_count(store, 'r', recipient, UINT64_MAX, true);
    if (domain) {
        mail_count(store, 'd', destination, UINT64_MAX, true);
    }
    return true;
}

void store_center_mail_count(void *ctx, const struct tag *recipient, const struct tag *destination)
{
    struct store *store = ctx;
    mail_count(store, 'r', recipient, UINT64_MAX, true);
    if (!tag_is_zero(destination)) {
        mail_count(store, 'd', destination, UINT64_MAX, true);
    }
}

/* --- codes and links on their way --- */

bool store_center_add_transit(struct store *store, const struct index_transit *transit)
{
    struct index_letter letter;
    const struct conf *conf = role_conf(store->role);
    if (!index_letter_by_row(store->index, transit->letter, &letter)) {
        return true; /* its letter is gone: nobody can use it any more */
    }
    bool code = transit->kind == MSG_CENTER_CODE;
    const struct queue_job job = {
        .id = transit->id,
        .kind = MSG_LEASE_CODE,
        .message_kind = letter.message_kind,
        .flags = letter.flags,
        .tenant = queue_tenant(store->queue, letter.tenant),
        .message = letter.message,
        .message_id = letter.message_id,
        .letter = letter.row,
        .accepted_us = transit->created_us,
        .by_us = transit->created_us + (code ? conf->center_code_lifetime : CENTER_LINK_MAIL_US),
    };
    const struct queue_entry entry = {
        .index = letter.index,
        .destination = letter.recipient_tag, /* the domain's tag is erased by now */
        .state = {.generation = 1, .recipient = STATE_POSTED, .kind = letter.message_kind},
        .due_us = transit->created_us,
    };
    return queue_add(store->queue, &job, &entry, 1) != NULL;
}

void store_center_transit_end(struct store *store, struct queue_item *item, uint8_t outcome, uint16_t reason)
{
    struct record_center head = {.act = CENTER_TRANSIT_ENDED, .transit = item->job->id, .transit_end = outcome};
    struct store_center_entry *entry = NULL;
    struct index_letter letter;
    store_prepare(store);
    if (index_letter_by_row(store->index, item->job->letter, &letter)) {
        entry = entry_of(store, &letter);
    }
    note(store, entry, &head, reason);
    if (item->lease != NULL && item->lease->open == 1) {
        store_lease_over(store, item->lease);
    }
    queue_remove(store->queue, item);
}

void store_center_result(struct store *store, struct queue_item *item, const struct msg_result *result)
{
    int64_t now = clock_utc_us();
    item->attempts++;
    int64_t next = store_lease_next(store, item->job, item->attempts, now);
    if (result->outcome != MSG_OUT_LATER || next >= item->job->by_us) {
        store_center_transit_end(store, item, result->outcome, result->reason);
        return;
    }
    if (item->lease != NULL && item->lease->open == 1) {
        store_lease_over(store, item->lease);
    }
    queue_lease_settle(store->queue, item);
    queue_wait(store->queue, item, next);
}

/* What the rules say to a wish for a code or a new link. */
static enum msg_code ask(struct store *store, struct store_center_entry *entry, const struct msg_center_send *send)
{
    const struct center_limits limits = limits_of(store);
    int64_t now = clock_utc_us();
    if (entry == NULL) {
        return MSG_UNKNOWN;
    }
    struct center_state before = entry->center;
    enum msg_code code =
        send->kind == MSG_CENTER_CODE
            ? center_state_ask_code(&entry->center, &send->link, &send->session, &send->code, now, &limits)
            : center_state_ask_link(&entry->center, &send->link, &send->new_link, now, &limits);
    if (code == MSG_OK && !store_center_mail_allowed(store, &entry->recipient_tag, NULL)) {
        entry->center = before;
        return MSG_BUSY;
    }
    return code;
}

static void queue_transit(struct store *store, const struct store_center_entry *entry, const struct msg_center_send *send,
                          struct store_after *after)
{
    const struct index_transit transit = {
        .id = send->id, .kind = send->kind, .letter = entry->row, .created_us = clock_utc_us()};
    if (!store_center_add_transit(store, &transit)) {
        return;
    }
    struct queue_job *job = queue_find(store->queue, MSG_LEASE_CODE, &send->id);
    if (job != NULL) {
        queue_wait(store->queue, &job->item[0], QUEUE_NEVER);
        store_complete_wake(after, job);
    }
}

bool store_center_send(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_center_send send;
    if (!layout_read(&msg_center_send_layout, frame->payload, &send) ||
        (send.kind != MSG_CENTER_CODE && send.kind != MSG_CENTER_LINK) || id_is_zero(&send.id) ||
        send.sealed.len > MSG_RECIPIENT_MAX) {
        return false;
    }
    struct store_center_entry *entry = entry_by_link(store, &send.link);
    enum msg_code code = ask(store, entry, &send);
    struct record_center head = {.act = entry == NULL ? CENTER_UNKNOWN_LINK : CENTER_DENIED, .link = send.link};
    store_prepare(store);
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, 1); /* whatever happened */
    if (code == MSG_OK) {
        bool link = send.kind == MSG_CENTER_LINK;
        head = (struct record_center){.act = link ? CENTER_LINK_ASKED : CENTER_CODE_ASKED,
                                      .link = link ? send.new_link : send.link,
                                      .until_us = entry->expires_us,
                                      .transit = send.id,
                                      .transit_kind = send.kind,
                                      .header = send.header,
                                      .sealed = send.sealed};
        queue_transit(store, entry, &send, after);
    }
    (code == MSG_OK ? note : note_refusal)(store, entry, &head, (uint16_t)code);
    store_after(after);
    return true;
}

/* --- sessions --- */

/* An answer that waits for keyd's word on a grant. */
struct grant_wait {
    struct store *store;
    struct store_peer *peer;
    uint16_t type;
    uint64_t request;
    struct id letter;
    int64_t expires_us;
};

static void answer_access(struct store_peer *peer, uint16_t type, uint64_t request, enum msg_code code,
                          const struct id *letter, int64_t expires_us)
{
    struct msg_center_access access = {.code = (uint8_t)code};
    if (code == MSG_OK) {
        access.letter = *letter;
        access.expires_us = expires_us;
    }
    store_answer(peer, type, request, &msg_center_access_layout, &access, -1);
}

static void answer_letter(struct grant_wait *wait, enum msg_code code)
{
    struct index_letter letter;
    struct msg_center_letter answer = {.code = (uint8_t)code};
    int fd = -1;
    if (code == MSG_OK && index_letter_by_id(wait->store->index, &wait->letter, &letter)) {
        answer.expires_us = letter.expires_us;
        answer.header = letter.header;
        answer.envelope = letter.envelope;
        answer.recipient = letter.recipient;
        answer.content_length = letter.content_length;
        fd = letters_read(&wait->store->letters, &wait->letter);
    }
    if (code == MSG_OK && fd < 0) {
        answer = (struct msg_center_letter){.code = MSG_BROKEN};
        store_alarm(wait->store, "the content of a letter that should be there cannot be read");
    }
    store_answer(wait->peer, wait->type, wait->request, &msg_center_letter_layout, &answer, fd);
    if (fd >= 0) {
        close(fd);
    }
}

static void on_grant(void *ctx, const struct chan_frame *answer)
{
    struct grant_wait *wait = ctx;
    struct msg_status status;
    bool ok = answer != NULL && layout_read(&msg_status_layout, answer->payload, &status) && status.code == MSG_OK;
    enum msg_code code = ok ? MSG_OK : MSG_UNAVAILABLE;
    if (wait->type == MSG_CENTER_VERIFY) {
        answer_access(wait->peer, wait->type, wait->request, code, &wait->letter, wait->expires_us);
    } else {
        answer_letter(wait, code);
    }
    store_peer_unref(wait->peer);
    mem_free(wait);
}

static void grant(struct store *store, struct store_peer *peer, uint16_t type, uint64_t request,
                  const struct digest *session, const struct id *letter, int64_t expires_us)
{
    struct grant_wait *wait = mem_new(sizeof *wait);
    *wait = (struct grant_wait){store, store_peer_ref(peer), type, request, *letter, expires_us};
    if (store->keyd == NULL) {
        on_grant(wait, NULL);
        return;
    }
    const struct msg_grant ask = {
        .session = *session,
        .letter = *letter,
        .seconds = (uint32_t)(role_conf(store->role)->center_session_idle / CLOCK_US_PER_S + 1),
    };
    buf_reset(&store->frame);
    layout_write(&msg_grant_layout, &store->frame, &ask);
    chan_call(store->keyd->chan, MSG_GRANT, buf_slice(&store->frame), -1, MSG_DEADLINE_US, on_grant, wait);
}

static void then_verified(struct store_after *after)
{
    if (after->code == MSG_OK) {
        grant(after->store, after->peer, after->type, after->request, &after->digest, &after->id, after->time_us);
    } else {
        answer_access(after->peer, after->type, after->request, after->code, &after->id, 0);
    }
}

static uint8_t verify_act(enum msg_code code, bool known)
{
    switch (code) {
    case MSG_OK:
        return CENTER_OPENED;
    case MSG_REFUSED:
        return CENTER_WRONG_CODE;
    case MSG_LOCKED:
        return CENTER_LOCKED;
    default:
        return known ? CENTER_DENIED : CENTER_UNKNOWN_LINK;
    }
}

bool store_center_verify(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_center_verify verify;
    const struct center_limits limits = limits_of(store);
    int64_t until = 0;
    if (!layout_read(&msg_center_verify_layout, frame->payload, &verify)) {
        return false;
    }
    struct store_center_entry *entry = entry_by_link(store, &verify.link);
    enum msg_code code = entry == NULL ? MSG_UNKNOWN
                                       : center_state_verify(&entry->center, &verify.link, &verify.session, &verify.code,
                                                             clock_utc_us(), &limits, &until);
    struct record_center head = {.act = verify_act(code, entry != NULL), .until_us = until};
    if (code == MSG_OK) {
        head.session = verify.session;
    }
    bool idle = head.act == CENTER_DENIED || head.act == CENTER_UNKNOWN_LINK;
    store_prepare(store);
    (idle ? note_refusal : note)(store, entry, &head, (uint16_t)code);
    struct store_after *after = store_after_new(store, peer, frame, code, 0);
    after->then = then_verified;
    after->digest = verify.session;
    if (entry != NULL) {
        after->id = entry->id;
        after->time_us = entry->expires_us;
    }
    store_after(after);
    return true;
}

static void then_letter(struct store_after *after)
{
    grant(after->store, after->peer, after->type, after->request, &after->digest, &after->id, 0);
}

bool store_center_letter(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_center_ask ask_letter;
    const struct center_limits limits = limits_of(store);
    bool first = false;
    if (!layout_read(&msg_center_ask_layout, frame->payload, &ask_letter)) {
        return false;
    }
    struct store_center_entry *entry = entry_by_id(store, &ask_letter.letter);
    if (entry == NULL ||
        !center_state_read(&entry->center, &ask_letter.session, clock_utc_us(), &limits, &first)) {
        const struct msg_center_letter none = {.code = MSG_UNKNOWN};
        store_answer(peer, frame->type, frame->request, &msg_center_letter_layout, &none, -1);
        return true;
    }
    struct store_after *after = store_after_new(store, peer, frame, MSG_OK, 0);
    after->digest = ask_letter.session;
    after->id = ask_letter.letter;
    if (!first) {
        then_letter(after);
        store_peer_unref(after->peer);
        mem_free(after);
        return true;
    }
    struct record_center head = {.act = CENTER_READ};
    store_prepare(store);
    note(store, entry, &head, 0);
    after->then = then_letter;
    store_after(after);
    return true;
}

bool store_center_logout(struct store *store, struct store_peer *peer, const struct chan_frame *frame)
{
    struct msg_center_ask ask_end;
    if (!layout_read(&msg_center_ask_layout, frame->payload, &ask_end)) {
        return false;
    }
    struct store_center_entry *entry = entry_by_id(store, &ask_end.letter);
    if (entry == NULL || !center_state_logout(&entry->center, &ask_end.session)) {
        store_answer_code(peer, frame->type, frame->request, MSG_OK);
        return true;
    }
    if (store->keyd != NULL) {
        const struct msg_grant over = {.session = ask_end.session, .letter = ask_end.letter};
        buf_reset(&store->frame);
        layout_write(&msg_grant_layout, &store->frame, &over);
        chan_send(store->keyd->chan, MSG_UNGRANT, buf_slice(&store->frame), -1);
    }
    struct record_center head = {.act = CENTER_LOGOUT};
    store_prepare(store);
    note(store, entry, &head, 0);
    store_after(store_after_new(store, peer, frame, MSG_OK, 0));
    return true;
}

void store_center_close_letter(struct store *store, uint64_t row, const struct id *letter)
{
    struct index_letter found;
    (void)letter;
    if (!index_letter_by_row(store->index, row, &found)) {
        return;
    }
    struct store_center_entry *entry = entry_of(store, &found);
    if (entry != NULL) {
        struct record_center head = {.act = CENTER_DENIED};
        center_state_close(&entry->center);
        note(store, entry, &head, 0);
    }
}

void store_center_free(struct store *store)
{
    size_t cursor = 0;
    void *value = NULL;
    while (store->center != NULL && map_next(store->center, &cursor, NULL, &value)) {
        mem_free(value);
    }
    map_free(&store->center);
    map_free(&store->mails);
}
