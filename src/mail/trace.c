/* SPDX-License-Identifier: Apache-2.0 */
/* Writing the Received field. */
#include "mail/trace.h"

#include "base/clock.h"

/* Longest fact in the field; a host name has 253 octets. */
#define FACT_MAX 255

static bool is_fact_char(uint8_t c)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'))
        return true;
    return c == '.' || c == '-' || c == '_' || c == ':' || c == '[' || c == ']';
}

void mail_trace_put_fact(struct buf *out, struct slice fact)
{
    if (fact.len == 0)
        buf_append_str(out, "unknown");
    for (size_t i = 0; i < fact.len && i < FACT_MAX; i++)
        buf_append_byte(out, is_fact_char(fact.data[i]) ? fact.data[i] : '?');
}

static void put_client(struct buf *out, const struct mail_trace *trace)
{
    buf_append_str(out, "Received: from ");
    mail_trace_put_fact(out, trace->helo);
    if (trace->client_ip.len > 0) {
        bool v6 = slice_find(trace->client_ip, 0, ':') < trace->client_ip.len;
        buf_append_str(out, v6 ? " ([IPv6:" : " ([");
        mail_trace_put_fact(out, trace->client_ip);
        buf_append_str(out, "])");
    }
}

static void put_tls(struct buf *out, const struct mail_trace *trace)
{
    buf_append_str(out, "\r\n\t(version=");
    mail_trace_put_fact(out, trace->tls_version);
    buf_append_str(out, " cipher=");
    mail_trace_put_fact(out, trace->tls_cipher);
    buf_printf(out, " bits=%u)", trace->tls_bits);
}

bool mail_trace_append(struct buf *out, const struct mail_trace *trace)
{
    char date[CLOCK_DATE_MAX];
    clock_rfc5322(trace->utc_us, date);
    put_client(out, trace);
    buf_append_str(out, "\r\n\tby ");
    mail_trace_put_fact(out, trace->host);
    buf_printf(out, " with %s id ", trace->smtputf8 ? "UTF8SMTPSA" : "ESMTPSA");
    mail_trace_put_fact(out, trace->id);
    put_tls(out, trace);
    buf_printf(out, ";\r\n\t%s\r\n", date);
    return buf_ok(out);
}
