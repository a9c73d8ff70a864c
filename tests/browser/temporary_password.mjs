// A password that an admin sets, and that its owner has to change at the next log-in.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertAccessible, assertContained, assertErrors, choose, logIn, logInCookies, open, register,
  run, send, update,
} from './support.mjs';

const [ADA, BOB] = ['ada', 'bob'].map((name) => `${name}@example.com`);
const [TEMPORARY, NEW] = ['temporary staple', 'battery staple'];

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

async function setPassword(page, password) {
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
}

/** Ada, who is the admin and logged in, and Bob, who gets a temporary password. */
async function resetTemporarily(ada, server) {
  for (const email of [ADA, BOB]) await register(server, email);
  await update(server, await adminToken(server, ADA), 2, { status: 'approved' });
  await logIn(ada, ADA);
  await ada.goto('/users');
  await choose(ada, BOB, 'Reset password');
  const dialog = ada.getByRole('dialog');
  assert.ok(await dialog.getByLabel('choose another one').isChecked());
  await assertAccessible(ada, 'temporary_password_dialog', {});
  await setPassword(ada, TEMPORARY);
  await waitForText(ada, `${BOB} has a new password.`);
}

await run('a temporary password leads to a new one', async (ada, server) => {
  await resetTemporarily(ada, server);
  // The admin's own password is no temporary one.
  await choose(ada, ADA, 'Reset password');
  assert.ok(await ada.getByLabel('choose another one').isHidden());
  await ada.keyboard.press('Escape');

  const bob = await open(ada.context().browser(), server.url);
  await bob.goto('/login');
  await send(bob, BOB, TEMPORARY);
  await bob.waitForURL('/reset-password');
  assertErrors(bob, /\b403\b/);
  await waitForText(bob, 'An admin has set the password with which you logged in.');
  assert.deepEqual(await logInCookies(bob), []);
  await assertAccessible(bob, 'temporary_password');
  // Other pages are behind the log-in.
  const other = await bob.context().newPage();
  await other.goto('/profile');
  await other.waitForURL('/login');

  await setPassword(bob, TEMPORARY);
  await waitForText(bob, 'This is the temporary password. Choose another one.');
  assertErrors(bob, /\b422\b/);
  await setPassword(bob, NEW);
  await waitForText(bob, 'Your new password is set');
  assert.ok(await bob.locator('#temporary').isHidden());
  // Nothing to come back to.
  await bob.reload();
  await waitForText(bob, 'This link is incomplete');
  await bob.getByRole('link', { name: 'Log in' }).click();
  await bob.waitForURL('/login');
  await send(bob, BOB, TEMPORARY);
  await waitForText(bob, 'E-mail or password is wrong.');
  assertErrors(bob, /\b401\b/);
  await logIn(bob, BOB, NEW);
  assert.equal((await logInCookies(bob)).length, 1);
  assertContained(bob, server);
  assertContained(ada, server);
});

await run('a temporary password does not mix up accounts of one browser', async (ada, server) => {
  await resetTemporarily(ada, server);
  // In a second tab of the admin's browser, whose log-in stays until the new password is set.
  const tab = await ada.context().newPage();
  await tab.goto('/login?again');
  await send(tab, BOB, TEMPORARY);
  await waitForText(tab, 'An admin has set the password');
  await ada.reload();
  await waitForText(ada, BOB);
  // Another reset ends what the page has.
  const token = await adminToken(server, ADA);
  const reset = await fetch(`${server.url}/api/auth/users/2/reset-password`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify({ password: PASSWORD, must_change: true }),
  });
  assert.equal(reset.status, 200);
  await setPassword(tab, NEW);
  await waitForText(tab, 'This link is not valid any more');
  await tab.goto('/login?again');
  await send(tab, BOB);
  await waitForText(tab, 'An admin has set the password');
  await setPassword(tab, NEW);
  await waitForText(tab, 'Your new password is set');
  // The log-in of this browser was that of Ada, whose password is the same.
  assert.deepEqual(await logInCookies(tab), []);
  await logIn(tab, ADA);
  await logIn(await open(ada.context().browser(), server.url), BOB, NEW);
}, {}, 'dark');
