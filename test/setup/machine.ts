// A machine of nothing but stand-ins: a folder that is all of the PATH, with the tools as small scripts of sh, and a
// cache folder. Nothing is downloaded.
import { chmod, mkdir, mkdtemp, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Machine {
  readonly folder: string;
  readonly cache: string;
  readonly env: Readonly<Record<string, string>>;
  /** Puts a tool on the PATH, or replaces it; it logs its first argument. */
  tool(name: string, script: string): Promise<void>;
  /** The tools that were called, each with its first argument, in order. */
  calls(): Promise<string[]>;
}

/** Python that is new enough and has venv, or not, and whose pip answers with `pip`. */
export function pythonScript({ isSuitable = true, pip = 'exit 0' } = {}): string {
  // With sh alone: `python3 -m venv DIR` makes DIR/bin/python.
  return `case "$1 $2" in
-c*) ${isSuitable ? 'echo 3.12.1' : 'exit 1'};;
"-m venv") ${MKDIR} -p "$3/bin"; printf '#!/bin/sh\\n%s\\n' '${pip}' > "$3/bin/python"; ${CHMOD} +x "$3/bin/python";;
esac`;
}
const [MKDIR, CHMOD] = ['/bin/mkdir', '/bin/chmod'];

export const workingTools: Readonly<Record<string, string>> = {
  npm: '[ "$1" = --version ] && echo 11.0.0; exit 0',
  'g++': '[ "$1" = --version ] && echo "g++ 12.2.0"; exit 0',
  make: 'echo "GNU Make 4.3"',
  python3: pythonScript(),
};

/** Runs `use` on a machine that has these tools, and removes it. */
export async function withMachine(
  tools: Readonly<Record<string, string>>,
  use: (machine: Machine) => Promise<void>,
): Promise<void> {
  const folder = await realpath(await mkdtemp(join(tmpdir(), 'flow-denoise-')));
  const [bin, cache, headers, calls] = ['bin', 'cache', 'prefix/include/node', 'calls'].map((name) =>
    join(folder, name),
  ) as [string, string, string, string];
  const machine: Machine = {
    folder,
    cache,
    env: {
      PATH: bin,
      FLOW_DENOISE_CACHE: cache,
      npm_config_nodedir: join(folder, 'prefix'),
      CXX: '',
      MAKE: '',
    },
    async tool(name, script) {
      await writeFile(join(bin, name), `#!/bin/sh\necho "${name} $1" >> '${calls}'\n${script}\n`);
      await chmod(join(bin, name), 0o755);
    },
    calls: async () => (await readFile(calls, 'utf8').catch(() => '')).trim().split('\n'),
  };
  try {
    await mkdir(bin);
    await mkdir(headers, { recursive: true });
    await writeFile(join(headers, 'node_api.h'), '');
    for (const [name, script] of Object.entries(tools)) await machine.tool(name, script);
    await use(machine);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
