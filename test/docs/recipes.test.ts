// The README's recipes do what they say, in a project of their own that has the built package, gulp and sharp. Each
// block of code that begins with the name of a file is that file.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { noisyPicture } from '../plugin/pictures.js';
import { codeBlocks, document, root, section } from './documents.js';

const readme = document('README.md');
const test = suite<{ project: string }>('recipes', { project: '' });

test.before(async (context) => {
  const project = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
  context.project = project;
  const modules = join(project, 'node_modules');
  await mkdir(join(project, 'photos', 'below'), { recursive: true });
  await mkdir(modules);
  await symlink(root, join(modules, 'flow-denoise'), 'junction');
  for (const name of ['gulp', 'sharp', '@types'])
    await symlink(`${root}node_modules/${name}`, join(modules, name), 'junction');
  await writeFile(join(project, 'noisy.png'), await noisyPicture('png'));
  await writeFile(join(project, 'photos', 'a.png'), await noisyPicture('png'));
  await writeFile(join(project, 'photos', 'below', 'b.jpg'), await noisyPicture('jpeg'));
});
test.after(({ project }) => rm(project, { recursive: true }));

async function writeFileOf(recipe: string, project: string): Promise<string> {
  const [block = ''] = codeBlocks(section(readme, `### ${recipe}`), 'js');
  const file = /^\/\/ (\S+)\n/.exec(block)?.[1];
  assert.ok(file, `the block of ${recipe} does not begin with the name of its file`);
  await writeFile(join(project, file), block);
  return file;
}

/** Runs node in the project; its output is shown where it fails. */
async function run(args: readonly string[], { cwd }: { readonly cwd: string }): Promise<void> {
  const child = spawn(process.execPath, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  const code = await new Promise((resolve, reject) => child.on('error', reject).on('close', resolve));
  assert.is(code, 0, `${args.join(' ')}\n${output}`);
}

test('gulp', async ({ project }) => {
  await writeFileOf('gulp', project);
  await run(['node_modules/gulp/bin/gulp.js'], { cwd: project });
  for (const file of ['clean/a.png', 'clean/below/b.jpg']) await access(join(project, file));
});

test('command', async ({ project }) => {
  const [block = ''] = codeBlocks(section(readme, '### Command'), 'sh');
  const lines = block.trim().split('\n');
  assert.ok(lines.length > 0);
  for (const line of lines) {
    await rm(join(project, 'clean'), { recursive: true, force: true });
    const [words = ''] = line.split(' > ');
    assert.ok(words.startsWith('npx flow-denoise '), line);
    const args = [...words.matchAll(/"([^"]*)"|\S+/g)].map(([word, quoted]) => quoted ?? word).slice(2);
    await run([`${root}dist/cli/main.js`, ...args], { cwd: project });
    await access(join(project, 'clean', 'below', 'b.jpg'));
  }
});

test('server: a picture in, a picture out; what is none is refused', async ({ project }) => {
  const file = await writeFileOf('Server', project);
  const env = { ...process.env, PORT: '0' };
  const child = spawn(process.execPath, [file], { cwd: project, env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.on('close', resolve));
  try {
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const url = `http://localhost:${/^port (\d+)/.exec(String(line))?.[1]}`;
    const noisy = await readFile(join(project, 'noisy.png'));
    const good = await fetch(url, { method: 'POST', body: noisy });
    const clean = Buffer.from(await good.arrayBuffer());
    assert.is(good.status, 200, String(clean));
    assert.not.equal(clean, noisy);
    assert.is((await sharp(clean).metadata()).format, 'png');
    const bad = await fetch(url, { method: 'POST', body: 'no picture' });
    assert.is(bad.status, 415);
    assert.match(await bad.text(), 'found text');
  } finally {
    child.kill('SIGTERM');
  }
  assert.is(await ended, 0);
});

test('program: runs, and its types are right', async ({ project }) => {
  const file = await writeFileOf('Program', project);
  await run([file], { cwd: project });
  const [before, after] = await Promise.all(
    ['noisy.png', 'clean.png'].map((name) => sharp(join(project, name)).metadata()),
  );
  assert.equal([after?.width, after?.height], [before?.width, before?.height]);

  const compilerOptions = {
    allowJs: true,
    checkJs: true,
    noEmit: true,
    strict: true,
    target: 'ES2023',
    module: 'NodeNext',
    types: ['node'],
  };
  await writeFile(join(project, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: [file] }));
  await run([`${root}node_modules/typescript/bin/tsc`, '-p', project], { cwd: project });
});

test.run();
