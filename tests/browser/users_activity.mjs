// The page of the admin: the last log-in of each account, and its last events.

import assert from 'node:assert/strict';
import {
  adminToken, assertAccessible, assertContained, assertErrors, choose, focused, logIn, open, register, row, run, update,
} from './support.mjs';

const [ADA, BOB] = ['ada', 'bob'].map((name) => `${name}@example.com`);

const dialog = (page) => page.getByRole('dialog', { name: 'Activity' });
const events = (page) => dialog(page).getByRole('listitem');

/** Log-in without a browser. */
async function logInByApi(server, email, password) {
  const body = new URLSearchParams({ username: email, password });
  const answer = await fetch(`${server.url}/api/auth/login`, { method: 'POST', body });
  return answer.status;
}

/** Bob is approved, fails to log in and logs in; events are stored a moment later. */
async function started(server) {
  for (const email of [ADA, BOB]) await register(server, email);
  const token = await adminToken(server, ADA);
  await update(server, token, 2, { status: 'approved' });
  assert.equal(await logInByApi(server, BOB, 'wrong horse'), 401);
  assert.equal(await logInByApi(server, BOB, 'correct horse'), 200);
  await new Promise((resolve) => setTimeout(resolve, 500));
}

await run('the activity of an account is shown', async (page, server) => {
  await started(server);
  await logIn(page, ADA);
  await page.goto('/users');
  await row(page, BOB).locator('.login time').waitFor();
  const today = await page.evaluate(() => new Date().toLocaleDateString(undefined, { dateStyle: 'medium' }));
  assert.equal(await row(page, BOB).locator('.login time').innerText(), today);

  await choose(page, BOB, 'Activity');
  await events(page).first().getByText('Logged in').waitFor();
  const texts = await events(page).allInnerTexts();
  const expected = [/^Logged in/, /^Log-in failed \(wrong password\)/, /^Approved/, /^Registered/];
  assert.equal(texts.length, expected.length, texts.join('\n'));
  expected.forEach((pattern, index) => assert.match(texts[index], pattern));
  for (const text of texts) assert.match(text, /, from 127\.0\.0\.1/);
  assert.match(texts[2], /, by you$/);
  assert.doesNotMatch(texts[0], /, by/);
  await dialog(page).getByText(BOB).waitFor();

  // Escape closes it; the focus is where it was.
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'hidden' });
  assert.equal(await focused(page), `More for ${BOB}`);
  await choose(page, ADA, 'Activity');
  await events(page).getByText('Became the first admin').waitFor();
  await dialog(page).getByRole('button', { name: 'Close' }).click();
  await dialog(page).waitFor({ state: 'hidden' });
  assertContained(page, server);
});

await run('text of the server is no HTML, and failures are told', async (page, server) => {
  await started(server);
  await logIn(page, ADA);
  const html = '<img src=x onerror="document.title=1">';
  let answer = { status: 200, json: [{ event: html, reason: html, actor: html, address: html, at: '2026-03-14T09:26:53Z' }] };
  await page.route('**/users/2/events', (route) => route.fulfill(answer));
  await page.goto('/users');
  await choose(page, BOB, 'Activity');
  await events(page).getByText('<img').first().waitFor();
  assert.equal(await page.locator('img[src=x]').count(), 0);
  await page.keyboard.press('Escape');
  answer = { status: 503, contentType: 'application/problem+json', body: '{"code": "unavailable", "detail": "…"}' };
  await choose(page, BOB, 'Activity');
  await dialog(page).getByRole('alert').filter({ hasText: /\w/ }).waitFor();
  assert.equal(await events(page).count(), 0);
  assertErrors(page, /\b503\b/);
  await page.keyboard.press('Escape');

  // The list is of use without the last log-ins.
  await page.route('**/users/logins/last?*', (route) => route.fulfill(answer));
  await page.reload();
  await row(page, BOB).waitFor();
  assert.equal(await row(page, BOB).locator('.login time').count(), 0);
  assertErrors(page, /\b503\b/);
  assertContained(page, server);
});

for (const colorScheme of ['light', 'dark']) {
  await run(`the dialog fits in ${colorScheme} colours`, async (page, server) => {
    await started(server);
    const other = await open(page.context().browser(), server.url, { colorScheme });
    await logIn(other, ADA);
    for (const width of [320, 1280]) {
      await other.setViewportSize({ width, height: 640 });
      await other.goto('/users');
      await row(other, BOB).locator('.login time').waitFor();
      await assertAccessible(other, `users-logins-${colorScheme}-${width}`);
      await choose(other, BOB, 'Activity');
      await events(other).getByText('Registered').waitFor();
      await assertAccessible(other, `activity-${colorScheme}-${width}`, {});
    }
    assertContained(other, server);
  }, {}, colorScheme);
}
