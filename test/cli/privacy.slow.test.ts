// Nothing leaves the machine: no run connects, looks a name up, or writes outside its output, cache and temporary folders.
// Without strace the home folder alone is watched.
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { cacheFolder } from '#src/core/engine/packages/tensorflow-package.js';
import { isTensorflowThere } from '../train/loop/training-backends.js';
import { type Traced, traced, trespass, whyNoTrace } from './traced.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const main = join(root, 'dist/cli/main.js');

const why = whyNoTrace();
if (why !== undefined) console.log(`SKIP connections and files outside the home folder: ${why}`);

/** An own home, and a folder with four noisy pictures of 64 x 64. */
async function inFolder(work: (places: { folder: string; home: string }) => Promise<void>): Promise<void> {
  const base = await mkdtemp(join(tmpdir(), 'flow-denoise-privacy-'));
  const [folder, home] = [join(base, 'work'), join(base, 'home')];
  await mkdir(join(folder, 'pictures'), { recursive: true });
  await mkdir(home);
  for (let k = 0; k < 4; k++) {
    const data = Uint8Array.from({ length: 3 * 64 * 64 }, (_, i) => 120 + ((i * (i + k)) % 31));
    await sharp(data, { raw: { width: 64, height: 64, channels: 3 } })
      .png()
      .toFile(join(folder, 'pictures', `${k}.png`));
  }
  try {
    await work({ folder, home });
  } finally {
    await rm(base, { recursive: true, force: true });
  }
}

function expectPrivate({ code, stderr, trespasses, calls, home }: Traced): void {
  assert.is(code, 0, stderr);
  assert.equal(home, []);
  if (trespasses === undefined) return;
  // A run opens hundreds of files: fewer would mean that they were not seen.
  assert.ok(calls > 100, `${calls} calls`);
  assert.equal(trespasses, []);
}

const tensorflow = { FLOW_DENOISE_CACHE: cacheFolder() };

for (const engine of ['onnx', 'wasm', 'tensorflow'])
  test(`a picture on ${engine}`, () =>
    inFolder(async ({ folder, home }) => {
      if (engine === 'tensorflow' && !(await isTensorflowThere('what a run on it reaches'))) return;
      const args = ['run', 'pictures/0.png', '-o', 'out', '--sigma', '10', '--engine', engine];
      expectPrivate(await traced([main, ...args], { folder, home, env: tensorflow }));
      assert.equal(globSync('out/*', { cwd: folder }), ['out/0.png']);
    }));

test('the process in which doctor tries an engine', () =>
  inFolder(async ({ folder, home }) => {
    const program = join(root, 'dist/cli/commands/examine-process.js');
    expectPrivate(await traced([program, 'onnx'], { folder, home }));
  }));

test('an evaluation', () =>
  inFolder(async ({ folder, home }) => {
    const args = ['evaluate', 'pictures', '-o', 'out', '--count', '1', '--sigma', '10', '--engine', 'onnx'];
    expectPrivate(await traced([main, ...args], { folder, home }));
    assert.ok(globSync('out/*', { cwd: folder }).length > 1);
  }));

test('a training', () =>
  inFolder(async ({ folder, home }) => {
    if (!(await isTensorflowThere('what a training reaches'))) return;
    const short = '--preset small --steps 2 --batch 2 --crop-size 32 --no-calibrate --temperature 0';
    const args = ['train', 'pictures', '-o', 'out', ...short.split(' ')];
    expectPrivate(await traced([main, ...args], { folder, home, env: tensorflow }));
    assert.ok(globSync('out/*', { cwd: folder }).includes('out/model.json'));
  }));

/** Opens the engine onnx in a worker thread that is not ours. */
const THREAD = `
import { findPrior } from '${root}dist/core/model/find-prior.js';
import { loadPrior } from '${root}dist/core/model/load-prior.js';
import { openEngine } from '${root}dist/core/engine/open-engine.js';
import { checkTile } from '${root}dist/core/engine/check-tile.js';
const engine = await openEngine(await loadPrior(findPrior('natural')), { engine: 'onnx', threads: 1 });
await engine.evaluate(checkTile(32));
await engine.close();`;

const starting = (before: string) => `
import { Worker } from 'node:worker_threads';
${before}
new Worker(new URL('./thread.mjs', import.meta.url)).on('error', ({ message }) => {
  console.error(message);
  process.exitCode = 1;
});`;

test("in a user's own thread: refused unless the main thread forbids telemetry", () =>
  inFolder(async ({ folder, home }) => {
    const program = join(folder, 'main.mjs');
    await writeFile(join(folder, 'thread.mjs'), THREAD);
    await writeFile(program, starting(''));
    const refused = await traced([program], { folder, home });
    assert.is(refused.code, 1);
    assert.match(refused.stderr, /ORT_DISABLE_TELEMETRY cannot be set .* set it to 1 before you start/);
    assert.equal(refused.home, []);
    await writeFile(program, starting("process.env.ORT_DISABLE_TELEMETRY = '1';"));
    expectPrivate(await traced([program], { folder, home }));
  }));

test('one file loads ONNX Runtime', async () => {
  const files = globSync(['{src,bench,scripts,examples,test}/**/*.{ts,js,mjs,cjs}'], { cwd: root });
  const loaders: string[] = [];
  for (const file of files) {
    const text = await readFile(join(root, file), 'utf8');
    const isLoader =
      /(?:^import (?!type\b)[^;]*|\bimport\(|\brequire\()\s*['"]onnxruntime-node['"]/m.test(text) ||
      /^export [^;]* from ['"]onnxruntime-node['"]/m.test(text);
    if (isLoader) loaders.push(file);
  }
  assert.equal(loaders, ['src/core/engine/onnx/onnx-runtime.ts']);
});

test('the watch sees a connection, a look-up and a file outside', () =>
  inFolder(async ({ folder, home }) => {
    const program = `
      require('node:fs').writeFileSync(process.env.HOME + '/seen', '');
      require('node:net').connect(9, '127.0.0.1').on('error', () => {});
      require('node:dns').lookup('localhost', () => {});`;
    const seen = await traced(['-e', program], { folder, home });
    assert.equal(seen.home, ['seen']);
    const kinds = seen.trespasses?.map((words) => words.split(':')[0]) ?? ['network', 'name look-up', 'file'];
    for (const kind of ['network', 'name look-up', 'file']) assert.ok(kinds.includes(kind), `${kinds}`);
  }));

test('lines of strace', () => {
  const seen = (line: string) => trespass(line, ['/place'], '/place')?.split(':')[0];
  assert.is(seen('7  openat(AT_FDCWD, "/home/a", O_RDONLY|O_CLOEXEC) = 3'), undefined);
  assert.is(seen('7  openat(AT_FDCWD, "/home/a", O_RDWR|O_CREAT, 0644 <unfinished ...>'), 'file');
  assert.is(
    seen('7  openat(AT_FDCWD</place>, "out/a", O_WRONLY|O_CREAT, 0644) = 3</place/out/a>'),
    undefined,
  );
  assert.is(seen('7  openat(12</home/b>, "a", O_WRONLY|O_CREAT, 0644) = 3'), 'file');
  assert.is(seen('7  mkdir("../home/a", 0755) = 0'), 'file');
  assert.is(seen('7  mkdir("/placeshop", 0755) = 0'), 'file');
  assert.is(seen('7  rename("/place/a", "/place/b") = 0'), undefined);
  assert.is(seen('7  openat(AT_FDCWD, "/dev/null", O_RDWR) = 3'), undefined);
  assert.is(seen('7  openat(AT_FDCWD, "/etc/resolv.conf", O_RDONLY|O_CLOEXEC) = 3'), 'name look-up');
  const host = 'sin_port=htons(53), sin_addr=inet_addr("10.0.0.1")';
  assert.is(seen(`7  connect(3<socket:[1]>, {sa_family=AF_INET, ${host}}, 16) = 0`), 'network');
  assert.is(seen('7  connect(3<socket:[1]>, {sa_family=AF_UNIX, sun_path="/run/x"}, 110) = 0'), undefined);
});

test.run();
