/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS: one run over one day, one domain at a time. */
#include "roles/courier_tlsrpt.h"

#include <stdio.h>

#include "base/clock.h"
#include "base/codec.h"
#include "base/map.h"
#include "base/mem.h"
#include "keys/dkim.h"
#include "roles/courier_lease.h"
#include "roles/courier_tally.h"
#include "trust/tlsrpt_record.h"
#include "trust/tlsrpt_report.h"

#define NAME_PREFIX "_smtp._tls."
#define TXT_RECORDS_MAX 16u
#define UNIQUE_SIZE (2u * TAG_SIZE + 24u)

enum state { IDLE, KEY, TAKE, ASK, SIGN, MAIL, POST, DONE };

struct courier_tlsrpt {
    struct courier *courier;
    struct loop_timer *timer;
    enum state state;
    struct chan *call_chan;
    uint64_t call;
    uint32_t day;
    struct key seal;
    struct tag domain;  /* being added up, or last done with */
    struct id part;     /* the last one taken */
    char *name;         /* NULL: no part of it was opened yet */
    struct tlsrpt_tally *tally;
    struct tlsrpt_record record;
    size_t rua;         /* at work */
    bool failed;        /* an address of this domain has not had it */
    size_t left;        /* domains not done with */
    size_t sent;
    struct map *had;    /* struct tag > struct had: addresses that have had this day's report */
    uint32_t had_day;
    struct buf gzip;
    struct buf mail;
    struct buf field;
    struct courier_lease *lease;
};

struct had {
    struct tag tag;
    unsigned bits; /* by address of the record */
};

static void forget_had(struct courier_tlsrpt *t)
{
    size_t cursor = 0;
    const void *tag = NULL;
    void *had = NULL;
    while (map_next(t->had, &cursor, &tag, &had)) {
        (void)map_remove(t->had, &((struct had *)had)->tag);
        mem_free(had);
        cursor = 0;
    }
}

/* ---- when ---- */

static void on_timer(void *ctx);

/* The next midnight, and a random while. At the start: what may be left of yesterday. */
static void wait_for_midnight(struct courier_tlsrpt *t, bool at_start)
{
    int64_t now = clock_utc_us();
    int64_t spread = t->courier->conf->report_spread;
    uint64_t dice;
    mem_random(&dice, sizeof(dice));
    int64_t delay = spread > 0 ? (int64_t)(dice % (uint64_t)spread) : 0;
    if (!at_start)
        delay += ((int64_t)clock_day(now) + 1) * CLOCK_US_PER_DAY - now;
    if (t->courier->conf->report_contact != NULL)
        loop_timer_start(t->timer, delay);
}

/* Everything of the domain at work. */
static void clear_domain(struct courier_tlsrpt *t)
{
    mem_free(t->name);
    t->name = NULL;
    tlsrpt_tally_free(&t->tally);
    t->tally = tlsrpt_tally_create();
    t->rua = 0;
    t->failed = false;
    buf_reset(&t->gzip);
    buf_reset(&t->mail);
    buf_reset(&t->field);
}

static void end_run(struct courier_tlsrpt *t, bool whole)
{
    t->state = IDLE;
    mem_wipe(&t->seal, sizeof(t->seal));
    clear_domain(t);
    if (t->sent > 0 || t->left > 0)
        log_info(role_log(t->courier->role), "reports about TLS: %zu sent, %zu to be tried again", t->sent, t->left);
    if (whole && t->left == 0)
        wait_for_midnight(t, false);
    else if (clock_day(clock_utc_us()) > t->day + 1) {
        log_warn(role_log(t->courier->role), "%zu reports about TLS could not be delivered within a day and are given up", t->left);
        wait_for_midnight(t, true);
    } else
        loop_timer_start(t->timer, whole ? COURIER_TLSRPT_AGAIN_US : 60 * CLOCK_US_PER_S);
}

/* ---- questions ---- */

/* Asks; the run ends for now when nobody is there. */
static void ask(struct courier_tlsrpt *t, enum state state, struct chan *chan, uint16_t type, const struct layout *layout,
                const void *object, chan_answer_fn *fn)
{
    struct buf payload;
    t->state = state;
    if (chan == NULL) {
        end_run(t, false);
        return;
    }
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    if (layout != NULL)
        layout_write(layout, &payload, object);
    t->call_chan = chan;
    t->call = chan_call(chan, type, buf_slice(&payload), -1, type == MSG_POST ? 0 : MSG_DEADLINE_US, fn, t);
    buf_free(&payload);
}

static void take(struct courier_tlsrpt *t);
static void next_address(struct courier_tlsrpt *t);

static void on_done(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    t->call = 0;
    if (answer == NULL) {
        end_run(t, false);
        return;
    }
    clear_domain(t);
    take(t);
}

/* The domain's day is at its end, whatever that was. */
static void done(struct courier_tlsrpt *t)
{
    const struct msg_tally_done end = {t->domain, t->day};
    memset(t->part.b, 0xff, ID_SIZE);
    ask(t, DONE, t->courier->store, MSG_TALLY_DONE, &msg_tally_done_layout, &end, on_done);
}

/* The domain is left for the next run. */
static void leave(struct courier_tlsrpt *t)
{
    t->left++;
    memset(t->part.b, 0xff, ID_SIZE);
    clear_domain(t);
    take(t);
}

/* ---- the report ---- */

static struct slice domain_of(struct slice mailbox)
{
    size_t at = mailbox.len;
    while (at > 0 && mailbox.data[at - 1] != '@')
        at--;
    return slice_sub(mailbox, at, mailbox.len - at);
}

static struct tlsrpt_about about(const struct courier_tlsrpt *t, char unique[UNIQUE_SIZE])
{
    const struct conf *conf = t->courier->conf;
    struct tlsrpt_about a = {.contact = slice_str(conf->report_contact), .domain = slice_str(t->name), .day = t->day};
    a.organization = slice_str(conf->report_organization != NULL ? conf->report_organization : conf->operator_name);
    a.submitter = conf->report_domain != NULL ? slice_str(conf->report_domain) : domain_of(a.contact);
    int n = snprintf(unique, UNIQUE_SIZE, "%u-", t->day);
    for (size_t i = 0; i < TAG_SIZE; i++)
        n += snprintf(unique + n, UNIQUE_SIZE - (size_t)n, "%02x", t->domain.b[i]);
    a.unique = slice_str(unique);
    return a;
}

static bool make_gzip(struct courier_tlsrpt *t)
{
    char unique[UNIQUE_SIZE];
    const struct tlsrpt_about a = about(t, unique);
    struct buf json;
    buf_init(&json, TLSRPT_REPORT_MAX);
    tlsrpt_report_json(&a, t->tally, &json);
    bool ok = buf_ok(&json) && tlsrpt_report_gzip(buf_slice(&json), &t->gzip);
    buf_free(&json);
    return ok;
}

static bool has_had(const struct courier_tlsrpt *t)
{
    const struct had *had = map_get(t->had, &t->domain);
    return had != NULL && (had->bits & (1u << t->rua)) != 0;
}

/* One address is at its end. */
static void address_over(struct courier_tlsrpt *t, bool delivered)
{
    struct had *had = map_get(t->had, &t->domain);
    if (delivered && had == NULL) {
        had = mem_new(sizeof(*had));
        had->tag = t->domain;
        if (!map_put(t->had, &had->tag, had)) {
            mem_free(had);
            had = NULL;
        }
    }
    if (delivered && had != NULL)
        had->bits |= 1u << t->rua;
    t->failed = t->failed || !delivered;
    t->rua++;
    next_address(t);
}

static void on_posted(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    struct msg_status status = {.code = MSG_BROKEN};
    t->call = 0;
    bool ok = answer != NULL && layout_read(&msg_status_layout, answer->payload, &status) && status.code == MSG_OK;
    if (!ok && answer != NULL)
        log_info(role_log(t->courier->role), "a report about TLS was not taken by its https address: %.*s", (int)status.text.len,
                 status.text.len > 0 ? (const char *)status.text.data : "");
    address_over(t, ok);
}

static void on_signed(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    struct msg_dkim dkim = {.code = MSG_BROKEN};
    struct err err = {""};
    t->call = 0;
    if (answer == NULL || !layout_read(&msg_dkim_layout, answer->payload, &dkim) || dkim.code != MSG_OK) {
        address_over(t, false);
        return;
    }
    dkim_finish(&t->field, dkim.bytes);
    buf_append_slice(&t->field, buf_slice(&t->mail));
    t->state = MAIL;
    t->lease = buf_ok(&t->field) ? courier_lease_report(t->courier, slice_str(t->record.rua[t->rua].text), buf_slice(&t->field), &err)
                                 : NULL;
    if (t->lease == NULL)
        address_over(t, err.text[0] != '\0'); /* no mailbox: never another time either */
}

void courier_tlsrpt_mailed(struct courier_lease *lease)
{
    struct courier_tlsrpt *t = lease->courier->tlsrpt;
    if (t == NULL || t->lease != lease)
        return;
    t->lease = NULL;
    if (t->state == MAIL)
        address_over(t, lease->recipient[0].decided && lease->recipient[0].outcome == MSG_OUT_DELIVERED);
}

static void mail_to(struct courier_tlsrpt *t, const char *mailbox)
{
    const struct conf *conf = t->courier->conf;
    char unique[UNIQUE_SIZE];
    struct msg_dkim_ask sign;
    struct err err = {""};
    const struct tlsrpt_about a = about(t, unique);
    const struct dkim_identity identity = {a.submitter, slice_str(conf->report_selector)};
    int64_t now = clock_utc_us();
    buf_reset(&t->mail);
    buf_reset(&t->field);
    tlsrpt_report_mail(&a, slice_str(mailbox), buf_slice(&t->gzip), now, &t->mail);
    if (!buf_ok(&t->mail) || !dkim_prepare(buf_slice(&t->mail), &identity, now, &t->field, &sign.digest, &err)) {
        log_error(role_log(t->courier->role), "a report about TLS cannot be signed: %s", err.text);
        address_over(t, false);
        return;
    }
    ask(t, SIGN, t->courier->keyd, MSG_DKIM_SIGN, &msg_dkim_ask_layout, &sign, on_signed);
}

static void next_address(struct courier_tlsrpt *t)
{
    while (t->rua < t->record.count && has_had(t))
        t->rua++;
    if (t->rua == t->record.count) {
        t->sent += t->failed ? 0 : 1;
        if (t->failed)
            leave(t);
        else
            done(t);
        return;
    }
    const struct tlsrpt_rua *rua = &t->record.rua[t->rua];
    const struct msg_post post = {slice_str(rua->text), buf_slice(&t->gzip)};
    if (rua->way == TLSRPT_MAILTO)
        mail_to(t, rua->text);
    else
        ask(t, POST, t->courier->resolver, MSG_POST, &msg_post_layout, &post, on_posted);
}

/* ---- who asks for it ---- */

static bool read_record(const struct msg_txt *txt, struct tlsrpt_record *ret_record)
{
    struct slice records[TXT_RECORDS_MAX];
    struct wire_reader r = wire_reader_of(txt->records);
    struct msg_text text;
    size_t count = 0;
    while (count < TXT_RECORDS_MAX && layout_next(&msg_text_layout, &r, &text))
        records[count++] = text.text;
    return txt->status == MSG_DNS_OK && tlsrpt_record_read(records, count, ret_record);
}

static void on_txt(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    struct msg_txt txt = {.status = MSG_DNS_SERVFAIL};
    t->call = 0;
    if (answer == NULL || !layout_read(&msg_txt_layout, answer->payload, &txt))
        txt.status = MSG_DNS_SERVFAIL;
    bool said = txt.status == MSG_DNS_OK || txt.status == MSG_DNS_NXDOMAIN || txt.status == MSG_DNS_NODATA;
    if (!said)
        leave(t);
    else if (!read_record(&txt, &t->record))
        done(t); /* it does not ask */
    else if (!make_gzip(t))
        done(t);
    else
        next_address(t);
}

static void ask_domain(struct courier_tlsrpt *t)
{
    char name[sizeof(NAME_PREFIX) + MSG_NAME_MAX];
    if (t->name == NULL || strlen(t->name) + sizeof(NAME_PREFIX) > MSG_NAME_MAX) {
        done(t); /* nothing of it could be opened, or no such name can be */
        return;
    }
    snprintf(name, sizeof(name), NAME_PREFIX "%s", t->name);
    const struct msg_txt_ask question = {slice_str(name)};
    ask(t, ASK, t->courier->resolver, MSG_TXT, &msg_txt_ask_layout, &question, on_txt);
}

/* ---- the counts ---- */

static bool at_work(const struct courier_tlsrpt *t)
{
    return t->part.b[0] != 0xff && !id_is_zero(&t->part);
}

static void add_parts(struct courier_tlsrpt *t, const struct msg_tally_taken *taken)
{
    struct wire_reader r = wire_reader_of(taken->parts);
    struct msg_tally part;
    t->domain = taken->domain;
    while (layout_next(&msg_tally_layout, &r, &part)) {
        if (!courier_tally_open(t->courier->field, &t->seal, &part, &t->name, t->tally))
            log_error(role_log(t->courier->role), "counts for a report about TLS do not open");
        t->part = part.part;
    }
}

static void on_taken(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    struct msg_tally_taken taken;
    t->call = 0;
    if (answer == NULL || !layout_read(&msg_tally_taken_layout, answer->payload, &taken)) {
        end_run(t, false);
        return;
    }
    bool other = taken.parts.len == 0 || memcmp(taken.domain.b, t->domain.b, TAG_SIZE) != 0;
    if (at_work(t) && other) {
        ask_domain(t);
    } else if (taken.parts.len == 0) {
        end_run(t, true);
    } else {
        add_parts(t, &taken);
        take(t);
    }
}

static void take(struct courier_tlsrpt *t)
{
    const struct msg_tally_take from = {t->day, t->domain, t->part};
    ask(t, TAKE, t->courier->store, MSG_TALLY_TAKE, &msg_tally_take_layout, &from, on_taken);
}

static void on_key(void *ctx, const struct chan_frame *answer)
{
    struct courier_tlsrpt *t = ctx;
    struct msg_domain_key key;
    t->call = 0;
    if (answer == NULL || !layout_read(&msg_domain_key_layout, answer->payload, &key)) {
        end_run(t, false);
        return;
    }
    t->seal = key.seal;
    mem_wipe(&key, sizeof(key));
    take(t);
}

/* ---- life ---- */

bool courier_tlsrpt_start(struct courier_tlsrpt *t, uint32_t day)
{
    if (t->state != IDLE || t->courier->conf->report_contact == NULL || t->courier->draining)
        return false;
    loop_timer_stop(t->timer);
    if (day != t->had_day)
        forget_had(t);
    t->day = t->had_day = day;
    t->left = t->sent = 0;
    memset(&t->domain, 0, sizeof(t->domain));
    memset(&t->part, 0, sizeof(t->part));
    clear_domain(t);
    ask(t, KEY, t->courier->keyd, MSG_DOMAIN_KEY, NULL, NULL, on_key);
    return true;
}

static void on_timer(void *ctx)
{
    struct courier_tlsrpt *t = ctx;
    (void)courier_tlsrpt_start(t, clock_day(clock_utc_us()) - 1);
}

void courier_tlsrpt_reset(struct courier_tlsrpt *t)
{
    if (t->courier->conf->report_contact == NULL || t->courier->draining)
        loop_timer_stop(t->timer);
    else if (t->state == IDLE && !loop_timer_running(t->timer))
        wait_for_midnight(t, true);
}

struct courier_tlsrpt *courier_tlsrpt_create(struct courier *courier)
{
    struct courier_tlsrpt *t = mem_new(sizeof(*t));
    t->courier = courier;
    t->timer = loop_timer_create(courier->loop, on_timer, t);
    t->had = map_create(TAG_SIZE, COURIER_TLSRPT_SENT_MAX);
    buf_init(&t->gzip, MSG_POST_MAX);
    buf_init(&t->mail, COURIER_TLSRPT_MAIL_MAX);
    buf_init(&t->field, COURIER_TLSRPT_MAIL_MAX);
    clear_domain(t);
    wait_for_midnight(t, true);
    return t;
}

void courier_tlsrpt_free(struct courier_tlsrpt **tlsrpt)
{
    struct courier_tlsrpt *t = tlsrpt == NULL ? NULL : *tlsrpt;
    if (t == NULL)
        return;
    if (t->call != 0)
        chan_call_forget(t->call_chan, t->call);
    forget_had(t);
    map_free(&t->had);
    mem_free(t->name);
    tlsrpt_tally_free(&t->tally);
    buf_free(&t->gzip);
    buf_free(&t->mail);
    buf_free(&t->field);
    loop_timer_free(&t->timer);
    mem_free_secret(t, sizeof(*t));
    *tlsrpt = NULL;
}
