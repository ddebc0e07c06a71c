/* SPDX-License-Identifier: Apache-2.0 */
/* Command lines: whatever is accepted must be clean, and xtext must survive being written and read again. */
#include <stdlib.h>

#include "smtp/smtp_command.h"
#include "smtp/smtp_param.h"
#include "smtp/smtp_syntax.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_xtext(const char *text, size_t len, bool utf8)
{
    struct buf coded;
    struct buf plain;
    buf_init(&coded, 8192);
    buf_init(&plain, 8192);
    smtp_syntax_put_xtext(&coded, slice_of(text, len));
    if (!smtp_syntax_xtext(buf_slice(&coded), utf8, 8192, &plain) || !slice_eq(buf_slice(&plain), slice_of(text, len)))
        abort();
    buf_free(&coded);
    buf_free(&plain);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct smtp_command command;
    struct smtp_refusal refusal;
    struct smtp_mail mail;
    struct smtp_rcpt rcpt;
    if (!smtp_command_parse(slice_of(data, size), &command))
        return 0;
    if (smtp_param_mail(command.argument, &mail, &refusal))
        check_xtext(mail.envid, mail.envid_len, false);
    for (int utf8 = 0; utf8 < 2; utf8++) {
        if (smtp_param_rcpt(command.argument, utf8 != 0, &rcpt, &refusal))
            check_xtext(rcpt.orcpt, rcpt.orcpt_len, utf8 != 0);
    }
    return 0;
}
