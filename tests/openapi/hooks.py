"""Keeps the run alive: whoever asks does not lock itself out."""

import schemathesis

# The first account, whose token is sent along; and one that may come to harm.
ADMIN, OTHER = 1, 2


@schemathesis.hook
def before_call(context, case, kwargs):
    if str((case.path_parameters or {}).get("id")) == str(ADMIN):
        case.path_parameters["id"] = OTHER


@schemathesis.hook
def filter_body(context, body):
    """Leaves out what the pattern cannot say: the part before the `@` has at most 64 bytes."""
    email = body.get("email") if isinstance(body, dict) else None
    return not isinstance(email, str) or len(email.partition("@")[0]) <= 64
