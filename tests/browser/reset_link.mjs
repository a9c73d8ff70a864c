// A new password by a link that an admin hands over.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertAccessible, assertContained, assertErrors, choose, logIn, logInCookies, open, register,
  run, update,
} from './support.mjs';

const [ADA, BOB, EVE] = ['ada', 'bob', 'eve'].map((name) => `${name}@example.com`);
const NEW = 'battery staple';

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

/** Ada, who is the admin, Bob and Eve. */
async function everyone(server) {
  for (const email of [ADA, BOB, EVE]) await register(server, email);
  const token = await adminToken(server, ADA);
  for (const id of [2, 3]) await update(server, token, id, { status: 'approved' });
}

/** Creates a link for an account on the page of users, and returns it. */
async function createLink(page, email) {
  await choose(page, email, 'Reset link');
  const dialog = page.getByRole('dialog');
  await dialog.getByText(email).waitFor();
  assert.ok(await dialog.getByLabel('Link').isHidden());
  await dialog.getByRole('button', { name: 'Create link' }).click();
  await waitForText(page, 'Works once, for 30 minutes.');
  return dialog.getByLabel('Link').inputValue();
}

async function setPassword(page, password) {
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
}

await run('a link sets a new password once', async (ada, server) => {
  await everyone(server);
  await logIn(ada, ADA);
  await ada.goto('/users');
  const link = await createLink(ada, BOB);
  assert.match(link, new RegExp(`^${server.url}/reset-password#[A-Za-z0-9_-]{43}$`));
  await assertAccessible(ada, 'reset_link_dialog');
  await ada.setViewportSize({ width: 320, height: 640 });
  await assertAccessible(ada, 'reset_link_dialog_narrow');
  await ada.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  // It is not kept.
  await choose(ada, BOB, 'Reset link');
  assert.equal(await ada.locator('#link-url').inputValue(), '');
  await ada.keyboard.press('Escape');

  const token = link.split('#')[1];
  const bob = await open(ada.context().browser(), server.url);
  const other = await bob.context().newPage();
  for (const tab of [bob, other]) {
    await tab.goto(link);
    await tab.getByLabel('New password').waitFor();
    assert.equal(tab.url(), `${server.url}/reset-password`);
  }
  await assertAccessible(bob, 'reset_password');
  await setPassword(bob, 'password');
  await waitForText(bob, 'Too many people use this password');
  assertErrors(bob, /422/);
  await setPassword(bob, NEW);
  await waitForText(bob, 'Your new password is set');
  await assertAccessible(bob, 'reset_password_done');
  assert.ok(bob.requested.every((url) => !url.includes(token)));

  // The other tab has the same link.
  await setPassword(other, 'another staple');
  await waitForText(other, 'This link is not valid any more');
  await bob.getByRole('link', { name: 'Log in' }).click();
  await bob.waitForURL('/login');
  await logIn(bob, BOB, NEW);
  // Nothing to come back to.
  await bob.goBack();
  assert.ok(!bob.url().includes(token));
  assertContained(bob, server);
  assertContained(ada, server);
});

await run('a link does not mix up accounts of one browser', async (ada, server) => {
  await everyone(server);
  await logIn(ada, ADA);
  await ada.goto('/users');
  const links = [];
  for (const email of [BOB, EVE]) {
    links.push(await createLink(ada, email));
    await ada.getByRole('dialog').getByRole('button', { name: 'Close' }).click();
  }
  // Eve is logged in, and opens the link of Bob.
  const eve = await open(ada.context().browser(), server.url);
  await logIn(eve, EVE);
  await eve.goto(links[0]);
  await setPassword(eve, NEW);
  await waitForText(eve, 'Your new password is set');
  assert.deepEqual(await logInCookies(eve), []);
  await eve.getByRole('link', { name: 'Log in' }).click();
  await eve.waitForURL('/login');
  await logIn(eve, EVE, PASSWORD);

  // Two links in one tab: the second one counts.
  await eve.goto(links[0]);
  await waitForText(eve, 'Set password');
  await eve.evaluate((link) => { location.href = link; }, links[1]);
  await eve.waitForFunction(() => location.hash === '');
  await setPassword(eve, 'a third staple');
  await waitForText(eve, 'Your new password is set');
  await logIn(eve, EVE, 'a third staple');

  await eve.goto('/reset-password');
  await waitForText(eve, 'This link is incomplete');
  assert.ok(await eve.locator('form').isHidden());
  assertContained(eve, server);
}, {}, 'dark');
