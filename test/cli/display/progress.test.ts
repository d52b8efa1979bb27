// What the terminal shows, on a terminal of our own making.
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openDisplay, tileProgress } from '#src/cli/display/progress.js';
import { doneLine, errorLine, jsonLine } from '#src/cli/display/report.js';
import { timeWords } from '#src/core/printable.js';
import { FakeTerminal } from '../fake-terminal.js';

const jobs = ['a', 'b'].map((name) => ({
  input: `${name}.png`,
  output: `out/${name}.png`,
  megapixels: 1,
  tiles: 10,
  seconds: 45,
}));
const plan = { jobs, megapixels: 2, tiles: 20, seconds: 90 };

async function shown(isTTY: boolean, isQuiet: boolean): Promise<string> {
  const terminal = new FakeTerminal(isTTY);
  const display = openDisplay(isQuiet, terminal as unknown as NodeJS.WriteStream);
  const [first, second] = jobs;
  if (!first || !second) throw new Error('two jobs');
  const progress = tileProgress(display, plan);
  await delay(120);
  progress(first, 5);
  await delay(150);
  progress(second, 3);
  display.say('a line of words');
  display.complain('a failure');
  await delay(150);
  progress(first, 'all');
  await delay(150);
  display.say('the last line');
  display.end();
  return terminal.text;
}

test('a bar on a terminal', async () => {
  const text = await shown(true, false);
  for (const words of ['0/20 tiles', '1 min 30 s left', '5/20 tiles', '8/20 tiles', '13/20 tiles'])
    assert.match(text, words);
  assert.match(text, /[\d.]+ s\/MP/);
  assert.match(text, 'a line of words\n');
  assert.match(text, 'a failure\n');
  assert.match(text, 'the last line\n');
});

test('lines elsewhere', async () => {
  assert.is(await shown(false, false), 'a line of words\na failure\nthe last line\n');
});

test('nothing but failures when quiet', async () => {
  assert.is(await shown(true, true), 'a failure\n');
});

test('times and errors in words', () => {
  assert.equal([0.44, 9.96, 59.4, 59.6, 200, 7500].map(timeWords), [
    '0.4 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '3 min 20 s',
    '2 h 5 min',
  ]);
  assert.is(errorLine(new Error('one\n  two\n')), 'flow-denoise: one; two');
  const [job] = jobs;
  if (!job) throw new Error('a job');
  assert.equal(JSON.parse(jsonLine({ job, error: 'odd' })), {
    input: 'a.png',
    output: 'out/a.png',
    error: { code: 'UNKNOWN', message: 'odd' },
  });
});

test('a picture that stays because strength is 0 is told so, whatever its noise', () => {
  const job = { input: 'a.png', output: 'out/a.png' };
  const noise = { model: 'gaussian', sigma: 25, isEstimated: false, why: 'sigma was given' };
  const report = { isUnchanged: true, noise } as Parameters<typeof doneLine>[1];
  assert.is(doneLine(job, report, 0), 'a.png -> out/a.png  copied: strength is 0');
  assert.is(doneLine(job, report), 'a.png -> out/a.png  copied: sigma was given');
});

test('a picture that looks clean is told how sure that is, and how to denoise it', () => {
  const noise = { model: 'gaussian', sigma: 0.2, isEstimated: true, confidence: 0.97, why: 'looks clean' };
  const report = { isUnchanged: true, noise } as Parameters<typeof doneLine>[1];
  assert.is(
    doneLine({ input: 'a.png', output: 'a.png' }, report),
    'a.png  left as it is: looks clean, confidence 97%; pass --sigma to denoise it anyway',
  );
});

test.run();
