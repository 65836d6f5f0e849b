/* allow_scene.h: a machine that says who may, and people. */
#ifndef ALLOW_SCENE_H
#define ALLOW_SCENE_H

/* The root: whoever has a name. SUBMIT: its owner. In review: approvers and chiefs, APPROVE under a limit,
 * ESCALATE chiefs only. The task: auditors. */
static const char ROLES[] =
    "{\"id\":\"roles\",\"initial\":\"draft\",\"context\":{\"owner\":{\"@expr\":\"input.owner\"},\"limit\":10}"
    ","
    "\"meta\":{\"fsm\":{\"allow\":\"has(actor.sub)\"}},\"states\":{"
    "\"draft\":{\"on\":{\"SUBMIT\":{\"target\":\"review\",\"meta\":{\"fsm\":{\"allow\":{\"@expr\":"
    "\"actor.sub == context.owner\"}}}}},\"after\":{\"60000\":\"late\"}},"
    "\"review\":{\"meta\":{\"fsm\":{\"allow\":[\"'approver' in actor.roles\",\"'chief' in actor.roles\"]}},"
    "\"invoke\":{\"id\":\"audit\",\"src\":\"people\",\"meta\":{\"fsm\":{\"allow\":\"'auditor' in "
    "actor.roles\","
    "\"attempts\":3,\"backoff\":\"1s\"}},\"onDone\":\"audited\"},"
    "\"on\":{\"APPROVE\":{\"target\":\"approved\",\"guard\":{\"@expr\":\"event.amount < "
    "context.limit\"},\"meta\":{"
    "\"fsm\":{\"allow\":\"actor.sub != "
    "context.owner\"}}},\"ESCALATE\":[{\"target\":\"board\",\"meta\":{\"fsm\":{"
    "\"allow\":\"'chief' in actor.roles\"}}},{\"target\":\"chief\",\"guard\":{\"@expr\":\"context.limit > "
    "100\"}}]}},"
    "\"audited\":{},\"approved\":{},\"board\":{},\"chief\":{},\"late\":{}}}";

#define OWNER "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"requester\"]}"
#define APPROVER "{\"type\":\"user\",\"sub\":\"mia\",\"roles\":[\"approver\"]}"
#define APPROVING_OWNER "{\"type\":\"user\",\"sub\":\"ana\",\"roles\":[\"approver\"]}"
#define CHIEF "{\"type\":\"user\",\"sub\":\"mo\",\"roles\":[\"chief\"]}"
#define AUDITOR "{\"type\":\"user\",\"sub\":\"kim\",\"roles\":[\"auditor\"]}"
#define ANONYMOUS "{\"type\":\"anonymous\",\"authn\":\"none\"}"

#endif
