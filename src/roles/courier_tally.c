/* SPDX-License-Identifier: Apache-2.0 */
/* Counting and handing over. */
#include "roles/courier_tally.h"

#include "base/clock.h"
#include "base/codec.h"
#include "base/map.h"
#include "base/mem.h"
#include "roles/courier_memory.h"
#include "roles/courier_session.h"
#include "trust/tlsrpt_tally.h"

#define PLAIN_MAX (TLSRPT_TALLY_MAX + MSG_NAME_MAX + 2u)

struct entry {
    struct tag tag;
    uint32_t day;
    char *domain;
    struct tlsrpt_tally *tally;
};

/* On its way to the store. */
struct part {
    struct list link;
    struct courier_tallies *tallies;
    struct buf payload;
    uint64_t call; /* 0: not under way */
};

struct flush {
    struct list link;
    struct chan *chan;
    uint64_t request;
};

struct courier_tallies {
    struct courier *courier;
    struct map *entries; /* struct tag > struct entry */
    struct list parts;
    size_t part_count;
    struct list flushes;
    struct loop_timer *timer;
};

static void on_timer(void *ctx)
{
    courier_tallies_hand_over(ctx);
}

struct courier_tallies *courier_tallies_create(struct courier *courier)
{
    struct courier_tallies *t = mem_new(sizeof(*t));
    t->courier = courier;
    t->entries = map_create(TAG_SIZE, COURIER_TALLIES_MAX);
    list_init(&t->parts);
    list_init(&t->flushes);
    t->timer = loop_timer_create(courier->loop, on_timer, t);
    return t;
}

static void entry_free(struct entry *entry)
{
    tlsrpt_tally_free(&entry->tally);
    mem_free(entry->domain);
    mem_free(entry);
}

static void part_free(struct part *part)
{
    list_remove(&part->link);
    part->tallies->part_count--;
    buf_free(&part->payload);
    mem_free(part);
}

void courier_tallies_free(struct courier_tallies **tallies)
{
    size_t cursor = 0;
    const void *tag = NULL;
    void *entry = NULL;
    if (tallies == NULL || *tallies == NULL)
        return;
    while (map_next((*tallies)->entries, &cursor, &tag, &entry))
        entry_free(entry);
    map_free(&(*tallies)->entries);
    LIST_FOR(it, tmp, &(*tallies)->parts)
        part_free(LIST_ENTRY(it, struct part, link));
    LIST_FOR(it, tmp, &(*tallies)->flushes)
        mem_free(LIST_ENTRY(it, struct flush, link));
    loop_timer_free(&(*tallies)->timer);
    mem_free(*tallies);
    *tallies = NULL;
}

/* ---- handing over ---- */

bool courier_tallies_settled(const struct courier_tallies *t)
{
    return list_empty(&t->parts);
}

/* All is durable: whoever waits for it is told, if it is still there. */
static void look(struct courier_tallies *t)
{
    if (!courier_tallies_settled(t))
        return;
    LIST_FOR(it, tmp, &t->flushes)
    {
        struct flush *flush = LIST_ENTRY(it, struct flush, link);
        const struct msg_status status = {.code = MSG_OK};
        struct buf payload;
        buf_init(&payload, 64);
        layout_write(&msg_status_layout, &payload, &status);
        if (flush->chan == t->courier->store)
            chan_answer(flush->chan, MSG_REPORT_NOW, flush->request, buf_slice(&payload), -1);
        buf_free(&payload);
        list_remove(&flush->link);
        mem_free(flush);
    }
    courier_look(t->courier);
}

static void on_durable(void *ctx, const struct chan_frame *answer)
{
    struct part *part = ctx;
    struct courier_tallies *t = part->tallies;
    part->call = 0;
    if (answer == NULL)
        return; /* the store died: courier_tallies_again() */
    part_free(part);
    look(t);
}

static void tell(struct part *part)
{
    struct chan *store = part->tallies->courier->store;
    if (store != NULL && part->call == 0)
        part->call = chan_call(store, MSG_TALLY, buf_slice(&part->payload), -1, 0, on_durable, part);
}

void courier_tallies_again(struct courier_tallies *t)
{
    LIST_FOR(it, tmp, &t->parts)
        tell(LIST_ENTRY(it, struct part, link));
}

static struct id id_of(const struct tag *tag)
{
    struct id id;
    memcpy(id.b, tag->b, ID_SIZE);
    return id;
}

static void hand_over(struct courier_tallies *t, const struct entry *entry)
{
    struct courier *courier = t->courier;
    const struct id id = id_of(&entry->tag);
    struct part *part = mem_new(sizeof(*part));
    struct buf plain, sealed;
    buf_init(&plain, PLAIN_MAX);
    buf_init(&sealed, MSG_TALLY_MAX);
    buf_init(&part->payload, CHAN_PAYLOAD_MAX);
    part->tallies = t;
    list_init(&part->link);
    list_push(&t->parts, &part->link);
    t->part_count++;
    wire_put_blob16(&plain, slice_str(entry->domain));
    tlsrpt_tally_write(entry->tally, &plain);
    if (t->part_count > COURIER_TALLY_PARTS_MAX || !buf_ok(&plain) ||
        !sealed_field_seal(courier->field, courier_memory_seal(courier->memory), &id, MAIL_FIELD_TALLY, entry->day,
                           buf_slice(&plain), &sealed)) {
        log_warn(role_log(courier->role), "counts for a report about TLS are lost: %s",
                 buf_ok(&plain) ? "the store does not take them" : "too many different outcomes");
        part_free(part);
    } else {
        const struct msg_tally tally = {id_make(clock_utc_us()), entry->tag, entry->day, buf_slice(&sealed)};
        layout_write(&msg_tally_layout, &part->payload, &tally);
        tell(part);
    }
    buf_free(&plain);
    buf_free(&sealed);
}

void courier_tallies_hand_over(struct courier_tallies *t)
{
    size_t cursor = 0;
    const void *tag = NULL;
    void *entry = NULL;
    loop_timer_stop(t->timer);
    while (map_next(t->entries, &cursor, &tag, &entry)) {
        hand_over(t, entry);
        (void)map_remove(t->entries, &((struct entry *)entry)->tag);
        entry_free(entry);
        cursor = 0;
    }
}

void courier_tallies_flush(struct courier_tallies *t, struct chan *chan, uint64_t request)
{
    struct flush *flush = mem_new(sizeof(*flush));
    *flush = (struct flush){.chan = chan, .request = request};
    list_init(&flush->link);
    list_push(&t->flushes, &flush->link);
    courier_tallies_hand_over(t);
    look(t);
}

bool courier_tally_open(struct sealed_field *field, const struct key *seal, const struct msg_tally *part, char **ret_domain,
                        struct tlsrpt_tally *tally)
{
    const struct id id = id_of(&part->domain);
    struct buf plain;
    buf_init(&plain, PLAIN_MAX);
    bool ok = sealed_field_open(field, seal, &id, MAIL_FIELD_TALLY, part->day, part->sealed, &plain, NULL);
    struct wire_reader r = wire_reader_of(buf_slice(&plain));
    struct slice name = wire_blob16(&r, MSG_NAME_MAX);
    ok = ok && !r.bad && name.len > 0 && tlsrpt_tally_read(tally, wire_bytes(&r, wire_left(&r)));
    if (ok && *ret_domain == NULL)
        *ret_domain = mem_strndup(name.data, name.len);
    buf_free(&plain);
    return ok;
}

/* ---- counting ---- */

static struct entry *entry_for(struct courier_tallies *t, const struct tag *tag, const char *domain, uint32_t day)
{
    struct entry *entry = map_get(t->entries, tag);
    if ((entry != NULL && entry->day != day) || (entry == NULL && map_count(t->entries) >= COURIER_TALLIES_MAX)) {
        courier_tallies_hand_over(t); /* a new day, or too many */
        entry = NULL;
    }
    if (entry == NULL) {
        entry = mem_new(sizeof(*entry));
        *entry = (struct entry){.tag = *tag, .day = day, .domain = mem_strdup(domain), .tally = tlsrpt_tally_create()};
        (void)map_put(t->entries, &entry->tag, entry);
    }
    return entry;
}

/* "3 1 1 0123abcd", a line each. */
static void put_tlsa(struct slice records, struct buf *out)
{
    struct wire_reader r = wire_reader_of(records);
    struct msg_tlsa tlsa;
    while (layout_next(&msg_tlsa_layout, &r, &tlsa) && out->len + 2 * tlsa.data.len + 16 < out->max) {
        buf_printf(out, "%s%u %u %u ", out->len > 0 ? "\n" : "", tlsa.usage, tlsa.selector, tlsa.matching);
        (void)codec_hex(out, tlsa.data);
    }
}

/* RFC 8460 4.4: the policy as the domain wrote it. */
static void put_policy(const struct courier_route *route, struct buf *out)
{
    struct slice hosts = slice_str(route->sts_hosts);
    if (route->sts_hosts == NULL)
        return;
    buf_printf(out, "version: STSv1\nmode: %s\n", route->domain.sts == TRUST_STS_ENFORCE ? "enforce" : "testing");
    for (size_t at = 0; at < hosts.len;) {
        struct slice host = slice_sub(hosts, at, slice_find(hosts, at, '\n') - at);
        buf_printf(out, "mx: %.*s\n", (int)host.len, (const char *)host.data);
        at += host.len + 1;
    }
    buf_printf(out, "max_age: %u", route->sts_max_age);
}

void courier_tally_count(struct courier_lease *lease, const struct trust_session *facts, int64_t now_us)
{
    struct courier *courier = lease->courier;
    const struct mail_domain *domain = &lease->recipient[0].address.domain;
    const struct courier_host *host = &lease->route.host[lease->host];
    const struct courier_session *session = lease->session;
    const struct key *seal = courier_memory_seal(courier->memory);
    struct tag tag;
    if (courier->conf->report_contact == NULL || lease->lease.kind == MSG_LEASE_REPORT || domain->kind != MAIL_DOMAIN_NAME ||
        session->reused || session->clear || seal == NULL)
        return;
    struct buf tlsa, policy;
    buf_init(&tlsa, TLSRPT_POLICY_MAX);
    buf_init(&policy, TLSRPT_POLICY_MAX);
    put_tlsa(buf_slice(&host->records), &tlsa);
    put_policy(&lease->route, &policy);
    const struct tlsrpt_policies policies = {.sts = buf_ok(&policy) ? buf_slice(&policy) : SLICE_EMPTY,
        .sts_hosts = slice_str(lease->route.sts_hosts), .tlsa = buf_slice(&tlsa), .from_ip = slice_str(peer_local(session->peer))};
    courier_memory_tag(lease, &tag);
    struct entry *entry = entry_for(courier->tallies, &tag, domain->ascii, clock_day(now_us));
    tlsrpt_tally_session(entry->tally, &lease->route.domain, facts, now_us, &policies);
    if (!loop_timer_running(courier->tallies->timer))
        loop_timer_start(courier->tallies->timer, courier->conf->report_count_every);
    buf_free(&tlsa);
    buf_free(&policy);
}
