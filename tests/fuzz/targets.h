/* targets.h: the fuzz targets: a row each. */
#ifndef FSM_TESTS_FUZZ_TARGETS_H
#define FSM_TESTS_FUZZ_TARGETS_H

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/fuzz_definition.h"
#include "tests/fuzz/fuzz_disk.h"
#include "tests/fuzz/fuzz_export.h"
#include "tests/fuzz/fuzz_expr.h"
#include "tests/fuzz/fuzz_filter.h"
#include "tests/fuzz/fuzz_index.h"
#include "tests/fuzz/fuzz_keys.h"
#include "tests/fuzz/fuzz_match.h"
#include "tests/fuzz/fuzz_negotiate.h"
#include "tests/fuzz/fuzz_parked.h"
#include "tests/fuzz/fuzz_parsed.h"
#include "tests/fuzz/fuzz_people.h"
#include "tests/fuzz/fuzz_query.h"
#include "tests/fuzz/fuzz_record.h"
#include "tests/fuzz/fuzz_reply.h"
#include "tests/fuzz/fuzz_routes.h"
#include "tests/fuzz/fuzz_scxml.h"
#include "tests/fuzz/fuzz_settings.h"
#include "tests/fuzz/fuzz_sinks.h"
#include "tests/fuzz/fuzz_snapshot.h"
#include "tests/fuzz/fuzz_step.h"
#include "tests/fuzz/fuzz_store.h"
#include "tests/fuzz/fuzz_values.h"
#include "tests/fuzz/fuzz_wire.h"
#include "tests/fuzz/fuzz_zone.h"

/* name, cost, open, one, close, takes all, text */
static const fuzz_target fuzz_targets[] = {
    {"json", 1, json_open, json_one, NULL, false, true},
    {"pack", 1, pack_open, pack_one, NULL, false, false},
    {"record", 1, record_open, record_one, NULL, false, false},
    {"parsed", 1, parsed_open, parsed_one, NULL, false, true},
    {"export", 2, export_open, export_one, export_close, false, false},
    {"expr", 1, expr_open, expr_one, NULL, false, true},
    {"match", 3, match_open, match_one, NULL, false, true},
    {"zone", 1, zone_open, zone_one, NULL, false, false},
    {"time", 1, time_open, time_one, NULL, false, false},
    {"payload", 1, payload_open, payload_one, NULL, false, false},
    {"definition", 2, definition_open, definition_one, NULL, false, true},
    {"lint", 3, definition_open, lint_one, NULL, false, true},
    {"people", 1, people_open, people_one, NULL, false, true},
    {"facts", 1, record_open, facts_one, NULL, false, false},
    {"scxml", 1, scxml_open, scxml_one, NULL, false, true},
    {"step", 15, step_open, step_one, NULL, true, false},
    {"token", 1, token_open, token_one, token_close, false, false},
    {"jwk", 5, jwk_open, jwk_one, NULL, false, true},
    {"pem", 5, pem_open, pem_one, NULL, false, true},
    {"sinks", 1, sinks_open, sinks_one, NULL, false, true},
    {"routes", 1, routes_open, routes_one, NULL, false, true},
    {"filter", 1, filter_open, filter_one, NULL, false, true},
    {"query", 6, query_open, query_one, query_close, false, true},
    {"worker", 1, worker_open, worker_one, NULL, false, true},
    {"settings", 2, settings_open, settings_one, NULL, false, true},
    {"trace", 1, trace_open, trace_one, NULL, true, false},
    {"http", 1, http_open, http_one, NULL, false, false},
    {"reply", 1, reply_open, reply_one, NULL, false, false},
    {"negotiate", 1, negotiate_open, negotiate_one, NULL, true, false},
    {"cursors", 2, cursors_open, cursors_one, cursors_close, false, false},
    {"parked", 3, parked_open, parked_one, parked_close, false, false},
    {"journal", 10, journal_open, journal_one, journal_close, false, false},
    {"index", 10, index_open, index_one, index_close, true, false},
    {"floor", 1, floor_open, floor_one, NULL, false, false},
    {"snapshot", 2, snapshot_open, snapshot_one, snapshot_close, false, false},
    {"manifest", 2, manifest_open, manifest_one, manifest_close, false, false},
    {"rows", 1, rows_open, rows_one, rows_close, false, false},
    {"catalog", 1, catalog_open, catalog_one, rows_close, false, false},
    {"apply", 3, apply_open, apply_one, rows_close, false, false},
};

#endif
