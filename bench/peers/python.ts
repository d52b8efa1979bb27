// The private Python environment of bench/peers/peers.ts and the process in it. It lies in the project's cache folder; nothing of
// it is bundled or needed by flow-denoise.
import { type ChildProcess, type ExecFileSyncOptions, execFileSync, spawn } from 'node:child_process';
import { existsSync, writeFileSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import findCacheDirectory from 'find-cache-directory';

export const PACKAGES = ['bm3d==4.0.3', 'opencv-python-headless==5.0.0.93', 'numpy==2.4.6'];

export interface PeerJob {
  readonly method: 'bm3d' | 'nlm';
  /** [height, width, 3] in [0, 1]. */
  readonly noisy: Float32Array;
  readonly width: number;
  readonly height: number;
  /** 8-bit units. */
  readonly sigma: number;
  /** Non-local means: its filtering parameter. */
  readonly h?: number;
}

export interface PythonPeers {
  denoise(job: PeerJob): Promise<{ readonly data: Float32Array; readonly seconds: number }>;
  close(): Promise<void>;
}

/** The environment's interpreter; the environment is made and filled at the first call (a minute, from PyPI). */
function interpreter(): string {
  const folder = findCacheDirectory({ name: 'flow-denoise-peers', create: true });
  if (!folder) throw new Error('the peers need a project with a node_modules folder');
  const python = join(folder, process.platform === 'win32' ? 'Scripts/python.exe' : 'bin/python');
  const marker = join(folder, `installed-${PACKAGES.join('-')}`);
  if (existsSync(marker)) return python;
  console.error(`installing ${PACKAGES.join(', ')} (bm3d: for non-commercial use only)`);
  const inherit: ExecFileSyncOptions = { stdio: ['ignore', 'ignore', 'inherit'] };
  execFileSync(process.platform === 'win32' ? 'python' : 'python3', ['-m', 'venv', folder], inherit);
  execFileSync(python, ['-m', 'pip', 'install', '--quiet', ...PACKAGES], inherit);
  writeFileSync(marker, '');
  return python;
}

export async function openPeers(): Promise<PythonPeers> {
  const folder = await mkdtemp(join(tmpdir(), 'flow-denoise-peers-'));
  const script = fileURLToPath(new URL('denoise.py', import.meta.url));
  const child: ChildProcess = spawn(interpreter(), [script], { stdio: ['pipe', 'pipe', 'inherit'] });
  const { stdin, stdout } = child;
  if (!stdin || !stdout) throw new Error('the process has no pipes');
  const lines = createInterface({ input: stdout })[Symbol.asyncIterator]();
  return {
    async denoise({ noisy, ...job }) {
      const [input, output] = [join(folder, 'noisy.f32'), join(folder, 'clean.f32')];
      await writeFile(input, new Uint8Array(noisy.buffer, noisy.byteOffset, noisy.byteLength));
      stdin.write(`${JSON.stringify({ ...job, input, output })}\n`);
      const { value, done } = await lines.next();
      if (done) throw new Error('the Python process has ended; what it said stands above');
      const bytes = await readFile(output);
      const data = new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
      return { data, seconds: (JSON.parse(value) as { seconds: number }).seconds };
    },
    async close() {
      stdin.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
}
