// `flow-denoise watch` as users start it: the real engine and prior, small pictures.
import type { ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { command } from '../../cli/command.js';
import { noisyPicture, withFolder } from '../pictures.js';
import { put, temporaryFiles, visibleFiles } from './watching.js';

const FAST = ['--sigma', '25', '--method', 'posterior-mean', '--settle', '50', '--patience', '100'];
const placeOf = (root: string) => ({ root, input: join(root, 'in'), output: join(root, 'out') });

/** Sends the signal once the process has said this. */
function signalAfter(words: RegExp, signals: readonly NodeJS.Signals[]) {
  return (child: ChildProcess) => {
    let said = '';
    const onText = async (text: string) => {
      said += text;
      if (!words.test(said)) return;
      child.stdout?.off('data', onText);
      for (const signal of signals) {
        child.kill(signal);
        await delay(200);
      }
    };
    child.stdout?.on('data', onText);
  };
}

test('--once --json: a line of JSON for every event, names in one line; exit code 1 when one failed', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/line\nbreak.png', await noisyPicture('png'));
    await put(cwd, 'in/sub/bad\n.png', 'text');
    const args = ['watch', 'in', '-o', 'out', '--once', '--json', '--originals', 'move', ...FAST];
    const { code, stdout, stderr } = await command(args, { cwd });
    assert.is(code, 1, stderr);
    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(lines.map(({ event }) => event).sort(), ['done', 'failed', 'idle', 'ready', 'taken']);
    const [done, failed] = ['done', 'failed'].map((name) => lines.find(({ event }) => event === name));
    assert.equal(
      [done.input, done.output, done.movedTo],
      ['in/line\nbreak.png', 'out/line\nbreak.png', 'in/.done/line\nbreak.png'],
    );
    assert.is(done.report.sigma, 25);
    assert.is(failed.error.code, 'BAD_IMAGE');
    assert.ok(lines.every(({ time }) => Math.abs(Date.parse(time) - Date.now()) < 3600_000));
    assert.match(stderr, /^reading in: 2 waiting, 0 done before$/m);
    assert.match(stderr, /^in\/line\\nbreak\.png -> out\/line\\nbreak\.png {2}/m);
    assert.match(
      stderr,
      /^flow-denoise: in\/sub\/bad\\n\.png: found text.* \(moved to in\/\.error\/sub\/bad\\n\.png\)$/m,
    );
    assert.match(stderr, /^nothing waits: 1 done, 1 failed$/m);
    const again = await command([...args.slice(0, -8), ...FAST, '--quiet'], { cwd });
    assert.equal([again.code, again.stderr], [0, '']);
  }));

test('SIGTERM abandons what is in work: 143, nothing half written; the next run does it', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/large.png', await noisyPicture('png', { width: 800, height: 800 }));
    const args = ['watch', 'in', '-o', 'out', '--json', '--settle', '50', '--sigma', '25'];
    const { code, stderr } = await command(args, { cwd, during: signalAfter(/"taken"/, ['SIGTERM']) });
    assert.is(code, 143, stderr);
    assert.match(stderr, /stopped; pictures in work were not written/);
    assert.equal(await visibleFiles(join(cwd, 'out')), []);
    assert.equal(await temporaryFiles(placeOf(cwd)), []);
  }));

test('--finish finishes it: 0; a second signal ends at once', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png', { width: 300, height: 300 }));
    const args = ['watch', 'in', '-o', 'out', '--json', '--finish', ...FAST];
    const finished = await command(args, { cwd, during: signalAfter(/"taken"/, ['SIGINT']) });
    assert.is(finished.code, 0, finished.stderr);
    assert.equal(await visibleFiles(join(cwd, 'out')), ['a.png']);
    assert.equal(await temporaryFiles(placeOf(cwd)), []);

    await put(cwd, 'in/large.png', await noisyPicture('png', { width: 800, height: 800 }));
    const slow = ['watch', 'in', '-o', 'out', '--json', '--finish', '--settle', '50', '--sigma', '25'];
    const killed = await command(slow, { cwd, during: signalAfter(/"taken".*large/, ['SIGINT', 'SIGINT']) });
    assert.is(killed.signal, 'SIGINT', killed.stderr);
    assert.not.ok((await visibleFiles(join(cwd, 'out'))).includes('large.png'));
    const next = await command(['watch', 'in', '-o', 'out', '--once', '--quiet', ...FAST], { cwd });
    assert.is(next.code, 0, next.stderr);
    assert.equal(await temporaryFiles(placeOf(cwd)), []);
  }));

test('wrong usage: exit code 2, one line, nothing made', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png'));
    for (const [words, message] of [
      ['in', /--output/],
      ['-o out', /input/],
      ['nowhere -o out', /nowhere/],
      ['in -o in/out', /one inside the other/],
      ['in -o out --settle soon', /for settle but received 'soon'/],
      ['in -o out --poll-interval 1', /for poll but received 1/],
      ['in -o out --originals burn', /originals.*burn/],
      ['in -o out --gain 2 --noise gaussian', /--gain/],
      ['in -o out --sigma 200 --engine onnx', /SIGMA|from 2\.5 to 100/],
      ['in -o out --prior nowhere', /nowhere/],
      ['in -o out --sigma-map a.png', /--sigma-map/],
    ] as const) {
      const { code, stdout, stderr } = await command(['watch', ...words.split(' ')], { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message);
      assert.not.match(stderr, /^\s+at /m, words);
      assert.is(stdout, '');
    }
    assert.equal(await visibleFiles(cwd), ['in/a.png']);
  }));

test.run();
