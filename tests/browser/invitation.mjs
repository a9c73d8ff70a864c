// Invitations, by a link that is handed over and by mail; registration by mail, and closed.

import assert from 'node:assert/strict';
import {
  adminToken, assertAccessible, assertContained, assertErrors, choose, chooseAndConfirm, logIn, logInCookies, open,
  register, row, run, update,
} from './support.mjs';

const [ADA, BOB, EVE] = ['ada', 'bob', 'eve'].map((name) => `${name}@example.com`);
const OWN = 'battery staple';

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

/** Invites an address on the page of users. */
async function invite(page, email, isAdmin = false) {
  await page.getByRole('button', { name: 'Invite', exact: true }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('E-mail').fill(email);
  if (isAdmin) await dialog.getByLabel('As an admin').check();
  await dialog.getByRole('button', { name: 'Invite' }).click();
  return dialog;
}

async function setPassword(page, password) {
  await page.getByLabel('Password', { exact: true }).fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
}

/** The last link in the log of the server. */
async function loggedLink(server, count) {
  const find = () => [...server.log().matchAll(/link="([^"]*)"/g)];
  for (let tries = 0; find().length < count; tries += 1) {
    assert.ok(tries < 100, 'no mail');
    await new Promise((resolve) => { setTimeout(resolve, 50); });
  }
  return find().at(-1)[1];
}

await run('an invitation makes an account by a link', async (ada, server) => {
  await register(server, ADA);
  await register(server, EVE);
  const token = await adminToken(server, ADA);
  await update(server, token, 2, { status: 'approved' });
  await logIn(ada, ADA);
  await ada.goto('/users');
  const dialog = await invite(ada, BOB, true);
  await waitForText(ada, 'It works once, for 7 days.');
  const first = await dialog.getByLabel('Link').inputValue();
  assert.match(first, new RegExp(`^${server.url}/accept-invitation#[A-Za-z0-9_-]{43}$`));
  await assertAccessible(ada, 'invitation_dialog');
  await dialog.getByRole('button', { name: 'Close' }).click();
  await row(ada, BOB).getByText('Not activated').waitFor();
  await assertAccessible(ada, 'users_not_activated');
  assert.ok(await ada.locator('#badge').isHidden());

  // It is not kept, and another one replaces it.
  await choose(ada, BOB, 'Invite again');
  assert.equal(await dialog.getByLabel('E-mail').inputValue(), BOB);
  await dialog.getByRole('button', { name: 'Invite' }).click();
  await waitForText(ada, 'It works once, for 7 days.');
  const link = await dialog.getByLabel('Link').inputValue();
  assert.notEqual(link, first);
  await ada.keyboard.press('Escape');
  await invite(ada, EVE);
  await waitForText(ada, 'There is an account with this e-mail already.');
  assertErrors(ada, /409/);
  await ada.keyboard.press('Escape');

  // Eve is logged in, and opens the links of Bob.
  const eve = await open(ada.context().browser(), server.url);
  await logIn(eve, EVE);
  await eve.goto(first);
  await setPassword(eve, OWN);
  await waitForText(eve, 'This link is not valid any more');
  assertErrors(eve, /400/);
  await eve.goto('about:blank');
  await eve.goto(link);
  await eve.getByRole('heading', { name: 'Welcome' }).waitFor();
  assert.equal(eve.url(), `${server.url}/accept-invitation`);
  await assertAccessible(eve, 'accept_invitation');
  await setPassword(eve, OWN);
  await waitForText(eve, 'Your password is set: log in');
  await assertAccessible(eve, 'accept_invitation_done');
  assert.deepEqual(await logInCookies(eve), []);
  assert.ok(eve.requested.every((url) => !url.includes(link.split('#')[1])));
  await eve.getByRole('link', { name: 'Log in' }).click();
  await eve.waitForURL('/login');
  assert.equal(await eve.getByLabel('E-mail').inputValue(), BOB);
  await logIn(eve, BOB, OWN);
  await eve.goto('/users');
  await row(eve, ADA).waitFor();

  await invite(ada, 'paul@example.com');
  await waitForText(ada, 'It works once, for 7 days.');
  await ada.keyboard.press('Escape');
  await chooseAndConfirm(ada, 'paul@example.com', 'Revoke');
  await row(ada, 'paul@example.com').getByText('Deleted').waitFor();
  assertContained(ada, server);
  assertContained(eve, server);
});

await run('users register by mail', async (page, server) => {
  const register = async (email) => {
    await page.goto('/register');
    assert.ok(await page.getByLabel('Password').isHidden());
    await page.getByLabel('E-mail').fill(email);
    await page.locator('form .primary').click();
    await waitForText(page, 'See your mail');
  };
  await page.goto('/register');
  await assertAccessible(page, 'register_by_mail');
  await register(ADA);
  await assertAccessible(page, 'register_by_mail_done');
  await page.goto(await loggedLink(server, 1));
  await setPassword(page, OWN);
  await waitForText(page, 'Your password is set: log in');
  await logIn(page, ADA, OWN);

  // Another browser; the same answer for an address that has an account.
  const bob = await open(page.context().browser(), server.url);
  await bob.goto('/register');
  for (const email of [ADA, BOB]) {
    await bob.goto('/register');
    await bob.getByLabel('E-mail').fill(email);
    await bob.locator('form .primary').click();
    await waitForText(bob, 'See your mail');
  }
  // The second mail to one address within five minutes is not sent.
  const link = await loggedLink(server, 2);
  await bob.goto(link);
  await setPassword(bob, OWN);
  await waitForText(bob, 'Your account waits until an admin approves it.');
  await assertAccessible(bob, 'complete_registration_waits');
  await page.goto('/users');
  await choose(page, BOB, 'Approve');
  await waitForText(page, `${BOB} is approved.`);
  await logIn(bob, BOB, OWN);

  // An invitation is sent, and shows no link.
  await invite(page, EVE);
  await waitForText(page, `${EVE} is invited.`);
  assert.match(await loggedLink(server, 3), /\/accept-invitation#/);
  assertContained(page, server);
  assertContained(bob, server);
}, { REGISTRATION: 'by-mail', SMTP_URL: 'log' });

await run('closed registration is for the first admin only', async (page, server) => {
  await page.goto('/login');
  assert.ok(await page.getByRole('link', { name: 'Register' }).isHidden());
  await page.goto('/register');
  assert.ok(await page.getByLabel('Password', { exact: true }).isVisible());
  await register(server, ADA);
  await page.goto('/register');
  await waitForText(page, 'Registration is closed.');
  assert.ok(await page.locator('form').isHidden());
  await assertAccessible(page, 'register_closed');
  assertContained(page, server);
}, { REGISTRATION: 'closed' }, 'dark');
