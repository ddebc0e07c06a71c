/* SPDX-License-Identifier: Apache-2.0 */
/* DNS record data: names that are read are names that can be asked for; TLSA data and TXT text come from the input. */
#include <stdlib.h>

#include "net/dns_rdata.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char name[DNS_NAME_MAX];
    size_t used = 0;
    uint16_t preference = 0;
    struct msg_tlsa tlsa;
    struct buf text;
    struct slice s = slice_of(data, size);
    if (dns_name_text(s, name, &used) && (used > size || (name[0] != '\0' && !dns_name_ok(slice_str(name)))))
        abort();
    if (dns_rdata_mx(s, &preference, name) && name[0] != '\0' && !dns_name_ok(slice_str(name)))
        abort();
    if (dns_rdata_tlsa(s, &tlsa) != (size > 3) || (size > 3 && tlsa.data.len != size - 3))
        abort();
    buf_init(&text, 65536);
    if (dns_rdata_txt(s, &text) && text.len >= size)
        abort();
    buf_free(&text);
    return 0;
}
