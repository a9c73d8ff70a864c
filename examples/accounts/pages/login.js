// The log-in. The token goes into a cookie that no script sees.

import { ask, leave } from './api.js';
import { onSubmit } from './form.js';

document.querySelector('#ended').hidden = location.search !== '?ended';

onSubmit(document.querySelector('form'), async (fields) => {
  await ask('POST', 'cookie/login', new URLSearchParams(fields));
  return leave('/profile');
});
