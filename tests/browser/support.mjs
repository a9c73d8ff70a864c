// What every walk through pages needs: the example server, a browser, and an eye on both.
//
// `.ci/browser` installs playwright-core and axe-core under target/browser and Debian's chromium.

import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(resolve('target/browser/package.json'));
const { chromium } = require('playwright-core');

export const PASSWORD = 'correct horse';

/** Starts the example on a free port with a database of its own, walks, and ends both. */
export async function walk(name, steps, variables = {}) {
  const server = await startServer(variables);
  try {
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: FLAGS,
      // People's browsers keep pages whole for the back button.
      ignoreDefaultArgs: ['--disable-back-forward-cache'],
    });
    try {
      await steps(await open(browser, server.url), server);
    } finally {
      await browser.close();
    }
    console.log(`ok: ${name}`);
  } finally {
    await server.stop();
  }
}

/** An account of the server; the first one is the admin. */
export async function register(server, email) {
  const answer = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(answer.status, 201);
  return answer.json();
}

/** Fills in the form that is open and sends it. */
export async function send(page, email, password = PASSWORD) {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.locator('form .primary').click();
}

/** Logs in with the page for it. */
export async function logIn(page, email, password = PASSWORD) {
  await page.goto('/login');
  await send(page, email, password);
  await page.waitForURL('/profile');
}

/** The row of an account among the users. */
export function row(page, email) {
  return page.getByRole('row', { name: email });
}

/** Into target/screenshots, to be looked at. */
export async function screenshot(page, name) {
  await mkdir('target/screenshots', { recursive: true });
  await page.screenshot({ path: `target/screenshots/${name}.png`, fullPage: true });
}

/**
 * A page in a session of its own, for example `{ colorScheme: 'dark' }`. Whatever it asks for is in `page.requested`; what the browser
 * complains about, such as a breach of the Content-Security-Policy, in `page.complaints`.
 */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ baseURL: url, ...options });
  const page = await context.newPage();
  page.requested = [];
  page.complaints = [];
  context.on('request', (request) => page.requested.push(request.url()));
  page.on('pageerror', (error) => page.complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.complaints.push(message.text());
  });
  return page;
}

/** That nothing was asked of anybody else, and the browser had nothing to complain about. */
export function assertContained(page, server) {
  // What a page makes itself is no request.
  const elsewhere = page.requested.filter((url) => !/^(data|blob):/.test(url))
    .filter((url) => new URL(url).origin !== server.url);
  assert.deepEqual(elsewhere, []);
  assert.deepEqual(page.complaints, []);
}

/** That this is what the browser complained about since, and nothing else. */
export function assertComplaints(page, ...expected) {
  const complaints = page.complaints.splice(0);
  assert.equal(complaints.length, expected.length, complaints.join('\n'));
  expected.forEach((pattern, index) => assert.match(complaints[index], pattern));
}

async function startServer(variables) {
  const directory = await mkdtemp(join(tmpdir(), 'tower-warder-'));
  const child = spawn(resolve('target/debug/tower-warder-server'), {
    cwd: directory,
    env: { BIND_ADDR: '127.0.0.1:0', RUST_LOG: 'warn', ...variables },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  child.stderr.on('data', (bytes) => {
    log += bytes;
    process.stderr.write(bytes);
  });
  const ended = once(child, 'exit');
  const [line] = await Promise.race([
    once(createInterface(child.stdout), 'line'),
    ended.then(() => assert.fail('the server ended at once')),
  ]);
  return {
    url: line.replace('listening on ', ''),
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

// No network of its own, no first-run page.
const FLAGS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];
