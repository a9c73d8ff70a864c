// Log-in, log-out and registration in a browser without JavaScript.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertErrors, assertContained, logInCookies, openWithoutScripts, register, screenshot, send, update, run,
} from './support.mjs';

await run('forms work without JavaScript', async (start, server) => {
  const visit = () => openWithoutScripts(start.context().browser(), server.url);
  const ada = await visit();
  await ada.goto('/register');
  await send(ada, 'ada@example.com');
  await ada.waitForURL('/profile');
  await screenshot(ada, 'profile_without_scripts');
  await ada.getByRole('button', { name: 'Log out' }).click();
  await ada.waitForURL('/login');
  assert.deepEqual(await logInCookies(ada), []);

  await ada.goto('/users');
  await ada.waitForURL('/login?next=%2Fusers');
  await send(ada, 'ada@example.com', 'wrong horse');
  await ada.getByText('E-mail or password is wrong.').waitFor();
  assert.equal(await ada.getByLabel('E-mail').inputValue(), 'ada@example.com');
  assert.equal(await ada.getByLabel('Password').inputValue(), '');
  await screenshot(ada, 'login_without_scripts');
  assertErrors(ada, /\b401\b/);
  await ada.getByLabel('Password').fill(PASSWORD);
  await ada.getByLabel('Password').press('Enter');
  await ada.waitForURL('/users');

  const bob = await visit();
  await bob.goto('/register');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  await bob.getByRole('link', { name: 'Log in' }).click();
  await bob.waitForURL('/login');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  await update(server, await adminToken(server, 'ada@example.com'), 2, { status: 'approved' });
  await bob.reload();
  await bob.waitForURL('/login');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/profile');

  const eve = await visit();
  await eve.goto('/register');
  await send(eve, 'bob@example.com');
  await eve.getByText('There is an account with this e-mail already.').waitFor();
  assertErrors(eve, /\b409\b/);
  assertContained(ada, server);
  assertContained(bob, server);
});

await run('the script that does not load leaves forms that work', async (page, server) => {
  await register(server, 'ada@example.com');
  await page.route('**/pages/*.js', (route) => route.abort());
  await page.goto('/login');
  await send(page, 'ada@example.com');
  await page.waitForURL('/profile');
});
