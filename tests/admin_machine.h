/* admin_machine.h: a machine with all that operators mend: timers, tasks, loops that end when n is not 0, an
 * assignment that fails, regions. */
#ifndef FSM_TESTS_ADMIN_MACHINE_H
#define FSM_TESTS_ADMIN_MACHINE_H

/* spin and spun loop while n is 0. */
static const char ADMIN_MACHINE[] =
    "{\"id\":\"adm\",\"meta\":{\"fsm\":{\"keep\":\"1h\"}},\"initial\":\"idle\",\"context\":{\"n\":0,\"who\":"
    "null,"
    "\"list\":[1]},\"schemas\":{\"context\":{\"type\":\"object\",\"properties\":{\"n\":{\"type\":\"integer\","
    "\"maximum\":100},\"extra\":{\"type\":\"string\"}}}},"
    "\"states\":{"
    "\"idle\":{\"on\":{\"GO\":\"wait\",\"WORK\":\"work\",\"LOOP\":\"spin\",\"TRY\":{\"target\":\"spin\","
    "\"guard\":{\"@expr\":\"context.who == null\"}},\"TICK\":\"tick\",\"LONG\":"
    "\"loopwork\","
    "\"END\":\"done\",\"BAD\":\"bad\",\"ADD\":{\"context\":{\"n\":{\"@expr\":\"context.n + 1\"}}}}},"
    "\"wait\":{\"after\":{\"10000\":\"late\"},\"on\":{\"BACK\":\"idle\"}},"
    "\"late\":{\"on\":{\"BACK\":\"idle\"}},"
    "\"work\":{\"invoke\":{\"id\":\"job\",\"src\":\"svc\",\"input\":{\"a\":1},\"meta\":{\"fsm\":{"
    "\"attempts\":2,"
    "\"timeout\":\"5s\"}},\"onDone\":{\"target\":\"late\",\"context\":{\"who\":{\"@expr\":\"event.output\"}}}"
    "},"
    "\"on\":{\"BACK\":\"idle\"}},"
    "\"tick\":{\"after\":{\"1000\":\"spin\"}},"
    "\"loopwork\":{\"invoke\":{\"id\":\"ljob\",\"src\":\"svc\",\"onDone\":\"spin\"}},"
    "\"spin\":{\"always\":{\"target\":\"spun\",\"guard\":{\"@expr\":\"context.n == "
    "0\"}},\"on\":{\"BACK\":\"idle\"}},"
    "\"spun\":{\"always\":{\"target\":\"spin\",\"guard\":{\"@expr\":\"context.n == 0\"}}},"
    "\"bad\":{\"entry\":{\"type\":\"@xstate.assign\",\"context\":{\"n\":{\"@expr\":\"1 / (context.n * "
    "0)\"}}},"
    "\"on\":{\"BACK\":\"idle\"}},"
    "\"par\":{\"type\":\"parallel\",\"states\":{"
    "\"l\":{\"initial\":\"a\",\"states\":{\"a\":{\"after\":{\"5000\":\"b\"}},\"b\":{}}},"
    "\"r\":{\"initial\":\"c\",\"states\":{\"c\":{},\"d\":{\"invoke\":{\"id\":\"pjob\",\"src\":\"svc\"}}}}}},"
    "\"done\":{\"type\":\"final\",\"output\":{\"n\":{\"@expr\":\"context.n\"}}}}}";

#endif
