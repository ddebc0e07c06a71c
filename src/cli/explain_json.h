/* SPDX-License-Identifier: Apache-2.0 */
/* The report for programs. Its members are described in docs/operations.md; facts and verdicts under `evidence` are a
 * document of docs/formats-trust.md, which the same judge reads again. */
#ifndef CLI_EXPLAIN_JSON_H
#define CLI_EXPLAIN_JSON_H

#include <jansson.h>

#include "cli/explain.h"

#define EXPLAIN_JSON_VERSION 1

/* The object of one domain. The caller owns it. */
json_t *explain_json(const struct explain *explain);

#endif
