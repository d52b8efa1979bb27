// Tools are ended with all that they started, and their failures told.
import { existsSync, readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { runTool } from '#src/setup/run-tool.js';

const test = suite<{ folder: string }>('tools', { folder: '' });
test.before.each(async (context) => {
  context.folder = await mkdtemp(join(tmpdir(), 'flow-denoise-'));
});
test.after.each(({ folder }) => rm(folder, { recursive: true, force: true }));

const node = (program: string) => ({ command: process.execPath, args: ['-e', program] });
const installer = (folder: string, signal = new AbortController().signal) => ({
  say: () => {},
  signal,
  logPath: join(folder, 'log'),
});

test("a tool's output is returned and logged", async ({ folder }) => {
  const call = { step: 'Asking', ...node('console.log("out"); console.error("err")'), remedy: 'none' };
  assert.is(await runTool(installer(folder), call), 'out\n');
  const log = await readFile(join(folder, 'log'), 'utf8');
  assert.match(log, /\$ .*node.* -e/);
  assert.match(log, 'out');
  assert.match(log, 'err');
});

test('a failing tool is told by step, its own last words, log and remedy', async ({ folder }) => {
  const program = 'for (let i = 0; i < 99; i++) console.log("line", i); process.exit(3)';
  const call = { step: 'Building', ...node(program), remedy: 'build better' };
  const error = await runTool(installer(folder), call).catch((thrown: unknown) => thrown);
  assert.is((error as { code: string }).code, 'INSTALL_FAILED');
  assert.match(
    String(error),
    /Building failed: .*line 94\n.*line 98 \(all of it in .*log\)\. To do: build better/s,
  );
  assert.not.match(String(error), 'line 90');
  const absent = runTool(installer(folder), {
    step: 'Calling',
    command: join(folder, 'absent'),
    args: [],
    remedy: 'get it',
  });
  assert.match(String(await absent.catch((thrown: unknown) => thrown)), /Calling failed: .*ENOENT.*get it/s);
});

test('an abort ends a tool and what it has started', async ({ folder }) => {
  const stopping = new AbortController();
  const pidFile = join(folder, 'pid');
  // The child of the child says that it lives; nothing but the abort ends either.
  const grandchild = `require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); console.log('lives'); setInterval(() => {}, 1e6)`;
  const program = `require('child_process').spawn(process.execPath, ['-e', ${JSON.stringify(grandchild)}], { stdio: 'inherit' }); setInterval(() => {}, 1e6)`;
  const running = runTool(installer(folder, stopping.signal), {
    step: 'Waiting',
    ...node(program),
    remedy: '',
  });
  while (
    !(existsSync(join(folder, 'log')) && (await readFile(join(folder, 'log'), 'utf8')).includes('lives\n'))
  )
    await new Promise((resolve) => setImmediate(resolve));
  stopping.abort(new Error('stopped by the test'));
  assert.match(String(await running.catch((thrown: unknown) => thrown)), 'stopped by the test');
  const pid = Number(await readFile(pidFile, 'utf8'));
  // Its end of our pipe is closed, so it has ended, or is about to.
  while (isRunning(pid)) await new Promise((resolve) => setImmediate(resolve));
});

/** A process that has ended may stay in the table until somebody asks for its exit code. */
function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return process.platform !== 'linux' || !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

test.run();
