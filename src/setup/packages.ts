// The step `packages`: @tensorflow/tfjs-node-gpu from npm, with its addon compiled against the step `libtensorflow`. The
// package's install script never runs: it downloads libtensorflow 2.9 and removes any other.
import { existsSync } from 'node:fs';
import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { TENSORFLOW_PACKAGE } from '../core/engine/packages/tensorflow-package.js';
import { isStepDone, makeStep } from './install-step.js';
import { folderSize, type Installer, installFailed, sizeWords, startClock } from './installer.js';
import { runTool } from './run-tool.js';

const TFJS_NODE_VERSION = '4.22.0';
/** The last that runs on Node 20. npm has its own, but its place varies. */
const NODE_GYP_VERSION = '11.4.2';

export const PACKAGES = `${TENSORFLOW_PACKAGE}@${TFJS_NODE_VERSION} node-gyp@${NODE_GYP_VERSION}`;

/** Downloads the packages, without the addon. */
export async function makePackages(folder: string, installer: Installer): Promise<void> {
  installer.say(`packages: fetching ${TENSORFLOW_PACKAGE} ${TFJS_NODE_VERSION} with npm`);
  const clock = startClock();
  await makeStep(folder, PACKAGES, async (partial) => {
    await writeFile(join(partial, 'package.json'), '{ "private": true }\n');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--loglevel=error'];
    await runTool(
      {
        step: `Fetching ${TENSORFLOW_PACKAGE}`,
        command: 'npm',
        // Inside an npm script, the environment names the script's project, so we override it.
        args: ['install', '--prefix', partial, '--global=false', ...options, ...PACKAGES.split(' ')],
        cwd: partial,
        remedy:
          'check that npm reaches its registry (npm ping; npm config get registry), then run the command again',
      },
      installer,
    );
  });
  installer.say(`packages: ${sizeWords(await folderSize(folder))}, ${clock()}`);
}

const inPackage = (folder: string, ...names: readonly string[]) =>
  join(folder, 'node_modules', ...TENSORFLOW_PACKAGE.split('/'), ...names);

const nodeGyp = (packages: string) => join(packages, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js');

/**
 * The prefix of the running Node's headers: its own, npm's option nodedir, or `folder`, to which they are then downloaded.
 *
 * @param packages  the folder with node-gyp
 */
export async function findHeaders(folder: string, packages: string, installer: Installer): Promise<string> {
  const { node } = process.versions;
  const own = [process.env.npm_config_nodedir, dirname(dirname(process.execPath))].find(
    (prefix) => prefix && existsSync(join(prefix, 'include', 'node', 'node_api.h')),
  );
  if (own !== undefined) return own;
  if (!(await isStepDone(folder, node))) {
    installer.say(
      `headers: none are beside ${process.execPath}; fetching those of Node ${node} from nodejs.org`,
    );
    await makeStep(folder, node, async (partial) => {
      await runTool(
        {
          step: 'Fetching the headers of Node',
          command: process.execPath,
          args: [nodeGyp(packages), 'install', '--ensure', `--devdir=${partial}`],
          failure: noHeaders,
          remedy: HEADERS_REMEDY,
        },
        installer,
      );
    });
  }
  return join(folder, node);
}

const HEADERS_REMEDY =
  'name a folder that has include/node/node_api.h in the variable npm_config_nodedir (the archives of nodejs.org have it, ' +
  `and the package node-${process.platform}-${process.arch}@${process.versions.node} of npm's registry), or a mirror of ` +
  'nodejs.org/dist in NODEJS_ORG_MIRROR; then run the command again';

function noHeaders(output: string): Error | undefined {
  const reason = /^gyp http fetch (GET .* failed with .*)$/m.exec(output)?.[1];
  if (reason === undefined) return undefined;
  return installFailed('Fetching the headers of Node', reason, HEADERS_REMEDY);
}

/** Compiles the addon in `packages` for the libtensorflow beside it, and replaces an earlier attempt. */
export async function buildAddon(
  packages: string,
  headers: string,
  python: string,
  installer: Installer,
): Promise<void> {
  const clock = startClock();
  for (const name of ['deps', 'build', 'lib'])
    await rm(inPackage(packages, name), { recursive: true, force: true });
  // From packages/node_modules/@tensorflow/tfjs-node-gpu.
  await symlink('../../../../libtensorflow', inPackage(packages, 'deps'));

  installer.say(`addon: compiling with the headers of Node in ${headers}`);
  await runTool(
    {
      step: 'Compiling the addon',
      command: process.execPath,
      args: [
        join(packages, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp'),
        'install',
        '--build-from-source',
        '--jobs=max',
        `--nodedir=${headers}`,
      ],
      cwd: inPackage(packages),
      env: {
        PYTHON: python,
        npm_config_node_gyp: nodeGyp(packages),
        // The addon's own rpath is for a library called libtensorflow; the wheel's is libtensorflow_cc.
        ...(process.platform === 'darwin' && { LDFLAGS: '-Wl,-rpath,@loader_path/../../deps/lib' }),
      },
      remedy: 'look into the log; a compiler of C++17 is needed, of C++20 for Node 22 and later',
    },
    installer,
  );
  const [built] = await readdir(inPackage(packages, 'lib'));
  if (built === undefined)
    throw installFailed('Compiling the addon', 'no addon was made', `look into ${installer.logPath}`);
  installer.say(`addon: ${sizeWords(await folderSize(inPackage(packages, 'lib')))}, ${clock()}`);
}
