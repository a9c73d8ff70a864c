// Page that confirms a change of an address, by the one-time token of its link.

import { ask } from './api.js';
import { onSubmit } from './form.js';
import { onToken } from './link.js';

const form = document.querySelector('form');
const done = document.querySelector('#done');
let token;

// A button, because mail servers open links to scan them.
onToken((found) => {
  token = found;
  document.querySelector('#incomplete').hidden = token !== '';
  form.hidden = token === '';
  done.hidden = true;
});

onSubmit(form, async () => {
  await ask('POST', 'change-email', { token });
  token = '';
  form.hidden = true;
  done.hidden = false;
  document.querySelector('a[href="/login"]').focus();
});
