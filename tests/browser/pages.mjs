// The pages, from the first account to the last log-out.

import assert from 'node:assert/strict';
import {
  assertAccessible, assertErrors, assertContained, choose, chooseAndConfirm, logIn, logInCookies, open, register, row,
  screenshot, send, run,
} from './support.mjs';

const text = (page, selector) => page.locator(selector).innerText();
const waitForText = (page, sentence) => page.getByText(sentence, { exact: true }).waitFor();
const at = (page) => page.url().replace(/^https?:\/\/[^/]+/, '');

/** The page asked whether it is still logged in, and the answers were 401. */
function assertLoggedOut(page) {
  assertErrors(page, ...page.errors.map(() => /\b401\b/));
}

await run('a second account is approved, disabled and enabled', async (ada, server) => {
  await ada.goto('/');
  assert.equal(at(ada), '/login');
  await ada.getByRole('link', { name: 'Register' }).click();
  await send(ada, 'Ada@Example.com');
  await ada.waitForURL('/profile');
  await waitForText(ada, 'ada@example.com');
  assert.equal(await text(ada, '#role'), 'Admin');
  assert.ok(await ada.locator('#badge').isHidden());

  const bob = await open(ada.context().browser(), server.url);
  await bob.goto('/register');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  await bob.getByRole('link', { name: 'Log in' }).click();
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');
  assertErrors(bob, /\b403\b/);
  await bob.goto('/profile');
  assert.equal(at(bob), '/login');

  await ada.reload();
  await waitForText(ada, '1 waiting for approval');
  await ada.getByRole('link', { name: 'Users 1 waiting for approval' }).click();
  await choose(ada, 'bob@example.com', 'Approve');
  await waitForText(ada, 'bob@example.com is approved.');
  await row(ada, 'bob@example.com').getByText('Approved').waitFor();
  await ada.locator('#badge').waitFor({ state: 'hidden' });

  await send(bob, 'bob@example.com');
  await bob.waitForURL('/profile');
  await waitForText(bob, 'bob@example.com');
  assert.equal(await text(bob, '#role'), 'Member');
  assert.ok(await bob.locator('#users-link').isHidden());
  assert.equal((await bob.goto('/users')).status(), 403);
  assertErrors(bob, /\b403\b/);
  await bob.getByRole('link', { name: 'To your profile' }).click();

  await chooseAndConfirm(ada, 'bob@example.com', 'Disable');
  await waitForText(ada, 'bob@example.com is disabled.');
  await bob.waitForURL('/login?ended');
  assertLoggedOut(bob);
  await waitForText(bob, 'You have been logged out. Log in again to go on.');
  await send(bob, 'bob@example.com');
  await waitForText(bob, 'This account is disabled. Only an admin can enable it again.');
  assertErrors(bob, /\b403\b/);

  await choose(ada, 'bob@example.com', 'Enable');
  await waitForText(ada, 'bob@example.com is enabled.');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/profile');
  assertContained(ada, server);
  assertContained(bob, server);
});

await run('errors are shown as text', async (page, server) => {
  await register(server, 'ada@example.com');
  await page.goto('/login');
  await send(page, 'ada@example.com', 'wrong horse');
  await waitForText(page, 'E-mail or password is wrong.');
  await screenshot(page, 'login_wrong');
  assert.equal(at(page), '/login');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
  await send(page, 'unknown@example.com');
  await waitForText(page, 'E-mail or password is wrong.');
  assertErrors(page, /\b401\b/, /\b401\b/);
  await page.reload();
  assert.equal(await text(page, '.error'), '');
  // As if the cookie were dropped.
  await page.route('**/login', (route) => (
    route.request().method() === 'POST' ? route.fulfill({ json: {} }) : route.fallback()));
  await send(page, 'ada@example.com');
  await page.getByText('Your browser did not keep the log-in.').waitFor();
  assertErrors(page, /\b401\b/);

  await page.goto('/register');
  await send(page, 'ada@example.com');
  await waitForText(page, 'There is an account with this e-mail already. Log in instead.');
  // Eight code units for the browser, four characters for the server.
  await send(page, 'eve@example.com', '🐎🐎🐎🐎');
  await waitForText(page, 'A password has 8 to 128 characters.');
  await send(page, 'eve@example');
  await waitForText(page, 'This e-mail address cannot be used. It should look like ada@example.com.');
  assertErrors(page, /\b409\b/, /\b422\b/, /\b422\b/);

  await page.route('**/register', (route) => route.abort());
  await send(page, 'eve@example.com');
  await waitForText(page, 'The server cannot be reached. Check your connection and try again.');
  await page.unroute('**/register');
  const outage = { status: 503, json: { code: 'unavailable' } };
  await page.route('**/register', (route) => route.fulfill(outage));
  await send(page, 'eve@example.com');
  await waitForText(page, 'The server cannot do this right now. Try again in a moment.');
  assertErrors(page, /ERR_FAILED/, /\b503\b/);
  assertContained(page, server);
});

await run('admins confirm changes of their own account', async (page, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(page, 'ada@example.com');
  await page.goto('/users');
  const own = row(page, 'ada@example.com you');
  const dialog = page.getByRole('dialog');
  for (const name of ['Disable', 'Make member', 'Delete']) {
    await choose(page, 'ada@example.com you', name);
    await dialog.getByText('This is your own account.').waitFor();
    await dialog.getByRole('button', { name: 'Cancel' }).click();
    await choose(page, 'ada@example.com you', name);
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'hidden' });
    assertErrors(page);

    await chooseAndConfirm(page, 'ada@example.com you', name);
    await waitForText(page, 'This is the only admin left. Make somebody else an admin first.');
    assertErrors(page, /\b400\b/);
    await page.reload();
    await own.getByText('Approved').waitFor();
  }

  await choose(page, 'bob@example.com', 'Approve');
  await chooseAndConfirm(page, 'bob@example.com', 'Make admin');
  await waitForText(page, 'bob@example.com is an admin now.');
  await chooseAndConfirm(page, 'ada@example.com you', 'Make member');
  await page.waitForURL('/profile');
  await page.locator('#role', { hasText: 'Member' }).waitFor();
  assertContained(page, server);
});

await run('an admin logs in again where a recent log-in is required', async (page, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(page, 'ada@example.com');
  await page.goto('/users?status=pending');
  const tooOld = { status: 401, json: { code: 'insufficient_user_authentication' } };
  await page.route('**/api/auth/users/2', (route) => route.fulfill(tooOld), { times: 1 });
  await choose(page, 'bob@example.com', 'Approve');
  await page.waitForURL('/login?again&next=%2Fusers%3Fstatus%3Dpending');
  await waitForText(page, 'Your last log-in was too long ago for this. Log in again to go on.');
  assert.equal(await page.locator('#ended').isVisible(), false);
  assertErrors(page, /\b401\b/);
  await assertAccessible(page, 'login_again');

  await send(page, 'ada@example.com', 'wrong horse');
  await waitForText(page, 'E-mail or password is wrong.');
  assertErrors(page, /\b401\b/);
  await send(page, 'ada@example.com');
  await page.waitForURL('/users?status=pending');
  await choose(page, 'bob@example.com', 'Approve');
  await waitForText(page, 'bob@example.com is approved.');
  assertContained(page, server);
}, { ADMIN_LOGIN_AGE: '15m' });

await run('password reset and deletion log the user out', async (ada, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(ada, 'ada@example.com');
  await ada.goto('/users');
  await choose(ada, 'bob@example.com', 'Approve');
  const bob = await open(ada.context().browser(), server.url);
  await waitForText(ada, 'bob@example.com is approved.');
  await logIn(bob, 'bob@example.com');

  await choose(ada, 'bob@example.com', 'Reset password');
  const dialog = ada.getByRole('dialog');
  await dialog.getByLabel('choose another one').uncheck();
  await dialog.getByLabel('New password').fill('🐎🐎🐎🐎');
  await dialog.getByRole('button', { name: 'Set password' }).click();
  await dialog.getByText('A password has 8 to 128 characters.').waitFor();
  assertErrors(ada, /\b422\b/);
  await dialog.getByLabel('New password').fill('battery staple');
  await dialog.getByRole('button', { name: 'Set password' }).click();
  await waitForText(ada, 'bob@example.com has a new password.');
  assert.equal(await ada.locator('#password').inputValue(), '');

  await bob.waitForURL('/login?ended');
  assertLoggedOut(bob);
  await send(bob, 'bob@example.com');
  await waitForText(bob, 'E-mail or password is wrong.');
  assertErrors(bob, /\b401\b/);
  await logIn(bob, 'bob@example.com', 'battery staple');

  await chooseAndConfirm(ada, 'bob@example.com', 'Delete');
  await waitForText(ada, 'bob@example.com is deleted.');
  await row(ada, 'bob@example.com').getByText('Deleted').waitFor();
  await ada.reload();
  await row(ada, 'ada@example.com').waitFor();
  assert.equal(await row(ada, 'bob@example.com').count(), 0);
  await bob.waitForURL('/login?ended');
  assertLoggedOut(bob);
  assertContained(ada, server);
  assertContained(bob, server);
});

await run('the back button shows no data after a log-out', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  await page.getByRole('link', { name: 'Users' }).click();
  await row(page, 'ada@example.com').waitFor();
  await page.reload();
  await row(page, 'ada@example.com').waitFor();
  // The log-in page is not in the history, and redirects while the user is logged in.
  await page.goBack();
  await page.waitForURL('/profile');
  await page.goForward();
  await page.waitForURL('/users');
  await row(page, 'ada@example.com').waitFor();

  // A browser with the page in its back/forward cache would show it without a request.
  const [cookie] = await logInCookies(page);
  await page.context().clearCookies();
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true })));
  await page.waitForURL('/login?next=%2Fusers');
  await page.context().addCookies([cookie]);
  await page.goto('/users');

  await page.getByRole('button', { name: 'Log out' }).click();
  await page.waitForURL('/login');
  assert.deepEqual(await logInCookies(page), []);
  await page.goBack();
  await page.waitForURL('/login?next=%2Fusers');
  assert.doesNotMatch(await page.content(), /ada@example\.com/);
  assertContained(page, server);
});

await run('a log-out that takes long is not told as an ended log-in', async (page, server) => {
  for (const name of ['ada', 'bob']) await register(server, `${name}@example.com`);
  await page.addInitScript(() => {
    window.EventSource = class extends EventSource {
      constructor(url) {
        super(url);
        window.stream = this;
      }
    };
  });
  // The event stream ends before the response arrives.
  await page.route(/\/(cookie\/logout|logout-all)$/, async (route) => {
    const response = await route.fetch();
    await page.evaluate(() => window.stream.dispatchEvent(new Event('error')));
    await new Promise((resolve) => { setTimeout(resolve, 500); });
    await route.fulfill({ response });
  });
  for (const button of ['Log out', 'Log out everywhere']) {
    await logIn(page, 'ada@example.com');
    await page.reload();
    await page.locator('#badge').waitFor();
    await page.getByRole('button', { name: button, exact: true }).click();
    await page.waitForURL(/\/login/);
    assert.equal(new URL(page.url()).search, '', button);
  }
});

await run('scripts cannot read the token', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const [cookie] = await logInCookies(page);
  assert.equal(cookie.httpOnly, true);
  assert.equal(cookie.sameSite, 'Lax');
  const seen = await page.evaluate(() => [
    document.cookie, localStorage.length, sessionStorage.length,
  ]);
  assert.deepEqual(seen, ['', 0, 0]);
  assertContained(page, server);
});
