// Links that verify an address and change it, by mail that the server logs.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertAccessible, assertContained, assertErrors, choose, logIn, logInCookies, open, register,
  row, run, update,
} from './support.mjs';

const [ADA, BOB, NEW] = ['ada', 'bob', 'new'].map((name) => `${name}@example.com`);
const MAIL = { SMTP_URL: 'log' };

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

/** Waits for the mail number `count` of this purpose, and returns its link. */
async function link(server, purpose, count = 1) {
  for (let attempt = 0; attempt < 100; attempt += 1) {
    const links = [...server.log().matchAll(/purpose=(\w+) link="([^"]+)"/g)].filter(([, name]) => name === purpose);
    if (links.length >= count) return links[count - 1][2];
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  return assert.fail(`no mail: ${server.log()}`);
}

await run('a new account is verified by a button, and then approved', async (ada, server) => {
  await register(server, ADA);
  await logIn(ada, ADA);
  await waitForText(ada, 'Your e-mail address is not verified');
  await assertAccessible(ada, 'profile_unverified');
  await ada.getByRole('button', { name: 'Send it again' }).click();
  await waitForText(ada, 'The mail arrives in a few minutes.');
  await link(server, 'VerifyEmail', 2);

  const bob = await open(ada.context().browser(), server.url);
  await bob.goto('/register');
  await bob.getByLabel('E-mail').fill(BOB);
  await bob.getByLabel('Password').fill(PASSWORD);
  await bob.locator('form .primary').click();
  await bob.waitForURL('/waiting');
  await waitForText(bob, 'You get a mail with a link');
  await assertAccessible(bob, 'waiting_unverified');
  const url = await link(server, 'VerifyEmail', 3);
  await ada.goto('/users');
  await ada.getByText('1 account').waitFor();
  assert.equal(await row(ada, BOB).count(), 0);

  // Opening the link verifies nothing; the browser is not logged in.
  await bob.goto(url);
  await bob.getByRole('button', { name: 'Verify address' }).waitFor();
  assert.equal(bob.url(), `${server.url}/verify-email`);
  await assertAccessible(bob, 'verify_email');
  await ada.reload();
  await ada.getByText('1 account').waitFor();
  const token = url.split('#')[1];
  const other = await bob.context().newPage();
  await other.goto(url);
  await bob.getByRole('button', { name: 'Verify address' }).click();
  await waitForText(bob, 'Now an admin has to approve your account');
  await assertAccessible(bob, 'verify_email_done');
  assert.ok(bob.requested.every((requested) => !requested.includes(token)));

  // The other tab has the same link, and offers another one.
  await other.getByRole('button', { name: 'Verify address' }).click();
  await waitForText(other, 'This link is not valid any more');
  await other.getByLabel('E-mail').fill(BOB);
  await other.getByRole('button', { name: 'Send link' }).click();
  await waitForText(other, 'the mail arrives in a few minutes');

  await ada.reload();
  await choose(ada, BOB, 'Approve');
  await waitForText(ada, 'is approved');
  assert.match(await row(ada, ADA).innerText(), /Not verified/);
  assert.doesNotMatch(await row(ada, BOB).innerText(), /Not verified/);
  await assertAccessible(ada, 'users_unverified');
  assertContained(ada, server);
}, { ...MAIL, EMAIL_VERIFICATION: 'before-approval' });

await run('an address is changed by a link to the new one', async (bob, server) => {
  for (const email of [ADA, BOB]) await register(server, email);
  await update(server, await adminToken(server, ADA), 2, { status: 'approved' });
  await logIn(bob, BOB);
  await bob.getByLabel('New e-mail').fill(NEW);
  const password = bob.locator('#own_password');
  await password.fill('wrong horse');
  await bob.getByRole('button', { name: 'Send link' }).click();
  await waitForText(bob, 'This is not your current password.');
  assertErrors(bob, /403/);
  await password.fill(PASSWORD);
  await bob.getByRole('button', { name: 'Send link' }).click();
  await waitForText(bob, `If no other account has it, ${NEW} gets a mail`);
  await assertAccessible(bob, 'profile_email_requested');
  assert.match(server.log(), /to="bob@example.com" purpose=EmailChangeRequested/);
  const url = await link(server, 'ChangeEmail');

  // Ada is logged in, and opens the link of Bob: her own log-in stays.
  const ada = await open(bob.context().browser(), server.url);
  await logIn(ada, ADA);
  await ada.goto(url);
  await ada.getByRole('button', { name: 'Change address' }).waitFor();
  await assertAccessible(ada, 'change_email');
  await ada.getByRole('button', { name: 'Change address' }).click();
  await waitForText(ada, 'Your address is changed');
  assert.equal((await logInCookies(ada)).length, 1);
  await ada.goto('/profile');
  await waitForText(ada, ADA);

  await bob.reload();
  await bob.waitForURL('/login?ended');
  await logIn(bob, NEW);
  await ada.goto('/change-email');
  await waitForText(ada, 'This link is incomplete');
  assertContained(ada, server);
}, { ...MAIL, EMAIL_VERIFICATION: 'on' }, 'dark');
