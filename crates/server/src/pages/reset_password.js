// Page for a new password. The one-time token is in the fragment of its link, which is sent to no server.

import { Refusal, ask } from './api.js';
import { onSubmit } from './form.js';
import { passwordProblem, watch } from './rules.js';

const form = document.querySelector('form');
const temporary = document.querySelector('#temporary');
const { password } = form.elements;
let token;

watch(password, document.querySelector('#password-hint'), (text) => passwordProblem(text, ''), { live: true });
takeToken();
// Another link that is opened in this tab.
addEventListener('hashchange', () => location.hash && takeToken());

/** Takes the token out of the address, and so out of the history. */
function takeToken() {
  token = location.hash.slice(1);
  // The log-in leads here if an admin has set the password.
  temporary.hidden = !new URLSearchParams(location.search).has('temporary');
  history.replaceState(null, '', location.pathname);
  document.querySelector('#incomplete').hidden = token !== '';
  document.querySelector('#done').hidden = true;
  form.hidden = token === '';
  if (token) password.focus();
}

onSubmit(form, async ({ password }) => {
  await ask('POST', 'reset-password', { token, password });
  // This browser may be logged in to another account: the log-in page would lead on to that.
  await logOut();
  token = '';
  form.reset();
  form.hidden = true;
  temporary.hidden = true;
  document.querySelector('#done').hidden = false;
  document.querySelector('a[href="/login"]').focus();
});

async function logOut() {
  try {
    await ask('POST', 'cookie/logout');
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
  }
}
