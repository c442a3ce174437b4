/* SPDX-License-Identifier: Apache-2.0 OR GPL-2.0-only */
/* What holds the two sides of the kernel interface together: both compilers check every size. */
#ifndef PENSTOCK_ABI_SIZE_H
#define PENSTOCK_ABI_SIZE_H

#include <linux/types.h>

#ifdef __cplusplus
#define PST_ABI_SIZE(type, size) static_assert(sizeof(type) == (size), #type " is shared with the kernel")
#else
#define PST_ABI_SIZE(type, size) _Static_assert(sizeof(type) == (size), #type " is shared with the kernel")
#endif

/* The last part of the path under which programs, links and maps are pinned. Grows with each change of a map.
 */
#define PST_ABI_VERSION 2

#endif
