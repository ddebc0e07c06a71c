/* SPDX-License-Identifier: Apache-2.0 */
/* The configuration written out: the reference page and the first file of `sealpost init`. */
#include <string.h>

#include "os/conf_schema.h"

static const char *kind_text(enum conf_kind kind)
{
    switch (kind) {
    case CONF_PATH: return "path";
    case CONF_BOOL: return "true or false";
    case CONF_COUNT: return "number";
    case CONF_SIZE: return "size";
    case CONF_DURATION: return "duration";
    case CONF_LISTEN: return "list of addresses with ports";
    case CONF_SERVERS: return "list of addresses, ports may follow";
    case CONF_SOURCES: return "list of addresses";
    case CONF_PATHS: return "list of paths";
    case CONF_DURATIONS: return "list of durations";
    case CONF_DATE: return "day";
    case CONF_PINS: return "list of pins";
    case CONF_CHOICE: break;
    case CONF_MODE: return "\"tls\" or \"starttls\"";
    case CONF_STRING: break;
    }
    return "text";
}

/* A value on one line: line ends as \n. scdoc's own characters are escaped. */
static void put_value(struct buf *out, const char *text)
{
    for (; *text != '\0'; text++) {
        if (*text == '\n') {
            (void)buf_append_str(out, "\\\\n");
        } else {
            if (strchr("\\*_#~<>", *text) != NULL) {
                (void)buf_append_byte(out, '\\');
            }
            (void)buf_append_byte(out, (uint8_t)*text);
        }
    }
}

static void put_key(struct buf *out, const struct conf_key *key)
{
    (void)buf_printf(out, "*%s* = ", key->name);
    put_value(out, key->choices != NULL ? key->choices : kind_text(key->kind));
    (void)buf_append_str(out, "\n\t");
    put_value(out, key->help);
    if (key->fallback != NULL && *key->fallback != '\0') {
        (void)buf_append_str(out, " Default: ");
        put_value(out, key->fallback);
    }
    (void)buf_append_str(out, "\n\n");
}

void conf_reference(struct buf *out)
{
    size_t count;
    const struct conf_key *schema = conf_schema(&count);
    const char *section = "";

    (void)buf_append_str(out,
        "sealpost.conf(5)\n\n# NAME\n\nsealpost.conf - configuration of sealpostd(8)\n\n# DESCRIPTION\n\n"
        "Sections hold keys: *section { key = value }*. Texts stand in double quotes, lists in braces. Durations are a "
        "whole number and one of ms, s, m, h, d; sizes take KB, MB, GB (1000) or KiB, MiB, GiB (1024). Text behind # is "
        "a comment. An unknown key is an error with its line and the nearest known name.\n\n# KEYS OUTSIDE SECTIONS\n\n");
    for (size_t i = 0; i < count; i++) {
        if (strcmp(schema[i].section, section) != 0) {
            section = schema[i].section;
            (void)buf_printf(out, "# SECTION %s\n\n", section);
            put_value(out, conf_section_help(section));
            (void)buf_append_str(out, "\n\n");
        }
        put_key(out, &schema[i]);
    }
    (void)buf_append_str(out, "# SEE ALSO\n\n*sealpost*(1), *sealpostd*(8)\n");
}

void conf_example(struct buf *out, const char *directory, const char *hostname)
{
    (void)buf_printf(out,
        "# Configuration of sealpostd. Every key is explained in sealpost.conf(5).\n"
        "hostname = \"%s\"\ndirectory = \"%s\"\noperator = \"%s\"\n\n"
        "submission {\n    listen = {\"127.0.0.1:465\"}\n    mode = \"tls\"\n    certificate = \"tls/cert.pem\"\n"
        "    key = \"tls/key.pem\"\n}\n"
        "submission {\n    listen = {\"127.0.0.1:587\"}\n    mode = \"starttls\"\n    certificate = \"tls/cert.pem\"\n"
        "    key = \"tls/key.pem\"\n}\n\n"
        "resolver {\n    forward = {}\n}\n\n"
        "courier {\n    port = 25\n    hold = \"4h\"\n}\n\n"
        "notice {\n    from = \"secure-message@%s\"\n}\n\n"
        "center {\n    listen = {\"127.0.0.1:443\"}\n    base-url = \"https://%s\"\n    certificate = \"tls/cert.pem\"\n"
        "    key = \"tls/key.pem\"\n}\n\n"
        "keys {\n    escrow = {\"escrow/public.pem\"}\n}\n",
        hostname, directory, hostname, hostname, hostname);
}
