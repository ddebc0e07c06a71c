/* SPDX-License-Identifier: Apache-2.0 */
/* Fetching of algorithms, and the stop when a primitive breaks. */
#include "keys/crypto.h"

#include <stdio.h>
#include <stdlib.h>

void crypto_must(bool ok, const char *what)
{
    if (ok)
        return;
    fprintf(stderr, "cryptography failed: %s\n", what);
    abort();
}

EVP_MD *crypto_digest(const char *name)
{
    EVP_MD *md = EVP_MD_fetch(NULL, name, NULL);
    crypto_must(md != NULL, name);
    return md;
}

EVP_CIPHER *crypto_cipher(const char *name)
{
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(NULL, name, NULL);
    crypto_must(cipher != NULL, name);
    return cipher;
}
