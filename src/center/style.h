/* SPDX-License-Identifier: Apache-2.0 */
/* The two files the pages load, both from our own address: the style sheet and the icon. */
#ifndef CENTER_STYLE_H
#define CENTER_STYLE_H

#include "base/slice.h"

/* The style sheet of all pages; constant. */
struct slice style_sheet(void);

/* The icon, SVG; constant. */
struct slice style_icon(void);

#endif
