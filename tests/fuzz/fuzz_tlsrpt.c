/* SPDX-License-Identifier: Apache-2.0 */
/* Reports about TLS: the first byte chooses what the rest is: a report in any wrapping, a record of counts, or a TXT record.
 * Counts that were read and written again are the same; addresses that were read are short. */
#include <stdlib.h>

#include "trust/tlsrpt_mail.h"
#include "trust/tlsrpt_reader.h"
#include "trust/tlsrpt_record.h"
#include "trust/tlsrpt_tally.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_report(struct slice input)
{
    struct err err = {""};
    struct buf file, text;
    buf_init(&file, TLSRPT_MAIL_MAX);
    buf_init(&text, TLSRPT_PLAIN_MAX);
    if (tlsrpt_mail_report(input, &file, &err) && tlsrpt_reader_unpack(buf_slice(&file), &text, &err)) {
        json_t *report = tlsrpt_reader_json(buf_slice(&text), &err);
        if (report == NULL && err.text[0] == '\0')
            abort();
        json_decref(report);
    } else if (err.text[0] == '\0') {
        abort();
    }
    buf_free(&file);
    buf_free(&text);
}

static void read_tally(struct slice input)
{
    struct tlsrpt_tally *one = tlsrpt_tally_create();
    struct tlsrpt_tally *two = tlsrpt_tally_create();
    struct buf again;
    buf_init(&again, 4 * TLSRPT_TALLY_MAX);
    if (tlsrpt_tally_read(one, input)) {
        tlsrpt_tally_write(one, &again);
        if (buf_ok(&again) && (!tlsrpt_tally_read(two, buf_slice(&again)) || tlsrpt_tally_rows(one) != tlsrpt_tally_rows(two)))
            abort();
    }
    buf_free(&again);
    tlsrpt_tally_free(&one);
    tlsrpt_tally_free(&two);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct tlsrpt_record record;
    if (size == 0)
        return 0;
    const struct slice rest = slice_of(data + 1, size - 1);
    if (data[0] == 'r')
        read_report(rest);
    else if (data[0] == 't')
        read_tally(rest);
    else if (tlsrpt_record_read(&rest, 1, &record) && (record.count == 0 || record.count > TLSRPT_RUA_MAX))
        abort();
    return 0;
}
