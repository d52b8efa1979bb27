// The package as users get it: packed, installed into an empty project, and run there from ESM, CommonJS and TypeScript.
// The installation fetches what npm's own cache lacks; where the registry cannot be reached, it is skipped and said.
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { document, linksOf } from '../docs/documents.js';
import { snippetsOf } from '../docs/snippets.js';
import { noisyPicture } from '../plugin/pictures.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const run = promisify(execFile);
const TIMEOUT_MS = 300_000;

/** Nearly all of it the priors, 5.9, 5.9, 5.9 and 5.1 MB, which hardly compress. */
const MOST_PACKED_BYTES = 24e6;
const MOST_UNPACKED_BYTES = 27e6;

/** What npm says where it cannot reach the registry. */
const UNREACHABLE =
  /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|ENOTCACHED|EHOSTUNREACH/;

interface Packed {
  readonly filename: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string }[];
}

interface Context {
  folder: string;
  project: string;
  packed: Packed;
  /** Why nothing could be installed. */
  skipped: string | undefined;
}

const packageTest = suite<Context>('package', {
  folder: '',
  project: '',
  packed: { filename: '', size: 0, unpackedSize: 0, files: [] },
  skipped: undefined,
});

/** npm beside this node, as a script: no shell, and no other npm of the path's. */
function npm(args: readonly string[], cwd: string) {
  const folders = [dirname(process.execPath), ...(process.env.PATH ?? '').split(delimiter)];
  const command = folders.map((folder) => join(folder, 'npm')).find((path) => existsSync(path)) ?? 'npm';
  const env = { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' };
  return run(command, [...args], { cwd, env, timeout: TIMEOUT_MS, maxBuffer: 1e8 });
}

packageTest.before(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-package-'));
  context.project = join(context.folder, 'project');
  await mkdir(context.project);
  const pack = ['pack', '--ignore-scripts', '--json', '--pack-destination', context.folder];
  const { stdout } = await npm(pack, root);
  const [packed] = JSON.parse(stdout) as Packed[];
  if (!packed) throw new Error('npm packed nothing');
  context.packed = packed;
  await writeFile(join(context.project, 'package.json'), '{ "name": "user", "private": true }');
  await writeFile(join(context.project, 'noisy.png'), await noisyPicture('png'));
  const quick = ['--prefer-offline', '--ignore-scripts', '--no-audit', '--no-fund', '--fetch-retries=0'];
  try {
    await npm(['install', ...quick, join(context.folder, packed.filename)], context.project);
  } catch (error) {
    if (!UNREACHABLE.test(String((error as { stderr?: unknown }).stderr))) throw error;
    context.skipped = 'npm cannot reach the registry';
    console.log(`SKIP the installed package: ${context.skipped}`);
  }
});

packageTest.after(({ folder }) => rm(folder, { recursive: true, force: true }));

packageTest('holds what users need, nothing of ours, and is as small as it says', ({ packed }) => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of ['README.md', 'LICENSE', 'package.json', 'dist/index.js', 'dist/index.d.ts'])
    assert.ok(paths.includes(path), path);
  for (const prior of ['natural', 'free', 'faces64', 'faces64-likelihood']) {
    for (const file of ['model.json', 'weights.safetensors', 'README.md'])
      assert.ok(paths.includes(`models/${prior}/${file}`), `${prior}/${file}`);
  }
  assert.equal(
    paths.filter(
      (path) =>
        !/^(dist\/.+(\.js|\.d\.ts)|models\/.+|docs\/.+\.(md|jpg|png|svg)|examples\/.+|README\.md|CONTRIBUTING\.md|LICENSE|package\.json)$/.test(
          path,
        ),
    ),
    [],
  );
  assert.ok(packed.size < MOST_PACKED_BYTES, `packed ${packed.size} bytes`);
  assert.ok(packed.unpackedSize < MOST_UNPACKED_BYTES, `unpacked ${packed.unpackedSize} bytes`);
});

packageTest('a package that a user packs in a checkout is not committed', async () => {
  assert.match(await readFile(`${root}.gitignore`, 'utf8'), /^\*\.tgz$/m);
});

packageTest('links of its documents lead to files of the package', ({ packed }) => {
  const paths = packed.files.map(({ path }) => path);
  for (const path of paths.filter((path) => path.endsWith('.md')))
    for (const { link, target } of linksOf(path))
      assert.ok(paths.includes(target), `${path} links to ${link}, which is not packed`);
});

packageTest('publint and are-the-types-wrong find nothing', async ({ folder, packed }) => {
  const tarball = join(folder, packed.filename);
  await run(process.execPath, [`${root}node_modules/publint/src/cli.js`, tarball, '--strict']);
  // Node 20.19 and later require() an ES module, so one build serves both.
  const attw = `${root}node_modules/@arethetypeswrong/cli/dist/index.js`;
  await run(process.execPath, [attw, tarball, '--profile', 'esm-only', '--no-emoji']);
});

const DENOISE = `
  const report = await new Promise((resolve, reject) => {
    const stream = denoiseBytes({ sigma: 25, method: 'posterior-mean', engine: 'onnx' });
    stream.on('report', resolve).on('error', reject).resume();
    createReadStream('noisy.png').pipe(stream);
  });
  console.log(report.sigma, typeof denoise, typeof core);`;

const PROGRAMS = {
  'run.mjs': `
  import { createReadStream } from 'node:fs';
  import denoise, { denoiseBytes } from 'flow-denoise';
  import * as core from 'flow-denoise/core';
  ${DENOISE}`,
  'run.cjs': `
  const { createReadStream } = require('node:fs');
  const { default: denoise, denoiseBytes } = require('flow-denoise');
  const core = require('flow-denoise/core');
  (async () => { ${DENOISE} })();`,
} as const;

for (const [name, text] of Object.entries(PROGRAMS)) {
  packageTest(`runs: ${name}`, async ({ project, skipped }) => {
    if (skipped) return;
    await writeFile(join(project, name), text);
    const { stdout } = await run(process.execPath, [name], { cwd: project, timeout: TIMEOUT_MS });
    assert.is(stdout, '25 function object\n');
  });
}

packageTest('TypeScript: its types hold, and what it compiles to runs', async ({ project, skipped }) => {
  if (skipped) return;
  await writeFile(
    join(project, 'run.mts'),
    `import denoise, { type Denoiser, type DenoiseReport, openDenoiser } from 'flow-denoise';
    import * as core from 'flow-denoise/core';
    const denoiser: Denoiser = await openDenoiser({ method: 'posterior-mean', engine: 'onnx' });
    const image = { data: new Float32Array(3 * 16 * 16).fill(0.5), width: 16, height: 16, channels: 3 } as const;
    const { report }: { report: DenoiseReport } = await denoiser.denoise(image, { sigma: 25 });
    await denoiser.close();
    // @ts-expect-error there is no such method
    void (() => openDenoiser({ method: 'magic' }));
    console.log(report.sigma, typeof denoise, typeof core);`,
  );
  const options = { module: 'nodenext', target: 'es2022', strict: true, types: ['node'] };
  await writeFile(
    join(project, 'tsconfig.json'),
    JSON.stringify({ compilerOptions: options, files: ['run.mts'] }),
  );
  // The compiler, which flow-denoise does not bring, is this checkout's; types of Node came with the package.
  const tsc = join(root, 'node_modules/typescript/bin/tsc');
  await run(process.execPath, [tsc, '-p', project], { cwd: project }).catch((error: { stdout?: string }) =>
    assert.unreachable(error.stdout),
  );
  const { stdout } = await run(process.execPath, ['run.mjs'], { cwd: project, timeout: TIMEOUT_MS });
  assert.is(stdout, '25 function object\n');
});

/** Denoises with the engine `onnx`, whose binaries are what an installation can do without or not. */
async function denoiseWithCommand(project: string, output: string): Promise<void> {
  const args = ['noisy.png', '-o', output, '--sigma', '25', '--engine', 'onnx', '--quiet'];
  await run(process.execPath, ['node_modules/flow-denoise/dist/cli/main.js', ...args], { cwd: project });
  const { format } = await sharp(await readFile(join(project, output, 'noisy.png'))).metadata();
  assert.is(format, 'png');
}

packageTest('the command runs', async ({ project, skipped }) => {
  if (skipped) return;
  await denoiseWithCommand(project, 'clean');
  assert.ok(existsSync(join(project, 'node_modules/.bin/flow-denoise')));
});

packageTest(
  'its size is as stated, and so is what is left without other platforms',
  async ({ project, skipped }) => {
    if (skipped || process.platform !== 'linux') return;
    const page = document('docs/engines.md');
    const [all = 0, few = 0, fewest = 0] = [
      / take (\d+) MiB/,
      /this leaves (\d+) MiB/,
      /read, (\d+) MiB/,
    ].map((words) => Number(words.exec(page)?.[1]));
    assert.match(document('README.md'), `it takes ${all} MiB on disk. Two lines make that [${fewest} MiB]`);
    const { text = '' } =
      snippetsOf('docs/engines.md').find(({ text }) => text.startsWith('binaries=node_modules')) ?? {};
    const lines = text.trimEnd().split('\n');
    const shell = (script: string) => run('bash', ['-ec', script], { cwd: project });
    const size = async () => Number.parseInt((await shell('du -sm node_modules')).stdout, 10);
    // Dependencies of later versions may be a little larger.
    const isNear = (found: number, stated: number) =>
      assert.ok(Math.abs(found - stated) < 0.1 * stated, `${found} MiB, stated are ${stated}`);
    isNear(await size(), all);
    await shell(lines.slice(0, 2).join('\n'));
    isNear(await size(), few);
    await shell(lines.slice(2).join('\n'));
    isNear(await size(), fewest);
    await denoiseWithCommand(project, 'clean-pruned');
  },
);

packageTest.run();
