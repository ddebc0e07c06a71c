/* SPDX-License-Identifier: Apache-2.0 */
/* Domain memory. */
#include "roles/courier_memory.h"

#include "base/map.h"
#include "base/mem.h"
#include "keys/lookup_tag.h"
#include "roles/courier_lease.h"

struct entry {
    enum trust_level level; /* never NONE: that another courier may have proved more is asked each time */
    int64_t at_us;          /* when it was last written down */
    int64_t fresh_us;       /* clock_wait_us() until which the store is not asked again */
};

struct courier_memory {
    bool keyed;
    struct key key;
    struct map *domains; /* struct tag > struct entry */
};

struct courier_memory *courier_memory_create(void)
{
    struct courier_memory *memory = mem_new(sizeof(*memory));
    memory->domains = map_create(TAG_SIZE, COURIER_MEMORY_MAX);
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

static void go_on(struct courier_lease *lease, enum trust_level level, int64_t at_us)
{
    bool counts = clock_utc_us() - at_us < COURIER_MEMORY_LIFE_US;
    lease->route.domain.shown = counts ? level : TRUST_LEVEL_NONE;
    courier_lease_go(lease, COURIER_WALK);
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
    if (!layout_read(&msg_shown_layout, answer->payload, &shown) || shown.level > TRUST_LEVEL_DANE)
        shown = (struct msg_shown){.level = 0};
    struct tag tag = tag_of(lease);
    const struct entry *entry = map_get(lease->courier->memory->domains, &tag);
    if (entry != NULL && entry->at_us > shown.at_us) /* proved here while the question was under way */
        shown = (struct msg_shown){.level = (uint8_t)entry->level, .at_us = entry->at_us};
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
    if (entry != NULL && clock_wait_us() < entry->fresh_us) {
        go_on(lease, entry->level, entry->at_us);
        return;
    }
    const struct msg_shown_ask ask = {tag};
    (void)courier_ask(lease, lease->courier->store, MSG_SHOWN, &msg_shown_ask_layout, &ask, on_shown);
}

static void write_down(struct courier *courier, const struct tag *tag, enum trust_level level)
{
    const struct msg_remember remember = {*tag, (uint8_t)level};
    struct buf payload;
    if (courier->store == NULL)
        return;
    buf_init(&payload, 64);
    layout_write(&msg_remember_layout, &payload, &remember);
    chan_send(courier->store, MSG_REMEMBER, buf_slice(&payload), -1);
    buf_free(&payload);
}

static void note_proof(struct courier_lease *lease, enum trust_level level)
{
    struct courier_memory *memory = lease->courier->memory;
    int64_t now = clock_utc_us();
    struct tag tag = tag_of(lease);
    const struct entry *known = map_get(memory->domains, &tag);
    bool news = known == NULL || known->level < level || now - known->at_us > CLOCK_US_PER_DAY;
    if (!news || level == TRUST_LEVEL_NONE)
        return;
    keep(memory, &tag, level, now);
    write_down(lease->courier, &tag, level);
}

void courier_memory_note(struct courier_lease *lease)
{
    bool fell = false;
    enum trust_level level = TRUST_LEVEL_NONE;
    if (lease->lease.kind != MSG_LEASE_MAIL || !lease->courier->memory->keyed)
        return;
    for (size_t i = 0; i < lease->count; i++) {
        const struct trust_verdict *v = &lease->recipient[i].verdict;
        fell = fell || v->reason == TRUST_REASON_LEVEL_FELL;
        if (v->action == TRUST_SEND)
            level = v->level;
    }
    if (fell)
        log_alarm(role_log(lease->courier->role), "a recipient domain proves less than it did before, which can be an "
                                                  "attack: its mail is held");
    note_proof(lease, level);
}
