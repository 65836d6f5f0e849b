/* test_why.c: why an instance does not move, in constructed situations: what it waits for, which part of a
 * guard is false, who may, what was tried, what comes by itself, the way to its end, and the commands. */
#include "why_case.h"

#define EXPR(text) "{\"@expr\":\"" text "\"}"
#define CHART(states) "{\"id\":\"m\",\"initial\":\"a\",\"states\":{" states "}}"
#define CONTEXT(context, states) \
  "{\"id\":\"m\",\"initial\":\"a\",\"context\":" context ",\"states\":{" states "}}"
#define GUARDED(guard) "\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR(guard) "}}}," END
#define END "\"z\":{\"type\":\"final\"}"
#define ALLOW(text) "\"meta\":{\"fsm\":{\"allow\":[\"" text "\"]}}"

/* ---- events and guards --------------------------------------------------------------------------- */

static const why_case guards[] = {
    {"one event", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END), "start\nadvance 90",
     "verdict = waits\ntext = waits for GO, for 1m 30s\nstates[0].state = a\nstates[0].events[0].event = GO\n"
     "states[0].events[0].transitions[0].result = true\nstates[0].events[0].transitions[0].target = z\n"
     "path[0].event = GO\npath[0].by = event\npath_text = GO\nnever = false\ntried = []\nnext = []\n"
     "commands[0].argv = [\"send\",\"i\",\"GO\"]\ncommands[0].needs !\ncommands[1].do = cancel"},
    {"two events", CHART("\"a\":{\"on\":{\"GO\":\"z\",\"NO\":\"z\"}}," END), "start",
     "text ~ waits for GO or NO\ncommands[1].argv = [\"send\",\"i\",\"NO\"]"},
    {"false guard", CONTEXT("{\"n\":5}", GUARDED("context.n > 10")), "start",
     "verdict = dead\nnever = true\nstates[0].events[0].transitions[0].result = false\n"
     "states[0].events[0].transitions[0].parts[0].text = context.n > 10\n"
     "states[0].events[0].transitions[0].parts[0].seen = {\"context.n\":5}\n"
     "why ~ GO: context.n > 10 is false (context.n = 5)\npath = null\ncommands[0].do = set\n"
     "commands[0].argv = [\"set\",\"i\",\"n=11\",\"--reason\",\"…\"]\n"
     "commands[0].then = [\"send\",\"i\",\"GO\"]\ncommands[0].needs = reason\n"
     "commands[0].text = the guard of GO holds then: to z\n"
     "commands[1].argv = [\"force\",\"i\",\"z\",\"--reason\",\"…\"]\ncommands[1].needs = reason"},
    {"part of and", CONTEXT("{\"n\":5,\"ok\":true}", GUARDED("context.ok && context.n > 10")), "start",
     "states[0].events[0].transitions[0].parts[0].text = context.n > 10\n"
     "states[0].events[0].transitions[0].parts[0].decides = true\n"
     "states[0].events[0].transitions[0].parts[1].decides = false\n"
     "states[0].events[0].transitions[0].parts[1].result = true"},
    {"parts of or", CONTEXT("{\"n\":5,\"ok\":false}", GUARDED("context.ok || context.n > 10")), "start",
     "states[0].events[0].transitions[0].parts[0].text = context.ok\n"
     "states[0].events[0].transitions[0].parts[1].text = context.n > 10\n"
     "states[0].events[0].transitions[0].parts[1].decides = true"},
    {"deepest part first",
     CONTEXT("{\"n\":5,\"ok\":false}", GUARDED("context.ok && (context.n > 10 || context.n < 1)")), "start",
     "states[0].events[0].transitions[0].parts[0].text = context.n > 10\n"
     "states[0].events[0].transitions[0].parts[2].text = context.ok"},
    {"negated", CONTEXT("{\"p\":true,\"q\":true}", GUARDED("!(context.p && context.q)")), "start",
     "states[0].events[0].transitions[0].parts[0].wanted = false\n"
     "states[0].events[0].transitions[0].parts[0].result = true"},
    {"in", CONTEXT("{\"c\":\"fr\"}", GUARDED("context.c in ['de', 'at']")), "start",
     "states[0].events[0].transitions[0].parts[0].text = context.c in ['de', 'at']\n"
     "states[0].events[0].transitions[0].parts[0].seen = {\"context.c\":\"fr\"}"},
    {"has", CONTEXT("{\"c\":1}", GUARDED("has(context.d) && context.c == 1")), "start",
     "states[0].events[0].transitions[0].parts[0].text = has(context.d)"},
    {"optional", CONTEXT("{\"c\":1}", GUARDED("context.?d.orValue(0) > 3")), "start",
     "states[0].events[0].transitions[0].parts[0].result = false"},
    {"fault", CONTEXT("{\"c\":1}", GUARDED("context.d > 3")), "start",
     "states[0].events[0].transitions[0].result = fault\nstates[0].events[0].transitions[0].parts[0].fault ~ "
     "context"},
    {"depends on the event", CHART(GUARDED("event.n > 3")), "start",
     "verdict = waits\nstates[0].events[0].transitions[0].result = depends\npath[0].supposes[0] = event.n > "
     "3\n"
     "path_text = GO; supposing event.n > 3\ncommands[0].needs = data"},
    {"false whatever is sent", CONTEXT("{\"n\":1}", GUARDED("event.ok && context.n > 3")), "start",
     "states[0].events[0].transitions[0].result = false\nverdict = dead"},
    {"depends on has(event)", CHART(GUARDED("has(event.data.why)")), "start",
     "states[0].events[0].transitions[0].result = depends\nverdict = waits"},
    {"time", CHART(GUARDED("now > timestamp('2030-01-01T00:00:00Z')")), "start",
     "states[0].events[0].transitions[0].result = false\nstates[0].events[0].transitions[0].parts[0].time = "
     "true\n"
     "never = false\npath[0].supposes[0] ~ now >"},
    {"named guard",
     "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"n\":1},\"guards\":{\"rich\":{\"@expr\":\"context.n > "
     "5\"}},"
     "\"states\":{\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":\"rich\"}}}," END "}}",
     "start",
     "states[0].events[0].transitions[0].guard_name = rich\nstates[0].events[0].transitions[0].guard = "
     "context.n > 5"},
    {"two transitions of one event",
     CONTEXT("{\"n\":1}", "\"a\":{\"on\":{\"GO\":[{\"target\":\"b\",\"guard\":" EXPR(
                              "context.n > 5") "},{\"target\":\"z\"}]}},\"b\":{}," END),
     "start",
     "states[0].events[0].transitions[0].result = false\nstates[0].events[0].transitions[1].result = true\n"
     "states[0].events[0].transitions[1].target = z\npath_text = GO"},
    {"a false guard beside an open way",
     CONTEXT("{\"n\":1}",
             "\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR(
                 "context.n > 5") "},\"ADD\":{\"context\":{\"n\":" EXPR("context.n + 2") "}}}}," END),
     "start",
     "verdict = waits\ntext = waits for ADD, for 0s; refuses GO: context.n > 5 is false (context.n = "
     "1)\npath_text = ADD, then ADD, then ADD, then GO\nnever = false"},
    {"refused by guards that an event of nobody opens",
     CONTEXT("{\"n\":1}", "\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR(
                              "context.n > 5 && now > timestamp('2030-01-01T00:00:00Z')") "}}}," END),
     "start", "states[0].events[0].transitions[0].parts[0].text = context.n > 5"},
    {"event of an outer state",
     CHART("\"a\":{\"initial\":\"b\",\"on\":{\"OUT\":\"z\"},\"states\":{\"b\":{\"on\":{\"IN\":\"c\"}},\"c\":{"
           "}}}," END),
     "start",
     "states[0].state = a\nstates[0].events[0].event = OUT\nstates[1].state = a.b\nstates[1].events[0].event "
     "= IN\npath_text = OUT"},
};

/* ---- what to set --------------------------------------------------------------------------------- */

#define SCHEMA(properties, context, guard)                                     \
  "{\"id\":\"m\",\"initial\":\"a\",\"context\":" context                       \
  ",\"schemas\":{\"context\":{\"type\":\"object\",\"properties\":{" properties \
  "}}},\"states\":{" GUARDED(guard) "}}"
#define SETS(fields) \
  "commands[0].do = set\ncommands[0].argv = [\"set\",\"i\"," fields ",\"--reason\",\"…\"]\n"

static const why_case remedies[] = {
    {"all that is false",
     CONTEXT("{\"n\":5,\"ok\":false,\"s\":\"\"}", GUARDED("context.ok && context.n > 10 && context.s != ''")),
     "start", SETS("\"n=11\",\"ok=true\",\"s=TEXT\"") "commands[0].needs = reason, data"},
    {"by its schema",
     SCHEMA("\"k\":{\"enum\":[\"red one\",\"green\"]},\"r\":{\"type\":\"number\",\"maximum\":1}",
            "{\"k\":\"red one\",\"r\":0.5}", "context.k != 'red one' && context.r > 0.5"),
     "start", SETS("\"k=green\",\"r=0.51\"")},
    {"a field that its schema names",
     SCHEMA("\"who\":{\"type\":\"string\",\"minLength\":6}", "{}", "has(context.who)"), "start",
     SETS("\"who=xxxxxx\"")},
    {"past what its schema allows",
     SCHEMA("\"r\":{\"type\":\"number\",\"maximum\":1}", "{\"r\":1}", "context.r > 1"), "start",
     "commands[0].do = force"},
    {"a value that is no word", CONTEXT("{\"s\":\"\"}", GUARDED("context.s == 'true'")), "start",
     SETS("\"s=\\\"true\\\"\"")},
    {"a name that is no word", CONTEXT("{\"a b\":false}", GUARDED("context['a b']")), "start",
     SETS("\"{\\\"a b\\\":true}\"")},
    {"refusals that were only counted", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END),
     "start ana\nflood bob STRANGE",
     "tried[*].by = bob\nsummed[0].by = bob\nsummed[0].count = 1\nsummed[0].reason = "
     "unknown_event\nsummed[1] "
     "!"},
    {"refusals that nobody counted", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END),
     "start ana\nsend bob STRANGE", "tried[0].by = bob\nsummed !"},
    {"masked",
     SCHEMA("\"iban\":{\"type\":\"string\",\"x-pii\":true},\"n\":{\"type\":\"integer\"}",
            "{\"iban\":\"DE12\",\"n\":1}", "context.iban == 'X' && context.n > 3"),
     "start", "commands[0].do = force\ncommands ! DE12\ncommands ! set"},
    {"told by what is masked",
     SCHEMA("\"pay\":{\"type\":\"integer\",\"x-pii\":true},\"n\":{\"type\":\"integer\"}",
            "{\"pay\":4711,\"n\":1}", "context.n > context.pay"),
     "start", "commands[0].do = force\ncommands ! 471"},
    {"what is sent decides then", CONTEXT("{\"ok\":false}", GUARDED("context.ok && event.n > 3")), "start",
     SETS("\"ok=true\"") "commands[0].needs = reason, data"},
    {"whoever may",
     CONTEXT("{\"ok\":false}", "\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR(
                                   "context.ok") "," ALLOW("'boss' in actor.roles") "}}}," END),
     "start ana",
     SETS("\"ok=true\"") "commands[0].needs = reason, role\ncommands[0].text = the guard of GO holds "
                         "then: to z, as someone with role boss"},
    {"another transition takes it",
     CONTEXT("{\"n\":1}", "\"a\":{\"on\":{\"GO\":[{\"target\":\"a\",\"guard\":" EXPR(
                              "context.n > 5") "},{\"target\":\"z\"}]}}," END),
     "start", "commands ! \"set\""},
    {"three events at most",
     CONTEXT(
         "{\"ok\":false}",
         "\"a\":{\"on\":{\"A\":{\"target\":\"z\",\"guard\":" EXPR(
             "context.ok") "},\"B\":{\"target\":"
                           "\"z\","
                           "\"guard\":" EXPR(
                               "co"
                               "nt"
                               "ex"
                               "t."
                               "o"
                               "k") "},\"C\":{\"target\":\"z\",\"guard\":" EXPR("context.ok") "},"
                                                                                              "\""
                                                                                              "D"
                                                                                              "\""
                                                                                              ":{"
                                                                                              "\""
                                                                                              "ta"
                                                                                              "rg"
                                                                                              "et"
                                                                                              "\""
                                                                                              ":"
                                                                                              "\""
                                                                                              "z"
                                                                                              "\""
                                                                                              ","
                                                                                              "\""
                                                                                              "gu"
                                                                                              "ar"
                                                                                              "d"
                                                                                              "\""
                                                                                              ":" EXPR(
                                                                                                  "context."
                                                                                                  "ok") "}}}"
                                                                                                        "," END),
     "start", "commands[2].then = [\"send\",\"i\",\"C\"]\ncommands[3].do = force"},
    {"paused", CONTEXT("{\"ok\":false}", GUARDED("context.ok")), "start\npause", "commands ! \"set\""},
};

/* ---- people -------------------------------------------------------------------------------------- */

static const why_case people[] = {
    {"a role", CHART("\"a\":{\"on\":{\"OK\":{\"target\":\"z\"," ALLOW("'manager' in actor.roles") "}}}," END),
     "start ana/clerk\nadvance 11700",
     "verdict = orphan\ntext = waits for OK by someone with role manager, for 3h 15m, but nobody who is "
     "known may\n"
     "states[0].events[0].transitions[0].allow[0].words = role manager\n"
     "states[0].events[0].transitions[0].allow[0].people = []\ncommands[0].needs = role"},
    {"somebody who was seen elsewhere",
     CHART("\"a\":{\"on\":{\"OK\":{\"target\":\"z\"," ALLOW("'manager' in actor.roles") "}}}," END),
     "start ana/clerk\nother li/manager",
     "verdict = waits\ntext ~ OK by someone with role manager (li seen)\n"
     "states[0].events[0].transitions[0].allow[0].people = [\"li\"]"},
    {"seen with the role",
     CHART("\"a\":{\"on\":{\"OK\":{\"target\":\"z\"," ALLOW("'manager' in actor.roles") "},\"X\":{}}}," END),
     "start ana/clerk\nsend li/manager NONE\nsend li/manager X",
     "text ~ someone with role manager (li seen)\n"
     "states[0].events[0].transitions[0].allow[0].people = [\"li\"]"},
    {"not the one who asked",
     CONTEXT("{\"who\":\"ana\"}",
             "\"a\":{\"on\":{\"OK\":{\"target\":\"z\"," ALLOW("actor.sub != context.who") "}}}," END),
     "start ana\nsend bob NONE",
     "text ~ (bob seen)\nstates[0].events[0].transitions[0].allow[0].words = actor.sub != context.who"},
    {"either role",
     CHART("\"a\":{\"on\":{\"OK\":{\"target\":\"z\",\"meta\":{\"fsm\":{\"allow\":[\"'boss' in "
           "actor.roles\",\"'cfo' in actor.roles\"]}}}}}," END),
     "start ana", "text ~ someone with role boss or role cfo\nverdict = orphan\ncommands[1].do = force"},
    {"path by whom",
     CHART("\"a\":{\"on\":{\"OK\":{\"target\":\"z\"," ALLOW("'manager' in actor.roles") "}}}," END),
     "start ana", "path_text = OK by someone with role manager"},
};

/* ---- timers, tasks, children --------------------------------------------------------------------- */

#define INVOKE(more)                                                                                  \
  "\"a\":{\"invoke\":{\"id\":\"pay\",\"src\":\"pay\",\"meta\":{\"fsm\":{\"attempts\":3}},\"onDone\":" \
  "\"z\"" more "}}," END

static const why_case pending[] = {
    {"a timer", CHART("\"a\":{\"after\":{\"3600000\":\"z\"}}," END), "start\nadvance 600",
     "verdict = waits\ntext = waits for the timer of a (in 50m), for 10m\nstates[0].timers[0].left_ns ~ "
     "300000000\n"
     "next[0].what = the timer of a fires: to z\npath[0].by = timer\npath_text = the timer of a fires\n"
     "commands[0].do = skip\ncommands[0].text ~ fires now"},
    {"a timer with a guard",
     CONTEXT("{\"n\":1}",
             "\"a\":{\"after\":{\"3600000\":{\"target\":\"z\",\"guard\":" EXPR("context.n > 3") "}}}," END),
     "start", "next[0].what = the timer of a fires: to z if context.n > 3\nnever = true\npath = null"},
    {"a timer that has fired for nothing",
     CONTEXT("{\"ok\":false}",
             "\"a\":{\"on\":{\"SET\":{\"context\":{\"ok\":true}}},\"after\":{\"3600000\":{\"target\":\"z\","
             "\"guard\":" EXPR("context.ok") "}}}," END),
     "start\nadvance 3700\nsend - NONE\nsend - SET",
     "next = []\npath = null\npath_text = no sequence of events leads to an end"},
    {"a message of another",
     CHART("\"a\":{\"on\":{\"GO\":\"z\",\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@"
           "expr\":\"'i'\"},"
           "\"delay\":\"3600s\","
           "\"event\":{\"type\":\"GO\"}}]}}}," END),
     "start\nother\nosend - TELL\nadvance 600\nosend - TELL",
     "verdict = waits\ntext ~ or GO of o, which is on its way (due in 50m), and 1 more\ninbound[0].from = o\n"
     "inbound[0].event = GO\ninbound[1].event = GO\ninbound[2] !\nnext[0].what = GO comes from o\nmessages "
     "!"},
    {"held while it is paused",
     CHART("\"a\":{\"on\":{\"GO\":\"z\",\"TELL\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":{\"@"
           "expr\":\"'i'\"},"
           "\"event\":{\"type\":\"GO\"}}]}}}," END),
     "start\nother\npause\nosend - TELL", "verdict = paused\ninbound[0].from = o"},
    {"an event or a timer", CHART("\"a\":{\"on\":{\"GO\":\"z\"},\"after\":{\"3600000\":\"z\"}}," END),
     "start", "text ~ waits for GO or the timer of a (in 1h)\npath_text = GO"},
    {"a task that nobody took", CHART(INVOKE("")), "start\nadvance 120",
     "verdict = waits\ntext ~ the task pay (service pay): no worker has taken it, for "
     "2m\nstates[0].tasks[0].id = pay\n"
     "path_text = the task pay is done\ncommands[0].argv = [\"retry\",\"i\",\"pay\",\"--reason\",\"…\"]\n"
     "commands[1].argv = [\"skip\",\"i\",\"pay\",\"--reason\",\"…\"]"},
    {"a task at work", CHART(INVOKE("")), "start\ntask start",
     "verdict = moves\ntext ~ attempt 1 of 3 runs\nnext[0].what ~ attempt 1 of 3 of the task pay is out of "
     "time\n"
     "states[0].tasks[0].status = started"},
    {"a task that failed once", CHART(INVOKE("")), "start\ntask fail \"no money\"",
     "verdict = waits\ntext ~ it failed: no money\nstates[0].tasks[0].error = no "
     "money\nstates[0].tasks[0].attempt = 1\n"
     "next[0].what = attempt 2 of 3 of the task pay may begin"},
    {"a task that failed for good", CHART(INVOKE("")), "start\ntask final \"no money\"",
     "verdict = incident\nstatus = incident\ntext ~ is parked in a for 0s\nincident.reason ~ "
     "\ncommands[0].do = retry\n"
     "commands[0].argv = [\"retry\",\"i\",\"--reason\",\"…\"]\ncommands[1].do = skip\ncommands[2].do = "
     "force"},
    {"a task whose error is taken", CHART(INVOKE(",\"onError\":\"b\"") ",\"b\":{\"on\":{\"AGAIN\":\"a\"}}"),
     "start\ntask final \"x\"",
     "verdict = waits\nstate = [\"b\"]\npath_text = AGAIN, then the task pay is done"},
    {"a task within a region",
     CHART(
         "\"a\":{\"type\":\"parallel\",\"onDone\":\"z\",\"states\":{\"p\":{\"initial\":\"w\",\"states\":{"
         "\"w\":{\"invoke\":{\"id\":\"pay\",\"src\":\"pay\",\"onDone\":\"d\"}},\"d\":{\"type\":\"final\"}}},"
         "\"q\":{\"initial\":\"w\",\"states\":{\"w\":{\"on\":{\"SIGN\":\"d\"}},\"d\":{\"type\":\"final\"}}}}}"
         "," END),
     "start",
     "text ~ the task pay\ntext ~ or SIGN\npath_text ~ SIGN\npath_text ~ the task pay is done\npath[1].state "
     "= [\"z\"]"},
    {"a child",
     CHART("\"a\":{\"invoke\":{\"id\":\"kid\",\"src\":\"machine\",\"input\":{\"machine\":\"kid\"},\"onDone\":"
           "\"z\"}}," END),
     "start\nsend - NONE",
     "verdict = waits\ntext ~ waits for its child \nstates[0].tasks[0].id = kid\nstates[0].tasks[0].child ~ "
     "kid\n"
     "commands[0].do = why\ncommands[1].do = skip\npath_text = the task kid is done"},
};

/* ---- stands -------------------------------------------------------------------------------------- */

static const why_case stands[] = {
    {"paused", CHART("\"a\":{\"on\":{\"GO\":\"z\"},\"after\":{\"3600000\":\"z\"}}," END),
     "start\npause\nadvance 60",
     "verdict = paused\ntext = is paused in a for 1m by ola: because\nnext = []\n"
     "commands[0].argv = [\"resume\",\"i\",\"--reason\",\"…\"]\npath_text = GO"},
    {"completed", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END), "start\nsend - GO\nadvance 5",
     "verdict = ended\ntext = has ended in z 5s ago: nothing moves it any more\ncommands = []\npath = "
     "null\nnever = false"},
    {"cancelled", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END), "start\ncancel",
     "verdict = ended\nstatus = cancelled\ntext = was cancelled 0s ago by ola: because"},
    {"forced", CHART("\"a\":{\"on\":{\"GO\":\"z\"}},\"b\":{\"on\":{\"END\":\"z\"}}," END), "start\nforce b",
     "forced = true\nverdict = waits\ntext ~ waits for END"},
    {"dead end", CHART("\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{}," END), "start\nsend - GO",
     "verdict = dead\nnever = true\ntext ~ can never move again\nwhy = its state takes no event, and no "
     "timer and no task is open\n"
     "commands[0].do = force"},
    {"no end at all", CHART("\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"on\":{\"BACK\":\"a\"}}"), "start",
     "verdict = waits\npath = null\npath_text = none: its machine has no final state"},
    {"an end that is not to be reached",
     CHART("\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"on\":{\"BACK\":\"a\"}}," END), "start",
     "path = null\npath_text = no sequence of events leads to an end\nnever = false"},
    {"a long way",
     CHART("\"a\":{\"on\":{\"A\":\"b\"}},\"b\":{\"on\":{\"B\":\"c\"}},\"c\":{\"on\":{\"C\":\"d\","
           "\"BACK\":\"a\"}},\"d\":{\"always\":\"z\"}," END),
     "start", "path_text = A, then B, then C\npath[2].state = [\"z\"]"},
    {"more stands than are looked at",
     CONTEXT(
         "{\"n\":0}",
         "\"a\":{\"on\":{\"ADD\":{\"context\":{\"n\":" EXPR(
             "context.n + 1") "}},\"GO\":{\"target\":\"z\",\"guard\":" EXPR("context.n > 100000") "}}}"
                                                                                                  "," END),
     "start",
     "path = null\npath_text = no way to an end was found among the first 1000 stands\nnever = false"},
    {"what an event sets is not known",
     CONTEXT("{\"n\":0}",
             "\"a\":{\"on\":{\"SET\":{\"target\":\"b\",\"context\":{\"n\":" EXPR(
                 "event.n") "}}}},\"b\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR("context.n > "
                                                                                           "10") "}}}"
                                                                                                 "," END),
     "start", "path_text = SET, then GO; supposing context.n > 10"},
    {"both ways of a condition",
     CHART("\"a\":{\"on\":{\"GO\":[{\"target\":\"b\",\"guard\":" EXPR(
         "event.n > 1") "},{\"target\":\"z\"}]}},\"b\":{}," END),
     "start", "path_text = GO; supposing not: event.n > 1"},
    {"sla",
     "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"meta\":{\"fsm\":{\"sla\":\"1h\"}},\"on\":{"
     "\"GO\":\"z\"}}," END "}}",
     "start\nadvance 10800",
     "text = waits for GO, for 3h; SLA passed 2h ago\nsla.overdue_ns ~ "
     "71999999999\nstates[0].sla.overdue_ns ~ 71999999999"},
    {"refusals",
     CONTEXT("{\"n\":5}", "\"a\":{\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR(
                              "context.n > 10") "},\"SET\":{\"context\":{\"n\":" EXPR("event.n") "}}}}," END),
     "start ana\nsend ana GO\nadvance 1\nsend bob STRANGE\nadvance 1\nsend cyd GO",
     "tried[0].by = cyd\ntried[0].event = GO\ntried[0].reason = guard_false\ntried[0].text ~ "
     "guard\ntried[1].by = bob\n"
     "tried[1].reason = unknown_event\ntried[2].by = ana\ntried[3] !"},
    {"the last ten refusals", CHART("\"a\":{\"on\":{\"GO\":\"z\"}}," END),
     "start\nsend a1 N\nsend a2 N\nsend a3 N\nsend a4 N\nsend a5 N\nsend a6 N\nsend a7 N\nsend a8 "
     "N\nsend a9 N\nsend b1 N\nsend b2 N\nsend b3 N",
     "tried[0].by = b3\ntried[9].by = a3\ntried[10] !"},
    {"masked",
     "{\"id\":\"m\",\"initial\":\"a\",\"context\":{\"iban\":\"DE12\"},\"schemas\":{\"context\":{\"type\":"
     "\"object\",\"properties\":{\"iban\":{\"type\":\"string\",\"x-pii\":true}}}},\"states\":{\"a\":{"
     "\"on\":{\"GO\":{\"target\":\"z\",\"guard\":" EXPR("context.iban == 'X'") "}}}," END "}}",
     "start",
     "states[0].events[0].transitions[0].parts[0].seen = {\"context.iban\":\"[masked]\"}\nwhy ~ "
     "[masked]\ntext ! DE12\nstates ! DE12"},
    {"fields",
     "{\"id\":\"m\",\"initial\":\"a\",\"schemas\":{\"events\":{\"GO\":{\"type\":\"object\",\"required\":["
     "\"why\"],\"properties\":{\"why\":{\"type\":\"string\",\"title\":\"Reason\"},\"n\":{\"type\":"
     "\"integer\"}}}}},\"states\":{\"a\":{\"on\":{\"GO\":\"z\"}}," END "}}",
     "start",
     "states[0].events[0].takes[0].name = why\nstates[0].events[0].takes[0].required = "
     "true\nstates[0].events[0].takes[0].title = Reason\n"
     "commands[0].argv = "
     "[\"send\",\"i\",\"GO\",\"--data\",\"{\\\"why\\\":\\\"TEXT\\\"}\"]\ncommands[0].needs = data"},
};

/* ---- running them -------------------------------------------------------------------------------- */

#define RUN(table)                                                                \
  static void each_of_##table(void **state) {                                     \
    (void)state;                                                                  \
    why_failures = 0;                                                             \
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) why_run(&table[i]); \
    assert_int_equal(why_failures, 0);                                            \
  }
RUN(guards)
RUN(remedies)
RUN(people)
RUN(pending)
RUN(stands)

static void an_id_that_looks_like_an_option_is_not_printed_as_one(void **state) {
  (void)state;
  static const char chart[] =
      "{\"id\":\"m\",\"initial\":\"a\",\"states\":{\"a\":{\"on\":{\"GO\":\"b\"}},\"b\":{\"type\":\"final\"}}"
      "}";
  fixture *f = fixture_new();
  fsm_answer answer = deploy_text(f, chart, strlen(chart));
  assert_code(&answer, FSM_OK);
  answer = start(f, "m", "-y", NULL, NULL);
  assert_code(&answer, FSM_OK);
  const fsm_value why = query(f, (fsm_query){.kind = FSM_QUERY_WHY, .ref = "-y"});
  const fsm_value *commands = fsm_map_get(&why, "commands");
  assert_int_equal(commands->len, 2);
  assert_string_equal(text_of(f, fsm_map_get(&commands->items[0], "argv")),
                      "[\"send\",\"--\",\"-y\",\"GO\"]");
  assert_string_equal(text_of(f, fsm_map_get(&commands->items[1], "argv")),
                      "[\"cancel\",\"--reason\",\"…\",\"--\",\"-y\"]");
  fixture_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(an_id_that_looks_like_an_option_is_not_printed_as_one),
                                     cmocka_unit_test(each_of_guards),
                                     cmocka_unit_test(each_of_remedies),
                                     cmocka_unit_test(each_of_people),
                                     cmocka_unit_test(each_of_pending),
                                     cmocka_unit_test(each_of_stands)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}
