// Calls to the account routes, and messages for users.

/**
 * Rejected request. The message is for users; `field` is the field to correct, if there is one; `code` is
 * that of the problem.
 */
export class Refusal extends Error {
  constructor(message, field, code) {
    super(message);
    this.field = field;
    this.code = code;
  }
}

/**
 * Calls a route under /api/auth and returns its answer. A body is JSON, or a form if it is
 * `URLSearchParams`. A user who is logged out, pending or no longer admin is sent to the page for that.
 */
export async function ask(method, path, body) {
  const [answer] = await askWithHeaders(method, path, body);
  return answer;
}

/** The same, and the headers of the response. */
export async function askWithHeaders(method, path, body) {
  const [response, answer] = await fetched(method, path, body);
  if (response.ok) return [answer, response.headers];
  if (LOGGED_OUT.has(answer.code)) return leave('/login?ended');
  // The reloaded page shows the error.
  if (answer.code === 'forbidden') return leave(location.pathname);
  if (answer.code === 'account_pending') return leave('/waiting');
  const error = response.status === 422 ? answer.detail[0] : null;
  const [message, field] = (error ? fieldError(error) : ANSWERS[answer.code]) ?? [UNKNOWN];
  throw new Refusal(message, field, answer.code);
}

/** Logs in with an HttpOnly cookie, and opens the profile. */
export async function logIn(username, password) {
  await ask('POST', 'cookie/login', new URLSearchParams({ username, password }));
  const [me] = await fetched('GET', 'me');
  if (me.status === 401) throw new Refusal(NO_COOKIE);
  return leave('/profile');
}

/** Opens another page in place of this one, also in the history. Never resolves. */
export function leave(path) {
  location.replace(path);
  return new Promise(() => {});
}

async function fetched(method, path, body) {
  const request = { method, body, cache: 'no-store', redirect: 'error' };
  if (body && !(body instanceof URLSearchParams)) {
    request.body = JSON.stringify(body);
    request.headers = { 'content-type': 'application/json' };
  }
  try {
    const response = await fetch(`/api/auth/${path}`, request);
    const text = await response.text();
    return [response, text && JSON.parse(text)];
  } catch {
    throw new Refusal('The server cannot be reached. Check your connection and try again.');
  }
}

/** A common password has a message of its own: there is more than one rule. */
function fieldError({ type, loc: [, field], msg }) {
  return field === 'password' && type === 'value_error' ? [msg, field] : FIELD_ERRORS[field];
}

const LOGGED_OUT = new Set(['not_authenticated', 'invalid_token']);

/** Messages by the `code` of a problem. */
const ANSWERS = {
  invalid_credentials: ['E-mail or password is wrong.', 'password'],
  account_disabled: ['This account is disabled. Only an admin can enable it again.'],
  email_taken: ['There is an account with this e-mail already. Log in instead.', 'email'],
  wrong_bootstrap_secret: ['This is not the bootstrap secret. The log of the server has it.', 'bootstrap_secret'],
  last_admin: ['This is the only admin left. Make somebody else an admin first.'],
  user_not_found: ['This account does not exist any more.'],
  unavailable: ['The server cannot do this right now. Try again in a moment.'],
};

/** Messages by the field that is not valid. */
const FIELD_ERRORS = {
  email: ['This e-mail address cannot be used. It should look like ada@example.com.', 'email'],
  password: ['A password has 8 to 128 characters.', 'password'],
};

/** Browsers accept the cookie over TLS only, except from localhost. */
const NO_COOKIE = 'Your browser did not keep the log-in. Allow cookies for this site, and open it with https.';

const UNKNOWN = 'Something went wrong. Reload the page and try again.';
