// The profile: password and log-ins.

import assert from 'node:assert/strict';
import {
  OWN_DEVICE, PASSWORD, assertAccessible, assertErrors, assertContained, logIn, logInCookies, open, register, tabTo, run,
} from './support.mjs';

const PHONE = 'Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) '
  + 'Version/18.0 Mobile/15E148 Safari/604.1';
const says = (page, sentence) => page.getByText(sentence, { exact: true }).waitFor();

await run('the own password is changed, and other log-ins end', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const other = await open(page.context().browser(), server.url);
  await logIn(other, 'ada@example.com');

  const change = async (current, next) => {
    await page.getByLabel('Current password').fill(current);
    await page.getByLabel('New password').fill(next);
    await page.getByRole('button', { name: 'Change password' }).click();
  };
  await change('wrong horse', 'battery staple');
  await says(page, 'This is not your current password.');
  assert.equal(await page.evaluate(() => document.activeElement.id), 'current_password');
  await assertAccessible(page, 'profile_wrong_password');
  await change(PASSWORD, '🐎🐎🐎🐎');
  await page.locator('#new-hint', { hasText: '4 of at least 8 characters.' }).waitFor();
  await says(page, 'A password has 8 to 128 characters.');
  await change(PASSWORD, 'ada@example.com');
  await says(page, 'The password is the e-mail address. Choose another one.');
  assertErrors(page, /\b403\b/, /\b422\b/, /\b422\b/);
  await change(PASSWORD, 'battery staple');
  await says(page, 'Your password is changed. Your other log-ins have ended.');
  for (const label of ['Current password', 'New password']) {
    assert.equal(await page.getByLabel(label).inputValue(), '');
  }
  await assertAccessible(page, 'profile_changed');
  await page.reload();
  await says(page, 'ada@example.com');
  await other.reload();
  await other.waitForURL('/login?ended');
  await logIn(other, 'ada@example.com', 'battery staple');
  assertContained(page, server);
});

await run('log-ins are listed and ended', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const others = [];
  for (const userAgent of [PHONE, 'curl/8.5.0', '<b>&"']) {
    const other = await open(page.context().browser(), server.url, { userAgent });
    await logIn(other, 'ada@example.com');
    others.push(other);
  }
  await page.reload();
  const rows = page.locator('.sessions li');
  await rows.nth(3).waitFor();
  assert.match(await rows.first().innerText(), new RegExp(`${OWN_DEVICE}[^]*This browser`));
  await assertAccessible(page, 'profile_sessions');
  await page.locator('.sessions strong', { hasText: '<b>&"' }).waitFor();

  await page.getByRole('button', { name: 'End Safari on iPhone' }).click();
  await says(page, 'Safari on iPhone is logged out.');
  assert.equal(await rows.count(), 3);
  await others[0].reload();
  await others[0].waitForURL('/login?ended');

  await page.getByRole('button', { name: 'End all others' }).click();
  await says(page, 'All other log-ins have ended.');
  assert.equal(await rows.count(), 1);
  assert.ok(await page.getByRole('button', { name: 'End all others' }).isHidden());
  await others[1].reload();
  await others[1].waitForURL('/login?ended');

  await logIn(others[1], 'ada@example.com');
  await page.getByRole('button', { name: 'Log out everywhere' }).click();
  await page.waitForURL('/login');
  assert.deepEqual(await logInCookies(page), []);
  await others[1].reload();
  await others[1].waitForURL('/login?ended');
  assertContained(page, server);
});

await run('a session that has ended already is told so', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const other = await open(page.context().browser(), server.url, { userAgent: PHONE });
  await logIn(other, 'ada@example.com');
  await page.reload();
  const end = page.getByRole('button', { name: 'End Safari on iPhone' });
  await end.waitFor();
  await other.getByRole('button', { name: 'Log out', exact: true }).click();
  await other.waitForURL('/login');
  await end.click();
  await says(page, 'This log-in has ended already.');
  assertErrors(page, /\b404\b/);
});

await run('the profile works by keyboard', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const other = await open(page.context().browser(), server.url, { userAgent: PHONE });
  await logIn(other, 'ada@example.com');
  // Of two tabs of Firefox, one has the focus.
  await page.bringToFront();
  await page.reload();
  await page.getByRole('button', { name: 'End Safari on iPhone' }).waitFor();
  await tabTo(page, 'current_password');
  await page.keyboard.type(PASSWORD);
  await tabTo(page, 'new_password');
  await page.keyboard.type('battery staple');
  await page.keyboard.press('Enter');
  await says(page, 'Your password is changed. Your other log-ins have ended.');
  await logIn(other, 'ada@example.com', 'battery staple');
  await page.bringToFront();
  await page.reload();
  await page.getByRole('button', { name: 'End Safari on iPhone' }).waitFor();
  await tabTo(page, 'End Safari on iPhone');
  await page.keyboard.press('Enter');
  await says(page, 'Safari on iPhone is logged out.');
  // Forwards, it would be after the buttons of the browser.
  await tabTo(page, 'Log out', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await page.waitForURL('/login');
  assertContained(page, server);
});
