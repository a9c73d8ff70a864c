// Page that sets a password by a link. The one-time token is in its fragment, which is sent to no server.

import { Refusal, ask } from './api.js';
import { handOn, onSubmit } from './form.js';
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
  for (const note of document.querySelectorAll('#waits, #done')) note.hidden = true;
  form.hidden = token === '';
  if (token) password.focus();
});

onSubmit(form, async ({ password }) => {
  const account = await ask('POST', form.dataset.route, { token, password });
  // This browser may be logged in to another account: the log-in page would lead on to that.
  await logOut();
  token = '';
  form.reset();
  form.hidden = true;
  temporary.hidden = true;
  document.querySelector(account.status === 'pending' ? '#waits' : '#done').hidden = false;
  handOn(account.email);
  document.querySelector('a[data-carry]').focus();
});

async function logOut() {
  try {
    await ask('POST', 'cookie/logout');
  } catch (refusal) {
    if (!(refusal instanceof Refusal)) throw refusal;
  }
}
