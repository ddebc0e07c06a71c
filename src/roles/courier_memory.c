/* SPDX-License-Identifier: Apache-2.0 */
/* Domain memory. */
#include "roles/courier_memory.h"

#include "base/map.h"
#include "base/mem.h"
#include "keys/lookup_tag.h"
#include "roles/courier_lease.h"
#include "roles/courier_watch.h"

struct entry {
    enum trust_level level; /* never NONE: that another courier may have proved more is asked each time */
    int64_t at_us;          /* when it was last written down */
    int64_t fresh_us;       /* clock_wait_us() until which the store is not asked again */
};

struct courier_memory {
    bool keyed;
    struct key key;
    struct key seal;     /* of policies */
    struct map *domains; /* struct tag > struct entry */
    struct map *forgotten; /* struct tag > itself not NULL: the resolver is still to be told */
};

struct courier_memory *courier_memory_create(void)
{
    struct courier_memory *memory = mem_new(sizeof(*memory));
    memory->domains = map_create(TAG_SIZE, COURIER_MEMORY_MAX);
    memory->forgotten = map_create(TAG_SIZE, COURIER_FORGOTTEN_MAX);
    return memory;
}

void courier_memory_free(struct courier_memory **memory)
{
    if (memory == NULL || *memory == NULL)
        return;
    size_t cursor = 0;
    const void *tag = NULL;
    void *entry = NULL;
    while (map_next((*memory)->domains, &cursor, &tag, &entry))
        mem_free(entry);
    map_free(&(*memory)->domains);
    map_free(&(*memory)->forgotten);
    mem_free_secret(*memory, sizeof(**memory));
    *memory = NULL;
}

static struct tag tag_of(const struct courier_lease *lease)
{
    struct tag tag;
    lookup_tag(lease->courier->sha256, &lease->courier->memory->key,
               slice_str(lease->recipient[0].address.domain.ascii), &tag);
    return tag;
}

void courier_memory_tag(const struct courier_lease *lease, struct tag *ret_tag)
{
    *ret_tag = tag_of(lease);
}

const struct key *courier_memory_seal(const struct courier_memory *memory)
{
    return memory->keyed ? &memory->seal : NULL;
}

static void keep(struct courier_memory *memory, const struct tag *tag, enum trust_level level, int64_t at_us)
{
    struct entry *entry = map_get(memory->domains, tag);
    if (level == TRUST_LEVEL_NONE)
        return;
    if (entry == NULL) {
        entry = mem_new(sizeof(*entry));
        if (!map_put(memory->domains, tag, entry)) {
            mem_free(entry);
            return;
        }
    }
    *entry = (struct entry){level, at_us, clock_wait_us() + COURIER_MEMORY_FRESH_US};
}

/* A sealed policy is bound to its domain: the tag stands for the id of a message. */
static struct id id_of(const struct tag *tag)
{
    struct id id;
    _Static_assert(sizeof(id.b) == sizeof(tag->b), "a tag fills an id");
    memcpy(id.b, tag->b, sizeof(id.b));
    return id;
}

static void open_policy(struct courier_lease *lease, const struct tag *tag, struct slice sealed)
{
    struct courier *courier = lease->courier;
    const struct id id = id_of(tag);
    struct err err = {""};
    buf_reset(&lease->policy);
    if (sealed.len > 0 && !sealed_field_open(courier->field, &courier->memory->seal, &id, MAIL_FIELD_POLICY, 0, sealed,
                                             &lease->policy, &err))
        log_error(role_log(courier->role), "a kept policy does not open and is looked for anew: %s", err.text);
}

static void go_on(struct courier_lease *lease, enum trust_level level, int64_t at_us)
{
    bool counts = clock_utc_us() - at_us < lease->courier->conf->trust_memory;
    lease->shown = counts ? level : TRUST_LEVEL_NONE;
    courier_lease_go(lease, COURIER_DOSSIER);
}

static void write_down(struct courier *courier, const struct msg_remember *remember)
{
    struct buf payload;
    if (courier->store == NULL)
        return;
    buf_init(&payload, MSG_POLICY_SEALED_MAX + 64);
    layout_write(&msg_remember_layout, &payload, remember);
    chan_send(courier->store, MSG_REMEMBER, buf_slice(&payload), -1);
    buf_free(&payload);
}

static void write_level(struct courier *courier, const struct tag *tag, enum trust_level level)
{
    const struct msg_remember remember = {.domain = *tag, .level = (uint8_t)level};
    write_down(courier, &remember);
}

static void on_shown(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct msg_shown shown = {.level = 0};
    courier_lease_answered(lease);
    if (answer == NULL) {
        courier_stall(lease);
        return;
    }
    if (!layout_read(&msg_shown_layout, answer->payload, &shown))
        shown = (struct msg_shown){.level = 0};
    if (shown.level > TRUST_LEVEL_DANE) /* nobody can have shown it: no reason to believe less */
        shown.level = TRUST_LEVEL_DANE;
    struct tag tag = tag_of(lease);
    const struct entry *entry = map_get(lease->courier->memory->domains, &tag);
    open_policy(lease, &tag, shown.policy);
    lease->must_ask = true; /* and it was: the resolver may be asked now */
    if (entry != NULL && entry->at_us > shown.at_us) { /* proved here while the question was under way */
        if (entry->level > shown.level) /* or long before, and a store that died has lost it */
            write_level(lease->courier, &tag, entry->level);
        shown = (struct msg_shown){.level = (uint8_t)entry->level, .at_us = entry->at_us};
    }
    keep(lease->courier->memory, &tag, (enum trust_level)shown.level, shown.at_us);
    go_on(lease, (enum trust_level)shown.level, shown.at_us);
    courier_lease_step(lease);
}

static void on_key(void *ctx, const struct chan_frame *answer)
{
    struct courier_lease *lease = ctx;
    struct courier_memory *memory = lease->courier->memory;
    struct msg_domain_key key;
    courier_lease_answered(lease);
    if (answer == NULL || !layout_read(&msg_domain_key_layout, answer->payload, &key)) {
        courier_stall(lease);
        return;
    }
    memory->key = key.key;
    memory->seal = key.seal;
    memory->keyed = true;
    mem_wipe(&key, sizeof(key));
    courier_memory_look(lease);
    courier_lease_step(lease);
}

static void ask_key(struct courier_lease *lease)
{
    struct chan *keyd = lease->courier->keyd;
    if (keyd == NULL) {
        courier_stall(lease);
        return;
    }
    lease->call_chan = keyd;
    lease->call = chan_call(keyd, MSG_DOMAIN_KEY, SLICE_EMPTY, -1, MSG_DEADLINE_US, on_key, lease);
}

void courier_memory_look(struct courier_lease *lease)
{
    struct courier_memory *memory = lease->courier->memory;
    lease->stalled = false;
    if (!memory->keyed) {
        ask_key(lease);
        return;
    }
    struct tag tag = tag_of(lease);
    const struct entry *entry = map_get(memory->domains, &tag);
    if (entry != NULL && !lease->must_ask && clock_wait_us() < entry->fresh_us) {
        go_on(lease, entry->level, entry->at_us);
        return;
    }
    const struct msg_shown_ask ask = {tag};
    (void)courier_ask(lease, lease->courier->store, MSG_SHOWN, &msg_shown_ask_layout, &ask, on_shown);
}

/* Seals and hands over what the resolver says is to be kept; nothing: the kept one is forgotten. */
static void keep_policy(struct courier_lease *lease, struct slice policy)
{
    struct courier *courier = lease->courier;
    struct msg_remember remember = {.domain = tag_of(lease), .has_policy = true};
    const struct id id = id_of(&remember.domain);
    struct buf sealed;
    buf_init(&sealed, MSG_POLICY_SEALED_MAX);
    if (policy.len == 0 ||
        sealed_field_seal(courier->field, &courier->memory->seal, &id, MAIL_FIELD_POLICY, 0, policy, &sealed)) {
        remember.policy = buf_slice(&sealed);
        write_down(courier, &remember);
    }
    buf_free(&sealed);
}

/* Alarms name a message, whose trace names the domain to the operator alone. */
static void raise(const struct courier_lease *lease, const char *what)
{
    char id[ID_TEXT_SIZE];
    id_text(&lease->lease.message, id);
    courier_alarm(lease->courier, "%s (sealpost trace %s shows which)", what, id);
}

static void watch_resolver(struct courier_lease *lease, bool failed)
{
    const struct tag tag = tag_of(lease);
    if (courier_watch_resolver(lease->courier->watch, &tag, failed, clock_utc_us()))
        courier_alarm(lease->courier, "half of the last questions about recipient domains were not answered, or not "
                                      "soundly: look at resolver { forward } and the network");
}

void courier_memory_unanswered(struct courier_lease *lease)
{
    watch_resolver(lease, true);
}

void courier_memory_dossier(struct courier_lease *lease, const struct msg_dossier *dossier)
{
    struct courier *courier = lease->courier;
    const struct tag tag = tag_of(lease);
    int64_t now = clock_utc_us();
    bool failed = dossier->status == MSG_DNS_SERVFAIL || dossier->status == MSG_DNS_TIMEOUT ||
                  dossier->status == MSG_DNS_BOGUS; /* a forwarder that spoils signatures makes every name so */
    if (dossier->policy_changed)
        keep_policy(lease, dossier->policy);
    watch_resolver(lease, failed);
    if (courier_watch_policy(courier->watch, &tag, dossier->sts_look == TRUST_STS_KEPT, now))
        raise(lease, "the MTA-STS policy of a recipient domain has vanished; the kept one is obeyed until it ends");
}

void courier_memory_forget(struct courier_memory *memory, const struct tag *domain)
{
    mem_free(map_remove(memory->domains, domain));
    (void)map_put(memory->forgotten, domain, memory);
}

bool courier_memory_is_forgotten(struct courier_lease *lease)
{
    struct courier_memory *memory = lease->courier->memory;
    const struct tag tag = tag_of(lease);
    return map_count(memory->forgotten) > 0 && map_remove(memory->forgotten, &tag) != NULL;
}

static void note_proof(struct courier_lease *lease, enum trust_level level)
{
    struct courier_memory *memory = lease->courier->memory;
    int64_t now = clock_utc_us();
    struct tag tag = tag_of(lease);
    const struct entry *known = map_get(memory->domains, &tag);
    bool better_known = known != NULL && known->level > level && now - known->at_us < lease->courier->conf->trust_memory;
    bool news = known == NULL || known->level < level || now - known->at_us > CLOCK_US_PER_DAY ||
                known->at_us > now; /* the clock was set back: it would not be news for as long as that was wrong by */
    if (!news || better_known || level == TRUST_LEVEL_NONE)
        return;
    keep(memory, &tag, level, now);
    write_level(lease->courier, &tag, level);
}

void courier_memory_note(struct courier_lease *lease)
{
    bool fell = false;
    enum trust_level level = TRUST_LEVEL_NONE;
    if (!lease->courier->memory->keyed || lease->count == 0)
        return;
    if (lease->lease.kind != MSG_LEASE_MAIL) {
        note_proof(lease, lease->proved);
        return;
    }
    for (size_t i = 0; i < lease->count; i++) {
        const struct trust_verdict *v = &lease->recipient[i].verdict;
        fell = fell || v->reason == TRUST_REASON_LEVEL_FELL;
        if (v->action == TRUST_SEND)
            level = v->level;
    }
    const struct tag tag = tag_of(lease);
    int64_t now = clock_utc_us();
    if (fell && courier_watch_fell(lease->courier->watch, &tag, now))
        raise(lease, "a recipient domain proves less than it did before, which can be an attack: its mail is held");
    if (level != TRUST_LEVEL_NONE && courier_watch_delivered(lease->courier->watch, &tag, lease->proof_until_us, now))
        raise(lease, "the certificate of a mail server that takes much of the mail ends within two weeks");
    note_proof(lease, level > lease->proved ? level : lease->proved);
}
