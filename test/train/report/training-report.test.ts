// The log and the page of a training: what stands in them, that they outlive a stop, and that the page asks for nothing.
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { batchPoints } from '#src/train/report/training-page.js';
import { openTrainingReport } from '#src/train/report/training-report.js';
import { temporaryFolder } from '../data/training-pictures.js';
import { pixels, stepRecord, validationRecord } from './training-records.js';

const temporary = await temporaryFolder();
let count = 0;
async function newFolder(): Promise<string> {
  const folder = join(temporary.folder, String(count++));
  await mkdir(folder);
  return folder;
}

const open = (folder: string, lastStep = 0, facts = {}) =>
  openTrainingReport({ folder, title: 'a <prior>', facts, lastStep });
const linesOf = async (folder: string) =>
  (await readFile(join(folder, 'log.jsonl'), 'utf8')).trimEnd().split('\n');
const pageOf = (folder: string) => readFile(join(folder, 'training.html'), 'utf8');

test('the log has a line for every record, without pixels', async () => {
  const folder = await newFolder();
  const report = await open(folder);
  await report.add(stepRecord(1, { loss: Number.NaN, skipped: 'not finite' }));
  await report.add(validationRecord(1));
  await report.add({ kind: 'checkpoint', step: 1, folder: 'prior' });
  const records = (await linesOf(folder)).map((line) => JSON.parse(line));
  assert.equal(
    records.map(({ kind }) => kind),
    ['step', 'validation', 'checkpoint'],
  );
  assert.is(records[0].loss, null);
  assert.is(records[0].skipped, 'not finite');
  assert.equal(records[1].psnr, validationRecord(1).psnr);
  assert.equal(Object.keys(records[1]), ['kind', 'step', 'seconds', 'bitsPerDimension', 'psnr']);
});

test('records come back from the log as they were', async () => {
  const folder = await newFolder();
  const report = await open(folder);
  const records = [
    stepRecord(1, { denoisingError: undefined, secondsLeft: undefined, loss: Number.NaN }),
    stepRecord(2, { skipped: 'loss', restored: true }),
    validationRecord(2),
    { kind: 'checkpoint', step: 2, folder: 'x' } as const,
    { kind: 'warning', step: 2, message: 'a "quoted" word' } as const,
  ];
  for (const record of records) await report.add(record);
  const written = await linesOf(folder);
  assert.is(written.length, records.length);
  await open(folder, 2);
  assert.equal(await linesOf(folder), written);
});

test('going on at a step forgets what was told of later ones, and a line left half written', async () => {
  const folder = await newFolder();
  const first = await open(folder);
  for (let step = 1; step <= 10; step++) await first.add(stepRecord(step));
  // JSON, but no record: the page could not show it.
  const odd = ['5', 'null', '{"kind":"validation","step":3,"seconds":1}', '{"kind":"other","step":3}'];
  await appendFile(join(folder, 'log.jsonl'), `${odd.join('\n')}\n{"kind":"step","ste`);

  const second = await open(folder, 6);
  await second.add(stepRecord(7, { loss: 77 }));
  const records = (await linesOf(folder)).map((line) => JSON.parse(line));
  assert.equal(
    records.map(({ step }) => step),
    [1, 2, 3, 4, 5, 6, 7],
  );
  assert.is(records[6].loss, 77);
  assert.equal(await readdir(folder), ['log.jsonl'], 'nothing temporary is left');
});

test('beginning anew forgets all', async () => {
  const folder = await newFolder();
  const first = await open(folder);
  await first.add(stepRecord(1));
  await open(folder, 0);
  assert.is(await readFile(join(folder, 'log.jsonl'), 'utf8'), '');
});

test('the page has the pictures, pixel for pixel, and samples', async () => {
  const folder = await newFolder();
  const report = await open(folder);
  await report.add(stepRecord(1));
  await report.add(validationRecord(1));
  const page = await pageOf(folder);
  const found = new Map<string, Buffer[]>();
  for (const [, base64 = '', name = ''] of page.matchAll(
    /src="data:image\/png;base64,([^"]+)" alt="([^"]+)"/g,
  )) {
    const decoded = await sharp(Buffer.from(base64, 'base64')).raw().toBuffer();
    found.set(name, [...(found.get(name) ?? []), decoded]);
  }
  for (const sigma of [10, 25]) {
    assert.equal(found.get(`clean, sigma ${sigma}`), [Buffer.from(pixels(sigma))]);
    assert.equal(found.get(`noisy, sigma ${sigma}`), [Buffer.from(pixels(sigma + 1))]);
    assert.equal(found.get(`denoised, sigma ${sigma}`), [Buffer.from(pixels(sigma + 2))]);
  }
  assert.equal(found.get('sample 2'), [Buffer.from(pixels(101))]);
  assert.ok(page.indexOf('clean, sigma 10') < page.indexOf('clean, sigma 25'), 'the faintest noise first');
  assert.match(page, /standard deviation 0\.7/);
});

test('the page loads nothing, and no name is markup', async () => {
  const folder = await newFolder();
  const report = await open(folder, 0, { data: '<img src=x>', crops: 9 });
  await report.add(stepRecord(1));
  await report.add(validationRecord(1));
  const page = await pageOf(folder);
  assert.match(page, 'default-src &#39;none&#39;'.replaceAll('&#39;', "'"));
  for (const [, target = ''] of page.matchAll(/<[^>]*\b(?:src|href)=["']?([^"'\s>]*)/g))
    assert.ok(target.startsWith('data:'), target.slice(0, 80));
  assert.not.match(page, /<script|style=|url\(/);
  assert.not.match(page, '<prior>');
  assert.not.match(page, '<img src=x>');
  assert.match(page, '&#60;img src=x&#62;');
});

test('the curves go on after a stop, and the last page no longer asks for itself', async () => {
  const folder = await newFolder();
  const first = await open(folder);
  for (let step = 1; step <= 20; step++) await first.add(stepRecord(step));
  await first.add(validationRecord(20, { psnr: [{ sigma255: 25, noisy: 20, denoised: 24.125 }] }));
  assert.match(await pageOf(folder), 'http-equiv="refresh"');

  const second = await open(folder, 20);
  for (let step = 21; step <= 40; step++)
    await second.add(stepRecord(step, { skipped: step === 30 ? 'loss' : undefined }));
  await second.add(validationRecord(40, { psnr: [{ sigma255: 25, noisy: 20, denoised: 26.5 }] }));
  await second.finish();
  const page = await pageOf(folder);
  assert.match(page, /sigma 25: 20: 24\.125, 40: 26\.5\./, 'both sessions in one curve');
  assert.match(page, 'learned nothing from 1 step ');
  assert.not.match(page, 'http-equiv="refresh"');
  assert.equal((await readdir(folder)).sort(), ['log.jsonl', 'training.html']);
});

test('an unconditioned flow, whose validation denoises nothing, has a page too', async () => {
  const folder = await newFolder();
  const report = await open(folder);
  await report.add(stepRecord(1, { denoisingError: undefined }));
  await report.add(validationRecord(1, { psnr: [], crops: [], samples: undefined }));
  const page = await pageOf(folder);
  assert.match(page, 'Bits per dimension');
  assert.not.match(page, 'PSNR of the validation crops');
  assert.not.match(page, 'Error of the noise');
});

test('long curves are thinned to means; skipped steps count nothing', () => {
  const steps = Array.from({ length: 10_000 }, (_, i) =>
    stepRecord(i + 1, { loss: i + 1, skipped: i % 2 === 1 ? 'loss' : undefined }),
  );
  const points = batchPoints(steps, 'loss');
  assert.ok(points.length <= 300 && points.length > 100, String(points.length));
  for (const [x, y] of points) {
    assert.ok(Math.abs(x - y) < 1e-6);
    assert.ok(Math.abs((x % 2) - 1) < 1e-6 || Number.isInteger(x), 'of odd steps');
  }
  const late = batchPoints(steps, 'loss', 9_000);
  assert.ok((late[0]?.[0] ?? 0) >= 9_000);
  assert.ok(late.length > 100);
});

test('a folder that cannot be written to is named', async () => {
  const folder = await newFolder();
  await writeFile(join(folder, 'file'), '');
  const error = await open(join(folder, 'file')).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  assert.instance(error, FlowDenoiseError);
  assert.is((error as FlowDenoiseError).code, 'WRITE_FAILED');
  assert.match((error as FlowDenoiseError).message, 'log.jsonl');
});

test.after(temporary.remove);
test.run();
