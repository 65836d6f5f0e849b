/* code.h: what can go wrong, as one table.
 *
 * A fault is a code (stable, for programs), a place (a JSON pointer, line:column, a field, a file and
 * offset) and a sentence (for people). It is written once, where it is known, into an fsm_error that
 * the caller owns; on success that struct is left untouched. A caller's mistake is a code; a mistake
 * of ours is an FSM_ASSERT, which stays on in release builds.
 *
 * Columns: symbol, name (in JSON, records and logs), HTTP status (RFC 9110), exit code of the
 * programs, sentence.
 */
#ifndef FSM_CODE_H
#define FSM_CODE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define FSM_API __attribute__((visibility("default")))
#define FSM_MUST_USE __attribute__((warn_unused_result))
#define FSM_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))

/* clang-format off */
#define FSM_CODES(X)                                                                                  \
  X(FSM_OK,               "ok",                 200,  0, "ok")                                        \
  X(FSM_ENOMEM,           "out_of_memory",      503,  1, "memory ran out")                            \
  X(FSM_EARGUMENT,        "invalid_argument",   400,  2, "an argument is not usable")                 \
  X(FSM_EMALFORMED,       "malformed",          400,  2, "the input cannot be read")                  \
  X(FSM_ETOOLARGE,        "too_large",          413,  2, "the input is over a stated limit")          \
  X(FSM_EDEFINITION,      "invalid_definition", 422,  1, "the machine definition is not valid")       \
  X(FSM_EUNSUPPORTED,     "unsupported",        422,  1, "the definition uses what is not supported") \
  X(FSM_EEXPRESSION,      "expression",         422,  1, "an expression failed")                      \
  X(FSM_ENOTFOUND,        "not_found",          404,  3, "there is no such thing")                    \
  X(FSM_EMACHINE,         "unknown_machine",    404,  3, "no such machine is deployed")               \
  X(FSM_EINSTANCE,        "unknown_instance",   404,  3, "no such instance exists")                   \
  X(FSM_ETASK,            "unknown_task",       404,  3, "no such open task exists")                  \
  X(FSM_EAMBIGUOUS,       "ambiguous",          409,  3, "more than one instance matches")            \
  X(FSM_EMETHOD,          "method_not_allowed", 405,  2, "the method is not allowed here")            \
  X(FSM_EGUARD,           "guard_false",        409,  4, "a guard refused the event")                 \
  X(FSM_ENOTRANSITION,    "no_transition",      409,  4, "no transition takes the event now")         \
  X(FSM_EEVENT,           "unknown_event",      422,  4, "the machine does not know the event")       \
  X(FSM_EDATA,            "invalid_data",       422,  4, "the data does not match its schema")        \
  X(FSM_ESTALE,           "stale",              412,  4, "the revision is not the expected one")      \
  X(FSM_EDUPLICATE,       "duplicate",          409,  4, "the idempotency key was used for another command") \
  X(FSM_EEXISTS,          "exists",             409,  4, "it exists already")                         \
  X(FSM_ERUNNING,         "running",            409,  4, "the instance is running")                   \
  X(FSM_EPAUSED,          "paused",             409,  4, "the instance is paused")                    \
  X(FSM_ECOMPLETED,       "completed",          409,  4, "the instance has ended")                    \
  X(FSM_EINCIDENT,        "incident",           409,  4, "the instance is parked as an incident")     \
  X(FSM_ERETIRED,         "retired",            409,  4, "the machine or version takes no new instances") \
  X(FSM_ELOOP,            "loop_limit",         409,  4, "the event loops past the microstep limit")  \
  X(FSM_EQUOTA,           "quota",              429,  4, "a quota is used up")                        \
  X(FSM_EPERMISSION,      "not_permitted",      403,  5, "this is not permitted")                     \
  X(FSM_ETOKEN,           "bad_token",          401,  5, "the token is not accepted")                 \
  X(FSM_EVERIFY,          "verification_failed",500,  7, "verification failed")                       \
  X(FSM_ETIMEOUT,         "timeout",            504,  8, "it took too long")                          \
  X(FSM_EBUSY,            "busy",               503,  8, "there is more work than capacity; try again") \
  X(FSM_EUNREACHABLE,     "unreachable",        503,  9, "the other side does not answer")            \
  X(FSM_ELOCKED,          "locked",             503,  9, "another process holds the data")            \
  X(FSM_EFULL,            "full",               507,  1, "there is no space left")                    \
  X(FSM_EIO,              "io",                 500,  1, "the disk or the system failed")             \
  X(FSM_ECORRUPT,         "corrupt",            500,  7, "stored data is damaged")                    \
  X(FSM_EVERSION,         "format_version",     500,  1, "the stored format is not known here")       \
  X(FSM_ECLOSED,          "closed",             503,  9, "it is shutting down")                       \
  X(FSM_EEXPECT,          "not_as_expected",    422,  1, "it is not as expected")                     \
  X(FSM_EPARTLY,          "partly",             207,  6, "some of it was done, and some was not")     \
  X(FSM_EMATCHES,         "matches",            200, 10, "there is what was looked for")
/* clang-format on */

typedef enum fsm_code {
#define X(symbol, name, http, exit, text) symbol,
  FSM_CODES(X)
#undef X
      FSM_CODE_COUNT
} fsm_code;

enum { FSM_WHERE_MAX = 192, FSM_TEXT_MAX = 512 };

typedef struct fsm_error {
  fsm_code code;
  char where[FSM_WHERE_MAX]; /* the place, "" when there is none */
  char text[FSM_TEXT_MAX];   /* one sentence without a full stop */
} fsm_error;

FSM_API const char *fsm_code_name(fsm_code code);
FSM_API const char *fsm_code_text(fsm_code code);
FSM_API int fsm_code_http(fsm_code code);
FSM_API int fsm_code_exit(fsm_code code);
/* The code of a name; FSM_CODE_COUNT when there is none. */
FSM_API fsm_code fsm_code_of(const char *name);

/* Fills *err (which may be NULL) and returns code, so that a fault reads `return fsm_fail(...)`.
 * Over-long text is cut at a UTF-8 boundary. */
FSM_API fsm_code fsm_fail(fsm_error *err, fsm_code code, const char *where, const char *format, ...)
    FSM_PRINTF(4, 5);

/* Our own mistake: says the expression and place on stderr and aborts. */
FSM_API __attribute__((noreturn)) void fsm_assert_failed(const char *expr, const char *file, int line);
#define FSM_ASSERT(expr) ((expr) ? (void)0 : fsm_assert_failed(#expr, __FILE__, __LINE__))
/* The same where the question costs more than what it guards: not in builds with NDEBUG. */
#ifdef NDEBUG
#define FSM_ASSERT_COSTLY(expr) ((void)0)
#else
#define FSM_ASSERT_COSTLY(expr) FSM_ASSERT(expr)
#endif

/* A local that is always written before it is read: a hardened build does not zero it first. For what is
 * large and on a hot path, such as an fsm_error. */
#if defined(__has_attribute)
#if __has_attribute(uninitialized)
#define FSM_UNSET __attribute__((uninitialized))
#endif
#endif
#ifndef FSM_UNSET
#define FSM_UNSET
#endif

#ifdef __cplusplus
}
#endif
#endif
