// Registration page. An account that is approved at once is logged in at once.

import { leave, logIn, send, withAddress } from './api.js';
import { carryAddress, onSubmit } from './form.js';
import { emailProblem, passwordProblem, watch } from './rules.js';

const form = document.querySelector('form');
const { email, password } = form.elements;
carryAddress(email);
watch(email, document.querySelector('#email-hint'), emailProblem);
watch(password, document.querySelector('#password-hint'), (text) => passwordProblem(text, email.value), { live: true });

onSubmit(form, async ({ email, password = '', bootstrap_secret = '' }) => {
  const user = await send('/register', { email, password, bootstrap_secret });
  if (!user.status) {
    // By mail: the answer is the same for every address.
    form.hidden = true;
    document.querySelector('.lead').hidden = true;
    document.querySelector('#mailed').hidden = false;
    return undefined;
  }
  return user.status === 'approved' ? logIn(email, password) : leave(withAddress('/waiting', email));
});
