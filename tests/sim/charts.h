/* charts.h: the machines of the simulation. model_steps.c says in its own words what each does. */
#ifndef FSM_TEST_SIM_CHARTS_H
#define FSM_TEST_SIM_CHARTS_H

#define SET_(field, expression) "\"" field "\":{\"@expr\":\"" expression "\"}"

static const char COUNTER[] =
    "{\"id\":\"counter\",\"initial\":\"on\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"on\":{\"on\":{"
    "\"ADD\":{\"guard\":{\"@expr\":\"event.v > 0\"},\"context\":{" SET_("n", "context.n + 1") "," SET_(
        "s", "context.s + event.v") "}},\"END\":\"off\"}},\"off\":{\"type\":\"final\"}}}";

#define ALARM(policy) \
  "{\"id\":\"" policy "\",\"meta\":{\"fsm\":{\"overdue\":\"" policy                                         \
  "\"}},\"initial\":\"idle\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"idle\":{\"on\":{\"GO\":\"wait\"}}," \
  "\"wait\":{\"after\":{\"5000\":{\"target\":\"idle\",\"context\":{" SET_("n", "context.n + 1") "}}},"       \
  "\"on\":{\"STOP\":\"idle\",\"AGAIN\":{\"target\":\"wait\",\"reenter\":true,\"context\":{" SET_(           \
      "s", "context.s + 1") "}}}}}}"

static const char TASKER[] =
    "{\"id\":\"tasker\",\"initial\":\"idle\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"idle\":{\"on\":{"
    "\"RUN\":\"work\",\"RISK\":\"risky\"}},\"work\":{\"invoke\":{\"id\":\"t\",\"src\":\"w\",\"meta\":{\"fsm\":{"
    "\"attempts\":3,\"timeout\":\"10s\",\"heartbeat\":\"4s\",\"backoff\":\"1s\",\"backoff_max\":\"4s\"}},"
    "\"onDone\":{\"target\":\"idle\",\"context\":{" SET_(
        "n", "context.n + event.output") "}},\"onError\":{\"target\":\"idle\",\"context\":{" SET_(
        "s", "context.s + 1") "}}},\"on\":{\"STOP\":\"idle\"}},"
    "\"risky\":{\"invoke\":{\"id\":\"r\",\"src\":\"w\",\"meta\":{\"fsm\":{\"timeout\":\"10s\"}},\"onDone\":{"
    "\"target\":\"idle\",\"context\":{" SET_("n", "context.n + event.output") "}}},\"on\":{\"STOP\":\"idle\"}}}}";

static const char PARENT[] =
    "{\"id\":\"parent\",\"initial\":\"idle\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"idle\":{\"on\":{"
    "\"SPAWN\":\"with\"}},\"with\":{\"invoke\":{\"id\":\"c\",\"src\":\"machine\",\"input\":{\"machine\":\"kid\"},"
    "\"onDone\":{\"target\":\"idle\",\"context\":{" SET_("n", "context.n + 1") "}}},"
    "\"on\":{\"POKE\":{\"actions\":[{\"type\":\"@xstate.sendTo\",\"to\":\"c\",\"event\":{\"type\":\"PING\"}}]},"
    "\"PONG\":{\"context\":{" SET_("s", "context.s + 1") "}},\"STOP\":\"idle\"}}}}";

static const char KID[] =
    "{\"id\":\"kid\",\"initial\":\"a\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"a\":{\"on\":{\"PING\":{"
    "\"context\":{" SET_("n", "context.n + 1") "},\"actions\":[{\"type\":\"@xstate.sendParent\",\"event\":{"
    "\"type\":\"PONG\"}}]},\"FIN\":\"z\"},\"after\":{\"20000\":\"z\"}},\"z\":{\"type\":\"final\"}}}";

/* Who may: play.c says it as boss or as clerk. */
static const char GATE[] =
    "{\"id\":\"gate\",\"initial\":\"shut\",\"context\":{\"n\":0,\"s\":0},\"states\":{\"shut\":{\"on\":{"
    "\"IN\":{\"target\":\"safe\",\"meta\":{\"fsm\":{\"allow\":\"actor.sub == 'boss'\"}},\"context\":{" SET_(
        "n", "context.n + 1") "}},\"KNOCK\":{\"context\":{" SET_("s", "context.s + 1") "}}}},"
    "\"safe\":{\"meta\":{\"fsm\":{\"allow\":[\"actor.sub == 'boss'\",\"context.n < 0\"]}},\"on\":{\"OUT\":\"shut\"}}}}";

static const char *const CHARTS[] = {COUNTER, ALARM("fire"), ALARM("skip"), ALARM("restart"), TASKER, PARENT,
                                     KID, GATE};

/* Forms of a counter that does the same: deployed, each is a version. Number 0 is COUNTER. */
#define FORMS 3
static const char FORM[] = "{\"description\":\"form %u\",%s";

#endif
