// Fetches one package from the registry that its tool is configured for, and unpacks it. Installs nothing and runs nothing of it.
import { execFile } from 'node:child_process';
import { mkdir, readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export type Registry = 'debian' | 'npm' | 'pypi';

/** A package whose files lie in `folder`, as they lie in the package. */
export interface UnpackedPackage {
  readonly registry: Registry;
  readonly name: string;
  readonly version: string;
  readonly folder: string;
}

const run = promisify(execFile);

/**
 * @param work  an empty folder for it
 * @throws      what the tool says, where it has no such package
 */
export async function fetchPackage(registry: Registry, name: string, work: string): Promise<UnpackedPackage> {
  const [folder, cwd] = [path.join(work, 'unpacked'), path.join(work, 'download')];
  await Promise.all([mkdir(folder), mkdir(cwd)]);
  switch (registry) {
    case 'debian': {
      await run('apt-get', ['download', '--quiet', name], { cwd });
      const archive = await onlyFile(cwd, '.deb');
      await run('dpkg-deb', ['-x', archive, folder]);
      const { stdout } = await run('dpkg-deb', ['-f', archive, 'Version']);
      return { registry, name, version: stdout.trim(), folder };
    }
    case 'npm': {
      await run('npm', ['pack', '--silent', name], { cwd });
      await run('tar', ['-xzf', await onlyFile(cwd, '.tgz'), '-C', folder]);
      const { version } = JSON.parse(await readFile(path.join(folder, 'package/package.json'), 'utf8'));
      return { registry, name, version, folder };
    }
    case 'pypi': {
      await run('pip', ['download', '--quiet', '--no-deps', '--only-binary', ':all:', name], { cwd });
      const archive = await onlyFile(cwd, '.whl');
      await run('python3', ['-m', 'zipfile', '-e', archive, folder]);
      // PEP 427: {distribution}-{version}(-{build tag})?-{python tag}-{abi tag}-{platform tag}.whl
      return { registry, name, version: path.basename(archive).split('-')[1] ?? '', folder };
    }
    default:
      return registry satisfies never;
  }
}

async function onlyFile(folder: string, extension: string): Promise<string> {
  const files = (await readdir(folder)).filter((file) => file.endsWith(extension));
  if (files.length !== 1)
    throw new Error(`Expected one ${extension} file in ${folder} but found ${files.length}`);
  return path.join(folder, files[0] as string);
}
