// training.html in a real browser: all of it is seen, nothing is refused by its own policy, and no network is asked. The
// browser is an installed Chromium: CHROMIUM_PATH, or /usr/bin/chromium.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openTrainingReport } from '#src/train/report/training-report.js';
import { temporaryFolder } from '../data/training-pictures.js';
import { stepRecord, validationRecord } from './training-records.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const isHere = existsSync(executablePath);
if (!isHere) console.log(`SKIP no browser at ${executablePath}; CHROMIUM_PATH names one`);

(isHere ? test : test.skip)('the page on a screen and on a telephone, light and dark', async () => {
  const temporary = await temporaryFolder();
  const quiet = ['--disable-background-networking', '--disable-component-update', '--no-first-run'];
  const browser = await chromium.launch({
    executablePath,
    args: ['--no-sandbox', '--disable-gpu', ...quiet],
  });
  try {
    const facts = { preset: 'small', pictures: 400 };
    const report = await openTrainingReport({ folder: temporary.folder, title: 'mine', facts, lastStep: 0 });
    for (let step = 1; step <= 50; step++) await report.add(stepRecord(step));
    await report.add(validationRecord(50));
    const url = pathToFileURL(join(temporary.folder, 'training.html')).href;
    for (const [width, colorScheme] of [
      [1280, 'light'],
      [390, 'dark'],
    ] as const) {
      const page = await browser.newPage({ viewport: { width, height: 800 }, colorScheme });
      const complaints: string[] = [];
      const requests: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('pageerror', ({ message }) => complaints.push(message));
      page.on('request', (request) => {
        if (!request.url().startsWith('data:')) requests.push(request.url());
      });
      await page.goto(url);
      assert.equal(complaints, []);
      assert.equal(requests, [url]);
      const seen = await page.evaluate(`({
        pictures: [...document.images].filter(({ naturalWidth }) => naturalWidth > 0).length,
        charts: document.querySelectorAll('svg[role=img]').length,
        isWide: document.documentElement.scrollWidth > innerWidth,
        ground: getComputedStyle(document.documentElement).backgroundColor,
      })`);
      const ground = colorScheme === 'dark' ? 'rgb(20, 20, 20)' : 'rgb(243, 243, 242)';
      assert.equal(seen, { pictures: 8, charts: 5, isWide: false, ground });
      await page.close();
    }
  } finally {
    await browser.close();
    await temporary.remove();
  }
});

test.run();
