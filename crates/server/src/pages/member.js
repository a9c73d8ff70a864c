// Shared by the pages behind the log-in: the current account, the navigation bar, log-out.

import { Refusal, ask, leave } from './api.js';

/** Returns the current account. For admins `onPending` is called regularly with the number of pending accounts. */
export async function enter(onPending) {
  const me = await ask('GET', 'me');
  if (me.is_admin) {
    document.querySelector('#users-link').hidden = false;
    const look = async () => document.hidden || onPending(await countPending());
    await look();
    setInterval(() => attempt(look), 30_000);
  }
  return me;
}

/** Returns the number of pending accounts, and shows it in the navigation bar. */
export async function countPending() {
  const { count } = await ask('GET', 'users/pending/count');
  document.querySelector('#pending').textContent = count;
  document.querySelector('#badge').hidden = count === 0;
  return count;
}

/** Runs an action, and shows its error on the page. */
export async function attempt(act) {
  const error = document.querySelector('#error');
  try {
    await act();
    error.textContent = '';
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
    error.textContent = refusal.message;
  }
}

document.querySelector('#log-out').addEventListener('click', () => attempt(async () => {
  await ask('POST', 'cookie/logout');
  await leave('/login');
}));

// The page comes from the back/forward cache, and another user may be logged in by now.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
