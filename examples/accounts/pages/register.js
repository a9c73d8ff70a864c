// The registration. Who is approved at once is logged in at once.

import { ask, leave } from './api.js';
import { onSubmit } from './form.js';

onSubmit(document.querySelector('form'), async ({ email, password }) => {
  const user = await ask('POST', 'register', { email, password });
  if (user.status !== 'approved') return leave('/waiting');
  await ask('POST', 'cookie/login', new URLSearchParams({ username: email, password }));
  return leave('/profile');
});
