/* SPDX-License-Identifier: Apache-2.0 */
/* Counting. The rows of one domain and day are few; they stand in an array and are compared one by one. */
#include "trust/tlsrpt_tally.h"

#include "base/mem.h"

#define TEXT_MAX 512u /* host names and addresses */
#define ROWS_RESERVED 6u /* three kinds of policy, success and failure */

#define R struct tlsrpt_row
static const struct layout_field row_fields[] = {
    LAYOUT_F(U8, R, policy),      LAYOUT_B(R, strings, TLSRPT_POLICY_MAX), LAYOUT_B(R, hosts, TLSRPT_POLICY_MAX),
    LAYOUT_F(U16, R, reason),     LAYOUT_B(R, mx, TEXT_MAX),               LAYOUT_B(R, mx_ip, TEXT_MAX),
    LAYOUT_B(R, from_ip, TEXT_MAX), LAYOUT_F(U64, R, count),
};
LAYOUT_DEFINE(tlsrpt_row_layout, struct tlsrpt_row, row_fields);
#undef R

/* A row that owns its texts, one behind another in one piece. */
struct kept {
    struct tlsrpt_row row;
    uint8_t *text;
};

struct tlsrpt_tally {
    size_t count;
    struct kept rows[TLSRPT_ROWS_MAX];
};

struct tlsrpt_tally *tlsrpt_tally_create(void)
{
    return mem_new(sizeof(struct tlsrpt_tally));
}

void tlsrpt_tally_free(struct tlsrpt_tally **tally)
{
    if (tally == NULL || *tally == NULL)
        return;
    for (size_t i = 0; i < (*tally)->count; i++)
        mem_free((*tally)->rows[i].text);
    mem_free(*tally);
    *tally = NULL;
}

static bool same(const struct tlsrpt_row *a, const struct tlsrpt_row *b)
{
    return a->policy == b->policy && a->reason == b->reason && slice_eq(a->mx, b->mx) && slice_eq(a->mx_ip, b->mx_ip) &&
           slice_eq(a->from_ip, b->from_ip) && slice_eq(a->strings, b->strings) && slice_eq(a->hosts, b->hosts);
}

/* Texts longer than a row may carry are cut at a line end, or left out when there is none. */
static struct slice fit(struct slice text, size_t most)
{
    if (text.len <= most)
        return text;
    for (size_t end = most; end > 0; end--) {
        if (text.data[end] == '\n')
            return slice_sub(text, 0, end);
    }
    return SLICE_EMPTY;
}

static struct tlsrpt_row fitting(const struct tlsrpt_row *row)
{
    struct tlsrpt_row r = *row;
    r.strings = fit(r.strings, TLSRPT_POLICY_MAX);
    r.hosts = fit(r.hosts, TLSRPT_POLICY_MAX);
    r.mx = fit(r.mx, TEXT_MAX);
    r.mx_ip = fit(r.mx_ip, TEXT_MAX);
    r.from_ip = fit(r.from_ip, TEXT_MAX);
    return r;
}

static struct slice keep_text(struct slice text, uint8_t **at)
{
    struct slice kept = slice_of(*at, text.len);
    if (text.len > 0)
        memcpy(*at, text.data, text.len);
    *at += text.len;
    return kept;
}

static void keep(struct kept *kept, const struct tlsrpt_row *row)
{
    size_t size = row->strings.len + row->hosts.len + row->mx.len + row->mx_ip.len + row->from_ip.len;
    uint8_t *at = mem_new(size + 1);
    *kept = (struct kept){.row = *row, .text = at};
    kept->row.strings = keep_text(row->strings, &at);
    kept->row.hosts = keep_text(row->hosts, &at);
    kept->row.mx = keep_text(row->mx, &at);
    kept->row.mx_ip = keep_text(row->mx_ip, &at);
    kept->row.from_ip = keep_text(row->from_ip, &at);
}

static struct tlsrpt_row *find(struct tlsrpt_tally *tally, const struct tlsrpt_row *row)
{
    for (size_t i = 0; i < tally->count; i++) {
        if (same(&tally->rows[i].row, row))
            return &tally->rows[i].row;
    }
    return NULL;
}

/* A full tally still counts every session: without the hosts, then, in the last row, without anything but the policy. */
void tlsrpt_tally_add(struct tlsrpt_tally *tally, const struct tlsrpt_row *row)
{
    struct tlsrpt_row r = fitting(row);
    struct tlsrpt_row *old = find(tally, &r);
    if (old == NULL && tally->count + ROWS_RESERVED >= TLSRPT_ROWS_MAX) {
        r = (struct tlsrpt_row){.policy = r.policy, .reason = r.reason == TRUST_REASON_PROVED ? r.reason : (uint16_t)TRUST_REASON_TLS_FAILED,
                                .count = r.count};
        old = find(tally, &r);
    }
    if (old != NULL)
        old->count += r.count;
    else if (tally->count < TLSRPT_ROWS_MAX)
        keep(&tally->rows[tally->count++], &r);
    else
        tally->rows[TLSRPT_ROWS_MAX - 1].row.count += r.count;
}

size_t tlsrpt_tally_rows(const struct tlsrpt_tally *tally)
{
    return tally->count;
}

struct tlsrpt_row tlsrpt_tally_row(const struct tlsrpt_tally *tally, size_t i)
{
    return tally->rows[i].row;
}

void tlsrpt_tally_write(const struct tlsrpt_tally *tally, struct buf *out)
{
    buf_append_byte(out, TLSRPT_TALLY_VERSION);
    for (size_t i = 0; i < tally->count; i++)
        layout_write(&tlsrpt_row_layout, out, &tally->rows[i].row);
}

bool tlsrpt_tally_read(struct tlsrpt_tally *tally, struct slice record)
{
    struct wire_reader reader = wire_reader_of(record);
    struct tlsrpt_row row;
    if (wire_u8(&reader) != TLSRPT_TALLY_VERSION)
        return false;
    while (layout_next(&tlsrpt_row_layout, &reader, &row))
        tlsrpt_tally_add(tally, &row);
    return !reader.bad;
}

/* ---- one session ---- */

static void add_session(struct tlsrpt_tally *tally, const struct trust_session *session, uint16_t reason,
                        struct tlsrpt_row row)
{
    bool good = reason == TRUST_REASON_PROVED;
    if (!good && trust_reason_rfc8460(reason)[0] == '\0')
        return;
    row.reason = reason;
    row.count = 1;
    row.mx = good ? SLICE_EMPTY : slice_str(session->host);
    row.mx_ip = good ? SLICE_EMPTY : slice_str(session->address);
    row.from_ip = good ? SLICE_EMPTY : row.from_ip;
    tlsrpt_tally_add(tally, &row);
}

/* What the session proved to somebody who knows only one kind of policy: neither memory nor demands of ours count. */
static uint16_t reason_for(const struct trust_domain *domain, const struct trust_session *session, int64_t now_us,
                           enum tlsrpt_policy policy)
{
    struct trust_domain d = *domain;
    struct trust_session s = *session; /* a view: owns nothing, is not cleared */
    d.minimum = TRUST_LEVEL_PKIX;
    d.shown = TRUST_LEVEL_NONE;
    d.profile = TRUST_PROFILE_STRICT;
    d.pinned = false;
    d.sts = policy == TLSRPT_STS ? TRUST_STS_ENFORCE : TRUST_STS_NONE;
    if (policy != TLSRPT_TLSA)
        s.dane.tlsa = TRUST_TLSA_UNASKED;
    return (uint16_t)trust_verdict_session(&d, &s, now_us).reason;
}

static uint16_t look_reason(enum trust_sts_look look)
{
    switch (look) {
    case TRUST_STS_RECORD_INVALID: return TRUST_REASON_STS_RECORD_INVALID;
    case TRUST_STS_FETCH_FAILED: return TRUST_REASON_STS_FETCH_FAILED;
    case TRUST_STS_CERT_FAILED: return TRUST_REASON_STS_CERT_FAILED;
    case TRUST_STS_POLICY_INVALID: return TRUST_REASON_STS_POLICY_INVALID;
    default: return TRUST_REASON_NONE;
    }
}

void tlsrpt_tally_session(struct tlsrpt_tally *tally, const struct trust_domain *domain,
                          const struct trust_session *session, int64_t now_us, const struct tlsrpt_policies *policies)
{
    const enum trust_tlsa_state tlsa = trust_verdict_tlsa(domain, session);
    uint16_t look = look_reason(domain->sts_look);
    bool any = false;
    if (tlsa == TRUST_TLSA_USABLE || tlsa == TRUST_TLSA_BOGUS) {
        add_session(tally, session, reason_for(domain, session, now_us, TLSRPT_TLSA),
                    (struct tlsrpt_row){.policy = TLSRPT_TLSA, .strings = policies->tlsa, .from_ip = policies->from_ip});
        any = true;
    }
    if (domain->sts != TRUST_STS_NONE) {
        add_session(tally, session, reason_for(domain, session, now_us, TLSRPT_STS),
                    (struct tlsrpt_row){.policy = TLSRPT_STS, .strings = policies->sts, .hosts = policies->sts_hosts,
                                        .from_ip = policies->from_ip});
        any = true;
    } else if (look != TRUST_REASON_NONE) {
        add_session(tally, session, look, (struct tlsrpt_row){.policy = TLSRPT_STS, .from_ip = policies->from_ip});
        any = true;
    }
    if (!any)
        add_session(tally, session, reason_for(domain, session, now_us, TLSRPT_NO_POLICY),
                    (struct tlsrpt_row){.policy = TLSRPT_NO_POLICY, .from_ip = policies->from_ip});
}
