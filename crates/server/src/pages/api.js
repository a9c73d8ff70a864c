// Calls to the account routes, and messages for users.

import MESSAGES from './messages.js';

/**
 * Rejected request. The message is for users; `field` is the field to correct, if there is one; `code` is
 * that of the problem, and `seconds` the time to wait before the next attempt.
 */
export class Refusal extends Error {
  constructor(message, field, code, seconds) {
    super(message);
    this.field = field;
    this.code = code;
    this.seconds = seconds;
  }
}

/**
 * Calls a route under /api/auth and returns its answer. A body is JSON, or a form if it is
 * `URLSearchParams`. A user who is logged out, has to log in again, is pending or no longer admin is sent
 * to the page for that.
 */
export async function ask(method, path, body) {
  const [answer] = await askWithHeaders(method, path, body);
  return answer;
}

/** The same, and the headers of the response. */
export async function askWithHeaders(method, path, body) {
  return answered(await fetched(method, `/api/auth/${path}`, body));
}

/** Sends the fields of a form to its page, which calls the API and sets the cookies. */
export async function send(page, fields) {
  const email = fields.username ?? fields.email;
  const [answer] = await answered(await fetched('POST', page, new URLSearchParams(fields)), email);
  return answer;
}

/** Logs in with an HttpOnly cookie, and opens the page that was wanted. */
export async function logIn(username, password) {
  await send('/login', { username, password });
  const [me] = await fetched('GET', '/api/auth/me');
  if (me.status === 401) throw new Refusal(MESSAGES.no_cookie);
  // The server leads on: it decides which paths are its own.
  const query = new URLSearchParams(location.search);
  query.delete('again');
  return leave(`/login?${query}`);
}

/** Opens another page in place of this one, also in the history. Never resolves. */
export function leave(path) {
  location.replace(path);
  return new Promise(() => {});
}

/** Returns the path with the address in its fragment, which is sent to no server and is in no log. */
export function withAddress(path, email) {
  return email ? `${path}#${new URLSearchParams({ email })}` : path;
}

async function answered([response, answer], email) {
  if (response.ok) return [answer, response.headers];
  if (LOGGED_OUT.has(answer.code)) return leave(logInFor('ended'));
  if (answer.code === 'insufficient_user_authentication') return leave(logInFor('again'));
  // The reloaded page shows the error.
  if (answer.code === 'forbidden') return leave(location.pathname);
  if (answer.code === 'account_pending') return leave(withAddress('/waiting', email));
  // The token goes on in the fragment, which is sent to no server.
  if (answer.code === 'password_change_required') return leave(`/reset-password?temporary#${answer.token}`);
  const seconds = response.status === 429 ? retrySeconds(response) : null;
  if (seconds) throw new Refusal(MESSAGES.wait.replace('{}', seconds), null, answer.code, seconds);
  const error = response.status === 422 ? answer.detail[0] : null;
  const [message, field] = (error ? fieldError(error) : MESSAGES.codes[answer.code]) ?? [MESSAGES.unknown];
  throw new Refusal(message, field, answer.code);
}

/** The log-in says why it is needed, and leads back to this page. */
function logInFor(reason) {
  const next = location.pathname + location.search;
  return next === '/profile' ? `/login?${reason}` : `/login?${reason}&${new URLSearchParams({ next })}`;
}

async function fetched(method, path, body) {
  const request = { method, body, cache: 'no-store', redirect: 'error' };
  if (body && !(body instanceof URLSearchParams)) {
    request.body = JSON.stringify(body);
    request.headers = { 'content-type': 'application/json' };
  }
  try {
    const response = await fetch(path, request);
    const text = await response.text();
    return [response, text && JSON.parse(text)];
  } catch {
    throw new Refusal(MESSAGES.offline);
  }
}

/** The message of a password rule is the server's own: there is more than one. */
function fieldError({ type, loc: [, field], msg }) {
  const isRule = field?.endsWith('password') && type === 'value_error';
  return isRule ? [msg, field] : MESSAGES.fields[field];
}

/** `Retry-After` is a number of seconds or a date (RFC 9110, section 10.2.3). */
function retrySeconds(response) {
  const text = response.headers.get('retry-after') ?? '';
  const seconds = Number(text) || (Date.parse(text) - Date.now()) / 1000;
  return seconds > 0 ? Math.ceil(seconds) : null;
}

const LOGGED_OUT = new Set(['not_authenticated', 'invalid_token']);
