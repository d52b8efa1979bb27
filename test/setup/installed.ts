// The installation that tests may use: the one that the machine has. Where there is none they print a SKIP line.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import {
  findTensorflow,
  INSTALL_COMMAND,
  packagesFolder,
  projectTensorflow,
  TENSORFLOW_PACKAGE,
} from '#src/core/engine/packages/tensorflow-package.js';

/** The main file of the package that importTensorflow imports; undefined where there is none. */
export async function packageFile(): Promise<string | undefined> {
  const project = projectTensorflow();
  if (project !== undefined) return project;
  const installed = await findTensorflow();
  if (installed === undefined) {
    console.log(`SKIP TensorFlow is not installed (${INSTALL_COMMAND})`);
    return undefined;
  }
  const packages = packagesFolder(installed.folder);
  return createRequire(join(packages, 'package.json')).resolve(TENSORFLOW_PACKAGE);
}
