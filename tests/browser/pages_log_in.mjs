// Log-in, registration and the wait for approval.

import assert from 'node:assert/strict';
import {
  PASSWORD, adminToken, assertAccessible, assertErrors, assertContained, logIn, open, register, replace, run, send,
  update,
} from './support.mjs';

const at = (page) => page.url().replace(/^https?:\/\/[^/]+/, '');
const hint = (page, id, text) => page.locator(`#${id}`, { hasText: text }).waitFor();

const EMAILS = [
  'ada@example.com', 'Ada@Example.COM', "o'brien@example.com", 'a.b+c@x-y.example.com', 'a@b.xn--p1ai', 'a@1.co',
  `${'a'.repeat(64)}@example.com`, `${'a'.repeat(65)}@example.com`, `a@${'b'.repeat(63)}.com`, `a@${'b'.repeat(64)}.com`,
  `a@${`${'b'.repeat(60)}.`.repeat(4)}example`, `a@${`${'b'.repeat(60)}.`.repeat(4)}com`,
  'ada', 'ada@', '@example.com', 'ada@example', 'ada@example.c', 'ada@example.c0m', 'ada@example.123', 'a@b.xn--',
  'ada@-x.com', 'ada@x-.com', 'ada@x..com', 'ada@.com', 'ada@x.com.', '.ada@x.com', 'ada.@x.com', 'a..b@x.com',
  'a b@x.com', 'a@b@x.com', '"a"@x.com', 'ä@x.com', 'a@ä.com', 'a@x.cöm', 'a@\u212A.com', 'a(b)@x.com', 'a,b@x.com',
];

const PASSWORDS = [
  'short', '1234567', 'eight ch', '🐎🐎🐎🐎', '🐎🐎🐎🐎🐎🐎🐎a', 'aaaaaaaa', '        ', '🐎'.repeat(9), 'x1'.repeat(64), `${'x1'.repeat(64)}x`,
  'ada.l@example.com', 'ADA.L@EXAMPLE.COM', 'correct horse', ' leading and trailing ',
];

await run('a log-in leads to the page that was wanted', async (page, server) => {
  await register(server, 'ada@example.com');
  await page.goto('/users?status=pending');
  assert.equal(at(page), '/login?next=%2Fusers%3Fstatus%3Dpending');
  await send(page, 'ada@example.com');
  await page.waitForURL('/users?status=pending');
  for (const next of ['//evil.example', '/%5Cevil.example', 'https:%2F%2Fevil.example', '/%09/evil.example', '']) {
    await page.goto('about:blank');
    await page.context().clearCookies();
    await page.goto(`/login?next=${next}`);
    await send(page, 'ada@example.com');
    await page.waitForURL('/profile');
    // A user who is logged in is redirected.
    await page.goto(`/register?next=${next}`);
    assert.equal(at(page), '/profile');
  }
  await page.goto('/users/');
  assert.equal(at(page), '/users');
  assertContained(page, server);
});

await run('the address is handed on, and in no request', async (page, server) => {
  await page.goto('/login');
  await page.getByLabel('E-mail').fill('ada+x@example.com');
  await page.getByRole('link', { name: 'Register' }).click();
  await page.waitForURL('/register');
  assert.equal(await page.getByLabel('E-mail').inputValue(), 'ada+x@example.com');
  await page.getByRole('link', { name: 'Log in' }).click();
  await page.waitForURL('/login');
  assert.equal(await page.getByLabel('E-mail').inputValue(), 'ada+x@example.com');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'password');
  await page.locator('summary').click();
  await page.getByText('Ask an admin for a link').waitFor();
  await assertAccessible(page, 'login_without_password');
  assertContained(page, server);
});

await run('a password can be shown, and is hidden when it is sent', async (page, server) => {
  await register(server, 'ada@example.com');
  await page.goto('/login');
  const field = page.getByLabel('Password');
  await field.fill('wrong horse');
  await page.getByRole('button', { name: 'Show password' }).click();
  assert.equal(await field.getAttribute('type'), 'text');
  await assertAccessible(page, 'login_shown');
  await page.getByRole('button', { name: 'Hide password' }).click();
  assert.equal(await field.getAttribute('type'), 'password');
  await page.getByRole('button', { name: 'Show password' }).click();
  await send(page, 'ada@example.com', 'wrong horse');
  await page.getByText('E-mail or password is wrong.').waitFor();
  assert.equal(await field.getAttribute('type'), 'password');
  assertErrors(page, /\b401\b/);
});

await run('the form to register tells what is wrong while one types', async (page, server) => {
  await page.goto('/register');
  const email = page.getByLabel('E-mail');
  const password = page.getByLabel('Password');
  await email.pressSequentially('ada@example');
  // Not before the end.
  await page.waitForTimeout(500);
  assert.equal(await page.locator('#email-hint').innerText(), '');
  await password.focus();
  await hint(page, 'email-hint', 'It should look like ada@example.com.');
  assert.equal(await email.getAttribute('aria-invalid'), 'true');
  await password.pressSequentially('🐎🐎🐎🐎');
  await hint(page, 'password-hint', '4 of at least 8 characters.');
  await assertAccessible(page, 'register_hints');
  await replace(email, 'ada@example.com');
  await page.locator('#email-hint:empty').waitFor({ state: 'attached' });
  assert.equal(await email.getAttribute('aria-invalid'), null);
  await password.fill('Ada@Example.com');
  await hint(page, 'password-hint', 'This is your e-mail address.');
  await password.fill('🐎'.repeat(129));
  await hint(page, 'password-hint', '129 characters: 128 are allowed.');
  await password.fill('🐎'.repeat(8));
  await hint(page, 'password-hint', 'This is a single character, repeated.');
  await password.fill(PASSWORD);
  await hint(page, 'password-hint', 'At least 8 characters.');

  // The same rules as the server's.
  const ours = await page.evaluate(async ([emails, passwords]) => {
    const { emailProblem, passwordProblem } = await import('/pages/rules.js');
    return [emails.map((text) => emailProblem(text) === ''),
      passwords.map((text) => passwordProblem(text, 'ada.l@example.com') === '')];
  }, [EMAILS, PASSWORDS]);
  const accepts = async (email, password, field) => {
    const answer = await fetch(`${server.url}/api/auth/register`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email, password }),
    });
    if (answer.status !== 422) return true;
    const { detail } = await answer.json();
    return !detail.some(({ loc }) => loc[1] === field);
  };
  for (const [index, email] of EMAILS.entries()) {
    assert.equal(ours[0][index], await accepts(email, 'short', 'email'), email);
  }
  for (const [index, password] of PASSWORDS.entries()) {
    assert.equal(ours[1][index], await accepts('ada.l@example.com', password, 'password'), password);
  }
  assertContained(page, server);
});

await run('too many attempts have to wait, which is counted down', async (page, server) => {
  await page.goto('/login');
  let posts = 0;
  await page.route('**/login', (route) => {
    if (route.request().method() !== 'POST') return route.fallback();
    posts += 1;
    return route.fulfill({ status: 429, headers: { 'retry-after': '3' }, json: { code: 'too_many_requests' } });
  });
  await send(page, 'ada@example.com');
  await page.getByText('Too many attempts. Try again in 3 seconds.', { exact: true }).waitFor();
  const button = page.locator('form .primary');
  assert.ok(await button.isDisabled());
  assert.match(await button.innerText(), /^Log in \([123] s\)$/);
  await assertAccessible(page, 'login_too_many');
  await page.getByLabel('Password').press('Enter');
  assert.equal(posts, 1);
  await page.getByRole('button', { name: 'Log in', exact: true }).waitFor();
  assert.ok(await button.isEnabled());
  assert.equal(await page.locator('.error').innerText(), '');
  await button.click();
  await page.getByText('Try again in 3 seconds.').waitFor();
  assert.equal(posts, 2);
  assertErrors(page, /\b429\b/, /\b429\b/);
});

await run('a log-in that has expired is told so', async (page, server) => {
  await register(server, 'ada@example.com');
  const note = page.getByText('You have been logged out.');
  await page.goto('/profile');
  await page.getByLabel('E-mail').waitFor();
  assert.ok(await note.isHidden());
  for (const leave of [() => page.reload(), () => page.getByRole('link', { name: 'Users' }).click()]) {
    await logIn(page, 'ada@example.com');
    await page.locator('#users-link').waitFor();
    // As the browser does when its time is over.
    await page.context().clearCookies();
    await leave();
    await page.waitForURL(/\/login/);
    await note.waitFor();
  }
  // A click that calls the API.
  await logIn(page, 'ada@example.com');
  await page.getByLabel('Current password').fill(PASSWORD);
  await page.getByLabel('New password').fill('battery staple');
  await page.context().clearCookies();
  await page.getByRole('button', { name: 'Change password' }).click();
  await page.waitForURL('/login?ended');
  await note.waitFor();
  assertErrors(page, /\b401\b/);
  assertContained(page, server);
});

await run('the page of those who wait updates itself', async (page, server) => {
  await register(server, 'ada@example.com');
  const admin = await adminToken(server, 'ada@example.com');
  await page.goto('/register');
  await send(page, 'bob@example.com');
  await page.waitForURL('/waiting');
  await assertAccessible(page, 'waiting');
  await update(server, admin, 2, { status: 'approved' });
  await page.getByRole('heading', { name: 'Approved' }).waitFor();
  assert.ok(await page.getByRole('heading', { name: 'Waiting for approval' }).isHidden());
  await assertAccessible(page, 'waiting_approved');
  await page.reload();
  assert.equal(at(page), '/login');
  await send(page, 'bob@example.com');
  await page.waitForURL('/profile');

  const eve = await open(page.context().browser(), server.url);
  await eve.goto('/register');
  await send(eve, 'eve@example.com');
  await eve.waitForURL('/waiting');
  await update(server, admin, 3, { status: 'disabled' });
  await eve.getByRole('heading', { name: 'Not approved' }).waitFor();
  await assertAccessible(eve, 'waiting_rejected');
  await eve.getByRole('link', { name: 'Log in' }).click();
  // Until its script has run.
  await eve.waitForURL('/login');
  assert.equal(await eve.getByLabel('E-mail').inputValue(), 'eve@example.com');

  // Others see a page that says nothing, and is not asked again.
  const other = await open(page.context().browser(), server.url);
  await other.goto('/waiting');
  await other.waitForResponse('**/waiting/status');
  await other.waitForTimeout(6_000);
  assert.equal(other.requested.filter((url) => url.endsWith('/waiting/status')).length, 1);
  assertContained(page, server);
  assertContained(other, server);
});

for (const colorScheme of ['light', 'dark']) {
  await run(`pages for errors can be read, ${colorScheme}`, async (page, server) => {
    for (const width of [320, 1180]) {
      const it = await open(page.context().browser(), server.url, { colorScheme, viewport: { width, height: 700 } });
      assert.equal((await it.goto('/nothing')).status(), 404);
      await assertAccessible(it, `not_found_${width}_${colorScheme}`);
      assertErrors(it, /\b404\b/);
      await it.getByRole('link', { name: 'To the start page' }).click();
      await it.waitForURL('/login');
      const path = 'crates/server/src/pages/refused.html';
      await it.route('**/refused', (route) => route.fulfill({ path, status: 403 }));
      await it.goto('/refused');
      await assertAccessible(it, `refused_${width}_${colorScheme}`);
      await it.context().close();
    }
  }, {}, colorScheme);
}
