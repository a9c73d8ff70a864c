// Accessibility of the pages: keyboard, small screens, dark mode, screen readers.

import assert from 'node:assert/strict';
import {
  IS_FIREFOX, PASSWORD, assertAccessible, assertErrors, assertContained, choose, chooseAndConfirm, focused, logIn,
  open, register, row, run, send, setStoreWorks, tabTo,
} from './support.mjs';

const PEOPLE = [
  'ada', 'grace.hopper', 'barbara', 'edsger', 'frances.allen', 'konrad',
  'an-address-that-somebody-has.whose-department.likes-long-names',
];

const SIZES = {
  desk: { width: 1180, height: 760 },
  tablet: { width: 800, height: 900 },
  phone: { width: 390, height: 844 },
  narrow: { width: 320, height: 640 },
};

const BACKGROUNDS = { light: 'rgb(245, 244, 240)', dark: 'rgb(20, 23, 28)' };

await run('everything can be done by keyboard', async (page, server) => {
  for (const name of ['ada', 'bob', 'eve']) await register(server, `${name}@example.com`);
  await page.goto('/login');
  await page.keyboard.type('ada@example.com');
  await page.keyboard.press('Tab');
  await page.keyboard.type(PASSWORD);
  await page.keyboard.press('Enter');
  await page.waitForURL('/profile');
  await page.locator('#badge').waitFor();

  await tabTo(page, 'Users 2 waiting for approval');
  await page.keyboard.press('Enter');
  await page.waitForURL('/users');
  await row(page, 'bob@example.com').waitFor();
  await tabTo(page, 'Approve bob@example.com');
  await page.keyboard.press('Enter');
  await page.getByText('bob@example.com is approved.').waitFor();
  // What does nothing if the key is pressed once more.
  assert.equal(await focused(page), 'More for bob@example.com');
  await row(page, 'bob@example.com').locator('[aria-disabled]').first().waitFor({ state: 'detached' });

  await openMenu(page);
  assert.equal(await focused(page), 'Make admin');
  await page.keyboard.press('Escape');
  await page.locator('#menu').waitFor({ state: 'hidden' });
  assert.equal(await focused(page), 'More for bob@example.com');
  await openMenu(page);
  await page.keyboard.press('ArrowUp');
  assert.equal(await focused(page), 'Delete');
  await page.keyboard.press('ArrowDown');
  assert.equal(await focused(page), 'Make admin');
  await tabTo(page, 'Delete');
  await page.keyboard.press('Enter');
  await page.getByRole('dialog').waitFor();
  assert.equal(await focused(page), 'Cancel');
  // Nothing behind the dialog can be reached.
  if (IS_FIREFOX) console.log('skipped: Tab past the end of a dialog (the keys would go to the buttons of Firefox)');
  for (let presses = 0; presses < (IS_FIREFOX ? 1 : 5); presses += 1) {
    await page.keyboard.press('Tab');
    assert.ok(await page.evaluate(() => document.activeElement === document.body
      || document.activeElement.closest('dialog')));
  }
  await page.locator('#find').evaluate((field) => field.focus());
  assert.notEqual(await focused(page), 'find');
  await page.keyboard.press('Escape');
  await page.getByRole('dialog').waitFor({ state: 'hidden' });
  assert.equal(await focused(page), 'More for bob@example.com');

  await openMenu(page);
  await tabTo(page, 'Delete');
  await page.keyboard.press('Enter');
  await tabTo(page, 'Delete');
  await page.locator('dialog .yes[aria-disabled]').waitFor({ state: 'detached' });
  await page.keyboard.press('Enter');
  await page.getByText('bob@example.com is deleted.').waitFor();
  assert.match(await focused(page), /^bob@example\.com.*Deleted/);

  // The row of an account that the filter no longer fits keeps its place and the focus.
  await page.getByLabel('Show').selectOption('pending');
  await row(page, 'ada@example.com').waitFor({ state: 'detached' });
  await tabTo(page, 'Approve eve@example.com');
  await page.keyboard.press('Enter');
  await page.getByText('eve@example.com is approved.').waitFor();
  assert.equal(await focused(page), 'More for eve@example.com');
  await page.getByLabel('Show').selectOption('');
  await page.getByLabel('Show').selectOption('pending');
  await page.getByText('There is no such account.').waitFor();
  assert.equal(await page.locator('#count').innerText(), '0 accounts');
  assertContained(page, server);
});

/** Opens the menu of the focused button. It is shown, with the focus in it, a task after the key. */
async function openMenu(page) {
  await page.keyboard.press('Enter');
  await page.locator('#menu button').first().waitFor();
}

const pagesAreAccessible = (colorScheme) => async (admin, server) => {
  const browser = admin.context().browser();
  for (const name of PEOPLE) await register(server, `${name}@example.com`);
  await logIn(admin, `${PEOPLE[0]}@example.com`);
  await arrange(admin);

  for (const [size, viewport] of Object.entries(SIZES)) {
    const page = await open(browser, server.url, { colorScheme, viewport });
    const check = async (name, options) => {
      await assertAccessible(page, `${name}_${size}_${colorScheme}`, options);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      assert.equal(background, BACKGROUNDS[colorScheme], name);
    };

    for (const name of ['login', 'register', 'waiting']) {
      await page.goto(`/${name}`);
      await check(name);
    }
    await page.goto('/login?ended');
    await send(page, `${PEOPLE[0]}@example.com`, 'wrong horse');
    await page.getByText('E-mail or password is wrong.').waitFor();
    await check('login_wrong');
    assertErrors(page, /\b401\b/);
    await logIn(page, `${PEOPLE[0]}@example.com`);
    await page.locator('#waiting').waitFor();
    await check('profile');
    await page.getByRole('link', { name: 'Users' }).click();
    await row(page, `${PEOPLE[0]}@example.com`).waitFor();
    await check('users');

    const own = `${PEOPLE[0]}@example.com`;
    await choose(page, own, 'Delete');
    await check('confirm');
    await page.keyboard.press('Escape');
    await choose(page, own, 'Reset password');
    await check('reset');
    await page.keyboard.press('Escape');
    await row(page, own).getByRole('button', { name: 'More for' }).click();
    await page.locator('#menu').waitFor();
    await check('menu', {});
    await page.keyboard.press('Escape');
    assertContained(page, server);

    const outage = { status: 503, json: { code: 'unavailable' } };
    await page.route('**/api/auth/users**', (route) => route.fulfill(outage));
    await chooseAndConfirm(page, own, 'Disable');
    await page.locator('#error:not(:empty)').waitFor();
    await check('users_error');
    await page.getByLabel('Find by e-mail').fill('a');
    await page.getByRole('button', { name: 'Try again' }).waitFor();
    await check('users_outage');
    await page.unroute('**/api/auth/users**');
    await page.getByRole('button', { name: 'Try again' }).click();
    await row(page, own).waitFor();
    await page.getByLabel('Find by e-mail').fill('nobody');
    await page.getByText('There is no such account.').waitFor();
    await check('users_none');
    assertErrors(page, ...Array(2).fill(/\b503\b/));

    setStoreWorks(server, false);
    assert.equal((await page.goto('/profile')).status(), 503);
    await check('unavailable');
    setStoreWorks(server, true);
    await page.context().clearCookies();
    await logIn(page, 'barbara@example.com');
    assert.equal((await page.goto('/users')).status(), 403);
    await check('forbidden');
    await page.context().close();
  }
};

for (const colorScheme of Object.keys(BACKGROUNDS)) {
  await run(`pages are accessible in each size, ${colorScheme}`, pagesAreAccessible(colorScheme), {}, colorScheme);
}

/** Creates one account of each kind. */
async function arrange(page) {
  await page.goto('/users');
  const email = (name) => `${name}@example.com`;
  for (const name of ['grace.hopper', 'barbara', 'frances.allen']) {
    await choose(page, email(name), 'Approve');
    await page.getByText(`${email(name)} is approved.`).waitFor();
  }
  await chooseAndConfirm(page, email('grace.hopper'), 'Make admin');
  await page.getByText(`${email('grace.hopper')} is an admin now.`).waitFor();
  await chooseAndConfirm(page, email('edsger'), 'Disable');
  await page.getByText(`${email('edsger')} is disabled.`).waitFor();
}
