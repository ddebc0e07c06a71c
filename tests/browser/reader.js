// SPDX-License-Identifier: Apache-2.0
// Reads a letter in Chromium as a person does: by keyboard alone, and looks at every page on the way. Talks to its
// caller in lines of JSON on standard output; answers come on standard input.
//   node reader.js MODULES OPTIONS   OPTIONS: {link, base, script, width, height, scheme, chromium}
'use strict';
const path = require('path');
const crypto = require('crypto');
const fs = require('fs');
const readline = require('readline');

const [modules, text] = process.argv.slice(2);
const options = JSON.parse(text);
const { chromium } = require(path.join(modules, 'playwright-core'));

const lines = readline.createInterface({ input: process.stdin })[Symbol.asyncIterator]();
const say = (what) => process.stdout.write(JSON.stringify(what) + '\n');
const ask = async (what) => { say({ need: what }); return (await lines.next()).value; };

// Runs inside the page: everything about it that can be judged without eyes.
const inspect = () => {
  const problems = [];
  const rgb = (c) => (c.match(/[\d.]+/g) || []).map(Number);
  const channel = (v) => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; };
  const luminance = ([r, g, b]) => 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b);
  const background = (e) => {
    for (; e; e = e.parentElement) {
      const c = rgb(getComputedStyle(e).backgroundColor);
      if (c.length && (c.length < 4 || c[3] > 0)) return c;
    }
    return matchMedia('(prefers-color-scheme: dark)').matches ? [0, 0, 0] : [255, 255, 255];
  };
  const contrast = (e) => {
    const [a, b] = [luminance(rgb(getComputedStyle(e).color)), luminance(background(e))].sort((x, y) => y - x);
    return (a + 0.05) / (b + 0.05);
  };
  for (const e of document.querySelectorAll('body *')) {
    const own = [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
    if (own && contrast(e) < 4.5) problems.push(`contrast ${contrast(e).toFixed(2)}: ${e.tagName} ${e.textContent.slice(0, 30)}`);
  }
  for (const e of document.querySelectorAll('input')) {
    if (!e.labels.length || !e.labels[0].textContent.trim()) problems.push(`no label: ${e.outerHTML}`);
    const described = e.getAttribute('aria-describedby');
    if (described && !document.getElementById(described)) problems.push(`describedby leads nowhere: ${described}`);
  }
  for (const e of document.querySelectorAll('button, a')) {
    const box = e.getBoundingClientRect();
    if (!e.textContent.trim()) problems.push(`no name: ${e.outerHTML}`);
    if (box.height < 24) problems.push(`small target ${box.height}: ${e.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);
  if (new Set(ids).size !== ids.length) problems.push('an id twice');
  if (!document.documentElement.lang) problems.push('no lang');
  if (document.querySelectorAll('main').length !== 1) problems.push('not one main');
  if (document.querySelectorAll('h1').length !== 1) problems.push('not one h1');
  if (!document.title.trim()) problems.push('no title');
  if (document.querySelectorAll('script, iframe, object, embed, [onclick], [onload], [style]').length) problems.push('active markup');
  if (document.documentElement.scrollWidth > innerWidth) problems.push(`wider than the screen: ${document.documentElement.scrollWidth}`);
  if (!document.styleSheets.length) problems.push('the style sheet was not taken');
  return problems;
};

async function main() {
  const browser = await chromium.launch({ executablePath: options.chromium, args: ['--no-sandbox', '--disable-gpu'] });
  const context = await browser.newContext({
    ignoreHTTPSErrors: true, javaScriptEnabled: options.script, acceptDownloads: true, colorScheme: options.scheme,
    viewport: { width: options.width, height: options.height },
  });
  const page = await context.newPage();
  const found = { requests: [], problems: [], console: [], dialogs: 0, downloads: [], focus: [] };
  page.on('request', (r) => found.requests.push(r.url()));
  page.on('console', (m) => { if (!/status of (401|403)/.test(m.text())) found.console.push(m.text()); });
  page.on('pageerror', (e) => found.console.push(String(e)));
  page.on('dialog', (d) => { found.dialogs += 1; d.dismiss(); });

  const look = async (name) => {
    for (const p of await page.evaluate(inspect)) found.problems.push(`${name}: ${p}`);
    if (options.shots) await page.screenshot({ path: path.join(options.shots, `${name}-${options.width}-${options.scheme}.png`), fullPage: true });
  };
  // Moves on with Tab until the wanted thing has the focus, and checks that the focus can be seen.
  const tabTo = async (selector) => {
    for (let i = 0; i < 30; i += 1) {
      const state = await page.evaluate((s) => {
        const e = document.activeElement;
        const style = e ? getComputedStyle(e) : null;
        return { there: !!e && e.matches(s), ring: !!style && style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2 };
      }, selector);
      if (state.there) { if (!state.ring) found.problems.push(`the focus on ${selector} cannot be seen`); return; }
      await page.keyboard.press('Tab');
    }
    throw new Error(`Tab never reaches ${selector}`);
  };
  const press = async (selector) => {
    await tabTo(selector);
    await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  };

  await page.goto(options.link);
  await look('link');
  await press('form button');
  await look('code');
  if (!await page.evaluate(() => document.activeElement.id === 'code')) await tabTo('#code');
  await page.keyboard.type('00000000');
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await look('wrong');
  await tabTo('#code');
  await page.keyboard.type(await ask('code'));
  await Promise.all([page.waitForNavigation(), page.keyboard.press('Enter')]);
  await look('letter');
  found.url = page.url();
  found.text = await page.textContent('pre#text');
  found.fields = await page.evaluate(() => Object.fromEntries([...document.querySelectorAll('[data-field]')].map((e) => [e.dataset.field, e.textContent])));
  found.pwned = await page.evaluate(() => window.pwned === true);
  const attachments = await page.$$eval('a.attachment', (all) => all.map((a) => a.getAttribute('href')));
  for (const href of attachments) {
    await tabTo(`a.attachment[href="${href}"]`);
    const [download] = await Promise.all([page.waitForEvent('download'), page.keyboard.press('Enter')]);
    const bytes = fs.readFileSync(await download.path());
    found.downloads.push({ name: download.suggestedFilename(), sha256: crypto.createHash('sha256').update(bytes).digest('hex') });
  }
  // An attachment's address typed by hand is saved too, never shown.
  const [download] = await Promise.all([page.waitForEvent('download'), page.goto(options.base + attachments[1]).catch(() => null)]);
  found.typed = download.suggestedFilename();
  await press('form button');
  await look('closed');
  await page.goto(found.url);
  await look('again');
  found.after = await page.textContent('h1');
  found.cookies = (await context.cookies()).map((c) => ({ name: c.name, httpOnly: c.httpOnly, secure: c.secure, sameSite: c.sameSite }));
  say({ result: found });
  await browser.close();
  process.exit(0);
}

main().catch((error) => { say({ failed: String(error && error.stack || error) }); process.exit(1); });
