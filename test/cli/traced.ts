// Runs a program under strace and says where it reached beyond the machine and its own folders.
import { spawn, spawnSync } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { filesBelow } from './command.js';

/** Set by CI services; ONNX Runtime sends nothing where it sees one, so a test that keeps them could not fail. */
const CI_MARKS = ['CI', 'TF_BUILD', 'GITHUB_ACTIONS', 'GITLAB_CI', 'TRAVIS', 'JENKINS_URL', 'CIRCLECI'];
const FROM_HOME = ['XDG_CACHE_HOME', 'XDG_CONFIG_HOME', 'XDG_DATA_HOME', 'XDG_STATE_HOME', 'XDG_RUNTIME_DIR'];
const SWITCHES = ['ORT_DISABLE_TELEMETRY', 'ORT_RUNNING_UNIT_TESTS'];

const NETWORK = ['socket', 'connect', 'sendto', 'sendmsg', 'sendmmsg'];
const FILES =
  'open openat openat2 creat mkdir mkdirat mknod mknodat rename renameat renameat2 link linkat symlink symlinkat ' +
  'unlink unlinkat rmdir truncate';
/** What a look-up of a host's name reads. */
const NAME_FILES = /"\/etc\/(resolv\.conf|hosts|gai\.conf)"/;
const INTERNET = /\bAF_INET6?\b/;

/** Why programs cannot be traced here, or undefined where they can. */
export function whyNoTrace(): string | undefined {
  const { status, error, stderr } = spawnSync('strace', ['-f', '-o', '/dev/null', 'true'], {
    encoding: 'utf8',
  });
  if (error) return `strace does not start: ${error.message}`;
  return status === 0 ? undefined : `strace may not trace here: ${stderr.trim().split('\n')[0]}`;
}

/** The file that a call names, absolute; a descriptor is printed with its path, as in `30</tmp/x>`. */
function namedFile(call: string, cwd: string): string | undefined {
  const [, descriptor, name] = call.match(/\((?:(?:AT_FDCWD|\d+)(?:<([^>]*)>)?, )?"((?:[^"\\]|\\.)*)"/) ?? [];
  return name === undefined ? undefined : path.resolve(descriptor ?? cwd, name);
}

/** A line of strace in words where it must not be; undefined where it may. */
export function trespass(line: string, allowed: readonly string[], cwd: string): string | undefined {
  const call = line.replace(/^\d+\s+/, '');
  const [name = ''] = call.match(/^\w+/) ?? [];
  if (NETWORK.includes(name)) return INTERNET.test(call) ? `network: ${call}` : undefined;
  if (NAME_FILES.test(call)) return `name look-up: ${call}`;
  if (/^open/.test(name) && !/O_WRONLY|O_RDWR|O_CREAT|O_TRUNC|O_TMPFILE/.test(call)) return undefined;
  const file = namedFile(call, cwd);
  if (file === undefined || [...allowed, '/dev', '/proc', '/sys'].some((folder) => isBelow(file, folder)))
    return undefined;
  return `file: ${call}`;
}

const isBelow = (file: string, folder: string) => file === folder || file.startsWith(`${folder}/`);

export interface Traced {
  readonly code: number | null;
  readonly stderr: string;
  /** Connections, look-ups and files outside; undefined where nothing was traced. */
  readonly trespasses: readonly string[] | undefined;
  /** Of the traced calls, how many name a file or a connection. */
  readonly calls: number;
  /** What lies in the home folder afterwards. */
  readonly home: readonly string[];
}

export interface TracedOptions {
  /** Where the run may write beside its own temporary and cache folders; it works in it. */
  readonly folder: string;
  readonly home: string;
  readonly env?: NodeJS.ProcessEnv;
}

/** @param args  of node */
export async function traced(args: readonly string[], { folder, home, env }: TracedOptions): Promise<Traced> {
  const isTraced = whyNoTrace() === undefined;
  const log = `${home}.strace`;
  const calls = [...NETWORK, ...FILES.split(' ').map((name) => `?${name}`)].join(',');
  const strace = ['strace', '-f', '-qq', '-y', '-s', '4096', '-e', `trace=${calls}`, '-o', log];
  const [program = '', ...rest] = [...(isTraced ? strace : []), process.execPath, ...args];
  // io_uring would open files past strace.
  const environment = { ...process.env, HOME: home, TMPDIR: folder, UV_USE_IO_URING: '0', ...env };
  for (const name of [...CI_MARKS, ...FROM_HOME, ...SWITCHES])
    delete (environment as NodeJS.ProcessEnv)[name];
  const child = spawn(program, rest, { cwd: folder, env: environment, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.on('error', reject).on('close', resolve);
  });
  const lines = isTraced ? (await readFile(log, 'utf8')).split('\n').filter(Boolean) : [];
  const found = lines.flatMap((line) => trespass(line, [folder], folder) ?? []);
  return {
    code,
    stderr,
    trespasses: isTraced ? found : undefined,
    calls: lines.length,
    home: await filesBelow(home),
  };
}
