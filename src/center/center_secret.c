/* SPDX-License-Identifier: Apache-2.0 */
/* Makes, reads and hashes the Message Center's secrets. */
#include "center/center_secret.h"

#include "base/codec.h"
#include "base/mem.h"
#include "keys/crypto.h"
#include "keys/hmac.h"

#define CODES 100000000u /* 10^CENTER_CODE_DIGITS */

void center_secret_make(struct center_secret *ret_secret)
{
    uint8_t random[32];
    struct buf text;
    buf_init_secret(&text, sizeof(ret_secret->text));
    mem_random(random, sizeof(random));
    codec_base64url(&text, slice_of(random, sizeof(random)));
    memcpy(ret_secret->text, text.data, CENTER_SECRET_TEXT);
    ret_secret->text[CENTER_SECRET_TEXT] = '\0';
    mem_wipe(random, sizeof(random));
    buf_free(&text);
}

bool center_secret_parse(struct slice text, struct center_secret *ret_secret)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (!((c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') || c == '-' || c == '_'))
            return false;
    }
    if (text.len != CENTER_SECRET_TEXT)
        return false;
    memcpy(ret_secret->text, text.data, CENTER_SECRET_TEXT);
    ret_secret->text[CENTER_SECRET_TEXT] = '\0';
    return true;
}

/* SHA-256 of a label, which keeps the uses of one secret apart, and the secret. */
static void digest_of(const struct center_secret *secret, const char *label, uint8_t out[DIGEST_SIZE])
{
    EVP_MD *sha256 = crypto_digest("SHA2-256");
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool good = ctx != NULL && EVP_DigestInit_ex2(ctx, sha256, NULL) == 1 &&
                EVP_DigestUpdate(ctx, label, strlen(label)) == 1 &&
                EVP_DigestUpdate(ctx, secret->text, CENTER_SECRET_TEXT) == 1 && EVP_DigestFinal_ex(ctx, out, NULL) == 1;
    EVP_MD_CTX_free(ctx);
    EVP_MD_free(sha256);
    crypto_must(good, "SHA-256 of a secret");
}

void center_secret_digest(const struct center_secret *secret, struct digest *ret_digest)
{
    digest_of(secret, "", ret_digest->b);
}

void center_code_make(struct center_code *ret_code)
{
    uint32_t random = UINT32_MAX;
    while (random >= UINT32_MAX / CODES * CODES) /* no remainder favours a code */
        mem_random(&random, sizeof(random));
    random %= CODES;
    for (size_t i = CENTER_CODE_DIGITS; i > 0; i--) {
        ret_code->digits[i - 1] = (char)('0' + random % 10);
        random /= 10;
    }
    ret_code->digits[CENTER_CODE_DIGITS] = '\0';
}

bool center_code_parse(struct slice text, struct center_code *ret_code)
{
    size_t count = 0;
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];
        if (c == ' ' || c == '-')
            continue;
        if (c < '0' || c > '9' || count == CENTER_CODE_DIGITS)
            return false;
        ret_code->digits[count++] = (char)c;
    }
    ret_code->digits[count] = '\0';
    return count == CENTER_CODE_DIGITS;
}

void center_code_tag(const struct key *code_key, const struct digest *link, const struct digest *session,
                     const struct center_code *code, struct tag *ret_tag)
{
    uint8_t sum[HMAC_SIZE_MAX];
    struct hmac *hmac = hmac_create(HMAC_SHA256);
    const struct slice parts[] = {slice_of(link->b, DIGEST_SIZE), slice_of(session->b, DIGEST_SIZE),
                                  slice_of(code->digits, CENTER_CODE_DIGITS)};
    hmac_key(hmac, slice_of(code_key->b, KEY_SIZE));
    hmac_sum(hmac, parts, 3, sum);
    memcpy(ret_tag->b, sum, TAG_SIZE);
    mem_wipe(sum, sizeof(sum));
    hmac_free(&hmac);
}

void center_form_token(const struct center_secret *session, char ret_text[CENTER_FORM_TEXT])
{
    static const char digits[] = "0123456789abcdef";
    uint8_t sum[DIGEST_SIZE];
    digest_of(session, "sealpost form token: ", sum);
    for (size_t i = 0; i < CENTER_FORM_TEXT / 2; i++) {
        ret_text[2 * i] = digits[sum[i] >> 4];
        ret_text[2 * i + 1] = digits[sum[i] & 15];
    }
    ret_text[CENTER_FORM_TEXT - 1] = '\0';
    mem_wipe(sum, sizeof(sum));
}

bool center_form_check(const struct center_secret *session, struct slice text)
{
    char wanted[CENTER_FORM_TEXT];
    center_form_token(session, wanted);
    return text.len == CENTER_FORM_TEXT - 1 && mem_equal_secret(text.data, wanted, text.len);
}
