// A new password by a link that is sent by mail. The server logs its mail.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertAccessible, assertContained, logIn, logInCookies, open, register, run, update,
} from './support.mjs';

const [ADA, BOB, EVE] = ['ada', 'bob', 'eve'].map((name) => `${name}@example.com`);
const NEW = 'battery staple';
const MAIL = { SMTP_URL: 'log' };

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

/** Ada, who is the admin, Bob and Eve. */
async function everyone(server) {
  for (const email of [ADA, BOB, EVE]) await register(server, email);
  const token = await adminToken(server, ADA);
  for (const id of [2, 3]) await update(server, token, id, { status: 'approved' });
}

/** Requests a mail on the page for it, from the log-in page. */
async function ask(page, email) {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill(email);
  await page.locator('a[href^="/forgot-password"]').click();
  await page.waitForURL('/forgot-password');
  // Not entered twice.
  assert.equal(await page.getByLabel('E-mail').inputValue(), email);
  await page.getByRole('button', { name: 'Send link' }).click();
  await waitForText(page, 'If there is an account with this address');
}

/** The links in the mails to an address. */
function links(server, email) {
  const lines = server.log().split('\n').filter((line) => line.includes(`to="${email}"`));
  return lines.map((line) => line.match(/link="([^"]+)"/)[1]);
}

/** Waits for the first mail to an address, and returns its link. */
async function linkTo(server, email) {
  for (let waits = 0; links(server, email).length === 0; waits += 1) {
    assert.ok(waits < 100, `no mail to ${email}`);
    await new Promise((resolve) => { setTimeout(resolve, 100); });
  }
  return links(server, email)[0];
}

async function setPassword(page, password) {
  await page.getByLabel('New password').fill(password);
  await page.getByRole('button', { name: 'Set password' }).click();
}

await run('a mail sets a new password once', async (bob, server) => {
  await everyone(server);
  await bob.goto('/forgot-password');
  await assertAccessible(bob, 'forgot_password');
  await ask(bob, BOB);
  await assertAccessible(bob, 'forgot_password_done');
  const link = await linkTo(server, BOB);
  assert.match(link, new RegExp(`^${server.url}/reset-password#[A-Za-z0-9_-]{43}$`));
  const token = link.split('#')[1];

  const other = await bob.context().newPage();
  for (const tab of [bob, other]) {
    await tab.goto(link);
    await tab.getByLabel('New password').waitFor();
    assert.equal(tab.url(), `${server.url}/reset-password`);
  }
  await setPassword(bob, NEW);
  await waitForText(bob, 'Your new password is set');
  // The second tab of the same browser.
  await setPassword(other, 'another staple');
  await waitForText(other, 'This link is not valid any more');
  // The link itself, in a browser of somebody who reads the mail later.
  const late = await open(bob.context().browser(), server.url);
  await late.goto(link);
  await setPassword(late, 'a third staple');
  await waitForText(late, 'This link is not valid any more');

  await bob.getByRole('link', { name: 'Log in' }).click();
  await bob.waitForURL('/login');
  await logIn(bob, BOB, NEW);
  for (let steps = 0; steps < 4; steps += 1) {
    await bob.goBack();
    assert.ok(!bob.url().includes(token));
  }
  assert.ok(bob.requested.every((url) => !url.includes(token)));
  assertContained(bob, server);
}, MAIL);

await run('a mail does not tell who has an account', async (eve, server) => {
  await everyone(server);
  const texts = [];
  for (const email of ['nobody@example.com', BOB]) {
    await ask(eve, email);
    texts.push(await eve.locator('main').innerText());
  }
  assert.equal(texts[0], texts[1]);
  await linkTo(server, BOB);
  assert.deepEqual(links(server, 'nobody@example.com'), []);

  // Who asks again and again sends no further mail, and does not make the first link invalid.
  for (let times = 0; times < 3; times += 1) await ask(eve, BOB);
  // Nor does it end a log-in of Bob.
  const bob = await open(eve.context().browser(), server.url);
  await logIn(bob, BOB);
  await ask(eve, EVE);
  await linkTo(server, EVE);
  assert.equal(links(server, BOB).length, 1);
  await bob.reload();
  assert.equal(bob.url(), `${server.url}/profile`);
  await bob.goto(links(server, BOB)[0]);
  await setPassword(bob, NEW);
  await waitForText(bob, 'Your new password is set');
  assertContained(eve, server);
}, MAIL);

await run('a mail does not mix up accounts of one browser', async (eve, server) => {
  await everyone(server);
  await logIn(eve, EVE);
  const bob = await open(eve.context().browser(), server.url);
  await logIn(bob, BOB);
  const link = await (async () => {
    await ask(await open(eve.context().browser(), server.url), BOB);
    return linkTo(server, BOB);
  })();
  // Eve is logged in here, and Bob opens his mail in this browser.
  await eve.goto(link);
  await setPassword(eve, NEW);
  await waitForText(eve, 'Your new password is set');
  assert.deepEqual(await logInCookies(eve), []);
  // The log-in of Bob elsewhere has ended.
  await bob.goto('/profile');
  await bob.waitForURL(/\/login/);
  // The next log-in is that of Bob, and Eve has her password still.
  await eve.getByRole('link', { name: 'Log in' }).click();
  await eve.waitForURL('/login');
  await logIn(eve, BOB, NEW);
  await waitForText(eve, BOB);
  await logIn(bob, EVE, PASSWORD);
  await waitForText(bob, EVE);
  assertContained(eve, server);
}, MAIL, 'dark');
