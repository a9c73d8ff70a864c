// Log-in page.

import { logIn } from './api.js';
import { carryAddress, onSubmit } from './form.js';

const PUBLIC = new Set(['/login', '/register', '/forgot-password', '/reset-password', '/verify-email', '/change-email', '/accept-invitation', '/complete-registration', '/waiting', '/logout']);

if (hasExpired()) document.querySelector('#ended').hidden = false;

carryAddress(document.querySelector('#email'));
if (document.querySelector('#email').value) document.querySelector('#password').focus();

onSubmit(document.querySelector('form'), ({ username, password }) => logIn(username, password));

/**
 * Returns `true` if the server redirected here from a page behind the log-in, which was reloaded or
 * which another such page opened. The browser drops an expired cookie, so that the server cannot
 * know that there was one.
 */
function hasExpired() {
  const [{ type, redirectCount }] = performance.getEntriesByType('navigation');
  if (redirectCount === 0) return false;
  const from = document.referrer && new URL(document.referrer);
  const byMember = from && from.origin === location.origin && !PUBLIC.has(from.pathname);
  return type === 'reload' || (type === 'navigate' && byMember);
}
