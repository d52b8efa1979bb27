// @tensorflow/tfjs-node-gpu from npm, and its addon, compiled against the libtensorflow beside it. The package's install
// script never runs: it downloads libtensorflow 2.9 and removes any other.
import { existsSync } from 'node:fs';
import { rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  packagesFolder,
  TENSORFLOW_PACKAGE,
  type TensorflowDescription,
} from '../core/engine/packages/tensorflow-package.js';
import { type Installer, runTool } from './run-tool.js';

/** node-gyp is the last that runs on Node 20. npm has its own, but its place varies. */
export const PACKAGES = [`${TENSORFLOW_PACKAGE}@4.22.0`, 'node-gyp@11.4.2'];

/** Downloads the packages into an empty folder, without the addon. */
export async function fetchPackages(folder: string, installer: Installer): Promise<void> {
  installer.say(`packages: fetching ${PACKAGES.join(' and ')} with npm`);
  await writeFile(join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--omit=dev', '--loglevel=error'];
  await runTool(installer, {
    step: `Fetching ${TENSORFLOW_PACKAGE}`,
    command: 'npm',
    // Inside an npm script, the environment names the script's project, so we override it.
    args: ['install', '--prefix', folder, '--global=false', ...options, ...PACKAGES],
    cwd: folder,
    remedy:
      'check that npm reaches its registry (npm ping; npm config get registry), then run the command again',
  });
}

/** The prefix of the running Node's headers on this machine, if npm's option nodedir or Node itself has them. */
function headersHere(): string | undefined {
  return [process.env.npm_config_nodedir, dirname(dirname(process.execPath))].find(
    (prefix) => prefix && existsSync(join(prefix, 'include', 'node', 'node_api.h')),
  );
}

/** Compiles the addon in an installation, with the packages and libtensorflow. Replaces an earlier attempt. */
export async function buildAddon(installation: string, python: string, installer: Installer): Promise<void> {
  const packages = packagesFolder(installation);
  const inPackage = (name: string) => join(packages, 'node_modules', TENSORFLOW_PACKAGE, name);
  for (const name of ['deps', 'build', 'lib']) await rm(inPackage(name), { recursive: true, force: true });
  await symlink('../../../../libtensorflow', inPackage('deps'));
  const headers = headersHere();
  installer.say(`addon: compiling with the headers of Node ${headers ? `in ${headers}` : 'from nodejs.org'}`);
  const downloaded = join(installation, 'headers');
  await runTool(installer, {
    step: 'Compiling the addon',
    command: process.execPath,
    args: [
      join(packages, 'node_modules', '@mapbox', 'node-pre-gyp', 'bin', 'node-pre-gyp'),
      'install',
      '--build-from-source',
      '--jobs=max',
      ...(headers ? [`--nodedir=${headers}`] : []),
    ],
    cwd: inPackage(''),
    env: {
      PYTHON: python,
      npm_config_node_gyp: join(packages, 'node_modules', 'node-gyp', 'bin', 'node-gyp.js'),
      npm_config_devdir: downloaded,
      // The addon's own rpath is for a library called libtensorflow; the wheel's is libtensorflow_cc.
      ...(process.platform === 'darwin' && { LDFLAGS: '-Wl,-rpath,@loader_path/../../deps/lib' }),
    },
    remedy:
      'look into the log; a compiler of C++17 is needed, of C++20 for Node 22 and later. If nodejs.org cannot be reached, ' +
      'name a folder that has include/node/node_api.h in the variable npm_config_nodedir (the archives of nodejs.org have it, ' +
      `and the package node-${process.platform}-${process.arch}@${process.versions.node} of npm's registry), or a mirror of ` +
      'nodejs.org/dist in NODEJS_ORG_MIRROR',
  });
  await rm(downloaded, { recursive: true, force: true });
}

/**
 * Imports an installation and computes a convolution, in a process of its own, which alone ends if it crashes.
 *
 * @throws  FlowDenoiseError INSTALL_FAILED if it does not load or computes wrongly
 */
export async function verify(installation: string, installer: Installer): Promise<TensorflowDescription> {
  const program = fileURLToPath(new URL('./verification.js', import.meta.url));
  const output = await runTool(installer, {
    step: 'Verifying TensorFlow',
    command: process.execPath,
    args: [program, packagesFolder(installation)],
    remedy: 'run the command again with --force; if that does not help, report it with the log',
  });
  const description = JSON.parse(output.trim().split('\n').at(-1) ?? '') as TensorflowDescription;
  const { tfjsNode, libtensorflow, usesGpu } = description;
  installer.say(
    `verified: tfjs-node-gpu ${tfjsNode} with libtensorflow ${libtensorflow} computes on ${usesGpu ? 'a GPU' : 'the CPU'}`,
  );
  return description;
}
