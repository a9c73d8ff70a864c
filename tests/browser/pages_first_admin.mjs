// Registration page of a new server that requires the bootstrap secret.

import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import {
  assertErrors, assertContained, logIn, logInCookies, open, register, screenshot, send, run,
} from './support.mjs';

await run('the bootstrap secret from the log creates the first admin', async (page, server) => {
  const field = page.getByLabel('Bootstrap secret');
  await page.goto('/register');
  await field.waitFor();
  await screenshot(page, 'register_first_admin');
  await page.evaluate(await readFile('target/browser/node_modules/axe-core/axe.min.js', 'utf8'));
  const { violations } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), []);

  await field.fill('a guess');
  await send(page, 'ada@example.com');
  await page.getByText('This is not the bootstrap secret.').waitFor();
  assertErrors(page, /\b403\b/);
  assert.equal(await page.evaluate(() => document.activeElement.id), 'bootstrap_secret');

  // Other users leave it empty.
  const bob = await open(page.context().browser(), server.url);
  await bob.goto('/register');
  await send(bob, 'bob@example.com');
  await bob.waitForURL('/waiting');

  const [, secret] = server.log().match(/bootstrap_secret=(\S+)/);
  await field.fill(` ${secret} `);
  await send(page, 'ada@example.com');
  await page.waitForURL('/profile');
  await page.locator('#role', { hasText: 'Admin' }).waitFor();

  // From then on the field is hidden.
  await bob.goto('/register');
  assert.ok(await bob.getByLabel('Bootstrap secret').isHidden());
  await send(bob, 'eve@example.com');
  await bob.waitForURL('/waiting');
  assertContained(page, server);
  assertContained(bob, server);
}, { BOOTSTRAP: 'secret' });

await run('two cookies with the same name redirect to the log-in', async (page, server) => {
  await register(server, 'ada@example.com');
  await logIn(page, 'ada@example.com');
  const [cookie] = await logInCookies(page);
  // As one with a longer path, which a browser sends as well.
  await page.context().addCookies([{ ...cookie, path: '/profile', value: 'another' }]);
  await page.goto('/profile');
  await page.waitForURL('/login?ended');
  await page.getByText('You have been logged out.').waitFor();
  assert.ok(!(await logInCookies(page)).some(({ path }) => path === '/'));
});
