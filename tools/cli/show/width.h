/* width.h: how many columns of a terminal a character takes, as people see characters: what is drawn in one
 * place is one cluster and is never cut apart.
 *
 * A cluster is a base with what has no width of its own behind it (combining marks, variation selectors, a
 * keycap), a tone of skin, or another picture joined to it by U+200D; or two letters that are a flag; or the
 * letters of one syllable of Hangul. Its width is that of its base, 2 for a flag, a keycap and a picture that
 * U+FE0F asks for (U+FE0E: 1), as current terminals draw them. The bases' widths are the C library's. UTF-8
 * under a UTF-8 LC_CTYPE.
 */
#ifndef FSM_CLI_WIDTH_H
#define FSM_CLI_WIDTH_H

#include <stddef.h>
#include <wchar.h>

/* The next character of text; its length, or 0 when the first byte is no character. */
size_t cli_character(const char *text, size_t len, wchar_t *out);
/* How many bytes of text are printable ASCII before the first that is not: each is a cluster of one column,
 * but for the last when something stands behind it that may belong to it. */
size_t cli_plain(const char *text, size_t len);
/* The bytes of the next cluster, at least 1 of len > 0; *width: its columns (1 for a byte that is none). */
size_t cli_cluster(const char *text, size_t len, unsigned *width);

#endif
