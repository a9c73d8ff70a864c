// Page that requests a mail for a new password.

import { ask } from './api.js';
import { carryAddress, onSubmit } from './form.js';

const form = document.querySelector('form');
carryAddress(form.elements.email);

onSubmit(form, async ({ email }) => {
  await ask('POST', 'forgot-password', { email });
  form.hidden = true;
  document.querySelector('#done').hidden = false;
});
