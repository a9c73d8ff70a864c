// The owner of an account downloads its data and deletes it.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  IS_FIREFOX, PASSWORD, adminToken, assertAccessible, assertContained, assertErrors, logIn, logInCookies, open, register, run,
  send, update,
} from './support.mjs';

const [ADA, BOB] = ['ada', 'bob'].map((name) => `${name}@example.com`);

const waitForText = (page, sentence) => page.getByText(sentence).waitFor();

async function confirm(page, name, password) {
  const dialog = page.getByRole('dialog');
  if (!await dialog.isVisible()) await page.getByRole('button', { name }).click();
  await dialog.getByLabel('Your password').fill(password);
  await dialog.getByRole('button', { name }).click();
}

/** Returns what a download of `account.json` contains. */
async function downloadedBy(page, action) {
  if (IS_FIREFOX) {
    console.log('skipped: the file of the download (the protocol of Firefox does not tell of it)');
    const answered = page.waitForResponse(/\/me\/export$/);
    await action();
    return (await answered).json();
  }
  const downloaded = page.waitForEvent('download');
  await action();
  const download = await downloaded;
  assert.equal(download.suggestedFilename(), 'account.json');
  return JSON.parse(await readFile(await download.path(), 'utf8'));
}

await run('an owner downloads the data and deletes the account', async (bob, server) => {
  for (const email of [ADA, BOB]) await register(server, email);
  await update(server, await adminToken(server, ADA), 2, { status: 'approved' });
  await logIn(bob, BOB);
  const other = await bob.context().newPage();
  await other.goto('/profile');
  await waitForText(other, 'Where you are logged in');

  await confirm(bob, 'Download data', 'wrong horse');
  await waitForText(bob, 'This is not your current password.');
  assertErrors(bob, /\b403\b/);
  await assertAccessible(bob, 'own_account_dialog', {});
  const data = await downloadedBy(bob, () => confirm(bob, 'Download data', PASSWORD));
  assert.equal(data.account.email, BOB);
  assert.equal(data.sessions.length, 1);
  assert.ok(data.events.some(({ event }) => event === 'account_registered'));
  await waitForText(bob, 'Your data is downloaded.');
  await assertAccessible(bob, 'own_account');

  // The dialog keeps nothing.
  await bob.getByRole('button', { name: 'Delete account' }).click();
  assert.equal(await bob.getByLabel('Your password').inputValue(), '');
  await bob.getByRole('dialog').getByRole('button', { name: 'Cancel' }).click();
  await confirm(bob, 'Delete account', PASSWORD);
  await bob.waitForURL('/login');
  assert.deepEqual(await logInCookies(bob), []);
  // The other tab notices by its stream.
  await other.waitForURL(/\/login/);
  bob.errors.splice(0);
  await bob.goto('/login');
  await send(bob, BOB);
  await waitForText(bob, 'E-mail or password is wrong.');
  assertErrors(bob, /\b401\b/);
  await register(server, BOB);
  assertContained(bob, server);
});

await run('the last admin stays', async (ada, server) => {
  await register(server, ADA);
  await logIn(ada, ADA);
  await confirm(ada, 'Delete account', PASSWORD);
  await waitForText(ada, 'This is the only admin left. Make somebody else an admin first.');
  assertErrors(ada, /\b409\b/);
  await ada.keyboard.press('Escape');
  await ada.reload();
  await waitForText(ada, 'Where you are logged in');
  assert.equal((await logInCookies(ada)).length, 1);
  const again = await open(ada.context().browser(), server.url);
  await logIn(again, ADA);
  assertContained(ada, server);
}, {}, 'dark');

await run('an owner sets a name, which is text', async (bob, server) => {
  for (const email of [ADA, BOB]) await register(server, email);
  await update(server, await adminToken(server, ADA), 2, { status: 'approved' });
  await logIn(bob, BOB);
  const field = bob.getByLabel('Name that others see');
  const name = '<img src=x onerror=alert(1)> שלום';
  for (const [typed, shown] of [[` ${name} `, name], ['', '–'], [name, name]]) {
    await field.fill(typed);
    await bob.getByRole('button', { name: 'Save name' }).click();
    await bob.waitForFunction((text) => document.querySelector('#name').textContent === text, shown);
  }
  await field.fill('\u202enimda');
  await bob.getByRole('button', { name: 'Save name' }).click();
  await waitForText(bob, 'A name has 1 to 64 characters');
  assertErrors(bob, /\b422\b/);
  await assertAccessible(bob, 'display_name');
  await bob.reload();
  await bob.waitForFunction((text) => document.querySelector('#name').textContent === text, name);
  const ada = await open(bob.context().browser(), server.url);
  await logIn(ada, ADA);
  await ada.goto('/users');
  await waitForText(ada, name);
  assert.equal(await ada.locator('th img').count(), 0);
  await assertAccessible(ada, 'display_name_in_list');
  assertContained(bob, server);
  assertContained(ada, server);
});
