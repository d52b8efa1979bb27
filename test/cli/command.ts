// Runs the command as users do: node dist/cli/main.js in a process of its own.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdir, readdir } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const TIMEOUT_MS = 120_000;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  /** stdout, undecoded. */
  readonly bytes: Buffer;
  readonly stderr: string;
}

export interface RunOptions {
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** What comes on stdin; without it stdin is closed. */
  readonly input?: Buffer;
  /** Called with the process once it has begun. */
  readonly during?: (child: ChildProcess) => void;
}

/** Resolves when the process has ended by itself; a signal of ours after two minutes shows in `signal`. */
export function command(
  args: readonly string[],
  { cwd, env, input, during }: RunOptions = {},
): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [main, ...args], {
      cwd,
      env: { ...process.env, NO_COLOR: '1', ...env },
      timeout: TIMEOUT_MS,
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
    });
    const pieces: Buffer[] = [];
    let stderr = '';
    child.stdout?.on('data', (piece: Buffer) => pieces.push(piece));
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
    });
    // It may end before it has read all that it is given.
    child.stdin?.on('error', () => {}).end(input);
    child.on('error', reject).on('close', (code, signal) => {
      const bytes = Buffer.concat(pieces);
      resolve({ code, signal, bytes, stdout: bytes.toString('utf8'), stderr });
    });
    during?.(child);
  });
}

/** Every file below the folder, hidden and temporary ones too; none when there is no folder. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => `${entry.parentPath}/${entry.name}`.slice(folder.length + 1))
    .sort();
}

/**
 * Makes a folder inside this one that nobody can read, not even root: its name is not text, so Node.js names it `bad\ufffd`.
 * Returns false, and tells it, where the system allows no such name.
 */
export async function makeUnreadable(folder: string): Promise<boolean> {
  try {
    await mkdir(Buffer.concat([Buffer.from(`${folder}/bad`), Buffer.of(0xff)]));
    if ((await readdir(folder)).includes('bad\ufffd')) return true;
  } catch {}
  console.log('\nSKIP a folder that cannot be read: every folder name is text on this system');
  return false;
}
