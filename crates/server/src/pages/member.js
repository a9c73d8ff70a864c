// Shared by the pages behind the log-in: the current account, the navigation bar, log-out.

import { Refusal, ask, leave } from './api.js';
import { follow } from './events.js';

let isLoggingOut = false;

/**
 * Returns the current account. For admins `onPending` is called with the number of pending accounts, and
 * again whenever it changes. A page whose user is logged out or gets another role is left or reloaded.
 */
export async function enter(onPending) {
  const me = await ask('GET', 'me');
  const reloadIfChanged = ({ is_admin }) => is_admin !== me.is_admin && location.reload();
  const showPending = ({ count }) => {
    showBadge(count);
    onPending(count);
  };
  document.querySelector('#users-link').hidden = !me.is_admin;
  follow({ hello: reloadIfChanged, pending: showPending }, (isClosed) => !isLoggingOut && quietly(async () => {
    // Leaves the page if this was the reason.
    reloadIfChanged(await ask('GET', 'me'));
    if (isClosed && me.is_admin) showPending(await ask('GET', 'users/pending/count'));
  }));
  return me;
}

/** Shows the number of pending accounts in the navigation bar. */
export function showBadge(count) {
  document.querySelector('#pending').textContent = count;
  document.querySelector('#badge').hidden = count === 0;
}

/** Runs an action, and shows its error on the page. */
export async function attempt(act, error = document.querySelector('#error')) {
  try {
    await act();
    error.textContent = '';
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    error.textContent = refusal.message;
  }
}

/** Runs what the user did not ask for: the next action of theirs tells about an outage. */
async function quietly(act) {
  try {
    await act();
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
  }
}

/**
 * Ends this log-in by `end`, and opens the log-in page. The event stream ends with it: that page must not say
 * that the log-in has ended by itself.
 */
export async function logOut(end) {
  isLoggingOut = true;
  try {
    await end();
    await leave('/login');
  } finally {
    isLoggingOut = false;
  }
}

document.querySelector('#log-out').addEventListener('click', (event) => {
  event.preventDefault();
  attempt(() => logOut(() => ask('POST', 'cookie/logout')));
});

// The page comes from the back/forward cache, and another user may be logged in by now.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
