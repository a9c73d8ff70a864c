// The API page: logs in with "Authorize" and calls `/me`, without requests to other servers.

import assert from 'node:assert/strict';
import { PASSWORD, assertContained, register, screenshot, run } from './support.mjs';

await run('the API page logs in and calls /me', async (page, server) => {
  await register(server, 'ada@example.com');
  const response = await page.goto('/api/docs');
  assert.equal(response.status(), 200);
  const policy = response.headers()['content-security-policy'];
  assert.match(policy, /default-src 'none'/);
  assert.doesNotMatch(policy, /unsafe|http|\*/);

  await page.locator('.info .title', { hasText: 'Example & Co' }).waitFor();
  // What "Try it out" would send.
  const operation = page.locator('#operations-accounts-register');
  await operation.locator('.opblock-summary').first().click();
  await operation.getByText('"email": "ada@example.com"').first().waitFor();
  assert.doesNotMatch(await operation.locator('.opblock-section-request-body').innerText(), /"string"|bootstrap_secret"/);
  await page.locator('#operations-streams-events .opblock-summary').first().click();
  await page.locator('#operations-streams-events').getByText('event: pending').waitFor();
  await page.locator('#operations-streams-websocket').waitFor();
  await screenshot(page, 'api_page');

  await page.locator('.scheme-container .authorize').click();
  const flow = page.locator('.auth-container', { hasText: 'Flow: password' });
  // The page does not see what `fill` does in Firefox.
  await flow.locator('#oauth_username').pressSequentially('ada@example.com');
  await flow.locator('#oauth_password').pressSequentially(PASSWORD);
  await flow.locator('button.authorize').click();
  await flow.locator('button', { hasText: 'Logout' }).waitFor();
  await screenshot(page, 'api_page_authorized');
  await page.locator('.close-modal').click();

  const me = page.locator('#operations-accounts-me');
  await me.locator('.opblock-summary').first().click();
  await me.locator('.try-out__btn').click();
  await me.locator('.execute').click();
  const live = me.locator('.live-responses-table');
  await live.waitFor();
  await screenshot(page, 'api_page_me');
  const text = await live.innerText();
  assert.match(text, /\b200\b/);
  assert.match(text, /"email": "ada@example\.com"/);
  assertContained(page, server);
}, { PRODUCT_NAME: 'Example & Co' });
