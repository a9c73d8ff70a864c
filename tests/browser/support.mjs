// Shared helpers: a server, a browser, and checks of what both report.
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

/** Runs one test with a new server on a free port and a new browser. */
export async function run(name, steps, variables = {}) {
  const server = await startServer(variables);
  try {
    const browser = await chromium.launch({
      executablePath: '/usr/bin/chromium',
      args: FLAGS,
      // As in ordinary browsers.
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

/** Registers an account; the first one is the admin. */
export async function register(server, email) {
  const answer = await fetch(`${server.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ email, password: PASSWORD }),
  });
  assert.equal(answer.status, 201);
  return answer.json();
}

/** Fills in and submits the form of the page. */
export async function send(page, email, password = PASSWORD) {
  await page.getByLabel('E-mail').fill(email);
  await page.getByLabel('Password').fill(password);
  await page.locator('form .primary').click();
}

/** Logs in through the log-in page. */
export async function logIn(page, email, password = PASSWORD) {
  await page.goto('/login');
  await send(page, email, password);
  await page.waitForURL('/profile');
}

/** Returns the row of an account on the users page. */
export function row(page, email) {
  return page.getByRole('row', { name: email });
}

/** Saves a screenshot in target/screenshots. */
export async function screenshot(page, name) {
  await mkdir('target/screenshots', { recursive: true });
  await page.screenshot({ path: `target/screenshots/${name}.png`, fullPage: true });
}

/**
 * Opens a page in a new browser context. `page.requested` has the URLs of its requests, `page.errors` the
 * errors that the browser reports, such as violations of the Content-Security-Policy.
 */
export async function open(browser, url, options = {}) {
  const context = await browser.newContext({ baseURL: url, ...options });
  const page = await context.newPage();
  page.requested = [];
  page.errors = [];
  context.on('request', (request) => page.requested.push(request.url()));
  page.on('pageerror', (error) => page.errors.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') page.errors.push(message.text());
  });
  return page;
}

/** Asserts that no other server got a request, and that the browser reported no error. */
export function assertContained(page, server) {
  // These are not requests.
  const other = page.requested.filter((url) => !/^(data|blob):/.test(url))
    .filter((url) => new URL(url).origin !== server.url);
  assert.deepEqual(other, []);
  assert.deepEqual(page.errors, []);
}

/** Asserts that the browser has reported exactly these errors since the last call. */
export function assertErrors(page, ...expected) {
  const errors = page.errors.splice(0);
  assert.equal(errors.length, expected.length, errors.join('\n'));
  expected.forEach((pattern, index) => assert.match(errors[index], pattern));
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
