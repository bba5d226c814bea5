/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef ANKLUME_INCUS_URL_H
#define ANKLUME_INCUS_URL_H

/*
 * A path with its query from a format that knows %s (escaped: no byte of it can end a segment or
 * begin a parameter), %u and %%. Caller frees; NULL when out of memory.
 */
char *url_format(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/*
 * The last segment of an Incus reference ("/1.0/operations/<id>?project=x" -> "<id>"), unescaped.
 * Caller frees; NULL when out of memory.
 */
char *url_last_segment(const char *url);

/* The value of the query parameter NAME, unescaped. Caller frees; NULL: it has none. */
char *url_parameter(const char *url, const char *name);

#endif
