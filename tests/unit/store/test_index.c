/* SPDX-License-Identifier: Apache-2.0 */
/* The index: fed by records alone, idempotent, answering what the queue, the letters and the operator need; damaged
 * heads stop it, and its counters are checked against each wave-end. */
#include "unit.h"

#include <sqlite3.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/index.h"

struct bench {
    char path[64];
    struct index *index;
    uint64_t position;
    struct state_counts counts;
    struct state_writer writer;
    struct buf head;
    uint32_t live;
    struct index_live last;
    uint32_t rows;
    struct msg_row row;
    uint32_t attempts;
    uint32_t files;
};

static struct bench *bench_open(void)
{
    struct bench *b = mem_new(sizeof *b);
    struct err err;
    snprintf(b->path, sizeof b->path, "/tmp/sealpost-index-XXXXXX");
    close(mkstemp(b->path));
    b->position = record_position(1, 4096);
    state_writer_init(&b->writer);
    buf_init(&b->head, RECORD_HEAD_MAX);
    assert_true(index_open(b->path, &b->index, &err));
    return b;
}

static void bench_close(struct bench *b)
{
    char other[80];
    index_close(&b->index);
    unlink(b->path);
    snprintf(other, sizeof other, "%s-wal", b->path);
    unlink(other);
    state_writer_free(&b->writer);
    buf_free(&b->head);
    mem_free(b);
}

static void bench_reopen(struct bench *b)
{
    struct err err;
    index_close(&b->index);
    assert_true(index_open(b->path, &b->index, &err));
}

static void apply_version(struct bench *b, enum record_type type, uint16_t version, const struct id *id,
                          const struct layout *layout, const void *head)
{
    struct err err = {{0}};
    struct record record = {.position = b->position, .type = type, .version = version};
    if (id != NULL) {
        record.id = *id;
    }
    buf_reset(&b->head);
    layout_write(layout, &b->head, head);
    record.head = buf_slice(&b->head);
    record.size = (uint32_t)record_size(&record);
    if (!index_apply(b->index, &record, &err)) {
        fail_msg("%s", err.text);
    }
    b->position += record.size;
}

static void apply(struct bench *b, enum record_type type, const struct id *id, const struct layout *layout, const void *head)
{
    apply_version(b, type, record_version(type), id, layout, head);
}

static struct id id_of(uint8_t n)
{
    struct id id = {{n}};
    return id;
}

/* Message n with two recipients; returns its position. */
static uint64_t add_message(struct bench *b, uint8_t n)
{
    struct buf recipients;
    const struct id id = id_of(n);
    struct record_message m = {.kind = MSG_KIND_MAIL, .tenant = SLICE_LIT("clinic"), .accepted_us = 1000 + n, .size = 99};
    uint64_t at = b->position;
    buf_init(&recipients, MSG_LIST_MAX);
    buf_reset(&b->writer.leaves);
    for (uint16_t i = 0; i < 2; i++) {
        struct state state;
        struct msg_recipient r = {.index = i, .notify = 4, .sealed = SLICE_LIT("sealed address")};
        r.destination.b[0] = 7;
        r.recipient.b[0] = (uint8_t)(n + i);
        layout_write(&msg_recipient_layout, &recipients, &r);
        state_accept(&state, m.kind, &id, &r, m.accepted_us, &b->counts, &b->writer.leaves);
    }
    m.message_id.b[0] = n;
    m.header = SLICE_LIT("header");
    m.envelope = SLICE_LIT("envelope");
    m.recipients = buf_slice(&recipients);
    m.leaves = buf_slice(&b->writer.leaves);
    apply(b, RECORD_MESSAGE, &id, &record_message_layout, &m);
    buf_free(&recipients);
    return at;
}

static void change(struct bench *b, uint64_t message, struct state *state, uint16_t index, enum state_event event,
                   const struct msg_letter *letter)
{
    struct buf letters;
    struct state_cause cause = {.event = event, .generation = state->generation, .index = index, .at_us = 5000,
                                .attempt = 1, .reason = 46, .text = SLICE_LIT("sealed reply")};
    buf_init(&letters, MSG_LIST_MAX);
    buf_reset(&b->writer.changes);
    if (letter != NULL) {
        cause.letter = letter->id;
        if (event == STATE_POST) {
            layout_write(&msg_letter_layout, &letters, letter);
        }
    }
    assert_int_equal(state_change(state, &cause, &b->counts, &b->writer), STATE_CHANGED);
    const struct record_transition t = {.at_us = 5000, .message = message, .kind = MSG_KIND_MAIL,
                                        .tenant = SLICE_LIT("clinic"), .changes = buf_slice(&b->writer.changes),
                                        .letters = buf_slice(&letters)};
    apply(b, RECORD_TRANSITION, NULL, &record_transition_layout, &t);
    buf_free(&letters);
}

static bool on_live(void *ctx, const struct index_live *live)
{
    struct bench *b = ctx;
    b->live++;
    b->last = *live;
    return true;
}

static void on_row(void *ctx, const struct msg_row *row)
{
    struct bench *b = ctx;
    b->rows++;
    b->row = *row;
}

static void on_attempt(void *ctx, const struct msg_attempt *attempt)
{
    struct bench *b = ctx;
    b->attempts++;
    assert_slice(attempt->text, "sealed reply");
}

static void on_file(void *ctx, const struct id *id)
{
    struct bench *b = ctx;
    (void)id;
    b->files++;
}

static uint32_t query(struct bench *b, const struct msg_ctl_query *ask, bool *ret_more)
{
    struct err err;
    uint32_t rows = 0;
    b->rows = 0;
    b->attempts = 0;
    assert_true(index_query(b->index, ask, on_row, on_attempt, b, &rows, ret_more, &err));
    assert_int_equal(rows, b->rows);
    return rows;
}

static uint32_t live(struct bench *b)
{
    struct err err;
    b->live = 0;
    assert_true(index_load(b->index, on_live, b, &err));
    return b->live;
}

static const struct state queued = {1, STATE_QUEUED, 0, 0, MSG_KIND_MAIL};

static void messages_are_found_and_finished(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    bool more = false;
    bool known = false;
    struct state s0 = queued;
    struct state s1 = queued;
    uint64_t at = add_message(b, 1);
    add_message(b, 9);
    assert_int_equal(live(b), 4);
    assert_int_equal(b->last.destination.b[0], 7);
    assert_int_equal(b->last.notify, 4);
    change(b, at, &s0, 0, STATE_DELIVER, NULL);
    assert_int_equal(live(b), 3);
    assert_false(index_message_final(b->index, &(struct id){{1}}, &known));
    change(b, at, &s1, 1, STATE_LATER, NULL);
    assert_int_equal(live(b), 3);
    change(b, at, &s1, 1, STATE_RETURN, NULL);
    assert_true(index_message_final(b->index, &(struct id){{1}}, &known));
    assert_false(index_message_final(b->index, &(struct id){{3}}, &known));
    assert_false(known);
    struct msg_ctl_query ask = {.id = {{1}}, .attempts = true};
    assert_int_equal(query(b, &ask, &more), 2);
    assert_int_equal(b->attempts, 2);
    ask = (struct msg_ctl_query){.by_message_id = true, .message_id = {{9}}};
    assert_int_equal(query(b, &ask, &more), 2);
    ask = (struct msg_ctl_query){.by_recipient = true, .recipient = {{2}}};
    assert_int_equal(query(b, &ask, &more), 1);
    assert_int_equal(b->row.index, 1);
    assert_int_equal(b->row.state, STATE_RETURNED);
    ask = (struct msg_ctl_query){.limit = 3};
    assert_int_equal(query(b, &ask, &more), 3);
    assert_true(more);
    ask = (struct msg_ctl_query){.open_only = true};
    assert_int_equal(query(b, &ask, &more), 2);
    assert_false(more);
    bench_close(b);
}

static void replay_is_idempotent_and_position_is_kept(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct err err;
    uint64_t first = b->position;
    add_message(b, 1);
    uint64_t end = b->position;
    assert_true(index_commit(b->index, &err));
    bench_reopen(b);
    assert_int_equal(index_position(b->index), end);
    b->position = first;
    add_message(b, 1); /* again: skipped */
    assert_int_equal(live(b), 2);
    uint64_t durable = 0;
    assert_true(index_checkpoint(b->index, &durable, &err));
    assert_int_equal(durable, end);
    bench_close(b);
}

static void letters_carry_their_story(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct err err;
    struct index_letter letter;
    struct state s = queued;
    struct msg_letter made = {.index = 1, .id = {{77}}, .held = true, .expires_us = 100000, .link = {{5}},
                              .header = SLICE_LIT("letter header"), .token = SLICE_LIT("sealed token"), .content_length = 10};
    uint64_t at = add_message(b, 1);
    change(b, at, &s, 1, STATE_POST, &made);
    assert_true(index_letter_by_link(b->index, &made.link, &letter));
    assert_true(letter.fresh);
    assert_true(letter.held);
    assert_int_equal(letter.index, 1);
    assert_int_equal(letter.message, at);
    assert_slice(letter.token, "sealed token");
    assert_int_equal(live(b), 2);
    assert_int_equal(b->last.letter, letter.row);
    assert_int_equal(index_files(b->index, true, 50000, on_file, b, &err), true);
    assert_int_equal(b->files, 1);
    change(b, at, &s, 1, STATE_NOTICE_HOLD, &made);
    change(b, at, &s, 1, STATE_NOTICE_RELEASE, &made);
    assert_true(index_letter_by_id(b->index, &made.id, &letter));
    assert_false(letter.held);
    change(b, at, &s, 1, STATE_NOTICE_DELIVER, &made);
    assert_true(index_letter_by_id(b->index, &made.id, &letter));
    assert_int_equal(letter.token.len, 0); /* afterwards only its hash */
    uint64_t durable = 0;
    assert_true(index_checkpoint(b->index, &durable, &err)); /* whatever rows were left open for their slices */
    assert_int_equal(letter.sent_us, 5000);
    assert_int_equal(live(b), 1);
    struct msg_ctl_query ask = {.by_recipient = true, .recipient = {{2}}};
    bool more = false;
    assert_int_equal(query(b, &ask, &more), 1);
    assert_int_equal(b->row.reason, 46); /* why it was posted */
    assert_int_equal(b->row.notice, STATE_NOTICE_SENT);
    struct id ids[4];
    assert_int_equal(index_letters_expired(b->index, 50000, ids, 4), 0);
    assert_int_equal(index_letters_expired(b->index, 100000, ids, 4), 1);
    assert_int_equal(ids[0].b[0], 77);
    assert_int_equal(index_letters_expired(b->index, 100000, ids, 4), 0);
    bench_close(b);
}

static void counters_meet_each_wave_end(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct buf list;
    struct index_sums sums;
    struct err err;
    struct state s = queued;
    uint64_t at = add_message(b, 1);
    change(b, at, &s, 0, STATE_DELIVER, NULL);
    buf_init(&list, 10000);
    struct record_counts row = {.tenant = SLICE_LIT("clinic"), .accepted = b->counts.accepted,
                                .delivered = b->counts.delivered};
    layout_write(&record_counts_layout, &list, &row);
    struct record_wave_end end = {.at_us = 1, .counts = buf_slice(&list)};
    apply(b, RECORD_WAVE_END, NULL, &record_wave_end_layout, &end);
    assert_int_equal(index_mismatches(b->index), 0);
    buf_reset(&list);
    row.delivered++;
    layout_write(&record_counts_layout, &list, &row);
    end.counts = buf_slice(&list);
    apply(b, RECORD_WAVE_END, NULL, &record_wave_end_layout, &end);
    assert_int_equal(index_mismatches(b->index), 1);
    assert_true(index_sums(b->index, &sums, &err));
    assert_int_equal(sums.mail[0], 2);
    assert_int_equal(sums.mail[STATE_DELIVERED], 1);
    assert_int_equal(sums.mail[STATE_QUEUED], 1);
    buf_free(&list);
    bench_close(b);
}

static void a_malformed_head_is_refused(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct err err;
    static const enum record_type types[] = {RECORD_MESSAGE, RECORD_TRANSITION, RECORD_CENTER, RECORD_CREDENTIAL,
                                             RECORD_LOCK, RECORD_DOMAIN, RECORD_WAVE_END};
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        struct record record = {.position = b->position, .type = types[i], .version = 1, .size = 64};
        record.head = SLICE_LIT("\x01nonsense");
        assert_false(index_apply(b->index, &record, &err));
        assert_non_null(strstr(err.text, record_type_name(types[i])));
    }
    bench_close(b);
}

static void show(struct bench *b, uint8_t name, uint8_t level, int64_t at_us)
{
    struct record_domain domain = {.level = level, .at_us = at_us};
    memset(domain.domain.b, name, TAG_SIZE);
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
}

static int shown(struct bench *b, uint8_t name)
{
    struct msg_shown found;
    struct tag tag;
    memset(tag.b, name, TAG_SIZE);
    return index_domain(b->index, &tag, &found) ? found.level : -1;
}

/* A lower level never takes the place of a higher one that is still remembered; what is forgotten is gone (P7). */
static void domains_keep_their_best_level_and_are_forgotten(void **ctx)
{
    struct bench *b = bench_open();
    int64_t day = CLOCK_US_PER_DAY;
    (void)ctx;
    show(b, 1, 3, 1000 * day);
    show(b, 2, 1, 1000 * day);
    show(b, 1, 1, 1001 * day);
    show(b, 2, 2, 1001 * day);
    assert_int_equal(shown(b, 1), 3);
    assert_int_equal(shown(b, 2), 2);
    show(b, 1, 1, 1091 * day);
    assert_int_equal(shown(b, 1), 1);
    assert_int_equal(shown(b, 2), 2);
    show(b, 3, 1, 1092 * day);
    assert_int_equal(shown(b, 2), -1);
    bench_close(b);
}

static struct record_domain domain_of(uint8_t name)
{
    struct record_domain domain = {.at_us = 1000 * CLOCK_US_PER_DAY};
    memset(domain.domain.b, name, TAG_SIZE);
    return domain;
}

static void policy_is(struct bench *b, uint8_t name, const char *policy)
{
    struct msg_shown found = {.level = 0};
    struct tag tag;
    memset(tag.b, name, TAG_SIZE);
    assert_int_equal(index_domain(b->index, &tag, &found), policy != NULL);
    if (policy != NULL)
        assert_true(slice_eq(found.policy, slice_str(policy)));
}

/* A policy is kept beside the level, longer than it, and goes alone or with it. */
static void domains_keep_their_policy(void **ctx)
{
    struct bench *b = bench_open();
    struct record_domain domain = domain_of(1);
    int64_t day = CLOCK_US_PER_DAY;
    (void)ctx;
    domain.acts = RECORD_DOMAIN_POLICY;
    domain.policy = SLICE_LIT("first");
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
    policy_is(b, 1, "first");
    assert_int_equal(shown(b, 1), 0);
    show(b, 1, 3, 1000 * day);
    policy_is(b, 1, "first");
    show(b, 2, 1, 1365 * day); /* the level of 1 is long forgotten, its policy may still be in force */
    policy_is(b, 1, "first");
    show(b, 2, 1, 1367 * day);
    policy_is(b, 1, NULL);
    domain.at_us = 1367 * day;
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
    domain.policy = SLICE_EMPTY;
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
    policy_is(b, 1, "");
    domain = domain_of(2);
    domain.at_us = 1367 * day;
    domain.acts = RECORD_DOMAIN_FORGET;
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
    assert_int_equal(shown(b, 2), -1);
    bench_close(b);
}

/* trust.memory says when a lower level counts. */
static void memory_is_as_long_as_configured(void **ctx)
{
    struct bench *b = bench_open();
    int64_t day = CLOCK_US_PER_DAY;
    (void)ctx;
    index_set_memory(b->index, 10 * day);
    show(b, 1, 3, 1000 * day);
    show(b, 1, 1, 1009 * day);
    assert_int_equal(shown(b, 1), 3);
    show(b, 1, 1, 1011 * day);
    assert_int_equal(shown(b, 1), 1);
    bench_close(b);
}

/* A journal of the version before this one. */
static void a_first_domain_record_is_read(void **ctx)
{
    static const struct layout_field fields[] = {LAYOUT_F(TAG, struct record_domain, domain),
        LAYOUT_F(U8, struct record_domain, level), LAYOUT_F(I64, struct record_domain, at_us)};
    static LAYOUT_DEFINE(first, struct record_domain, fields);
    struct bench *b = bench_open();
    struct record_domain domain = domain_of(1);
    (void)ctx;
    domain.level = 2;
    apply_version(b, RECORD_DOMAIN, 1, NULL, &first, &domain);
    assert_int_equal(shown(b, 1), 2);
    bench_close(b);
}

static void exec(const char *path, const char *sql)
{
    sqlite3 *db = NULL;
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
}

/* An index of the schema before this one is brought up, with what it remembers. */
static void the_first_schema_is_brought_up(void **ctx)
{
    struct bench *b = bench_open();
    struct record_domain domain = domain_of(1);
    (void)ctx;
    index_close(&b->index);
    exec(b->path, "DROP TABLE domain; DROP TABLE tally; DROP TABLE reported; DROP TABLE received; CREATE TABLE domain(tag BLOB PRIMARY KEY, level INTEGER, at INTEGER) WITHOUT ROWID;"
                  "CREATE INDEX domain_at ON domain(at);"
                  "INSERT INTO domain VALUES(x'01010101010101010101010101010101', 4, 86400000000000);"
                  "PRAGMA user_version = 1");
    struct err err = {""};
    if (!index_open(b->path, &b->index, &err))
        fail_msg("%s", err.text);
    assert_int_equal(shown(b, 1), 4);
    domain.acts = RECORD_DOMAIN_POLICY;
    domain.policy = SLICE_LIT("kept");
    apply(b, RECORD_DOMAIN, NULL, &record_domain_layout, &domain);
    assert_int_equal(shown(b, 1), 4);
    policy_is(b, 1, "kept");
    bench_close(b);
}

static void count_received(void *ctx, const struct msg_received *received)
{
    struct bench *b = ctx;
    b->rows++;
    assert_int_equal(received->size, 7);
}

static uint32_t received_since(struct bench *b, const struct id *id, int64_t since_us)
{
    struct err err = {""};
    b->rows = 0;
    assert_true(index_received(b->index, id, since_us, count_received, b, &err));
    return b->rows;
}

/* Puts in a report that came at a time; its id is made of its number. */
static struct id receive(struct bench *b, uint16_t n, int64_t at_us)
{
    const struct record_received head = {.at_us = at_us, .size = 7, .header = SLICE_LIT("h"), .sealed = SLICE_LIT("sealed")};
    struct id id = {{1, (uint8_t)(n >> 8), (uint8_t)n}};
    apply(b, RECORD_RECEIVED, &id, &record_received_layout, &head);
    return id;
}

/* Reports of strangers: so many, so long, the oldest go; an index of the schemas before takes them. */
static void reports_of_others_are_bounded(void **ctx)
{
    struct bench *b = bench_open();
    struct err err = {""};
    uint64_t count = 0;
    (void)ctx;
    index_close(&b->index);
    exec(b->path, "DROP TABLE received; PRAGMA user_version = 3");
    if (!index_open(b->path, &b->index, &err))
        fail_msg("%s", err.text);
    struct id oldest = receive(b, 0, 100);
    struct id second = receive(b, 1, 101);
    assert_int_equal(received_since(b, &oldest, 0), 1);
    assert_int_equal(received_since(b, NULL, 101), 1);
    for (uint16_t n = 2; n <= INDEX_RECEIVED_MAX; n++)
        receive(b, n, 100 + n);
    assert_int_equal(received_since(b, NULL, 0), INDEX_RECEIVED_MAX);
    assert_int_equal(received_since(b, &oldest, 0), 0);
    assert_int_equal(received_since(b, &second, 0), 1);
    assert_true(index_received_forget(b->index, INDEX_RECEIVED_LIFE_US + 102, &err));
    assert_true(index_received_count(b->index, 0, &count, &err));
    assert_int_equal(count, INDEX_RECEIVED_MAX - 1);
    assert_true(index_commit(b->index, &err));
    bench_reopen(b);
    assert_int_equal(received_since(b, NULL, 0), INDEX_RECEIVED_MAX - 1);
    bench_close(b);
}

static void a_newer_schema_names_the_way_out(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct err err;
    uint32_t version = 0;
    index_close(&b->index);
    FILE *f = fopen(b->path, "r+b");
    assert_int_equal(fseek(f, 60, SEEK_SET), 0); /* user_version in the database header, big-endian */
    version = 0x63000000u;
    assert_int_equal(fwrite(&version, sizeof version, 1, f), 1);
    fclose(f);
    assert_false(index_open(b->path, &b->index, &err));
    assert_non_null(strstr(err.text, "newer Sealpost"));
    bench_close(b);
}

/* 200,000 queued messages load in well under two seconds (ten times that under sanitizers on a loaded machine). */
static void a_large_queue_loads(void **ctx)
{
    (void)ctx;
    struct bench *b = bench_open();
    struct err err;
    for (uint32_t n = 0; n < 20000; n++) {
        add_message(b, (uint8_t)n);
    }
    assert_true(index_commit(b->index, &err));
    int64_t began = clock_wait_us();
    assert_int_equal(live(b), 40000);
    print_message("40,000 recipients loaded in %lld us\n", (long long)(clock_wait_us() - began));
    bench_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_are_found_and_finished),
        cmocka_unit_test(replay_is_idempotent_and_position_is_kept),
        cmocka_unit_test(letters_carry_their_story),
        cmocka_unit_test(counters_meet_each_wave_end),
        cmocka_unit_test(a_malformed_head_is_refused),
        cmocka_unit_test(domains_keep_their_best_level_and_are_forgotten),
        cmocka_unit_test(domains_keep_their_policy),
        cmocka_unit_test(memory_is_as_long_as_configured),
        cmocka_unit_test(a_first_domain_record_is_read),
        cmocka_unit_test(the_first_schema_is_brought_up),
        cmocka_unit_test(reports_of_others_are_bounded),
        cmocka_unit_test(a_newer_schema_names_the_way_out),
        cmocka_unit_test(a_large_queue_loads),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
