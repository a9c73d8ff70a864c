// Page for a new password. The one-time token is in the fragment of its link, which is sent to no server.

import { Refusal, ask } from './api.js';
import { onSubmit } from './form.js';
import { onToken } from './link.js';
import { passwordProblem, watch } from './rules.js';

const form = document.querySelector('form');
const temporary = document.querySelector('#temporary');
const { password } = form.elements;
let token;

watch(password, document.querySelector('#password-hint'), (text) => passwordProblem(text, ''), { live: true });
onToken((found, parameters) => {
  token = found;
  // The log-in leads here if an admin has set the password.
  temporary.hidden = !parameters.has('temporary');
  document.querySelector('#incomplete').hidden = token !== '';
  document.querySelector('#done').hidden = true;
  form.hidden = token === '';
  if (token) password.focus();
});

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
