// Runs a tool (pip, npm, node-gyp ...): logs its output, stops its whole process group on abort, and reports a failure with
// its last lines.
import { type ChildProcess, spawn } from 'node:child_process';
import { type Installer, installFailed, log } from './installer.js';

/** How long a tool may take to stop before it is killed. */
const GRACE_MS = 3000;
const TAIL_LINES = 6;
const TAIL_CHARACTERS = 900;

interface ToolCall {
  readonly step: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  /** Added to the process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Turns the tool's output into the error to throw. Default, or if undefined: INSTALL_FAILED with the last lines. */
  readonly failure?: (output: string) => Error | undefined;
  readonly remedy: string;
}

/**
 * @returns  the tool's stdout
 * @throws   FlowDenoiseError INSTALL_FAILED, or the error of `call.failure`; the signal's reason when aborted, once its
 *           processes have ended
 */
export async function runTool(call: ToolCall, installer: Installer): Promise<string> {
  const { command, args, cwd, env } = call;
  installer.signal.throwIfAborted();
  log(installer, `\n$ ${[command, ...args].join(' ')}\n`);
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
    // Its own process group, so that its children are stopped too.
    detached: true,
  });
  const { code, stdout, output, error } = await ending(child, installer);
  installer.signal.throwIfAborted();
  if (code === 0) return stdout;
  log(installer, `(ended with ${code ?? error?.message})\n`);
  throw call.failure?.(output) ?? toolFailed(call, error?.message ?? tail(output, code), installer, error);
}

function toolFailed(call: ToolCall, reason: string, { logPath }: Installer, cause?: Error): Error {
  return installFailed(call.step, `${call.command}: ${reason} (all of it in ${logPath})`, call.remedy, {
    cause,
  });
}

interface Ending {
  readonly code: number | NodeJS.Signals | null;
  readonly stdout: string;
  /** stdout and stderr, interleaved. */
  readonly output: string;
  readonly error?: Error;
}

function ending(child: ChildProcess, installer: Installer): Promise<Ending> {
  return new Promise((resolve) => {
    let [stdout, output] = ['', ''];
    const take = (text: string): void => {
      output += text;
      log(installer, text);
    };
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      take(text);
    });
    child.stderr?.setEncoding('utf8').on('data', take);

    let deadline: NodeJS.Timeout | undefined;
    const stop = (): void => {
      stopGroup(child, 'SIGTERM');
      deadline = setTimeout(() => stopGroup(child, 'SIGKILL'), GRACE_MS);
    };
    const settle = (result: Ending): void => {
      clearTimeout(deadline);
      installer.signal.removeEventListener('abort', stop);
      resolve(result);
    };
    installer.signal.addEventListener('abort', stop);
    child
      .on('error', (error) => settle({ code: null, stdout, output, error }))
      .on('close', (code, signal) => settle({ code: code ?? signal, stdout, output }));
  });
}

function stopGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // Already gone.
  }
}

/** The end of a tool's output: its error lines if it marks them, else its last lines. */
function tail(output: string, code: number | NodeJS.Signals | null): string {
  const lines = output.split(/\r?\n/).filter((line) => line.trim() !== '');
  const errors = lines.filter((line) => /\berror\b|\bfailed\b/i.test(line));
  const last = (errors.length > 0 ? errors : lines).slice(-TAIL_LINES).join('\n');
  return last === '' ? `ended with ${code} and printed nothing` : last.slice(-TAIL_CHARACTERS);
}
