// Page of users that wait for approval: asks for the status, less and less often.

import { handOn } from './form.js';

const email = new URLSearchParams(location.hash.slice(1)).get('email');
handOn(email);
history.replaceState(null, '', location.pathname);

let delay = 3_000;
let timer = setTimeout(look, delay);

// Users come back to see whether they are approved.
document.addEventListener('visibilitychange', () => {
  clearTimeout(timer);
  if (!document.hidden) look();
});

async function look() {
  const status = await current();
  if (status === 'pending') {
    delay = Math.min(delay * 1.5, 60_000);
    if (!document.hidden) timer = setTimeout(look, delay);
  } else if (status !== 'unknown') {
    for (const name of ['waiting', 'rejected', 'approved']) {
      document.getElementById(name).hidden = name !== status;
    }
  }
}

/** Returns `pending` if the server cannot be reached or cannot answer. */
async function current() {
  try {
    const response = await fetch('/waiting/status', { cache: 'no-store' });
    return response.ok ? (await response.json()).status : 'pending';
  } catch {
    return 'pending';
  }
}
