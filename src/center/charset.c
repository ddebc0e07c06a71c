/* SPDX-License-Identifier: Apache-2.0 */
/* Character set conversion by iconv. */
#include "center/charset.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include "base/mem.h"
#include "mail/utf8.h"

#define CHUNK 4096

static const char *const names[] = {
    "ISO-8859-1",   "ISO-8859-2",   "ISO-8859-3",   "ISO-8859-4",   "ISO-8859-5",   "ISO-8859-6",
    "ISO-8859-7",   "ISO-8859-8",   "ISO-8859-9",   "ISO-8859-10",  "ISO-8859-11",  "ISO-8859-13",
    "ISO-8859-14",  "ISO-8859-15",  "ISO-8859-16",  "WINDOWS-1250", "WINDOWS-1251", "WINDOWS-1252",
    "WINDOWS-1253", "WINDOWS-1254", "WINDOWS-1255", "WINDOWS-1256", "WINDOWS-1257", "WINDOWS-1258",
    "CP1250",       "CP1251",       "CP1252",       "CP1253",       "CP1254",       "CP1255",
    "CP1256",       "CP1257",       "CP1258",       "CP437",        "CP850",        "CP866",
    "CP874",        "CP932",        "CP936",        "CP949",        "CP950",        "KOI8-R",
    "KOI8-U",       "MACINTOSH",    "TIS-620",      "GB2312",       "GBK",          "GB18030",
    "BIG5",         "BIG5-HKSCS",   "EUC-CN",       "EUC-JP",       "EUC-KR",       "EUC-TW",
    "ISO-2022-JP",  "ISO-2022-JP-2", "ISO-2022-KR", "SHIFT_JIS",    "SJIS",         "UHC",
    "UTF-7",        "UTF-16",       "UTF-16LE",     "UTF-16BE",     "UTF-32",       "UTF-8",
    "US-ASCII",
};
#define NAMES (sizeof(names) / sizeof(*names))

struct charset_set {
    iconv_t open[NAMES];
};

struct charset_set *charset_load(void)
{
    struct charset_set *set = mem_new(sizeof(*set));
    for (size_t i = 0; i < NAMES; i++)
        set->open[i] = iconv_open("UTF-8", names[i]);
    return set;
}

void charset_unload(struct charset_set **set)
{
    if (set == NULL || *set == NULL)
        return;
    for (size_t i = 0; i < NAMES; i++)
        if ((*set)->open[i] != (iconv_t)-1)
            iconv_close((*set)->open[i]);
    mem_free(*set);
    *set = NULL;
}

/* The set to convert from, or NULL to look at the text itself. Latin-1 and ASCII are read as browsers do. */
static const char *true_set(const char *declared)
{
    static const char *const as_utf8[] = {"utf-8", "utf8", "us-ascii", "ascii", "unknown-8bit", "x-unknown", "default"};
    if (declared == NULL || *declared == '\0' || strlen(declared) > 40)
        return NULL;
    for (size_t i = 0; i < sizeof(as_utf8) / sizeof(*as_utf8); i++)
        if (strcasecmp(declared, as_utf8[i]) == 0)
            return NULL;
    if (strcasecmp(declared, "iso-8859-1") == 0 || strcasecmp(declared, "latin1") == 0)
        return "WINDOWS-1252";
    if (strcasecmp(declared, "gb2312") == 0)
        return "GBK";
    if (strcasecmp(declared, "ks_c_5601-1987") == 0)
        return "CP949";
    return declared;
}

/* iconv writes any name it is given into paths of its own; only names that can be one pass. */
static bool set_name_ok(const char *name)
{
    for (; *name != '\0'; name++)
        if (!((*name >= '0' && *name <= '9') || ((*name | 0x20) >= 'a' && (*name | 0x20) <= 'z') ||
              strchr("-_.:", *name) != NULL))
            return false;
    return true;
}

static void convert(iconv_t cd, struct slice text, struct buf *out)
{
    char chunk[CHUNK];
    char *in = (char *)(uintptr_t)text.data; /* iconv takes char ** but does not write */
    size_t left = text.len;
    while (left > 0 && buf_ok(out)) {
        char *to = chunk;
        size_t room = sizeof(chunk);
        size_t result = iconv(cd, &in, &left, &to, &room);
        int why = result == (size_t)-1 ? errno : 0;
        buf_append(out, chunk, sizeof(chunk) - room);
        if (why == EILSEQ || why == EINVAL) {
            buf_append_str(out, "\xef\xbf\xbd");
            in++;
            left--;
        }
    }
}

void charset_to_utf8(struct slice text, const char *declared, struct buf *out)
{
    const char *set = true_set(declared);
    iconv_t cd = set == NULL || !set_name_ok(set) ? (iconv_t)-1 : iconv_open("UTF-8", set);
    if (cd == (iconv_t)-1 && !mail_utf8_valid(text))
        cd = iconv_open("UTF-8", "WINDOWS-1252");
    if (cd == (iconv_t)-1) {
        buf_append_slice(out, text);
        return;
    }
    convert(cd, text, out);
    iconv_close(cd);
}
