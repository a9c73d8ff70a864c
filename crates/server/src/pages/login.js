// Log-in page.

import { logIn } from './api.js';
import { onSubmit } from './form.js';

document.querySelector('#ended').hidden = location.search !== '?ended';

onSubmit(document.querySelector('form'), ({ username, password }) => logIn(username, password));
