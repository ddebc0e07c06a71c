/* SPDX-License-Identifier: Apache-2.0 */
/* `sealpost trace --replay`: the verdicts of an attempt computed again from its evidence. */
#ifndef CLI_CLI_REPLAY_H
#define CLI_CLI_REPLAY_H

#include <jansson.h>

#include "base/slice.h"

/* Replays a plain evidence record against the outcome of the attempt (numbers of trust_reason and trust_level). Gives
 * {"result", "entries": [{"result", "action", "reason", "level", "attack"}], "facts"}: facts is the document of
 * docs/formats-trust.md, null when the record does not hold all of them. *ret_differs is set to true, never to false, when
 * something does not agree. An empty record gives the result "nothing kept". */
json_t *cli_replay_record(struct slice record, uint16_t reason, uint8_t level, bool *ret_differs);

#endif
