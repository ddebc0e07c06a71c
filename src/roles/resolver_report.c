/* SPDX-License-Identifier: Apache-2.0 */
/* For reports about TLS. */
#include "roles/resolver_report.h"

#include "base/mem.h"
#include "net/dns_rdata.h"
#include "os/msg.h"

#define TXT_BYTES_MAX 65536u /* of one record */

struct report {
    struct list link;
    struct chan *chan; /* NULL: nobody waits */
    uint64_t request;
};

static struct report *add(struct list *list, struct chan *chan, uint64_t request)
{
    struct report *report = mem_new(sizeof(*report));
    report->chan = chan;
    report->request = request;
    list_push(list, &report->link);
    return report;
}

static void answer(struct report *report, uint16_t type, const struct layout *layout, const void *object)
{
    struct buf payload;
    buf_init(&payload, CHAN_PAYLOAD_MAX);
    layout_write(layout, &payload, object);
    if (report->chan != NULL)
        chan_answer(report->chan, type, report->request, buf_slice(&payload), -1);
    buf_free(&payload);
    list_remove(&report->link);
    mem_free(report);
}

static void on_txt(void *ctx, const struct dns_answer *dns)
{
    struct buf records, record;
    buf_init(&records, MSG_LIST_MAX);
    buf_init(&record, TXT_BYTES_MAX);
    for (size_t i = 0; i < dns->count; i++) {
        buf_reset(&record);
        const bool whole = dns_rdata_txt(dns->rdata[i], &record);
        const struct msg_text text = {buf_slice(&record)};
        if (whole && record.len <= MSG_TEXT_MAX)
            layout_write(&msg_text_layout, &records, &text);
    }
    const struct msg_txt txt = {(uint8_t)dns->status, buf_slice(&records)};
    answer(ctx, MSG_TXT, &msg_txt_layout, &txt);
    buf_free(&records);
    buf_free(&record);
}

bool resolver_report_txt(struct dns *dns, struct list *list, struct chan *chan, uint64_t request, struct slice payload)
{
    struct msg_txt_ask ask;
    struct buf name;
    if (!layout_read(&msg_txt_ask_layout, payload, &ask))
        return false;
    buf_init(&name, MSG_NAME_MAX + 1);
    buf_append_slice(&name, ask.name);
    const char *text = buf_cstr(&name);
    if (text != NULL && !dns_ask(dns, text, DNS_TYPE_TXT, on_txt, add(list, chan, request)))
        on_txt(LIST_ENTRY(list->prev, struct report, link), &(const struct dns_answer){.status = MSG_DNS_SERVFAIL});
    buf_free(&name);
    return text != NULL;
}

static void on_post(void *ctx, const struct sts_fetch_answer *fetched)
{
    const bool ok = fetched->result == STS_FETCH_OK;
    const struct msg_status status = {ok ? MSG_OK : MSG_REFUSED, ok ? SLICE_EMPTY : slice_str(fetched->detail)};
    answer(ctx, MSG_POST, &msg_status_layout, &status);
}

bool resolver_report_post(struct sts_fetcher *fetcher, struct list *list, struct chan *chan, uint64_t request,
                          struct slice payload)
{
    struct msg_post post;
    if (!layout_read(&msg_post_layout, payload, &post))
        return false;
    sts_fetcher_post(fetcher, post.url, post.body, on_post, add(list, chan, request));
    return true;
}

void resolver_report_leave(struct list *list, const struct chan *chan)
{
    LIST_FOR(it, next, list)
    {
        struct report *report = LIST_ENTRY(it, struct report, link);
        if (report->chan == chan)
            report->chan = NULL;
    }
}

void resolver_report_free(struct list *list)
{
    LIST_FOR(it, next, list)
    {
        struct report *report = LIST_ENTRY(it, struct report, link);
        list_remove(&report->link);
        mem_free(report);
    }
}
