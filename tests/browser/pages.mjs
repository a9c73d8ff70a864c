// The pages, from the first account to the last log-out.

import assert from 'node:assert/strict';
import {
  assertComplaints, assertContained, logIn, open, register, row, screenshot, send, walk,
} from './support.mjs';

const text = (page, selector) => page.locator(selector).innerText();
const says = (page, sentence) => page.getByText(sentence, { exact: true }).waitFor();
const at = (page) => page.url().replace(/^https?:\/\/[^/]+/, '');

await walk('a second account waits, comes in, and is shut out', async (ada, server) => {
  await ada.goto('/');
  assert.equal(at(ada), '/login');
  await ada.getByRole('link', { name: 'Register' }).click();
  await send(ada, 'Ada@Example.com');
  await ada.waitForURL('/profile');
  await says(ada, 'ada@example.com');
  assert.equal(await text(ada, '#role'), 'Admin');
  assert.ok(await ada.locator('#badge').isHidden());

  const bob = await open(ada.context().browser(), server.url);
  await bob.goto('/register');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  await bob.getByRole('link', { name: 'Log in' }).click();
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  assertComplaints(bob, /\b403\b/);
  await bob.goto('/profile');
  assert.equal(at(bob), '/login');

  await ada.reload();
  await says(ada, '1 waiting for approval');
  await ada.getByRole('link', { name: 'Users 1 waiting for approval' }).click();
  await row(ada, 'bob@example.com').getByRole('button', { name: 'Approve' }).click();
  await says(ada, 'bob@example.com is approved.');
  // The second click of a double click does not disable what the first one approved.
  const before = ada.requested.length;
  await row(ada, 'bob@example.com').getByRole('button', { name: 'Disable' }).hover();
  await ada.mouse.down({ clickCount: 2 });
  await ada.mouse.up({ clickCount: 2 });
  await ada.evaluate(() => fetch('/login'));
  const asked = ada.requested.slice(before);
  assert.ok(!asked.some((url) => url.endsWith('/users/2')), asked.join());
  await row(ada, 'bob@example.com').getByText('Approved').waitFor();
  await ada.locator('#badge').waitFor({ state: 'hidden' });

  await send(bob, 'bob@example.com');
  await bob.waitForURL('/profile');
  await says(bob, 'bob@example.com');
  assert.equal(await text(bob, '#role'), 'Member');
  assert.ok(await bob.locator('#users-link').isHidden());
  assert.equal((await bob.goto('/users')).status(), 403);
  assertComplaints(bob, /\b403\b/);
  await bob.getByRole('link', { name: 'To your profile' }).click();

  await row(ada, 'bob@example.com').getByRole('button', { name: 'Disable' }).click();
  await says(ada, 'bob@example.com is disabled.');
  await bob.getByRole('link', { name: 'Profile' }).click();
  await bob.waitForURL('/login?ended');
  await says(bob, 'You have been logged out. Log in again to go on.');
  await send(bob, 'bob@example.com');
  await says(bob, 'This account is disabled. Only an admin can enable it again.');
  assertComplaints(bob, /\b403\b/);

  await row(ada, 'bob@example.com').getByRole('button', { name: 'Enable' }).click();
  await says(ada, 'bob@example.com is enabled.');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/profile');
  assertContained(ada, server);
  assertContained(bob, server);
});

await walk('what is refused is said in a sentence', async (page, server) => {
  await register(server, 'ada@example.com');
  await page.goto('/login');
  await send(page, 'ada@example.com', 'wrong horse');
  await says(page, 'E-mail or password is wrong.');
  await screenshot(page, 'login_wrong');
  assert.equal(at(page), '/login');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
  await send(page, 'nobody@example.com');
  await says(page, 'E-mail or password is wrong.');
  assertComplaints(page, /\b401\b/, /\b401\b/);
  await page.reload();
  assert.equal(await text(page, '.error'), '');
  // As if the cookie were dropped.
  await page.route('**/api/auth/cookie/login', (route) => route.fulfill({ json: {} }));
  await send(page, 'ada@example.com');
  await page.getByText('Your browser did not keep the log-in.').waitFor();
  assertComplaints(page, /\b401\b/);

  await page.goto('/register');
  await send(page, 'ada@example.com');
  await says(page, 'There is an account with this e-mail already. Log in instead.');
  // Eight code units for the browser, four characters for the server.
  await send(page, 'eve@example.com', '🐎🐎🐎🐎');
  await says(page, 'A password has 8 to 128 characters.');
  await send(page, 'eve@example');
  await says(page, 'This e-mail address cannot be used. It should look like ada@example.com.');
  assertComplaints(page, /\b409\b/, /\b422\b/, /\b422\b/);

  await page.route('**/api/auth/register', (route) => route.abort());
  await send(page, 'eve@example.com');
  await says(page, 'The server cannot be reached. Check your connection and try again.');
  await page.unroute('**/api/auth/register');
  const outage = { status: 503, json: { code: 'unavailable' } };
  await page.route('**/api/auth/register', (route) => route.fulfill(outage));
  await send(page, 'eve@example.com');
  await says(page, 'The server cannot do this right now. Try again in a moment.');
  assertComplaints(page, /ERR_FAILED/, /\b503\b/);
  assertContained(page, server);
});

await walk('an admin does not lock themselves out by accident', async (page, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(page, 'ada@example.com');
  await page.goto('/users');
  const own = row(page, 'ada@example.com you');
  const dialog = page.getByRole('dialog');
  for (const name of ['Disable', 'Make member', 'Delete']) {
    await own.getByRole('button', { name }).click();
    await dialog.getByText('This is your own account.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await own.getByRole('button', { name }).click();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assertComplaints(page);

    await own.getByRole('button', { name }).click();
    await dialog.getByRole('button', { name }).click();
    await says(page, 'This is the only admin left. Make somebody else an admin first.');
    assertComplaints(page, /\b400\b/);
    await page.reload();
    await own.getByText('Approved').waitFor();
  }

  await row(page, 'bob@example.com').getByRole('button', { name: 'Approve' }).click();
  await row(page, 'bob@example.com').getByRole('button', { name: 'Make admin' }).click();
  await dialog.getByRole('button', { name: 'Make admin' }).click();
  await says(page, 'bob@example.com is an admin now.');
  await own.getByRole('button', { name: 'Make member' }).click();
  await dialog.getByRole('button', { name: 'Make member' }).click();
  await page.waitForURL('/profile');
  await page.locator('#role', { hasText: 'Member' }).waitFor();
  assertContained(page, server);
});

await walk('a new password ends the log-in, a deletion the account', async (ada, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(ada, 'ada@example.com');
  await ada.goto('/users');
  await row(ada, 'bob@example.com').getByRole('button', { name: 'Approve' }).click();
  const bob = await open(ada.context().browser(), server.url);
  await says(ada, 'bob@example.com is approved.');
  await logIn(bob, 'bob@example.com');

  await row(ada, 'bob@example.com').getByRole('button', { name: 'Reset password' }).click();
  const dialog = ada.getByRole('dialog');
  await dialog.getByLabel('New password').fill('🐎🐎🐎🐎');
  await dialog.getByRole('button', { name: 'Set password' }).click();
  await dialog.getByText('A password has 8 to 128 characters.').waitFor();
  assertComplaints(ada, /\b422\b/);
  await dialog.getByLabel('New password').fill('battery staple');
  await dialog.getByRole('button', { name: 'Set password' }).click();
  await says(ada, 'bob@example.com has a new password.');
  assert.equal(await ada.locator('#password').inputValue(), '');

  await bob.reload();
  await bob.waitForURL('/login?ended');
  await send(bob, 'bob@example.com');
  await says(bob, 'E-mail or password is wrong.');
  assertComplaints(bob, /\b401\b/);
  await logIn(bob, 'bob@example.com', 'battery staple');

  await row(ada, 'bob@example.com').getByRole('button', { name: 'Delete' }).click();
  await dialog.getByRole('button', { name: 'Delete' }).click();
  await says(ada, 'bob@example.com is deleted.');
  assert.equal(await row(ada, 'bob@example.com').count(), 0);
  await bob.reload();
  await bob.waitForURL('/login?ended');
  assertContained(ada, server);
  assertContained(bob, server);
});

await walk('the back button shows nothing after a log-out', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  await page.getByRole('link', { name: 'Users' }).click();
  await row(page, 'ada@example.com').waitFor();
  await page.reload();
  await row(page, 'ada@example.com').waitFor();
  // The log-in is not before them, and does not come back while they are logged in.
  await page.goBack();
  await page.waitForURL('/profile');
  await page.goForward();
  await page.waitForURL('/users');
  await row(page, 'ada@example.com').waitFor();

  // A browser that kept the page whole would show it without asking.
  const [cookie] = await page.context().cookies();
  await page.context().clearCookies();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await page.waitForURL('/login');
  await page.context().addCookies([cookie]);
  await page.goto('/users');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('/login');
  assert.deepEqual(await page.context().cookies(), []);
  await page.goBack();
  await page.waitForURL('/login');
  assert.doesNotMatch(await page.content(), /ada@example\.com/);
  assertContained(page, server);
});

await walk('a token is where no script finds it', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const [cookie] = await page.context().cookies();
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Lax');
  const seen = await page.evaluate(() => [
    document.cookie, localStorage.length, sessionStorage.length,
  ]);
  assert.deepEqual(seen, ['', 0, 0]);
  assertContained(page, server);
});
