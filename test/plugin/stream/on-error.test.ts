// What `onError` makes of a file that fails in the middle: in the stream, and as gulp's step.
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';
import PluginError from 'plugin-error';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type Vinyl from 'vinyl';
import { FlowDenoiseError } from '#src/core/errors.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { denoise } from '#src/plugin/gulp.js';
import type { DenoiseStreamOptions } from '#src/plugin/stream-options.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture, pngFile, vinyl } from '../pictures.js';
import { failureOf, through } from '../through.js';

const stems = (files: readonly Vinyl[]) => files.map(({ stem }) => stem);

async function aBadB(bad: Buffer | NodeJS.ReadableStream = Buffer.from('no picture')): Promise<Vinyl[]> {
  return [await pngFile('a.png'), vinyl('bad.png', bad), await pngFile('b.png'), await pngFile('c.png')];
}

/** Runs the files through; what came out, and which failures were told in which order with what came out. */
async function run(files: readonly Vinyl[], options: DenoiseStreamOptions, make = denoiseStream) {
  const stream = make({ sigma: 25, denoiser: identityDenoiser(), ...options });
  const told: { error: Error & { code?: string; fileName?: string }; file: Vinyl }[] = [];
  stream.on('fileError', (error, file) => told.push({ error, file }));
  return { out: await through(stream, files), told };
}

test("'skip' leaves the file out, tells of it, and goes on in order", async () => {
  for (const concurrency of [1, 2, 5]) {
    const files = await aBadB();
    const { out, told } = await run(files, { onError: 'skip', concurrency });
    assert.equal(stems(out), ['a', 'b', 'c']);
    assert.is(told.length, 1);
    assert.is(told[0]?.file, files[1]);
    assert.is(told[0]?.error.code, 'BAD_IMAGE');
    assert.match(told[0]?.error.message ?? '', '/photos/bad.png');
  }
});

test("'pass' passes the file as it was, with the error as its report", async () => {
  const files = await aBadB();
  const contents = files[1]?.contents;
  const { out, told } = await run(files, { onError: 'pass' });
  assert.equal(stems(out), ['a', 'bad', 'b', 'c']);
  assert.is(out[1]?.contents, contents);
  assert.is(out[1]?.flowDenoise?.error, told[0]?.error);
  assert.is(out[1]?.flowDenoise?.seconds, undefined);
  assert.ok(out.every(({ flowDenoise }, index) => index === 1 || flowDenoise?.error === undefined));
});

test("'pass' passes contents that were a stream as what was read", async () => {
  const { out } = await run(await aBadB(Readable.from([Buffer.from('no '), Buffer.from('picture')])), {
    onError: 'pass',
  });
  assert.is(String(out[1]?.contents), 'no picture');
});

test('contents that cannot be read are left out or end the stream, but cannot pass', async () => {
  const broken = () =>
    new Readable({
      read() {
        this.destroy(new Error('the disk is gone'));
      },
    });
  const { out, told } = await run(await aBadB(broken()), { onError: 'skip' });
  assert.equal(stems(out), ['a', 'b', 'c']);
  assert.match(told[0]?.error.message ?? '', 'the disk is gone');
  const failure = await failureOf(run(await aBadB(broken()), { onError: 'pass' }));
  assert.match(failure.message, 'the disk is gone');
});

test('contents that were read, closed or broken before do not hang the stream', async () => {
  const [read, closed, broken] = [1, 2, 3].map(() => Readable.from([Buffer.from('bytes')])) as Readable[];
  const ended = once(read as Readable, 'end');
  read?.resume();
  await ended;
  closed?.destroy();
  broken?.once('error', () => {}).destroy(new Error('the disk is gone'));
  await nextTurn();
  for (const [contents, why] of [
    [read, 'Premature close'],
    [closed, 'Premature close'],
    [broken, 'the disk is gone'],
  ] as const) {
    const { out, told } = await run(await aBadB(contents), { onError: 'skip' });
    assert.equal(stems(out), ['a', 'b', 'c']);
    assert.is(told[0]?.error.code, 'BAD_IMAGE');
    assert.match(told[0]?.error.message ?? '', `/photos/bad.png: cannot be read (${why})`);
  }
});

/** Fails as an engine does, on one picture. */
function failingOn(turn: number, error: Error): Denoiser {
  const denoiser = identityDenoiser();
  return {
    ...denoiser,
    denoise(picture, options) {
      const result = denoiser.denoise(picture, options);
      return denoiser.begun() === turn ? result.then(() => Promise.reject(error)) : result;
    },
  };
}

test('after a fault of the engine the stream goes on, with one error that names the file', async () => {
  const fault = new FlowDenoiseError('ENGINE_FAILED', 'onnx: a worker stopped at the tile at 0, 0');
  for (const onError of ['skip', 'pass'] as const) {
    const files = await Promise.all(['a.png', 'b.png', 'c.png'].map((name) => pngFile(name)));
    const { out, told } = await run(files, { onError, concurrency: 1, denoiser: failingOn(2, fault) });
    assert.equal(stems(out), onError === 'skip' ? ['a', 'c'] : ['a', 'b', 'c']);
    assert.is(told.length, 1);
    assert.is(told[0]?.error.code, 'ENGINE_FAILED');
    assert.match(told[0]?.error.message ?? '', /\/photos\/b\.png: onnx: .*tile at 0, 0/);
  }
});

test('a picture that the options do not suit is skipped', async () => {
  const white = { level: [0.1], spectrum: [1, 1, 1, 1] };
  const noise = { brightness: [0.5], channels: [white] };
  const grey = sharp(await noisyPicture('png'))
    .toColourspace('b-w')
    .png();
  const files = [await pngFile('a.png'), vinyl('grey.png', await grey.toBuffer())];
  const { out, told } = await run(files, { onError: 'skip', sigma: 'auto', noise, denoiser: undefined });
  assert.equal(stems(out), ['grey']);
  assert.is(told.length, 1);
  assert.match(told[0]?.error.message ?? '', /\/photos\/a\.png: Expected a noise profile of 3 channels/);
});

test('what would fail with every file ends the stream nonetheless', async () => {
  const closed = failingOn(2, new FlowDenoiseError('CLOSED', 'the denoiser was closed'));
  for (const [options, code] of [
    [{ denoiser: closed }, 'CLOSED'],
    [{ denoiser: undefined, prior: '/no/such/prior' }, 'BAD_PRIOR'],
  ] as const) {
    const files = [await pngFile('a.png'), await pngFile('b.png'), await pngFile('c.png')];
    const error = await failureOf(run(files, { onError: 'skip', concurrency: 1, ...options }));
    assert.is((error as FlowDenoiseError).code, code);
  }
});

test("an error that onProgress throws ends the stream: it is no file's fault", async () => {
  const mine = new Error('a slip in the callback');
  const onProgress = () => {
    throw mine;
  };
  for (const onError of ['fail', 'skip', 'pass'] as const) {
    const files = [await pngFile('a.png'), await pngFile('b.png')];
    assert.is(await failureOf(run(files, { onError, onProgress })), mine);
  }
  const failure = await failureOf(run([await pngFile('a.png')], { onError: 'skip', onProgress }, denoise));
  assert.instance(failure, PluginError);
  assert.is((failure as PluginError).fileName, '/photos/a.png');
});

test('an abort is no failure of a file', async () => {
  const reason = new Error('enough');
  const options = { onError: 'skip', signal: AbortSignal.abort(reason) } as const;
  assert.is(await failureOf(run(await aBadB(), options)), reason);
});

test('where nobody listens, a warning says what became of the file', async () => {
  for (const [onError, words] of [
    ['skip', /^Left out a file: .photos.bad\.png: found text/],
    ['pass', /^Passed on a file as it was: .photos.bad\.png: found text/],
  ] as const) {
    const warned = once(process, 'warning');
    await through(denoiseStream({ sigma: 25, denoiser: identityDenoiser(), onError }), await aBadB());
    const [warning] = (await warned) as [Error];
    assert.is(warning.name, 'FlowDenoiseWarning');
    assert.match(warning.message, words);
  }
});

test('in the gulp step the errors are PluginErrors', async () => {
  const { out, told } = await run(await aBadB(), { onError: 'skip' }, denoise);
  assert.equal(stems(out), ['a', 'b', 'c']);
  assert.instance(told[0]?.error, PluginError);
  assert.is(told[0]?.error.fileName, '/photos/bad.png');
  const passed = await run(await aBadB(), { onError: 'pass' }, denoise);
  assert.instance(passed.out[1]?.flowDenoise?.error, PluginError);
  const failure = await failureOf(run(await aBadB(), { onError: 'fail' }, denoise));
  assert.is((failure as Error & { fileName?: string }).fileName, '/photos/bad.png');
});

test('text read as text passes as it was, told what to do', async () => {
  const text = Buffer.from((await noisyPicture('png')).toString('utf8'));
  const { out, told } = await run(await aBadB(text), { onError: 'pass' });
  assert.is(out[1]?.contents, text);
  assert.match(told[0]?.error.message ?? '', '{ encoding: false }');
});

test.run();
