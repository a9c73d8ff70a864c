"""What a schema cannot say, and what the test must not do: disable or delete its own account."""

import schemathesis

# The first account, whose token is sent, and one that may be changed.
ADMIN, OTHER = 1, 2


@schemathesis.hook
def before_call(context, case, kwargs):
    if str((case.path_parameters or {}).get("id")) == str(ADMIN):
        case.path_parameters["id"] = OTHER
    query = case.query or {}
    if "after" in query and case.meta.generation.mode.is_positive:
        # The order decides what it has to be.
        query["after"] = "ada@example.com" if "email" in str(query.get("sort")) else str(OTHER)


@schemathesis.hook
def filter_body(context, body):
    """Enforces what the pattern cannot: the part before the `@` has at most 64 bytes."""
    email = body.get("email") if isinstance(body, dict) else None
    return not isinstance(email, str) or len(email.partition("@")[0]) <= 64
