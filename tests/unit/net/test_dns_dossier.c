/* SPDX-License-Identifier: Apache-2.0 */
/* Dossiers from scripted answers and a clock that stands still: every status, order of hosts, cache, waiting. */
#include "unit.h"

#include "base/clock.h"
#include "fake_clock.h"
#include "net/dns_dossier.h"

#define SCRIPT_MAX 64

/* What is answered to one question. */
struct line {
    const char *name;
    int type;
    enum msg_dns status;
    bool secure;
    uint32_t ttl_s;
    size_t count;
    struct slice rdata[4];
    const char *canonical;
};

struct question {
    char name[DNS_NAME_MAX];
    int type;
    dns_answer_fn *fn;
    void *ctx;
};

struct world {
    const struct line *script;
    bool hold; /* keep questions instead of answering at once */
    struct question held[SCRIPT_MAX];
    size_t held_count;
    unsigned asked;
    unsigned answered;
    struct dns_dossier last;
    struct dns_host hosts[DNS_HOSTS_MAX];
    uint8_t records[DNS_HOSTS_MAX][MSG_TLSA_MAX]; /* of the hosts */
    struct dns_dossiers *dossiers;
};

static void answer(struct world *w, const char *name, int type, dns_answer_fn *fn, void *ctx)
{
    const struct line *line = w->script;
    struct dns_answer a = {.status = MSG_DNS_NODATA, .ttl_s = 60};
    while (line->name != NULL && (strcmp(line->name, name) != 0 || line->type != type))
        line++;
    if (line->name != NULL) {
        a = (struct dns_answer){.status = line->status, .secure = line->secure, .ttl_s = line->ttl_s, .count = line->count,
                                .canonical = slice_str(line->canonical)};
        memcpy(a.rdata, line->rdata, sizeof(line->rdata));
    }
    fn(ctx, &a);
}

static bool ask(void *ctx, const char *name, int type, dns_answer_fn *fn, void *fn_ctx)
{
    struct world *w = ctx;
    w->asked++;
    if (!w->hold) {
        answer(w, name, type, fn, fn_ctx);
        return true;
    }
    struct question *q = &w->held[w->held_count++];
    snprintf(q->name, sizeof(q->name), "%s", name);
    q->type = type;
    q->fn = fn;
    q->ctx = fn_ctx;
    return true;
}

static void release(struct world *w)
{
    size_t count = w->held_count;
    struct question held[SCRIPT_MAX];
    memcpy(held, w->held, sizeof(held));
    w->held_count = 0;
    for (size_t i = 0; i < count; i++)
        answer(w, held[i].name, held[i].type, held[i].fn, held[i].ctx);
}

static void on_dossier(void *ctx, const struct dns_dossier *dossier)
{
    struct world *w = ctx;
    w->answered++;
    w->last = *dossier;
    if (dossier->count > 0)
        memcpy(w->hosts, dossier->hosts, dossier->count * sizeof(*dossier->hosts));
    w->last.hosts = w->hosts;
    for (size_t i = 0; i < dossier->count; i++) {
        if (dossier->hosts[i].tlsa.length > 0)
            memcpy(w->records[i], dossier->hosts[i].tlsa.records, dossier->hosts[i].tlsa.length);
        w->hosts[i].tlsa.records = w->records[i];
    }
}

static struct world *world(const struct line *script)
{
    struct world *w = calloc(1, sizeof(*w));
    w->script = script;
    w->dossiers = dns_dossiers_create(ask, w, 25);
    return w;
}

static void end(struct world *w)
{
    dns_dossiers_free(&w->dossiers);
    free(w);
}

static void look(struct world *w, const char *domain)
{
    unsigned before = w->answered;
    dns_dossiers_ask(w->dossiers, slice_str(domain), on_dossier, w);
    assert_int_equal(w->answered, before + 1);
}

#define S(text) {(const uint8_t *)(text), sizeof(text) - 1}
#define MX(preference, name) S("\000" preference name "\000")

static void test_hosts(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"a.test", DNS_TYPE_MX, MSG_DNS_OK, true, 300, 4,
         {MX("\024", "\002m2\004test"), MX("\012", "\002m1\004test"), MX("\036", "\002m1\004test"), S("\000\001\300\014")}},
        {"m1.test", DNS_TYPE_A, MSG_DNS_OK, true, 30, 2, {S("\177\000\000\001"), S("\177\000\000\002")}},
        {"m1.test", DNS_TYPE_AAAA, MSG_DNS_NODATA, true, 40, 0, {S("")}},
        {"m2.test", DNS_TYPE_A, MSG_DNS_OK, false, 50, 1, {S("\177\000\000\003")}},
        {"m2.test", DNS_TYPE_AAAA, MSG_DNS_OK, true, 50, 1, {S("\040\001\015\270\0\0\0\0\0\0\0\0\0\0\0\001")}},
        {0},
    };
    fake_clock_set(INT64_C(1790000000000000));
    struct world *w = world(script);
    look(w, "a.test");
    assert_int_equal(w->last.status, MSG_DNS_OK);
    assert_true(w->last.secure && !w->last.implicit);
    assert_int_equal(w->last.count, 2);
    assert_string_equal(w->hosts[0].name, "m1.test");
    assert_int_equal(w->hosts[0].preference, 10);
    assert_true(w->hosts[0].secure);
    assert_int_equal(w->hosts[0].address_count, 2);
    assert_false(w->hosts[1].secure);
    assert_int_equal(w->hosts[1].address_count, 2);
    assert_int_equal(w->hosts[1].addresses[1].family, 6);
    assert_int_equal(w->last.expires_us, clock_utc_us() + 30 * CLOCK_US_PER_S);
    end(w);
}

#define A1 1, {S("\177\000\000\001")}

/* One host m.test with these lines about it; its TLSA state. */
static enum dns_tlsa_state tlsa_of(bool mx_secure, const struct line lines[4], struct world *w)
{
    struct line script[6] = {{"a.test", DNS_TYPE_MX, MSG_DNS_OK, mx_secure, 300, 1, {MX("\012", "\001m\004test")}}};
    for (size_t i = 0; i < 4; i++)
        script[i + 1] = lines[i];
    w->script = script;
    w->asked = 0;
    w->dossiers = dns_dossiers_create(ask, w, 25);
    look(w, "a.test");
    dns_dossiers_free(&w->dossiers);
    assert_int_equal(w->last.status, MSG_DNS_OK);
    return w->hosts[0].tlsa.state;
}

#define EE "\003\001\001" "0123456789abcdef0123456789abcdef"
#define M_A(secure) {"m.test", DNS_TYPE_A, MSG_DNS_OK, secure, 300, A1}
#define M_AAAA {"m.test", DNS_TYPE_AAAA, MSG_DNS_NODATA, true, 300}
#define M_TLSA(status, secure, ttl, ...) {"_25._tcp.m.test", DNS_TYPE_TLSA, status, secure, ttl, __VA_ARGS__}

static void test_tlsa_states(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof(*w));
    struct line good[4] = {M_A(true), M_AAAA, M_TLSA(MSG_DNS_OK, true, 30, 2, {S(EE), S("\002\000\002xyz")})};
    assert_int_equal(tlsa_of(true, good, w), DNS_TLSA_FOUND);
    struct wire_reader r = wire_reader_of(slice_of(w->records[0], w->hosts[0].tlsa.length));
    struct msg_tlsa record;
    assert_true(layout_next(&msg_tlsa_layout, &r, &record));
    assert_true(record.usage == 3 && record.selector == 1 && record.matching == 1);
    assert_slice(record.data, "0123456789abcdef0123456789abcdef");
    assert_true(layout_next(&msg_tlsa_layout, &r, &record) && wire_done(&r));
    assert_true(record.usage == 2 && record.selector == 0 && record.matching == 2);
    assert_false(w->hosts[0].tlsa.expanded);
    assert_int_equal(w->last.expires_us, clock_utc_us() + 30 * CLOCK_US_PER_S); /* the shortest life is the records' */
    assert_int_equal(tlsa_of(false, good, w), DNS_TLSA_UNASKED); /* MX not secure: not even asked */
    assert_int_equal(w->asked, 3);
    const struct line insecure[4] = {M_A(false), M_AAAA, M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, insecure, w), DNS_TLSA_UNASKED);
    assert_int_equal(w->asked, 3);
    static const struct {
        enum msg_dns status;
        bool secure;
        enum dns_tlsa_state expected;
    } table[] = {{MSG_DNS_NODATA, true, DNS_TLSA_NONE},     {MSG_DNS_NXDOMAIN, true, DNS_TLSA_NONE},
                 {MSG_DNS_NXDOMAIN, false, DNS_TLSA_NONE},  {MSG_DNS_OK, false, DNS_TLSA_NONE},
                 {MSG_DNS_SERVFAIL, false, DNS_TLSA_FAILED}, {MSG_DNS_TIMEOUT, false, DNS_TLSA_FAILED},
                 {MSG_DNS_BOGUS, false, DNS_TLSA_BOGUS}};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        const struct line lines[4] = {M_A(true), M_AAAA, M_TLSA(table[i].status, table[i].secure, 30, 1, {S(EE)})};
        assert_int_equal(tlsa_of(true, lines, w), table[i].expected);
        assert_int_equal(w->hosts[0].tlsa.length, 0);
        if (dns_is_failure(table[i].status))
            assert_int_equal(w->last.expires_us, clock_utc_us() + DNS_LIFE_FAILED_US);
    }
    free(w);
}

/* Malformed records are left out; when none is left there are still records, of which none can be used. */
static void test_tlsa_malformed(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof(*w));
    const struct line some[4] = {M_A(true), M_AAAA, M_TLSA(MSG_DNS_OK, true, 30, 3, {S(""), S(EE), S("\003\001\001")})};
    assert_int_equal(tlsa_of(true, some, w), DNS_TLSA_FOUND);
    size_t one = w->hosts[0].tlsa.length;
    assert_true(one > 0);
    const struct line all[4] = {M_A(true), M_AAAA, M_TLSA(MSG_DNS_OK, true, 30, 2, {S("\003\001"), S("\003\001\001")})};
    assert_int_equal(tlsa_of(true, all, w), DNS_TLSA_FOUND);
    assert_int_equal(w->hosts[0].tlsa.length, 0);
    free(w);
}

/* What cannot be carried whole is a failure: the rest could mean something weaker. */
static void test_tlsa_too_much(void **state)
{
    (void)state;
    static const uint8_t big[MSG_TLSA_DATA_MAX + 4] = {3, 0, 0};
    struct world *w = calloc(1, sizeof(*w));
    struct line lines[4] = {M_A(true), M_AAAA, M_TLSA(MSG_DNS_OK, true, 30, 2, {S(EE)})};
    lines[2].rdata[1] = slice_of(big, sizeof(big) - 1);
    assert_int_equal(tlsa_of(true, lines, w), DNS_TLSA_FOUND);
    lines[2].rdata[1] = slice_of(big, sizeof(big));
    assert_int_equal(tlsa_of(true, lines, w), DNS_TLSA_FAILED);
    assert_int_equal(w->hosts[0].tlsa.length, 0);
    free(w);
}

/* RFC 7672 2.2.2: the name where aliases end, then the name itself; a failure is not walked past. */
static void test_tlsa_aliases(void **state)
{
    (void)state;
    struct world *w = calloc(1, sizeof(*w));
#define ALIAS(secure) {"m.test", DNS_TYPE_A, MSG_DNS_OK, secure, 300, A1, "real.test."}
#define REAL_TLSA(status, secure) {"_25._tcp.real.test", DNS_TYPE_TLSA, status, secure, 30, 1, {S(EE)}}
#define M_CNAME(status, secure) {"m.test", DNS_TYPE_CNAME, status, secure, 20, 1, {S("\004real\004test")}}
    const struct line both[4] = {ALIAS(true), M_AAAA, REAL_TLSA(MSG_DNS_OK, true), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, both, w), DNS_TLSA_FOUND);
    assert_true(w->hosts[0].tlsa.expanded);
    assert_string_equal(w->hosts[0].canonical, "real.test");
    const struct line own[4] = {ALIAS(true), M_AAAA, REAL_TLSA(MSG_DNS_NXDOMAIN, true), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, own, w), DNS_TLSA_FOUND);
    assert_false(w->hosts[0].tlsa.expanded);
    const struct line failed[4] = {ALIAS(true), M_AAAA, REAL_TLSA(MSG_DNS_SERVFAIL, false), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, failed, w), DNS_TLSA_FAILED);
    const struct line bogus[4] = {ALIAS(true), M_AAAA, REAL_TLSA(MSG_DNS_BOGUS, false), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, bogus, w), DNS_TLSA_BOGUS);
    /* The alias leads out of the signed part: the records of its own name, when the CNAME record itself is signed. */
    const struct line out[4] = {ALIAS(false), M_AAAA, M_CNAME(MSG_DNS_OK, true), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, out, w), DNS_TLSA_FOUND);
    assert_false(w->hosts[0].tlsa.expanded || w->hosts[0].secure);
    assert_int_equal(w->last.expires_us, clock_utc_us() + 20 * CLOCK_US_PER_S);
    const struct line unsigned_alias[4] = {ALIAS(false), M_AAAA, M_CNAME(MSG_DNS_OK, false), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, unsigned_alias, w), DNS_TLSA_UNASKED);
    const struct line no_answer[4] = {ALIAS(false), M_AAAA, M_CNAME(MSG_DNS_TIMEOUT, false), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, no_answer, w), DNS_TLSA_FAILED);
    const struct line forged[4] = {ALIAS(false), M_AAAA, M_CNAME(MSG_DNS_BOGUS, false), M_TLSA(MSG_DNS_OK, true, 30, 1, {S(EE)})};
    assert_int_equal(tlsa_of(true, forged, w), DNS_TLSA_BOGUS);
    free(w);
}

static void assert_status(enum msg_dns mx, enum msg_dns a, enum msg_dns aaaa, enum msg_dns expected)
{
    const struct line script[] = {
        {"a.test", DNS_TYPE_MX, mx, false, 60, 0, {S("")}},
        {"a.test", DNS_TYPE_A, a, false, 60, a == MSG_DNS_OK ? 1 : 0, {S("\177\000\000\001")}},
        {"a.test", DNS_TYPE_AAAA, aaaa, false, 60, 0, {S("")}},
        {0},
    };
    struct world *w = world(script);
    look(w, "a.test");
    assert_int_equal(w->last.status, expected);
    assert_true(w->last.implicit == (mx == MSG_DNS_NODATA));
    end(w);
}

static void test_statuses(void **state)
{
    (void)state;
    assert_status(MSG_DNS_NXDOMAIN, 0, 0, MSG_DNS_NXDOMAIN);
    assert_status(MSG_DNS_BOGUS, 0, 0, MSG_DNS_BOGUS);
    assert_status(MSG_DNS_SERVFAIL, 0, 0, MSG_DNS_SERVFAIL);
    assert_status(MSG_DNS_TIMEOUT, 0, 0, MSG_DNS_TIMEOUT);
    assert_status(MSG_DNS_OK, 0, 0, MSG_DNS_MALFORMED); /* OK without a usable record */
    assert_status(MSG_DNS_NODATA, MSG_DNS_OK, MSG_DNS_NODATA, MSG_DNS_OK);
    assert_status(MSG_DNS_NODATA, MSG_DNS_NODATA, MSG_DNS_NODATA, MSG_DNS_NODATA);
    assert_status(MSG_DNS_NODATA, MSG_DNS_OK, MSG_DNS_SERVFAIL, MSG_DNS_OK);
    assert_status(MSG_DNS_NODATA, MSG_DNS_OK, MSG_DNS_BOGUS, MSG_DNS_BOGUS);
    assert_status(MSG_DNS_NODATA, MSG_DNS_NODATA, MSG_DNS_TIMEOUT, MSG_DNS_TIMEOUT);
    assert_status(MSG_DNS_NODATA, MSG_DNS_NODATA, MSG_DNS_OK, MSG_DNS_NODATA);
}

static void test_null_mx_and_malformed(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"null.test", DNS_TYPE_MX, MSG_DNS_OK, true, 60, 1, {S("\000\000\000")}},
        {"both.test", DNS_TYPE_MX, MSG_DNS_OK, false, 60, 2, {S("\000\000\000"), MX("\001", "\001m")}},
        {"bad.test", DNS_TYPE_MX, MSG_DNS_OK, false, 60, 2, {S("\000"), S("\000\001\002a")}},
        {"m", DNS_TYPE_A, MSG_DNS_OK, false, 60, 1, {S("\177\000\000")}},
        {0},
    };
    struct world *w = world(script);
    look(w, "null.test");
    assert_int_equal(w->last.status, MSG_DNS_NULL_MX);
    assert_true(w->last.secure);
    look(w, "both.test");
    assert_int_equal(w->last.status, MSG_DNS_OK);
    assert_int_equal(w->last.count, 1);
    assert_int_equal(w->hosts[0].status, MSG_DNS_MALFORMED);
    look(w, "bad.test");
    assert_int_equal(w->last.status, MSG_DNS_MALFORMED);
    unsigned asked = w->asked;
    look(w, "[192.0.2.1]");
    assert_int_equal(w->last.status, MSG_DNS_MALFORMED);
    assert_int_equal(w->asked, asked);
    end(w);
}

static void test_loop(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"a.test", DNS_TYPE_MX, MSG_DNS_SERVFAIL, false, 0, 0, {S("")}},
        {"a.test", DNS_TYPE_CNAME, MSG_DNS_OK, false, 60, 1, {S("\001b\004test\000")}},
        {"b.test", DNS_TYPE_CNAME, MSG_DNS_OK, false, 60, 1, {S("\001a\004test\000")}},
        {"c.test", DNS_TYPE_MX, MSG_DNS_SERVFAIL, false, 0, 0, {S("")}},
        {"c.test", DNS_TYPE_CNAME, MSG_DNS_OK, false, 60, 1, {S("\001d\004test\000")}},
        {0},
    };
    struct world *w = world(script);
    look(w, "a.test");
    assert_int_equal(w->last.status, MSG_DNS_LOOP);
    look(w, "c.test");
    assert_int_equal(w->last.status, MSG_DNS_SERVFAIL);
    end(w);
}

static void test_cache(void **state)
{
    (void)state;
    static const struct line script[] = {
        {"a.test", DNS_TYPE_MX, MSG_DNS_NXDOMAIN, false, 60, 0, {S("")}},
        {"f.test", DNS_TYPE_MX, MSG_DNS_BOGUS, false, 60, 0, {S("")}},
        {"long.test", DNS_TYPE_MX, MSG_DNS_NXDOMAIN, false, 999999, 0, {S("")}},
        {0},
    };
    struct world *w = world(script);
    look(w, "a.test");
    fake_clock_advance(59 * CLOCK_US_PER_S);
    look(w, "a.test");
    assert_int_equal(w->asked, 1);
    fake_clock_advance(2 * CLOCK_US_PER_S);
    look(w, "a.test");
    assert_int_equal(w->asked, 2);
    look(w, "f.test");
    look(w, "f.test");
    assert_int_equal(w->asked, 3);
    fake_clock_advance(DNS_LIFE_FAILED_US);
    look(w, "f.test");
    assert_int_equal(w->asked, 4);
    look(w, "long.test");
    assert_int_equal(w->last.expires_us, clock_utc_us() + DNS_LIFE_MAX_US);
    for (unsigned i = 0; i < DNS_DOSSIERS_MAX + 10; i++) {
        char name[32];
        snprintf(name, sizeof(name), "x%u.test", i);
        look(w, name);
    }
    unsigned asked = w->asked;
    look(w, "long.test"); /* pushed out */
    assert_int_equal(w->asked, asked + 1);
    end(w);
}

static void test_waiting(void **state)
{
    (void)state;
    static const struct line script[] = {{"a.test", DNS_TYPE_MX, MSG_DNS_NXDOMAIN, false, 60, 0, {S("")}}, {0}};
    struct world *w = world(script);
    int other = 0;
    w->hold = true;
    dns_dossiers_ask(w->dossiers, SLICE_LIT("a.test"), on_dossier, w);
    dns_dossiers_ask(w->dossiers, SLICE_LIT("a.test"), on_dossier, &other); /* would crash if it were called */
    assert_int_equal(w->asked, 1);
    assert_int_equal(dns_dossiers_busy(w->dossiers), 1);
    dns_dossiers_forget(w->dossiers, &other);
    dns_dossiers_tick(w->dossiers);
    assert_int_equal(w->answered, 0);
    fake_clock_advance(DNS_LOOKUP_US);
    dns_dossiers_tick(w->dossiers);
    assert_int_equal(w->answered, 1);
    assert_int_equal(w->last.status, MSG_DNS_TIMEOUT);
    dns_dossiers_ask(w->dossiers, SLICE_LIT("a.test"), on_dossier, w);
    release(w);
    assert_int_equal(w->answered, 2);
    assert_int_equal(w->last.status, MSG_DNS_NXDOMAIN);
    assert_int_equal(dns_dossiers_busy(w->dossiers), 0);
    dns_dossiers_ask(w->dossiers, SLICE_LIT("pending.test"), on_dossier, w); /* freed while open */
    end(w);
}

static void test_busy(void **state)
{
    (void)state;
    static const struct line script[] = {{0}};
    struct world *w = world(script);
    w->hold = true;
    for (unsigned i = 0; i <= DNS_LOOKUPS_MAX; i++) {
        char name[32];
        snprintf(name, sizeof(name), "x%u.test", i);
        w->held_count = 0;
        dns_dossiers_ask(w->dossiers, slice_str(name), on_dossier, w);
        assert_int_equal(w->answered, i < DNS_LOOKUPS_MAX ? 0 : 1);
    }
    assert_int_equal(w->last.status, MSG_DNS_SERVFAIL);
    end(w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_hosts), cmocka_unit_test(test_statuses), cmocka_unit_test(test_tlsa_states),
                                       cmocka_unit_test(test_tlsa_malformed), cmocka_unit_test(test_tlsa_too_much),
                                       cmocka_unit_test(test_tlsa_aliases),
                                       cmocka_unit_test(test_null_mx_and_malformed), cmocka_unit_test(test_loop),
                                       cmocka_unit_test(test_cache), cmocka_unit_test(test_waiting), cmocka_unit_test(test_busy)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
