/* SPDX-License-Identifier: Apache-2.0 */
/* Names of attachments made safe to save (rows 18, 26 and 27). */
#ifndef CENTER_FILE_NAME_H
#define CENTER_FILE_NAME_H

#include "base/buf.h"

/* Appends a file name that no system reads as a path, a device, a hidden file or a trick: the part behind the last
 * slash or backslash; controls and reserved characters made '_'; invisible ones left out; no dot or space at either
 * end; at most HTTP_FILE_NAME_MAX bytes with the extension kept; "attachment" when nothing is left. */
void file_name_clean(struct buf *out, struct slice name);

#endif
