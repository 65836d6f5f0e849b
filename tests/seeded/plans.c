/* plans.c: the lives that instances may have, and the people in them. */
#include "seeded.h"

#define HOURS(n) ((n)*60)
#define DAYS(n) ((n)*60 * 24)

static const char PAYING_OUT[] = "payout.letter.printing,payout.transfer.sending";
static const char DONE[] = "completed";

/* clang-format off */
static const step loan_closed[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {SENDS, "APPROVE", APPROVER, 30, DAYS(3), PAYING_OUT, NULL},
  {SENDS, "SENT", CLERK, 10, DAYS(1), "payout.letter.printing,payout.transfer.sent", NULL},
  {SENDS, "PRINTED", CLERK, 10, DAYS(2), "closed", DONE}};
static const step loan_refusals[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {REFUSED, "APPROVE", CLERK, 5, 600, NULL, NULL},
  {REFUSED, "APPROVE", APPROVER, 30, 600, NULL, NULL},
  {REFUSED, "PRINTED", APPROVER, 30, 600, NULL, NULL},
  {SENDS, "ESCALATE", APPROVER, 30, DAYS(1), "board", NULL}};
static const step loan_board[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {SENDS, "ESCALATE", APPROVER, 30, DAYS(1), "board", NULL},
  {SENDS, "APPROVE", DIRECTOR, 30, DAYS(4), PAYING_OUT, NULL}};
static const step loan_draft[] = {{LATER, "xstate.after.P21D.draft", NOBODY, DAYS(21), 0, "lapsed", DONE}};
static const step loan_review[] = {{SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL}};
static const step loan_forced[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {FORCES, "board", OPERATOR, 60, DAYS(1), "board", NULL}};
static const step loan_forced_closed[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {FORCES, "closed", OPERATOR, 60, DAYS(1), "closed", DONE}};
static const step loan_paused[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {PAUSES, "paused", OPERATOR, 60, DAYS(1), NULL, "paused"},
  {REFUSED, "REJECT", APPROVER, 10, DAYS(1), NULL, NULL}};
static const step loan_resumed[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {PAUSES, "paused", OPERATOR, 60, DAYS(1), NULL, "paused"},
  {RESUMES, "resumed", OPERATOR, 60, DAYS(1), NULL, "running"}};
static const step loan_cancelled[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {CANCELS, "cancelled", OPERATOR, 60, DAYS(1), NULL, "cancelled"}};
static const step loan_rejected[] = {
  {SENDS, "SUBMIT", CLERK, 10, 600, "review", NULL},
  {SENDS, "REJECT", APPROVER, 60, DAYS(2), "rejected", DONE}};

static const step claim_settled[] = {
  {SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL},
  {SENDS, "SETTLE", HANDLER, 10, DAYS(4), "settled", DONE}};
static const step claim_denied[] = {
  {SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL},
  {SENDS, "DENY", HANDLER, 10, DAYS(4), "denied", DONE}};
static const step claim_orphan[] = {
  {SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL},
  {REFUSED, "SETTLE", CLERK, 10, DAYS(1), NULL, NULL}};
static const step claim_dead[] = {
  {SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL},
  {SENDS, "MISLAY", HANDLER, 10, DAYS(2), "limbo", NULL}};
static const step claim_assess[] = {{SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL}};
static const step claim_noted[] = {
  {SENDS, "ASSIGN", CLERK, 10, 600, "assess", NULL},
  {NOTES, "noted", OPERATOR, 10, DAYS(1), NULL, NULL},
  {SETS, "{\"damage\": 1.5}", OPERATOR, 10, DAYS(1), NULL, NULL}};

static const step order_shipped[] = {
  {SENDS, "PLACE", CUSTOMER, 1, DAYS(1), "packing", NULL},
  {SENDS, "PACKED", CLERK, 10, DAYS(1), "shipped", DONE}};
static const step order_unpaid[] = {
  {SENDS, "PLACE", CUSTOMER, 1, DAYS(1), "packing", NULL},
  {SENDS, "PACKED", CLERK, 10, DAYS(1), "paying", NULL},
  {LATER, "", NOBODY, DAYS(2), 0, NULL, NULL}};
static const step order_packing[] = {{SENDS, "PLACE", CUSTOMER, 1, DAYS(1), "packing", NULL}};
static const step order_cart[] = {{LATER, "xstate.after.P14D.cart", NOBODY, DAYS(14), 0, "expired", DONE}};

static const step payment_captured[] = {{LATER, "xstate.done.actor.bank", NOBODY, 0, 0, "captured", DONE}};
static const step payment_incident[] = {{LATER, "", NOBODY, DAYS(2), 0, NULL, "incident"}};
static const step payment_retried[] = {
  {LATER, "", NOBODY, DAYS(2), 0, NULL, "incident"},
  {RETRIES, "retried", OPERATOR, 10, 600, NULL, "running"},
  {LATER, "", NOBODY, DAYS(2), 0, NULL, "incident"}};

static const step ticket_closed[] = {
  {SENDS, "REPLY", AGENT, 1, HOURS(20), "waiting", NULL},
  {SENDS, "ANSWER", CUSTOMER, 1, HOURS(40), "open", NULL},
  {REFUSED, "REPLY", CUSTOMER, 1, HOURS(1), NULL, NULL},
  {SENDS, "REPLY", AGENT, 1, HOURS(20), "waiting", NULL},
  {SENDS, "CLOSE", CUSTOMER, 1, HOURS(40), "closed", DONE}};
static const step ticket_waiting[] = {{SENDS, "REPLY", AGENT, 1, HOURS(20), "waiting", NULL}};

#define PLAN(name, machine, weight, whole, kind, states) \
  {#name, machine, weight, whole, kind, states, name, sizeof name / sizeof name[0]}
#define STANDS(name, machine, weight, kind, states) {#name, machine, weight, true, kind, states, NULL, 0}
const plan seeded_plans[] = {
  PLAN(loan_closed, "loan", 120, false, "", "draft"),
  PLAN(loan_refusals, "loan", 30, false, "refused", "draft"),
  PLAN(loan_board, "loan", 20, false, "", "draft"),
  PLAN(loan_draft, "loan", 40, false, "", "draft"),
  PLAN(loan_review, "loan", 40, false, "", "draft"),
  PLAN(loan_forced, "loan", 10, true, "forced", "draft"),
  PLAN(loan_forced_closed, "loan", 5, true, "forced", "draft"),
  PLAN(loan_paused, "loan", 10, true, "paused", "draft"),
  PLAN(loan_resumed, "loan", 5, true, "", "draft"),
  PLAN(loan_cancelled, "loan", 10, true, "", "draft"),
  PLAN(loan_rejected, "loan", 10, false, "", "draft"),
  PLAN(claim_settled, "claim", 100, false, "", "intake"),
  PLAN(claim_denied, "claim", 25, true, "failed", "intake"),
  PLAN(claim_orphan, "claim", 10, true, "orphan", "intake"),
  PLAN(claim_dead, "claim", 10, true, "dead", "intake"),
  PLAN(claim_assess, "claim", 45, false, "", "intake"),
  PLAN(claim_noted, "claim", 10, true, "", "intake"),
  PLAN(order_shipped, "order", 105, false, "", "cart"),
  PLAN(order_unpaid, "order", 5, true, "", "cart"),
  PLAN(order_packing, "order", 40, true, "task", "cart"),
  PLAN(order_cart, "order", 50, false, "", "cart"),
  PLAN(payment_captured, "payment", 40, true, "", "authorizing"),
  PLAN(payment_incident, "payment", 8, true, "failed", "authorizing"),
  PLAN(payment_retried, "payment", 2, true, "failed", "authorizing"),
  PLAN(ticket_closed, "ticket", 140, false, "", "open"),
  PLAN(ticket_waiting, "ticket", 60, true, "silent", "open"),
  STANDS(ticket_open, "ticket", 50, "", "open"),
};
/* clang-format on */
const unsigned seeded_plan_count = sizeof seeded_plans / sizeof seeded_plans[0];

int64_t plan_longest_ns(const plan *p) {
  int64_t sum = 0;
  for (unsigned i = 0; i < p->count; i++) sum += (p->steps[i].after_min + p->steps[i].spread_min) * MINUTE;
  return sum;
}

#define PERSON(sub, roles, of)                                                                               \
  {sub, "{\"type\":\"user\",\"sub\":\"" sub "\",\"iss\":\"https://id.example.org\",\"roles\":[" roles "]," \
        "\"authn\":\"verified\"}",                                                                           \
   of}
static const person people[] = {
    PERSON("ana", "\"clerk\"", CLERK),
    PERSON("bob", "\"clerk\"", CLERK),
    PERSON("chen.wei", "\"clerk\",\"auditor\"", CLERK),
    PERSON("emil", "\"approver\"", APPROVER),
    PERSON("fatima@example.org", "\"approver\"", APPROVER),
    PERSON("dora", "\"director\"", DIRECTOR),
    PERSON("佐藤", "\"agent\"", AGENT),
    PERSON("zoë", "\"agent\"", AGENT),
    PERSON("ops-1", "\"operator\"", OPERATOR),
    PERSON("ops-2", "\"operator\"", OPERATOR),
    PERSON("web", "\"customer\"", CUSTOMER),
    PERSON("app", "\"customer\"", CUSTOMER),
    PERSON("gus", "\"handler\"", HANDLER),
    PERSON("hana", "\"handler\"", HANDLER),
    PERSON("ivo", "\"handler\"", HANDLER),
};

const person *person_of(role of, uint64_t draw) {
  const person *some[sizeof people / sizeof people[0]];
  unsigned count = 0;
  for (unsigned i = 0; i < sizeof people / sizeof people[0]; i++)
    if (people[i].role == of) some[count++] = &people[i];
  return count > 0 ? some[draw % count] : NULL;
}
