// Shared helpers: a server, a browser, and checks of what both report.
//
// `.ci/browser` installs playwright-core and axe-core under target/browser, and the browsers of Debian.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

const require = createRequire(resolve('target/browser/package.json'));
const { chromium, firefox } = require('playwright-core');

/** `chromium`, or `firefox`. */
const BROWSER = process.env.BROWSER ?? 'chromium';

export const IS_FIREFOX = BROWSER === 'firefox';

/** What the pages call this browser. */
export const OWN_DEVICE = IS_FIREFOX ? 'Firefox on Linux' : 'Chrome on Linux';

export const PASSWORD = 'correct horse';

/** Runs one test with a new server on a free port and a new browser. */
export async function run(name, steps, variables = {}, colorScheme = 'light') {
  const server = await startServer(variables);
  try {
    const browser = await launch(colorScheme);
    try {
      await steps(await open(browser, server.url, { colorScheme }), server);
    } finally {
      await browser.close();
    }
    console.log(`ok: ${name} (${BROWSER})`);
  } catch (cause) {
    throw new Error(`${name} (${BROWSER})`, { cause });
  } finally {
    await server.stop();
  }
}

function launch(colorScheme) {
  if (IS_FIREFOX) {
    return firefox.launch({
      executablePath: '/usr/bin/firefox-esr',
      channel: 'moz-firefox',
      // The protocol has no color scheme for a page.
      firefoxUserPrefs: { 'layout.css.prefers-color-scheme.content-override': colorScheme === 'dark' ? 0 : 1 },
    });
  }
  return chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: FLAGS,
    // As in ordinary browsers.
    ignoreDefaultArgs: ['--disable-back-forward-cache'],
  });
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

/** A token of this account, for calls without a browser. */
export async function adminToken(server, email) {
  const answer = await fetch(`${server.url}/api/auth/login`, {
    method: 'POST', body: new URLSearchParams({ username: email, password: PASSWORD }),
  });
  return (await answer.json()).access_token;
}

/** Changes an account as another admin would at the same time. */
export async function update(server, token, id, fields) {
  const answer = await fetch(`${server.url}/api/auth/users/${id}`, {
    method: 'PUT',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
    body: JSON.stringify(fields),
  });
  assert.equal(answer.status, 200);
}

/** Fills in and submits the form of the page. */
export async function send(page, email, password = PASSWORD) {
  await replace(page.getByLabel('E-mail'), email);
  await page.getByLabel('Password').fill(password);
  await page.locator('form .primary').click();
}

/** Fills in a field for an address, which may have text in it: in Firefox, `fill` adds to that. */
export async function replace(field, text) {
  await field.clear();
  await field.fill(text);
}

/** Logs in through the log-in page. */
export async function logIn(page, email, password = PASSWORD) {
  await page.goto('/login');
  await send(page, email, password);
  await page.waitForURL('/profile');
}

/** Returns the cookies of log-ins, without that by which the throttle knows the device. */
export async function logInCookies(page) {
  const cookies = await page.context().cookies();
  return cookies.filter(({ name }) => name === 'tower_warder');
}

/** Returns the row of an account on the users page. */
export function row(page, email) {
  return page.getByRole('row', { name: email });
}

/** Chooses an action on an account: by its button, or from the menu of its row. */
export async function choose(page, email, action) {
  await row(page, email).waitFor();
  const own = row(page, email).getByRole('button', { name: `${action} ` });
  if (await own.count() === 0) {
    await row(page, email).getByRole('button', { name: 'More for' }).click();
    await page.locator('#menu').getByRole('button', { name: action }).click();
  } else {
    await own.click();
  }
}

/** The same, and confirms it. */
export async function chooseAndConfirm(page, email, action) {
  await choose(page, email, action);
  await page.getByRole('dialog').getByRole('button', { name: action }).click();
}

/** Adds approved accounts to the SQLite database of the server: `user1@example.com` and so on. */
export function addUsers(server, number) {
  const script = `
import sqlite3, sys
db = sqlite3.connect("tower-warder.sqlite", timeout=10)
columns = [name for _, name, *_ in db.execute("PRAGMA table_info(users)") if name not in ("id", "email", "is_admin", "status")]
names = ", ".join(columns)
with db:
    for number in range(1, int(sys.argv[1]) + 1):
        db.execute(f"INSERT INTO users (email, is_admin, status, {names}) SELECT ?, 0, 'approved', {names} FROM users WHERE id = 1", [f"user{number}@example.com"])
`;
  execFileSync('python3', ['-c', script, String(number)], { cwd: server.directory });
}

/** Makes the store of the server fail, or work again, by renaming a table of its SQLite database. */
export function setStoreWorks(server, works) {
  const rename = `ALTER TABLE ${works ? 'away RENAME TO users' : 'users RENAME TO away'}`;
  const script = 'import sqlite3, sys; sqlite3.connect("tower-warder.sqlite", timeout=10).execute(sys.argv[1])';
  execFileSync('python3', ['-c', script, rename], { cwd: server.directory });
}

/** Saves a screenshot in target/screenshots, or in a directory of Firefox. */
export async function screenshot(page, name, options = { fullPage: true }) {
  const directory = IS_FIREFOX ? 'target/screenshots/firefox' : 'target/screenshots';
  await mkdir(directory, { recursive: true });
  // To hide it takes a style that the policy of the page forbids, which Firefox reports.
  await page.screenshot({ path: `${directory}/${name}.png`, caret: IS_FIREFOX ? 'initial' : 'hide', ...options });
}

/** That axe finds nothing, and that everything is in the window and in its box. Takes a screenshot. */
export async function assertAccessible(page, name, options) {
  await screenshot(page, name, options);
  assert.deepEqual(await page.evaluate(notFitting), [], name);
  await page.evaluate(await readFile('target/browser/node_modules/axe-core/axe.min.js', 'utf8'));
  const { violations, passes } = await page.evaluate(() => globalThis.axe.run());
  assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes[0].html]), [], name);
  assert.ok(passes.length > 10, name);
}

/** In the page: the visible elements outside of the window, and those with content outside of them. */
function notFitting() {
  const isOnlyRead = (element) => element !== null
    && (getComputedStyle(element).clipPath !== 'none' || isOnlyRead(element.parentElement));
  return [...document.querySelectorAll('body, body *')].filter((element) => {
    const { left, right } = element.getBoundingClientRect();
    const isTooNarrow = element.clientWidth > 0 && element.scrollWidth > element.clientWidth
      && !['hidden', 'clip'].includes(getComputedStyle(element).overflowX);
    return (left < 0 || right > innerWidth || isTooNarrow) && element.checkVisibility() && !isOnlyRead(element);
  }).map((element) => element.outerHTML.slice(0, 100));
}

/** What has the focus: its name, its text, or its id. */
export function focused(page) {
  return page.evaluate(() => {
    const { ariaLabel, innerText, id } = document.activeElement;
    return ariaLabel || innerText.replaceAll(/\s+/g, ' ') || id;
  });
}

/** Presses Tab, or another key, until this has the focus, which one can see. */
export async function tabTo(page, name, key = 'Tab') {
  for (let presses = 0; await focused(page) !== name; presses += 1) {
    assert.ok(presses < 40, `${name} cannot be reached`);
    await page.keyboard.press(key);
    // After the last element, Firefox goes on with its own buttons: as long as they have the focus, the page
    // shows none, though the protocol still sends the keys to it.
    const outline = await page.evaluate(() => document.activeElement === document.body || !document.hasFocus()
      || getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, 'none', await focused(page));
  }
}

/** Opens a page whose scripts do not run. */
export async function openWithoutScripts(browser, url) {
  const page = await open(browser, url, { javaScriptEnabled: false });
  // The protocol cannot switch them off.
  if (IS_FIREFOX) await page.route('**/*.js', (route) => route.abort());
  return page;
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
  const report = (error) => {
    if (!IS_FIREFOX || !FIREFOX_REPORTS.test(error)) page.errors.push(error);
  };
  context.on('request', (request) => page.requested.push(request.url()));
  page.on('pageerror', (error) => report(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') report(message.text());
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
export function assertErrors(page, ...all) {
  const errors = page.errors.splice(0);
  // Firefox reports no failed requests.
  const expected = IS_FIREFOX ? [] : all;
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
    directory,
    log: () => log,
    async stop() {
      child.kill('SIGTERM');
      await ended;
      await rm(directory, { recursive: true });
    },
  };
}

// A stream that ended, which is the only failed request that Firefox reports; the style `body {}`, which
// Playwright adds for each screenshot, by its digest.
const FIREFOX_REPORTS = /Firefox can’t establish|The connection to .* was interrupted|sha256-YjaKGiklmzC6wjXA513HAMmzus8VE61XCOT\+SmwNZWA=/;

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
