/* config_table.c: the table of settings: one row says all that is known of a setting. */
#include "runtime/daemon/config_table.h"

#include <string.h>

#include "runtime/daemon/http.h"
#include "runtime/daemon/limits.h"
#include "runtime/feed.h"
#include "runtime/journal.h"
#include "runtime/service.h"
#include "schema/closest.h"

#define MIB (UINT64_C(1) << 20)
#define GIB (UINT64_C(1) << 30)
#define SECOND_NS UINT64_C(1000000000)
#define MINUTE_NS (60 * SECOND_NS)
#define HOUR_NS (60 * MINUTE_NS)
#define DAY_NS (24 * HOUR_NS)

#define AT(member) offsetof(fsm__config, member)

/* clang-format off */
static const fsm__setting settings[] = {
  {"config", FSM__PATH, "FILE", AT(config), .note = "lines of name = value; default: none",
   .help = "settings from a file, with the names of these options; an option wins over the file", .option_only = true},
  {"data", FSM__PATH, "DIR", AT(data), .note = "a directory, made when missing",
   .help = "where everything is kept; needed"},
  {"listen", FSM__TEXT, "ADDR:PORT", AT(listen), "127.0.0.1:8480", .note = "a loopback address, unless --tls-cert or --behind-proxy; port 0 = any free one",
   .help = "TCP address of the HTTP interface"},
  {"no-listen", FSM__FLAG, NULL, AT(no_listen), "off",
   .help = "no TCP, the unix socket alone"},
  {"socket", FSM__PATH, "PATH", AT(socket), .note = "at most 107 bytes; default DIR/fsmd.sock",
   .help = "unix socket of the HTTP interface"},
  {"tls-cert", FSM__PATH, "FILE", AT(tls_cert), .note = "PEM, the server's certificate first; needs --tls-key; default: no TLS",
   .help = "TLS (1.2 and 1.3) on TCP; read again at SIGHUP, with its key"},
  {"tls-key", FSM__PATH, "FILE", AT(tls_key), .note = "PEM, not encrypted; nobody else may read it",
   .help = "the private key of --tls-cert"},
  {"behind-proxy", FSM__FLAG, NULL, AT(behind_proxy), "off",
   .help = "a proxy before TCP does TLS and sees to who comes in: any address may be listened on, any Host is served"},
  {"connections-max", FSM__NUMBER, "N", AT(connections_max), NULL, FSM__CONNECTIONS_MIN, FSM__CONNECTIONS_MAX, .note = "default: what the limit of open files allows",
   .help = "connections on TCP at once; the last of them are for /healthz, /readyz and /metrics"},
  {"header-timeout", FSM__DURATION, "DURATION", AT(header_timeout_ns), "10s", SECOND_NS / 2, HOUR_NS,
   .help = "the head of a request is there after that, or the connection ends"},
  {"body-timeout", FSM__DURATION, "DURATION", AT(body_timeout_ns), "30s", SECOND_NS / 2, HOUR_NS,
   .help = "and its body that long after the head"},
  {"idle-timeout", FSM__DURATION, "DURATION", AT(idle_timeout_ns), "60s", SECOND_NS / 2, 24 * HOUR_NS,
   .help = "a connection on which nothing happens ends"},
  {"cors-origin", FSM__LIST, "URL", AT(cors_origin), .note = "scheme://host or scheme://host:port, as browsers say it; default: none",
   .help = "pages from there may use the interface from a browser"},
  {"jwt-key", FSM__PATH, "FILE", AT(jwt_key), .note = "32 to 4096 bytes, nobody else may read it",
   .help = "key of bearer tokens (HS256), or credential:NAME; read again at SIGHUP"},
  {"jwt-keys", FSM__PATH, "FILE", AT(jwt_keys), .note = "JSON; instead of --jwt-key",
   .help = "keys of bearer tokens: {\"keys\": [{\"kid\", \"alg\", \"file\"} or {\"jwks\"}, each with iss?, aud?, admin?, until?]}, or a JWKS; read again at SIGHUP"},
  {"jwt-overlap", FSM__DURATION, "DURATION", AT(jwt_overlap_ns), "10m", 0, 7 * DAY_NS,
   .help = "a key that is gone from the file is still taken for that long"},
  {"jwt-leeway", FSM__DURATION, "DURATION", AT(jwt_leeway_ns), "30s", 0, FSM_TOKEN_LEEWAY_MAX_S * SECOND_NS,
   .help = "how far the clocks of issuers may be off"},
  {"jwt-audience", FSM__TEXT, "AUD", AT(jwt_audience), FSM_TOKEN_AUDIENCE, 1, FSM_TOKEN_ISS_MAX,
   .help = "aud of tokens, when they have one; a key of --jwt-keys may have its own"},
  {"jwt-sub-claim", FSM__TEXT, "CLAIM", AT(jwt_sub_claim), "sub", 1, FSM_TOKEN_CLAIM_MAX, .note = "a name, or a path with dots",
   .help = "the claim that says who"},
  {"jwt-session-claim", FSM__TEXT, "CLAIM", AT(jwt_session_claim), "jti", 1, FSM_TOKEN_CLAIM_MAX, .note = "a name, or a path with dots",
   .help = "the claim that says in which session"},
  {"jwt-roles-claims", FSM__LIST, "CLAIM", AT(jwt_roles_claims), .max = 16, .note = "a name, or a path such as realm_access.roles; default: roles scope groups",
   .help = "the claims that say in which roles, together"},
  {"admin-audience", FSM__TEXT, "AUD", AT(admin_audience), FSM_TOKEN_ADMIN_AUDIENCE, 1, FSM_TOKEN_ISS_MAX,
   .help = "a token whose aud names it is an admin's, if --admin-allow says so"},
  {"admin-allow", FSM__TEXT, "EXPR", AT(admin_allow), .note = "CEL over actor; default: true",
   .help = "which of them, such as 'ops' in actor.roles"},
  {"socket-users", FSM__LIST, "USER", AT(socket_users), .note = "USER, UID, group:NAME or group:GID; default: nobody",
   .help = "who else may use the unix socket beside the daemon's user and root; needs --socket outside of DIR"},
  {"auth", FSM__CHOICE, "POLICY", AT(auth), "required", .choices = "required optional none",
   .help = "tokens on TCP; without a key only none starts"},
  {"socket-auth", FSM__CHOICE, "POLICY", AT(socket_auth), "optional", .choices = "required optional none",
   .help = "tokens on the unix socket; without one the user of the socket acts"},
  {"nats", FSM__TEXT, "URL", AT(nats), .note = "nats://HOST:PORT or tls://HOST:PORT, several with commas; default: no workers, and no sink nats",
   .help = "NATS server for records and workers"},
  {"nats-creds", FSM__PATH, "FILE", AT(nats_creds), .note = "as nsc writes it, nobody else may read it; needs --nats; default: none",
   .help = "who the daemon is on that NATS server"},
  {"nats-ca", FSM__PATH, "FILE", AT(nats_ca), .note = "PEM; needs --nats; default: those that the system trusts, for tls://",
   .help = "who signs that NATS server; the connection is TLS then"},
  {"nats-api", FSM__CHOICE, "WHEN", AT(nats_api), "auto", .choices = "auto on off", .note = "auto: with --nats, when there are keys of tokens or --nats-auth none",
   .help = "commands and reads by request/reply on fsm.cmd.*"},
  {"nats-auth", FSM__CHOICE, "POLICY", AT(nats_auth), "required", .choices = "required optional none",
   .help = "tokens in messages (header Authorization); without a key only none serves"},
  {"nats-queue", FSM__FLAG, NULL, AT(nats_queue), "off",
   .help = "commands from a work queue of JetStream, fsm.queue.*, too; it is made when missing"},
  {"nats-queue-stream", FSM__TEXT, "NAME", AT(nats_queue_stream), "FSM_CMD", 1, 32, .note = "letters, digits, _ and -",
   .help = "the stream of that queue; each daemon has its own"},
  {"sinks", FSM__PATH, "FILE", AT(sinks), .note = "JSON, see --print-sinks; read again at SIGHUP; default: none but that of --nats",
   .help = "where else records go: files, HTTP, OpenTelemetry, other NATS servers"},
  {"people", FSM__PATH, "FILE", AT(people), .note = "JSON: [{\"sub\", \"roles\"?, \"type\"?, \"iss\"?}, …]; read again at SIGHUP; default: only those seen",
   .help = "who may act, beside those whom records name: for who can act and what nobody can (orphan); it permits nothing"},
  {"http-allow", FSM__LIST, "URL", AT(http_allow), .note = "http:// or https://, a host and perhaps a path; default: none",
   .help = "the service http may call what is at or below it"},
  {"http-concurrency", FSM__NUMBER, "N", AT(http_concurrency), "8", 1, FSM_SERVICE_THREADS_MAX,
   .help = "requests of the service http at once"},
  {"streams-max", FSM__NUMBER, "N", AT(streams_max), "2048", 1, FSM_FEED_FOLLOWERS_MAX,
   .help = "streams of records (server-sent events) at once; one more is answered 503"},
  {"node", FSM__TEXT, "NAME", AT(node), "fsmd/" FSM_VERSION, 1, 64, .note = "1 to 64 printable characters",
   .help = "who writes, in every record"},
  {"segment-bytes", FSM__SIZE, "N", AT(segment_bytes), "67108864", FSM_SEGMENT_BYTES_MIN, GIB,
   .help = "size of new journal segments"},
  {"store-bytes-max", FSM__SIZE, "N", AT(store_bytes_max), "1099511627776", 16 * MIB, 1024 * GIB,
   .help = "the store does not grow over it: then commands are refused as full"},
  {"snapshot-every", FSM__DURATION, "DURATION", AT(snapshot_every_ns), NULL, MINUTE_NS, 365 * DAY_NS, .note = "default: none",
   .help = "a verified snapshot of the store in DIR/snapshots whenever the newest is older; the newest two stay"},
  {"retain", FSM__DURATION, "DURATION", AT(retain_ns), NULL, HOUR_NS, 36500 * DAY_NS, .note = "needs --snapshot-every; default: for ever",
   .help = "sealed segments of the journal go when their last record is older than that"},
  {"retain-bytes", FSM__SIZE, "N", AT(retain_bytes), NULL, FSM_SEGMENT_BYTES_MIN, INT64_MAX, .note = "needs --snapshot-every; default: any",
   .help = "and the oldest when all of them are larger than that; never what snapshots, sinks or idempotency keys (24 h) need"},
  {"archive-dir", FSM__PATH, "DIR", AT(archive_dir), .note = "a directory, made when missing; needs --retain or --retain-bytes",
   .help = "a segment is copied there, durably, before it goes; while that fails it stays"},
  {"log-format", FSM__CHOICE, "FORMAT", AT(log_format), "logfmt", .choices = "logfmt json",
   .help = "lines on stderr"},
  {"log-level", FSM__CHOICE, "LEVEL", AT(log_level), "info", .choices = "debug info warn error", .note = "read again at SIGHUP",
   .help = "the least that is logged; debug has a line for each request"},
  {"stop-timeout", FSM__DURATION, "DURATION", AT(stop_timeout_ns), "5s", SECOND_NS, 300 * SECOND_NS,
   .help = "how long a stop waits for the answers under way; a second SIGTERM ends at once"},
  {"port-file", FSM__PATH, "FILE", AT(port_file),
   .help = "written with the TCP port once it listens"},
  {"print-sinks", FSM__ACTION, NULL, AT(print_sinks), .help = "print what a file of sinks may say and exit"},
  {"print-config", FSM__ACTION, NULL, AT(print_config), .help = "print the settings in force as a file of settings and exit"},
  {"print-doc", FSM__CHOICE, "WHAT", AT(print_doc), "none", .choices = FSM__DOCS,
   .help = "print a manual page, or what completes these options in a shell, and exit", .option_only = true},
  {"version", FSM__ACTION, NULL, AT(version), .help = "print versions and exit"},
  {"help", FSM__ACTION, NULL, AT(help), .help = "print this and exit"},
};
/* clang-format on */
enum { COUNT = sizeof settings / sizeof *settings };
_Static_assert(sizeof settings / sizeof *settings <= FSM__SETTINGS_MAX,
               "each has a place in fsm__config.from");

size_t fsm__setting_count(void) { return COUNT; }

const fsm__setting *fsm__setting_at(size_t i) {
  FSM_ASSERT(i < COUNT);
  return &settings[i];
}

const fsm__setting *fsm__setting_find(const char *name, size_t len) {
  for (size_t i = 0; i < COUNT; i++)
    if (strlen(settings[i].name) == len && memcmp(settings[i].name, name, len) == 0) return &settings[i];
  return NULL;
}

size_t fsm__setting_index(const fsm__setting *row) {
  FSM_ASSERT(row >= settings && row < settings + COUNT);
  return (size_t)(row - settings);
}

const char *fsm__setting_closest(const char *name, char *text, size_t size) {
  fsm__closest closest = {.name = name};
  for (size_t i = 0; i < COUNT; i++) fsm__closest_try(&closest, settings[i].name);
  return fsm__closest_text(&closest, text, size);
}
