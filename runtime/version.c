/* version.c: each wrapper knows the version of the library that it wraps. */
#include "runtime/version.h"

#include "runtime/bus.h"
#include "runtime/journal.h"
#include "runtime/store.h"
#include "runtime/token.h"
#include "runtime/web.h"
#include "schema/json.h"
#include "schema/pack.h"

#ifdef __clang__
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#ifdef __OPTIMIZE__
#define OPTIMISED "optimised"
#else
#define OPTIMISED "not optimised"
#endif

const char *fsm_version(void) { return FSM_VERSION; }

void fsm_version_add(fsm_buf *out, const char *program, const char *libraries) {
  fsm_buf_printf(out, "%s %s\nbuild: %s, %s\nformats: record %d, journal %d, store %d\n", program,
                 FSM_VERSION, COMPILER, OPTIMISED, FSM_RECORD_VERSION, FSM_JOURNAL_FORMAT, FSM_STORE_FORMAT);
  fsm_buf_printf(
      out, "libraries: lmdb %s, libcrypto %s, nats.c %s, jansson %s, msgpack-c %s, libjwt %s, libcurl %s%s\n",
      fsm__store_library(), fsm__hash_library(), fsm__bus_library(), fsm_json_library(), fsm_pack_library(),
      fsm_token_library(), fsm_web_library(), libraries);
}
