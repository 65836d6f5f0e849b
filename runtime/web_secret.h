/* web_secret.h: a password or a token in a file that nobody else may read; read again when the file is
 * another.
 *
 * Symbolic links are followed: that is how secrets are mounted and renewed. What was read is wiped when it is
 * replaced or freed. Not thread-safe.
 */
#ifndef FSM_RUNTIME_WEB_SECRET_H
#define FSM_RUNTIME_WEB_SECRET_H

#include "fsm/fsm.h"

enum { FSM_SECRET_MAX = 4096 }; /* bytes, the line end not counted */

typedef struct fsm__secret fsm__secret;

/* name: the option, for err->where ("token_file"). FSM_EARGUMENT: no file, empty, not one line of text ·
 * FSM_EPERMISSION: others may read it · FSM_ETOOLARGE. */
FSM_MUST_USE fsm_code fsm__secret_open(const char *name, const char *path, fsm__secret **out, fsm_error *err);
/* As it is now; *text is valid until the next call. The same faults. */
FSM_MUST_USE fsm_code fsm__secret_read(fsm__secret *secret, const char **text, fsm_error *err);
void fsm__secret_free(fsm__secret *secret); /* NULL is fine */

/* Who may read the file: this user or root alone; or a group, too, when it lies in $CREDENTIALS_DIRECTORY and
 * is root's: systemd hands credentials over by an access list, which looks like a group's right to read. */
bool fsm__secret_is_closed(const char *path, unsigned mode, unsigned uid);
/* May nobody but the owner read it? For keys that a library reads by itself. */
FSM_MUST_USE fsm_code fsm__secret_check(const char *name, const char *path, fsm_error *err);

#endif
