// Watching folders in the tests: the pictures, the watcher in this process or in one of its own, and what became of it.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import type { FolderWatcher } from '#src/plugin/watch/folder-watcher.js';
import { watchFolder } from '#src/plugin/watch/folder-watcher.js';
import type { WatchFolderOptions } from '#src/plugin/watch/options.js';
import { filesBelow } from '../../cli/command.js';
import { identityDenoiser } from '../identity-denoiser.js';
import { noisyPicture, withFolder } from '../pictures.js';

/** A folder with `in` and `out` below it. */
export interface Place {
  readonly root: string;
  readonly input: string;
  readonly output: string;
}

export function withPlace<Result>(use: (place: Place) => Promise<Result>): Promise<Result> {
  return withFolder(async (root) => {
    const place = { root, input: join(root, 'in'), output: join(root, 'out') };
    await mkdir(place.input);
    return use(place);
  });
}

export async function put(folder: string, name: string, bytes: Buffer | string): Promise<string> {
  const path = join(folder, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
  return path;
}

/** A small PNG, another one for each seed. */
export function png(seed: number): Promise<Buffer> {
  return noisyPicture('png', { width: 24, height: 20, seed });
}

/** What happened, as "event path" with the path below the input folder. */
export interface Told {
  readonly events: string[];
  /** Resolves when this has happened `times` times since the beginning. */
  until(event: string, times?: number): Promise<void>;
}

export const EVENTS = ['ready', 'taken', 'done', 'failed', 'skipped', 'problem', 'idle'] as const;

/** Watches in this process with a denoiser that changes nothing. */
export function watching(
  place: Place,
  options: Partial<WatchFolderOptions> = {},
): { watcher: FolderWatcher; told: Told } {
  const watcher = watchFolder({
    input: place.input,
    output: place.output,
    denoiser: identityDenoiser(),
    settle: 60,
    patience: 300,
    ...options,
  });
  const events: string[] = [];
  for (const event of EVENTS)
    watcher.on(event, (told: object) => {
      const input = 'input' in told && typeof told.input === 'string' ? told.input : '';
      events.push(`${event} ${input.slice(place.input.length + 1)}`.trim());
    });
  async function until(event: string, times = 1): Promise<void> {
    const isOver = () => events.filter((each) => each === event).length >= times;
    for (let i = 0; i < 3000 && !isOver(); i++) await delay(10);
    if (!isOver()) throw new Error(`"${event}" did not come; there came:\n${events.join('\n')}`);
  }
  return { watcher, told: { events, until } };
}

/** Everything that is there, once. */
export async function watchOnce(place: Place, options: Partial<WatchFolderOptions> = {}): Promise<string[]> {
  const { watcher, told } = watching(place, { once: true, ...options });
  await watcher.finished;
  return told.events;
}

/** The files of a folder that a user sees. */
export async function visibleFiles(folder: string): Promise<string[]> {
  return (await filesBelow(folder)).filter((path) => !path.split('/').some((part) => part.startsWith('.')));
}

/** The files of ours that should not outlive the work. */
export async function temporaryFiles({ input, output }: Place): Promise<string[]> {
  const all = [...(await filesBelow(input)), ...(await filesBelow(output))];
  return all.filter((path) => /temporary\/|\.tmp$|lock/.test(path));
}

export async function pixels(file: string | Buffer): Promise<Buffer> {
  return sharp(file).raw().toBuffer();
}

const child = fileURLToPath(new URL('./child.ts', import.meta.url));

export interface Child {
  readonly process: ChildProcess;
  /** The events so far. */
  readonly events: Record<string, unknown>[];
  /** Resolves with the first such event, or undefined where the process ended before. */
  first(event: string): Promise<Record<string, unknown> | undefined>;
  /** Resolves when the process has ended, with its exit code. */
  readonly ended: Promise<number | null>;
}

/** Watches in a process of its own. `milliseconds`: how long its denoiser takes for a picture. */
export function watchInChild(
  { input, output }: Place,
  options: Partial<WatchFolderOptions> & { milliseconds?: number } = {},
): Child {
  const settings = JSON.stringify({ input, output, settle: 60, patience: 300, ...options });
  const process = spawn(globalThis.process.execPath, ['--import', 'tsx', child, settings], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const events: Record<string, unknown>[] = [];
  const waiting = new Map<string, (event: Record<string, unknown> | undefined) => void>();
  const lines = createInterface({ input: process.stdout });
  lines.on('line', (line) => {
    const event = JSON.parse(line) as Record<string, unknown>;
    events.push(event);
    waiting.get(String(event.event))?.(event);
  });
  const ended = Promise.all([once(process, 'exit'), once(lines, 'close')]).then(([[code]]) => {
    for (const tell of waiting.values()) tell(undefined);
    return code as number | null;
  });
  return {
    process,
    events,
    ended,
    first: (name) =>
      new Promise((resolve) => {
        const before = events.find(({ event }) => event === name);
        if (before) resolve(before);
        else waiting.set(name, resolve);
        ended.then(() => resolve(undefined));
      }),
  };
}

/**
 * Looks at a folder again and again: every file under a picture's name must be a whole picture whenever it is seen.
 *
 * @returns  stops it, and tells how many files it has seen
 */
export function checkWholeness(folder: string): () => Promise<number> {
  const seen = new Set<string>();
  let isOver = false;
  async function look(): Promise<void> {
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => [])) {
      const path = `${entry.parentPath}/${entry.name}`;
      const isOurs = path.slice(folder.length + 1).startsWith('.') || entry.name.startsWith('.');
      if (!entry.isFile() || isOurs || seen.has(path)) continue;
      await sharp(path, { failOn: 'warning' })
        .stats()
        .catch((error: unknown) => {
          throw new Error(`${path} was seen in part: ${error}`);
        });
      seen.add(path);
    }
  }
  const looking = (async () => {
    while (!isOver) {
      await look();
      await delay(5);
    }
    await look();
  })();
  looking.catch(() => {});
  return async () => {
    isOver = true;
    await looking;
    return seen.size;
  };
}
