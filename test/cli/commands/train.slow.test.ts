// The words of training and calibrating, and what is refused before anything is opened. Training itself is test/train's.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { estimateLine } from '#src/cli/commands/calibrate.js';
import { beginLines, stepWords, trainingDisplay, validationWords } from '#src/cli/commands/train.js';
import { openDisplay } from '#src/cli/display/progress.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { isTensorflowThere } from '../../train/loop/training-backends.js';
import { stepRecord, validationRecord } from '../../train/report/training-records.js';
import { command, filesBelow } from '../command.js';
import { FakeTerminal } from '../fake-terminal.js';

function open(terminal: FakeTerminal, isQuiet = false) {
  const display = openDisplay(isQuiet, terminal as unknown as NodeJS.WriteStream);
  return { add: trainingDisplay(display, 4000), end: display.end };
}

test('a step and a validation in words', () => {
  const record = stepRecord(1200, {
    loss: -0.8125,
    bitsPerDimension: 3.416,
    seconds: 0.91,
    secondsLeft: 3542,
  });
  assert.is(
    stepWords(record, 4000),
    'step 1,200 of 4,000  loss -0.813  3.42 bits/dim  rate 0.001  0.91 s/step  59 min 2 s left',
  );
  const skipped = stepRecord(2, { skipped: 'gradient', restored: true, secondsLeft: undefined });
  assert.match(stepWords(skipped, undefined), /^step 2 {2}.*skipped: gradient, back to the snapshot$/);
  assert.is(
    validationWords(validationRecord(250)),
    'step 250: 3.004 bits per dimension; 33.30 dB at sigma 10 (noisy 28.10); 29.40 dB at sigma 25 (noisy 20.20)',
  );
});

test('piped: the first step, every validation, every warning; quiet: warnings alone', () => {
  const [piped, quiet] = [new FakeTerminal(false, 140), new FakeTerminal(false, 140)];
  for (const display of [open(piped), open(quiet, true)]) {
    for (let step = 1; step <= 20; step++) display.add(stepRecord(step));
    display.add(validationRecord(20));
    display.add({ kind: 'checkpoint', step: 20, folder: 'x' });
    display.add({ kind: 'warning', step: 20, message: 'no room' });
    display.end();
  }
  const lines = piped.text.trimEnd().split('\n');
  assert.is(lines.length, 3, piped.text);
  assert.match(lines[0] ?? '', /^step 1 of 4,000/);
  assert.match(lines[1] ?? '', /^step 20: .*dB at sigma 25/);
  assert.is(quiet.text, 'warning: no room\n');
});

test('on a terminal the line is renewed, and words stand above it', () => {
  const terminal = new FakeTerminal(true, 140);
  const display = open(terminal);
  display.add(stepRecord(1));
  display.add(validationRecord(1));
  display.add(stepRecord(2));
  display.end();
  assert.match(terminal.text, 'step 1 of 4,000');
  assert.match(terminal.text, 'step 1: 4.000 bits per dimension');
});

test('how long it will take, in words', () => {
  const estimate = { seconds: 260, levels: 7, crops: 24 };
  assert.is(estimateLine(estimate), 'calibrating beta-MAP at 7 noise levels on 24 crops: about 4 min 20 s');
  assert.match(estimateLine({ seconds: 3, levels: 1, crops: 1 }), 'at 1 noise level on 1 crop: about 3.0 s');
  const options = { folder: 'photos', output: 'my-prior', minutes: 60 };
  assert.is(
    beginLines(options, true)[1],
    'trains for 1 h 0 min; the last validation and calibration take 15 min 0 s more at most',
  );
  assert.match(beginLines({ ...options, minutes: 1 }, true)[1] ?? '', /1 min 0 s more at most$/);
  for (const lines of [beginLines(options, false), beginLines({ ...options, minutes: undefined }, true)])
    assert.is(lines.length, 1);
});

test('a training of seconds says how long it will calibrate, does so and ends with 0', () =>
  withFolder(async (cwd) => {
    if (!(await isTensorflowThere('a training and its calibration'))) return;
    await mkdir(join(cwd, 'photos'));
    for (const seed of [1, 2, 3, 4])
      await writeFile(join(cwd, `photos/${seed}.png`), await noisyPicture('png', { seed }));
    const short = '--preset small --minutes 0.02 --batch 2 --crop-size 32'.split(' ');
    const { code, signal, stderr } = await command(['train', 'photos', '-o', 'prior', ...short], { cwd });
    assert.equal([code, signal], [0, null], stderr);
    assert.match(stderr, /^calibrating beta-MAP at \d noise levels? on \d+ crops: about /m);
    assert.match(stderr, /written to .*model\.json$/m);
  }));

test('refusals: exit code 2, one clear line, nothing written', () =>
  withFolder(async (cwd) => {
    for (const [words, reason] of [
      ['train nowhere', /--output/],
      ['train nowhere -o prior --engine onnx', /tensorflow.*onnx/],
      ['train nowhere -o prior --steps 5 --minutes 5', /either steps or minutes/],
      ['train nowhere -o prior --preset huge', /preset.*huge/],
      ['train nowhere -o prior --depth 3,x', /depth/],
      ['train nowhere elsewhere -o prior --weights 3', /Expected 2 numbers for weights.*received 3$/m],
      ['train nowhere elsewhere -o prior --weights 3,x', /weights.*x/],
      ['train nowhere -o prior --shrink 0.6', /Expected 1, 0.75, 0.5 or 0.25 for shrink.*0.6/],
      ['calibrate natural nowhere', /priors path natural/],
      ['calibrate absent nowhere', /absent/],
      ['calibrate natural nowhere --dry-run', /no folder nowhere/],
      ['calibrate natural nowhere --dry-run --sigmas 5,x', /sigmas/],
    ] as const) {
      const { code, stderr, stdout } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, reason);
      assert.is(stderr.trimEnd().split('\n').length, 1, stderr);
      assert.is(stdout, '');
    }
    assert.equal(await filesBelow(cwd), []);
  }));

test('help fits a terminal', async () => {
  for (const name of ['train', 'calibrate']) {
    const { code, stdout } = await command([name, '--help']);
    assert.is(code, 0);
    assert.match(stdout, 'Exit codes:');
    for (const line of stdout.split('\n')) assert.ok(line.length <= 120, `${line.length}: ${line}`);
  }
});

test.run();
