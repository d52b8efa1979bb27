// The piece `packages`: @tensorflow/tfjs-node-gpu with what it requires, from npm, and its addon compiled against the
// piece `libtensorflow`. The package's own install script is never run: it wants libtensorflow 2.9 from a download site
// and begins by removing any other.
import { readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TENSORFLOW_PACKAGE } from '../core/engine/tensorflow-package.js';
import { type Installer, installFailed } from './installer.js';
import { makePiece } from './piece.js';
import { nodeHeaders } from './prerequisites.js';
import { runTool } from './run-tool.js';
import { folderSize, sizeWords, startClock } from './sizes.js';

const TFJS_NODE_VERSION = '4.22.0';
/** The last that runs on Node 20; npm's own would do as well, but does not lie in the same place everywhere. */
const NODE_GYP_VERSION = '11.4.2';

export const PACKAGES = `${TENSORFLOW_PACKAGE}@${TFJS_NODE_VERSION} node-gyp@${NODE_GYP_VERSION}`;

/** Fetches the packages, without the addon. */
export async function makePackages(folder: string, installer: Installer): Promise<void> {
  installer.say(`packages: fetching ${TENSORFLOW_PACKAGE} ${TFJS_NODE_VERSION} with npm`);
  const clock = startClock();
  await makePiece(folder, PACKAGES, async (partial) => {
    await writeFile(join(partial, 'package.json'), '{ "private": true }\n');
    const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--loglevel=error'];
    await runTool(
      {
        step: `Fetching ${TENSORFLOW_PACKAGE}`,
        command: 'npm',
        // In a script of npm's, the environment says which project is meant: not this one.
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

/** Compiles the addon in `packages` for the libtensorflow beside it. What an earlier attempt has left is replaced. */
export async function buildAddon(packages: string, python: string, installer: Installer): Promise<void> {
  const clock = startClock();
  for (const name of ['deps', 'build', 'lib'])
    await rm(inPackage(packages, name), { recursive: true, force: true });
  // From packages/node_modules/@tensorflow/tfjs-node-gpu.
  await symlink('../../../../libtensorflow', inPackage(packages, 'deps'));

  const headers = nodeHeaders(process.execPath);
  const from = headers === undefined ? 'which are downloaded from nodejs.org' : `in ${headers}`;
  installer.say(`addon: compiling with the headers of Node, ${from}`);
  await runTool(
    {
      step: 'Compiling the addon',
      command: process.execPath,
      args: [
        join(packages, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp'),
        'install',
        '--build-from-source',
        '--jobs=max',
        ...(headers === undefined ? [] : [`--nodedir=${headers}`]),
      ],
      cwd: inPackage(packages),
      env: {
        PYTHON: python,
        npm_config_node_gyp: join(packages, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
        // The addon's own path there is for a library called libtensorflow; the wheel's is libtensorflow_cc.
        ...(process.platform === 'darwin' && { LDFLAGS: '-Wl,-rpath,@loader_path/../../deps/lib' }),
      },
      failure: headers === undefined ? noHeaders : undefined,
      remedy: 'look into the log; a compiler of C++17 is needed, of C++20 for Node 22 and later',
    },
    installer,
  );
  const [built] = await readdir(inPackage(packages, 'lib'));
  if (built === undefined)
    throw installFailed('Compiling the addon', 'no addon was made', `look into ${installer.logPath}`);
  installer.say(`addon: ${sizeWords(await folderSize(inPackage(packages, 'lib')))}, ${clock()}`);
}

function noHeaders(output: string): Error | undefined {
  const reason = /^gyp ERR! stack (.*(?:fetch|request|connect|E[A-Z]{4,}|status|response).*)$/m.exec(
    output,
  )?.[1];
  if (reason === undefined || /make.*failed with exit code/.test(output)) return undefined;
  return installFailed(
    'Compiling the addon',
    `the headers of Node ${process.versions.node} could not be downloaded (${reason}), and there are none beside ${process.execPath}`,
    `name a folder with include/node/node_api.h in it as npm_config_nodedir (the archives of nodejs.org and Debian's ` +
      'libnode-dev have one), or let NODEJS_ORG_MIRROR name a mirror, then run the command again',
  );
}
