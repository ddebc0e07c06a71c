/* SPDX-License-Identifier: Apache-2.0 */
/* Watching. */
#include "roles/courier_watch.h"

#include "base/map.h"
#include "base/mem.h"

#define RESOLVER_AGAIN_US (3600 * CLOCK_US_PER_S)

struct watched {
    uint32_t day;         /* of the two below */
    uint32_t deliveries;
    int64_t until_us;     /* the end of the longest-lived proof */
    int64_t end_told_us;  /* 0: never; so below */
    int64_t fell_told_us;
    int64_t kept_us;      /* since when only the kept policy is in force; 0: it is not so */
    int64_t kept_told_us;
};

struct courier_watch {
    struct map *domains; /* struct tag > struct watched */
    uint32_t asks;
    uint32_t failed;
    struct tag failing[COURIER_WATCH_DOMAINS]; /* some of those that failed, each once */
    uint32_t failing_count;
    int64_t resolver_told_us;
};

struct courier_watch *courier_watch_create(void)
{
    struct courier_watch *watch = mem_new(sizeof(*watch));
    watch->domains = map_create(TAG_SIZE, COURIER_WATCH_MAX);
    return watch;
}

static void forget_all(struct courier_watch *watch)
{
    size_t cursor = 0;
    const void *tag = NULL;
    void *watched = NULL;
    while (map_next(watch->domains, &cursor, &tag, &watched))
        mem_free(watched);
    map_free(&watch->domains);
}

void courier_watch_free(struct courier_watch **watch)
{
    if (watch == NULL || *watch == NULL)
        return;
    forget_all(*watch);
    mem_free(*watch);
    *watch = NULL;
}

static struct watched *watched_of(struct courier_watch *watch, const struct tag *domain)
{
    struct watched *w = map_get(watch->domains, domain);
    if (w != NULL)
        return w;
    if (map_count(watch->domains) >= COURIER_WATCH_MAX) {
        forget_all(watch);
        watch->domains = map_create(TAG_SIZE, COURIER_WATCH_MAX);
    }
    w = mem_new(sizeof(*w));
    (void)map_put(watch->domains, domain, w);
    return w;
}

/* True, and noted, when it was not told within the time. */
static bool tell(int64_t *told_us, int64_t again_us, int64_t now_us)
{
    if (*told_us != 0 && now_us - *told_us < again_us)
        return false;
    *told_us = now_us;
    return true;
}

bool courier_watch_delivered(struct courier_watch *watch, const struct tag *domain, int64_t until_us, int64_t now_us)
{
    struct watched *w = watched_of(watch, domain);
    if (w->day != clock_day(now_us)) {
        w->day = clock_day(now_us);
        w->deliveries = 0;
        w->until_us = INT64_MIN;
    }
    w->deliveries++;
    w->until_us = until_us > w->until_us ? until_us : w->until_us;
    return w->deliveries >= COURIER_WATCH_BIG && w->until_us < now_us + COURIER_WATCH_END_US &&
           tell(&w->end_told_us, COURIER_WATCH_AGAIN_US, now_us);
}

bool courier_watch_fell(struct courier_watch *watch, const struct tag *domain, int64_t now_us)
{
    return tell(&watched_of(watch, domain)->fell_told_us, COURIER_WATCH_AGAIN_US, now_us);
}

bool courier_watch_policy(struct courier_watch *watch, const struct tag *domain, bool kept, int64_t now_us)
{
    struct watched *w = kept ? watched_of(watch, domain) : map_get(watch->domains, domain);
    if (!kept) {
        if (w != NULL)
            w->kept_us = 0;
        return false;
    }
    w->kept_us = w->kept_us == 0 ? now_us : w->kept_us;
    return now_us - w->kept_us >= COURIER_WATCH_GONE_US && tell(&w->kept_told_us, COURIER_WATCH_AGAIN_US, now_us);
}

static void note_failing(struct courier_watch *watch, const struct tag *domain)
{
    watch->failed++;
    for (uint32_t i = 0; i < watch->failing_count; i++) {
        if (memcmp(watch->failing[i].b, domain->b, TAG_SIZE) == 0)
            return;
    }
    if (watch->failing_count < COURIER_WATCH_DOMAINS)
        watch->failing[watch->failing_count++] = *domain;
}

bool courier_watch_resolver(struct courier_watch *watch, const struct tag *domain, bool failed, int64_t now_us)
{
    watch->asks++;
    if (failed)
        note_failing(watch, domain);
    if (watch->asks < COURIER_WATCH_ASKS)
        return false;
    bool much = watch->failed >= COURIER_WATCH_FAILED && watch->failing_count == COURIER_WATCH_DOMAINS;
    watch->asks = watch->failed = watch->failing_count = 0;
    return much && tell(&watch->resolver_told_us, RESOLVER_AGAIN_US, now_us);
}
