// The rooms of docs/architecture.md: a room imports from itself and from rooms above it, never from below. And what keeps
// the folders easy to look through: few files in each, short ones, no circles.
import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';

const SRC = fileURLToPath(new URL('../src/', import.meta.url));

/** From the top. src/index.ts and src/core/index.ts are the package's doors and stand below all they show. */
const ROOMS = [
  'core/printable',
  'core/errors',
  'core/files',
  'core/lock',
  'core/picture',
  'core/metrics',
  'core/ops',
  'core/flow',
  'core/noise',
  'core/model',
  'core/inference',
  'core/engine',
  'core/index',
  'tile',
  'denoiser',
  'image',
  'figure',
  'plugin',
  'queue',
  'train',
  'evaluate',
  'setup',
  'cli',
  'index',
] as const;

/** Rooms apart although one stands above the other: pictures on disk know nothing of how they are denoised. */
const APART = new Set(['image -> denoiser']);
/** The program's and the library's last word: nothing in src imports them. */
const DOORS = new Set(['core/index', 'index', 'cli']);

/** The room of a file, its path relative to src. */
function roomOf(file: string): string | undefined {
  const module = file.replace(/\.ts$/, '');
  return ROOMS.find((room) => module === room || module.startsWith(`${room}/`));
}

/** The files of src that a file imports, statically, dynamically, for types or as a worker. */
function importsOf(file: string, text: string): string[] {
  const pattern = /(?:\bfrom|\bimport|\bimport\s*\(|new URL\()\s*['"](\.{1,2}\/[^'"]+)\.js['"]/g;
  return [...text.matchAll(pattern)].map(([, target]) =>
    path.posix.normalize(`${path.posix.dirname(file)}/${target}.ts`),
  );
}

function violation(from: string, to: string): string | undefined {
  const [own, other] = [roomOf(from), roomOf(to)];
  if (own === undefined || other === undefined) return `${own === undefined ? from : to} is in no known room`;
  if (own === other) return undefined;
  const isAbove = ROOMS.indexOf(other as never) < ROOMS.indexOf(own as never);
  if (isAbove && !APART.has(`${own} -> ${other}`) && !DOORS.has(other)) return undefined;
  return `${from} imports ${to}: ${own} -> ${other}`;
}

const files = globSync('**/*.ts', { cwd: SRC }).sort();
const texts = new Map(files.map((file) => [file, readFileSync(path.join(SRC, file), 'utf8')]));
const edges = files.flatMap((from) =>
  importsOf(from, texts.get(from) ?? '').map((to) => [from, to] as const),
);

/** Files that are loaded with one: by static imports of values. */
function loadedWith(entry: string): {
  readonly files: ReadonlySet<string>;
  readonly packages: ReadonlySet<string>;
} {
  const [loaded, packages] = [new Set<string>([entry]), new Set<string>()];
  for (const file of loaded)
    for (const [, names = '', target = ''] of (texts.get(file) ?? '').matchAll(
      /^(?:import|export) (?!type\b)([^;]*?)\bfrom '([^']+)';/gms,
    )) {
      if (/^\{(\s*type [^,}]+,?)*\s*\}\s*$/.test(names)) continue;
      if (target.startsWith('.'))
        loaded.add(path.posix.normalize(`${path.posix.dirname(file)}/${target.replace(/js$/, 'ts')}`));
      else packages.add(target);
    }
  return { files: loaded, packages };
}

test('a run loads no other command, and no package that it may not need', () => {
  const { files: loaded, packages } = loadedWith('cli/main.ts');
  assert.ok(loaded.has('cli/run/run.ts') && packages.has('sharp'), [...packages].join());
  const others = [...loaded].filter((file) =>
    /^(train|evaluate|queue|setup)\/|^plugin\/watch\/arrivals/.test(file),
  );
  assert.equal(others, []);
  for (const name of ['cacache', 'through2', 'vinyl', 'chokidar', 'proper-lockfile', 'd3-shape'])
    assert.not.ok(packages.has(name), name);
});

test('imports go upwards only', () => {
  assert.ok(edges.length > files.length, `only ${edges.length} imports found`);
  const violations = edges.flatMap(([from, to]) => violation(from, to) ?? []);
  assert.equal(violations, []);
});

test('every import is of a file that is there', () => {
  for (const [from, to] of edges) assert.ok(texts.has(to), `${from} imports ${to}`);
});

test('the scan sees every way of importing', () => {
  const text = `
    import type { A } from '../core/flow/a.js';
    import {
      b,
    } from './b.js';
    export * from "../tile/c.js";
    import './d.js';
    const e = await import('../image/e.js');
    new Worker(new URL('./f.js', import.meta.url));
    import sharp from 'sharp';`;
  assert.equal(importsOf('denoiser/x.ts', text), [
    'core/flow/a.ts',
    'denoiser/b.ts',
    'tile/c.ts',
    'denoiser/d.ts',
    'image/e.ts',
    'denoiser/f.ts',
  ]);
});

test('the scan sees violations', () => {
  for (const [from, to] of [
    ['core/flow/glow.ts', 'core/model/load-prior.ts'],
    ['core/inference/climb.ts', 'tile/plan.ts'],
    ['denoiser/open-denoiser.ts', 'image/decode.ts'],
    ['image/decode.ts', 'denoiser/options.ts'],
    ['plugin/gulp.ts', 'cli/run/run.ts'],
    ['plugin/gulp.ts', 'index.ts'],
    ['tile/plan.ts', 'elsewhere/plan.ts'],
  ] as const)
    assert.type(violation(from, to), 'string', `${from} -> ${to}`);
  for (const [from, to] of [
    ['tile/plan.ts', 'core/errors.ts'],
    ['image/decode.ts', 'core/picture.ts'],
    ['cli/run/run.ts', 'image/decode.ts'],
    ['core/flow/glow.ts', 'core/flow/latents.ts'],
  ] as const)
    assert.is(violation(from, to), undefined, `${from} -> ${to}`);
});

test('every folder under src is a room', () => {
  const folders = (under: string) =>
    readdirSync(path.join(SRC, under), { withFileTypes: true })
      .filter((entry) => entry.isDirectory())
      .map(({ name }) => `${under}${name}`);
  const known: readonly string[] = ROOMS;
  const found = [...folders('').filter((folder) => folder !== 'core'), ...folders('core/')];
  assert.equal(
    found.filter((folder) => !known.includes(folder)),
    [],
  );
  assert.ok(found.length >= 12, found.join());
});

/** A circle of files that import one another, types too; undefined where there is none. */
function circleIn(graph: ReadonlyMap<string, readonly string[]>): string[] | undefined {
  const done = new Set<string>();
  const way: string[] = [];
  function visit(file: string): string[] | undefined {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    way.push(file);
    for (const next of graph.get(file) ?? []) {
      const circle = visit(next);
      if (circle) return circle;
    }
    way.pop();
    done.add(file);
    return undefined;
  }
  for (const file of graph.keys()) {
    const circle = visit(file);
    if (circle) return circle;
  }
  return undefined;
}

test('no files of src import each other in a circle', () => {
  // A worker is a program of its own: that its file is named is no import.
  const graph = new Map(
    [...texts].map(([file, text]) => [file, importsOf(file, text.replaceAll(/new URL\(/g, ''))] as const),
  );
  assert.is(circleIn(graph), undefined);
  assert.equal(
    circleIn(
      new Map([
        ['a', ['b']],
        ['b', ['c']],
        ['c', ['b']],
      ]),
    ),
    ['b', 'c', 'b'],
  );
});

const MOST_FILES = 15;
const MOST_LINES = 400;
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const everyFile = globSync(['src/**', 'test/**', 'bench/**', 'scripts/**'], { cwd: ROOT });

test('no folder has more than 15 files', () => {
  const counts = new Map<string, number>();
  for (const file of everyFile) {
    const folder = path.posix.dirname(file);
    counts.set(folder, (counts.get(folder) ?? 0) + 1);
  }
  assert.ok(counts.size > 50, `only ${counts.size} folders found`);
  assert.equal(
    [...counts].filter(([, count]) => count > MOST_FILES),
    [],
  );
});

test('no file is longer than 400 lines or named for nothing in particular', () => {
  for (const file of everyFile.filter((name) => name.endsWith('.ts'))) {
    const lines = readFileSync(path.join(ROOT, file), 'utf8').trimEnd().split('\n').length;
    assert.ok(lines <= MOST_LINES, `${file} has ${lines} lines`);
    assert.not.match(file, /(?:^|[/.-])(?:utils?|helpers?|common|misc)(?:[/.-]|$)/i);
  }
});

test('the drawing in docs/architecture.md shows every folder of src and fits on a screen', () => {
  const text = readFileSync(path.join(ROOT, 'docs/architecture.md'), 'utf8');
  const drawing = /^```\n([\s\S]*?)^```/m.exec(text)?.[1] ?? '';
  const lines = drawing.split('\n');
  assert.ok(lines.length > 10 && lines.length <= 46, `${lines.length} lines`);
  const words = new Set(drawing.split(/[^\w-]+/));
  const folders = new Set(files.map((file) => path.posix.dirname(file)).filter((folder) => folder !== '.'));
  assert.equal(
    [...folders].filter((folder) => !words.has(path.posix.basename(folder))),
    [],
  );
});

test.run();
