// However the stream ends, its own engine closes and the process ends by itself: the real prior in a process of
// its own, which nothing stops from outside.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const root = fileURLToPath(new URL('../../..', import.meta.url));

const script = (ending: string) => `
  import { denoiseStream } from 'flow-denoise';
  import sharp from 'sharp';
  import Vinyl from 'vinyl';
  const background = { r: 90, g: 120, b: 60 };
  const create = (size) => ({ width: size, height: size, channels: 3, background });
  const picture = async (path, size = 40) =>
    new Vinyl({ path, contents: await sharp({ create: create(size) }).png().toBuffer() });
  const stopping = new AbortController();
  const stream = denoiseStream({ sigma: 25, signal: stopping.signal });
  stream.on('error', (error) => console.log('error ' + error.message)).on('close', () => console.log('closed'));
  stream.on('data', (file) => console.log(file.path + ' ' + file.flowDenoise.tiles));
  stream.write(await picture('/a.png'));
  ${ending}
`;

/** What it printed; rejects when it does not end by itself. */
function run(ending: string): Promise<string[]> {
  const args = ['--input-type=module', '-e', script(ending)];
  return new Promise((resolve, reject) => {
    const child = execFile(
      process.execPath,
      args,
      { cwd: root, timeout: 60_000 },
      (_error, stdout, stderr) => {
        if (child.exitCode === 0) resolve(stdout.trim().split('\n'));
        else reject(new Error(`exit code ${child.exitCode}\n${stdout}${stderr}`));
      },
    );
  });
}

test('at its end', async () => {
  assert.equal(await run('stream.end();'), ['/a.png 1', 'closed']);
});

test('after an error', async () => {
  const lines = await run(`stream.write(new Vinyl({ path: '/b.png', contents: Buffer.from('text') }));`);
  assert.is(lines[0], '/a.png 1');
  assert.match(String(lines[1]), /^error \/b\.png/);
  assert.equal(lines.slice(2), ['closed']);
});

test('when it is destroyed at work', async () => {
  const lines = await run(`
    stream.once('data', () => setTimeout(() => stream.destroy(), 200));
    stream.write(await picture('/b.png', 1500));`);
  assert.equal(lines, ['/a.png 1', 'closed']);
});

test('when it is destroyed while the engine opens', async () => {
  assert.equal(await run('setImmediate(() => stream.destroy());'), ['closed']);
});

test('when it is aborted at work', async () => {
  const lines = await run(`
    stream.once('data', () => setTimeout(() => stopping.abort(new Error('enough')), 200));
    stream.write(await picture('/b.png', 1500));`);
  assert.equal(lines, ['/a.png 1', 'error enough', 'closed']);
});

test.run();
