// The page of the admin: clicks that come too often, a long list, the event stream.

import assert from 'node:assert/strict';
import {
  addUsers, assertErrors, assertContained, choose, chooseAndConfirm, logIn, open, register, row, run,
} from './support.mjs';

const [ADA, BOB, EVE] = ['ada', 'bob', 'eve'].map((name) => `${name}@example.com`);

const waitForText = (page, sentence) => page.getByText(sentence, { exact: true }).waitFor();
const button = (page, email, name) => row(page, email).getByRole('button', { name });
const dialog = (page) => page.getByRole('dialog');

/** The place of every button in the list. */
const places = (page) => page.locator('#users .actions > button').evaluateAll((buttons) => buttons.map((it) => {
  const { x, y, width, height } = it.getBoundingClientRect();
  return [x, y, width, height].map(Math.round).join();
}));

/** Requests that change an account, from now on. */
function changes(page) {
  const asked = [];
  page.on('request', (request) => {
    if (/\/users\//.test(request.url()) && request.method() !== 'GET') {
      asked.push(`${request.method()} ${new URL(request.url()).pathname.split('/').slice(3).join('/')}`);
    }
  });
  return asked;
}

/** Answers of the server to changes wait until the returned function is called. */
async function holdChanges(page) {
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(/\/users\/\d+/, async (route) => {
    await released;
    await route.fallback();
  });
  return release;
}

async function center(locator) {
  const { x, y, width, height } = await locator.boundingBox();
  return [x + width / 2, y + height / 2];
}

await run('a second click acts on no other account', async (page, server) => {
  for (const email of [ADA, BOB, EVE]) await register(server, email);
  await logIn(page, ADA);
  await page.goto('/users');
  await row(page, EVE).waitFor();
  const before = await places(page);
  const asked = changes(page);

  const release = await holdChanges(page);
  const place = await center(button(page, BOB, 'Approve'));
  await page.mouse.dblclick(...place);
  assert.equal(await row(page, BOB).getAttribute('aria-busy'), 'true');
  assert.equal(await button(page, BOB, 'Approve').getAttribute('aria-disabled'), 'true');
  // Late ones, while the server takes its time.
  for (let clicks = 0; clicks < 3; clicks += 1) await page.mouse.click(...place);
  await button(page, BOB, 'More for').dispatchEvent('click');
  assert.ok(await page.locator('#menu').isHidden());
  assert.deepEqual(asked, ['PUT users/2']);
  // Other rows are free.
  assert.equal(await row(page, EVE).getAttribute('aria-busy'), null);

  release();
  await waitForText(page, `${BOB} is approved.`);
  assert.deepEqual(await places(page), before);
  await page.mouse.click(...place);
  await row(page, BOB).locator('[aria-disabled]').first().waitFor({ state: 'detached' });
  // One second later.
  await page.mouse.dblclick(...place);
  await page.mouse.click(...place);
  await page.evaluate(() => fetch('/login'));
  assert.deepEqual(asked, ['PUT users/2']);
  assert.deepEqual(await places(page), before);
  await button(page, EVE, 'Approve').waitFor();

  // What asks first is not confirmed by the clicks after the one that opened it.
  const [x, y] = await center(button(page, EVE, 'Reject'));
  await page.mouse.dblclick(x, y);
  await dialog(page).getByText(EVE).waitFor();
  const yes = await center(dialog(page).getByRole('button', { name: 'Reject' }));
  await page.mouse.dblclick(...yes);
  assert.ok(await dialog(page).isVisible());
  assert.deepEqual(asked, ['PUT users/2']);
  await page.locator('dialog .yes[aria-disabled]').waitFor({ state: 'detached' });
  await page.mouse.dblclick(...yes);
  await waitForText(page, `${EVE} is rejected.`);
  assert.deepEqual(asked, ['PUT users/2', 'DELETE users/3']);
  assert.deepEqual(await places(page), before);
  assertContained(page, server);
});

await run('a key that is held down acts once', async (page, server) => {
  for (const email of [ADA, BOB, EVE]) await register(server, email);
  await logIn(page, ADA);
  await page.goto('/users');
  await row(page, EVE).waitFor();
  const asked = changes(page);
  const hold = async (key) => {
    for (let presses = 0; presses < 10; presses += 1) await page.keyboard.down(key);
    await page.keyboard.up(key);
  };
  await button(page, BOB, 'Approve').focus();
  await hold('Enter');
  await waitForText(page, `${BOB} is approved.`);
  await hold('Enter');
  await row(page, BOB).locator('[aria-disabled]').first().waitFor({ state: 'detached' });
  await hold(' ');
  await page.locator('#menu').waitFor();
  await page.keyboard.press('Escape');

  await button(page, BOB, 'Disable').focus();
  await hold('Enter');
  // Not cancelled, not confirmed.
  assert.ok(await dialog(page).isVisible());
  await page.keyboard.press('Escape');
  assert.deepEqual(asked, ['PUT users/2']);
  assertContained(page, server);
});

await run('newcomers come first and can be rejected', async (page, server) => {
  await register(server, ADA);
  addUsers(server, 2);
  for (const email of [BOB, EVE]) await register(server, email);
  await logIn(page, ADA);
  await page.goto('/users');
  await row(page, EVE).waitFor();
  const emails = await page.locator('#users th').allInnerTexts();
  assert.deepEqual(emails.slice(0, 2), [BOB, EVE]);
  assert.equal(emails.length, 5);

  await chooseAndConfirm(page, BOB, 'Reject');
  await waitForText(page, `${BOB} is rejected.`);
  await row(page, BOB).getByText('Deleted').waitFor();
  assert.equal(await button(page, BOB, '').count(), 0);
  await register(server, BOB);
  // To keep the address from registering again.
  await chooseAndConfirm(page, EVE, 'Disable');
  await waitForText(page, `${EVE} is disabled.`);

  // An account that another admin deleted.
  await page.evaluate(() => fetch('/api/auth/users/2', { method: 'DELETE' }));
  await chooseAndConfirm(page, 'user1@example.com', 'Disable');
  await waitForText(page, 'This account does not exist any more.');
  await row(page, 'user1@example.com').getByText('Deleted').waitFor();
  assertErrors(page, /\b404\b/);
  assertContained(page, server);
});

await run('a long list comes in pages', async (page, server) => {
  await register(server, ADA);
  addUsers(server, 499);
  await register(server, EVE);
  await logIn(page, ADA);
  await page.goto('/users');
  const rows = page.locator('#users tr');
  const count = page.locator('#count');
  await page.getByText('Page 1 of 501 accounts').waitFor();
  assert.equal(await rows.count(), 50);
  assert.match(await rows.first().innerText(), /^eve@example\.com/);

  const seen = new Set();
  for (let number = 1; ; number += 1) {
    await page.getByText(`Page ${number} of 501 accounts`).waitFor();
    assert.ok(await rows.count() <= 50);
    for (const email of await page.locator('#users th').allInnerTexts()) seen.add(email);
    if (await page.locator('.next').getAttribute('aria-disabled') === 'true') break;
    await page.locator('.next').click();
  }
  assert.equal(seen.size, 501);
  assert.equal(await count.innerText(), 'Page 11 of 501 accounts');
  await page.locator('.previous').click();
  await page.getByText('Page 10 of 501 accounts').waitFor();
  assert.equal(await rows.count(), 50);

  // One search for what is typed at once, by what the address starts with.
  const before = page.requested.length;
  await page.getByLabel('Find by e-mail').pressSequentially('USER49');
  await page.getByText('11 accounts', { exact: true }).waitFor();
  const asked = page.requested.slice(before).filter((url) => url.includes('/users?'));
  assert.ok(asked.every((url) => url.includes('search=user49')), asked.join('\n'));
  assert.ok(await page.locator('#pager').isHidden());
  await page.getByLabel('Show').selectOption('disabled');
  await page.getByText('There is no such account.').waitFor();
  await page.getByLabel('Show').selectOption('approved');
  await page.getByText('11 accounts', { exact: true }).waitFor();
  assertContained(page, server);
});

await run('answers that come late or not at all are told', async (page, server) => {
  for (const email of [ADA, BOB]) await register(server, email);
  await logIn(page, ADA);
  const list = /\/api\/auth\/users\?/;
  for (const [status, code] of [[429, 'too_many_requests'], [503, 'unavailable']]) {
    const problem = { status, json: { code } };
    await page.route(list, (route) => route.fulfill(problem));
    await page.goto('/users');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await page.unroute(list);
    await page.getByRole('button', { name: 'Try again' }).click();
    await row(page, BOB).waitFor();
    assertErrors(page, new RegExp(`\\b${status}\\b`));

    await page.route(/\/users\/2/, (route) => route.fulfill(problem));
    await choose(page, BOB, 'Approve');
    await page.locator('#error:not(:empty)').waitFor();
    await page.unroute(/\/users\/2/);
    await button(page, BOB, 'Approve').waitFor();
    assertErrors(page, new RegExp(`\\b${status}\\b`));
  }

  // The response to an earlier search is not shown over that to a later one.
  let release;
  const released = new Promise((resolve) => (release = resolve));
  await page.route(/search=a/, async (route) => {
    await released;
    await route.fallback();
  });
  await page.getByLabel('Find by e-mail').fill('a');
  await page.waitForRequest(/search=a/);
  await page.getByLabel('Find by e-mail').fill('b');
  await row(page, ADA).waitFor({ state: 'detached' });
  release();
  await page.waitForResponse(/search=a/);
  await page.evaluate(() => fetch('/login'));
  assert.deepEqual(await page.locator('#users th').allInnerTexts(), [BOB]);

  await page.context().setOffline(true);
  await choose(page, BOB, 'Approve');
  await waitForText(page, 'The server cannot be reached. Check your connection and try again.');
  await page.context().setOffline(false);
  await choose(page, BOB, 'Approve');
  await waitForText(page, `${BOB} is approved.`);
});

await run('badge and list follow the event stream', async (page, server) => {
  await register(server, ADA);
  await logIn(page, ADA);
  const badge = page.locator('#pending');
  await page.goto('/users');
  await row(page, ADA).waitFor();
  const before = page.requested.length;
  await page.mouse.move(0, 0);
  await register(server, BOB);
  await row(page, BOB).waitFor();
  assert.equal(await badge.innerText(), '1');

  // Rows stay where they are as long as somebody works with them.
  await row(page, BOB).hover();
  await register(server, EVE);
  const shows = page.getByRole('button', { name: 'Show 1 more waiting' });
  await shows.waitFor();
  assert.equal(await badge.innerText(), '2');
  assert.equal(await row(page, EVE).count(), 0);
  await shows.click();
  await row(page, EVE).waitFor();
  await shows.waitFor({ state: 'hidden' });

  // A change of one's own is no news.
  await choose(page, BOB, 'Approve');
  await page.getByText('1 waiting for approval').waitFor();
  assert.ok(await page.locator('#changed').isHidden());
  const asked = page.requested.slice(before);
  assert.deepEqual(asked.filter((url) => url.endsWith('/pending/count')), []);
  assert.ok(asked.filter((url) => url.endsWith('/api/events')).length <= 1);
  assertContained(page, server);
});

await run('a page is left once its user is shut out', async (ada, server) => {
  for (const email of [ADA, BOB, EVE]) await register(server, email);
  await logIn(ada, ADA);
  await ada.goto('/users');
  await choose(ada, BOB, 'Approve');
  await waitForText(ada, `${BOB} is approved.`);
  const browser = ada.context().browser();
  const bob = await open(browser, server.url);
  await logIn(bob, BOB);
  // Promoted: the page shows what an admin has, without a click.
  await chooseAndConfirm(ada, BOB, 'Make admin');
  await waitForText(ada, `${BOB} is an admin now.`);
  await bob.locator('#badge').waitFor();
  await bob.goto('/users');
  await row(bob, EVE).waitFor();
  await chooseAndConfirm(ada, BOB, 'Make member');
  await bob.getByText('Only for admins').waitFor();
  await bob.goto('/profile');
  await bob.locator('#role', { hasText: 'Member' }).waitFor();
  await chooseAndConfirm(ada, BOB, 'Disable');
  await bob.waitForURL('/login?ended');
});

await run('a stream that ends or is refused is opened again', async (page, server) => {
  await register(server, ADA);
  await logIn(page, ADA);
  // Refused: the count is asked for instead.
  const tooMany = { status: 429, json: { code: 'too_many_requests' } };
  await page.route('**/api/events', (route) => route.fulfill(tooMany));
  await register(server, BOB);
  await page.clock.install();
  await page.goto('/profile');
  await page.locator('#badge').waitFor();
  await page.unroute('**/api/events');
  const opened = page.waitForResponse((it) => it.url().endsWith('/api/events') && it.status() === 200);
  await page.clock.runFor(31_000);
  await opened;
  // Of this page, and perhaps of the one that it replaced.
  assertErrors(page, ...page.errors.map(() => /\b429\b/));

  // A hidden page has none.
  const hide = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
  }, hidden);
  const streams = () => page.requested.filter((url) => url.endsWith('/api/events')).length;
  const before = streams();
  await hide(true);
  await page.clock.runFor(61_000);
  assert.equal(streams(), before);
  await hide(false);
  await page.waitForRequest('**/api/events').catch(() => {});
  assert.equal(streams(), before + 1);
});
