// What the pages behind the log-in share: who it is, the bar, the way out.

import { Refusal, ask, leave } from './api.js';

/** Who is logged in. For an admin `onPending` hears now and again how many accounts wait. */
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

/** How many accounts wait; shows it in the bar. */
export async function countPending() {
  const { count } = await ask('GET', 'users/pending/count');
  document.querySelector('#pending').textContent = count;
  document.querySelector('#badge').hidden = count === 0;
  return count;
}

/** Does it, or says on the page why not. */
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

// The browser kept the whole page, and who looks at it may be somebody else by now.
addEventListener('pageshow', ({ persisted }) => persisted && location.reload());
