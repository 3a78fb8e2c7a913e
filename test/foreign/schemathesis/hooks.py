"""What schemathesis has to know of this API to judge it: why a request that has the right form may be refused."""

import json

import schemathesis
from schemathesis.checks import CHECKS

judge = CHECKS.get_one("positive_data_acceptance")

# Refusals for what a value says, or for what was there before, and not for its form. No schema can say them: which roles
# there are, which names look like a link, what is later than now, which key was used already.
OF_VALUES = {
    "idempotency_key_reused",
    "invalid_email",
    "invalid_expiry",
    "invalid_message",
    "invalid_redirect",
    "invalid_role",
    "invalid_settings",
    "invalid_slug",
}


@schemathesis.check
def fitting_data_acceptance(ctx, response, case):
    """positive_data_acceptance, but for the codes by which the database refuses values."""
    problem = json.loads(response.content) if response.status_code in (400, 422) else {}
    code = problem.get("code")
    if response.status_code == 422 and code in OF_VALUES:
        return None
    # Nobody is named, and the caller is a member of several organisations, or of none.
    if code == "organisation_required":
        return None
    # Bytes of chance are no list of people: it is a file, whose form no schema has.
    pointers = {error["pointer"] for error in problem.get("errors", [])}
    if case.operation.definition.raw.get("operationId") == "createInvitations" and pointers == {"body"}:
        return None
    # Built-in roles belong to no organisation: what is null there is sent on as this word.
    if case.path_parameters.get("organisation_id") == "None":
        return None
    return judge(ctx, response, case)
