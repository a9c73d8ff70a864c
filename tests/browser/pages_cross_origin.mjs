// Pages of other origins, visited by a logged-in admin: they cannot change or read anything.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { PASSWORD, logIn, open, register, run } from './support.mjs';

const form = (action, fields, enctype = 'application/x-www-form-urlencoded') => `
  <form method="post" action="${action}" enctype="${enctype}">${fields}<button>A prize</button></form>`;

const ATTACKS = {
  // A form that reads as JSON.
  reset: (url) => form(
    `${url}/api/auth/users/2/reset-password`,
    `<input type="hidden" name='{"password":"stolen horse","x":"' value='"}'>`,
    'text/plain',
  ),
  login: (url) => form(
    `${url}/api/auth/cookie/login`,
    `<input type="hidden" name="username" value="bob@example.com">
     <input type="hidden" name="password" value="${PASSWORD}">`,
  ),
  logout: (url) => form(`${url}/api/auth/cookie/logout`, ''),
  // The forms of the pages.
  login_page: (url) => form(
    `${url}/login`,
    `<input type="hidden" name="username" value="bob@example.com">
     <input type="hidden" name="password" value="${PASSWORD}">`,
  ),
  register_page: (url) => form(
    `${url}/register`,
    `<input type="hidden" name="email" value="eve@example.com">
     <input type="hidden" name="password" value="${PASSWORD}">`,
  ),
  logout_page: (url) => form(`${url}/logout`, ''),
  fetch: (url) => `<script>
    const ask = (path, request) => fetch('${url}' + path, { credentials: 'include', ...request })
      .then((answer) => answer.status, (error) => error.name);
    const json = { 'content-type': 'application/json' };
    globalThis.seen = Promise.all([
      ask('/api/auth/me'),
      ask('/profile'),
      ask('/api/auth/users/2', { method: 'PUT', headers: json, body: '{"status":"approved"}' }),
      ask('/api/auth/users/2', { method: 'DELETE' }),
    ]);
  </script>`,
  frame: (url) => `<iframe src="${url}/profile" onload="globalThis.framed = true"></iframe>`,
};

await run('pages of other origins cannot use the cookie', async (page, server) => {
  await register(server, 'ada@example.com');
  await register(server, 'bob@example.com');
  await logIn(page, 'ada@example.com');
  const attacker = createServer((request, response) => {
    const attack = new URL(request.url, 'http://attacker').searchParams.get('attack');
    response.setHeader('content-type', 'text/html').end(ATTACKS[attack]?.(server.url));
  });
  attacker.listen(0, '127.0.0.1');
  await once(attacker, 'listening');
  const { port } = attacker.address();
  try {
    // Another port is the same site: the browser sends the cookie. Another name is another site.
    for (const [host, reset] of [['127.0.0.1', 403], ['localhost', 401]]) {
      const attack = (name, tab = page) => tab.goto(`http://${host}:${port}/?attack=${name}`);
      for (const [name, status] of [
        ['reset', reset], ['login', 403], ['logout', 403],
        ['login_page', 403], ['register_page', 403], ['logout_page', 403],
      ]) {
        // A tab for each: Firefox replaces an answer without a body by a page of its own, at any time.
        const tab = await page.context().newPage();
        await attack(name, tab);
        const [answer] = await Promise.all([
          tab.waitForResponse((it) => it.url().startsWith(server.url)),
          tab.getByRole('button').click(),
        ]);
        assert.equal(answer.request().method(), 'POST', name);
        assert.equal(answer.status(), status, `${name} from ${host}`);
        assert.equal(answer.headers()['set-cookie'], undefined, name);
        const sent = (await answer.request().allHeaders()).cookie;
        assert.equal(Boolean(sent), host === '127.0.0.1', `${name} from ${host}`);
        await tab.close();
      }

      await attack('fetch');
      const seen = await page.evaluate(() => globalThis.seen);
      assert.deepEqual(seen, Array(4).fill('TypeError'), host);

      await attack('frame');
      await page.waitForFunction(() => globalThis.framed);
      const [, frame] = page.frames();
      assert.doesNotMatch(await frame.content(), /Profile|ada@example\.com/);
      assert.match(page.errors.join('\n'), /frame-ancestors/);
      page.errors.length = 0;
    }

    // No user was logged out or changed.
    await page.goto(`${server.url}/profile`);
    await page.getByText('ada@example.com', { exact: true }).waitFor();
    await page.goto(`${server.url}/users`);
    const bob = page.getByRole('row', { name: 'bob@example.com' });
    await bob.getByText('Waiting').waitFor();
    await bob.getByRole('button', { name: 'Approve' }).click();
    await page.getByText('bob@example.com is approved.').waitFor();
    await logIn(await open(page.context().browser(), server.url), 'bob@example.com', PASSWORD);
  } finally {
    attacker.close();
  }
});
