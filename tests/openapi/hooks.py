"""Prevents that the test disables or deletes its own account."""

import schemathesis

# The first account, whose token is sent, and one that may be changed.
ADMIN, OTHER = 1, 2


@schemathesis.hook
def before_call(context, case, kwargs):
    if str((case.path_parameters or {}).get("id")) == str(ADMIN):
        case.path_parameters["id"] = OTHER


@schemathesis.hook
def filter_body(context, body):
    """Enforces what the pattern cannot: the part before the `@` has at most 64 bytes."""
    email = body.get("email") if isinstance(body, dict) else None
    return not isinstance(email, str) or len(email.partition("@")[0]) <= 64
