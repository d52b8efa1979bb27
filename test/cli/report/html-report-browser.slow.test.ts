// The page of --report in a real browser: the divider by mouse and by keyboard, zoom, pictures, and that nothing is
// asked of any network. The browser is an installed Chromium: CHROMIUM_PATH, or /usr/bin/chromium.
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type Browser, chromium, type Locator, type Page } from 'playwright-core';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noisyPicture } from '../../plugin/pictures.js';
import { command } from '../command.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const isHere = existsSync(executablePath);
if (!isHere) console.log(`SKIP no browser at ${executablePath}; CHROMIUM_PATH names one`);

interface Context {
  folder: string;
  browser: Browser;
  page: Page;
  requests: string[];
  complaints: string[];
}

const browsing = suite<Context>('the page in a browser');
const test = isHere ? browsing : browsing.skip;

/** A noisy picture large enough to be shrunk for the page. */
async function largePicture(): Promise<Buffer> {
  const tile = await noisyPicture('png', { width: 400, height: 80 });
  return sharp({ create: { width: 1680, height: 80, channels: 3, background: '#777777' } })
    .composite([{ input: tile, tile: true, left: 0, top: 0 }])
    .removeAlpha()
    .png()
    .toBuffer();
}

browsing.before(async (context) => {
  if (!isHere) return;
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  await mkdir(join(folder, 'in'));
  await writeFile(join(folder, 'in/1-large.png'), await largePicture());
  const name = process.platform === 'win32' ? '2-small.jpg' : '2-"><img src=x onerror=alert(1)>.jpg';
  await writeFile(join(folder, 'in', name), await noisyPicture('jpeg', { width: 128, height: 96 }));
  const flat = sharp({ create: { width: 64, height: 64, channels: 3, background: '#446688' } });
  await writeFile(join(folder, 'in/3-clean.png'), await flat.png().toBuffer());
  const args = [
    'in',
    '-o',
    'out',
    '--method',
    'posterior-mean',
    '--engine',
    'onnx',
    '--report',
    'report.html',
  ];
  const { code, stderr } = await command(args, { cwd: folder });
  assert.is(code, 0, stderr);

  // The sandbox is another's business; what Chromium itself would ask the network for is off.
  const quiet = ['--disable-background-networking', '--disable-component-update', '--no-first-run'];
  const browser = await chromium.launch({
    executablePath,
    headless: true,
    args: ['--no-sandbox', '--disable-gpu', ...quiet],
  });
  Object.assign(context, { folder, browser });
});

browsing.after(async ({ browser, folder }) => {
  await browser?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

browsing.before.each(async (context) => {
  if (!isHere) return;
  const page = await context.browser.newPage({ viewport: { width: 1280, height: 900 } });
  const [requests, complaints]: [string[], string[]] = [[], []];
  const address = pathToFileURL(join(context.folder, 'report.html')).href;
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && request.url() !== address) requests.push(request.url());
  });
  page.on('console', (message) => complaints.push(message.text()));
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('dialog', (dialog) => complaints.push(`dialog: ${dialog.message()}`));
  await page.route(/^(?!file:|data:)/, (route) => route.abort());
  await page.goto(address);
  Object.assign(context, { page, requests, complaints });
});

browsing.after.each(async ({ page, requests, complaints }) => {
  if (!isHere) return;
  await page.close();
  assert.equal(requests, [], 'the page asks for nothing');
  assert.equal(complaints, [], 'the console stays empty');
});

/** Calls something in the page, given as text: these tests are typed for Node, where there is no document. */
function inPage<Result>(element: Locator, expression: string): Promise<Result> {
  const call = new Function('element', `return ${expression}`) as (element: unknown) => Promise<Result>;
  return element.evaluate(call) as Promise<Result>;
}

/** What CSS makes of an element. */
function computed(element: Locator, property: string): Promise<string> {
  return inPage(element, `getComputedStyle(element).getPropertyValue('${property}')`);
}

interface Viewer {
  readonly divider: Locator;
  readonly stage: Locator;
  readonly before: Locator;
  readonly after: Locator;
  readonly output: Locator;
  value(): Promise<number>;
}

function viewerOf(page: Page, index = 0): Viewer {
  const viewer = page.locator('[data-compare]').nth(index);
  const divider = viewer.getByRole('slider');
  return {
    divider,
    stage: viewer.locator('.stage'),
    before: viewer.locator('.before'),
    after: viewer.locator('.after'),
    output: viewer.locator('output'),
    value: async () => Number(await divider.getAttribute('aria-valuenow')),
  };
}

async function boxOf(locator: Locator): Promise<{ x: number; y: number; width: number; height: number }> {
  await locator.scrollIntoViewIfNeeded();
  const box = await locator.boundingBox();
  if (!box) throw new Error('not on the page');
  return box;
}

test('every picture loads, from the page itself', async ({ page }) => {
  const images = page.locator('img');
  // Before and after of the large one, of its detail and of the small one; the clean one once.
  assert.is(await images.count(), 7);
  for (const image of await images.all()) {
    await image.scrollIntoViewIfNeeded();
    const width = await inPage<number>(image, 'element.decode().then(() => element.naturalWidth)');
    assert.ok(width > 0);
    assert.match((await image.getAttribute('src')) ?? '', /^data:image\/jpeg;base64,/);
  }
  assert.match(await page.locator('#p3').innerText(), /left unchanged/);
});

test('the divider goes where the mouse drags it, and the pictures are cut there', async ({ page }) => {
  const { divider, stage, before, after, value } = viewerOf(page);
  const cut = await computed(before, 'clip-path');
  const grip = await boxOf(divider);
  const { x, width } = await boxOf(stage);
  await page.mouse.move(grip.x + grip.width / 2, grip.y + grip.height / 2);
  await page.mouse.down();
  await page.mouse.move(x + 0.25 * width, grip.y + grip.height / 2, { steps: 4 });
  await page.mouse.up();
  assert.is(await value(), 25);
  assert.not.equal(await computed(before, 'clip-path'), cut);
  assert.match(await computed(after, 'clip-path'), /^inset\(0px 0px 0px 25(?:\.\d+)?%\)$/);
  assert.is(await divider.getAttribute('aria-valuetext'), '25% before');
  const moved = await boxOf(divider);
  assert.ok(Math.abs(moved.x + moved.width / 2 - (x + 0.25 * width)) < 2, 'it lies under the pointer');
  await page.mouse.move(x + 0.9 * width, grip.y + grip.height / 2);
  assert.is(await value(), 25, 'and stays when let go');
  await page.mouse.click(x + 0.75 * width, grip.y + 5);
  assert.is(await value(), 75, 'a click elsewhere brings it there');
});

test('the divider by keyboard', async ({ page }) => {
  const { divider, before, value } = viewerOf(page);
  const cuts = new Set([await computed(before, 'clip-path')]);
  const presses: readonly (readonly [string, number])[] = [
    ['ArrowRight', 51],
    ['ArrowLeft', 50],
    ['PageUp', 60],
    ['PageDown', 50],
    ['Shift+ArrowLeft', 40],
    ['Home', 0],
    ['ArrowLeft', 0],
    ['End', 100],
  ];
  for (let tabs = 0; !(await isFocused(divider)); tabs++) {
    if (tabs > 30) throw new Error('Tab does not reach the divider');
    await page.keyboard.press('Tab');
  }
  const shadow = await inPage<string>(divider, "getComputedStyle(element, '::after').boxShadow");
  assert.match(shadow, 'rgb(11, 98, 196)', 'its focus shows');
  for (const [key, place] of presses) {
    await page.keyboard.press(key);
    assert.is(await value(), place, key);
    cuts.add(await computed(before, 'clip-path'));
  }
  assert.is(cuts.size, 6);
});

function isFocused(element: Locator): Promise<boolean> {
  return inPage(element, 'element === document.activeElement');
}

test('zoom and panning, both sides in step', async ({ page }) => {
  const { divider, stage, before, after, output } = viewerOf(page, 1);
  const places = async () => {
    const [one, other] = [before.locator('img'), after.locator('img')];
    const both = [await computed(one, 'transform'), await computed(other, 'transform')];
    assert.is(both[0], both[1], 'both sides are moved alike');
    assert.equal(await boxOf(one), await boxOf(other), 'both sides lie alike');
    return both[0] ?? '';
  };
  const start = await places();
  await page.getByRole('button', { name: 'Zoom in' }).nth(1).click();
  assert.is(await output.innerText(), '2×');
  const twice = await places();
  assert.match(twice, /^matrix\(2, 0, 0, 2,/);
  await divider.press('+');
  await divider.press('+');
  await divider.press('+');
  assert.is(await output.innerText(), '8×', 'and no further');
  const far = await places();
  const { x, y, width, height } = await boxOf(stage);
  await page.mouse.move(x + 0.2 * width, y + 0.5 * height);
  await page.mouse.down();
  await page.mouse.move(x + 0.4 * width, y + 0.7 * height, { steps: 3 });
  await page.mouse.up();
  const panned = await places();
  assert.not.equal(panned, far, 'dragging pans');
  await divider.press('Shift+ArrowRight');
  assert.not.equal(await places(), panned, 'and so does the keyboard');
  await divider.press('0');
  assert.is(await output.innerText(), '1×');
  assert.is(await places(), start);
  await page.keyboard.down('Control');
  await page.mouse.move(x + 0.5 * width, y + 0.5 * height);
  await page.mouse.wheel(0, -200);
  await page.keyboard.up('Control');
  assert.is(await output.innerText(), '2×');
  await stage.dblclick({ position: { x: 20, y: 20 } });
  assert.is(await output.innerText(), '1×');
});

test('a narrow window and paper hold it', async ({ page }) => {
  await page.setViewportSize({ width: 360, height: 700 });
  const width = await page.evaluate<number>('document.documentElement.scrollWidth');
  assert.ok(width <= 360, `${width} pixels wide`);
  await page.emulateMedia({ media: 'print' });
  const { before, after } = viewerOf(page);
  assert.is(await computed(before, 'clip-path'), 'none');
  const [left, right] = [await boxOf(before), await boxOf(after)];
  assert.ok(right.x >= left.x + left.width, 'side by side on paper');
  assert.equal([right.y, right.width, right.height], [left.y, left.width, left.height]);
});

browsing.run();
