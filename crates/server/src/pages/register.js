// Registration page. An account that is approved at once is logged in at once.

import { ask, leave, logIn } from './api.js';
import { onSubmit } from './form.js';

onSubmit(document.querySelector('form'), async ({ email, password, bootstrap_secret }) => {
  const secret = bootstrap_secret?.trim();
  const user = await ask('POST', 'register', {
    email, password, ...(secret && { bootstrap_secret: secret }),
  });
  return user.status === 'approved' ? logIn(email, password) : leave('/waiting');
});
